"""`memory=ockham`: keeps the weights of every evaluation that no other beats in complexity and loss."""

import shutil
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import torch
from annotated_types import Gt

from audition.errors import AuditionError
from audition.measure import Measure, recorded
from audition.observers.checkpoint import Say, write_durably
from audition.observers.observer import Observer
from audition.plain_file import check_plain, clear_parts
from audition.recipe import tree
from audition.recipe.effect import Meters
from audition.recipe.signals import Tensors
from audition.records.archive import DISTANCE, FOLDER, Archive, Point, read_archive, write_archive
from audition.session import Evaluation, Session

FIRST = "first.pt"
"""The first weights, from which distances are measured, also once the run is resumed."""
METER = "/complexity"
"""Ends the name of the meter that complexity is read from."""


@dataclass(frozen=True)
class Subject:
    """What a memory is told of its run."""

    folder: Path
    metric: str  # that the run is judged by, as records name it
    measure: Measure
    meters: Callable[[Session], Meters]  # of the effects
    say: Say


class NoMemory(Observer):
    """Keeps nothing."""

    def __init__(self, subject: Subject) -> None:
        pass


class OckhamMemory(Observer):
    """The archive of (complexity, loss) that no other evaluation of the run beats, with the weights.

    Complexity is the meter of an anchor in the chain of effects, else ‖w - w₀‖² / ‖w₀‖², the
    distance from the first weights. The weights are those that the evaluators saw, averaged ones
    too. How many evaluations there are `training.evaluations` says. An evaluation that is made again
    after a stop takes its own place. Weights that would need more room than there is make way, the
    most crowded first, but the point stays on the list; a full disk costs the weights, never the run.
    """

    def __init__(self, subject: Subject, *, megabytes: Annotated[float, Gt(0)] = 200.0) -> None:
        self.subject, self.most = subject, 1e6 * megabytes
        self.folder = subject.folder / FOLDER
        self.said: set[str] = set()

    def on_start(self, session: Session, steps: int | None) -> None:
        own = self.subject
        self.archive = Archive(metric=own.metric, measure=own.measure)
        if not session.step:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            try:
                self.archive = read_archive(own.folder)
            except AuditionError as error:
                self._once(f"{error}: its memory begins at step {session.step}")
        with suppress(OSError):
            self.folder.mkdir(exist_ok=True)
            clear_parts(self.folder, lambda part: True)
        self._clear()
        self.first = self._first_weights(session)

    def on_evaluated(self, session: Session, evaluation: Evaluation) -> None:
        values = {recorded(name): value for name, value in evaluation.metrics.items()}
        complexity, how = self._complexity(session)
        if self.subject.metric not in values or complexity is None:
            return
        new = Point(
            step=evaluation.step,
            units=evaluation.units,
            complexity=complexity,
            value=values[self.subject.metric],
        )
        before = self.archive if self.archive.complexity == how else Archive()
        after = replace(
            before, complexity=how, metric=self.subject.metric, measure=self.subject.measure
        ).with_point(new)
        try:
            if new in after.points:
                after = self._with_weights(after, new, session)
            write_archive(self.subject.folder, after)
        except OSError as error:
            return self._once(f"no weights were kept at step {new.step}: {error.strerror or error}")
        self.archive = after
        return self._clear()

    def _with_weights(self, archive: Archive, new: Point, session: Session) -> Archive:
        """The archive once the weights of its point `new` are on the disk; raises OSError."""
        content = _content(
            {
                "step": new.step,
                "value": new.value,
                "model": tree.clone(session.model.state_dict()),
                "loss": None if session.loss is None else tree.clone(session.loss.state_dict()),
                "widths": dict(session.widths),
            }
        )
        if len(content) > self.most:
            needed = f"{len(content) / 1e6:.3g} MB, and memory.megabytes={self.most / 1e6:g}"
            self._once(f"no weights are kept: one set of them needs {needed}")
            return archive
        name = f"step_{new.step}.pt"
        stored = replace(new, file=name, size=len(content), check=zlib.crc32(content))
        points = tuple(stored if p is new else p for p in archive.points)
        after = replace(archive, points=points).within(self.most)
        if stored in after.points:
            # Under another name first: the old one may be of this step, and the archive still reads it.
            part = self.folder / f".part-{name}"
            write_durably(part, content)
            part.replace(self.folder / name)
        return after

    def _complexity(self, session: Session) -> tuple[float | None, str]:
        """Of the weights in place, and what it is; None where it cannot be told."""
        meters = self.subject.meters(session)
        for name, value in meters.items():
            if name.endswith(METER):
                return float(value), name
        weights = {name: p.detach() for name, p in session.params.items()}
        first = self.first
        if first is None or {n: w.shape for n, w in weights.items()} != {
            n: w.shape for n, w in first.items()
        }:
            self._once("no weights are kept: their distance from the first ones cannot be told")
            return None, DISTANCE
        here = {name: first[name].to(w.device) for name, w in weights.items()}
        apart = tree.norms(tree.subtract(weights, here)).square().sum()
        return float(apart / tree.norms(here).square().sum().clamp(min=1e-30)), DISTANCE

    def _first_weights(self, session: Session) -> Tensors | None:
        """As the run had them before its first step; None where their file is lost."""
        path = self.folder / FIRST
        if session.step:
            try:
                check_plain(path)
                found: Mapping[str, torch.Tensor] = torch.load(path, weights_only=True)
            except Exception:
                return None
            return found
        first = {name: p.detach().cpu().clone() for name, p in session.params.items()}
        try:
            write_durably(path, _content(first))
        except OSError as error:
            self._once(f"a resumed run will keep no weights: {error.strerror or error}")
        return first

    def _clear(self) -> None:
        """Remove what the archive does not name."""
        named = {p.file for p in self.archive.stored}
        with suppress(OSError):
            for path in self.folder.glob("step_*.pt"):
                if path.name not in named:
                    path.unlink()

    def _once(self, text: str) -> None:
        if text not in self.said:
            self.said.add(text)
            self.subject.say(text)


def _content(value: Mapping[str, Any]) -> memoryview:
    # To memory first: torch's own writer turns a full disk into an error that does not say so.
    written = BytesIO()
    torch.save(dict(value), written)
    return written.getbuffer()
