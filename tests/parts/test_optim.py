"""Optimizers: torch's arithmetic, groups by role, and controls that do not compound."""

import copy

import pytest
import torch
from tests.parts.models import gpt88m, make
from torch import nn
from torch.nn import functional as F
from torch.optim._muon import _zeropower_via_newtonschulz

from audition.apoptosis.surgery import Weights, operate, resize
from audition.config.instantiate import construct
from audition.config.members import members
from audition.errors import AuditionError
from audition.parts.initial import initialise, role_of
from audition.parts.optim.adafactor import Adafactor
from audition.parts.optim.adamw import AdamW
from audition.parts.optim.muon import Muon
from audition.parts.optim.sgd import SGD
from audition.parts.stepping.controls import apply_controls
from audition.parts.stepping.moments import moments_of
from audition.parts.stepping.orthogonal import StackedMuon
from audition.parts.stepping.together import averaging_of
from audition.recipe.signals import Controls
from audition.recipe.streams import Streams
from audition.recipe.turnover import Edit, Event

OPTIMIZERS = {member.name: construct(member.plain) for member in members("optimizer")} | {
    "adamw all": AdamW(decay="all"),
    "sgd heavy ball": SGD(nesterov=False, weight_decay=0.1),
    "muon matrices": Muon(adamw_decay="matrices", weight_decay=0.1),
    "adafactor with momentum": Adafactor(momentum=0.9),
}
"""Every member of the group, and some in other settings."""


def train(model, optimizer, steps, first=0):
    for step in range(first, first + steps):
        generator = torch.Generator().manual_seed(step)
        tokens = torch.randint(11, (4, 12), generator=generator)
        loss = F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return [p.detach().clone() for p in model.parameters()]


