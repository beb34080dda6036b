"""Each optimizer against another's code, or its formula written out, over some steps."""

import math

import pytest
import torch
from torch import nn

from audition.parts.optim.adafactor import Adafactor
from audition.parts.optim.adam import Adam
from audition.parts.optim.adamw import AdamW
from audition.parts.optim.ademamix import AdEMAMix, slow_beta
from audition.parts.optim.lion import Lion
from audition.parts.optim.mars import MARS
from audition.parts.optim.prodigy import Prodigy
from audition.parts.optim.schedule_free import ScheduleFreeAdamW
from audition.parts.optim.shampoo import Shampoo
from audition.parts.optim.soap import SOAP
from audition.parts.stepping.controls import apply_controls
from audition.recipe.signals import Controls

DECAY = {"weight_decay": 0.1, "decay": "all"}
CLOSE = {"rtol": 1e-4, "atol": 1e-6}


def weights():
    generator = torch.Generator().manual_seed(0)
    return {
        "matrix": nn.Parameter(torch.randn(6, 4, generator=generator)),
        "vector": nn.Parameter(torch.randn(5, generator=generator)),
    }


def gradients(step):
    generator = torch.Generator().manual_seed(100 + step)
    return {"matrix": (6, 4), "vector": (5,)}, generator


def give(params, step):
    shapes, generator = gradients(step)
    for name, shape in shapes.items():
        params[name].grad = torch.randn(shape, generator=generator)


def stepped(params, optimizer, steps=8):
    for step in range(steps):
        give(params, step)
        optimizer.step()
    return {n: p.detach().clone() for n, p in params.items()}


@pytest.fixture(scope="module")
def reference():
    """A library of optimizers, which takes a second to import."""
    import pytorch_optimizer

    return pytorch_optimizer


def agree(policy, other, **close):
    """The policy's weights and those of a reference made over a list of the same parameters."""
    ours, theirs = weights(), weights()
    found = stepped(ours, policy(ours))
    expected = stepped(theirs, other(list(theirs.values())))
    for name, value in found.items():
        torch.testing.assert_close(value, expected[name], **{**CLOSE, **close})


def by_hand(policy, move, steps=8):
    """Compare with `move(weight, gradient, memory, t)`, one tensor at a time in doubles."""
    ours, theirs = weights(), {n: p.detach().double() for n, p in weights().items()}
    found = stepped(ours, policy(ours), steps)
    memories = {n: {} for n in theirs}
    for step in range(steps):
        shapes, generator = gradients(step)
        for name, shape in shapes.items():
            grad = torch.randn(shape, generator=generator).double()
            theirs[name] = move(theirs[name], grad, memories[name], step + 1)
    for name, value in found.items():
        torch.testing.assert_close(value.double(), theirs[name], **CLOSE)


def test_adam_adds_decay_to_the_gradient():
    agree(
        Adam(lr=0.01, **DECAY),
        lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.9, 0.99), weight_decay=0.1, foreach=False),
    )


def test_lion(reference):
    agree(
        Lion(lr=0.01, **DECAY),
        lambda p: reference.Lion(p, lr=0.01, betas=(0.9, 0.99), weight_decay=0.1),
    )


@pytest.mark.parametrize("warmup", [0, 5, 100])
def test_ademamix(warmup, reference):
    betas = (0.9, 0.99, 0.999)
    agree(
        AdEMAMix(lr=0.01, betas=betas, warmup_steps=warmup, **DECAY),
        lambda p: reference.AdEMAMix(
            p,
            lr=0.01,
            betas=betas,
            weight_decay=0.1,
            weight_decouple=True,
            t_alpha_beta3=warmup or None,
        ),
    )


def test_the_slow_means_memory_rises_evenly():
    def half_life(beta):
        return math.log(0.5) / math.log(beta)

    ends = half_life(0.9), half_life(0.9999)
    for share in (0.0, 0.25, 1.0):
        expected = ends[0] + share * (ends[1] - ends[0])
        assert half_life(slow_beta(0.9, 0.9999, share)) == pytest.approx(expected)


@pytest.mark.parametrize("lr", [0.01, 0.05])
def test_adafactor_is_torchs_where_its_rate_has_not_begun_to_fall(lr):
    agree(
        Adafactor(lr=lr, **DECAY),
        lambda p: torch.optim.Adafactor(p, lr=lr, weight_decay=0.1, foreach=False),
    )


def test_adafactors_momentum_is_a_mean_of_its_steps():
    plain, averaged = weights(), weights()
    optimizers = [
        Adafactor(momentum=m, weight_decay=0.0)(w) for m, w in ((0, plain), (0.5, averaged))
    ]
    starts = {n: p.detach().clone() for n, p in plain.items()}
    for params, optimizer in zip((plain, averaged), optimizers, strict=True):
        stepped(params, optimizer, 1)
    for name, start in starts.items():
        halved = 0.5 * (plain[name] - start)
        torch.testing.assert_close(averaged[name] - start, halved, **CLOSE)


