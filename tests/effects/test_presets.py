"""The three presets of the Ockham learner: what each of them does to a run that another does not."""

import pytest

from audition.effects.compressor import Compressor
from audition.recipe.batches import Clock
from audition.recipe.problem import Cost, Gradient
from audition.session import begin
from audition.training.step import advance

NAMES = ("ockham_tight", "balanced", "exploratory")
QUICK = ("effects.surprise_gate.warmup=10", "budget.steps=60")


@pytest.fixture(scope="module")
def runs(job_of):
    """Name -> its meters, updates and cost after sixty steps."""
    found = {}
    for name in NAMES:
        job = job_of(f"preset={name}", *QUICK)
        session = begin(job.recipe, job.seed, "cpu")
        for step in range(60):
            report = advance(job, session, Clock(step, 60, step / 60))
        found[name] = ({n: float(v) for n, v in report.meters().items()}, session)
    return found


def test_they_make_ever_more_updates_and_hold_ever_less(runs, job_of):
    updates = [runs[name][1].cost.backward for name in NAMES]
    assert updates == sorted(set(updates))
    assert updates == [runs[name][0]["surprise_gate/updates"] for name in NAMES]
    assert all(runs[name][1].cost.forward == 60.0 for name in NAMES)
    strengths = [
        job_of(f"preset={name}").recipe.effects.members["anchor"].strength for name in NAMES
    ]
    assert strengths == sorted(strengths, reverse=True)


def test_far_weights_are_held_more_strongly_and_move_less(runs, job_of):
    """The meters of both compressors, each by the distance of the other."""
    for name in NAMES:
        meters, _ = runs[name]
        anchor = job_of(f"preset={name}").recipe.effects.members["anchor"]
        assert meters["hold/reduction"] == meters["compressor/reduction"] <= 0.0
        assert meters["anchor/strength"] >= anchor.strength


def test_the_limiter_of_a_preset_is_a_ceiling_on_the_gradients_norm(job_of, view):
    for name, ceiling in zip(NAMES, (0.5, 1.0, 2.0), strict=True):
        limiter = job_of(f"preset={name}").recipe.effects.members["limiter"]
        assert isinstance(limiter, Compressor)
        job = job_of()
        session = begin(job.recipe, job.seed, "cpu")
        grads = {n: p.detach() for n, p in session.params.items()}
        state = limiter.init(grads, None)
        after, _ = limiter.on_gradients(Gradient(grads, {}, Cost()), state, view(grads))
        total = sum(float(g.square().sum()) for g in after.grads.values()) ** 0.5
        assert total == pytest.approx(ceiling, rel=1e-4)


def test_without_the_gate_every_step_is_made(job_of):
    job = job_of("preset=balanced", "~effects.surprise_gate")
    session = begin(job.recipe, job.seed, "cpu")
    for step in range(3):
        advance(job, session, Clock(step, 10, step / 10))
    assert session.cost.backward == 3.0
