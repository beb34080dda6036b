"""Writes `lineage.jsonl`: a line for each event of apoptosis, with units by ids of their own."""

from pathlib import Path

from torch import Tensor

from audition.errors import AuditionError
from audition.observers.observer import Observer, StepReport
from audition.plain_file import write_whole
from audition.recipe.turnover import Event
from audition.recipe.units import sites
from audition.records.lineage import (
    FILE,
    Lineage,
    Turn,
    head_line,
    numbered,
    read_lineage,
    turn_line,
)
from audition.session import Session


class LineageLog(Observer):
    """Writes nothing before the first event, so that a run without apoptosis has no such file.

    A resumed run goes on with the log up to its checkpoint. Where that is missing or does not fit
    the model, a new log begins, which says since when.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.begun = False

    def on_start(self, session: Session, steps: int | None) -> None:
        counts = {name: units.count for name, units in sites(session.model).items()}
        kept = self._kept(session.step)
        fits = kept is not None and {s: len(ids) for s, ids in kept.living.items()} == counts
        log = kept if kept is not None and fits else Lineage.begin(counts, session.step)
        self.founders, self.since = log.founders, log.since
        self.living, self.next_id = dict(log.living), log.next_id
        self.begun = bool(log.turns)
        if self.begun:
            write_whole(self.path, "".join(f"{line}\n" for line in log.lines()))
        else:
            self.path.unlink(missing_ok=True)

    def _kept(self, step: int) -> Lineage | None:
        """What earlier processes wrote of the steps that the run has behind it."""
        if not step:
            return None
        try:
            found = read_lineage(self.path.parent)
        except AuditionError:
            return None
        return None if found is None else found.up_to(step)

    def on_step(self, session: Session, report: StepReport) -> None:
        lines = [
            turn_line(self._turn(event, session.step))
            for event in report.events
            if len(event.born) or len(event.removed)
        ]
        if not lines:
            return
        if not self.begun:
            lines.insert(0, head_line(self.founders, self.since))
        with self.path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))
        self.begun = True

    def _turn(self, event: Event, step: int) -> Turn:
        before = self.living[event.site]
        turn = numbered(
            before,
            self.next_id,
            step=step,
            site=event.site,
            strategy=event.strategy,
            born=event.born.tolist(),
            parents=event.parents.tolist(),
            removed=event.removed.tolist(),
            grown=event.grown(len(before)),
            facts={name: values.tolist() for name, values in event.facts.items()},
            fitness=_listed(event.fitness),
        )
        self.living[event.site] = turn.after(before)
        self.next_id += len(turn.born)
        return turn


def _listed(values: Tensor | None) -> list[float]:
    return [] if values is None else values.float().tolist()
