"""The interface of an evaluator: from a model on the held-out rows to metrics."""

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, Literal, Protocol

from torch import Tensor

from audition.recipe.batches import Batch, Batches
from audition.recipe.problem import Predict

Episode = Iterable[tuple[Literal["learn", "score"], Batch]]
"""Batches in their order, each to be learned or to be scored by what was learned so far."""


class HeldOut(Protocol):
    """The held-out rows of a run, and its model in evaluation mode.

    Examples:
        A count over all rows, as an evaluator makes it:

        >>> import torch
        >>> from audition import HeldOut
        >>> def predictions(held_out: HeldOut) -> float:
        ...     seen = torch.zeros(1, device=held_out.device)
        ...     for batch, logits in held_out.passes():
        ...         seen += batch.units
        ...     return held_out.sum(seen).item()
    """

    @property
    def predict(self) -> Predict: ...

    @property
    def batches(self) -> Batches: ...

    @property
    def device(self) -> str: ...

    def passes(self) -> Iterator[tuple[Batch, Tensor]]:
        """Each batch of one full pass with its float32 logits, [B, T, V] of text or [B, V].

        Where several processes share the run, each is given its share of the batches.
        """
        ...

    def adapted(
        self, episodes: Iterable[Episode], *, rate: float, steps: int
    ) -> Iterator[tuple[int, Batch, Tensor]]:
        """Number of the episode, batch and float32 logits of every batch that is to be scored.

        Each episode begins with the weights of the run, and learns as the run does, but by plain
        SGD at `rate` for `steps` steps a batch. Without anything to learn these are plain passes.
        """
        ...

    def sum(self, totals: Tensor) -> Tensor:
        """`totals` added up over the processes of the run: to be called once, before dividing."""
        ...


class Evaluator:
    """Metrics of a model on the held-out rows. It may read everything and change nothing.

    `measures` says how its metrics are read, as literals, so that it is known before torch is
    imported: name -> (label, unit, "lower" or "higher"), or with the smallest worthwhile gain.

    Examples:
        The largest logit on the held-out rows:

        >>> import torch
        >>> from audition import Evaluator
        >>> class Largest(Evaluator):
        ...     measures = {"logit": ("largest logit", "", "lower")}
        ...
        ...     def __call__(self, held_out):
        ...         return {"logit": max(logits.max().item() for _, logits in held_out.passes())}
    """

    measures: ClassVar[Mapping[str, tuple[str | float, ...]]] = {}

    def __call__(self, held_out: HeldOut) -> Mapping[str, float]:
        """Metric -> value; a record has it as `<evaluator's name>_<metric>`."""
        raise NotImplementedError(f"{type(self).__name__} measures nothing")
