"""A search whose trials are made by jobs of a cluster: this process submits them and waits.

Each job is the search's own command on the pool of its node, from a copy of the code as it was typed.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from hydra._internal.utils import get_args_parser

import audition
from audition.config.root import conf_dir
from audition.console import say
from audition.errors import AuditionError
from audition.parallel.checks import nodes_of
from audition.records.submission import Submission
from audition.sweep.cluster.code import snapshot
from audition.sweep.cluster.follow import follow_command, living_command, summary_of_jobs
from audition.sweep.cluster.queue import JobState
from audition.sweep.cluster.submit import submit_command
from audition.sweep.executors import SlurmExecutor
from audition.sweep.plan import PlannedRun
from audition.sweep.resolve_auto import told
from audition.sweep.search.make_trials import limit_of, queued
from audition.sweep.search.settings import SearchSettings
from audition.sweep.search.space.points import Points
from audition.sweep.search.study.storage import journal_of, open_storage
from audition.sweep.search.study.study import Study, counts
from audition.text import count

OWN = ("hydra/launcher=", "hydra.launcher.", "submit=")
"""Overrides that are for the submitting process alone."""


class SearchJobs:
    """An executor whose runs are made by jobs that serve one study; the ledger has the runs.

    Jobs that serve the study already are not submitted twice.
    """

    def __init__(
        self, executor: SlurmExecutor, settings: SearchSettings, points: Points, name: str
    ) -> None:
        self._executor, self._settings, self._points, self._name = executor, settings, points, name
        self._limit = limit_of(settings, queued(settings, points))
        self._submission: Submission | None = None
        self._study: Study | None = None

    def study(self) -> Study:
        """The study with every trial, and its answer trained on fresh seeds.

        Raises AuditionError where the cluster does not take the jobs, or they end before that, and
        SystemExit(0) once they are in the queue and are not to be waited for here.
        """
        found = self._whole()
        if found is None:
            submission = self._serve()
            found = self._whole()
        if found is None:
            arrays, log = " ".join(submission.arrays()), submission.jobs[0].log
            many = f"{made(self._found())} of {count(self._limit, 'trial')}"
            raise AuditionError(
                f"Slurm job {arrays} ended with {many} made; see {log}: the same command goes on"
            )
        return found

    def check(self, runs: Sequence[PlannedRun]) -> None:
        self._executor.check(runs)

    def train(self, runs: Sequence[PlannedRun]) -> None:
        """Wait for the runs of the answer, which the jobs train after the last trial."""
        if runs and self._submission is None:
            self._serve()

    def _serve(self) -> Submission:
        """Return once one job has come to the end of the search, or none will go on."""
        root = self._points.output_dir.absolute()
        self._submission = living_command(root, self._name) or self._submit(root)
        arrays = " ".join(self._submission.arrays())
        if self._executor.detach:
            say(f"Slurm job {arrays} serves it; the same command waits for the answer.")
            raise SystemExit(0)
        say(f"Slurm job {arrays} serves it.")
        try:
            follow_command(self._submission, self._tell)
        except KeyboardInterrupt:
            say(f"Slurm job {arrays} goes on without this process; `scancel {arrays}` ends it.")
            raise
        return self._submission

    def _submit(self, root: Path) -> Submission:
        first = self._points.runs(())[0]
        self._executor.cluster.check([first])
        if nodes_of(first.settings) > 1:
            raise AuditionError(
                f"parallel.nodes={nodes_of(first.settings)}: the jobs that serve a search are on one "
                "node each: choose parallel.nodes=1"
            )
        packages = {target.split(".")[0] for target in first.settings["allowed_targets"]}
        code = snapshot(root, ["audition", *packages], door())
        words = (sys.executable, "-m", "audition", "train", *typed_for_jobs(first, self._name))
        cluster = self._executor.cluster.fitting([first])
        return submit_command(words, cluster.servers, cluster, code, root, self._name)

    def _found(self) -> Study | None:
        """The study, to be looked at; None where no job has begun it."""
        from optuna import load_study

        journal = journal_of(self._points.output_dir, self._name)
        if self._study is None and (self._settings.storage or journal.exists()):
            storage = open_storage(self._settings.storage, journal)
            with suppress(KeyError):
                found = load_study(study_name=self._name, storage=storage)
                self._study = Study(found, self._name, self._limit, journal.parent, server="")
        return self._study

    def _whole(self) -> Study | None:
        """The same once nothing of it is under way or to be made."""
        study = self._found()
        if study is None or not all(t.state.is_finished() for t in study.trials):
            return None
        return study if made(study) >= self._limit else None

    def _tell(self, jobs: Mapping[str, JobState]) -> str:
        return (
            f"{made(self._found())} of {count(self._limit, 'trial')} made, {summary_of_jobs(jobs)}"
        )


def made(study: Study | None) -> int:
    """How many of the trials that were asked for are over."""
    return sum(counts(t) and t.state.is_finished() for t in study.trials) if study else 0


def door() -> dict[str, Path]:
    """What a job needs to compose, and a checkout has outside the package: for `snapshot`."""
    spec = find_spec("hydra_plugins.audition_sweepers")
    plugins = Path(spec.origin).parent if spec and spec.origin else Path()
    found = {f"hydra_plugins/{path.name}": path for path in sorted(plugins.glob("audition_*.py"))}
    conf, package = conf_dir(), Path(audition.__file__).parent
    return found if conf.parent == package else {**found, "audition/conf": conf}


def typed_for_jobs(first: PlannedRun, name: str) -> list[str]:
    """The command line of a job: as typed here, with what means another thing there settled."""
    paths = first.settings["paths"]
    typed = get_args_parser().parse_args(sys.argv[1:])
    options = {"path": typed.config_path, "name": typed.config_name, "dir": typed.config_dir}
    return [
        *(f"--config-{key}={value}" for key, value in options.items() if value),
        "-m",
        *(word for word in typed.overrides if not word.lstrip("+~").startswith(OWN)),
        "hydra/launcher=pool",
        f"hydra.sweeper.study='{name}'",
        "hydra.sweeper.write=null",
        *(f"paths.{key}='{Path(path).absolute()}'" for key, path in paths.items()),
        *told(first.settings),
    ]