def test_schedule_free(reference):
    betas, ours, theirs = (0.9, 0.99), weights(), weights()
    optimizer = ScheduleFreeAdamW(lr=0.01, betas=betas, **DECAY)(ours)
    other = reference.ScheduleFreeAdamW(
        list(theirs.values()), lr=0.01, betas=betas, weight_decay=0.1
    )
    other.train()
    for params, each in ((ours, optimizer), (theirs, other)):
        stepped(params, each)
    for name, p in ours.items():
        torch.testing.assert_close(p, theirs[name], **CLOSE)
    y = {n: p.detach().clone() for n, p in ours.items()}
    optimizer.eval()
    other.eval()
    optimizer.eval()  # asking twice changes nothing
    for name, p in ours.items():
        torch.testing.assert_close(p, theirs[name], **CLOSE)
    optimizer.train()
    for name, p in ours.items():
        torch.testing.assert_close(p.detach(), y[name], **CLOSE)


def test_schedule_frees_evaluation_weights_on_a_quadratic():
    """x is the mean of all z, weighted by lr²; y lies between them; both come to the minimum."""
    goal = torch.tensor([1.0, -2.0, 0.5])
    params = {"w": nn.Parameter(torch.zeros(3))}
    optimizer = ScheduleFreeAdamW(lr=0.02, weight_decay=0.0)(params)
    rates, z = [], []
    for step in range(400):
        gain = min(1.0, (step + 1) / 20)
        apply_controls(optimizer, Controls(lr=gain))
        params["w"].grad = params["w"].detach() - goal
        optimizer.step()
        rates.append(0.02 * gain)
        z.append(optimizer.state[params["w"]]["z"].clone())
        if step in (0, 30, 399):
            weight = torch.tensor(rates).square()
            x = (weight[:, None] * torch.stack(z)).sum(0) / weight.sum()
            y = params["w"].detach().clone()
            torch.testing.assert_close(y, 0.1 * z[-1] + 0.9 * x, rtol=1e-4, atol=1e-5)
            optimizer.eval()
            torch.testing.assert_close(params["w"].detach(), x, rtol=1e-4, atol=1e-5)
            optimizer.train()
    optimizer.eval()
    torch.testing.assert_close(params["w"].detach(), goal, rtol=0, atol=0.2)


def test_mars():
    def move(w, g, memory, t):
        beta1, beta2, gamma, lr = 0.95, 0.99, 0.1, 0.01
        corrected = g + gamma * beta1 / (1 - beta1) * (g - memory.get("last", g))
        corrected = corrected / max(1.0, corrected.norm().item())
        memory["last"] = g
        memory["m"] = beta1 * memory.get("m", 0) + (1 - beta1) * corrected
        memory["v"] = beta2 * memory.get("v", 0) + (1 - beta2) * corrected**2
        m, v = memory["m"] / (1 - beta1**t), memory["v"] / (1 - beta2**t)
        return w - lr * (m / (v.sqrt() + 1e-8) + 0.1 * w)

    by_hand(MARS(lr=0.01, gamma=0.1, **DECAY), move)


def test_mars_without_correction_is_adamw_on_short_gradients():
    by_hand(
        MARS(lr=0.01, betas=(0.9, 0.99), gamma=0.0, weight_decay=0.0),
        lambda w, g, memory, t: adamw(w, g / max(1.0, g.norm().item()), memory, t),
    )


def adamw(w, g, memory, t, lr=0.01, beta1=0.9, beta2=0.99):
    memory["m"] = beta1 * memory.get("m", 0) + (1 - beta1) * g
    memory["v"] = beta2 * memory.get("v", 0) + (1 - beta2) * g**2
    return w - lr * memory["m"] / (1 - beta1**t) / ((memory["v"] / (1 - beta2**t)).sqrt() + 1e-8)


@pytest.mark.parametrize("safeguard", [False, True])
def test_prodigy(safeguard, reference):
    agree(
        Prodigy(lr=0.7, d0=1e-3, safeguard_warmup=safeguard, **DECAY),
        lambda p: reference.Prodigy(
            p,
            lr=0.7,
            betas=(0.9, 0.99),
            d0=1e-3,
            weight_decay=0.1,
            safeguard_warmup=safeguard,
        ),
    )


def test_prodigy_finds_a_rate_near_the_distance():
    """From 1e-6, to the order of the largest entry's distance, which is that of Adam's good rates."""
    params = {"w": nn.Parameter(torch.zeros(50))}
    goal = torch.full((50,), 3.0)
    optimizer = Prodigy(weight_decay=0.0)(params)
    for _ in range(200):
        params["w"].grad = torch.sign(params["w"].detach() - goal)
        optimizer.step()
    assert 0.3 < optimizer.param_groups[0]["d"].item() < 3.0


