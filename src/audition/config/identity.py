"""What makes two runs the same run: settings that can change a number, text, and code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from json import dumps
from typing import Any

from audition.budget import Budget
from audition.config.construct import construct
from audition.config.root import NAMED_PARTS, ONE_PART, SECTIONS
from audition.config.schema import normalise, source_digest

COSMETIC = (
    *("logger", "energy", "paths", "checkpoint", "tuning"),
    *("cards", "baseline", "baseline_seeds", "arm", "seed"),
)
"""Root keys that cannot change a number (the seed is added where it matters)."""

LOCAL = ("cache_dir", "path")
"""Settings of `data` that say where a text lies; what it says is in its fingerprint."""

LOOP = ("audition.trainer.train", "audition.build.build", "audition.evaluation.HeldOut")
"""Code that every run uses, besides the parts that its settings name."""


@dataclass(frozen=True)
class Identity:
    """The names under which a run is filed."""

    config_hash: str  # 16 hex digits, shared by the seeds of an arm
    key: str  # 32 hex digits, of one run
    evaluation: str  # fingerprint of the held-out windows
    code: str  # digest of the source files

    def of_seed(self, seed: int) -> "Identity":
        """The same arm at another seed."""
        return Identity(self.config_hash, _key(self.config_hash, seed), self.evaluation, self.code)


def identify(settings: Mapping[str, Any]) -> Identity:
    """The identity of the run that `settings` (checked, plain containers) describe.

    Writing a default out changes nothing; editing an idea's file changes that idea's runs only.
    """
    relevant = material(settings)
    source = construct({**settings["data"]})
    roots = sorted({target.split(".")[0] for target in settings["allowed_targets"]})
    code = source_digest([*LOOP, *targets(relevant)], roots=tuple(roots))
    parts = {
        "settings": relevant,
        "text": source.corpus_fingerprint,
        "evaluation": source.evaluation_fingerprint,
        "code": code,
    }
    config_hash = sha256(dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    key = _key(config_hash, settings["seed"])
    return Identity(config_hash, key, source.evaluation_fingerprint, code)


def material(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that can change a number, complete with the defaults nobody wrote."""
    parts: dict[str, Any] = {
        group: normalise(settings[group]) for group in ONE_PART if group not in COSMETIC
    }
    for group in NAMED_PARTS:
        if group not in COSMETIC:
            named = settings.get(group) or {}
            # A list, not a mapping: the order of effects and of ideas is part of what they do.
            parts[group] = [[name, normalise(node)] for name, node in named.items()]
    for section, target in SECTIONS.items():
        if section not in COSMETIC:
            parts[section] = normalise({**settings[section], "_target_": target})
    parts["budget"] = Budget(**settings["budget"]).ruling()
    for local in LOCAL:
        parts["data"].pop(local, None)
    return parts


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


def _key(config_hash: str, seed: int) -> str:
    return sha256(f"{config_hash}/{seed}".encode()).hexdigest()[:32]