def named(model):
    return dict(model.named_parameters())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_parameter_is_in_one_group_beside_its_name_and_moves(name):
    model = make(tied_head=False, bias=True, norm="rmsnorm qk")
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    optimizer = OPTIMIZERS[name](named(model))
    held = {
        n: p for g in optimizer.param_groups for n, p in zip(g["names"], g["params"], strict=True)
    }
    assert sum(len(g["names"]) for g in optimizer.param_groups) == len(before)
    assert all(held[n] is p for n, p in model.named_parameters())
    assert all(g["params"] for g in optimizer.param_groups)
    train(model, optimizer, 2)
    still = [n for n, p in model.named_parameters() if torch.equal(before[n], p)]
    assert [n for n in still if not n.endswith(".k.bias")] == []
    assert all(optimizer.state[p] for p in model.parameters())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_same_bits_again_and_across_a_stop(name):
    def start():
        model = make()
        return model, OPTIMIZERS[name](named(model))

    through, again = train(*start(), 6), train(*start(), 6)
    model, optimizer = start()
    train(model, optimizer, 3)
    weights, state = copy.deepcopy((model.state_dict(), optimizer.state_dict()))
    model, optimizer = start()
    model.load_state_dict(weights)
    optimizer.load_state_dict(state)
    resumed = train(model, optimizer, 3, first=3)
    for a, b, c in zip(through, again, resumed, strict=True):
        assert torch.equal(a, b)
        assert torch.equal(a, c)
    apply_controls(optimizer, Controls(lr=0.0, weight_decay=0.0))
    for a, b in zip(train(model, optimizer, 1, first=6), resumed, strict=True):
        assert torch.equal(a, b)  # what is set after a load still reaches the members


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_solves_a_quadratic(name):
    generator = torch.Generator().manual_seed(0)
    start, goal = (0.1 * torch.randn(2, 8, 4, generator=generator) for _ in range(2))
    weights = {"w.weight": nn.Parameter(start[0]), "b.bias": nn.Parameter(start[1, :, 0].clone())}
    goals = {"w.weight": goal[0], "b.bias": goal[1, :, 0]}
    curvature = torch.linspace(0.05, 1.0, 8)

    def loss():
        apart = [(w - goals[n]).square() for n, w in weights.items()]
        return 0.5 * (curvature[:, None] * apart[0]).sum() + 0.5 * (curvature * apart[1]).sum()

    optimizer, first, steps = OPTIMIZERS[name](weights), loss().item(), 800
    for step in range(steps):
        apply_controls(optimizer, Controls(lr=1 - step / steps, weight_decay=0.0))
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    for averaging in averaging_of(optimizer):
        averaging.eval()
    assert loss().item() < 1e-2 * first


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_all_that_is_remembered_is_declared_and_along_the_axes_it_says(name):
    model = make(bias=True)
    optimizer = OPTIMIZERS[name](named(model))
    assert not any(moments_of(optimizer, p) for p in model.parameters())
    assert not any(p in optimizer.state for p in model.parameters()), "asking made an entry"
    train(model, optimizer, 2)
    for p in model.parameters():
        found = moments_of(optimizer, p)
        tensors = {n: x for n, x in optimizer.state[p].items() if torch.is_tensor(x) and x.ndim}
        assert {m.name for m in found} == set(tensors)
        for moment in found:
            assert moment.tensor is tensors[moment.name]
            assert len(moment.axes) == moment.tensor.ndim
            for size, axis in zip(moment.tensor.shape, moment.axes, strict=True):
                assert axis is None or size == p.shape[axis]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_units_are_replaced_and_become_more(name):
    """What a dead unit's weights were remembered by is nought; a layer of another width goes on."""
    model = make()
    optimizer, site = OPTIMIZERS[name](named(model)), "blocks.1.feedforward"
    train(model, optimizer, 3)
    weights, dead = Weights(model, named(model), optimizer), torch.tensor([2, 5])
    fresh = torch.full((2, 32), 0.25)
    edits = (
        Edit(f"{site}.up.weight", 0, dead, fresh),
        Edit(f"{site}.down.weight", 1, dead, fresh.T),
    )
    operate(weights, [Event(site, dead, dead[:, None], edits)])
    seen = 0
    for part, axis in (("up", 0), ("down", 1)):
        for moment in moments_of(optimizer, weights.params[f"{site}.{part}.weight"]):
            for own, along in enumerate(moment.axes):
                if along == axis:
                    lines = moment.tensor.index_select(own, dead)
                    assert (lines == (0.25 if moment.follows else 0.0)).all(), moment.name
                    seen += 1
    assert seen
    train(model, optimizer, 1, first=3)
    resize(weights, site, 140)
    after = train(model, optimizer, 3, first=4)
    assert all(w.isfinite().all() for w in after)
    assert weights.params[f"{site}.up.weight"].shape[0] == 140
    assert weights.params[f"{site}.up.weight"][128:].count_nonzero() == 0  # nobody reads them
    assert all(p is q for p, q in zip(named(model).values(), weights.params.values(), strict=True))


