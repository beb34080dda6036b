"""Schedules: gains worked out by hand, and those of torch's schedulers."""

import math
from itertools import pairwise

import pytest
import torch
from torch.optim import lr_scheduler

from audition.config.instantiate import construct
from audition.config.members import members
from audition.parts.schedule.constant import Constant
from audition.parts.schedule.cosine import Cosine
from audition.parts.schedule.inverse_sqrt import InverseSquareRoot
from audition.parts.schedule.linear import Linear
from audition.parts.schedule.one_cycle import OneCycle
from audition.parts.schedule.wsd import WarmupStableDecay
from audition.recipe.batches import Clock
from audition.recipe.signals import Controls


def gain(schedule, step, steps):
    return schedule(Clock(step, steps, step / steps)).lr


COSINE = Cosine(warmup_steps=10, final=0.1)
CYCLE = OneCycle(warmup=0.5, initial=0.2, final=0.1, shape="linear")  # its peak is at step 54
PLATEAU = {"warmup_steps": 10, "decay": 0.5, "final": 0.2}


@pytest.mark.parametrize(
    ("schedule", "step", "expected"),
    [
        (COSINE, 0, 0.1),
        (COSINE, 4, 0.5),
        (COSINE, 9, 1.0),
        (COSINE, 10, 1.0),
        (COSINE, 60, 0.55),  # half of the 100 steps after the warm-up
        (COSINE, 85, 0.1 + 0.9 * 0.5 * (1 - 2**-0.5)),  # three quarters
        (Cosine(warmup_steps=0), 0, 1.0),
        (WarmupStableDecay(**PLATEAU), 0, 0.1),
        (WarmupStableDecay(**PLATEAU), 10, 1.0),
        (WarmupStableDecay(**PLATEAU), 55, 1.0),
        (WarmupStableDecay(**PLATEAU), 82.5, 0.6),
        (WarmupStableDecay(**PLATEAU, shape="cosine"), 82.5, 0.6),
        (WarmupStableDecay(**PLATEAU, shape="sqrt"), 55 + 55 / 4, 0.6),
        (WarmupStableDecay(warmup_steps=0, decay=1.0), 0, 1.0),
        (WarmupStableDecay(warmup_steps=0, decay=1.0), 55, 0.5),
        (Linear(warmup_steps=10, final=0.2), 9, 1.0),
        (Linear(warmup_steps=10, final=0.2), 10, 1.0),
        (Linear(warmup_steps=10, final=0.2), 60, 0.6),
        (Linear(warmup_steps=0), 109, 1 / 110),
        (InverseSquareRoot(warmup_steps=16), 0, 1 / 16),
        (InverseSquareRoot(warmup_steps=16), 15, 1.0),
        (InverseSquareRoot(warmup_steps=16), 63, 0.5),
        (InverseSquareRoot(warmup_steps=0), 0, 1.0),
        (InverseSquareRoot(warmup_steps=0), 99, 0.1),
        (CYCLE, 0, 0.2),
        (CYCLE, 27, 0.6),
        (CYCLE, 54, 1.0),
        (CYCLE, 54 + 11, 0.82),  # a fifth of the way down
        (CYCLE, 109, 0.1),
    ],
)
def test_gain_of_a_run_of_110_steps(schedule, step, expected):
    assert gain(schedule, step, 110) == pytest.approx(expected)


def test_constant_is_neutral():
    assert Constant()(Clock(0, 10, 0.0)) == Constant()(Clock(9, None, 0.9)) == Controls()


NODES = {member.name: node for member in members("schedule") for node in member.nodes.values()}
"""Every schedule of conf/, by its name."""


@pytest.mark.parametrize("name", NODES)
@pytest.mark.parametrize("steps", [1, 2, 3, 30, 100, 150, 199, 200, 1302])
def test_no_step_is_at_rate_zero_and_every_run_reaches_the_full_rate(name, steps):
    schedule = construct(NODES[name])
    gains = [gain(schedule, step, steps) for step in range(steps)]
    assert min(gains) > 0
    assert max(gains) == pytest.approx(1.0, rel=0.03)


@pytest.mark.parametrize("name", NODES)
@pytest.mark.parametrize("steps", [1, 2, 9, 1302, None])
def test_without_a_warm_up_the_first_step_is_at_the_full_rate(name, steps):
    off = {key: 0 for key in NODES[name] if key.startswith("warmup")}
    assert construct({**NODES[name], **off})(Clock(0, steps, 0.0)) == Controls()


