"""The shape of a config's root: every key that a run needs is there and holds what it should.

Checked before any setting is read, so that all later code can rely on it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Interval

from audition.config.groups import Group, deciding, holding
from audition.config.root import names_in, no_parts
from audition.config.schema import signature
from audition.config.schema.kinds import TypeMismatch, shown
from audition.errors import AuditionError, choices


@dataclass(frozen=True, kw_only=True)
class Values:
    """What the plain values at the root may be."""

    seed: Any
    """A rule of its own (`config.root.check_seed`)."""
    arm: dict[str, str | None]
    baseline: str | None
    baseline_seeds: Annotated[int, Ge(1)] | None
    tune: str | list[str] | None
    metric: str | None
    sprint: Annotated[float, Interval(gt=0, le=10_080)] | None
    """Minutes, at most a week."""
    submit: Literal["wait", "detach"]
    allowed_targets: list[str]
    cards: dict[str, Any]


def check_keys(root: Mapping[str, Any]) -> None:
    """Raise AuditionError where a group or a section is missing, or is a single value.

    `root` may hold interpolations still: where a section is gone, those into it cannot be resolved.
    """
    for group in holding("part", "section", "value"):
        if group.name not in root and group.name != "cards":
            raise AuditionError(f"there is no {group.name}, and a run needs it: {_mend(group)}")
    for group in holding("part", "section"):
        node = root[group.name]
        if node is None:
            raise AuditionError(f"there is no {group.name}, and a run needs it: {_mend(group)}")
        if not (isinstance(node, Mapping) or (isinstance(node, str) and "${" in node)):
            raise AuditionError(
                f"{group.name}={shown(node)} is not a {group.holds} but one value: {_mend(group)}"
            )


def check_shape(settings: Mapping[str, Any]) -> None:
    """Raise AuditionError where the root of resolved settings holds what it cannot hold."""
    check_keys(settings)
    for group in holding("named parts"):
        node = settings.get(group.name)
        if not isinstance(node, Mapping | None):
            raise AuditionError(no_parts(group.name, node))
    for name, setting in signature("audition.config.shape.Values").settings.items():
        if name in settings:
            try:
                setting.kind.fit(settings[name])
            except TypeMismatch as mismatch:
                raise AuditionError(mismatch.sentence(name)) from None


def expanded(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with `~` as the home folder wherever they say where a file lies.

    Raises AuditionError for the home of a user whom this machine does not have, and for no path.
    """
    whole = dict(settings)
    # Sections first: the parts take their paths from them, and a sentence names the first at fault.
    for group in (*holding("section"), *holding("part")):
        node = settings[group.name]
        local = node if group in deciding("filing") else group.local
        places = {key: _home(f"{group.name}.{key}", node[key]) for key in local if key in node}
        whole[group.name] = {**node, **places}
    return whole


def _home(where: str, path: Any) -> Any:
    if path == "":
        raise AuditionError(f"{where}= is empty: give a path, or . for the folder you are in")
    if not isinstance(path, str) or not path.startswith("~"):
        return path
    found = os.path.expanduser(path)
    if found.startswith("~"):
        raise AuditionError(
            f"{where}={path!r}: this machine has no home folder {path.partition('/')[0]} "
            f"(a folder of that name is ./{path})"
        )
    return found


def _mend(group: Group) -> str:
    """What to type where a key of the root is gone or does not hold what it should."""
    match group.holds:
        case "section":
            settings = sorted(signature(group.of).settings)
            return f"set one of its settings, {', '.join(f'{group.name}.{s}' for s in settings)}"
        case "part":
            return f"name one, {group.name}=NAME{choices('', names_in(group.choices))}"
    return f"leave ~{group.name} out"
