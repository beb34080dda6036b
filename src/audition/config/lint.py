"""The lint of cards: what a claim needs beyond what a run needs, and what a batch of ideas covers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from audition.config.card import Card
from audition.config.groups import root_keys, root_of
from audition.config.schema import check_node, signature
from audition.config.schema.lookup import find
from audition.errors import AuditionError, choices

LINES = 200
"""An idea's file has fewer."""
SEEDS = 3
"""The smallest experiment of a card has at least so many seeds."""
BATCH = 3
"""So many ideas are about as many aspects."""
SAYS_NOTHING = re.compile(
    r"(none|no|nothing|n/?a|-+|\?+|tbd|todo|unknown)\W*|.*<tell:.*", re.I | re.S
)


def lint(card: Card, node: Mapping[str, Any]) -> tuple[str, ...]:
    """What a claim on `card` lacks, a sentence each; `node` is the idea's own node of its yaml."""
    return tuple(f"{card.name}: {sentence}" for sentence in _lacks(card, node))


def lint_batch(cards: Sequence[Card]) -> tuple[str, ...]:
    """Where ideas proposed together are variants of each other, or about too few aspects."""
    found, owner = [], dict[str, str]()
    for card in cards:
        tag = " ".join(re.findall(r"\w+", card.mechanism.lower()))
        if tag in owner:
            found.append(f"{owner[tag]} and {card.name} have one mechanism, '{card.mechanism}'")
        owner.setdefault(tag, card.name)
    aspects = sorted({card.aspect for card in cards})
    if len(cards) >= BATCH > len(aspects):
        found.append(
            f"{len(cards)} ideas must cover {BATCH} aspects, and these cover {', '.join(aspects)}"
        )
    return tuple(found)


def lines_of(node: Mapping[str, Any]) -> int:
    """Lines of the file of an idea. Raises AuditionError where there is none."""
    return len(find(str(node["_target_"])).source.path.read_text(encoding="utf-8").splitlines())


def _lacks(card: Card, node: Mapping[str, Any]) -> Iterator[str]:
    if card.is_draft:
        yield f"it is a draft, which lacks {', '.join(card.missing)}"
    for entry in ("pitch", "math", "pro", "con", "falsifier", "expected_signature"):
        if (said := str(getattr(card, entry))) and SAYS_NOTHING.fullmatch(said):
            yield f"its {entry} says nothing"
    if "<tell:" in card.kill_criterion:
        yield "its kill_criterion says nothing"
    if re.search(r"[.!?]\s+\w", card.pitch.strip()):
        yield "its pitch is more than one sentence"
    if card.con and card.con.strip() == card.pro.strip():
        yield "its con is its pro"
    for symbol in card.symbols:
        if strange := [each for each in symbol.split(", ") if each not in card.math]:
            yield f"its math has no {', '.join(strange)}, which its symbols explain"
    # What is missing altogether was said above.
    seeds, rule, d = card.test.get("seeds"), card.success.get("rule"), card.success.get("d")
    if seeds is not None and (not isinstance(seeds, Sequence) or len(set(seeds)) < SEEDS):
        yield f"its test has seeds {seeds}, and needs {SEEDS} different ones"
    if rule is not None and not re.search(r"\d", str(rule)):
        yield f"its success has no threshold: '{rule}'"
    if d is not None and (not isinstance(d, int | float) or d <= 0):
        yield f"its success.d is {d}, and must be a number above 0"
    if card.flag and card.flag.split()[:1] != [f"+idea={card.name}"]:
        yield f"its flag is {card.flag}, and must begin with +idea={card.name}"
    try:
        yield from _code(card, node)
    except AuditionError as error:
        yield f"its code cannot be read: {error}"


def _code(card: Card, node: Mapping[str, Any]) -> Iterator[str]:
    """What does not fit the idea's code: its length, and controls that could not be typed."""
    if (lines := lines_of(node)) >= LINES:
        yield f"its file has {lines} lines, and must have fewer than {LINES}"
    known = signature(str(node["_target_"])).settings
    for control in card.controls:
        for word in control.split():
            key, typed, value = word.partition("=")
            own = key.removeprefix(f"ideas.{card.name}.")
            if own not in known and (own == key and root_of(key) not in root_keys() | {"idea"}):
                yield f"its control {word} is no setting of it{choices(key, known)}"
            elif not typed:
                yield f"its control {word} must be SETTING=VALUE"
            elif own in known and not value.isupper():
                try:
                    check_node({**node, own: yaml.safe_load(value)}, card.name, None)
                except AuditionError as error:
                    yield f"its control cannot be: {error}"