def torchs(steps, make):
    """The gains that one of torch's schedulers takes over a run."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0, momentum=0.95)
    scheduler, gains = make(optimizer), []
    for _ in range(steps):
        (group,) = optimizer.param_groups
        gains.append((group["lr"], group["momentum"] / 0.95))
        optimizer.step()
        scheduler.step()
    return torch.tensor(gains, dtype=torch.float64)


def ours(schedule, steps):
    found = [schedule(Clock(step, steps, step / steps)) for step in range(steps)]
    return torch.tensor([(c.lr, c.momentum) for c in found], dtype=torch.float64)


@pytest.mark.parametrize(("shape", "torch_name"), [("cosine", "cos"), ("linear", "linear")])
@pytest.mark.parametrize(("steps", "warmup"), [(110, 0.5), (200, 0.3), (37, 0.21)])
def test_one_cycle_is_torchs(steps, warmup, shape, torch_name):
    expected = torchs(
        steps,
        lambda optimizer: lr_scheduler.OneCycleLR(
            optimizer, 1.0, steps, pct_start=warmup, anneal_strategy=torch_name
        ),
    )
    found = ours(OneCycle(warmup=warmup, momentum=0.85 / 0.95, shape=shape), steps)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


def test_linear_is_torchs():
    def make(optimizer):
        up = lr_scheduler.LinearLR(optimizer, 1 / 10, 1.0, 9)
        down = lr_scheduler.LinearLR(optimizer, 1.0, 0.1, 100)
        return lr_scheduler.SequentialLR(optimizer, [up, down], [10])

    found = ours(Linear(warmup_steps=10, final=0.1), 110)
    torch.testing.assert_close(found, torchs(110, make), rtol=1e-9, atol=0)


def test_inverse_square_root_is_the_papers_up_to_its_scale():
    found = ours(InverseSquareRoot(warmup_steps=40), 500)[:, 0]
    paper = [min(t**-0.5, t * 40**-1.5) for t in range(1, 501)]
    torch.testing.assert_close(found, torch.tensor(paper, dtype=torch.float64) * math.sqrt(40))
    longer = ours(InverseSquareRoot(warmup_steps=40), 900)[:500, 0]
    assert torch.equal(found, longer)


@pytest.mark.parametrize(
    ("steps", "length"), [(1302, 100), (250, 100), (200, 100), (199, 19), (50, 5), (3, 1)]
)
def test_a_warm_up_that_would_fill_the_run_becomes_a_tenth_of_it(steps, length):
    gains = [gain(Cosine(), step, steps) for step in range(steps)]
    assert gains[:length] == pytest.approx([(s + 1) / length for s in range(length)])
    assert gains[length] == pytest.approx(1.0)
    assert all(later < earlier for earlier, later in pairwise(gains[length:]))


def test_wall_time_uses_the_fraction():
    def lr(schedule, step, fraction):
        return schedule(Clock(step, None, fraction)).lr

    cosine = Cosine(warmup_steps=100, final=0.0)
    assert lr(cosine, 0, 0.0) == pytest.approx(0.01)
    assert lr(cosine, 0, 0.05) == pytest.approx(0.5, rel=0.01)  # slow steps: a tenth of the time
    assert lr(cosine, 5, 0.5) == pytest.approx(0.5)
    assert lr(cosine, 500, 0.5) == pytest.approx(0.5)
    stable = WarmupStableDecay(warmup_steps=10, decay=0.2)
    assert lr(stable, 4, 0.001) == pytest.approx(0.5)
    assert lr(stable, 50, 0.5) == 1.0
    assert lr(stable, 90, 0.9) == pytest.approx(0.5)
    assert lr(Linear(warmup_steps=0), 3, 0.25) == pytest.approx(0.75)
    assert lr(OneCycle(warmup=0.5, shape="linear"), 3, 0.25) == pytest.approx(0.52)
    assert lr(OneCycle(warmup=0.5, shape="linear"), 3, 0.75) == pytest.approx(0.5, abs=1e-5)
    assert lr(InverseSquareRoot(warmup_steps=25), 99, 0.3) == pytest.approx(0.5)
