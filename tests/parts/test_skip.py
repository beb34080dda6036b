"""Skip connections: what each adds, from what, and the settings at which it adds nothing."""

import pytest
import torch
from tests.parts.models import FEEDFORWARDS, NORMS

from audition.config.identity import identify, material
from audition.errors import AuditionError
from audition.parts.attention.causal import Causal
from audition.parts.gpt import GPT
from audition.parts.initial import initialise
from audition.parts.positional.learned import Learned
from audition.parts.skip.attention import Weighted
from audition.parts.skip.gated import Gated
from audition.parts.skip.none import NoSkip
from audition.recipe.batches import Shape
from audition.recipe.streams import Streams
from audition.training.loop import train

SIZES = {"layers": 4, "heads": 2, "width": 16, "context": 8}
TOKENS = torch.randint(11, (3, 8), generator=torch.Generator().manual_seed(0))
SHUT = -1e9


def model_of(skip=None, norm="layernorm", **sizes):
    parts = (Causal(), Learned(), NORMS[norm], FEEDFORWARDS["gelu"], skip or NoSkip())
    model = GPT(Shape((8,), 11), *parts, **{**SIZES, **sizes})
    initialise(model, Streams(0))
    return model


def streams_of(model):
    """What each block reads and gives on TOKENS, [(x, y)]."""
    seen = []
    hooks = [b.register_forward_hook(lambda m, i, y: seen.append((i[0], y))) for b in model.blocks]
    model(TOKENS)
    for hook in hooks:
        hook.remove()
    return seen


def test_a_gate_that_is_shut_leaves_every_bit():
    plain, gated = model_of(), model_of(Gated(bias=SHUT))
    assert torch.equal(plain(TOKENS), gated(TOKENS))
    gated(TOKENS).logsumexp(-1).sum().backward()
    plain(TOKENS).logsumexp(-1).sum().backward()
    for name, weight in plain.named_parameters():
        assert torch.equal(weight.grad, gated.get_parameter(name).grad), name
    assert all(not gate.weight.grad.any() for gate in gated.skip.gates)


def test_a_run_with_shut_gates_is_the_run_without(job_of):
    three = ("model.layers=3", "budget.steps=3")
    with_gates = train(job_of(*three, "skip=gated", f"skip.bias={SHUT}"))
    without = train(job_of(*three))
    assert with_gates.final == without.final
    for name, weight in without.session.params.items():
        assert torch.equal(weight, with_gates.session.params[name]), name


@pytest.mark.parametrize("norm", ["layernorm", "layernorm sandwich", "rmsnorm post"])
@pytest.mark.parametrize("span", [1, 2, 3])
def test_a_gate_weighs_what_an_earlier_block_added(norm, span):
    model = model_of(Gated(span=span, bias=0.5), norm)
    for gate in model.skip.gates:
        gate.weight.data.normal_(generator=torch.Generator().manual_seed(1))
    seen = streams_of(model)
    for layer in range(4):
        before = seen[layer - 1][1] if layer else model.embed(TOKENS)
        if layer < span:
            assert torch.equal(seen[layer][0], before)
            continue
        gate = model.skip.gates[layer - span]
        opening = 1 / (1 + torch.exp(-(before @ gate.weight + gate.bias)))  # [B, T]
        x, y = seen[layer - span]
        expected = before + opening[..., None] * (y - x)
        torch.testing.assert_close(seen[layer][0], expected, atol=1e-6, rtol=1e-5)


def test_the_source_is_the_two_branches_of_the_block():
    """Not the stream before it, which is still in the stream that is added to."""
    model = model_of(Gated(span=1, bias=1e9))  # every gate wide open
    branches = []
    block = model.blocks[0]
    for part in (block.attention, block.feedforward):
        part.register_forward_hook(lambda module, inputs, y: branches.append(y))
    first, second = streams_of(model)[:2]
    torch.testing.assert_close(second[0], first[1] + sum(branches), atol=1e-6, rtol=1e-5)


def test_gates_are_nearly_shut_at_first():
    plain, gated = model_of()(TOKENS), model_of(Gated())(TOKENS)
    change = (plain - gated).norm() / plain.norm()
    assert 0 < change < 0.02


@pytest.mark.parametrize("span", [4, 9])
def test_a_span_that_connects_nothing_is_refused(span):
    with pytest.raises(AuditionError, match=f"skip.span={span} connects no two .* at most 3"):
        model_of(Gated(span=span))


def test_no_gain_is_the_model_without():
    plain, weighted = model_of(), model_of(Weighted())
    assert torch.equal(plain(TOKENS), weighted(TOKENS))
    weighted(TOKENS).square().sum().backward()
    assert all(gain.grad.abs() > 0 for gain in weighted.skip.gains)  # so that it is learned


def test_weights_are_a_mean_of_earlier_blocks_alone():
    model = model_of(Weighted())
    generator = torch.Generator().manual_seed(2)
    for each in (*model.skip.gains, *model.skip.scores):
        each.data.normal_(generator=generator)
    seen = streams_of(model)
    assert torch.equal(seen[0][0], model.embed(TOKENS))  # the first has nothing before it
    for layer in range(1, 4):
        gain, scores = model.skip.gains[layer - 1], model.skip.scores[layer - 1]
        shares = [s.exp() / scores.exp().sum() for s in scores]
        assert len(shares) == layer
        assert sum(shares).item() == pytest.approx(1.0)
        mean = sum(share * (y - x) for share, (x, y) in zip(shares, seen, strict=False))
        expected = seen[layer - 1][1] + gain * mean
        torch.testing.assert_close(seen[layer][0], expected, atol=1e-6, rtol=1e-5)


def test_one_block_has_none_before_it():
    with pytest.raises(AuditionError, match="no earlier one: choose skip=none"):
        model_of(Weighted(), layers=1)


@pytest.mark.parametrize("skip", [Gated(span=1, bias=1.0), Weighted()])
def test_no_token_sees_a_later_one(skip):
    model = model_of(skip)
    for weight in model.skip.parameters():
        weight.data.fill_(1.0)
    x = torch.randn(1, 8, 16, generator=torch.Generator().manual_seed(3)).requires_grad_()
    y = model.skip(x, model.blocks, model.positional)
    (grad,) = torch.autograd.grad(y[0, 4].sum(), x)
    assert grad[0, :5].abs().sum(-1).min() > 0
    assert not grad[0, 5:].any()


def test_a_run_without_skips_keeps_the_identity_from_before_there_were_any(settings_of):
    without = settings_of()
    assert "skip" not in material(without)
    other = settings_of("skip=gated", "model.layers=3")
    assert material(other)["skip"]["span"] == 2
    assert identify(other) != identify(settings_of("model.layers=3"))


def test_a_model_without_blocks_has_no_skips(settings_of):
    with pytest.raises(AuditionError, match="ConvNet has no skip: choose skip=none"):
        settings_of("experiment=digits", "skip=gated")
