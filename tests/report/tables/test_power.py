"""How many seeds for a gain of X: against the power functions, and in runs and minutes."""

import json

import numpy as np
import pytest

from audition.answers import arms_of
from audition.answers.baselines import choose_baseline, noise_of
from audition.answers.power import power_for
from audition.cli.ledger import carry_out
from audition.errors import AuditionError
from audition.stats import power_at, seeds_needed

SEEDS = (42, 137, 256)


@pytest.fixture
def campaign(file_arm):
    def losses(loss, *offsets):
        return dict(zip(SEEDS, (loss + offset for offset in offsets), strict=True))

    file_arm("baseline", losses(3.0, 0.00, 0.02, -0.02), train_seconds=50.0)
    file_arm("a", losses(2.9, 0.01, 0.02, -0.03), train_seconds=80.0)
    file_arm("b", losses(3.1, 0.00, 0.03, -0.01), train_seconds=100.0)


def asked(ledger, **settings):
    arms = arms_of(ledger.read().records)
    return power_for(arms, choose_baseline(arms), **settings)


def run(*words, output_dir):
    carry_out(["power", *words, "--output-dir", str(output_dir)])


@pytest.mark.usefixtures("campaign")
def test_seeds_and_their_cost(ledger):
    found = asked(ledger, gain=0.05)
    arms = arms_of(ledger.read().records)
    noise = noise_of(arms, arms["b0"])
    needed = seeds_needed(0.05, noise, family_size=2, sesoi=noise.sd)
    assert noise.method == "block"
    assert found.seeds_needed == needed >= 2
    # The idea's runs take 100 s on average (90 and 110), the baseline's 60, and three are there.
    assert found.runs == needed + max(0, needed - 3)
    assert found.seconds == pytest.approx(needed * 100 + max(0, needed - 3) * 60)


@pytest.mark.usefixtures("campaign")
def test_curve(ledger):
    found = asked(ledger, gain=0.05, power=0.9, alpha=0.01)
    noise = found.noise
    curve = {step.n: step for step in found.curve}
    assert {2, 3, found.seeds_needed} <= curve.keys()
    assert list(curve) == sorted(curve)
    for step in found.curve:
        asked_for = {"n_baseline": max(step.n, 3), "sesoi": noise.sd}
        assert step.power == power_at(0.05, step.n, noise, 0.01, family_size=2, **asked_for)
        assert step.power <= step.power_alone
    powers = [step.power for step in found.curve]
    assert powers == sorted(powers)
    assert curve[found.seeds_needed].power >= 0.9
    assert curve[found.seeds_needed].detectable <= 0.05
    assert curve[3].runs == 3
    assert curve[3].seconds == pytest.approx(300)


def test_a_baseline_alone_has_noise_enough(ledger, file_arm):
    file_arm("baseline", {1: 3.0, 2: 3.02, 3: 2.98})
    found = asked(ledger, gain=0.03)
    assert found.noise.sd == pytest.approx(0.02)
    assert (found.noise.paired, found.family_size) == (False, 1)
    assert found.curve[0].power == found.curve[0].power_alone
    assert found.seeds_needed == seeds_needed(
        0.03, found.noise, sesoi=found.sesoi, baseline_seeds=3
    )


@pytest.mark.usefixtures("campaign")
def test_in_the_terminal(ledger, capsys):
    run("--gain", "0.05", output_dir=ledger.root)
    said = capsys.readouterr().out
    needed = asked(ledger, gain=0.05).seeds_needed
    assert f"A gain of +0.0500 nats/token takes {needed} seeds an arm" in said
    assert max(map(len, said.splitlines())) <= 100
    assert "█" in said
    run("--gain", "0.00000001", output_dir=ledger.root)
    assert "out of reach" in capsys.readouterr().out
    run("--gain", "0.05", "--json", output_dir=ledger.root)
    plain = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert plain["seeds_needed"] == needed
    assert [step["n"] for step in plain["curve"]][:3] == [2, 3, 4]


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--gain", "0"], "--gain 0 is out of range"),
        (["--gain", "nan"], "--gain nan is out of range"),
        (["--gain", ".1", "--alpha", "0"], "--alpha 0 is out of range"),
        (["--gain", ".1", "--power", "1"], "--power 1 is out of range"),
        (["--gain", ".1", "--baseline", "x"], "no baselines begin with 'x'"),
    ],
)
def test_mistakes(ledger, words, match):
    with pytest.raises(AuditionError, match=match):
        run(*words, output_dir=ledger.root)


def test_extra_baseline_seeds_are_used(ledger, file_arm):
    rng = np.random.default_rng(1)
    file_arm("baseline", dict(enumerate((3 + 0.01 * rng.normal(size=40)).tolist())))
    for name in "ab":
        file_arm(name, dict(enumerate((3 + 0.01 * rng.normal(size=3)).tolist())))
    found = asked(ledger, gain=0.02)
    noise, terms = found.noise, {"family_size": 2, "sesoi": found.sesoi}
    assert (noise.method, noise.paired) == ("block", True)
    assert found.seeds_needed <= seeds_needed(0.02, noise, family_size=2, sesoi=found.sesoi)
    assert power_at(0.02, found.seeds_needed, noise, n_baseline=40, **terms) >= 0.8
    assert power_at(0.02, found.seeds_needed - 1, noise, n_baseline=40, **terms) < 0.8
    assert found.runs == found.seeds_needed  # the baseline is there already


def test_one_seed_is_no_noise(ledger, file_arm):
    file_arm("baseline", {1: 3.0})
    with pytest.raises(AuditionError, match="the noise needs at least two"):
        run("--gain", ".1", output_dir=ledger.root)
