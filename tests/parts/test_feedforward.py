"""Feed-forward maps with gates and mixtures of experts, against formulas and loops over tokens."""

from dataclasses import replace

import pytest
import torch
from tests.parts.models import count, make
from torch.nn import functional as F

from audition.apoptosis.surgery import Weights, operate
from audition.errors import AuditionError
from audition.parts.dims import Dims
from audition.parts.feedforward.geglu import GeGLU
from audition.parts.feedforward.gelu import Gelu
from audition.parts.feedforward.moe import EXPERTS, MixtureOfExperts
from audition.parts.feedforward.shared_moe import SharedMixture
from audition.parts.feedforward.swiglu import SwiGLU
from audition.parts.initial import initialise
from audition.parts.loss.cross_entropy import CrossEntropy
from audition.recipe.batches import Batch, Clock
from audition.recipe.problem import Predict, ask
from audition.recipe.streams import Streams
from audition.recipe.terms import added_terms
from audition.recipe.turnover import Event
from audition.recipe.units import sites
from audition.training.packing.batches import packed
from audition.training.packing.model import PackedLoss, PackedModel

DIMS = Dims(width=32, heads=4, context=12, bias=True)
N = 50


def made(policy, dims=DIMS, scale=10.0):
    """An initialised map; weights are larger than at the start of training, so that all matters."""
    layer = policy(dims)
    initialise(layer, Streams(1))
    with torch.no_grad():
        for name, weight in layer.named_parameters():
            weight.mul_(scale)
            if name.endswith("bias"):
                weight.add_(torch.linspace(-0.5, 0.5, len(weight)))
    return layer


