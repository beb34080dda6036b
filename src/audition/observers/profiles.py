"""Writes `profiles.jsonl`: what every unit of a run responds to, on a fixed set of its text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor, nn

from audition.errors import AuditionError
from audition.observers import responses as numbers
from audition.observers.fixed_rows import fixed_rows
from audition.observers.observer import Observer, StepReport
from audition.observers.responses import Groups
from audition.plain_file import write_whole
from audition.recipe.turnover import Event
from audition.recipe.units import Units, sites
from audition.records.profiles import FILE, Profiles, line_of, read_profiles, rounded
from audition.session import Session

KINDS = (
    *("line break", "space", "vowel", "consonant", "capital", "digit", "punctuation"),
    *("word", "part of a word", "mixed"),
)
"""Classes of tokens; the last ones are of tokens of several characters."""


class TokenProfiles(Observer):
    """Looks at the run's units evenly over it, after events and at its end; changes no bit of it.

    The probe set is training text that no step trains on, the same rows at every look. A look is one
    forward pass over it, and arithmetic on all units at once. A run of pictures has no tokens, and
    one whose weights are parted among processes (`parallel=fsdp`) cannot be looked at by one: neither
    has such a file.

    Args:
        folder: of the run.
        looks: about how many there are, evenly spread; after an event one may come early.
        tokens: of the probe set, about.
        strongest: tokens that are named for each unit.
    """

    def __init__(
        self,
        folder: Path,
        *,
        looks: Annotated[int, Ge(1)] = 12,
        tokens: Annotated[int, Ge(1)] = 2048,
        strongest: Annotated[int, Ge(1)] = 3,
    ) -> None:
        self.path = folder / FILE
        self.looks, self.tokens, self.strongest = looks, tokens, strongest
        self.ready = False

    def on_start(self, session: Session, steps: int | None) -> None:
        kept = self._kept(session.step)
        write_whole(self.path, "".join(f"{line_of(each)}\n" for each in kept))
        self.last = kept[-1].step if kept else -1
        self.apart = max(1, (steps or 100 * self.looks) // self.looks)
        self.former: dict[str, Tensor] = {}  # site -> standardised responses at the last look
        self.slots: dict[str, Tensor] = {}  # site -> each unit's slot at the last look, -1 if new
        rows = fixed_rows(session, self.tokens)
        self.ready = rows is not None and rows.inputs.ndim == 2
        if rows is None or not self.ready:
            self.path.unlink()
            return
        self.inputs = rows.inputs
        self.groups = Groups.by_token(self.inputs)
        self.texts = Texts(getattr(session.batches, "tokenizer", None))
        kinds = [KINDS.index(kind_of(self.texts[i])) for i in self.groups.ids.tolist()]
        self.named = sorted({*kinds})
        places = {kind: place for place, kind in enumerate(self.named)}
        self.kinds = torch.tensor([places[kind] for kind in kinds], device=self.inputs.device)
        if not session.step:
            self.look(session)

    def _kept(self, step: int) -> list[Profiles]:
        """What earlier processes wrote of the steps that the run has behind it."""
        try:
            return [each for each in read_profiles(self.path.parent) if step and each.step <= step]
        except AuditionError:
            return []

    def on_step(self, session: Session, report: StepReport) -> None:
        if not self.ready:
            return
        for event in report.events:
            self._follow(event)
        since, turned = session.step - self.last, any(len(e.born) for e in report.events)
        if since >= self.apart or (turned and 2 * since >= self.apart):
            self.look(session)

    def on_end(self, session: Session, status: str) -> None:
        if self.ready and status == "finished" and self.last < session.step:
            self.look(session)

    def _follow(self, event: Event) -> None:
        if event.site in self.slots:
            slots = self.slots[event.site]
            fresh = event.born[event.born < len(slots)].to(slots.device)
            self.slots[event.site] = event.carry(slots.index_fill(0, fresh, -1), fresh=-1)

    @torch.no_grad()
    def look(self, session: Session) -> None:
        """Write what the units respond to now."""
        session.refresh()
        places = sites(session.model)
        found = numbers.responses(session.model, places, self.inputs, self.groups)
        lines = [self._profiles(session, places[site], site, seen) for site, seen in found.items()]
        with self.path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{line_of(each)}\n" for each in lines))
        self.last = session.step

    def _profiles(self, session: Session, units: Units, site: str, seen: Tensor) -> Profiles:
        """What the units of a site respond to, from the mean responses [U, H]."""
        share = numbers.shares(seen)
        most, strongest = share.topk(min(self.strongest, len(share)), 0)
        tokens = self.groups.ids[strongest].T.tolist()
        kinds = numbers.shares(numbers.by_class(seen, self.kinds, len(self.named)))
        kind_share, kind = kinds.max(0)
        standard = numbers.standard(seen)
        redundancy, twin = numbers.twins(standard)
        writes, writes_z = self._attribution(session, units)
        line = Profiles(
            step=session.step,
            site=site,
            among=len(seen),
            classes=tuple(KINDS[k] for k in self.named),
            tokens=tuple(map(tuple, tokens)),
            share=rounded(most[0].tolist()),
            effective=rounded(numbers.effective(share).tolist()),
            kind=tuple(kind.tolist()),
            kind_share=rounded(kind_share.tolist()),
            writes=tuple(writes),
            writes_z=rounded(writes_z),
            redundancy=rounded(redundancy.tolist()),
            twin=tuple(twin.tolist()),
            drift=self._drift(site, standard),
            texts={str(i): self.texts[i] for i in {*writes, *(t for each in tokens for t in each)}},
        )
        self.former[site] = standard
        self.slots[site] = torch.arange(seen.shape[1], device=seen.device)
        return line

    def _drift(self, site: str, standard: Tensor) -> tuple[float | None, ...]:
        if site not in self.former:
            return (None,) * standard.shape[1]
        slots = self.slots[site]
        alike = (standard * self.former[site][:, slots.clamp(min=0)]).sum(0)
        return rounded(torch.where(slots < 0, torch.nan, alike.clamp(-1.0, 1.0)).tolist())

    def _attribution(self, session: Session, units: Units) -> tuple[list[int], list[float]]:
        """The token that each unit writes for; nothing where the model has no head of its width."""
        head = getattr(session.model, "head", None)
        (out, *others) = units.parts_of("outgoing")
        weight = session.params[out.parameter]
        if others or out.size > 1 or weight.ndim != 2 or not isinstance(head, nn.Linear):
            return [], []
        columns = weight if out.axis == 1 else weight.T
        if head.weight.shape[1] != columns.shape[0]:
            return [], []
        which, z = numbers.attribution(columns, head.weight)
        return which.tolist(), z.tolist()


class Texts(Mapping[int, str]):
    """Token id -> its text, decoded when it is asked for; `#7` without a tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.known: dict[int, str] = {}

    def __getitem__(self, i: int) -> str:
        if i not in self.known:
            self.known[i] = f"#{i}" if self.tokenizer is None else self._decoded(i)
        return self.known[i]

    def _decoded(self, i: int) -> str:
        try:
            return str(self.tokenizer.decode([i]))
        except (IndexError, KeyError):
            return f"#{i}"  # a larger vocabulary than the data's

    def __iter__(self) -> Any:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)


def kind_of(text: str) -> str:
    """The class of a token, one of KINDS."""
    bare = text.strip()
    if not bare:
        return "line break" if "\n" in text else "space"
    if bare.isalpha():
        if bare[0].isupper():
            return "capital"
        if len(text) == 1:
            return "vowel" if bare in "aeiou" else "consonant"
        return "word" if text[0].isspace() else "part of a word"
    if bare.isdigit():
        return "digit"
    return "mixed" if any(c.isalnum() for c in bare) else "punctuation"
