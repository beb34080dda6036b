"""Where and how the arithmetic is done: device, threads, precision, pieces of a batch."""

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import KW_ONLY, dataclass, field
from functools import cache
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt

from audition.reasons import cut
from audition.recipe.problem import Ask, ask

COMPILED = "TORCHINDUCTOR_CACHE_DIR"
"""The environment variable of the folder in which torch keeps what it compiled."""
SHOWN = 80
"""Characters of what a compiler said that are shown."""


@dataclass(frozen=True, kw_only=True)
class Float32:
    """Single precision throughout."""

    def context(self, device: str) -> AbstractContextManager[object]:
        """The context of every forward pass on `device`."""
        return nullcontext()


@dataclass(frozen=True, kw_only=True)
class Bfloat16:
    """bfloat16 products by autocast; weights, moments, norms and the loss stay in float32.

    Attention chooses its kernel by device (`parts/attention/kernels.py`).
    """

    def context(self, device: str) -> AbstractContextManager[object]:
        """The context of every forward pass on `device`."""
        return torch.autocast(device, dtype=torch.bfloat16)


Precision = Float32 | Bfloat16


@dataclass(frozen=True)
class Execution:
    """The machine's side of a run."""

    precision: Precision = field(default_factory=Float32)
    _: KW_ONLY
    device: Literal["cpu", "cuda"] = "cpu"
    """`auto` in the config is resolved to one of these before a run gets its identity."""
    threads: Annotated[int, Gt(0)] = 1
    """Threads of one run. Fixed, since it decides the order of sums and so the bits."""
    accumulate: Annotated[int, Ge(1)] = 1
    """Pieces a step's batch is passed in, to bound memory."""
    checkpoint_activations: Literal["none", "blocks", "every_2"] = "none"
    """Blocks of the model that keep their input alone, and are computed again in the backward pass:
    less memory, the same bits, and forward passes that are counted."""
    compile: bool = False
    """Whether torch compiles model and loss as one function, on a card into CUDA graphs; evaluation
    runs as written. `auto` is resolved to what was measured for a run of this length
    (docs/running.md)."""
    deterministic: bool = True
    """Whether a card must give one seed the same bits twice; false lets faster sums in."""

    pack: Annotated[int, Ge(1)] | Literal["off"] = "off"
    """How many runs of an arm, which differ in their seed alone, train as one process at most; for
    small models on a card. `auto` is off (docs/packing.md says why)."""

    def enter(self) -> None:
        """Make this process compute as described."""
        torch.set_num_threads(self.threads)
        if self.device == "cuda":
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read as cuBLAS starts
            # Not `warn_only`: fused attention then takes its faster backward pass, which adds up in
            # another order each time.
            torch.use_deterministic_algorithms(self.deterministic)
            # Without this every fresh tensor is filled first: 6 % of a step of 88M parameters.
            torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]

    def ask(self) -> Ask:
        """The function that computes the terms of the loss in one step: as written, or compiled.

        What it computed for the step before may be overwritten from here on: on a card, a compiled
        function keeps its results in the memory of its graph.
        """
        if not self.compile or why_uncompiled(self.device) is not None:
            return ask
        if self.device == "cuda":
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        return compiled(self.device)

    def context(self) -> AbstractContextManager[object]:
        """The context of every forward pass."""
        return self.precision.context(self.device)


@cache
def compiled(device: str) -> Ask:
    """`ask` as torch compiles it: one graph of model and loss for each shape of a batch.

    On a card the kernels of a pass are recorded once as a CUDA graph, and then started together:
    starting them one by one takes a small model longer than its arithmetic.
    """
    # Sizes that were seen twice are no reason to compile for all sizes.
    mode = "reduce-overhead" if device == "cuda" else None
    made: Ask = torch.compile(ask, dynamic=False, mode=mode)
    return made


@cache
def why_uncompiled(device: str) -> str | None:
    """Why torch cannot compile for `device` on this machine; None where it can."""
    if device == "cuda":
        from torch.utils._triton import has_triton

        if not has_triton():
            return "execution.compile=true needs triton"
    else:
        from torch._inductor.cpp_builder import get_cpp_compiler
        from torch._inductor.exc import InvalidCxxCompiler

        try:
            get_cpp_compiler()
        except InvalidCxxCompiler:
            return "execution.compile=true needs a C++ compiler, such as g++"
    # A compiler may lack its headers. A sum tells, and costs little: most of the time goes into
    # what the model needs as well.
    try:
        torch.compile(_sum)(torch.ones(4, device=device))
    except (RuntimeError, OSError) as error:
        why = getattr(error, "inner_exception", error)
        said = cut(getattr(why, "output", str(why)), SHOWN)
        return f"execution.compile=true, and torch cannot compile here ({said})"
    return None


def _sum(x: torch.Tensor) -> torch.Tensor:
    return x + 1.0


def keep_compiled(cache_dir: str) -> None:
    """Let this process keep what it compiles in `cache_dir`, where all runs of a ledger find it."""
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    # torch names its own folder there as soon as it is imported; one that a user named stands.
    if os.environ.get(COMPILED, default_cache_dir()) == default_cache_dir():
        os.environ[COMPILED] = os.path.abspath(os.path.join(cache_dir, "compiled"))
