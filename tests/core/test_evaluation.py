"""The measure of a run against a computation by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from audition.evaluators.next_token import NextToken
from audition.execution import Bfloat16, Execution
from audition.recipe.problem import Predict
from audition.training import evaluation
from audition.training.evaluation import HeldOutRows
from audition.training.loop import train


def scores(session, execution=None):
    """The language task's evaluator on a session's held-out windows."""
    rows = HeldOutRows(Predict(session.model.eval()), session.batches, execution or Execution())
    with torch.no_grad():
        return NextToken()(rows)


def by_hand(session):
    """(nats per token, bits per byte) in float64, window by window."""
    nats, tokens, size = 0.0, 0, 0
    lengths = session.batches.byte_lengths().numpy()
    for batch in session.batches.held_out():
        for inputs, targets in zip(batch.inputs, batch.targets, strict=True):
            with torch.no_grad():
                logits = session.model.eval()(inputs[None])[0].double().numpy()  # [T, V]
            chosen = logits[np.arange(len(targets)), targets.numpy()]
            nats += float((np.log(np.exp(logits).sum(-1)) - chosen).sum())
            tokens += len(targets)
            size += int(lengths[targets.numpy()].sum())
    return nats / tokens, nats / math.log(2) / size


@pytest.mark.parametrize(
    "overrides",
    [(), ("loss.label_smoothing=0.3", "model.dropout=0.5"), ("data=shakespeare_bpe",)],
    ids=["plain", "smoothed", "bpe"],
)
def test_loss_is_plain_cross_entropy_over_the_held_out_text(job_of, overrides):
    vocabulary = ("data.vocab_size=300",) if overrides == ("data=shakespeare_bpe",) else ()
    outcome = train(job_of(*overrides, *vocabulary))
    loss, bits = by_hand(outcome.session)
    assert outcome.final["val/loss"] == pytest.approx(loss, rel=1e-6)
    assert outcome.final["val/bpb"] == pytest.approx(bits, rel=1e-6)


def test_loss_does_not_depend_on_how_the_windows_are_batched(job_of, monkeypatch):
    session = train(job_of()).session
    measured = []
    for tokens in (1, 48, 512, 8192):
        monkeypatch.setitem(evaluation.AT_ONCE, "cpu", tokens)
        assert sum(b.units for b in session.batches.held_out(tokens)) == 512
        measured.append(scores(session)["loss"])
    assert measured == pytest.approx([measured[0]] * 4, rel=1e-6)


def test_windows_are_the_same_for_every_seed_and_arm(job_of):
    runs = [train(job_of(*o)) for o in ((), ("seed=43",), ("+idea=placebo",), ("optimizer=muon",))]
    texts = [torch.cat([b.inputs for b in r.session.batches.held_out()]) for r in runs]
    assert all(torch.equal(texts[0], text) for text in texts[1:])


def test_precision_of_the_run_is_that_of_its_measure(job_of):
    session = train(job_of()).session
    plain = scores(session)["loss"]
    rough = scores(session, Execution(Bfloat16()))["loss"]
    assert rough != plain
    assert rough == pytest.approx(plain, rel=1e-2)


def test_a_model_that_knows_nothing_scores_log_v(job_of):
    job = job_of()
    session = train(replace(job, budget=replace(job.budget, steps=1))).session
    session.model.head.weight.data.zero_()
    found = scores(session)
    assert found["loss"] == pytest.approx(math.log(session.batches.shape.outputs), rel=1e-6)
