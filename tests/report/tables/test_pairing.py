"""`audition noise`: what same-seed pairs are worth, with losses made here."""

import json
import math

import numpy as np
import pytest

from audition.answers import arms_of
from audition.answers.pairing import pair_table
from audition.cli.ledger import carry_out
from audition.errors import AuditionError
from audition.report.pairing import verdict_of
from audition.stats.variances import variance_ratio

SEEDS = range(12)


@pytest.fixture
def filed(ledger, file_arm):
    """(sd of what is an arm's own, in fp32 and bf16; seconds) -> two baselines with three arms each."""

    def file(own, seconds, names=("gate", "rope", "muon")):
        rng = np.random.default_rng(0)
        shared = 0.01 * rng.normal(size=len(SEEDS))
        for precision, target in (("fp32", "Float32"), ("bf16", "Bfloat16")):
            for name in ("baseline", *names):
                noise = own[precision] * rng.normal(size=len(SEEDS))
                losses = dict(zip(SEEDS, map(float, 3.0 + shared + noise), strict=True))
                for record in file_arm(
                    name, losses, baseline=precision, train_seconds=seconds[precision] - 10.0
                ):
                    config = ledger.folder_of(record) / "config.yaml"
                    config.write_text(f"precision: {{_target_: audition.execution.{target}}}\n")

    return file


def table(ledger, **settings):
    return pair_table(ledger, arms_of(ledger.read().records), **settings)


def test_correlated_runs_need_fewer_seeds(ledger, filed):
    filed({"fp32": 0.001, "bf16": 0.01}, {"fp32": 60.0, "bf16": 30.0})
    found = table(ledger)
    pairs = {(pair.arm, pair.precision): pair for pair in found.pairs}
    assert len(pairs) == 6
    for name in ("gate", "rope", "muon"):
        close, far = pairs[name, "fp32"], pairs[name, "bf16"]
        assert close.rho > 0.95 > far.rho
        assert close.sd_difference == pytest.approx(close.sd * math.sqrt(2 * (1 - close.rho)))
        assert close.seeds < far.seeds
        assert close.seconds_to_verdict == close.seeds * 2 * 60.0
    assert found.variance < 0.1
    assert found.seconds == pytest.approx(2.0)
    assert found.cost[0] == pytest.approx(2.0 * found.variance)
    assert verdict_of(found).startswith("fp32 settles sooner")


def test_precisions_that_pair_alike_are_not_told_apart_by_noise(ledger, filed):
    filed({"fp32": 0.01, "bf16": 0.01}, {"fp32": 31.0, "bf16": 30.0})
    found = table(ledger)
    low, high = found.variance_ci
    assert low < 1.0 < high
    assert verdict_of(found).startswith("Neither is known")
    for each in found.contrasts:
        assert each.variance_ci[0] < each.variance < each.variance_ci[1]


def test_a_larger_gain_takes_fewer_seeds(ledger, filed):
    filed({"fp32": 0.01, "bf16": 0.01}, {"fp32": 60.0, "bf16": 30.0}, names=("gate",))
    few, many = (table(ledger, gain=gain).pairs[0] for gain in (0.04, 0.01))
    assert few.seeds < many.seeds
    assert few.sd == many.sd
    assert table(ledger).variance_ci == (0.0, math.inf)


def test_in_the_terminal_and_as_data(ledger, filed, capsys):
    filed({"fp32": 0.002, "bf16": 0.01}, {"fp32": 60.0, "bf16": 30.0})
    carry_out(["noise", "--output-dir", str(ledger.root)])
    said = " ".join(capsys.readouterr().out.split())
    assert "same-seed ρ" in said
    assert "settles sooner" in said
    carry_out(["noise", "--json", "--output-dir", str(ledger.root)])
    plain = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert len(plain["pairs"]) == 6
    assert plain["cost"] == pytest.approx(plain["variance"] * plain["seconds"])


def test_what_there_is_nothing_to_say_of(ledger, file_arm):
    file_arm("baseline", {1: 3.0, 2: 3.1})
    file_arm("gate", {1: 3.0, 2: 3.2})
    with pytest.raises(AuditionError, match=r"\+sweeps=noise"):
        table(ledger)


def test_the_interval_of_a_ratio_of_variances_covers() -> None:
    rng, covered = np.random.default_rng(0), 0
    shared = rng.normal(size=(1000, 8))
    for k in range(1000):
        new, old = shared[k] + rng.normal(size=8), 1.5 * (shared[k] + rng.normal(size=8))
        _, (low, high) = variance_ratio(new.tolist(), old.tolist())
        covered += low <= 1 / 2.25 <= high
    assert 0.93 <= covered / 1000 <= 0.97
    with pytest.raises(ValueError, match="three pairs"):
        variance_ratio([1.0, 2.0], [1.0, 2.0])
