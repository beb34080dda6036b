"""A whole run: its budget, its evaluations, how it ends, and how it is taken up again."""

import math
from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from audition.budget import Budget
from audition.observers.observer import Observer
from audition.session import Unfit, begin
from audition.tasks.language import Language
from audition.training.loop import evaluations_due, train
from audition.training.worker import facts, measures_of


class Scripted(Language):
    """The language task with made-up values."""

    def __init__(self, values):
        vars(self)["values"] = values

    def evaluators(self):
        return {"val": lambda rows: self.values()}


@pytest.mark.parametrize(
    ("budget", "steps"),
    [
        (Budget(steps=4), 4),
        (Budget(tokens=64 * 5 + 63), 5),
        (Budget(tokens=1), 1),
    ],
)
def test_a_budget_is_kept(job_of, budget, steps):
    session = train(replace(job_of(), budget=budget)).session
    assert (session.step, session.units) == (steps, 64 * steps)
    assert session.evaluations[-1].step == steps
    assert session.evaluations[-1].units == session.units


def test_a_budget_of_minutes(job_of):
    outcome = train(replace(job_of("schedule=wsd"), budget=Budget(minutes=0.2 / 60)))
    session = outcome.session
    assert outcome.status == "finished"
    assert session.seconds >= 0.2
    assert session.step >= 1
    assert session.evaluations[-1].step == session.step


@pytest.mark.parametrize(
    ("steps", "evaluations", "at"),
    [(6, 1, [6]), (6, 3, [2, 4, 6]), (6, 6, [1, 2, 3, 4, 5, 6]), (3, 9, [1, 2, 3]), (5, 2, [3, 5])],
)
def test_evaluations_are_spread_evenly_and_end_at_the_end(job_of, steps, evaluations, at):
    job = job_of()
    training = replace(job.training, evaluations=evaluations)
    session = train(replace(job, budget=Budget(steps=steps), training=training)).session
    assert [e.step for e in session.evaluations] == at


@pytest.mark.parametrize("steps", [1, 7, 22, 49, 64, 192, 1302])
def test_an_evaluation_is_due_at_the_first_step_that_reaches_its_share(steps):
    for evaluations in range(1, 65):
        due = [evaluations_due(step, steps, step / steps, evaluations) for step in range(steps + 1)]
        shares = [Fraction(step, steps) * evaluations for step in range(steps + 1)]
        assert due == [math.floor(share) for share in shares]
        assert due[-1] == evaluations


def test_an_evaluation_is_due_by_the_clock_where_the_steps_are_open():
    shares = (0.0, 0.24, 0.25, 0.74, 0.75, 1.0)
    assert [evaluations_due(9, None, share, 4) for share in shares] == [0, 0, 1, 2, 3, 4]


def test_no_evaluation_comes_late_or_is_lost_to_rounding(job_of):
    """3 / 22 * 22 and 15 / 22 * 22 are a little less than whole numbers in floats."""
    job = job_of()
    training = replace(job.training, evaluations=22)
    job = replace(job, budget=Budget(steps=22), training=training)
    half = train(job, interrupted=lambda step: step == 15).session
    assert [e.step for e in half.evaluations] == [*range(1, 16)]
    session = train(job, resume=half.snapshot()).session
    assert [e.step for e in session.evaluations] == [*range(1, 23)]


def test_divergence_is_an_outcome(job_of):
    ends = []

    class Ends(Observer):
        def on_end(self, session, status):
            ends.append(status)

    overrides = ("optimizer=sgd", "optimizer.lr=1e30", "training.check_every=1")
    outcome = train(job_of(*overrides, "training.clip=null"), [Ends()])
    assert outcome.status == "diverged"
    assert ends == ["diverged"]
    assert outcome.reason.startswith("the loss was nan at step")
    assert outcome.session.step < 6
    assert facts(outcome, {})["steps"] == outcome.session.step


def test_a_validation_loss_that_is_not_finite_is_divergence(job_of):
    job = job_of()
    outcome = train(replace(job, task=Scripted(lambda: {"loss": math.nan, "bpb": 1.0})))
    assert outcome.status == "diverged"
    assert outcome.reason == "the validation loss was nan at step 2"


def test_final_and_best_are_told_apart(job_of):
    losses = iter([3.0, 1.0, 2.0])
    job = job_of()
    job = replace(job, task=Scripted(lambda: {"loss": next(losses), "bpb": 0.5}))
    metrics = facts(train(job), measures_of(job))["metrics"]
    best = {"val_loss_best": 1.0, "val_bpb_best": 0.5}
    assert metrics == {"val_loss": 2.0, "val_bpb": 0.5, **best}


def test_every_evaluator_is_asked_in_evaluation_mode(job_of):
    job = job_of("model.dropout=0.5")

    def probe(rows):
        model = rows.predict.model
        assert not model.training
        assert not torch.is_grad_enabled()
        return {"modes": sum(m.training for m in model.modules())}

    evaluators = {**job.recipe.evaluators, "probe": probe}
    outcome = train(replace(job, recipe=replace(job.recipe, evaluators=evaluators)))
    assert outcome.final["probe/modes"] == 0
    assert all(module.training for module in outcome.session.model.modules())


def test_an_interrupted_run_says_where(job_of):
    outcome = train(job_of(), interrupted=lambda step: step == 4)
    assert (outcome.status, outcome.reason) == ("interrupted", "stopped at step 4")
    assert outcome.session.step == 4
    assert [e.step for e in outcome.session.evaluations] == [2, 4]


@pytest.mark.parametrize("evaluations", [3, 20])
def test_a_snapshot_of_any_step_leads_to_the_same_end(job_of, evaluations, tmp_path, differences):
    """Taken before or after the evaluation of its step, as when a run is killed during one."""
    job = job_of()
    job = replace(job, training=replace(job.training, evaluations=evaluations))

    class Keeps(Observer):
        def on_step(self, session, report):
            torch.save(session.snapshot(), tmp_path / f"{session.step}.pt")

        def on_evaluation(self, session):
            torch.save(session.snapshot(), tmp_path / f"{session.step} evaluated.pt")

    whole = train(job, [Keeps()]).session
    snapshots = sorted(tmp_path.glob("*.pt"))
    assert len(snapshots) == 6 + len(whole.evaluations)
    for path in snapshots:
        outcome = train(job, resume=torch.load(path, weights_only=True))
        assert outcome.status == "finished"
        assert outcome.session.evaluations == whole.evaluations
        assert not differences(outcome.session.model.state_dict(), whole.model.state_dict())


def test_a_snapshot_of_another_run_is_refused(job_of):
    job = job_of()
    snapshot = begin(job.recipe, 42, "cpu").snapshot()
    with pytest.raises(Unfit, match="is a snapshot of seed 42, not of 43"):
        train(replace(job, seed=43), resume=snapshot)
    with pytest.raises(Unfit, match="is of a model with other parameters"):
        train(job_of("model.width=48"), resume=snapshot)
