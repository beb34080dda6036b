"""`deploy=` as it is typed: trained once, judged as arms, timed, and refused in a sentence."""

import json
from typing import Any

import pytest

WORDS = ("deploy=int8,int2", "baseline='deploy=fp32'", "seed=1,2", "-m")


def test_a_sweep_trains_once_and_its_files_are_timed(place: Any) -> None:
    ended = place.train(*WORDS)
    assert ended.returncode == 0, ended.stderr
    assert "6 runs in all: 0 in the ledger, 0 to train" in ended.stderr
    assert "6 to deploy" in ended.stderr
    assert "what is deployed is made of 2 trained runs beside them" in ended.stderr
    assert "deploy=int8: " in ended.stdout
    assert set(place.trainings()) == {"baseline 1", "baseline 2"}
    again = place.train(*WORDS)
    assert "6 in the ledger, 0 to train." in again.stderr
    more = place.train("deploy=int4", "baseline='deploy=fp32'", "seed=1,2", "-m")
    assert "2 in the ledger" in more.stderr
    assert all(lines == ["from step 0"] for lines in place.trainings().values())
    told = place.read(
        "costs", "baseline/1", "deploy=int8/1", "--blocks", "3", "--json", "--allow", "tally."
    )
    assert told.returncode == 0, told.stderr
    rows = {(row["arm"], row["cost"]): row for row in json.loads(told.stdout)}
    small, whole = (rows[arm, "model_bytes"] for arm in ("deploy=int8/1", "baseline/1"))
    assert small["amount"]["value"] < whole["amount"]["value"]
    assert small["ratio"][0] == pytest.approx(small["amount"]["value"] / whole["amount"]["value"])
    assert ("deploy=int8/1", "1 × 1, uncached: latency_p50") in rows
    one = place.train("deploy=int3", "seed=1")
    assert one.returncode == 0, one.stderr
    assert "filed in" in one.stderr
    assert "derived" in one.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("deploy=int8,int4", "hydra/sweeper=race", "hydra.sweeper.fresh_seeds=2", "-m"),
            "deploy= is made of the runs of a plain sweep on this machine",
        ),
        (("deploy=int8,int4", "tune=optimizer.lr", "-m"), "tune first, then deploy"),
        (("precision=fp16",), "did you mean 'bf16'"),
        (("deploy=int8", "deploy.quantize.bits=9"), "deploy.quantize.bits=9"),
    ],
)
def test_what_cannot_be_is_a_sentence(place: Any, words: tuple[str, ...], sentence: str) -> None:
    ended = place.train(*words)
    assert ended.returncode != 0
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_costs_of_nothing_are_a_sentence(place: Any) -> None:
    place.output.joinpath("runs").mkdir(parents=True)
    told = place.read("costs")
    assert told.returncode != 0
    assert "name deployed runs, ARM/SEED, or arms that train, each with --arm" in told.stderr


def test_a_claim_is_planned_measured_and_judged_by_one_command(place: Any) -> None:
    words = ("claim.cost=[model_bytes,held_for_backward]", "claim.k=[1.5,1]", "claim.delta=1")
    ended = place.train(*WORDS, *words)
    assert ended.returncode == 0, ended.stderr
    assert "measuring bytes held for the backward pass of 3 arms in turn, seed 2" in ended.stderr
    told = place.read("verdict", "--json")
    assert told.returncode == 0, told.stderr
    found = {verdict["idea"]: verdict["claims"] for verdict in json.loads(told.stdout)}
    assert set(found) == {"deploy=int8", "deploy=int2"}
    for size, held in found.values():
        assert (size["cost"], size["word"], size["method"]) == (
            "model_bytes",
            "supported",
            "measured",
        )
        assert (held["factor"], size["control"]) == (1.0, "lacking")
    again = place.train(*WORDS, "claim.cost=parameters")
    assert "all of it was run before this was claimed of it" in again.stderr
