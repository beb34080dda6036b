"""A run's page in MLflow: the server of `MLFLOW_TRACKING_URI`, else a database beside the runs."""

import json
import math
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from shlex import quote
from typing import Any, ClassVar, TypeVar

from filelock import FileLock

from audition.plain_file import write_whole
from audition.records.metrics import Line, units_of, values_of
from audition.trackers.tracker import Subject, check_package

URI = "MLFLOW_TRACKING_URI"
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # else it calls home, from threads of its own
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    # By its default it asks a server that is not there for minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    # It imports pandas, and that Arrow, whose thread a server that forks runs would lose.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
for _name, _value in QUIET.items():
    os.environ.setdefault(_name, _value)  # read when the package is imported

PARAMS, METRICS, CHARACTERS = 100, 1000, 6000
"""What one request may hold, and one value."""
EVERY_S, LINES = 5.0, 100
"""A request costs as much for one line as for a hundred: they wait so long, or for so many."""
STATUS = {"finished": "FINISHED", "interrupted": "KILLED"}
T = TypeVar("T")


class MLflow:
    """One page a run, found by its tag `audition.key`; a metric's step is the number of units
    (tokens, examples) trained on.

    A run that is taken up again goes on on its page, which keeps what it has: a point that is there
    already is not written twice. `mlflow.json` in the run's folder says where the page is.
    """

    packages: ClassVar[tuple[str, ...]] = (
        "mlflow.tracking",
        "mlflow.store.tracking.sqlalchemy_store",
    )
    """Take more than a second to import."""

    def __init__(self, folder: Path, *, experiment: str = "audition") -> None:
        self.folder, self.experiment = folder, experiment
        self.client: Any = None
        self.page = ""
        self.points: list[tuple[str, int, float, int]] = []  # name, units, value, when [ms]
        self.known: set[tuple[str, int, float]] = set()
        self.units = self.lines = 0
        self.sent = -math.inf

    @staticmethod
    def check() -> None:
        """Raises AuditionError without the package, or without that of its database."""
        database = () if os.environ.get(URI) else ("sqlalchemy", "alembic")
        check_package("mlflow", "mlflow", *database)

    def open(self, earlier: Sequence[Line]) -> str:
        """Begin or find the page."""
        from mlflow.tracking import MlflowClient

        home = self.folder.resolve().parents[3]  # of runs/<arm>/<config hash>/seed_<n>
        if not os.environ.get(URI) and "?" in str(home):
            raise ValueError(f"no database can lie in {home}, for its name has a ?: set {URI}")
        uri = os.environ.get(URI) or f"{self._database()}?timeout=60"
        # Runs that start together would each make the database's tables, and fail at the other's.
        with nullcontext() if os.environ.get(URI) else FileLock(home / ".mlflow.lock"):
            self.client = MlflowClient(tracking_uri=uri)
            self.client.get_experiment_by_name(self.experiment)
        subject, where = Subject.of(self.folder), self._place(home)
        page = self._found(where, subject.key)
        if page is None:
            page = self.client.create_run(where, run_name=subject.name, tags=tags(subject))
        self.page = page.info.run_id
        told = {"uri": uri, "experiment_id": where, "run_id": self.page}
        write_whole(self.folder / "mlflow.json", json.dumps(told) + "\n")
        self.client.update_run(self.page, status="RUNNING")
        for name in page.data.metrics:
            history = self.client.get_metric_history(self.page, name)
            self.known |= {(name, point.step, point.value) for point in history}
        self._describe(subject, page.data.params)
        for line in earlier:
            self._add(line)
        self._send()
        return ""

    def write(self, line: Line) -> None:
        """One more line, with others if they come fast."""
        self._add(line)
        if self.lines >= LINES or time.monotonic() - self.sent >= EVERY_S:
            self._send()

    def close(self, status: str, facts: Mapping[str, Any]) -> None:
        """Send what waits, and end the page."""
        if not self.page:
            return
        from mlflow.entities import RunTag

        numbers = {
            k: v for k, v in facts.items() if isinstance(v, int | float) and math.isfinite(v)
        }
        self._add({**numbers, "units": self.units})
        self._send()
        words = {"status": status, **{k: v for k, v in facts.items() if isinstance(v, str)}}
        said = [RunTag(f"audition.{sound(k)}", v[:CHARACTERS]) for k, v in words.items()]
        self.client.log_batch(self.page, tags=said)
        self.client.set_terminated(self.page, STATUS.get(status, "FAILED"))

    def look(self) -> str:
        """The server's address, or MLflow's own page on the database beside the runs."""
        return os.environ.get(URI) or f"mlflow ui --backend-store-uri {quote(self._database())}"

    def _database(self) -> str:
        home = self.folder.resolve().parents[3]  # of runs/<arm>/<config hash>/seed_<n>
        return f"sqlite:///{home / 'mlflow.db'}"

    def _place(self, home: Path) -> str:
        """The experiment's id; made by the first run that asks, of those that start together."""
        from mlflow.exceptions import MlflowException

        if found := self.client.get_experiment_by_name(self.experiment):
            return str(found.experiment_id)
        files = None if os.environ.get(URI) else (home / "mlartifacts").as_uri()
        try:
            return str(self.client.create_experiment(self.experiment, artifact_location=files))
        except MlflowException:
            if found := self.client.get_experiment_by_name(self.experiment):
                return str(found.experiment_id)
            raise

    def _found(self, experiment: str, key: str) -> Any:
        """The page of the run `key`, or None."""
        runs = self.client.search_runs(
            [experiment], f"tags.`audition.key` = '{key}'", max_results=1
        )
        return runs[0] if runs else None

    def _describe(self, subject: Subject, there: Mapping[str, str]) -> None:
        """Every setting as a parameter; one that is there stands, for MLflow lets none change."""
        from mlflow.entities import Param

        flat = {sound(name): text(value)[:CHARACTERS] for name, value in subject.flat().items()}
        new = [Param(name, value) for name, value in flat.items() if name not in there]
        for some in parts(new, PARAMS):
            self.client.log_batch(self.page, params=some)

    def _add(self, line: Line) -> None:
        """A line's values that the page does not have."""
        self.units = units_of(line)
        self.lines += 1
        now = int(time.time() * 1000)
        for name, value in values_of(line).items():
            point = (sound(name), self.units, float(value))
            if point not in self.known:
                self.points.append((*point, now))

    def _send(self) -> None:
        from mlflow.entities import Metric

        waiting, self.points, self.lines = self.points, [], 0
        for some in parts(waiting, METRICS):
            metrics = [Metric(name, value, now, units) for name, units, value, now in some]
            self.client.log_batch(self.page, metrics=metrics)
        self.sent = time.monotonic()


def tags(subject: Subject) -> dict[str, str]:
    """By what a run is found."""
    return {
        "audition.key": subject.key,
        "audition.arm": subject.arm,
        "audition.config_hash": subject.config_hash,
        "audition.seed": subject.seed,
        "audition.ideas": "+".join(subject.settings.get("ideas") or ()),
    }


def sound(name: str) -> str:
    """A name as MLflow takes it."""
    return re.sub(r"[^/\w.\- :]", "_", name)[:250]


def text(value: Any) -> str:
    """A setting as it is typed in a config."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """`items`, at most `size` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
