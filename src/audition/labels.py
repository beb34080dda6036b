"""Names of arms where there is little room: short, and different where the names are."""

import re
from collections import Counter
from collections.abc import Sequence

SETTING = re.compile(r"(?<![^,])((?:[\w@/-]+\.)*)([\w@/-]+)(?==)")
"""Of `optimizer.lr=0.01`, the groups and the last name of its key."""
ROOM = 30
"""Characters of a label in a figure."""


def shortened(name: str, most: int = ROOM) -> str:
    """The name where it fits; else its keys without their groups, and then without its middle."""
    return _cut(SETTING.sub(r"\2", name) if len(name) > most else name, most)


def labels(names: Sequence[str], most: int = ROOM) -> list[str]:
    """The names, each short enough for its place, and different where the names are.

    A name that is too long loses the groups of its keys, where no two keys end alike, then what all
    the names share, and then its middle. What is the same by then loses what those names share
    instead, and is numbered where that does not tell them apart either.

    >>> labels(["optimizer.lr=0.01,optimizer.clip=1", "optimizer.lr=0.02,optimizer.clip=1"])
    ['lr=0.01,clip=1', 'lr=0.02,clip=1']
    """
    keys = {(found[0], found[2]) for name in names for found in SETTING.finditer(name)}
    last = [end for _, end in keys]
    alike = frozenset(end for end in last if last.count(end) > 1)
    shared = (
        set.intersection(*(set(name.split(",")) for name in names)) if len(names) > 1 else set()
    )
    short = [_short(name, most, alike, shared) for name in names]
    for text in _alike(short, names):
        group = {name for name, own in zip(names, short, strict=True) if own == text}
        common = set.intersection(*(set(name.split(",")) for name in group))
        apart = {name: _short(name, most, alike, common) for name in group}
        if len({*apart.values()} - {*short}) == len(group):
            short = [apart.get(name, own) for name, own in zip(names, short, strict=True)]
    # With room for a number, names may come out alike that were not.
    same = _alike(short, names)
    numbers: Counter[str] = Counter()
    for i, text in enumerate(short):
        if text in same:
            text = _cut(text, most - 5)
            numbers[text] += 1
            short[i] = f"{text} #{numbers[text]}"
    return short


def _alike(short: Sequence[str], names: Sequence[str]) -> list[str]:
    """The labels that several names have."""
    named: dict[str, set[str]] = {}
    for text, name in zip(short, names, strict=True):
        named.setdefault(text, set()).add(name)
    return [text for text, own in named.items() if len(own) > 1]


def meant(label: str, names: Sequence[str]) -> str:
    """The one of `names` that a table may have shown as `label`; else `label` as it is."""

    def bare(name: str) -> str:
        return SETTING.sub(r"\2", name)

    before, dots, after = label.partition("…")
    wanted = set(bare(label.removeprefix("…")).split(","))
    found = [
        name
        for name in names
        for text in (bare(name),)
        if set(text.split(",")) == wanted
        or (dots and not before and wanted <= set(text.split(",")))
        or (dots and before and text.startswith(before) and text.endswith(after))
    ]
    return found[0] if label not in names and len(found) == 1 else label


def _short(name: str, most: int, alike: frozenset[str], shared: set[str]) -> str:
    """alike: last names of several keys. shared: what every name has."""

    def bare(text: str, group: int | None = None) -> str:
        return SETTING.sub(
            lambda key: f"{key[1][:group].rstrip('.')}.{key[2]}" if key[2] in alike else key[2],
            text,
        )

    own = ",".join(part for part in name.split(",") if part not in shared) or name
    dots = "…" if own != name else ""
    for text in (name, bare(name), dots + bare(own), dots + bare(own, 3)):
        if len(text) <= most:
            return text
    return _cut(bare(own, 3), most)


def _cut(text: str, most: int) -> str:
    tail = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - tail]}…{text[-tail:]}"
