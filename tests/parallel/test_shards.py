"""`parallel=fsdp`: the run of one process, with a part of every tensor in each, or a refusal."""

import re
import shutil

import parallel_entries
import pytest
import torch
import torch.distributed as dist
from tests.parallel.conftest import ALWAYS, CASES, DDP, DROPOUT, FSDP, MEMBERS, why_unshardable

from audition.errors import AuditionError
from audition.parallel.checks import check_parallel
from audition.training.rehearsal import rehearse

PIECES = ("data.batch_size=8", "execution.accumulate=2")
CLIPPED = ["fsdp", "fsdp in pieces", "fsdp bf16", "fsdp pictures", "fsdp gates", "fsdp weighted"]


def alike(told, name, alone, weights_of, atol):
    for rank in (0, 1):
        ours = told.weights(name, rank)
        for key, weight in weights_of(alone).items():
            assert torch.allclose(ours[key], weight, rtol=0, atol=atol), key
    found, metrics = told.answers[name], [(e.step, e.metrics) for e in alone.session.evaluations]
    for (step, one), (theirs, other) in zip(found["evaluated"], metrics, strict=True):
        assert (step, one) == (theirs, pytest.approx(dict(other), rel=1e-5))
    assert found["cost"] == [alone.session.cost.forward, alone.session.cost.backward]
    assert (found["status"], found["step"]) == ("finished", 6)


def test_unclipped_it_is_one_process_in_pieces_to_the_bit(told, trained, weights_of):
    alone = trained(*PIECES, "training.clip=null")
    alike(told, "fsdp unclipped", alone, weights_of, atol=0)


@pytest.mark.parametrize("name", CLIPPED)
def test_clipped_it_is_so_up_to_the_rounding_of_the_norm(told, trained, weights_of, name):
    overrides = [word for word in CASES[name][1] if word not in (*FSDP, "execution.accumulate=2")]
    pieces = ("data.batch_size=8", "execution.accumulate=4") if name.endswith("pieces") else PIECES
    alike(told, name, trained(*pieces, *overrides), weights_of, atol=1e-6)


@pytest.mark.parametrize(
    "member",
    [pytest.param(m, marks=(pytest.mark.slow,) * (m not in ALWAYS)) for m in MEMBERS],
)
def test_every_member_is_trained_alike_or_refused(told, trained, weights_of, settings_of, member):
    if any("dropout" in word for word in MEMBERS[member]):
        # Each process draws the masks of its own rows, so no run alone has the same ones.
        assert member in told.answers
    elif member in told.answers:
        alike(told, member, trained(*PIECES, *MEMBERS[member]), weights_of, atol=1e-6)
    else:
        why = why_unshardable(settings_of(*DDP, *FSDP, *MEMBERS[member]))
        assert "may compute with whole tensors, and each process has a part" in why


def test_some_are_trained_and_some_refused(told):
    assert {"optimizer=adamw", "optimizer=sgd", "preset=saturation_limiter"} <= told.answers.keys()
    assert "optimizer=muon" not in told.answers


def test_each_holds_half_of_the_moments(told):
    whole, half = told.answers["adamw"]["held"], told.answers["fsdp"]["held"]
    assert half <= 0.51 * whole


def test_a_rule_that_asks_twice_is_exact_too(told, job_of, tmp_path):
    job = job_of(*PIECES)
    parallel_entries.twice(job, tmp_path, "twice")
    alone = torch.load(tmp_path / "twice.0.pt")
    for key, weight in told.weights("fsdp twice").items():
        assert torch.allclose(weight, alone[key], rtol=0, atol=1e-5), key


def test_stopped_and_resumed_is_uninterrupted_to_the_bit(told, differences):
    assert not differences(told.weights("fsdp resumed"), told.weights("fsdp dropout"))
    assert told.answers["fsdp resumed"]["evaluated"] == told.answers["fsdp dropout"]["evaluated"]


def test_a_damaged_part_refuses_the_checkpoint_for_all_and_the_one_before_is_used(
    told, differences
):
    assert not differences(told.weights("fsdp damaged"), told.weights("fsdp"))
    assert told.answers["fsdp damaged"]["said"] == [
        "checkpoint.shards is damaged: going on from checkpoint.previous.shards, step 2"
    ]
    names = {path.name for path in (told.folder / "fsdp damaged run").iterdir()}
    assert "checkpoint.refused" in names


def test_a_checkpoint_that_one_process_cannot_write_is_nobodys_and_the_run_goes_on(told):
    answer = told.answers["fsdp unwritable"]
    assert answer["status"] == "interrupted"
    assert answer["said"] == ["no checkpoint at step 2: No space left on device"]
    assert not answer["left"]


@pytest.fixture
def alone_in_a_group():
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.usefixtures("alone_in_a_group")
def test_another_number_of_processes_can_read_the_parts(told, tmp_path):
    from audition.observers.checkpoint import SHARDS, Refused
    from audition.observers.sharded_checkpoint import read_shards
    from audition.parallel.shards import Shards

    folder = told.folder / "fsdp resumed run"
    snapshot = read_shards(folder / SHARDS, "k", Shards("cpu"))
    stopped = torch.load(folder / "stopped.0.pt")
    assert snapshot["step"] == 4
    for name, part in snapshot["model"].items():
        assert torch.equal(part.full_tensor(), stopped[name])
    shutil.copytree(folder / SHARDS, cut := tmp_path / SHARDS)
    next(cut.glob("__1_*")).unlink()
    with pytest.raises(Refused, match="is not whole"):
        read_shards(cut, "k", Shards("cpu"))
    with pytest.raises(Refused, match="of another run"):
        read_shards(folder / SHARDS, "other", Shards("cpu"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("optimizer=muon",), "optimizer Muon may compute with whole tensors"),
        (("+idea=spectral_gate",), "effect 'spectral_gate' may compute with whole tensors"),
        (("apoptosis=functional_preservation",), r"apoptosis .* works on whole units"),
    ],
)
def test_what_needs_whole_tensors_is_refused_before_the_first_run(settings_of, words, said):
    why = rehearse(settings_of(*DDP, *FSDP, *words))
    assert re.match(f"parallel=fsdp: {said}", why)
    assert why.endswith("leave it out, or choose parallel=ddp")
    assert not rehearse(settings_of(*DDP, *FSDP, *DROPOUT))
    assert not rehearse(settings_of(*FSDP, "parallel.processes=1", *words))


def test_a_compiled_model_is_refused(settings_of):
    with pytest.raises(AuditionError, match=r"execution\.compile=true .* parallel=fsdp"):
        check_parallel(settings_of(*DDP, *FSDP, "execution.compile=true"))


def test_one_process_of_it_is_the_baseline(trained, weights_of, differences):
    one = trained(*FSDP, "parallel.processes=1")
    assert not differences(weights_of(one), weights_of(trained()))
