"""Where and how the arithmetic is done: device, threads, precision, pieces of a batch."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt
from torch import nn


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
    compile: bool = False
    """Whether torch compiles the model: pays on large models; at nano scale it costs more time than
    it gains (docs/results/speed.md)."""

    def enter(self) -> None:
        """Make this process compute as described."""
        torch.set_num_threads(self.threads)
        if self.device == "cuda":
            torch.use_deterministic_algorithms(True, warn_only=True)

    def prepare(self, model: nn.Module) -> None:
        """Make `model` compute as described; its parameters keep their names."""
        if self.compile:
            # One compilation a shape: sizes that were seen twice are no reason to compile for all.
            model.compile(dynamic=False)

    def context(self) -> AbstractContextManager[object]:
        """The context of every forward pass."""
        return self.precision.context(self.device)
