"""Attentions that see a part of the past: which pairs, against masks written out."""

from dataclasses import replace

import pytest
import torch
from sampled import in_pairs
from tests.parts.models import POSITIONALS, shelf
from torch.nn import functional as F

from audition.errors import AuditionError
from audition.parts.attention.causal import Causal
from audition.parts.attention.flex import by_flex, flex
from audition.parts.attention.kernels import attend, products
from audition.parts.attention.latent import Latent
from audition.parts.attention.liquid import Liquid
from audition.parts.attention.sliding import Sliding
from audition.parts.attention.topk_blocks import TopkBlocks
from audition.parts.attention.window_global import WindowGlobal
from audition.parts.dims import Dims
from audition.parts.initial import initialise
from audition.parts.norm.rmsnorm import RMSNorm
from audition.parts.positional.places import Places
from audition.recipe.streams import Streams

T, H, D = 16, 4, 8
DIMS = Dims(width=H * D, heads=H, context=T)
SHELF = {n: part for n, part in shelf("attention").items() if getattr(part, "causal", True)}
WHOLE = {**SHELF, "liquid, fused": Liquid(kind="fused"), "latent queries": Latent(query_rank=6)}
NORM = RMSNorm(query_key=True)


def made(policy, dims=DIMS):
    """An attention with weights of a size at which scores differ."""
    attention = policy(dims, NORM)
    initialise(attention, Streams(0))
    for weight in attention.parameters():
        if weight.ndim == 2:
            weight.data.mul_(10)
    return attention


def drawn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape)))


def heads(channels=D, kv_heads=H):
    draw = torch.Generator().manual_seed(1)
    return [torch.randn(2, n, T, channels, generator=draw) for n in (H, kv_heads, kv_heads)]


def exact(q, k, v, seen=None, bias=0.0, cap=None):
    """Attention as the formula has it, in float64."""
    q, k, v = (x.double() for x in (q, k, v))
    k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], dim=1) for x in (k, v))
    scores = q @ k.mT / q.shape[-1] ** 0.5
    scores = scores if cap is None else cap * torch.tanh(scores / cap)
    seen = torch.ones(T, T).tril().bool() if seen is None else seen
    return ((scores + bias).masked_fill(~seen, -torch.inf).softmax(-1) @ v).float()


def one_head(policy):
    """The same with one head, so that what a query sees is what its head does."""
    return replace(policy, kv_heads=None) if getattr(policy, "kv_heads", None) else policy


@pytest.mark.parametrize("name", SHELF)
def test_the_pairs_that_are_allowed_are_those_that_act(name):
    policy = one_head(SHELF[name])
    attention, x = made(policy, replace(DIMS, heads=1)), drawn(1, T, H * D).requires_grad_()
    y = attention(x, Places())
    acts = [
        torch.autograd.grad(y[0, i].square().sum(), x, retain_graph=True)[0][0].abs().sum(-1) > 0
        for i in range(T)
    ]
    pairs = policy.pairs(T)
    assert sum(int(row.sum()) for row in acts) == pairs.allowed <= T * (T + 1) // 2
    assert (torch.stack(acts).diagonal()).all()


def test_multi_query_is_grouped_attention_with_one_head_of_keys_and_values():
    attention = made(SHELF["multi_query"])
    assert attention.k.weight.shape == attention.v.weight.shape == (D, H * D)
    full = made(replace(SHELF["multi_query"], kv_heads=None))
    repeated = {f"{n}.weight": getattr(attention, n).weight.repeat(H, 1) for n in "kv"}
    full.load_state_dict(attention.state_dict() | repeated)
    x = drawn(2, T, H * D)
    torch.testing.assert_close(attention(x, Places()), full(x, Places()))


@pytest.mark.parametrize(
    "policy",
    [Sliding(window=T), WindowGlobal(window=T), TopkBlocks(block=4, top=3), TopkBlocks(block=T)],
)
def test_all_of_the_past_is_causal_attention_to_the_bit(policy):
    x = drawn(2, T, H * D)
    assert torch.equal(made(policy)(x, Places()), made(Causal())(x, Places()))


def test_a_window_and_global_tokens_against_the_mask():
    q, k, _ = heads()
    window, first = 5, 3
    seen = torch.tensor(
        [[j <= i and (i - j < window or j < first) for j in range(T)] for i in range(T)]
    )
    policy = WindowGlobal(window=window, global_tokens=first)
    assert torch.equal(policy.seen(q, k), seen)
    assert policy.pairs(T).allowed == seen.sum()
    assert WindowGlobal(window=16, global_tokens=4).pairs(64).allowed == 1090
    assert torch.equal(
        WindowGlobal(window=5, global_tokens=0).seen(q, k), Sliding(window=5).seen(q, k)
    )


