"""Records of runs that a test trained in its own process, to be judged as those of a ledger are."""

from made_records import made

from audition.records.record import Record
from audition.training.job import Job
from audition.training.loop import train
from audition.training.worker import facts, measures_of


def trained(job: Job, arm: str) -> Record:
    """`job` trained to its end, as a run of `arm`; the baseline is of arm `baseline`."""
    outcome = train(job)
    measures = measures_of(job, outcome.session.batches.domains)
    told = {"measures": measures, "primary": job.task.primary, "unit": job.task.unit}
    return made(arm, job.seed, 0.0, **told, **facts(outcome, measures))
