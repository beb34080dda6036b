"""What this machine has, found out without importing torch."""

import os
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
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
