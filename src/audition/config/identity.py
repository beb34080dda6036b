"""What makes two runs the same run: settings that can change a number, text, and code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from json import dumps
from typing import Any

from audition.budget import Budget
from audition.config.chains import is_chain
from audition.config.groups import deciding
from audition.config.instantiate import construct
from audition.config.schema import read_constant, source_digest

LOOP = ("audition.training.loop.train", "audition.training.build.build")
"""Code that every run uses, besides the parts that its settings name."""

DERIVING = ("audition.training.derive.derive",)
"""Code that deployed runs use as well."""

PACKAGE = "audition.deploy.package.Torch"
"""What a model is shipped in where nothing else is chosen."""

PACKING = ("audition.training.packing.session.train_packed",)
"""Code that runs of a pack use as well."""

WORDS = ("audition.errors", "audition.reasons", "audition.parallel.messages")
"""Modules of error messages, whose wording is no part of a run's identity."""


@dataclass(frozen=True)
class Identity:
    """The names under which a run is filed."""

    config_hash: str  # 16 hex digits, shared by the seeds of an arm
    key: str  # 32 hex digits, of one run
    evaluation: str  # fingerprint of the held-out windows
    code: str  # digest of the source files

    def of_seed(self, seed: int, weights: str = "") -> "Identity":
        """The same arm at another seed; `weights` as `_key` has them."""
        key = _key(self.config_hash, seed, weights)
        return Identity(self.config_hash, key, self.evaluation, self.code)


def identify(settings: Mapping[str, Any]) -> Identity:
    """The identity of the run that `settings` describe, as `config.root.check` returns them.

    Editing an idea's file changes that idea's runs only; editing a comment, a docstring or the
    sentence of an error changes none.
    """
    relevant = material(settings)
    packed = relevant["execution"].get("pack", False)
    source = construct(settings["data"])
    evaluation = construct(settings["task"]).evaluation_fingerprint(source)
    roots = sorted({target.split(".")[0] for target in settings["allowed_targets"]})
    code = source_digest(
        [*LOOP, *PACKING[: bool(packed)], *targets(relevant)], roots=roots, spoken=WORDS
    )
    parts = {
        "settings": relevant,
        "text": source.corpus_fingerprint,
        "evaluation": evaluation,
        "code": code,
    }
    config_hash = sha256(dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    weights = settings["loss"].get("weights", "")
    if settings.get("deploy"):
        config_hash = _deployed(config_hash, settings["deploy"], roots)
        weights = settings["arm"].get("weights") or ""
    key = _key(config_hash, settings["seed"], weights)
    return Identity(config_hash, key, evaluation, code)


def _deployed(config_hash: str, nodes: Mapping[str, Any], roots: list[str]) -> str:
    """The hash of a trained arm of that hash once it is deployed through `nodes`.

    What the arm trained as is untouched by it: every way to deploy it shares its runs.
    """
    named = list(targets(nodes))
    runtimes = {package for target in (*named, PACKAGE) for package in runtime_of(target)}
    parts = {
        "parent": config_hash,
        "deploy": _in_order(nodes),
        "code": source_digest([*DERIVING, *named], roots=roots, spoken=WORDS),
        "runtime": {package: _version(package) for package in sorted(runtimes)},
    }
    return sha256(dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def runtime_of(target: str) -> tuple[str, ...]:
    """The distributions that a step or a package of a deployed run computes with."""
    found = read_constant(target, "runtime", ())
    return tuple(map(str, found)) if isinstance(found, tuple) else ()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def material(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What of checked settings can change a number; the seed is added where it matters."""
    parts: dict[str, Any] = {}
    for group in deciding("numbers"):
        if group.holds == "choices":  # they set other keys
            continue
        if group.younger and settings[group.name] == {"_target_": group.nothing}:
            continue
        left_out = {*group.local, *group.checks}
        value = {k: v for k, v in settings[group.name].items() if k not in left_out}
        if value.get("pack") == "off":
            del value["pack"]
        elif "pack" in value:  # with how many others a run is packed changes no bit of it
            value["pack"] = True
        # A list, not a mapping: the order of effects and of ideas is part of what they do.
        parts[group.name] = _in_order(value) if group.holds == "named parts" else value
    parts["budget"] = Budget(**settings["budget"]).ruling()
    return parts


def _in_order(nodes: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Named nodes as a list, and so the members of every chain within them."""

    def kept(node: Any) -> Any:
        if is_chain(node):
            return {**node, "members": _in_order(node["members"])}
        return {k: kept(v) for k, v in node.items()} if isinstance(node, Mapping) else node

    return [(name, kept(node)) for name, node in nodes.items()]


def targets(node: object) -> Iterator[str]:
    """Every `_target_` in a tree of containers."""
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield str(node["_target_"])
        for value in node.values():
            yield from targets(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from targets(value)


def _key(config_hash: str, seed: int, weights: str = "") -> str:
    """The key of one run; `weights` is the digest of those that it begins from, where it does."""
    begun = f"/{weights}" if weights else ""
    return sha256(f"{config_hash}/{seed}{begun}".encode()).hexdigest()[:32]
