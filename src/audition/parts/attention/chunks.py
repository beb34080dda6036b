"""Recurrences over a window in chunks, so that most of the work is in matrix products.

Shape suffixes: B batch, H heads, T places, N chunks, L places of a chunk, D channels of a key, E
channels of a value.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def cut(x: Tensor, size: int) -> Tensor:
    """[B, H, T, D] to [B, H, N, L, D] with L = min(size, T), zeros behind the last place."""
    places = x.shape[2]
    size = min(size, places)
    if places % size:  # without an end to fill up, padding would copy
        x = F.pad(x, (0, 0, 0, -places % size))
    return x.reshape(*x.shape[:2], -1, size, x.shape[-1])


def computed(places: int, size: int) -> int:
    """Pairs of a query and a key that chunks of `size` compute: all of each chunk."""
    size = min(size, places)
    return -(-places // size) * size**2


def linear_attention(q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
    """Σ_{j ≤ i} (q_i · k_j) v_j of q, k [B, H, T, D] and v [B, H, T, E], as [B, H, T, E].

    Pairs within a chunk of `size` places are products; what came before is read from the sum of
    k_j v_jᵀ.
    """
    places = q.shape[2]
    q, k, v = cut(q, size), cut(k, size), cut(v, size)
    y = (q @ k.mT).tril() @ v
    chunks = q.shape[2]
    if chunks > 1:
        states = (k.mT @ v).flatten(-2)  # [B, H, N, D·E]
        # The sum of all earlier chunks, as a product: a card has no repeatable cumulative sum.
        earlier = torch.ones(chunks, chunks, dtype=states.dtype, device=q.device).tril(-1)
        y = y + q @ (earlier @ states).view(*q.shape[:3], q.shape[-1], v.shape[-1])
    return y.flatten(2, 3)[:, :, :places]


def delta_rule(q: Tensor, k: Tensor, v: Tensor, rate: Tensor, size: int) -> Tensor:
    """q_t S_t of S_t = S_{t-1} + β_t k_tᵀ (v_t - k_t S_{t-1}), as [B, H, T, E].

    Of q, k [B, H, T, D], v [B, H, T, E] and β = rate [B, H, T, 1]. Within a chunk of `size` places
    what is written, u_t = β_t (v_t - k_t S_{t-1}), solves a triangular system (the WY form of Yang
    et al. 2024): (I + tril(β k kᵀ, -1)) u = β (v - k S), where S is the state before the chunk.
    """
    places = q.shape[2]
    q, k, v, rate = (cut(x, size) for x in (q, k, v, rate))
    mixing = ((k * rate) @ k.mT).tril(-1)  # [B, H, N, L, L]
    scores = (q @ k.mT).tril()

    def solved(right: Tensor) -> Tensor:
        found: Tensor = torch.linalg.solve_triangular(
            mixing, right, upper=False, unitriangular=True
        )
        return found

    if q.shape[2] == 1:  # there is no state to erase from
        return (scores @ solved(v * rate))[:, :, 0]
    both = solved(torch.cat((k, v), dim=-1) * rate)
    erased, news = both[..., : k.shape[-1]], both[..., k.shape[-1] :]
    state, read = v.new_zeros(*v.shape[:2], k.shape[-1], v.shape[-1]), []
    for n in range(q.shape[2]):
        u = news[:, :, n] - erased[:, :, n] @ state  # [B, H, L, E]
        read.append(q[:, :, n] @ state + scores[:, :, n] @ u)
        state = state + k[:, :, n].mT @ u  # [B, H, D, E]
    return torch.cat(read, dim=2)[:, :, :places]


def scan(gain: Tensor, given: Tensor) -> Tensor:
    """x_t = gain_t x_{t-1} + given_t from x_{-1} = 0, over the second axis from the end.

    In log2(T) steps, each of which joins stretches twice as long, on tensors [..., T, C]. Gains
    are multiplied and never divided by, so that small ones do no harm.
    """
    if given.shape[-2] == 1:
        return given
    found: Tensor = Scan.apply(gain, given)  # type: ignore[no-untyped-call]
    return found


class Scan(torch.autograd.Function):
    """`scan` with its gradient as one more scan, backwards, instead of through every step."""

    generate_vmap_rule = True

    @staticmethod
    def forward(gain: Tensor, given: Tensor) -> Tensor:
        reach, places = 1, given.shape[-2]
        while reach < places:
            first, later, before = _parted(given, reach)
            given = torch.cat((first, torch.addcmul(later, gain[..., reach:, :], before)), dim=-2)
            if 2 * reach < places:
                first, later, before = _parted(gain, reach)
                gain = torch.cat((first, later * before), dim=-2)
            reach *= 2
        return given

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0], output)

    @staticmethod
    def backward(ctx: Any, *wanted: Tensor) -> tuple[Tensor, Tensor]:
        gain, found = ctx.saved_tensors
        # What is wanted of x_t is wanted of x_{t-1} too, times the gain between.
        after = F.pad(gain[..., 1:, :], (0, 0, 0, 1)).flip(-2)
        given = scan(after, wanted[0].flip(-2)).flip(-2)
        return given * F.pad(found[..., :-1, :], (0, 0, 1, 0)), given


def _parted(x: Tensor, reach: int) -> tuple[Tensor, Tensor, Tensor]:
    """The first `reach` places of [..., T, C], all later ones, and what lies as far before those."""
    return x[..., :reach, :], x[..., reach:, :], x[..., :-reach, :]
