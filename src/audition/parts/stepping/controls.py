"""The step's gains, put on an optimizer's configured settings."""

from typing import Any, TypeVar

from torch.optim import Optimizer

from audition.recipe.signals import Controls

Kind = TypeVar("Kind", bound=Optimizer)

CONTROLLED = ("lr", "momentum", "betas", "weight_decay")
HIGHEST_MOMENTUM = 0.999
"""A gain above 1 must not push a momentum to 1, where it would never forget."""


def configured(optimizer: Kind) -> Kind:
    """Note in each group the settings it was configured with, which gains are relative to."""
    for group in optimizer.param_groups:
        _noted(group)
    return optimizer


def apply_controls(optimizer: Optimizer, controls: Controls) -> None:
    """Set each group's rate, momentum (or first beta) and decay to configured times gain.

    Called every step; nothing compounds, since the configured values stay noted in the group and
    travel in `state_dict`. A group that lacks a setting is left without it.
    """
    for group in optimizer.param_groups:
        noted = _noted(group)
        if "lr" in noted:
            group["lr"] = noted["lr"] * controls.lr
        if "momentum" in noted:
            group["momentum"] = _momentum(noted["momentum"], controls.momentum)
        if "betas" in noted:
            first, *others = noted["betas"]
            group["betas"] = (_momentum(first, controls.momentum), *others)
        if "weight_decay" in noted:
            group["weight_decay"] = noted["weight_decay"] * controls.weight_decay


def _noted(group: dict[str, Any]) -> dict[str, Any]:
    if "configured" not in group:
        group["configured"] = {key: group[key] for key in CONTROLLED if key in group}
    noted: dict[str, Any] = group["configured"]
    return noted


def _momentum(value: float, gain: float) -> float:
    return min(value * gain, max(value, HIGHEST_MOMENTUM))
