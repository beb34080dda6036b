"""Deployed runs: made of weights alone, judged by their file, no part of what was trained."""

import json
import math
from dataclasses import replace

import pytest
import torch

from audition.answers import arms_of, judge_baseline
from audition.cli.ledger import carry_out as carry_out_command
from audition.config.identity import identify
from audition.config.root import check
from audition.deploy.package import from_file
from audition.errors import AuditionError
from audition.recipe.weights import FILE, digest
from audition.records.registration import register
from audition.records.store import Ledger
from audition.sweep.announce import announcement
from audition.sweep.check import check_deploy
from audition.sweep.derived import made_of
from audition.training import derive as derived
from audition.training.run import perform

ARMS = {"baseline": "deploy=fp32", "int8": "deploy=int8", "int2": "deploy=int2"}


def test_every_way_to_deploy_shares_the_trained_runs(planned, carry_out, ledger):
    plan = planned(ARMS)
    trained = identify({**plan.runs[0].settings, "deploy": {}})
    assert len(plan.parents) == 2  # of six runs
    assert {run.identity.config_hash for run in plan.parents} == {trained.config_hash}
    plan, records = carry_out(plan)
    parents = {p.seed: ledger.get(ledger.folder_of(p.record)) for p in plan.parents}
    fp32, int8, int2 = (records[f"{arm} seed 1"] for arm in ARMS)
    # In float32 and on the same rows it is the parent's own loss.
    assert fp32.metrics["val_loss"] == pytest.approx(parents[1].metrics["val_loss"], abs=1e-6)
    assert abs(int8.metrics["val_loss"] - fp32.metrics["val_loss"]) < 1e-3
    assert int2.metrics["val_loss"] != fp32.metrics["val_loss"]
    for record in records.values():
        assert record.parent["weights"] == parents[record.seed].weights
        assert ledger.folder_of(record).parts[-4] == "derived"
        assert record.units == parents[record.seed].units
    again = planned(ARMS)
    assert not again.missing(ledger.read())
    assert not again.untrained(ledger.read())


def test_bytes_are_those_of_the_file_and_what_is_in_it_is_what_was_judged(
    planned, carry_out, ledger
):
    _, records = carry_out(planned(ARMS, seeds=(1,)))
    sizes = {}
    for label, record in records.items():
        path = ledger.folder_of(record) / "model.safetensors"
        sizes[label] = path.stat().st_size
        assert record.costs["model_bytes"].value == sizes[label]
        assert record.costs["model_bytes"].method == "measured"
        stored = {name: each.dense() for name, each in from_file(path.read_bytes()).items()}
        assert digest(stored) == record.weights
        on_file = json.loads((ledger.folder_of(record) / "record.json").read_text())
        assert on_file["costs"]["forward_flops"]["method"] == "exact"
    assert sizes["int2 seed 1"] < sizes["int8 seed 1"] < sizes["baseline seed 1"]


def test_a_baseline_that_is_trained_is_the_parent_and_keeps_its_weights(planned, carry_out, ledger):
    plan, records = carry_out(planned({"baseline": "", "int8": "deploy=int8"}, seeds=(1,)))
    assert [run.identity.key for run in plan.parents] == [records["baseline seed 1"].key]
    assert (ledger.folder_of(records["baseline seed 1"]) / FILE).exists()


def test_they_are_judged_as_arms(planned, carry_out, ledger):
    plan, _ = carry_out(planned(ARMS, seeds=(1, 2, 3)))
    arms = arms_of(ledger.read().records)
    asked = dict(map(reversed, plan.arms()))
    found = {j.arm.name: j for j in judge_baseline(arms, plan.baseline_hash, asked=asked)}
    assert set(found) == {"int8", "int2"}
    assert len(found["int8"].arm.losses) == 3


def test_weights_that_were_not_kept_are_made_again_to_the_bit(planned, carry_out, ledger):
    plan = planned(ARMS, seeds=(1,))
    (parent,) = plan.parents
    bare = replace(parent, settings={**parent.settings, "keep": {"weights": False}})
    trained = perform(bare.spec({}), lambda told: None)
    assert not (ledger.folder_of(trained) / FILE).exists()
    plan, records = carry_out(planned(ARMS, seeds=(1,)))
    assert (ledger.folder_of(trained) / FILE).exists()
    assert ledger.get(ledger.folder_of(trained)) == trained
    assert records["int8 seed 1"].status == "finished"


def test_weights_that_come_out_otherwise_are_refused(planned, ledger):
    (parent,) = planned(ARMS, seeds=(1,)).parents
    bare = replace(parent, settings={**parent.settings, "keep": {"weights": False}})
    trained = perform(bare.spec({}), lambda told: None)
    ledger.write(replace(trained, weights="0" * 32, arithmetic={"torch": "1.0"}))
    run = planned(ARMS, seeds=(1,)).runs[0]
    with pytest.raises(
        AuditionError, match=r"were not kept, and trained again they came out other"
    ):
        perform(run.spec({}), lambda told: None)
    assert "torch 1.0 then" in ledger.get(ledger.folder_of(run.record)).reason


