"""The card of a new idea: from options, from answers in a terminal, or blank."""

from collections.abc import Callable, Mapping, Sequence

from audition.config.card import ASPECTS, NAMED, PARTS
from audition.config.schema import signature
from audition.errors import AuditionError, choices
from audition.shelf.settings import yaml_value

CARD = "audition.config.card.Card"


def parse_card(words: Sequence[str]) -> dict[str, object]:
    """The card of some `KEY=VALUE` options; `test.tokens=1000000` sets a part of an entry.

    Raises AuditionError for a key that no card has.
    """
    card: dict[str, object] = {}
    for word in words:
        key, equals, value = word.partition("=")
        entry, _, part = key.partition(".")
        known = signature(CARD).settings
        if not equals or entry not in known:
            raise AuditionError(f"--card {word} is no KEY=VALUE of a card{choices(entry, known)}")
        if (entry in PARTS or entry in NAMED) != bool(part):
            raise AuditionError(f"--card {word}: {entry} {'has' if not part else 'has no'} parts")
        if not part:
            card[entry] = value
            continue
        inner = card.setdefault(entry, {})
        assert isinstance(inner, dict)
        inner[part] = value
    return card


def ask_for_card(ask: Callable[[str], str], card: Mapping[str, object]) -> dict[str, object]:
    """`card`, with each missing entry asked for; an empty answer leaves a blank.

    ask: shows a prompt and returns what was typed, as `input` does.
    """
    whole = dict(card)
    for entry, setting in signature(CARD).settings.items():
        if entry in ("name", "flag") or entry in whole:
            continue
        says = f"{entry}: {setting.sentence}".rstrip(" :.")
        if entry == "aspect":
            says = f"{entry} ({', '.join(ASPECTS)})"
        if entry in PARTS:
            typed = {part: ask(f"{entry}.{part}: ") for part in PARTS[entry]}
            whole[entry] = {part: value for part, value in typed.items() if value}
        elif entry in NAMED:
            whole[entry] = _table(ask, says)
        else:
            whole[entry] = ask(f"{says}: ")
    return whole


def _table(ask: Callable[[str], str], says: str) -> dict[str, str]:
    table: dict[str, str] = {}
    while line := ask(f"{says} (NAME: SENTENCE, empty to end): "):
        name, _, sentence = line.partition(":")
        table[name.strip()] = sentence.strip()
    return table


def card_lines(name: str, card: Mapping[str, object]) -> list[str]:
    """The lines of `cards:` in an idea's yaml; a blank has a comment that says what belongs there."""
    lines = [f"  {name}:", f"    name: {name}"]
    card = {"flag": f"+idea={name}", **card}
    for entry, setting in signature(CARD).settings.items():
        if entry == "name":
            continue
        value = card.get(entry) or ({} if entry in PARTS or entry in NAMED else "")
        says = setting.sentence.rstrip(".")
        comment = f"  # {says}" if says and not card.get(entry) else ""
        if isinstance(value, dict) and value:
            lines.append(f"    {entry}:")
            lines += [f"      {yaml_value(part)}: {_plain(each)}" for part, each in value.items()]
        else:
            lines.append(f"    {entry}: {_plain(value)}{comment}")
    return lines


def _plain(value: object) -> str:
    """A value for yaml: numbers and lists as typed, sentences quoted."""
    if not isinstance(value, str):
        return yaml_value(value)
    bare = value.replace(" ", "")
    is_number = bare.replace("_", "").replace(".", "", 1).isdigit()
    return (
        value if is_number or (bare.startswith("[") and bare.endswith("]")) else yaml_value(value)
    )
