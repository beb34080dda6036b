"""A run's page in Weights & Biases: offline unless a key is set."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from tempfile import TemporaryFile
from typing import Any, ClassVar, Literal

from audition.records.metrics import Line, units_of, values_of
from audition.trackers.tracker import Subject, check_package

KEY = "WANDB_API_KEY"
CONNECT_S = 5.0
"""Longest wait for the server's first answer; a run that has none goes on offline [s]."""
LEFT = "all of it is in wandb/ of the run's folder, for `wandb sync`"
FINISH_S = 5.0
"""Longest wait for the last upload, also when the process ends; what is left stays on disk [s]."""


class Wandb:
    """One page a run: its id is the run's key, its group the arm, its axis the units trained on.

    A run that is taken up again goes on on its page; an offline one is written afresh from
    `metrics.jsonl`, so that one folder holds all of it. Upload it with `wandb sync`.
    """

    packages: ClassVar[tuple[str, ...]] = ("wandb",)
    """Takes a second to import."""
    refused: ClassVar[str] = ""
    """Why the server was not reached; it is asked once a process, since asking takes seconds."""

    def __init__(
        self,
        folder: Path,
        *,
        project: str = "audition",
        mode: Literal["auto", "offline", "online"] = "auto",
    ) -> None:
        self.folder, self.project, self.mode = folder, project, mode
        self.first = 0
        self.run: Any = None

    @staticmethod
    def check() -> None:
        """Raises AuditionError without the package."""
        check_package("wandb", *Wandb.packages)

    def open(self, earlier: Sequence[Line]) -> str:
        """Begin or find the page; a sentence where it is offline though online was asked for."""
        online = self.mode == "online" or (self.mode == "auto" and bool(os.environ.get(KEY)))
        if online and not Wandb.refused:
            try:
                self.run = self._begin("online")
                # The server knows how far it has come, which may be further than the checkpoint.
                self.first = int(self.run.step)
            except Exception as error:
                said = (str(error).strip() or type(error).__name__).splitlines()[0]
                # Every run of a sweep says the same, and it is printed once.
                said = said.replace(f" for run {self._identity()['id']}", "")
                Wandb.refused = said.split(": {")[0]
                _end_service()
        if self.run is None:
            shutil.rmtree(self.folder / "wandb", ignore_errors=True)
            self.run = self._begin("offline")
        self.run.define_metric("units")
        self.run.define_metric("*", step_metric="units")
        for line in earlier:
            self.write(line)
        if not (online and Wandb.refused):
            return ""
        return f"logger=wandb could not go online ({Wandb.refused}): it went on offline; {LEFT}"

    def write(self, line: Line) -> None:
        """One more line."""
        step = int(line["step"] or 0)
        if step >= self.first:
            self.run.log({"units": units_of(line), **values_of(line)}, step=step)

    def close(self, status: str, facts: Mapping[str, Any]) -> None:
        """Finish the page; a failed run never leaks into the next."""
        if self.run is not None:
            self.run.summary.update({"status": status, **facts})
            try:
                self.run.finish(exit_code=0 if status == "finished" else 1)
            except TimeoutError:
                raise TimeoutError(f"not all was uploaded in {FINISH_S:g} s: {LEFT}") from None
            finally:
                _end_service()

    def look(self) -> str:
        """The address of the project, or how to upload what is offline."""
        runs = quote(str(self.folder.parents[2]))  # of runs/<arm>/<config hash>/seed_<n>
        if self.run is None or self.run.offline:
            return f"wandb sync {runs}/*/*/seed_*/wandb/offline-run-*"
        return str(self.run.project_url)

    def _identity(self) -> dict[str, Any]:
        """By what the page is found, and what stands at its head."""
        subject = Subject.of(self.folder)
        return {
            "id": subject.key,
            "group": subject.group,
            "name": subject.name,
            # Nested as in config.yaml, and flat, as a setting is typed.
            "config": {**subject.settings, **subject.flat()},
        }

    def _begin(self, mode: Literal["offline", "online"]) -> Any:
        import wandb

        give_place(self.folder)
        return wandb.init(
            project=self.project,
            mode=mode,
            dir=self.folder,
            **self._identity(),
            resume="allow" if mode == "online" else None,
            # A run that raised without finish() would otherwise be handed out again.
            reinit="finish_previous",
            settings=wandb.Settings(
                silent=True,
                console="off",
                init_timeout=CONNECT_S,
                login_timeout=CONNECT_S,
                finish_timeout=FINISH_S,
                finish_timeout_raises=True,
                # They are the machine's, not the run's, and most of what W&B costs.
                x_disable_stats=True,
            ),
        )


class Verdicts(Wandb):
    """One table: a row an arm. Judged again, the same plan has the same page."""

    def __init__(
        self,
        folder: Path,
        digest: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        project: str = "audition",
        mode: Literal["auto", "offline", "online"] = "auto",
    ) -> None:
        super().__init__(folder, project=project, mode=mode)
        self.digest, self.rows = digest, tuple(rows)

    def open(self, earlier: Sequence[Line]) -> str:
        """Begin the page and put the table on it."""
        import wandb

        self.folder.mkdir(parents=True, exist_ok=True)
        said = super().open([])
        columns: list[str | int] = list(self.rows[0]) if self.rows else []
        data = [[row[str(name)] for name in columns] for row in self.rows]
        self.run.log({"verdicts": wandb.Table(columns=columns, data=data)})
        return said

    def _identity(self) -> dict[str, Any]:
        """Filed under its plan."""
        name = f"verdict {self.digest}"
        return {"id": f"verdict-{self.digest}", "group": "verdicts", "name": name, "config": {}}


CACHE = "XDG_CACHE_HOME"


def give_place(folder: Path) -> None:
    """Let W&B keep what is its own below `folder` where this user has no place for it.

    Without a home that it can write in, its process logs on the terminal, behind the verdict.
    """
    home = os.environ.get(CACHE) or os.path.join(os.environ.get("HOME", ""), ".cache")
    try:
        if os.path.isabs(home):
            os.makedirs(home, exist_ok=True)
            with TemporaryFile(dir=home):
                return
    except OSError:
        pass
    own = (folder / "wandb").resolve()
    os.environ[CACHE] = str(own / "cache")
    os.environ.setdefault("WANDB_DATA_DIR", str(own / "data"))


def _end_service() -> None:
    """End W&B's own process, which may still be writing, or hold the id of a run it did not begin."""
    import wandb

    wandb.teardown(exit_code=0)
