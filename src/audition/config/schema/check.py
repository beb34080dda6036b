"""Checks a config node against its constructor; one sentence names the first mistake.

Nodes are plain containers with interpolations resolved, as from `OmegaConf.to_container`.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy

from audition.config.schema.kinds import TypeMismatch, shown
from audition.config.schema.signature import REQUIRED, Signature, signature
from audition.errors import AuditionError, choices

_MISSING = "???"  # OmegaConf's mark of a value that must be given


def check_node(
    node: object, where: str, allowed_prefixes: Iterable[str] | None, also: Iterable[str] = ()
) -> dict[str, object]:
    """The node with every default written out and every value in the form a run gets.

    Raises AuditionError unless it names an allowed target with valid settings, as must every
    mapping inside it that has a `_target_` of its own. Two nodes that make the same object come out
    equal: 1 is 1.0 for a float setting, 1e6 is 1000000 for an int one, a list is a tuple where the
    annotation says so, and settings stand in the order of the signature.

    Args:
        node: a mapping with `_target_` and settings.
        where: the node's place in the config, which sentences begin with: `optimizer`.
        allowed_prefixes: packages a target may lie in: `("audition", "torch.optim")`; None: any.
        also: names to choose from beside the settings, which the caller has taken out of the node.
    """
    prefixes = None if allowed_prefixes is None else tuple(p.rstrip(".") for p in allowed_prefixes)
    return _complete(node, where, prefixes, tuple(also))


def _complete(
    node: object, where: str, prefixes: tuple[str, ...] | None, also: tuple[str, ...] = ()
) -> dict[str, object]:
    if not isinstance(node, Mapping):
        raise AuditionError(f"{where}={shown(node)} is not a group of settings with a _target_")
    takes = _signature(node, where, prefixes)
    for key in node:
        if key != "_target_" and key not in takes.settings:
            raise AuditionError(_unknown(key, where, takes, also))
    complete: dict[str, object] = {"_target_": takes.target}
    for name, setting in takes.settings.items():
        value = node.get(name, setting.default)
        if value is REQUIRED or value == _MISSING:
            raise AuditionError(f"{where}.{name} is missing: {takes.target} has no default for it")
        if name not in node:
            complete[name] = deepcopy(setting.default)
            continue
        try:
            complete[name] = setting.kind.fit(_inner(value, f"{where}.{name}", prefixes))
        except TypeMismatch as mismatch:
            raise AuditionError(mismatch.sentence(f"{where}.{name}")) from None
    return complete


def _inner(value: object, where: str, prefixes: tuple[str, ...] | None) -> object:
    """A setting's value with the nodes inside it completed."""
    if isinstance(value, Mapping):
        if "_target_" in value:
            return _complete(value, where, prefixes)
        _refuse_switches(value, where)
        return {key: _inner(each, f"{where}.{key}", prefixes) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_inner(each, f"{where}[{i}]", prefixes) for i, each in enumerate(value)]
    return value


def _signature(
    node: Mapping[object, object], where: str, prefixes: tuple[str, ...] | None
) -> Signature:
    _refuse_switches(node, where)
    target = node.get("_target_")
    if target is None or target == _MISSING:
        raise AuditionError(f"{where} has no _target_, which names the class or function to make")
    if not isinstance(target, str):
        raise AuditionError(f"{where}._target_={shown(target)} is not a dotted name")
    if prefixes is not None and not any(_inside(target, prefix) for prefix in prefixes):
        allowed = ", ".join(sorted(prefixes)) or "(none)"
        raise AuditionError(f"{where}._target_={target} is not allowed: it must be in {allowed}")
    try:
        return signature(target)
    except AuditionError as error:
        raise AuditionError(f"{where}._target_={error}") from None
    except ValueError as error:  # a constructor whose settings cannot be checked
        raise AuditionError(f"{where}._target_={target} cannot be used: {error}") from None


def _inside(target: str, prefix: str) -> bool:
    return target == prefix or target.startswith(f"{prefix}.")


def _refuse_switches(node: Mapping[object, object], where: str) -> None:
    """Hydra's own switches (`_partial_` and its kind) would change what a node means."""
    for key in node:
        if isinstance(key, str) and key[:1] == key[-1:] == "_" and key != "_target_":
            raise AuditionError(f"{where}.{key} is not used here: the only such key is _target_")


def _unknown(key: object, where: str, takes: Signature, also: tuple[str, ...]) -> str:
    if key in takes.supplied:
        offered = ", ".join(sorted(takes.settings)) or "(none)"
        return f"{where}.{key} is supplied by the house and cannot be set; choose from: {offered}"
    return (
        f"{where}.{key} is not a setting of {takes.target}{choices(key, (*takes.settings, *also))}"
    )