def test_a_parent_that_was_trained_anew_makes_other_runs(planned, carry_out, ledger):
    plan, records = carry_out(planned(ARMS, seeds=(1,)))
    (parent,) = plan.parents
    record = ledger.get(ledger.folder_of(parent.record))
    ledger.write(replace(record, weights="1" * 32))
    again = planned(ARMS, seeds=(1,))
    assert {r.label for r in again.missing(ledger.read())} == set(records)


def test_training_with_a_grid_deploys_what_it_evaluated(planned, carry_out, ledger):
    """The weights that the optimizer keeps lose more at so few bits than those it was trained with."""
    common = "preset=quantization effects.quantization.bits=[3] effects.quantization.starts=[0]"
    plan, records = carry_out(planned({"baseline": f"{common} deploy=int3"}, seeds=(1,)))
    (parent,) = plan.parents
    evaluated = ledger.get(ledger.folder_of(parent.record)).metrics["val_loss"]
    deployed = records["baseline seed 1"].metrics["val_loss"]
    # The embedding was rounded in training too, and is not in the file.
    assert deployed == pytest.approx(evaluated, abs=2e-3)


@pytest.mark.parametrize(
    ("overrides", "why"),
    [
        (("preset=ema",), "effects.ema evaluates other weights than those that are kept"),
        (("optimizer=schedule_free",), "the optimizer evaluates an average of the weights"),
    ],
)
def test_runs_that_evaluate_other_weights_are_refused(job_of, overrides, why):
    with pytest.raises(AuditionError, match=why):
        derived.check_evaluated(job_of(*overrides))


def test_a_chain_is_in_the_order_written_and_its_package_last(settings_of):
    one, other = settings_of("deploy=[prune30,int4]"), settings_of("deploy=[int4,prune30]")
    assert list(one["deploy"]) == ["prune", "sparse", "quantize"]
    assert identify(one).config_hash != identify(other).config_hash
    wrong = settings_of("deploy=[onnx,int8]")
    with pytest.raises(AuditionError, match="a package is the last step, and quantize comes after"):
        check_deploy(wrong)
    with pytest.raises(AuditionError, match="bits"):
        check({**one, "deploy": {"quantize": {**one["deploy"]["quantize"], "bits": 9}}})


def test_a_lost_ledger_is_a_sentence(planned, tmp_path):
    run = planned(ARMS, seeds=(1,)).runs[0]
    spec = replace(run, settings={**run.settings}).spec({})
    spec = replace(spec, record=replace(spec.record, parent={"place": "a/b/seed_1", "weights": ""}))
    with pytest.raises(AuditionError, match="there is no finished run at"):
        perform(spec, lambda told: None)
    assert Ledger(tmp_path).read().records == ()
    assert torch.get_num_threads() == 1


def test_models_of_pictures_are_deployed_too(planned, carry_out):
    lines = {"baseline": "deploy=fp32", "int8": "deploy=int8"}
    arms = {name: f"experiment=digits {line}" for name, line in lines.items()}
    _, records = carry_out(planned(arms, seeds=(1,)))
    fp32, int8 = (records[f"{arm} seed 1"] for arm in arms)
    assert int8.metrics["val_loss"] == pytest.approx(fp32.metrics["val_loss"], abs=0.05)
    assert int8.costs["model_bytes"].value < fp32.costs["model_bytes"].value
    assert "forward_flops" not in int8.costs


def test_a_measure_that_no_evaluator_of_the_end_gives_is_refused(planned, ledger, monkeypatch):
    plan = planned(ARMS, seeds=(1,))
    run = made_of(plan.runs[0], perform(plan.parents[0].spec({}), lambda told: None))
    monkeypatch.setattr(derived, "measured", lambda *given: {"val/other": 1.0})
    with pytest.raises(AuditionError, match="val_loss is of the course of a training"):
        perform(run.spec({}), lambda told: None)


def test_numbers_that_are_lost_in_deploying_are_a_divergence(planned, carry_out, monkeypatch):
    monkeypatch.setattr(derived, "measured", lambda *given: {"val/loss": math.inf})
    _, records = carry_out(planned(ARMS, seeds=(1,)))
    assert records["int8 seed 1"].status == "diverged"
    assert records["int8 seed 1"].reason == "validation loss is inf once it is deployed"


def test_every_command_reads_a_ledger_with_deployed_runs(planned, carry_out, ledger, capsys):
    plan, records = carry_out(planned(ARMS, seeds=(1, 2)))
    register(ledger.root, announcement(plan))
    asked = ("runs", "verdict", "leaderboard", "benchmark", "status", "curves", "watch --once")
    for words in asked:
        carry_out_command([*words.split(), "--output-dir", str(ledger.root)])
    assert "int8" in capsys.readouterr().out
    places = {ledger.place_of(record) for record in records.values()}
    assert all((ledger.root / "runs" / place / "record.json").exists() for place in places)
