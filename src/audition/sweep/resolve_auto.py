"""What `auto` means on this machine, settled before a run gets its name."""

from collections.abc import Mapping
from typing import Any

from audition.machine import gpus, multiplies_bfloat16

AUTO = "auto"
PRECISIONS = {True: "audition.execution.Bfloat16", False: "audition.execution.Float32"}
"""Whether the hardware multiplies bfloat16 natively -> the precision that `auto` stands for."""


def resolve_auto(settings: Mapping[str, Any]) -> dict[str, Any]:
    """`settings` with the device and the precision that `auto` stands for.

    A run that a sweep handed to another machine carries in `arm` what was settled where the sweep
    began: it must not change its identity on the way.
    """
    sent = settings["arm"]
    execution = {
        **settings["execution"],
        "device": sent.get("device") or device_of(settings["execution"]),
        "pack": pack_of(settings["execution"]),
    }
    precision = settings["precision"]
    if precision == {"_target_": AUTO}:
        native = multiplies_bfloat16(execution["device"])
        precision = {"_target_": sent.get("precision") or PRECISIONS[native]}
    return {**settings, "execution": execution, "precision": precision}


def pack_of(execution: Mapping[str, Any]) -> Any:
    """The pack that `execution` names. `auto` packs nothing: it does not pay on a processor, and
    which models it pays for on a card has not been measured yet (docs/packing.md).
    """
    pack = execution.get("pack", AUTO)
    return "off" if pack == AUTO else pack


def device_of(execution: Mapping[str, Any]) -> str:
    """The device that `execution` names, `auto` being whichever this machine has."""
    device = str(execution.get("device", AUTO))
    return ("cuda" if gpus() else "cpu") if device == AUTO else device
