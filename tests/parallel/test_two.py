"""Two processes make one run: that of one process which passes each batch in two pieces."""

import ast

import parallel_entries
import pytest
import torch
from tests.parallel.conftest import CASES

PIECES = ("data.batch_size=8", "execution.accumulate=2")
IDEAS = ["gate", "leveler", "positions", "counts", "stream"]
EXACT = ["adamw", "muon", "ceilings", *IDEAS, "turnover", "turnover by lot", "in pieces", "bf16"]


@pytest.mark.parametrize("name", EXACT)
def test_as_one_process_in_pieces(told, trained, weights_of, name):
    alone = trained(*PIECES, *CASES[name][1])
    for rank in (0, 1):
        ours = told.weights(name, rank)
        for key, weight in weights_of(alone).items():
            assert torch.allclose(ours[key], weight, rtol=0, atol=1e-6), key
    found, metrics = told.answers[name], [(e.step, e.metrics) for e in alone.session.evaluations]
    for (step, one), (theirs, other) in zip(found["evaluated"], metrics, strict=True):
        assert (step, one) == (theirs, pytest.approx(dict(other), rel=1e-6))
    assert found["cost"] == [alone.session.cost.forward, alone.session.cost.backward]
    assert (found["status"], found["step"]) == ("finished", 6)


@pytest.mark.parametrize("name", ["surprise", "fsdp surprise"])
def test_a_gate_decides_by_the_loss_of_the_whole_batch(told, trained, weights_of, name):
    """Each process has half of the rows, whose own loss would open it at other steps."""
    alone = trained(*PIECES, *CASES["surprise"][1])
    assert 0 < alone.session.cost.backward < 6
    assert told.answers[name]["cost"] == [6.0, alone.session.cost.backward]
    for key, weight in weights_of(alone).items():
        for rank in (0, 1):
            assert torch.allclose(told.weights(name, rank)[key], weight, rtol=0, atol=1e-6), key


def test_the_idea_is_at_work(told):
    assert not torch.equal(*(told.weights(n)["head.weight"] for n in ("adamw", "gate")))


def test_a_rule_that_asks_twice(told, job_of, tmp_path):
    """The sharing lies beneath any rule, so one that an idea puts in its place is exact too."""
    job = job_of(*PIECES)
    found = parallel_entries.twice(job, tmp_path, "twice")
    alone = torch.load(tmp_path / "twice.0.pt")
    for key, weight in told.weights("twice").items():
        assert torch.allclose(weight, alone[key], rtol=0, atol=1e-6), key
    assert told.answers["twice"]["cost"] == found["cost"] == [12.0, 12.0]


def test_layers_grow_alike_on_every_rank(told, job_of, tmp_path, differences):
    """Each rank looks for itself, at the same text with the same weights; both looks are counted."""
    job = job_of(*PIECES)
    found = parallel_entries.growing(job, tmp_path, "growing")
    alone = torch.load(tmp_path / "growing.0.pt")
    assert alone["blocks.0.feedforward.up.weight"].shape == (130, 32)
    assert not differences(told.weights("growing", 0), told.weights("growing", 1))
    for key, weight in told.weights("growing").items():
        assert torch.allclose(weight, alone[key], rtol=0, atol=1e-6), key
    assert told.answers["growing"]["status"] == "finished"
    # A probe's batch has as many rows as a step's.
    assert (found["cost"], told.answers["growing"]["cost"]) == ([7.0, 6.0], [8.0, 6.0])


def test_dropout_is_drawn_by_each_for_itself_and_again_alike(told, differences, trained):
    assert not differences(told.weights("dropout"), told.weights("dropout", 1))
    assert not differences(told.weights("dropout"), told.weights("again"))
    assert told.answers["dropout"]["evaluated"] == told.answers["again"]["evaluated"]
    first, second = (ast.literal_eval((told.folder / f"masks.{r}").read_text()) for r in (0, 1))
    assert len(first) == 12
    assert not {*first[::2]} & {*second[::2]}  # in a share
    assert first[1::2] == second[1::2]  # outside of it
    assert len({*first}) == 12


def test_stopped_by_one_and_resumed_by_both_is_uninterrupted(told, differences):
    for rank in (0, 1):
        assert not differences(told.weights("resumed", rank), told.weights("dropout"))
    resumed, whole = told.answers["resumed"], told.answers["dropout"]
    assert resumed["evaluated"] == whole["evaluated"]


def test_the_clock_is_that_of_the_slowest(told, differences):
    found = told.answers["timed"]
    assert found["status"] == "finished"
    assert found["seconds"] >= 0.02 * found["step"] > 0.0
    assert not differences(told.weights("timed"), told.weights("timed", 1))


def test_weights_that_part_end_the_run(told):
    assert told.answers["parted"]["refused"].startswith(
        "the 2 processes of this run have different weights after step 2 (the first is "
    )
