"""What one process of a run does: build, observe, train, and report what the record will hold."""

import math
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from math import nan
from typing import Any

import torch

from audition.amount import Amount
from audition.config.instantiate import construct, factory
from audition.energy.off import Off
from audition.errors import AuditionError
from audition.execution import keep_compiled, why_uncompiled
from audition.machine import peak_memory
from audition.measure import BEST, Measure, recorded
from audition.observers.checkpoint import Checkpoint, Say, write_durably
from audition.observers.energy import Energy
from audition.observers.gates import Gates
from audition.observers.lineage import LineageLog
from audition.observers.memory import Subject
from audition.observers.metrics import Metrics
from audition.observers.observer import Observer
from audition.observers.progress import Progress, Tell
from audition.observers.sample import Sample
from audition.observers.seen_pictures import PicturesSeen
from audition.observers.spikes import Spikes
from audition.observers.watching import watching
from audition.parallel.team import ALONE, Team
from audition.parts.flops import forward_flops
from audition.recipe.weights import FILE, Kept, digest
from audition.records.record import SETTLED
from audition.session import Session
from audition.training.build import build
from audition.training.job import Job, Outcome
from audition.training.looks import Looks
from audition.training.loop import Run, train_alone
from audition.training.packing.session import train_packed
from audition.training.resume import reopened
from audition.training.run_spec import RunSpec


@dataclass(frozen=True)
class Rig:
    """A run's job, and what watches it, in one process of it."""

    spec: RunSpec
    job: Job
    energy: Energy
    observers: tuple[Observer, ...]
    say: Say

    def ending(self, outcome: Outcome) -> dict[str, Any]:
        """The facts that the run's record ends with."""
        for metric, value in outcome.final.items():
            if outcome.status == "finished" and not math.isfinite(value):
                name, _, which = metric.partition("/")
                step = outcome.session.step
                self.say(f"evaluator '{name}' gave {value} for {which} at step {step}")
        if self.spec.settings["keep"]["weights"] and outcome.status in SETTLED:
            self.keep_weights(outcome.session)
        measures = measures_of(self.job, outcome.session.batches.domains)
        return {
            "status": outcome.status,
            "reason": outcome.reason,
            "untested": self.job.recipe.apoptosis.untested(outcome.session.apoptosis),
            **facts(outcome, measures),
            "costs": {name: asdict(amount) for name, amount in operations(outcome).items()},
            **self.job.task.history(
                [e.metrics for e in outcome.session.evaluations], self.job.training.evaluations
            ),
            "measures": {name: asdict(how) for name, how in measures.items()},  # JSON, for the pipe
            **self.energy.facts(),
        }

    def keep_weights(self, session: Session) -> None:
        """Write the file of weights; a full disk costs them, never the run."""
        kept = Kept.of({**session.params, **session.buffers}, session.widths)
        if self.job.team.rank > 0:
            return
        part = self.spec.folder / f".part-{FILE}"
        try:
            write_durably(part, memoryview(kept.content()))
            part.replace(self.spec.folder / FILE)
        except OSError as error:
            self.say(f"its weights were not kept: {error.strerror or error}")


@contextmanager
def rigged(spec: RunSpec, team: Team, tell: Tell) -> Iterator[Rig]:
    """The run of `spec` as one of `team`; its first process alone writes files.

    Notes for the record are sent by `tell` as they arise.
    """
    settings, folder, key = spec.settings, spec.folder, spec.record.key
    if team.rank > 0 and not folder.is_dir():
        raise AuditionError(
            f"process {team.rank} of {team.size}, on {socket.gethostname()}, does not see {folder}: "
            "choose a paths.output_dir on a file system that all nodes share"
        )
    job = build(settings, team)

    def say(text: str) -> None:
        tell({"said": text})

    if job.execution.compile:
        keep_compiled(settings["paths"]["cache_dir"])
        if why := why_uncompiled(job.execution.device):
            say(f"{why}: going on uncompiled")
    first = team.rank == 0
    meter = construct(settings["energy"]) if first else Off()
    energy = Energy(meter, spec.at_once, cards=team.size, say=say)
    with watching((settings.get("logger") or {}) if first else {}, folder, say) as trackers:
        saving: Callable[..., Checkpoint] = Checkpoint
        if team.sharded:
            from audition.observers.sharded_checkpoint import ShardedCheckpoint

            saving = partial(ShardedCheckpoint, team)
        checkpoint = saving(folder, key, say, energy.memory, **settings["checkpoint"])
        context = job.execution.context
        look = Looks(job, packed=spec.packed)
        metrics = Metrics(folder, trackers.copies, Spikes(context), Gates(context), look)
        told = Subject(
            folder,
            job.task.primary,
            measures_of(job)[job.task.primary],
            lambda session: job.recipe.effects.meters(session.effects),
            say,
        )
        kept: Observer = factory(settings["memory"])(told)
        pictures = PicturesSeen(folder, context, say)
        watchers = (
            LineageLog(folder),
            kept,
            pictures,
            Sample(folder, settings["keep"].get("text", 0)),
            Progress(tell),
            checkpoint,
            *trackers.others,
        )
        all_of_them = (energy, metrics, *watchers)
        rest = (checkpoint,) if team.sharded else ()
        yield Rig(spec, job, energy, all_of_them if first else rest, say)


