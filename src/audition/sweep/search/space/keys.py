"""What a key is in a configuration, and which values it takes."""

from collections.abc import Mapping, Sequence
from typing import Any

from audition.config.groups import GROUPS
from audition.config.schema import signature
from audition.config.schema.kinds import TypeMismatch
from audition.sweep.compose import Composer


def standing(compose: Composer, typed: Sequence[str]) -> Any:
    """Key -> what it is in the configuration that `typed` makes: a group's choice, or a setting."""
    settings, chosen = compose.composed(typed)

    def look(key: str) -> Any:
        bare = key.lstrip("+")
        if bare in chosen:
            return chosen[bare]
        found: Any = settings
        for step in bare.split("."):
            if not isinstance(found, Mapping) or step not in found:
                return None
            found = found[step]
        return found

    return look


def takes_whole(settings: Mapping[str, Any], key: str, low: float, high: float) -> bool:
    """Whether the setting at `key` refuses numbers between those two that are not whole.

    A key that names nothing is left to the check of the composed config, which knows the choices.
    """
    path = key.lstrip("+").split(".")
    node: Any = settings
    for step in path[:-1]:
        node = node.get(step) if isinstance(node, Mapping) else None
    target = node.get("_target_") if isinstance(node, Mapping) else None
    section = GROUPS.get(".".join(path[:-1]))
    target = target or (section.of if section else "")
    known = signature(str(target)).settings.get(path[-1]) if target else None
    if known is None:
        return isinstance(low, int) and isinstance(high, int)
    between = low + 0.5 * min(1.0, high - low)
    if between == int(between):
        between += 0.25 * min(1.0, high - low)
    try:
        known.kind.fit(between)
    except TypeMismatch:
        return True
    return False