def tokens(many=N):
    return torch.randn(many, 32, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("kind", [SwiGLU, GeGLU])
@pytest.mark.parametrize(
    ("width", "ratio", "hidden"), [(128, 4.0, 341), (512, 4.0, 1365), (96, 1.5, 96)]
)
def test_a_gated_map_has_the_parameters_of_the_two_layer_one(kind, width, ratio, hidden):
    dims = Dims(width=width, heads=1, context=4)
    layer = kind(ratio=ratio)(dims)
    assert count(layer) == 3 * width * hidden
    assert count(layer) == pytest.approx(count(Gelu(ratio=ratio)(dims)), rel=0.002)
    assert kind(multiple=64)(Dims(width=512, heads=1, context=4)).up.out_features == 1344


@pytest.mark.parametrize(
    ("policy", "gate"),
    [
        (SwiGLU(), lambda x: x * torch.sigmoid(x)),
        (GeGLU(), lambda x: 0.5 * x * (1 + torch.erf(x / 2**0.5))),
        (GeGLU(approximate="tanh"), lambda x: F.gelu(x, approximate="tanh")),
    ],
)
def test_gated_maps_by_their_formula(policy, gate):
    layer, x = made(policy), tokens()
    w = dict(layer.named_parameters())
    value = x @ w["up.weight"].T + w["up.bias"]
    opened = gate(x @ w["gate.weight"].T + w["gate.bias"])
    expected = (opened * value) @ w["down.weight"].T + w["down.bias"]
    torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(layer.down(layer.hidden(x)), layer(x))


def test_the_gate_and_the_value_of_a_unit_leave_together():
    layer, x = made(SwiGLU()), tokens()
    units = layer.units()
    assert {part.parameter for part in units.parts_of("incoming")} == {
        "gate.weight",
        "gate.bias",
        "up.weight",
        "up.bias",
    }
    stays = torch.ones(units.count)
    stays[[3, 7]] = 0.0
    expected = layer.down(layer.hidden(x) * stays)
    params = dict(layer.named_parameters())
    optimizer = torch.optim.SGD(params.values(), lr=0.1)
    removed = torch.tensor([3, 7])
    event = Event("", torch.empty(0, dtype=torch.int64), torch.empty(0, 0), removed=removed)
    event = replace(event, resize=units.count - 2)
    operate(Weights(layer, params, optimizer), [event])
    assert layer.up.out_features == layer.gate.out_features == layer.down.in_features
    assert layer.gate.weight.shape == layer.up.weight.shape == (units.count - 2, 32)
    torch.testing.assert_close(layer(x), expected)


def token_by_token(layer, x, k, renormalise):
    """What a mixture is, one token after the other."""
    out = []
    for row in x:
        p = (row @ layer.router.weight.T).softmax(-1)
        best = p.argsort(descending=True)[:k]
        weights = p[best] / (p[best].sum() if renormalise else 1.0)
        out.append(sum(w * layer.experts[int(e)](row) for w, e in zip(weights, best, strict=True)))
    return torch.stack(out)


MIXTURES = [
    MixtureOfExperts(),
    MixtureOfExperts(experts=5, top_k=3, ratio=0.5, expert="swiglu", renormalise=False),
    MixtureOfExperts(experts=3, top_k=1, renormalise=False, expert="squared_relu"),
    MixtureOfExperts(experts=4, top_k=4, expert="geglu"),
]


@pytest.mark.parametrize("policy", MIXTURES, ids=str)
@pytest.mark.parametrize("dispatch", ["grouped", "dense"])
def test_a_mixture_is_its_loop_over_tokens_with_its_gradients(policy, dispatch):
    layer, x = made(replace(policy, dispatch=dispatch)), tokens()
    expected = token_by_token(layer, x, policy.top_k, policy.renormalise)
    torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(layer(x.view(5, 10, 32)), layer(x).view(5, 10, 32))
    weights = list(layer.parameters())
    towards = tokens().flip(0)
    ours = torch.autograd.grad((layer(x) * towards).sum(), weights)
    theirs = torch.autograd.grad((expected * towards).sum(), weights, allow_unused=True)
    for name, own, other in zip(dict(layer.named_parameters()), ours, theirs, strict=True):
        other = torch.zeros_like(own) if other is None else other
        torch.testing.assert_close(own, other, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.parametrize("expert", EXPERTS)
def test_identical_experts_are_one_map(expert):
    layer, x = made(MixtureOfExperts(expert=expert)), tokens()
    for each in layer.experts:
        each.load_state_dict(layer.experts[0].state_dict())
    torch.testing.assert_close(layer(x), layer.experts[0](x), rtol=1e-4, atol=1e-5)


def test_all_experts_are_a_sum_weighted_by_the_softmax():
    layer, x = made(MixtureOfExperts(experts=4, top_k=4)), tokens()
    p = (x @ layer.router.weight.T).softmax(-1)
    expected = sum(p[:, [e]] * expert(x) for e, expert in enumerate(layer.experts))
    torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_shared_experts_are_added_and_routed_ones_are_those_of_a_mixture():
    policy = SharedMixture(experts=4)
    layer, x = made(policy), tokens()
    expected = layer.shared(x) + token_by_token(layer, x, 2, True)
    torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-5)
    # One map of twice the units is the sum of two maps.
    up, down, bias = layer.shared.up, layer.shared.down, layer.shared.down.bias
    halves = (
        F.gelu(F.linear(x, up.weight[own], up.bias[own])) @ down.weight[:, own].T
        for own in (slice(0, 32), slice(32, 64))
    )
    torch.testing.assert_close(layer.shared(x), sum(halves) + bias, rtol=1e-4, atol=1e-5)


def test_sizes_of_mixtures():
    dims = Dims(width=128, heads=4, context=64)
    dense = count(Gelu()(dims))
    assert count(MixtureOfExperts()(dims)) == 4 * dense + 8 * 128
    assert count(SharedMixture()(dims)) == 5 * dense // 2 + 8 * 128
    swiglu = MixtureOfExperts(experts=6, ratio=3.0, expert="swiglu")(dims)
    assert count(swiglu) == 6 * 3 * 128 * 256 + 6 * 128


def terms_of(layer, x):
    with added_terms() as terms:
        layer(x)
    return {name: term.item() for name, term in terms.items()}


@pytest.mark.parametrize("top_k", [2, 3, 8])
def test_the_balance_of_an_even_router_and_of_the_worst(top_k):
    layer = made(MixtureOfExperts(top_k=top_k, router_z=0.1))
    torch.nn.init.zeros_(layer.router.weight)
    even = terms_of(layer, tokens())
    assert even["balance"] == pytest.approx(0.01)
    assert even["router_z"] == pytest.approx(0.1 * torch.tensor(8.0).log().item() ** 2)
    with torch.no_grad():
        layer.router.weight[:top_k] = 1.0
    assert terms_of(layer, 10 * torch.ones(N, 32))["balance"] == pytest.approx(0.01 * 8 / top_k)
    layer.eval()
    assert terms_of(layer, tokens()) == {}


def test_the_balance_by_its_formula_and_its_gradient_evens_the_router():
    layer, x = made(MixtureOfExperts(balance=1.0, top_k=1, renormalise=False)), tokens()
    p = (x @ layer.router.weight.T).softmax(-1)
    share = torch.bincount(p.argmax(-1), minlength=8) / N
    assert terms_of(layer, x)["balance"] == pytest.approx(8 * (share * p.mean(0)).sum().item())
    before = terms_of(layer, x)["balance"]
    for _ in range(20):
        with added_terms() as terms:
            layer(x)
        (slope,) = torch.autograd.grad(terms["balance"], [layer.router.weight])
        with torch.no_grad():
            layer.router.weight.sub_(0.2 * slope)
    assert 1.0 <= terms_of(layer, x)["balance"] < before


@pytest.mark.parametrize("policy", [MixtureOfExperts(balance=0.0), MIXTURES[2]])
def test_the_router_learns_from_the_task_and_idle_experts_get_zeros(policy):
    layer = made(policy)
    layer(tokens(1)).square().sum().backward()
    assert layer.router.weight.grad.any()
    grads = [expert.up.weight.grad for expert in layer.experts]
    assert all(grad is not None for grad in grads)
    assert sum(bool(grad.any()) for grad in grads) == policy.top_k


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"top_k": 9}, "top_k=9 is more than there are experts"),
        ({"top_k": 1}, "set renormalise=false"),
    ],
)
def test_routers_that_cannot_be_are_refused(settings, message):
    with pytest.raises(AuditionError, match=message):
        MixtureOfExperts(**settings)


