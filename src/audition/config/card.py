"""An idea's card: what it claims, why it may fail, and what would prove it wrong; checked as code is.

The schema follows the idea protocol the project grew from: pitch, mathematics, pro, con, test and
success, and adds what that protocol lacked: nearest known work, falsifier, kill criterion, controls.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from json import dumps
from typing import Any

from audition.budget import UNITS
from audition.errors import AuditionError, choices
from audition.text import count

ASPECTS = ("optimizer", "attention", "positional", "norm_stability", "dynamics")
HYPE = (
    *("revolution", "breakthrough", "groundbreaking", "game-chang", "paradigm"),
    *("state-of-the-art", "cutting-edge", "unprecedented", "silver bullet", "dramatic"),
    *("can only help", "cannot fail", "guaranteed to", "always improves"),
)
"""Words that promise. The text is compared without capitals, and hyphens count as spaces."""

PARTS: Mapping[str, tuple[str, ...]] = {
    "test": ("tokens", "seeds"),
    "success": ("rule", "d"),
    "cost": ("flops", "bytes"),
}
"""Entries of a card that have parts of fixed names; `tokens` stands for any of LENGTHS."""
NAMED = ("symbols", "nearest_known", "controls")
"""Entries of a card that are a sentence to each of some names."""
LENGTHS = (*UNITS, "steps")
"""What the smallest experiment of a card may be counted in."""
KNOWN = 3
"""So many known techniques a card compares its idea with."""
DRAFT = "draft "
"""What the digest of a draft begins with."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """One idea, as its author states it before it is tried; a draft may lack all but its pitch.

    Examples:
        >>> from audition.config.card import check_card
        >>> draft = check_card("mute", {"pitch": "Do not train the lowest layer."})
        >>> draft.missing[:3], draft.is_draft
        (('aspect', 'mechanism', 'math'), True)
    """

    name: str
    aspect: str
    """What it is about: optimizer, attention, positional, norm_stability or dynamics."""
    mechanism: str
    """A tag of the mechanism; two ideas with one tag are variants, not two ideas."""
    pitch: str
    """One sentence that anyone can follow."""
    math: str
    """The equations, in LaTeX."""
    symbols: Mapping[str, str]
    pro: str
    con: str
    """The strongest case against it."""
    flag: str
    """What to type to try it."""
    test: Mapping[str, Any]
    """The smallest experiment that can tell: `tokens` (examples, episodes, steps) and `seeds`."""
    success: Mapping[str, Any]
    """`rule` and `d`: the card's own bar, reported verbatim beside the verdict."""
    nearest_known: Mapping[str, str]
    """At least three known techniques, and how each differs."""
    falsifier: str
    kill_criterion: str
    controls: Mapping[str, str]
    expected_signature: str
    cost: Mapping[str, Any]
    """`flops` (share of a step) and `bytes` (memory), in words or numbers."""

    @property
    def missing(self) -> tuple[str, ...]:
        """What a claim needs and the card does not have yet, such as `math` and `test.seeds`."""
        lacks: list[str] = []
        for entry, value in vars(self).items():
            if not value:
                lacks.append(entry)
            elif entry in PARTS:
                has = {"tokens", *value} if set(LENGTHS) & set(value) else set(value)
                lacks += [f"{entry}.{part}" for part in PARTS[entry] if part not in has]
            elif entry == "nearest_known" and len(value) < KNOWN:
                lacks.append(f"{KNOWN - len(value)} of {KNOWN} nearest_known")
        return tuple(lacks)

    @property
    def is_draft(self) -> bool:
        """Whether something is missing: it may be run, and its verdict is a draft."""
        return bool(self.missing)

    @property
    def length(self) -> str:
        """How long the smallest experiment is: `12,000,000 tokens`; empty where it is not said."""
        found = (f"{self.test[unit]:,} {unit}" for unit in LENGTHS if unit in self.test)
        return next(found, "")

    def digest(self) -> str:
        """Twelve characters that change when the card does; those of a draft say that it is one."""
        digits = sha256(dumps(vars(self), sort_keys=True).encode()).hexdigest()[:12]
        return f"{DRAFT}{digits}" if self.is_draft else digits

    @property
    def tested(self) -> str:
        """`1,000,000 tokens, 3 seeds (42, 137, 256)`, as far as it is said."""
        seeds = self.test.get("seeds") or ()
        listed = f"{count(len(seeds), 'seed')} ({', '.join(map(str, seeds))})" if seeds else ""
        return ", ".join(filter(None, (self.length, listed)))

    @property
    def bar(self) -> str:
        """Its rule of success and its d, as far as they are said."""
        bar = (("rule", "{}"), ("d", "Cohen's d ≥ {}"))
        return ", ".join(
            says.format(self.success[part]) for part, says in bar if part in self.success
        )

    @property
    def costs(self) -> str:
        """What it takes, as far as it is said."""
        costs = (("flops", "{} of a step's arithmetic"), ("bytes", "memory {}"))
        return "; ".join(says.format(self.cost[part]) for part, says in costs if part in self.cost)

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """What it says beside pitch and formula, (what, in words) each, and what a draft lacks."""
        said = (
            ("for it", self.pro),
            ("against it", self.con),
            ("flag", self.flag),
            ("test", self.tested),
            ("success", self.bar),
            ("falsifier", self.falsifier),
            ("kill criterion", self.kill_criterion),
            ("expected signature", self.expected_signature),
            ("cost", self.costs),
            *((f"beside {known}", other) for known, other in self.nearest_known.items()),
            *((f"control {control}", what) for control, what in self.controls.items()),
            ("a draft, which lacks", ", ".join(self.missing)),
        )
        return tuple((what, str(text)) for what, text in said if text)

    def markdown(self, number: int | None = None) -> str:
        """The card in the idea protocol's own format, with what it adds underneath.

        number: of the idea among those proposed with it.
        """
        title = self.name if number is None else f"Idea {number}: {self.name}"
        symbols = "\n".join(f"- {symbol}: {meaning}" for symbol, meaning in self.symbols.items())
        known = "\n".join(f"- {known}: {other}" for known, other in self.nearest_known.items())
        controls = "\n".join(f"- `{control}`: {what}" for control, what in self.controls.items())
        entries = {
            "Pitch": self.pitch,
            "Math": f"{self.math.strip()}\n{symbols}".strip(),
            "Pro": self.pro,
            "Con": self.con,
            "Flag": f"`{self.flag}`" if self.flag else "",
            "Test": f"{self.tested}, compared with the baseline" if self.tested else "",
            "Success": self.bar,
            "Aspect": "; mechanism: ".join(filter(None, (self.aspect, self.mechanism))),
            "Falsifier": self.falsifier,
            "Kill criterion": self.kill_criterion,
            "Expected signature": self.expected_signature,
            "Cost": self.costs,
            "Nearest known": f"\n{known}" if known else "",
            "Controls": f"\n{controls}" if controls else "",
            "Draft": f"it lacks {', '.join(self.missing)}" if self.is_draft else "",
        }
        said = [
            f"**{entry}**:{value if value.startswith(chr(10)) else f' {value}'}".strip()
            for entry, value in entries.items()
            if value
        ]
        return "\n\n".join([f"## {title}", *said]) + "\n"


