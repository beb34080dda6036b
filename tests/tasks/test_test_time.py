"""Dynamic evaluation: what it scores, in which order, and that it leaves the run as it was."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from audition.errors import AuditionError
from audition.evaluators import next_token
from audition.recipe.batches import Clock
from audition.session import begin
from audition.training.evaluation import evaluate
from audition.training.loop import train
from audition.training.worker import digest, facts, measures_of

READ = (
    "task=test_time",
    "data.evaluation_tokens=full",
    "task.documents=2",
    "task.windows=3",
    "training.evaluations=1",
    "budget.steps=3",
)


@pytest.fixture
def found(job_of):
    """Overrides -> the metrics of a run, and its outcome."""

    def made(*overrides):
        job = job_of(*READ, *overrides)
        outcome = train(job)
        return facts(outcome, measures_of(job)), outcome

    return made


def test_at_rate_0_it_is_the_plain_pass_bit_for_bit(found):
    record, _ = found("task.rate=0", "model.dropout=0.3")
    metrics = record["metrics"]
    assert metrics["val_loss"] == metrics["val_plain_loss"]
    assert record["adaptation_backward"] > 0


def test_what_is_read_changes_what_comes_next_and_nothing_else(found):
    learned, ours = found("task.rate=0.3")
    plain = found("task.rate=0")[0]
    assert learned["metrics"]["val_loss"] < plain["metrics"]["val_loss"]
    assert learned["metrics"]["val_plain_loss"] == plain["metrics"]["val_plain_loss"]
    assert learned["weights"] == plain["weights"]
    assert learned["backward_passes"] == 3.0
    # Six windows of sixteen tokens, and a step's batch has four of them.
    assert learned["adaptation_forward"] == learned["adaptation_backward"] == 6 / 4
    assert all(p.grad is None for p in ours.session.params.values())


def test_learning_before_scoring_is_seen(found, monkeypatch):
    """Of one window nothing was read before: any rate scores it as the trained weights do."""
    metrics = found("task.windows=1", "task.rate=0.5")[0]["metrics"]
    assert metrics["val_loss"] == metrics["val_plain_loss"]
    monkeypatch.setattr(next_token, "in_turn", lambda w: (("learn", w), ("score", w)))
    leaking = found("task.windows=1", "task.rate=0.5")[0]["metrics"]
    assert leaking["val_plain_loss"] == metrics["val_plain_loss"]
    assert leaking["val_loss"] < metrics["val_loss"] - 0.01


def test_a_document_begins_with_the_trained_weights_unless_they_are_kept(found):
    one = found("task.rate=0.5", "task.documents=1")[0]["metrics"]["val_loss"]
    both = found("task.rate=0.5")[0]["metrics"]["val_loss"]
    kept = found("task.rate=0.5", "task.reset=false")[0]["metrics"]["val_loss"]
    assert both != kept
    alone = found("task.rate=0.5", "task.documents=1", "task.reset=false")
    assert alone[0]["metrics"]["val_loss"] == one


def test_the_number_of_evaluations_never_changes_training(job_of):
    ends = []
    for overrides in ((*READ, "training.evaluations=3"), READ, ("budget.steps=3",)):
        job = job_of(*overrides, "model.dropout=0.3")
        session = train(job).session
        ends.append((digest(session.params), torch.get_rng_state().tolist()))
    assert ends[0] == ends[1] == ends[2]


@pytest.mark.parametrize("preset", ["anchor", "ema", "sam"])
def test_the_effects_of_a_run_act_on_what_it_learns_in_use(job_of, preset):
    strong = {"anchor": ("effects.anchor.strength=0.9", "effects.anchor.acts_on=updates")}
    overrides = (*READ, "task.rate=0.5", f"preset={preset}", *strong.get(preset, ()))
    job = job_of(*overrides)
    session = begin(job.recipe, job.seed, "cpu")
    without = replace(job, recipe=job_of(*READ).recipe)
    ours, theirs = (evaluate(j, session, Clock(0)).metrics for j in (job, without))
    assert ours["val/plain_loss"] == theirs["val/plain_loss"]
    assert ours["val/loss"] != theirs["val/loss"]


def test_documents_are_read_whole_and_by_one_process(job_of):
    with pytest.raises(AuditionError, match=r"set data\.evaluation_tokens=full"):
        train(job_of("task=test_time"))
    job = job_of(*READ)
    session = begin(job.recipe, job.seed, "cpu")
    several = SimpleNamespace(size=2, share=job.team.share, whole=job.team.whole)
    with pytest.raises(AuditionError, match=r"has 2: choose parallel=none"):
        evaluate(replace(job, team=several), session, Clock(0))
