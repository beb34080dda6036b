"""Settings that every effect of the chain may carry, whatever its class: `wet` and `bypass`.

They are those of `Mix`, which is put around an effect that carries one of them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from audition.config.schema import check_node, read_constant, signature
from audition.errors import AuditionError, choices

CHAIN = "effects"
MIX = "audition.recipe.mix.Mix"
WHAT = "effect"
"""The setting of `Mix` that holds the effect itself."""


@lru_cache(maxsize=1)
def carried() -> tuple[str, ...]:
    """The names of the settings."""
    return tuple(name for name in signature(MIX).settings if name != WHAT)


def opened(words: Iterable[str]) -> list[str]:
    """`words` with a `++` before each that sets one of them: `effects.limiter.wet=0.5`.

    The yaml of an effect does not list them, and Hydra lets only `++` set what may or may not be there.
    """
    pattern = re.compile(rf"{CHAIN}\.[^.=]+\.({'|'.join(carried())})=")
    return [f"++{word}" if pattern.match(word) else word for word in words]


def chain(
    nodes: Mapping[str, object], prefixes: Sequence[str] | None
) -> dict[str, dict[str, object]]:
    """The chain's nodes as a run gets them, in their order. Raises AuditionError as `check_node`."""
    # `++effects.limitr.wet=1` has made a node that has nothing else.
    made = [
        n for n, node in nodes.items() if isinstance(node, Mapping) and set(node) <= {*carried()}
    ]
    if made:
        known = [name for name in nodes if name not in made]
        said = (
            choices(made[0], known)
            if known
            else ": there are no effects, and preset=NAME adds some"
        )
        raise AuditionError(f"unknown key '{CHAIN}.{made[0]}'{said}")
    return {name: _mixed(node, f"{CHAIN}.{name}", prefixes) for name, node in nodes.items()}


def _mixed(node: object, where: str, prefixes: Sequence[str] | None) -> dict[str, object]:
    """One node, inside a `Mix` where it carries a setting that changes anything."""
    if not isinstance(node, Mapping):
        raise AuditionError(f"{where}={node!r} is not a part: name one that conf/ has")
    if node.get("_target_") == MIX:
        return check_node(node, where, prefixes)
    names = carried()
    mixing = {key: value for key, value in node.items() if key in names}
    own = {key: value for key, value in node.items() if key not in names}
    bare = check_node(own, where, prefixes, also=names)
    if taken := sorted(bare.keys() & set(names)):
        raise AuditionError(
            f"{where}: the setting {taken[0]} of {bare['_target_']} is one that every effect may "
            "carry: give it another name"
        )
    mix = check_node({"_target_": MIX, WHAT: bare, **mixing}, where, None)
    return bare if mix == check_node({"_target_": MIX, WHAT: bare}, where, None) else mix


def needed_by(target: str) -> Mapping[str, object]:
    """What an effect's class says it acts on, by place: `{"model.dropout": 0.1}`, an example of it."""
    found = read_constant(target, "needs")
    return found if isinstance(found, Mapping) else {}


def check_needs(settings: Mapping[str, Any]) -> None:
    """Raise AuditionError for an effect of the checked settings that has nothing to act on."""
    for name, target in _targets(settings[CHAIN], CHAIN):
        for place, example in needed_by(target).items():
            part, _, setting = place.rpartition(".")
            if not settings.get(part, {}).get(setting):
                raise AuditionError(
                    f"{name} acts on {place}, which is 0: set {place}={example}, for the baseline too"
                )


def _targets(node: object, where: str) -> Iterator[tuple[str, str]]:
    """The place and the class of each effect below a node, nested ones too."""
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield where, str(node["_target_"])
        for key, value in node.items():
            yield from _targets(value, f"{where}.{key}")
