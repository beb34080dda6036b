"""The root of every config: which keys there are, what each may hold, and where `conf/` lies."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audition.config.card import check_card
from audition.config.schema import check_node
from audition.errors import AuditionError, choices

ONE_PART = (
    "model",
    "attention",
    "positional",
    "norm",
    "feedforward",
    "optimizer",
    "schedule",
    "loss",
    "data",
    "apoptosis",
    "precision",
    "parallel",
    "energy",
)
"""Groups that hold exactly one part, named by its `_target_`."""

NAMED_PARTS = ("effects", "ideas", "logger")
"""Groups that hold any number of parts, each under its name, in order."""

SECTIONS = {
    "budget": "audition.budget.Budget",
    "training": "audition.trainer.Training",
    "execution": "audition.execution.Execution",
    "paths": "audition.config.root.Paths",
    "checkpoint": "audition.observers.checkpoint.Checkpoint",
    "tuning": "audition.sweep.tune.settings.Tuning",
}
"""Sections whose settings are the fields of one of our own classes."""

VALUES = (
    *("seed", "baseline", "baseline_seeds", "allowed_targets", "submit", "arm", "cards"),
    "tune",
)


def conf_dir() -> Path:
    """`conf/`: inside the installed package, or at the root of a checkout."""
    packaged = Path(__file__).parents[1] / "conf"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "conf"


def root_keys() -> frozenset[str]:
    """Every key that the root of a config may have."""
    return frozenset({*ONE_PART, *NAMED_PARTS, *SECTIONS, *VALUES})


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Where results go."""

    output_dir: str = "outputs"
    """The ledger: `runs/` with one folder a run."""
    cache_dir: str = "outputs/cache"
    """Tokenised text, shared by all runs; can be deleted at any time."""


def check(settings: Mapping[str, Any]) -> None:
    """Stop at the door what would train something else than was asked for.

    `settings` is the resolved config as plain containers. Hydra's `+` walks through struct mode, so
    `+optmizer=muon` composes and would silently train the baseline: every key of the root and of
    every part is held against what the code takes. No part's module is imported.

    Raises AuditionError: one sentence that names the value and the choices.
    """
    for key in settings:
        if key not in root_keys():
            raise AuditionError(f"unknown key '{key}'{choices(key, root_keys())}")
    prefixes = tuple(settings["allowed_targets"])
    for group in ONE_PART:
        _check_part(settings.get(group), group, prefixes)
    for group in NAMED_PARTS:
        named = settings.get(group) or {}
        if not isinstance(named, Mapping):
            raise AuditionError(_no_parts(group, named))
        for name, node in named.items():
            _check_part(node, f"{group}.{name}", prefixes)
    for section, target in SECTIONS.items():
        check_node({**settings[section], "_target_": target}, section, prefixes)
    check_seed(settings["seed"])
    cards = settings.get("cards") or {}
    for name in settings.get("ideas") or {}:
        check_card(name, cards.get(name))
    for name in cards:
        if name not in (settings.get("ideas") or {}):
            raise AuditionError(f"there is a card of '{name}' but no idea of that name is chosen")


def check_seed(seed: object) -> int:
    """A seed as the whole, non-negative number it must be."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise AuditionError(f"seed={seed} is not a seed: it must be a whole number from 0 up")
    return seed


def _no_parts(group: str, value: object) -> str:
    if group == "effects":
        return f"effects={value} is no chain of effects: preset=NAME chooses one"
    return f"{group}={value} is no mapping of names to parts"


def _check_part(node: object, where: str, prefixes: tuple[str, ...]) -> None:
    if not isinstance(node, Mapping):
        raise AuditionError(f"{where}={node!r} is not a part: name one that conf/ has")
    check_node(node, where, prefixes)