def is_draft(digest: str) -> bool:
    """Whether that is the digest of a card that lacked something."""
    return digest.startswith(DRAFT)


def check_card(name: str, plain: object) -> Card:
    """The card of idea `name`, which may be a draft.

    Raises AuditionError in one sentence for a card without a pitch, and for what cannot stand in one.
    """
    if not isinstance(plain, Mapping):
        raise AuditionError(
            f"idea '{name}' has no card: add `cards.{name}.pitch` to its yaml, a sentence that says "
            "what it does; the other entries may follow"
        )
    known = [field.name for field in fields(Card)]
    for key, value in plain.items():
        if key not in known:
            raise AuditionError(f"cards.{name}.{key} is not part of a card{choices(key, known)}")
        if value and key in (*PARTS, *NAMED) and not isinstance(value, Mapping):
            raise AuditionError(f"cards.{name}.{key}={value!r} is not a mapping of names")
    blank: dict[str, Any] = {entry: {} if entry in (*PARTS, *NAMED) else "" for entry in known}
    given = {str(key): value for key, value in plain.items() if value}
    card = Card(**{**blank, "name": name, **given})
    if card.name != name:
        raise AuditionError(f"the card of idea '{name}' names itself '{card.name}'")
    if not card.pitch:
        raise AuditionError(
            f"the card of idea '{name}' lacks {', '.join(card.missing)}: a run needs the pitch alone, "
            "a claim all of it"
        )
    if card.aspect and card.aspect not in ASPECTS:
        raise AuditionError(f"cards.{name}.aspect={card.aspect!r}{choices(card.aspect, ASPECTS)}")
    for known_one, difference in card.nearest_known.items():
        if not isinstance(difference, str) or not difference.strip():
            raise AuditionError(f"the card of idea '{name}' does not say how {known_one} differs")
    lengths = [unit for unit in LENGTHS if unit in card.test]
    if len(lengths) > 1 or not all(isinstance(card.test[unit], int) for unit in lengths):
        raise AuditionError(
            f"cards.{name}.test must say how long it takes: a whole number of {' or '.join(LENGTHS)}"
        )
    text = dumps(vars(card), ensure_ascii=False).lower().replace("-", " ")
    for word in HYPE:
        if word.replace("-", " ") in text:
            raise AuditionError(f"the card of idea '{name}' says '{word}': say what was measured")
    return card
