"""The verdicts of a sweep as a page of their own in Weights & Biases, beside the pages of its runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from audition.records.metrics import Line
from audition.trackers.wandb import Wandb


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