@pytest.mark.parametrize(("block", "top"), [(4, 2), (4, 0), (5, 1), (5, 2), (1, 3)])
@pytest.mark.parametrize("kv_heads", [H, 2])
def test_chosen_blocks_against_a_loop(block, top, kv_heads):
    q, k, _ = heads(kv_heads=kv_heads)
    seen = TopkBlocks(block=block, top=top).seen(q, k).expand(2, H, T, T)
    for b in range(2):
        for h in range(H):
            keys = k[b, h // (H // kv_heads)]
            for i in range(T):
                past = [keys[n * block : (n + 1) * block].mean(0) for n in range(i // block)]
                fit = sorted(range(len(past)), key=lambda n: -float(q[b, h, i] @ past[n]))
                chosen = {*fit[:top], i // block}
                expected = [j <= i and j // block in chosen for j in range(T)]
                assert seen[b, h, i].tolist() == expected


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize(
    ("kind", "kv_heads", "rank", "has_bias", "cap"),
    in_pairs((torch.float32, torch.bfloat16), (H, 1), (None, 2, 4), (False, True), (None, 0.5)),
)
def test_every_kernel_is_the_formula(kind, kv_heads, rank, has_bias, cap):
    q, k, v = (x.to(kind) for x in heads(16, kv_heads))
    back = torch.arange(T)[:, None] - torch.arange(T)
    seen = None if rank is None else ((back >= 0) & (back < 6)).expand(*(2, H)[: rank - 2], T, T)
    bias = drawn(H, T, T) if has_bias else None
    expected = exact(q, k, v, seen, 0.0 if bias is None else bias, cap)
    within = 1e-5 if kind == torch.float32 else 0.04
    given = {"seen": seen, "bias": bias, "cap": cap}
    for kernel in (attend, products, flex):  # the last without its gradient, which needs a card
        with torch.no_grad():
            y = kernel(q, k, v, **given)
        assert y.dtype == kind
        torch.testing.assert_close(y.float(), expected, atol=within, rtol=0)
    narrow = attend(q, k, v[..., :5], **given)
    torch.testing.assert_close(narrow.float(), expected[..., :5], atol=within, rtol=0)


def test_flex_is_for_long_windows_on_a_card():
    q, seen = torch.empty(1, 1, 2048, 64), torch.ones(2048, 2048, dtype=torch.bool)
    assert not by_flex(q, seen=seen, bias=None, cap=None, dropout=0.0)


def test_a_high_cap_is_none_and_a_low_one_levels_the_scores():
    x = drawn(2, T, H * D)
    plain, high, low = (made(Causal(soft_cap=c))(x, Places()) for c in (None, 1e6, 1e-4))
    torch.testing.assert_close(high, plain, atol=1e-4, rtol=1e-4)
    attention = made(Causal())
    means = attention.v(x).cumsum(1) / torch.arange(1, T + 1)[:, None]
    torch.testing.assert_close(low, attention.out(means), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("positional", POSITIONALS)
@pytest.mark.parametrize("name", WHOLE)
def test_every_attention_trains_in_bfloat16(name, positional):
    attention, places = made(WHOLE[name]), POSITIONALS[positional](DIMS)
    initialise(places, Streams(1))
    try:
        places.check(attention)
    except AuditionError:
        return
    x = drawn(2, T, H * D)
    exact = attention(x, places)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = attention(x, places)
    assert F.mse_loss(y.float(), exact) < 0.01 * exact.var()
    y.float().square().sum().backward()
    for parameter in attention.parameters():
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().sum() > 0


@pytest.mark.filterwarnings("ignore:<class 'torch.autograd.function.Function'> should not be")
@pytest.mark.parametrize("name", [name for name in WHOLE if "fused" not in name])
def test_every_attention_is_one_graph(name):
    attention, x = made(WHOLE[name]), drawn(1, T, H * D)
    compiled = torch.compile(attention, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x, Places()), attention(x, Places()), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", WHOLE)
def test_several_runs_at_once_are_each_alone(name):
    attention, x = made(WHOLE[name]), drawn(2, 1, T, H * D)
    weights = {n: torch.stack((w, 2 * w)).detach() for n, w in attention.named_parameters()}

    def loss(weights, x):
        y = torch.func.functional_call(attention, weights, (x, Places()))
        return y.square().mean()

    together = torch.func.vmap(torch.func.grad(loss))(weights, x)
    for run in range(2):
        alone = torch.func.grad(loss)({n: w[run] for n, w in weights.items()}, x[run])
        for n, gradient in alone.items():
            torch.testing.assert_close(together[n][run], gradient, atol=1e-5, rtol=1e-3)
