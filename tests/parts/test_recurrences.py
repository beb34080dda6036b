"""Attentions with a state: their parallel forms against loops over the tokens; latent attention."""

from itertools import pairwise

import pytest
import torch
from tests.parts.models import make
from torch.nn import functional as F

from audition.errors import AuditionError
from audition.parts.attention.chunks import delta_rule, linear_attention, scan
from audition.parts.attention.delta import Delta
from audition.parts.attention.latent import Latent
from audition.parts.attention.linear import LinearKernel
from audition.parts.attention.liquid import Liquid, exact
from audition.parts.dims import Dims
from audition.parts.initial import initialise
from audition.parts.norm.rmsnorm import RMSNorm
from audition.parts.positional.places import Places
from audition.parts.positional.rope import Rope
from audition.recipe.streams import Streams

B, H, T, D, E = 2, 3, 13, 4, 5
DIMS = Dims(width=H * D, heads=H, context=T)
SIZES = [1, 2, 4, 5, 13, 64]


def drawn(*shape):
    draw = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, generator=draw, dtype=torch.float64)


def made(policy, dims=DIMS):
    module = policy(dims, RMSNorm())
    initialise(module, Streams(0))
    for weight in module.parameters():
        weight.data = weight.data.double() * (10 if weight.ndim == 2 else 1)
    return module


@pytest.mark.parametrize("size", SIZES)
def test_linear_attention_in_chunks_is_the_sum(size):
    q, k, v = drawn(B, H, T, D), drawn(B, H, T, D) + 1, drawn(B, H, T, E)
    found = linear_attention(q, k, v, size)
    for t in range(T):
        expected = sum((q[:, :, t] * k[:, :, j]).sum(-1, True) * v[:, :, j] for j in range(t + 1))
        torch.testing.assert_close(found[:, :, t], expected)


@pytest.mark.parametrize("rotated", [False, True])
def test_the_module_is_the_kernel_s_average(rotated):
    attention, x = made(LinearKernel(chunk=4)), drawn(B, T, H * D)
    places = Rope()(DIMS) if rotated else Places()
    q, k, v = attention.heads(x)
    q, k = F.elu(q) + 1, F.elu(k) + 1
    turned_q, turned_k = places.rotate(q, k)
    weights = (turned_q @ turned_k.mT).tril() / (q @ k.mT).tril().sum(-1, True)
    torch.testing.assert_close(attention(x, places), attention.joined(weights @ v))
    if not rotated:
        torch.testing.assert_close(weights.sum(-1), torch.ones(B, H, T, dtype=torch.float64))


def rule(q, k, v, rate):
    """The delta rule, token by token."""
    state, found = torch.zeros(B, H, E, D, dtype=torch.float64), []
    for t in range(T):
        error = v[:, :, t] - (state @ k[:, :, t, :, None])[..., 0]
        state = state + rate[:, :, t, :, None] * error[..., None] * k[:, :, t, None, :]
        found.append((state @ q[:, :, t, :, None])[..., 0])
    return torch.stack(found, dim=2)


@pytest.mark.parametrize("size", SIZES)
def test_the_delta_rule_in_chunks_is_the_loop_and_so_is_its_gradient(size):
    given = [
        F.normalize(drawn(B, H, T, D), dim=-1),
        F.normalize(drawn(B, H, T, D) + 0.3, dim=-1),
        drawn(B, H, T, E),
        drawn(B, H, T, 1).sigmoid(),
    ]
    gradients = []
    for form in (rule, lambda *given: delta_rule(*given, size)):
        inputs = [x.clone().requires_grad_() for x in given]
        y = form(*inputs)
        (y * drawn(B, H, T, E)).sum().backward()
        gradients.append((y, *(x.grad for x in inputs)))
    for expected, found in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("size", [4, 64])
def test_a_rate_of_one_stores_the_value_and_a_rate_of_zero_nothing(size):
    k, v = F.normalize(drawn(B, H, T, D), dim=-1), drawn(B, H, T, E)
    one = torch.ones(B, H, T, 1, dtype=torch.float64)
    torch.testing.assert_close(delta_rule(k, k, v, one, size), v)
    assert delta_rule(k, k, v, 0 * one, size).count_nonzero() == 0


def test_the_delta_rule_s_state_learns_what_each_key_stands_for():
    """Orthogonal keys: the last value under each is read back, whatever was written between."""
    attention = Delta(chunk=4)
    keys = torch.eye(D, dtype=torch.float64)[torch.arange(T) % D].expand(B, H, T, D)
    v, one = drawn(B, H, T, E), torch.ones(B, H, T, 1, dtype=torch.float64)
    queries = torch.eye(D, dtype=torch.float64)[(torch.arange(T) + 1) % D].expand(B, H, T, D)
    found = delta_rule(queries, keys, v, one, attention.chunk)
    torch.testing.assert_close(found[:, :, 3:], v[:, :, : T - 3])


@pytest.mark.parametrize("places", [1, 2, 3, 8, 13])
def test_a_scan_is_the_loop(places):
    gain, given = drawn(B, places, 6).sigmoid(), drawn(B, places, 6)
    found, state = scan(gain, given), torch.zeros(B, 6, dtype=torch.float64)
    for t in range(places):
        state = gain[:, t] * state + given[:, t]
        torch.testing.assert_close(found[:, t], state)


