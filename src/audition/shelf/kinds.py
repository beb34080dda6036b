"""What `audition new` can make: each kind's group, where its code goes, and what it begins as."""

from collections.abc import Mapping
from dataclasses import dataclass

from audition.config.groups import GROUPS
from audition.config.members import Member, members, shelves
from audition.config.root import ABSENT

SPOKEN = {"preset": "effect"}
"""What a kind is called where its group is named after the choice and not after the thing."""


@dataclass(frozen=True)
class Kind:
    """One kind of member.

    Args:
        name: what one types: `optimizer`, `effect`, `fitness`.
        shelf: its folder below `conf/`.
        room: the dotted package in which its code stands.
        base: dotted class of the default, which a new member begins as; empty where there is none.
    """

    name: str
    shelf: str
    room: str
    base: str


def kinds() -> Mapping[str, Kind]:
    """Every kind by its name: each group that holds parts whose classes have a room of their own."""
    holds = {group.choices: group.holds for group in GROUPS.values() if group.choices}
    found: dict[str, Kind] = {}
    for shelf in shelves():
        targets = {m.name: _target(m) for m in members(shelf) if _target(m)}
        rooms = [target.rsplit(".", 2)[0] for target in targets.values()]
        own = [room for room in rooms if "." in room and not room.startswith("audition.recipe")]
        if holds.get(shelf.split("/")[0]) not in ("part", "named parts") or not own:
            continue
        default = next((m for m in members(shelf) if m.is_default), None)
        base = _target(default) if default else ""
        name = SPOKEN.get(shelf, shelf.rpartition("/")[2])
        found[name] = Kind(name, shelf, max(own, key=own.count), base)
    return found


def _target(member: Member) -> str:
    """The class of a member's own part; empty where it has none."""
    named = (str(node["_target_"]) for node in member.nodes.values())
    return next((target for target in named if "." in target and target != ABSENT), "")
