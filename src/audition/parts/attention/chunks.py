"""Recurrences over a window in chunks, so that most of the work is in matrix products.

Shape suffixes: B batch, H heads, T places, N chunks, L places of a chunk, D channels of a key, E
channels of a value.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def cut(x: Tensor, size: int) -> Tensor:
    """[B, H, T, D] to [B, H, N, L, D] with L = min(size, T), zeros behind the last place."""
    places = x.shape[2]
    size = min(size, places)
    padded = F.pad(x, (0, 0, 0, -places % size))
    return padded.reshape(*x.shape[:2], -1, size, x.shape[-1])


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
    written = k * rate
    mixing = (written @ k.mT).tril(-1)  # [B, H, N, L, L]
    right = torch.cat((written, v * rate), dim=-1)
    solved = torch.linalg.solve_triangular(mixing, right, upper=False, unitriangular=True)
    erased, news = solved.split((k.shape[-1], v.shape[-1]), dim=-1)
    scores = (q @ k.mT).tril()
    state, found = None, []
    for n in range(q.shape[2]):
        u, y = news[:, :, n], 0.0
        if state is not None:
            u, y = u - erased[:, :, n] @ state, q[:, :, n] @ state
        found.append(y + scores[:, :, n] @ u)
        added = k[:, :, n].mT @ u
        state = added if state is None else state + added  # [B, H, D, E]
    return torch.cat(found, dim=2)[:, :, :places]


def scan(gain: Tensor, given: Tensor) -> Tensor:
    """x_t = gain_t x_{t-1} + given_t from x_{-1} = 0, over the second axis from the end.

    In log2(T) steps, each of which joins stretches twice as long, on tensors [..., T, C]. Gains
    are multiplied and never divided by, so that small ones do no harm.
    """
    reach = 1
    while reach < given.shape[-2]:
        before = F.pad(given[..., :-reach, :], (0, 0, reach, 0))
        given = given + gain * before
        gain = gain * F.pad(gain[..., :-reach, :], (0, 0, reach, 0))
        reach *= 2
    return given
