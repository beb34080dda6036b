"""An idea's card: what it claims, why it may fail, and what would prove it wrong; checked as code is.

The schema follows the idea protocol the project grew from: pitch, mathematics, pro, con, test and
success, and adds what that protocol lacked: nearest known work, falsifier, kill criterion, controls.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
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


@dataclass(frozen=True, kw_only=True)
class Card:
    """One idea, as its author must state it before it is tried."""

    name: str
    aspect: str
    """One of ASPECTS: what part of training it is about."""
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
    """One of budget.UNITS (`tokens`, …), and `seeds`, of the smallest experiment that can tell."""
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
    def length(self) -> str:
        """How long the smallest experiment is: `12,000,000 tokens`."""
        return next(f"{self.test[unit]:,} {unit}" for unit in UNITS if unit in self.test)

    def digest(self) -> str:
        """Twelve characters that change when the card does."""
        return sha256(dumps(vars(self), sort_keys=True).encode()).hexdigest()[:12]

    def markdown(self, number: int | None = None) -> str:
        """The card in the idea protocol's own format, with what it adds underneath.

        number: of the idea among those proposed with it.
        """
        test, success = self.test, self.success
        seeds = ", ".join(map(str, test["seeds"]))
        title = self.name if number is None else f"Idea {number}: {self.name}"
        symbols = "\n".join(f"- {symbol}: {meaning}" for symbol, meaning in self.symbols.items())
        known = "\n".join(f"- {known}: {other}" for known, other in self.nearest_known.items())
        controls = "\n".join(f"- `{control}`: {what}" for control, what in self.controls.items())
        paragraphs = [
            f"## {title}",
            f"**Pitch**: {self.pitch}",
            f"**Math**: {self.math.strip()}\n{symbols}",
            f"**Pro**: {self.pro}",
            f"**Con**: {self.con}",
            f"**Flag**: `{self.flag}`",
            f"**Test**: {self.length}, {count(len(test['seeds']), 'seed')} ({seeds}), "
            "compared with the baseline",
            f"**Success**: {success['rule']}, Cohen's d ≥ {success['d']}",
            f"**Aspect**: {self.aspect}; mechanism: {self.mechanism}",
            f"**Falsifier**: {self.falsifier}",
            f"**Kill criterion**: {self.kill_criterion}",
            f"**Expected signature**: {self.expected_signature}",
            f"**Cost**: {self.cost['flops']} of a step's arithmetic; memory {self.cost['bytes']}",
            f"**Nearest known**:\n{known}",
            f"**Controls**:\n{controls}",
        ]
        return "\n\n".join(map(str.strip, paragraphs)) + "\n"


def check_card(name: str, plain: object) -> Card:
    """The card of idea `name`; raises AuditionError in one sentence when it is not complete."""
    if not isinstance(plain, Mapping):
        raise AuditionError(f"idea '{name}' has no card: add `cards.{name}` to its yaml")
    known = {field.name: field for field in fields(Card)}
    for key in plain:
        if key not in known:
            raise AuditionError(f"cards.{name}.{key} is not part of a card{choices(key, known)}")
    absent = [k for k, field in known.items() if field.default is MISSING and not plain.get(k)]
    if absent:
        lacks = f"{', '.join(absent)} {'is' if len(absent) == 1 else 'are'} missing"
        raise AuditionError(f"the card of idea '{name}' is not complete: {lacks}")
    card = Card(**{str(key): value for key, value in plain.items()})
    if card.name != name:
        raise AuditionError(f"the card of idea '{name}' names itself '{card.name}'")
    if card.aspect not in ASPECTS:
        raise AuditionError(f"cards.{name}.aspect={card.aspect!r}{choices(card.aspect, ASPECTS)}")
    if len(card.nearest_known) < 3:
        raise AuditionError(
            f"the card of idea '{name}' names {len(card.nearest_known)} nearest known techniques, "
            "and needs three with the difference in a line each"
        )
    for known_one, difference in card.nearest_known.items():
        if not isinstance(difference, str) or not difference.strip():
            raise AuditionError(f"the card of idea '{name}' does not say how {known_one} differs")
    for section, keys in (
        ("test", {"seeds"}),
        ("success", {"rule", "d"}),
        ("cost", {"flops", "bytes"}),
    ):
        missing = keys - set(getattr(card, section))
        if missing:
            raise AuditionError(f"cards.{name}.{section} lacks {', '.join(sorted(missing))}")
    lengths = [unit for unit in UNITS if unit in card.test]
    if len(lengths) != 1 or not isinstance(card.test[lengths[0]], int):
        raise AuditionError(
            f"cards.{name}.test must say how long it takes: a whole number of {' or '.join(UNITS)}"
        )
    text = dumps(vars(card), ensure_ascii=False).lower().replace("-", " ")
    for word in HYPE:
        if word.replace("-", " ") in text:
            raise AuditionError(f"the card of idea '{name}' says '{word}': say what was measured")
    return card
