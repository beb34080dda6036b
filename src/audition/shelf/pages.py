"""The README's table of members and docs/parts.md, written from `conf/` and the classes it names."""

import ast
import re
from collections.abc import Callable, Iterator, Mapping

from audition.config.groups import GROUPS
from audition.config.members import Member, members, shelves
from audition.config.schema import REQUIRED, Setting, signature
from audition.config.schema.kinds import Choice, Either, Kind, Number
from audition.config.schema.lookup import find
from audition.shelf.settings import yaml_value

PAGE = "docs/parts.md"
BEGIN, END = "<!-- members: made by `make conf` -->", "<!-- end of members -->"
COST = "*Cost*: "

Known = Callable[[Member], bool]
"""Whether a document is to name a member."""

Costs = Mapping[str, str]
"""What chooses a member (`norm=rmsnorm`) -> what it costs, in a sentence."""


def table(known: Known = lambda member: True) -> str:
    """The README's table: each group and its members, the default in bold."""
    rows = ["| group | members |", "|---|---|"]
    for shelf in shelves():
        names = ", ".join(
            f"**`{member.name}`**" if member.is_default else f"`{member.name}`"
            for member in filter(known, members(shelf))
        )
        rows.append(f"| [`{shelf}`]({PAGE}#{anchor(shelf)}) | {names} |")
    return "\n".join(rows)


def filled(text: str, known: Known = lambda member: True) -> str:
    """`text` with the table between the two marks. Raises ValueError where there are none."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} ... {END}")
    return f"{before}{begin}\n{table(known)}\n{end}{after}"


def reference(known: Known = lambda member: True, costs: Costs | None = None) -> str:
    """The page of every member: what it is, what it costs, and its settings with their ranges."""
    return "\n".join(_page(known, costs or {})) + "\n"


def costs_in(text: str) -> Costs:
    """The costs that a page of members names."""
    entry = re.compile(rf"^### `([^`]+)`(?:(?!^#).)*?^{re.escape(COST)}([^\n]*)$", re.M | re.S)
    return dict(entry.findall(text))


def named_in(text: str) -> Known:
    """The members that a document names; one that was just added may be missing until `make conf`."""

    def known(member: Member) -> bool:
        row = re.search(rf"^\| \[`{re.escape(member.group)}`\].*$", text, re.MULTILINE)
        return f"`{member.name}`" in (row[0] if row else "") or f"### `{member.chosen}`" in text

    return known


def anchor(shelf: str) -> str:
    """The fragment under which a reader of Markdown finds a group's heading."""
    return re.sub(r"[^\w-]", "", shelf.lower())


def _page(named: Known, costs: Costs) -> Iterator[str]:
    yield "# Groups and members"
    yield ""
    yield "Written by `make conf` from the files of `conf/` and the classes they name. A setting is"
    yield "typed as `GROUP.SETTING=VALUE`; the value shown is what a run has unless told otherwise."
    known = {group.choices: group for group in GROUPS.values() if group.choices}
    described: set[str] = set()
    for shelf in shelves():
        yield ""
        yield f"## {shelf}"
        group = known.get(shelf)
        if group is not None:
            yield ""
            yield group.says
        for member in filter(named, members(shelf)):
            yield from _member(member, costs.get(member.chosen, ""), described)


def _member(member: Member, cost: str, described: set[str]) -> Iterator[str]:
    """The lines of one member; a class is described where it appears first."""
    yield ""
    yield f"### {shown(member)}"
    if member.sentence:
        yield ""
        yield member.sentence
    if cost:
        yield ""
        yield f"{COST}{cost}"
    for place, node in member.nodes.items():
        target = str(node["_target_"])
        if "." not in target or any(place in part.nodes for part in member.parts):
            continue
        if target not in described:
            described.add(target)
            yield from _described(target)
        takes = signature(target)
        if not takes.settings:
            continue
        yield ""
        yield f"| `{place}.` | value | takes | |"
        yield "|---|---|---|---|"
        for setting in takes.settings.values():
            value = _value(setting, node.get(setting.name, setting.default))
            cells = (f"`{setting.name}`", value, _takes(setting.kind), setting.sentence)
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _described(target: str) -> Iterator[str]:
    """What a class and its file say of it: the formula, the source, and what it refuses."""
    found = find(target)
    of_class = ast.get_docstring(found.node) or ""
    of_file = ast.get_docstring(found.source.tree) or ""
    prose = re.split(r"^(?:Args|Examples?|Raises|Returns):$", of_class, flags=re.M)[0].strip()
    for paragraph in filter(None, (*prose.split("\n\n"), f"`{target}`: {of_file}")):
        yield ""
        yield paragraph.strip()


def shown(member: Member) -> str:
    """`optimizer=muon`, and whether it is the default."""
    return f"`{member.chosen}`{' (default)' if member.is_default else ''}"


def _value(setting: Setting, value: object) -> str:
    if value is REQUIRED or isinstance(value, dict):
        return "a part of its own"
    return "to be given" if value == "???" else f"`{yaml_value(value)}`"


def _takes(kind: Kind) -> str:
    """What a setting accepts: its sort and its range."""
    match kind:
        case Choice(values=values):
            return ", ".join(f"`{yaml_value(value)}`" for value in values)
        case Either(options=options):
            return " or ".join(map(_takes, options))
        case Number(bounds=bounds) if bounds:
            return f"{kind.noun} {' and '.join(map(str, bounds))}"
    return "" if kind.noun == "anything" else kind.noun
