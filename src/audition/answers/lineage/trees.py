"""A family as text for other programs: JSON, Newick for phylogenies, Graphviz for graphs."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from audition.answers.lineage.family import Family, Unit
from audition.answers.lineage.measures import summary
from audition.plain_file import write_file
from audition.records.codec import finite

Format = Literal["json", "newick", "dot"]
SUFFIX: dict[Format, str] = {"json": "json", "newick": "nwk", "dot": "dot"}


def to_json(family: Family) -> dict[str, Any]:
    """Every unit, every event and the measures."""
    return {
        **summary(family),
        "lineage": [
            {
                "unit": u.id,
                "site": u.site,
                "slot": u.slot,
                "born": u.born,
                "died": u.died,
                "strategy": u.strategy,
                "parents": [{"unit": i, "share": share} for i, share in u.parents.items()],
                "descendants": family.descendants[u.id],
            }
            for u in family.units.values()
        ],
    }


def to_newick(family: Family) -> str:
    """One tree a site, a line each, of the units that have any kin.

    A node is a unit, its branch the steps from its parent's birth to its own; below the root of a
    tree are the site's founders. A unit of several parents hangs on the one that it has most of,
    since a tree knows one.
    """
    lines = []
    for site in family.lineage.founders:
        roots = [u.id for u in _kin(family) if u.site == site and u.founder]
        trees = ",".join(_newick(family, root) for root in roots)
        lines.append(f"({trees})'{site}';" if trees else f"'{site}';")
    return "\n".join(lines) + "\n"


def _newick(family: Family, root: int) -> str:
    """The tree under a unit, without recursion: lineages may be deeper than Python's stack."""
    order, waiting = [], [root]
    while waiting:
        order.append(waiting.pop())
        waiting += heirs(family, order[-1])
    text: dict[int, str] = {}
    for i in reversed(order):
        parent = family.units[i].first_parent
        since = family.lineage.since if parent is None else family.units[parent].born
        below = ",".join(text.pop(child) for child in heirs(family, i))
        text[i] = f"{f'({below})' if below else ''}{i}:{family.units[i].born - since}"
    return text[root]


def heirs(family: Family, i: int) -> list[int]:
    """The children of a unit that have most of it, and of no other parent before it."""
    return [child for child in family.children[i] if family.units[child].first_parent == i]


def to_dot(family: Family) -> str:
    """A graph with an edge from each parent to each child, of the units that have any kin.

    Filled nodes live at the end; an edge is as thick as the child's share of that parent.
    """
    living = {*family.living}
    lines = ["digraph lineage {", "  rankdir=LR;", "  node [shape=box, fontsize=9];"]
    for number, site in enumerate(family.lineage.founders):
        own = [u for u in _kin(family) if u.site == site]
        lines += [f"  subgraph cluster_{number} {{", f'    label="{site}";']
        for u in own:
            died = "" if u.died is None else f", died {u.died}"
            style = ", style=filled" if u.id in living else ""
            lines.append(f'    {u.id} [label="{u.id}", tooltip="born {u.born}{died}"{style}];')
        lines.append("  }")
    for u in family.units.values():
        lines += [f"  {p} -> {u.id} [penwidth={2 * share:.2f}];" for p, share in u.parents.items()]
    return "\n".join([*lines, "}"]) + "\n"


def _kin(family: Family) -> Sequence[Unit]:
    """The units that are a parent or a child."""
    return [u for u in family.units.values() if u.parents or family.children[u.id]]


def write_tree(folder: Path, name: str, family: Family, form: Format) -> Path:
    """Write the family of the run `name` into `folder`; AuditionError where that is not possible."""
    stem = re.sub(r"[^\w.-]", "_", name)
    path = folder / f"lineage-{stem}.{SUFFIX[form]}"
    texts: dict[Format, Callable[[], str]] = {
        "json": lambda: json.dumps(finite(to_json(family)), indent=1) + "\n",
        "newick": lambda: to_newick(family),
        "dot": lambda: to_dot(family),
    }
    write_file(path, texts[form]())
    return path
