"""Verdicts on runs that were really trained, where measures of a task disagree or a part is apart."""

from pathlib import Path

import pytest
from trained_records import trained

from audition.answers import judge_arms
from audition.answers.verdict import verdicts
from audition.records.store import Ledger
from audition.report.verdict_notes import notes
from audition.report.verdict_text import headline, lines

DIGITS = (
    *("experiment=digits", "data=mnist_5k", "model=mlp", "precision=fp32", "optimizer.lr=0.002"),
    *("budget.steps=120", "training.evaluations=1"),
)
MIXTURE = (
    *("task=mixture", "precision=fp32", "budget.steps=60", "model.width=32"),
    "training.evaluations=2",
)
SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def smoothed(job_of):
    """Three seeds of a perceptron on 3,800 digits, as it is and with smoothed labels."""
    arms = {"baseline": (), "smoothing": ("loss.label_smoothing=0.3",)}
    return [
        trained(job_of(*words, f"seed={seed}", base=DIGITS), arm)
        for arm, words in arms.items()
        for seed in SEEDS
    ]


def test_label_smoothing_is_harmful_by_loss_and_better_by_accuracy_and_the_verdict_says_both(
    smoothed,
):
    """What is trained on is no longer the cross-entropy that is measured, nor is accuracy."""
    (by_loss,) = judge_arms(smoothed, metric="val_loss")
    assert by_loss.comparison.kind == "harmful"
    assert "It is worse by" in headline(by_loss)
    (by_accuracy,) = judge_arms(smoothed)
    assert by_accuracy.arm.metric == "val_accuracy"
    assert by_accuracy.comparison.improvement > 0
    said = [note for note in notes(by_accuracy) if "disagree" in note]
    assert len(said) == 1
    assert said[0].startswith(
        "By validation loss the idea is worse, by validation accuracy it is b"
    )
    (verdict,) = verdicts(Ledger(Path("nowhere")), [by_accuracy])
    shown = dict(lines(verdict))
    assert "nats/example; gain −" in shown["validation loss"]
    assert "%" in shown["validation accuracy"]


def test_a_mixture_ends_in_a_verdict_that_tells_each_part(job_of):
    records = [
        trained(job_of(*words, f"seed={seed}", base=MIXTURE), arm)
        for arm, words in (("baseline", ()), ("slow", ("optimizer.lr=0.00001",)))
        for seed in SEEDS
    ]
    (judgement,) = judge_arms(records)
    assert judgement.comparison.kind == "harmful"
    assert judgement.arm.metric == "val_accuracy"
    (verdict,) = verdicts(Ledger(Path("nowhere")), [judgement])
    shown = dict(lines(verdict))
    for label in (
        *("validation accuracy on digits", "validation accuracy on mnist_5k"),
        *("validation accuracy, the worst part", "validation loss"),
    ):
        assert "gain −" in shown[label]
    assert "examples" in shown["cost"]
