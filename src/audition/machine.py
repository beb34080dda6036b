"""What this machine has, found out without importing torch."""

import os
import re
import resource
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"
PREFIXES = ("GPU-", "MIG-")
"""Prefixes of the cards' own names, which may stand in place of numbers."""


def gpus() -> tuple[int, ...]:
    """The NVIDIA GPUs that a process may use, numbered as torch will number them.

    None where torch was built for the CPU alone, whatever cards there are.
    """
    if torch_version().endswith("+cpu"):
        return ()
    return tuple(range(len(within(offered(os.environ.get(VISIBLE)), installed()))))


@cache
def torch_version() -> str:
    """The version of torch that is installed; its files are searched once, for every arm asks."""
    return metadata.version("torch")


def offered(visible: str | None) -> tuple[str, ...] | None:
    """The entries of CUDA_VISIBLE_DEVICES that name a card, as CUDA reads it; None for all cards.

    The first entry that names none (`-1`, `none`, `NoDevFiles`, an empty one) ends the list, and one
    that stands there twice leaves no card at all.

    >>> offered("2,0,-1,1")
    ('2', '0')
    """
    if visible is None:
        return None
    named: list[str] = []
    prefix = next((each for each in PREFIXES if visible.startswith(each)), "")
    for entry in visible.split(","):
        if prefix:
            name = entry if entry.startswith(prefix) else ""
        else:
            number = re.match(r"\+?(\d+)", entry.strip())  # like strtoul, which stops at a letter
            name = str(int(number[1])) if number else ""
        if not name:
            break
        if name in named:
            return ()
        named.append(name)
    return tuple(named)


def within(names: tuple[str, ...] | None, cards: int) -> tuple[str, ...]:
    """What a machine of so many cards has of `names`: those before the first number past them.

    Of cards' own names there may be more than cards, for a MIG is a part of one.
    """
    if names is None:
        return tuple(map(str, range(cards)))
    past = (i for i, name in enumerate(names) if name.isdigit() and int(name) >= cards)
    return names[: next(past, len(names))] if cards else ()


def installed() -> int:
    """The NVIDIA cards of this machine, seen by this process or not."""
    folder = Path("/proc/driver/nvidia/gpus")
    return len(list(folder.iterdir())) if folder.is_dir() else len(capabilities())


def cores() -> int:
    """Processor cores that this process may use, which a container or Slurm may have limited."""
    affinity = getattr(os, "sched_getaffinity", None)
    found = len(affinity(0)) if affinity else os.cpu_count() or 1
    # A cluster without cgroups leaves it to its jobs to keep to what they asked for.
    granted = os.environ.get("SLURM_CPUS_PER_TASK") or os.environ.get("SLURM_CPUS_ON_NODE", "")
    return min(found, int(granted)) if granted.isdigit() else found


def peak_memory() -> int:
    """Most resident memory that this process has had since it began [bytes].

    On Linux by its own high-water mark: `ru_maxrss` outlives exec, so that of a process that a large
    one started is the large one's.
    """
    try:
        for line in Path("/proc/self/status").read_text("utf-8", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak  # macOS counts bytes, others kibibytes


NATIVE_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16"})
"""Flags of an x86 processor that multiplies bfloat16 in one instruction; others emulate it."""

AMPERE = (8, 0)
"""The first CUDA compute capability with bfloat16 products."""


@cache
def multiplies_bfloat16(device: str) -> bool:
    """Whether `device` (cpu or cuda) has instructions for bfloat16 products."""
    if device == "cuda":
        found = capabilities()
        return bool(found) and min(found) >= AMPERE
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith("flags")), "")
    return not NATIVE_BFLOAT16.isdisjoint(flags.split())


def capabilities() -> tuple[tuple[int, int], ...]:
    """The CUDA compute capability of every card here, asked of the driver; empty without one.

    The driver answers in milliseconds and leaves the CUDA runtime alone, which a fork would break.
    """
    import pynvml

    try:
        pynvml.nvmlInit()
        cards = map(pynvml.nvmlDeviceGetHandleByIndex, range(pynvml.nvmlDeviceGetCount()))
        found = tuple(map(pynvml.nvmlDeviceGetCudaComputeCapability, cards))
        pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        return ()
    return found
