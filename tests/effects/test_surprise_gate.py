"""The surprise gate: its open rates against theory, and what a closed one leaves alone."""

import math
from dataclasses import replace

import pytest
import torch
from scipy.stats import norm
from scipy.stats import t as student

from audition.effects.sharpness_aware import SharpnessAware
from audition.effects.surprise_gate import SurpriseGate, rank_surprise
from audition.errors import AuditionError
from audition.ideas.spectral_gate import Gate, SpectralGate
from audition.recipe.batches import Clock
from audition.recipe.effect import Chain
from audition.recipe.mix import Mix
from audition.recipe.problem import Cost, Gradient
from audition.recipe.signals import Controls, View
from audition.recipe.streams import Streams
from audition.session import begin
from audition.training.loop import train
from audition.training.step import advance

DROPOUT = "model.dropout=0.1"


def chained(job, **effects):
    return replace(job, recipe=replace(job.recipe, effects=Chain(effects)))


def heard(gate, losses):
    """Whether the gate would open at each of `losses`, in order, and its last state."""
    state, opened = gate.init({}, Streams(0)), []
    for step, loss in enumerate(losses):
        view = View(Clock(step), Controls(), {}, Streams(1))
        terms = {"loss": loss}
        opened.append(gate._opens(terms, state, view))
        _, state = gate.on_gradients(Gradient({}, terms, Cost(1.0, 1.0)), state, view)
    return opened, state


DRAWS = {
    "normal": lambda n, g: torch.randn(n, generator=g),
    "Cauchy": lambda n, g: torch.randn(n, generator=g) / torch.randn(n, generator=g),
    "exponential": lambda n, g: -torch.rand(n, generator=g).log(),
}


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize(("quantile", "window", "k"), [(0.8, 49, 40), (0.5, 19, 10), (0.35, 4, 2)])
def test_the_rank_rule_opens_at_the_rate_of_ranks_whatever_the_distribution(
    draw, quantile, window, k
):
    """Exact for exchangeable losses: 1 - k / (n + 1), k = quantile (n + 1) rounded."""
    rows = DRAWS[draw](40_000 * (window + 1), torch.Generator().manual_seed(0))
    *before, loss = rows.view(window + 1, -1)
    found = torch.func.vmap(rank_surprise)(loss, torch.stack(before, dim=1))
    rate = (found > SurpriseGate(quantile=quantile, window=window).level).double().mean().item()
    expected = 1 - k / (window + 1)
    assert rate == pytest.approx(expected, abs=4 * math.sqrt(expected / 40_000))


def test_a_surprise_is_the_normal_score_of_the_rank():
    before = torch.tensor([1.0, 2.0, 3.0, 4.0])
    for loss, below in [(0.5, 0), (2.5, 2), (3.0, 3), (9.0, 4)]:
        found = rank_surprise(torch.tensor(loss), before).item()
        assert found == pytest.approx(norm.ppf((below + 0.5) / 5), rel=1e-5)


@pytest.mark.parametrize("tau", [2.0, 1.0, -0.5])
def test_the_z_rule_opens_as_a_students_t_and_not_as_a_normal(tau):
    """40,000 gates that have each seen 150 losses; at 2 a normal would say .0228, and t says .0292."""
    gate, view = (
        SurpriseGate(rule="z", threshold=tau, warmup=0),
        View(Clock(0), Controls(), {}, None),
    )
    generator = torch.Generator().manual_seed(0)
    losses = 3.0 + 0.2 * torch.randn(151, 40_000, generator=generator, dtype=torch.float64)
    recent = {}
    for loss in losses:
        _, gain, recent = gate._judged(loss, recent, view)
    rate = gain.mean().item()
    expected = student.sf(tau * math.sqrt(0.95), 1.95 / 0.05)
    assert rate == pytest.approx(expected, abs=4 * math.sqrt(expected / 40_000))


def test_the_random_gate_opens_as_often_and_reads_no_loss():
    gate = SurpriseGate(rule="chance", quantile=0.7, warmup=0)
    opened, _ = heard(gate, torch.full((4000,), math.nan).unbind())
    assert sum(opened) / 4000 == pytest.approx(0.3, abs=0.03)
    assert opened == heard(gate, torch.rand(4000).unbind())[0]


@pytest.mark.parametrize(
    "settings",
    [
        {"quantile": 0.94},
        {"rule": "z", "threshold": 2.0},
        {"rule": "z", "threshold": 0.0},
        {"quantile": 0.8, "window": 5},
    ],
)
def test_it_never_freezes_on_a_loss_that_falls_only_while_it_is_open(settings):
    """Gradient descent without noise: a gate by an absolute loss makes finitely many steps."""
    gate = SurpriseGate(**settings, warmup=3)
    state, x, made = gate.init({}, Streams(0)), 10.0, []
    for step in range(3000):
        loss = torch.tensor(0.5 * x * x + 1.0, dtype=torch.float64)
        view = View(Clock(step), Controls(), {}, Streams(1))
        opens = step < 3 or gate._opens({"loss": loss}, state, view)
        _, state = gate.on_gradients(Gradient({}, {"loss": loss}, Cost()), state, view)
        if opens:
            made.append(step)
            x *= 0.99
    assert made[-1] > 2000
    assert len(made) < 2900


def test_a_gate_by_an_absolute_loss_makes_finitely_many_steps():
    """The rule that this gate has not: once below the threshold, the loss stays just there."""
    x, made = 10.0, []
    for step in range(10_000):
        if 0.5 * x * x > 2.5:
            x *= 0.99
            made.append(step)
    assert made == list(range(math.ceil(math.log(math.sqrt(5) / 10) / math.log(0.99))))


