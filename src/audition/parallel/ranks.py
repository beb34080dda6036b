"""A team of processes: the share of each, and the few sums that keep them one run.

DistributedDataParallel is not used: it averages `.grad` inside backward(), where a gradient rule
hands its gradients over as values, may ask for two of them, or for none. The sum of a flat buffer
is the same mathematics and leaves every rule as it is; the price is that the sum begins where the
backward pass ends, instead of during it.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice

import torch
import torch.distributed as dist
from torch import Tensor

from audition.errors import AuditionError
from audition.parallel.checks import INTERFACE
from audition.parallel.team import Team
from audition.recipe.batches import Batch
from audition.recipe.problem import Cost, Gradient, GradientRule, Problem, always
from audition.recipe.signals import Tensors
from audition.recipe.streams import Streams

BUCKET = 2**24
"""Numbers that are summed at once, unless one parameter alone has more: 64 MiB of float32."""

INTEGERS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class Ranks(Team):
    """The processes of torch's process group, which must have been joined."""

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def rule(self, inner: GradientRule) -> GradientRule:
        def shared(problem: Problem) -> Gradient:
            share = list(problem.batch.split(self.size))[self.rank]
            asked = problem.on(share)
            if problem.opens is not always:  # all by the loss of the whole batch, and so alike
                asked = replace(asked, opens=lambda terms: problem.opens(self._mean_terms(terms)))
            with self._own_draws():
                gradient = inner(asked)
            # Its cost is of a share, and so are the others': together, that of the whole batch.
            return self._mean(gradient)

        return shared

    def share(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        return islice(batches, self.rank, None, self.size)

    def sum(self, totals: Tensor) -> Tensor:
        total = totals.clone()
        dist.all_reduce(total)
        return total

    def any(self, asked: bool) -> bool:
        return self._largest(torch.tensor([float(asked)])).item() > 0.0

    def longest(self, seconds: float) -> float:
        return self._largest(torch.tensor([seconds], dtype=torch.float64)).item()

    def check(self, params: Tensors, step: int) -> None:
        # Of the bits, as integers: a weight that is not a number would not equal itself.
        bits = (p.detach().view(INTEGERS[p.itemsize]) for p in params.values())
        sums = torch.stack([b.sum(dtype=torch.int64) for b in bits]).cpu()  # [parameters]
        most, least = self._largest(torch.cat([sums, -sums])).chunk(2)
        unequal = (most != -least).nonzero()
        if len(unequal):
            raise AuditionError(
                f"the {self.size} processes of this run have different weights after step {step} "
                f"(the first is {list(params)[int(unequal[0])]}): some part of it decides by the "
                "rows that one process sees, so train it with parallel=none"
            )

    def _largest(self, numbers: Tensor) -> Tensor:
        """Element-wise over the ranks; of numbers on the CPU, so that no device is waited for."""
        dist.all_reduce(numbers, dist.ReduceOp.MAX)
        return numbers

    def _mean(self, gradient: Gradient) -> Gradient:
        """The mean of the ranks' gradients and loss terms: all have the same rows, so it is exact."""
        tensors = [*gradient.grads.values(), *gradient.terms.values()]
        means = iter([mean for bucket in buckets(tensors) for mean in self._means(bucket)])
        grads = {name: next(means) for name in gradient.grads}
        terms = {name: next(means) for name in gradient.terms}
        return replace(gradient, grads=grads, terms=terms)

    def _mean_terms(self, terms: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return self._mean(Gradient({}, terms, Cost())).terms

    def _means(self, bucket: Sequence[Tensor]) -> Sequence[Tensor]:
        flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
        dist.all_reduce(flat)
        flat /= self.size
        parts = torch.split(flat, [tensor.numel() for tensor in bucket])
        return [part.view_as(tensor) for part, tensor in zip(parts, bucket, strict=True)]

    @contextmanager
    def _own_draws(self) -> Iterator[None]:
        """Dropout of this rank's own, from one number that all ranks draw.

        The global generator stays the same on every rank, so the one that rank 0 saves is
        everybody's, and what is drawn outside a share (by an idea's own forward pass) is the same
        for all.
        """
        number = int(torch.randint(2**62, ()))
        devices = range(torch.cuda.device_count())
        with torch.random.fork_rng(devices):
            torch.manual_seed(Streams(number).number("rank", self.rank))
            yield


def buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """`tensors` in order, in lists of one dtype with about `BUCKET` numbers each."""
    bucket: list[Tensor] = []
    for tensor in tensors:
        full = sum(each.numel() for each in bucket) + tensor.numel() > BUCKET
        if bucket and (full or tensor.dtype != bucket[0].dtype):
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket


@contextmanager
def joined(device: str, nodes: int = 1) -> Iterator[None]:
    """Join the processes that torchrun's environment describes; weights and sums live on `device`.

    After a failure the group is left as it is: to take it apart could wait for the dead.
    """
    # Where all ranks are on one machine, its own name need not lead to an address.
    if nodes == 1:
        os.environ.setdefault(INTERFACE, "lo0" if sys.platform == "darwin" else "lo")
    interface = os.environ.get(INTERFACE, "the interface of this node's name")
    try:
        dist.init_process_group("cpu:gloo,cuda:nccl" if device == "cuda" else "gloo")
    except RuntimeError as error:
        # Every process fails alike, so none of them is to be named.
        raise AuditionError(
            f"the processes of this run cannot meet over {INTERFACE}={interface}: {error}"
        ) from error
    yield
    dist.destroy_process_group()
