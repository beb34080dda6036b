"""What decides a run's bits besides its settings, as the process that trains it finds it."""

from collections.abc import Mapping
from typing import Any

import torch

from audition.provenance import hardware


def surroundings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The machine, and the arithmetic that torch will do on it; for `repro.json`.

    Asked in the run's own process, since the one that planned it may have been on another machine.
    """
    execution = settings["execution"]
    return {
        "hardware": hardware(),
        "arithmetic": {
            "device": execution["device"],
            "threads": execution["threads"],
            "precision": settings["precision"]["_target_"],
            **arithmetic(execution["device"]),
            **(_libraries() if execution["device"] == "cuda" else {}),
        },
    }


def arithmetic(device: str) -> dict[str, str]:
    """What the sums of a run on `device` (cpu or cuda) are made with: the version of torch, the
    processor's instruction set as torch names it, and the card's name where there is one.

    Two runs that differ in it do not have the same bits, whatever their settings say.
    """
    found = {
        "torch": str(torch.__version__),
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }
    if device == "cuda" and torch.cuda.is_available():
        found["card"] = torch.cuda.get_device_name()
    return found


def _libraries() -> dict[str, Any]:
    if not torch.cuda.is_available():
        return {}
    return {
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
    }
