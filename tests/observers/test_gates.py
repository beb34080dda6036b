"""Gates of skip connections: their worth is a loss's slope, and looking changes no bit."""

import pytest
import torch
from torch.nn import functional as F

from audition.observers.gates import Gates
from audition.observers.metrics import Metrics
from audition.parts.skip.gated import Gate
from audition.records.metrics import read_lines
from audition.session import begin
from audition.training.loop import train

GATED = ("skip=gated", "skip.span=1", "budget.steps=4")


@pytest.fixture
def session(job_of):
    job = job_of(*GATED)
    return begin(job.recipe, job.seed, "cpu")


def test_new_gates_are_shut_alike_and_fit_nothing(session):
    found = Gates().look(session)
    assert found["skip/gate_0"] == pytest.approx(torch.tensor(-4.0).sigmoid().item())
    assert found["skip/spread_0"] == pytest.approx(0.0, abs=1e-7)
    assert found["skip/fit_0"] != found["skip/fit_0"]  # nothing varies, so there is no correlation


def test_the_worth_of_a_gate_is_how_the_loss_changes_with_it(session):
    """Every gate a little further open: the loss moves by the mean slope, here of one row."""
    rows = session.batches.probe(0).cut(slice(0, 1))
    found = Gates(units=rows.units).look(session)
    session.model.eval()
    (gate,) = (m for m in session.model.modules() if isinstance(m, Gate))
    changes = []
    for place in range(rows.units):
        losses = []
        for more in (1e-2, -1e-2):
            at = torch.zeros(1, rows.units, 1)
            at[0, place] = more
            hook = gate.register_forward_hook(lambda m, i, o, at=at: o + at)
            with torch.no_grad():
                logits = session.model(rows.inputs)
            hook.remove()
            losses.append(F.cross_entropy(logits.flatten(0, 1).double(), rows.targets.flatten()))
        changes.append(abs(float(losses[0] - losses[1])) / 2e-2 * rows.units)
    assert found["skip/worth_0"] == pytest.approx(sum(changes) / len(changes), rel=2e-2)


def test_looking_changes_no_bit_and_is_written(job_of, weights_of, differences, tmp_path):
    metrics = Metrics(tmp_path, gates=Gates(looks=2))
    watched = train(job_of(*GATED, "model.dropout=0.1"), [metrics])
    alone = train(job_of(*GATED, "model.dropout=0.1"))
    assert not differences(weights_of(watched), weights_of(alone))
    steps = [line["step"] for line in read_lines(tmp_path) if "skip/gate_0" in line]
    assert steps == [2, 4]


def test_a_model_without_gates_is_not_looked_at(job_of, tmp_path):
    train(job_of("budget.steps=2"), [Metrics(tmp_path, gates=Gates(looks=2))])
    assert not any("skip/gate_0" in line for line in read_lines(tmp_path))