def share(
    payload: Mapping[str, Any], team: Team, tell: Tell, interrupted: Callable[[int], bool]
) -> dict[str, Any]:
    """Train the run of a RunSpec's JSON as one of `team`; returns the facts its record ends with."""
    with rigged(RunSpec.from_dict(payload), team, tell) as rig:
        run = taken_up(rig, interrupted)
        return rig.ending(train_alone(run))


def share_packed(
    specs: Sequence[RunSpec],
    tells: Sequence[Tell],
    interrupted: Sequence[Callable[[int], bool]],
) -> list[dict[str, Any] | Exception]:
    """Train the runs of `specs`, all of one arm, in one pack; what each ended with, in their order.

    Runs whose checkpoints are of different steps are packed by step, one pack after the other.
    """
    with ExitStack() as stack:
        rigs = [
            stack.enter_context(rigged(spec, ALONE, tell))
            for spec, tell in zip(specs, tells, strict=True)
        ]
        runs = [taken_up(rig, asked) for rig, asked in zip(rigs, interrupted, strict=True)]
        endings: dict[int, dict[str, Any] | Exception] = {}
        for step in sorted({run.session.step for run in runs}):
            places = [i for i, run in enumerate(runs) if run.session.step == step]
            outcomes = train_packed([runs[i] for i in places], rigs[places[0]].say)
            for place, outcome in zip(places, outcomes, strict=True):
                ended = isinstance(outcome, Exception)
                endings[place] = outcome if ended else rigs[place].ending(outcome)  # type: ignore
        return [endings[place] for place in range(len(specs))]


def taken_up(rig: Rig, interrupted: Callable[[int], bool]) -> Run:
    """The run where its newest good checkpoint left it, or at its start."""
    if rig.job.execution.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    session, opening, snapshot = reopened(
        rig.job, folder=rig.spec.folder, key=rig.spec.record.key, say=rig.say
    )
    rig.energy.recall(snapshot)
    return Run(rig.job, session, (opening, *rig.observers), interrupted)


def facts(outcome: Outcome, measures: Mapping[str, Measure]) -> dict[str, Any]:
    """The facts that a record has of a run that ended; `measures` as `measures_of` gives them.

    Its digest of weights is that of the live ones, whatever weights evaluation saw in their place.
    """
    session = outcome.session
    evaluations = [
        {recorded(name): value for name, value in e.metrics.items()} for e in session.evaluations
    ]
    metrics = {}
    for name, value in (evaluations[-1] if evaluations else {}).items():
        how = measures.get(name, Measure(name, ""))
        seen = [how.as_loss(each[name]) for each in evaluations if name in each]
        metrics[name] = value
        metrics[name + BEST] = how.as_loss(min((v for v in seen if v == v), default=nan))
    return {
        "metrics": metrics,
        "units": session.units,
        "steps": session.step,
        "updates": session.updates,
        "train_seconds": session.seconds,
        "forward_passes": session.cost.forward,
        "backward_passes": session.cost.backward,
        "adaptation_forward": session.adaptation.forward,
        "adaptation_backward": session.adaptation.backward,
        "peak_mb": round(1e-6 * _peak_memory(session.params), 1),
        "parameters": sum(p.numel() for p in session.params.values()),
        "weights": digest({**session.params, **session.buffers}),
    }


def operations(outcome: Outcome) -> dict[str, Amount]:
    """Operations of a forward pass a token, and of the whole training, extra passes included.

    Exact, of language models whose parts have a formula; a backward pass takes two forward ones.
    """
    session = outcome.session
    places = getattr(session.model, "context", 0)
    try:
        forward = forward_flops(session.model, places) / places if places else 0.0
    except AuditionError:
        return {}
    if not forward or not session.step:
        return {}
    tokens = session.units / session.step  # of a step
    passes = session.cost.forward + 2.0 * session.cost.backward
    return {
        "forward_flops": Amount(forward, "operations/token", "exact"),
        "train_flops": Amount(forward * tokens * passes, "operations", "exact"),
    }


def _peak_memory(params: Mapping[str, torch.Tensor]) -> int:
    """Bytes: of the card that holds the weights, else of this process, whatever else it did."""
    if any(p.is_cuda for p in params.values()):
        return int(torch.cuda.max_memory_allocated())
    return peak_memory()


def measures_of(job: Job, domains: Sequence[str] = ()) -> dict[str, Measure]:
    """Name in a record -> how it is read: the task's, and what each further evaluator declares."""
    declared = {
        f"{name}_{metric}": Measure(*how)
        for name, evaluator in job.recipe.evaluators.items()
        for metric, how in getattr(evaluator, "measures", {}).items()
    }
    return {**job.task.measures_on(domains), **declared}