@pytest.mark.parametrize("policy", ["zero", "keep", "copy"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_moments_of_rewritten_rows_follow_the_policy(name, policy):
    """Of all that an optimizer declares; what it remembers of other rows keeps its bits."""
    model = make()
    optimizer, site = OPTIMIZERS[name](named(model)), "blocks.1.feedforward"
    train(model, optimizer, 3)
    weights, dead, parent = Weights(model, named(model), optimizer), torch.tensor([2]), 9
    weight = weights.params[f"{site}.up.weight"]
    before = {m.name: m.tensor.clone() for m in moments_of(optimizer, weight)}
    source = torch.tensor([parent]) if policy == "copy" else None
    edit = Edit(f"{site}.up.weight", 0, dead, torch.full((1, 32), 0.25), policy, source)
    operate(weights, [Event(site, dead, dead[:, None], (edit,))])
    for moment in moments_of(optimizer, weight):
        expected, order = before[moment.name], torch.arange(128)
        order[2] = parent
        for own, along in enumerate(moment.axes):
            if along == 0 and moment.follows:
                expected.index_fill_(own, dead, 0.25)
            elif along == 0 and policy == "zero":
                expected.index_fill_(own, dead, 0.0)
            elif along == 0 and policy == "copy":
                expected = expected.index_select(own, order)
        assert torch.equal(moment.tensor, expected), moment.name


def test_adamw_is_torchs_own_loop():
    ours, theirs = make(), make()
    matrices = [p for p in theirs.parameters() if p.ndim == 2]
    vectors = [p for p in theirs.parameters() if p.ndim == 1]
    loop = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
        lr=4e-3,
        betas=(0.9, 0.99),
        foreach=False,
    )
    for a, b in zip(train(ours, AdamW()(named(ours)), 10), train(theirs, loop, 10), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("settings", [{}, {"nesterov": True}, {"weight_decay": 0.1}])
def test_sgd_is_torchs_own_loop(settings):
    ours, theirs = make(), make()
    settings = {"lr": 0.1, "momentum": 0.9, "nesterov": False, **settings}
    decay = settings.get("weight_decay", 0.0)
    groups = [
        {"params": [p for p in theirs.parameters() if p.ndim == 2], "weight_decay": decay},
        {"params": [p for p in theirs.parameters() if p.ndim == 1]},
    ]
    loop = torch.optim.SGD(
        groups, lr=0.1, momentum=0.9, nesterov=settings["nesterov"], foreach=False
    )
    for a, b in zip(
        train(ours, SGD(**settings)(named(ours)), 10), train(theirs, loop, 10), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_what_decays():
    model = make(bias=True)

    def decays(optimizer):
        groups = optimizer(named(model)).param_groups
        return {n: g["weight_decay"] for g in groups for n in g["names"]}

    assert {role_of(n, p): decays(AdamW())[n] for n, p in model.named_parameters()} == {
        "embedding": 0.1,
        "matrix": 0.1,
        "vector": 0.0,
    }
    assert set(decays(AdamW(decay="all")).values()) == {0.1}
    assert decays(Muon(adamw_weight_decay=0.2))["norm.weight"] == 0.2
    assert decays(Muon(adamw_decay="matrices"))["norm.weight"] == 0.0
    assert decays(Muon())["blocks.0.attention.q.weight"] == 0.0


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(AuditionError, match="momentum=0 has none"):
        SGD(momentum=0.0, nesterov=True)


def test_muon_holds_hidden_matrices_and_nothing_else():
    model = make(tied_head=False, bias=True)
    model.blocks[0].experts = torch.nn.Parameter(torch.zeros(2, 3, 4))
    groups = Muon()(named(model)).param_groups
    orthogonalised = {n for g in groups if "ns_steps" in g for n in g["names"]}
    assert orthogonalised == {
        f"blocks.{i}.{n}.weight"
        for i in range(2)
        for n in (
            "attention.q",
            "attention.k",
            "attention.v",
            "attention.out",
            "feedforward.up",
            "feedforward.down",
        )
    }


def test_newton_schulz_maps_singular_values_close_to_one():
    a, b, c = Muon().ns_coefficients
    sigma = torch.linspace(5e-3, 1, 200_001, dtype=torch.float64)
    for _ in range(Muon().ns_steps):
        sigma = a * sigma + b * sigma**3 + c * sigma**5
    assert sigma.min().item() == pytest.approx(0.6818, abs=1e-4)
    assert sigma.max().item() == pytest.approx(1.1544, abs=1e-4)  # at 5e-3 itself


@pytest.mark.parametrize("shape", [(64, 16), (16, 64)])
def test_a_step_of_muon_is_the_scaled_orthogonal_matrix(shape):
    weight = torch.nn.Parameter(torch.zeros(shape))
    weight.grad = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    optimizer = Muon(lr=1.0, momentum=0.95)({"weight": weight})
    optimizer.step()
    scale = max(1.0, shape[0] / shape[1]) ** 0.5
    singular = torch.linalg.svdvals(weight.detach() / scale)
    assert singular.min() > 0.66
    assert singular.max() < 1.18  # bfloat16 on top of [.6818, 1.1539]
    look_ahead = weight.grad.lerp(weight.grad * 0.05, 0.95)
    direction = _zeropower_via_newtonschulz(look_ahead, Muon().ns_coefficients, 5, 1e-7)
    torch.testing.assert_close(weight.detach(), -scale * direction.float())


@pytest.mark.parametrize("settings", [{}, {"nesterov": False, "weight_decay": 0.1}])
def test_stacks_step_as_single_matrices_do(settings):
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randn(s, generator=generator) for s in ((8, 8), (16, 8), (8, 8), (8, 16))]
    stacked, single = ([nn.Parameter(each.clone()) for each in drawn] for _ in range(2))
    ours, torchs = StackedMuon(stacked, **settings), torch.optim.Muon(single, **settings)
    for step in range(4):
        for i, (a, b) in enumerate(zip(stacked, single, strict=True)):
            b.grad = torch.randn(a.shape, generator=generator)
            a.grad = None if (i, step) == (2, 1) else b.grad.clone()
            b.grad = a.grad if a.grad is None else b.grad
        ours.step()
        torchs.step()
    for a, b in zip(stacked, single, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-4)
        torch.testing.assert_close(ours.state[a], torchs.state[b])
    assert ours.state_dict().keys() == torchs.state_dict().keys()


def test_muon_without_matrices_or_without_a_rest():
    vector = torch.nn.Parameter(torch.ones(3))
    matrix = torch.nn.Parameter(torch.ones(3, 4))
    for only in ({"v": vector}, {"m": matrix}):
        optimizer = Muon()(only)
        for p in only.values():
            p.grad = torch.ones_like(p)
        optimizer.step()
        assert all((p != 1).all() for p in only.values())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_controls_never_compound(name):
    optimizer = OPTIMIZERS[name](named(make()))
    fields = ("lr", "momentum", "betas", "weight_decay")
    before = [{k: g[k] for k in fields if k in g} for g in optimizer.param_groups]
    for _ in range(1000):
        apply_controls(optimizer, Controls(lr=0.5, momentum=0.5, weight_decay=0.5))
    for group, was in zip(optimizer.param_groups, before, strict=True):
        for key, value in was.items():
            halved = (value[0] * 0.5, *value[1:]) if key == "betas" else value * 0.5
            assert group[key] == halved
    apply_controls(optimizer, Controls())
    assert [{k: g[k] for k in fields if k in g} for g in optimizer.param_groups] == before


def test_controls_travel_with_the_state_and_reach_foreign_optimizers():
    model = make()
    optimizer = AdamW()(named(model))
    apply_controls(optimizer, Controls(lr=0.5))
    resumed = AdamW()(named(make()))
    resumed.load_state_dict(optimizer.state_dict())
    apply_controls(resumed, Controls(lr=0.25))
    assert {g["lr"] for g in resumed.param_groups} == {1e-3}
    foreign = torch.optim.Adagrad(model.parameters(), lr=1.0)
    for _ in range(3):
        apply_controls(foreign, Controls(lr=0.5))
    assert foreign.param_groups[0]["lr"] == 0.5


def test_momentum_stays_below_one():
    optimizer = AdamW(betas=(0.9, 0.99))(named(make()))
    apply_controls(optimizer, Controls(momentum=2.0))
    assert {g["betas"] for g in optimizer.param_groups} == {(0.999, 0.99)}


def test_the_published_widths_take_a_real_step():
    model = gpt88m(layers=1)
    initialise(model, Streams(42))
    optimizer = Muon()(named(model))
    tokens = torch.randint(49152, (1, 33), generator=torch.Generator().manual_seed(0))

    def loss():
        return F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())

    first = loss()
    first.backward()
    optimizer.step()
    # ln 49152 = 10.80 for a model that knows nothing yet; a tied head on √512-fold embeddings
    # adds a little spread.
    assert first.item() == pytest.approx(10.8, abs=0.6)
    assert loss().item() < first.item() - 1
