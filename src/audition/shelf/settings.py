"""Writes the settings of a member's yaml from its class: names, values, and the class's sentences.

A value that differs from the constructor's default has a comment, `(default: 0.001)`. Any other value
is set to the default, so that a default is changed in one place.
"""

import json
import math
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import yaml
from omegaconf import OmegaConf

from audition.config.schema import REQUIRED, Setting, signature
from audition.config.schema.kinds import Choice, TypeMismatch
from audition.errors import AuditionError, choices

WIDTH = 100
NOTE = re.compile(r"\(default: .*\)")
"""The comment of a value that is meant to differ."""


_GLUE = "\N{NO-BREAK SPACE}"


@dataclass
class _Entry:
    """One setting of a file: its value, its comment, and the lines nested below it."""

    value: str = ""
    comment: str = ""
    below: list[str] = field(default_factory=list)


def regenerated(text: str) -> str:
    """The text of a yaml with every node's settings rewritten from its class, in the class's order.

    A value is kept if it equals the default in whatever spelling, if its comment notes the default,
    if it is looked up (`${model.context}`), or if it must be given (`???`). Any other value becomes
    the default. Lines outside of nodes are kept.

    Raises AuditionError for a key that the class does not take.
    """
    plain = yaml.safe_load(text)
    chosen = plain.get("defaults", ()) if isinstance(plain, Mapping) else ()
    entries = (str(g) for entry in chosen if isinstance(entry, Mapping) for g in entry)
    # `/preset@phases.chains.first: ema` gives the setting `chains`.
    groups = frozenset(word for entry in entries for word in (entry, *re.split(r"[@.]", entry)))
    return "\n".join(_lines(text.splitlines(), groups)) + "\n"


def settings_of(target: str, indent: int = 0, like: str = "") -> list[str]:
    """The lines of a node of `target` at its defaults; `???` marks a value that must be given.

    Values that the yaml `like` looks up elsewhere (`context: ${model.context}`) are looked up here
    too.
    """
    margin = " " * indent
    looked_up = [line for line in like.splitlines() if re.match(r"\w+: *\$\{", line)]
    return _lines([f"{margin}_target_: {target}", *(margin + line for line in looked_up)])


def yaml_value(value: object) -> str:
    """A value in yaml, spelled so that YAML 1.1 and 1.2 read the same."""
    match value:
        case None | bool():
            return json.dumps(value)
        case float():
            if not math.isfinite(value):
                return {math.inf: ".inf", -math.inf: "-.inf"}.get(value, ".nan")
            mantissa, e, exponent = repr(value).partition("e")
            return f"{mantissa}{'' if '.' in mantissa or not e else '.0'}{e}{exponent}"
        case str():
            plain = re.fullmatch(r"[A-Za-z_][\w./-]*", value) and isinstance(
                yaml.safe_load(value), str
            )
            return value if plain else json.dumps(value, ensure_ascii=False)
        case Mapping():
            return "{" + ", ".join(f"{k}: {yaml_value(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(yaml_value, value)) + "]"
    return str(value)


def _lines(lines: Sequence[str], chosen: frozenset[str] = frozenset()) -> list[str]:
    """The lines with every node rewritten; `chosen` are settings that other files give."""
    out: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        out.append(line)
        at += 1
        target = re.fullmatch(r"( *)_target_: +([\w.]+\.\w+) *(#.*)?", line)
        if not target:
            continue
        indent, end = len(target[1]), at
        while end < len(lines) and _depth(lines[end]) >= indent:
            end += 1
        out += _node(target[2], indent, lines[at:end], chosen)
        at = end
    return out


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" ")) if line.strip() else -1


def _node(target: str, indent: int, lines: Sequence[str], chosen: frozenset[str]) -> Iterator[str]:
    takes = signature(target)
    found = _entries(indent, lines)
    lost = [name for name in found if name not in takes.settings]
    if lost:
        what = "is not a setting" if len(lost) == 1 else "are not settings"
        like = lost[0] if len(lost) == 1 else ""
        raise AuditionError(f"{', '.join(lost)} {what} of {target}{choices(like, takes.settings)}")
    for name, setting in takes.settings.items():
        if name in found or name not in chosen:
            given = "???" if setting.default is REQUIRED else yaml_value(setting.default)
            yield from _setting(setting, found.get(name, _Entry(given)), indent)


def _entries(indent: int, lines: Sequence[str]) -> dict[str, _Entry]:
    found: dict[str, _Entry] = {}
    last: _Entry | None = None
    above: list[str] = []
    for line in lines:
        if _depth(line) > indent and last is not None:
            last.below.append(line)
        elif line.strip().startswith("#"):
            above.append(line.strip("# "))
        else:
            key, _, rest = line.strip().partition(":")
            value, _, comment = _split(rest)
            last = found[key] = _Entry(value, " ".join([*above, comment]))
            above = []
    return found


def _split(rest: str) -> tuple[str, str, str]:
    """A value and the comment behind it; a `#` inside quotes is part of the value."""
    quoted = re.match(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^#]*?)\s*(?:#\s*(.*))?$""", rest)
    return (quoted[1], "#", quoted[2] or "") if quoted else (rest.strip(), "", "")


def _setting(setting: Setting, entry: _Entry, indent: int) -> Iterator[str]:
    margin, note = " " * indent, ""
    value = entry.value
    if not entry.below and setting.default is not REQUIRED and not _free(value):
        if _same(setting, value):
            pass
        elif NOTE.search(entry.comment):
            note = f"(default: {yaml_value(setting.default)})"
        else:
            value = yaml_value(setting.default)
    words = [setting.sentence.rstrip("."), _choice(setting), note]
    comment = " ".join(word for word in words if word)
    line = f"{margin}{setting.name}:{' ' * bool(value)}{value}"
    if not comment:
        yield line
    elif len(f"{line}  # {comment}") <= WIDTH:
        yield f"{line}  # {comment}"
    else:
        first = f"{margin}# "
        whole = " ".join(word if word is words[0] else _unbroken(word) for word in words if word)
        for part in textwrap.wrap(
            whole, WIDTH, initial_indent=first, subsequent_indent=first, break_on_hyphens=False
        ):
            yield part.replace(_GLUE, " ")
        yield line
    yield from _lines(entry.below)


def _unbroken(word: str) -> str:
    return word.replace(" ", _GLUE)


def _free(value: str) -> bool:
    """Whether it is looked up elsewhere or must be given, so that the default does not apply."""
    return "${" in value or value == "???"


def _same(setting: Setting, value: str) -> bool:
    plain = OmegaConf.to_container(OmegaConf.create(f"value: {value}"))
    assert isinstance(plain, dict)
    try:
        return bool(setting.kind.fit(plain["value"]) == setting.default)
    except TypeMismatch:
        return False


def _choice(setting: Setting) -> str:
    if isinstance(setting.kind, Choice) and len(setting.kind.values) > 1:
        return f"({' | '.join(map(str, setting.kind.values))})"
    return ""
