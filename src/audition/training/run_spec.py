"""One run to be trained, as it is passed from the plan to every process that takes part in it.

Pools, clusters and the ranks of a shared run pass the same JSON. This module needs no torch, since
plans are made without it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from audition.budget import Budget
from audition.config.instantiate import construct
from audition.energy.meter import AtOnce
from audition.records.record import Record
from audition.records.store import Ledger


@dataclass(frozen=True)
class RunSpec:
    """A run: its record as it will begin, its checked settings, and where its code comes from."""

    record: Record
    settings: Mapping[str, Any]
    provenance: Mapping[str, Any]
    at_once: AtOnce = field(default_factory=AtOnce)

    @property
    def ledger(self) -> Ledger:
        """The ledger that the run is filed in."""
        return Ledger(Path(self.settings["paths"]["output_dir"]))

    @property
    def folder(self) -> Path:
        """Where the run keeps its files."""
        return self.ledger.folder_of(self.record)

    @property
    def label(self) -> str:
        """Its name in messages: `placebo seed 42`."""
        return f"{self.record.arm} seed {self.record.seed}"

    @property
    def packed(self) -> bool:
        """Whether it is trained in a pack, with other runs of its arm or alone."""
        return self.settings["execution"]["pack"] != "off" and not self.record.parent

    def expected_steps(self) -> int | None:
        """Optimizer steps that its budget buys; None where it is counted in minutes."""
        units_per_step = construct(self.settings["data"]).units_per_step
        return Budget(**self.settings["budget"]).total_steps(units_per_step)

    def to_dict(self) -> dict[str, Any]:
        """The run as JSON can hold it."""
        return {
            "record": self.record.to_dict(),
            "settings": dict(self.settings),
            "provenance": dict(self.provenance),
            "at_once": asdict(self.at_once),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "RunSpec":
        """The run that `to_dict` made `plain` of."""
        record = Record.from_dict(plain["record"])
        return cls(record, plain["settings"], plain["provenance"], AtOnce(**plain["at_once"]))