def test_a_closed_gate_leaves_everything_alone_and_runs_no_backward(job_of, differences):
    """Weights, moments, decay, and the rates that the schedule set."""
    shut = SurpriseGate(rule="z", threshold=math.inf, warmup=2)
    job = chained(job_of("optimizer.weight_decay=0.5", "schedule=linear"), gate=shut)
    session = begin(job.recipe, job.seed, "cpu")
    for step in range(2):
        advance(job, session, Clock(step, 10, step / 10))
    before = {k: v for k, v in session.snapshot().items() if k in ("model", "optimizer")}
    before = {k: torch.utils._pytree.tree_map(_copied, v) for k, v in before.items()}
    backwards = []
    for p in session.params.values():
        p.register_hook(lambda grad: backwards.append(True))
    for step in range(2, 6):
        report = advance(job, session, Clock(step, 10, step / 10))
        assert report.gradient.closed
        assert report.gradient.cost == Cost(1.0, 0.0)
        assert math.isfinite(report.loss())
    after = session.snapshot()
    assert not differences(before, {k: after[k] for k in before})
    assert not backwards
    assert session.cost == Cost(6.0, 2.0)
    meters = shut.meters(session.effects["gate"])
    assert (float(meters["updates"]), float(meters["open"])) == (2.0, 0.0)


def _copied(value):
    return value.clone() if isinstance(value, torch.Tensor) else value


def test_a_gate_that_is_always_open_is_the_plain_run_bit_for_bit(job_of, weights_of, differences):
    job = job_of(DROPOUT)
    plain = train(job)
    for gate in (
        SurpriseGate(rule="z", threshold=-1e9, warmup=0),
        SurpriseGate(rule="z", threshold=-math.inf),
        SurpriseGate(rule="z", threshold=-1e30, mode="soft", warmup=6),
        SurpriseGate(quantile=0.0, mode="soft"),
    ):
        same = train(chained(job, gate=gate))
        assert not differences(weights_of(same), weights_of(plain))
        assert same.session.cost == plain.session.cost


def test_it_decides_by_the_loss_of_the_whole_batch_however_it_is_passed(job_of):
    """In pieces, in halves and beneath SAM: the same steps are made, at the price of a look."""
    base = ("data.batch_size=4", "optimizer.lr=1e-4")
    gate = SurpriseGate(quantile=0.5, warmup=1)
    ways = {
        "whole": chained(job_of(*base), gate=gate),
        "pieces": chained(job_of(*base, "execution.accumulate=2"), gate=gate),
        "halves": chained(job_of(*base), halves=Gate(SpectralGate(rho=1.0, every=1)), gate=gate),
        "uphill": chained(job_of(*base), uphill=SharpnessAware(rho=1e-9), gate=gate),
    }
    made, costs = {}, {}
    for name, job in ways.items():
        session = begin(job.recipe, job.seed, "cpu")
        reports = [advance(job, session, Clock(step, 12, step / 12)) for step in range(12)]
        made[name] = [not report.gradient.closed for report in reports]
        costs[name] = session.cost
    opened = sum(made["whole"])
    assert 1 < opened < 12
    assert set(map(tuple, made.values())) == {tuple(made["whole"])}
    assert costs["whole"] == Cost(12.0, opened)
    assert costs["pieces"] == costs["halves"] == Cost(12.0 + opened - 1, opened)
    assert costs["uphill"] == Cost(12.0 + opened, 2.0 * opened)


def test_two_gates_open_where_both_do(job_of):
    never, job = SurpriseGate(rule="z", threshold=math.inf, warmup=0), job_of()
    for chain in ({"a": never, "b": SurpriseGate()}, {"a": SurpriseGate(warmup=0), "b": never}):
        assert train(chained(job, **chain)).session.cost.backward == 0.0


def test_a_soft_gate_scales_the_whole_update(job_of):
    gate = SurpriseGate(mode="soft", warmup=1, softness=2.0)
    lengths = {}
    for name, job in {"plain": job_of(), "soft": chained(job_of(), gate=gate)}.items():
        session = begin(job.recipe, job.seed, "cpu")
        advance(job, session, Clock(0, 10, 0.0))
        before = {n: p.detach().clone() for n, p in session.params.items()}
        advance(job, session, Clock(1, 10, 0.1))
        lengths[name] = {n: p.detach() - before[n] for n, p in session.params.items()}
    z = session.effects["gate"]["surprise"].item()
    share = 1 / (1 + math.exp(-z / 2.0))
    assert z != 0.0
    for name, update in lengths["plain"].items():
        assert torch.allclose(lengths["soft"][name], share * update, rtol=1e-3, atol=5e-7)


def test_half_of_a_hard_gate_makes_half_of_the_closed_steps(job_of):
    shut = SurpriseGate(rule="z", threshold=math.inf, warmup=0)
    sgd = (
        "optimizer=sgd",
        "optimizer.momentum=0",
        "optimizer.nesterov=false",
        "training.clip=null",
    )
    gradients = {}
    for name, chain in {"dry": {}, "half": {"gate": Mix(effect=shut, wet=0.5)}}.items():
        job = chained(job_of(*sgd), **chain)
        session = begin(job.recipe, job.seed, "cpu")
        gradients[name] = advance(job, session, Clock(0, 10, 0.0)).gradient.grads
    for name, grad in gradients["dry"].items():
        assert torch.allclose(gradients["half"][name], 0.5 * grad, rtol=1e-4, atol=1e-7)


def test_a_quantile_above_every_loss_is_refused():
    with pytest.raises(AuditionError, match=r"quantile=0\.98 of window=19 .* window of 25 or more"):
        SurpriseGate(quantile=0.98)
    assert SurpriseGate(quantile=0.98, window=25).level == pytest.approx(norm.ppf(0.98))