def test_the_router_is_in_float32_whatever_the_experts_are_in():
    layer, x = made(MixtureOfExperts()), tokens()
    expected = layer.router(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        chosen, weights = layer.router(x)
        assert layer.experts[0](x).dtype == torch.bfloat16
        training, evaluated = layer(x), layer.eval()(x)  # the one pads, the other does not
    torch.testing.assert_close(training, evaluated, rtol=2e-2, atol=2e-2)
    torch.testing.assert_close(training, layer(x), rtol=5e-2, atol=5e-2)
    assert torch.equal(chosen, expected[0])
    assert torch.equal(weights, expected[1])


def problem(seed=0):
    text = torch.randint(11, (3, 13), generator=torch.Generator().manual_seed(seed))
    return Batch(text[:, :-1], text[:, 1:], torch.arange(3), torch.zeros(3))


def test_blocks_add_up_and_every_expert_is_a_site_of_units():
    model = make(feedforward="shared moe")
    terms = ask(CrossEntropy(), Predict(model), problem(), Clock(0))
    assert list(terms) == ["cross_entropy", "balance", "router_z"]
    assert 2 * 0.01 <= terms["balance"] < 2 * 0.01 * 2
    names = [f"blocks.{b}.feedforward.experts.{e}" for b in range(2) for e in range(4)]
    assert {*names, "blocks.0.feedforward.shared"} < sites(model).keys()


def test_dense_mixtures_pack_and_grouped_ones_say_why_not():
    grouped, dense = make(feedforward="shared moe"), make(feedforward="shared moe, dense")
    layers = [model.blocks[0].feedforward for model in (grouped, dense)]
    assert "feedforward.dispatch=dense" in layers[0].unpacked
    assert layers[1].unpacked == ""
    weights = {name: torch.stack([p, p.flip(0)]) for name, p in dense.named_parameters()}
    batch = packed([problem(0), problem(1)])
    model = PackedModel(dense, None, weights)
    terms = ask(PackedLoss(CrossEntropy()), Predict(model), batch, Clock(0))
    for run, own in enumerate([problem(0), problem(1)]):
        grouped.load_state_dict(
            {name: weight[run] for name, weight in weights.items()}, strict=False
        )
        alone = ask(CrossEntropy(), Predict(grouped), own, Clock(0))
        for name in alone:
            torch.testing.assert_close(terms[name][run], alone[name])
