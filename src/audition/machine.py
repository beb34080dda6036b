"""What this machine has, found out without importing torch."""

import ctypes
import os
from functools import cache
from importlib import metadata
from pathlib import Path


def gpus() -> tuple[int, ...]:
    """The NVIDIA GPUs that a process may use, numbered as torch will number them.

    None where torch was built for the CPU alone, whatever cards there are.
    """
    if metadata.version("torch").endswith("+cpu"):
        return ()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return tuple(range(len([name for name in visible.split(",") if name.strip()])))
    folder = Path("/proc/driver/nvidia/gpus")
    return tuple(range(len(list(folder.iterdir())))) if folder.is_dir() else ()


def cores() -> int:
    """Processor cores that this process may use, which a container or Slurm may have limited."""
    affinity = getattr(os, "sched_getaffinity", None)
    found = len(affinity(0)) if affinity else os.cpu_count() or 1
    # A cluster without cgroups leaves it to its jobs to keep to what they asked for.
    granted = os.environ.get("SLURM_CPUS_PER_TASK") or os.environ.get("SLURM_CPUS_ON_NODE", "")
    return min(found, int(granted)) if granted.isdigit() else found


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

    The driver's own library answers in milliseconds, and leaves the CUDA runtime untouched, which
    a fork would break.
    """
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return ()
    if nvml.nvmlInit_v2() != 0:
        return ()
    count, found = ctypes.c_uint(), []
    nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
    for index in range(count.value):
        card, major, minor = ctypes.c_void_p(), ctypes.c_int(), ctypes.c_int()
        nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(card))
        nvml.nvmlDeviceGetCudaComputeCapability(card, ctypes.byref(major), ctypes.byref(minor))
        found.append((major.value, minor.value))
    nvml.nvmlShutdown()
    return tuple(found)