def test_a_scan_of_tiny_gains_is_finite_with_its_gradient():
    gain = torch.full((1, 64, 1), 1e-30, requires_grad=True)
    found = scan(gain, torch.ones(1, 64, 1))
    found.sum().backward()
    assert found.isfinite().all()
    assert gain.grad.isfinite().all()


@pytest.mark.parametrize("kind", ["input_gated", "fused"])
def test_liquid_cells_stay_between_zero_and_their_target(kind):
    cells = made(Liquid(kind=kind))
    with torch.no_grad():
        states = cells.states(100 * drawn(B, T, H * D))
    low, high = cells.target.clamp(max=0), cells.target.clamp(min=0)
    assert (states >= low - 1e-12).all()
    assert (states <= high + 1e-12).all()
    assert states.std() > 0.1


def test_the_exact_solution_is_that_of_the_equation():
    """One token, many small Euler steps."""
    drive, leak, target = drawn(1, 1, 6), drawn(6).exp(), drawn(6)
    x, steps = torch.zeros(6, dtype=torch.float64), 20_000
    gate = drive[0, 0].sigmoid()
    for _ in range(steps):
        x = x + 0.7 / steps * (-(leak + gate) * x + gate * target)
    torch.testing.assert_close(exact(drive, leak, target, 0.7)[0, 0], x, atol=1e-4, rtol=0)


def test_the_error_of_fused_steps_halves_with_their_length():
    """With a gate of the input alone, whose solution is known."""
    x = drawn(B, T, H * D)
    solved = made(Liquid()).states(x)
    errors = []
    for unfolds in (4, 8, 16, 32):
        cells = made(Liquid(kind="fused", unfolds=unfolds))
        cells.recurrent.weight.data.zero_()
        errors.append(float((cells.states(x) - solved).detach().abs().max()))
    assert errors[0] < 0.1
    for coarse, fine in pairwise(errors):
        assert coarse / fine == pytest.approx(2, abs=0.25)


@pytest.mark.parametrize("kind", ["input_gated", "fused"])
def test_time_constants_begin_from_one_token_to_the_context_and_learn(kind):
    cells = made(Liquid(kind=kind))
    times = F.softplus(cells.time.detach())
    assert times[0] == pytest.approx(1.0, rel=1e-5)
    assert times[-1] == pytest.approx(T, rel=1e-5)
    torch.testing.assert_close(cells.gate_bias.detach().exp(), 1 / times, rtol=1e-5, atol=0)
    cells(drawn(B, T, H * D), Places()).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in cells.parameters())


@pytest.mark.parametrize("query_rank", [None, 7])
def test_latent_attention_has_the_parameters_of_its_formula(query_rank):
    width, rank, rotary = H * D, 9, 2
    policy = Latent(rank=rank, query_rank=query_rank, rotary=rotary)
    own = sum(p.numel() for p in made(policy).parameters())
    r = query_rank
    queries = width * H * (D + rotary) if r is None else width * r + r * H * (D + rotary) + r
    rest = width * (rank + rotary) + 2 * rank * width + width**2 + rank
    assert own == queries + rest


def test_latent_attention_against_its_formula():
    attention, x = made(Latent(rank=9)), drawn(B, T, H * D)
    R, rope = D // 2, Rope()(DIMS)
    latent = F.rms_norm(x @ attention.latent[0].weight.T, (9,), eps=1.1920928955078125e-07)
    q = (x @ attention.q.weight.T).view(B, T, H, D + R)
    k = (latent @ attention.k.weight.T).view(B, T, H, D)
    v = (latent @ attention.v.weight.T).view(B, T, H, D)
    shared = (x @ attention.shared_k.weight.T)[:, None]
    turned_q, turned_k = rope.rotate(q[..., D:].transpose(1, 2), shared)
    y = torch.zeros(B, T, H, D, dtype=torch.float64)
    for h in range(H):
        scores = (q[:, :, h, :D] @ k[:, :, h].mT + turned_q[:, h] @ turned_k[:, 0].mT) / (
            D + R
        ) ** 0.5
        seen = torch.ones(T, T).tril().bool()
        y[:, :, h] = scores.masked_fill(~seen, -torch.inf).softmax(-1) @ v[:, :, h]
    torch.testing.assert_close(attention(x, rope), y.flatten(-2) @ attention.out.weight.T)


@pytest.mark.parametrize(
    ("attention", "positional", "lacking"),
    [
        ("linear", "alibi", "scores"),
        ("delta", "t5", "scores"),
        ("liquid", "alibi", "scores"),
        ("liquid", "rope", "queries and keys"),
    ],
)
def test_positions_that_would_be_passed_over_are_refused_with_the_choices(
    attention, positional, lacking
):
    with pytest.raises(AuditionError, match=f"acts on the {lacking} of attention") as refused:
        make(attention, positional)
    named = str(refused.value).partition("choose positional=")[2].partition(", or attention")[0]
    assert ("rope" in named) == (attention != "liquid")
    for other in named.replace(" or ", ", ").split(", "):
        make(attention, other)
