"""What a chain may say beside its effects: chains within it, an order, and `wet` and `bypass`.

A chain is a mapping of names to effects, and one of them may be such a mapping itself:

    saturation: {_target_: ..., wet: 0.5}
    averages:
      ema: {_target_: ...}
    order: [averages, saturation]

`wet` and `bypass` are settings of `Mix`, which is put around what carries one of them. `order` names
all members of its chain once.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from audition.config.schema import check_node, read_constant, signature
from audition.config.schema.annotation import Instance
from audition.config.schema.kinds import Kind
from audition.errors import AuditionError, choices

CHAIN = "effects"
MIX = "audition.recipe.mix.Mix"
WHAT = "effect"
"""The setting of `Mix` that holds the effect itself."""
CHAINED = "audition.recipe.effect.chained"
"""What makes a chain of its members, as the node of a chain within another says it."""
ORDER = "order"


@lru_cache(maxsize=1)
def carried() -> tuple[str, ...]:
    """The names of the settings that any effect may carry."""
    return tuple(name for name in signature(MIX).settings if name != WHAT)


def opened(words: Iterable[str]) -> list[str]:
    """`words` with a `++` before each that sets one of them, or an order: `effects.limiter.wet=0.5`.

    The yaml of an effect does not list them, and Hydra lets only `++` set what may or may not be there.
    """
    last = "|".join((*carried(), ORDER))
    pattern = re.compile(rf"{CHAIN}\.(?:{ORDER}|[^=]+\.(?:{last}))=")
    return [f"++{word}" if pattern.match(word) else word for word in words]


def chain(
    nodes: Mapping[str, object], prefixes: Sequence[str] | None, where: str = CHAIN
) -> dict[str, dict[str, object]]:
    """The nodes of a chain as a run gets them, in their order. Raises AuditionError as `check_node`."""
    named = {name: node for name, node in nodes.items() if name != ORDER}
    # `++effects.limitr.wet=1` has made a node that has nothing else.
    made = [
        n for n, node in named.items() if isinstance(node, Mapping) and node != {} and _bare(node)
    ]
    if made:
        known = [name for name in named if name not in made]
        said = (
            choices(made[0], known)
            if known
            else ": there are no effects, and preset=NAME adds some"
        )
        raise AuditionError(f"unknown key '{where}.{made[0]}'{said}")
    order = _ordered(nodes.get(ORDER), tuple(named), where)
    return {name: _mixed(named[name], f"{where}.{name}", prefixes) for name in order}


def is_chain(node: object) -> bool:
    """Whether a checked node makes a chain of its members."""
    return isinstance(node, Mapping) and node.get("_target_") == CHAINED


def _bare(node: Mapping[str, object]) -> bool:
    return set(node) <= {*carried()}


def _ordered(order: object, names: tuple[str, ...], where: str) -> tuple[str, ...]:
    """The names as `order` has them; as they are without one."""
    if order is None:
        return names
    given = tuple(order) if isinstance(order, list | tuple) else (order,)
    if sorted(map(str, given)) == sorted(names):
        return tuple(map(str, given))
    unknown = next((str(name) for name in given if name not in names), None)
    why = (
        f"there is no '{unknown}'{choices(unknown, names)}"
        if unknown
        else f"it names each effect once: {', '.join(names)}"
    )
    raise AuditionError(f"{where}.{ORDER}=[{','.join(map(str, given))}]: {why}")


def _mixed(node: object, where: str, prefixes: Sequence[str] | None) -> dict[str, object]:
    """One node, inside a `Mix` where it carries a setting that changes anything."""
    if not isinstance(node, Mapping):
        raise AuditionError(f"{where}={node!r} is not a part: name one that conf/ has")
    if node.get("_target_") == MIX:
        inner = _mixed(node.get(WHAT), f"{where}.{WHAT}", prefixes)
        return check_node({**node, WHAT: inner}, where, None)
    names = carried()
    mixing = {key: value for key, value in node.items() if key in names}
    own = {key: value for key, value in node.items() if key not in names}
    bare = _effect(own, where, prefixes)
    if taken := sorted(bare.keys() & set(names)):
        raise AuditionError(
            f"{where}: the setting {taken[0]} of {bare['_target_']} is one that every effect may "
            "carry: give it another name"
        )
    mix = check_node({"_target_": MIX, WHAT: bare, **mixing}, where, None)
    return bare if mix == check_node({"_target_": MIX, WHAT: bare}, where, None) else mix


def _effect(
    node: Mapping[str, object], where: str, prefixes: Sequence[str] | None
) -> dict[str, object]:
    """The node of an effect: one with a `_target_`, or else a chain of those in it."""
    if is_chain(node) or not any(key.startswith("_") for key in node):
        members = node.get("members", {}) if is_chain(node) else node
        if isinstance(members, Mapping) and all(
            isinstance(each, Mapping) for key, each in members.items() if key != ORDER
        ):
            return {"_target_": CHAINED, "members": chain(members, prefixes, where)}
    target = str(node.get("_target_"))
    takes = signature(target).settings if _known(target) else {}
    chains = {
        key: _effect(value, f"{where}.{key}", prefixes)
        for key, value in node.items()
        if key in takes and _of_chains(takes[key].kind) and isinstance(value, Mapping)
    }
    return check_node({**node, **chains}, where, prefixes, also=carried())


def _of_chains(kind: Kind) -> bool:
    return isinstance(kind, Instance) and kind.of.node.name == "Chain"


def _known(target: str) -> bool:
    try:
        signature(target)
    except (AuditionError, ValueError):  # `check_node` says why
        return False
    return True


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
