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
            "torch": str(torch.__version__),
            "instructions": torch.backends.cpu.get_cpu_capability(),
            **(_card() if execution["device"] == "cuda" else {}),
        },
    }


def _card() -> dict[str, Any]:
    if not torch.cuda.is_available():
        return {"card": None}
    return {
        "card": torch.cuda.get_device_name(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
    }