def test_soap(reference):
    """The library's order: decay after the step, so none here."""
    ours, theirs = weights(), weights()
    del ours["vector"], theirs["vector"]
    settings = {"lr": 0.02, "betas": (0.9, 0.95)}
    optimizer = SOAP(**settings, factor_beta=0.8, every=3, weight_decay=0.0)(ours)
    other = reference.SOAP(
        list(theirs.values()),
        **settings,
        shampoo_beta=0.8,
        precondition_frequency=3,
        weight_decay=0.0,
    )
    for step in range(10):
        for params, each in ((ours, optimizer), (theirs, other)):
            generator = torch.Generator().manual_seed(step)
            params["matrix"].grad = torch.randn(6, 4, generator=generator)
            each.step()
    torch.testing.assert_close(ours["matrix"], theirs["matrix"], rtol=1e-3, atol=1e-4)


def test_soap_whose_sides_are_too_long_is_adamw_a_step_later():
    ours, theirs = weights(), weights()
    del ours["vector"], theirs["vector"]
    settings = {"lr": 0.02, "betas": (0.9, 0.99), "weight_decay": 0.1}
    optimizer = SOAP(**settings, max_size=3)(ours)
    other = torch.optim.AdamW(list(theirs.values()), **settings, eps=1e-8)
    for step in range(6):
        for params, each in ((ours, optimizer), (theirs, other)):
            generator = torch.Generator().manual_seed(step)
            params["matrix"].grad = torch.randn(6, 4, generator=generator)
            if each is optimizer or step:
                each.step()
    torch.testing.assert_close(ours["matrix"], theirs["matrix"], rtol=1e-4, atol=1e-5)


def test_soaps_bases_stay_orthonormal_and_come_to_the_eigenvectors():
    generator = torch.Generator().manual_seed(0)
    shape = torch.diag(torch.tensor([8.0, 4.0, 2.0, 1.0])) @ torch.randn(4, 4, generator=generator)
    params = {"matrix": nn.Parameter(torch.zeros(4, 4))}
    optimizer = SOAP(every=1, factor_beta=0.99)(params)
    for _ in range(200):
        params["matrix"].grad = shape @ torch.randn(4, 4, generator=generator)
        optimizer.step()
    state = optimizer.state[params["matrix"]]
    for side in ("left", "right"):
        basis = state[f"{side}_basis"]
        torch.testing.assert_close(basis.mT @ basis, torch.eye(4), rtol=0, atol=1e-5)
    turned = state["left_basis"].mT @ state["left"] @ state["left_basis"]
    assert (turned - turned.diag().diag()).norm() < 0.05 * turned.norm()
    assert turned.diag().argsort(descending=True).tolist() == [0, 1, 2, 3]


def test_shampoo_as_the_paper_has_it():
    """W - lr L^(-1/4) G R^(-1/4), with L and R the sums of all G Gᵀ and Gᵀ G."""
    ours = {"matrix": weights()["matrix"]}
    ridge, lr, w = 1e-3, 0.1, ours["matrix"].detach().double()
    policy = Shampoo(
        lr=lr,
        betas=(0.0, 0.9),
        factor_beta=1.0,
        graft="none",
        every=1,
        ridge=ridge,
        weight_decay=0.0,
    )
    optimizer = policy(ours)
    left, right = torch.zeros(6, 6).double(), torch.zeros(4, 4).double()

    def power(factor):
        values, vectors = torch.linalg.eigh(factor)
        return vectors @ torch.diag((values + ridge * values.max()) ** -0.25) @ vectors.mT

    for step in range(5):
        generator = torch.Generator().manual_seed(step)
        ours["matrix"].grad = torch.randn(6, 4, generator=generator)
        g = ours["matrix"].grad.double()
        optimizer.step()
        left, right = left + g @ g.mT, right + g.mT @ g
        w = w - lr * power(left) @ g @ power(right)
        torch.testing.assert_close(ours["matrix"].double(), w, rtol=1e-3, atol=1e-4)


def test_the_first_step_of_shampoo_is_orthogonal():
    """L^(-1/4) G R^(-1/4) of one gradient is U Vᵀ: Muon's step, exactly."""
    params = {"matrix": nn.Parameter(torch.zeros(6, 4))}
    params["matrix"].grad = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    Shampoo(lr=1.0, graft="none", ridge=1e-9)(params).step()
    singular = torch.linalg.svdvals(params["matrix"].detach())
    torch.testing.assert_close(singular, torch.ones(4), rtol=0, atol=0.02)


def test_a_grafted_step_has_the_length_of_adams():
    grafted, adams = ({"matrix": weights()["matrix"]} for _ in range(2))
    settings = {"lr": 0.01, "betas": (0.9, 0.99), "weight_decay": 0.0}
    optimizer, other = Shampoo(**settings)(grafted), AdamW(**settings)(adams)
    for step in range(4):
        before = [p["matrix"].detach().clone() for p in (grafted, adams)]
        for params, each in ((grafted, optimizer), (adams, other)):
            generator = torch.Generator().manual_seed(step)
            params["matrix"].grad = torch.randn(6, 4, generator=generator)
            each.step()
        ours, theirs = (
            (p["matrix"] - b).norm() for p, b in zip((grafted, adams), before, strict=True)
        )
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=0)
    assert not torch.allclose(grafted["matrix"], adams["matrix"], atol=1e-3)
