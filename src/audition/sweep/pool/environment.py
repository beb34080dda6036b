"""What the fork server, and so every run, finds in its environment."""

import os
import sys

_HEAP = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""For glibc, which reads it when a process starts: keep freed memory for the next step, and ask for
it in large pages. Handed back, it returns page fault by page fault, up to 3,000 in a step of the
nano model, a tenth of the step's time."""


def environment() -> dict[str, str]:
    """The server's environment; it puts back PYTHONPATH itself before it forks anything."""
    extra = {
        "PYTHONPATH": os.pathsep.join(place or os.getcwd() for place in sys.path),
        # One thread while importing: OpenMP and BLAS threads do not survive a fork. Each child
        # then takes its own number.
        "OMP_NUM_THREADS": "1",
        # Lets torch count cards without the CUDA runtime, which a fork would break.
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
    }
    if sys.platform == "darwin":
        extra["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"
    return {**_HEAP, **os.environ, **extra}
