"""What the units of a run respond to, in words and tables: by layer, the specialists, careers."""

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from audition.console import console, table
from audition.text import UNDEFINED, count, number, signed

SPREAD = ("layer", ">step", ">units", ">tokens", ">specialists", ">redundant", ">drift")
RESPONSES = ("unit", "layer", "responds to", ">share", "class", "writes", ">z", "twin", ">alike")
READING = (
    "tokens: among how many a unit's response is spread, exp(entropy), on average. specialists: units "
    "with a quarter of the tokens or fewer. redundant: correlation of at least .95 with another unit. "
    "drift: correlation with the unit's own responses at the look before. writes: the token whose "
    "logit it raises most directly, z over the vocabulary."
)


def layer_rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Each layer at the first and at the last look."""
    ends = {found["looks"][0], found["looks"][-1]}
    return [
        (
            each["site"],
            f"{each['step']:,}",
            f"{each['units']:,}",
            number(each["effective"], ".1f"),
            f"{each['specialists']:,}",
            f"{each['redundant']:,}",
            UNDEFINED if each["drift"] is None else signed(each["drift"], 2),
        )
        for each in sorted(found["layers"], key=lambda each: (each["site"], each["step"]))
        if each["step"] in ends
    ]


def response_rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The units whose responses are spread among the fewest tokens."""
    return [
        (
            str(each["unit"]),
            each["site"],
            " ".join(map(repr, each["tokens"])),
            f"{each['share']:.0%}",
            each["kind"],
            repr(each["writes"]) if each["writes"] else UNDEFINED,
            UNDEFINED if each["writes_z"] is None else number(each["writes_z"], ".1f"),
            str(each["twin"]),
            signed(each["redundancy"], 2),
        )
        for each in found["specialists"]
    ]


def class_line(found: Mapping[str, Any]) -> str:
    """`Of 65 tokens … units respond most to: vowel 12, space 9.`"""
    said = ", ".join(f"{kind} {many:,}" for kind, many in found["classes"].items())
    looks = count(len(found["looks"]), "look")
    return f"{looks} at {found['among']:,} tokens; the class that units respond to most: {said}."


def career_lines(found: Mapping[str, Any]) -> list[str]:
    """How steady units were, and the careers with the most changes."""
    lines = [
        f"careers of units {name}: {each['units']:,}, of which {each['steady']:,} kept their class; "
        f"{number(each['stages'], '.1f')} classes one after another on average; spread among "
        f"{number(each['effective_first'], '.1f')} tokens at first, "
        f"{number(each['effective_last'], '.1f')} at last"
        for name, each in found["careers"].items()
    ]
    for each in found["longest_careers"]:
        stages = each["stages"]
        told = " → ".join(f"{s['class']} ({s['token']!r}, step {s['from']:,})" for s in stages[:6])
        more = f" and {len(stages) - 6} more" if len(stages) > 6 else ""
        lines.append(f"unit {each['unit']} of {each['site']}: {told}{more}")
    return lines


def show_specialization(found: Mapping[str, Any]) -> None:
    """The units' responses in the terminal."""
    out = console(120)
    out.print(Text(class_line(found), "bold"))
    out.print(table(SPREAD, layer_rows(found)))
    out.print(table(RESPONSES, response_rows(found)))
    for line in career_lines(found):
        out.print(Text(line))
    out.print(Text(READING, "dim"))
