"""`audition calibrate`: what is replayed on a ledger, and the placebo's history in it."""

import json
import math

import numpy as np
import pytest

from audition.answers import arms_of
from audition.answers.baselines import baseline_in
from audition.answers.calibration import calibrate, is_placebo, own_pools, placebo_judgements
from audition.cli.ledger import carry_out
from audition.errors import AuditionError
from audition.measure import Measure
from audition.stats import seed_rule_false_pass_rate

SEEDS = (42, 137, 256)


def noisy(seeds, number):
    draw = np.random.default_rng(number).normal(size=len(seeds))
    return {seed: 3.0 + 0.01 * float(x) for seed, x in zip(seeds, draw, strict=True)}


def calibrated(ledger, **settings):
    return calibrate(*baseline_in(ledger.read().records, None), simulations=2000, **settings)


def lines(found):
    return {line.label.split(":")[0] + str(line.replay.design): line.replay for line in found.lines}


def run(*words, output_dir):
    carry_out(["calibrate", *words, "--output-dir", str(output_dir)])


def test_a_campaign_with_extra_baseline_seeds(ledger, file_arm):
    file_arm("baseline", noisy(range(8), 0))
    for k in range(4):
        file_arm(f"idea{k}", noisy(range(3), k + 1))
    found = calibrated(ledger)
    replays = lines(found)
    assert [line.replay.design for line in found.lines] == [
        "paired",
        "welch",
        "mixed",
        "mixed",
        "welch",
    ]
    single, family = (line.replay for line in found.lines if line.replay.design == "mixed")
    assert (single.n, single.n_baseline, single.family_size) == (3, 8, 1)
    assert (family.n, family.n_baseline, family.family_size) == (3, 8, 4)
    own = replays["own seedswelch"]
    assert (own.n, own.every, own.independent) == (3, True, 1)
    assert own.trials == math.comb(8, 3) * math.comb(5, 3)
    assert own.rate("passed").nominal == seed_rule_false_pass_rate(3)
    assert found.missing == ("placebo: no verdict on it in this ledger; +idea=placebo adds one",)
    rho = min(max(found.noise.rho, 0.0), 0.99)
    nominal = seed_rule_false_pass_rate(3, rho)
    assert replays["simulatedpaired"].rate("passed").nominal == nominal
    assert replays["simulatedpaired"].rate("passed").measured == pytest.approx(nominal, abs=0.02)


def test_three_seeds_cannot_be_split(ledger, file_arm):
    file_arm("baseline", noisy(SEEDS, 0))
    file_arm("a", noisy(SEEDS, 1))
    assert "needs four of one baseline, and it has 3" in calibrated(ledger).missing[0]


def test_five_seeds_are_split_into_pairs(ledger, file_arm):
    file_arm("baseline", noisy(range(5), 0))
    own = lines(calibrated(ledger))["own seedswelch"]
    assert (own.n, own.trials) == (2, 30)


def test_baselines_on_the_same_seeds_count_once(ledger, file_arm):
    file_arm("baseline", noisy(range(6), 0), baseline="b1")
    file_arm("baseline", noisy(range(8), 1), baseline="b2")
    file_arm("baseline", {**noisy(range(100, 107), 2), 200: math.nan}, baseline="b3")
    arms = arms_of(ledger.read().records)
    assert [len(pool) for pool in own_pools(arms, arms["b1"])] == [6, 7]
    assert [len(pool) for pool in own_pools(arms, arms["b2"])] == [8, 7]


def test_the_placebos_history(ledger, file_arm):
    shift = {"baseline": 0.0, "placebo": 0.1, "placebo,dose=salt": 0.0, "placebo+gate": 0.1}
    for number, baseline in enumerate(("b1", "b2")):
        for k, (name, gain) in enumerate(shift.items()):
            # On b1 the placebo is lucky beyond doubt, on b2 nothing happens.
            losses = noisy(SEEDS, 10 * number + k)
            gain = gain if baseline == "b1" else 0.0
            file_arm(name, {s: x - gain for s, x in losses.items()}, baseline=baseline)
    file_arm("placebo,dose=one", {42: 3.0}, baseline="b1")  # one seed gets no verdict
    arms = arms_of(ledger.read().records)
    judged = placebo_judgements(arms)
    assert sorted(j.arm.name for j in judged) == ["placebo"] * 2 + ["placebo,dose=salt"] * 2
    history = lines(calibrated(ledger))["placebocampaign"]
    assert (history.trials, history.independent) == (4, 2.0)
    assert history.rate("supported").measured == 0.25
    assert history.rate("passed").measured == 0.25
    low, high = history.rate("supported").interval
    assert low < 0.05 < high


def test_the_placebos_of_another_task_count_too(ledger, file_arm):
    accuracy = {"val_accuracy": Measure("validation accuracy", "%", "higher", worth=0.5)}
    digits = {"primary": "val_accuracy", "measures": accuracy, "unit": "examples"}
    for k, name in enumerate(("baseline", "placebo")):
        file_arm(name, noisy(SEEDS, k), baseline="text")
        for seed, value in noisy(SEEDS, 10 + k).items():
            told = {"metrics": {"val_accuracy": 90 + value}, "started": "2026-02-01T00:00:00"}
            file_arm(name, {seed: value}, baseline="digits", **digits, **told)
    found = calibrated(ledger)
    assert (found.metric, found.sesoi) == ("val_accuracy", 0.5)
    assert lines(found)["placebocampaign"].trials == 2


def test_what_a_placebo_is(ledger, file_arm):
    names = ("placebo", "placebo,dose=x", "placebo,lr=2", "placebo+gate", "gate", "optimizer=muon")
    for name in names:
        file_arm(name, {1: 3.0})
    arms = arms_of(ledger.read().records).values()
    assert {arm.name for arm in arms if is_placebo(arm)} == {"placebo", "placebo,dose=x"}


def test_the_seed_decides_the_simulation(ledger, file_arm):
    file_arm("baseline", noisy(SEEDS, 0))
    file_arm("a", noisy(SEEDS, 1))
    first, again, other = (calibrated(ledger, seed=seed).to_dict() for seed in (0, 0, 1))
    assert first == again != other


def test_in_the_terminal(ledger, file_arm, capsys):
    file_arm("baseline", noisy(range(8), 0))
    for k, name in enumerate(("placebo", "a", "b")):
        file_arm(name, noisy(SEEDS if name == "a" else range(3), k + 1))
    run("--simulations", "500", output_dir=ledger.root)
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 100
    for part in ("500 independent trials", "all 560 splits, worth 1 independent one", "1 verdict"):
        assert part in said
    run("--simulations", "500", "--json", output_dir=ledger.root)
    plain = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert {line["design"] for line in plain["lines"]} >= {"paired", "welch", "campaign"}
    assert plain["lines"][0]["rates"][2]["decision"] == "passed"


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--simulations", "0"], "--simulations 0 is out of range"),
        (["--seed", "-1"], "--seed -1 is out of range"),
        (["--alpha", "2"], "--alpha 2 is out of range"),
        (["--sesoi", "-1"], "--sesoi -1 is out of range: it must be > 0"),
        (["--baseline", "zz"], "no baselines begin with 'zz'"),
    ],
)
def test_mistakes(ledger, file_arm, words, match):
    file_arm("baseline", noisy(SEEDS, 0))
    with pytest.raises(AuditionError, match=match):
        run(*words, output_dir=ledger.root)


def test_no_baseline(ledger):
    (ledger.root / "runs").mkdir()
    with pytest.raises(AuditionError, match="no finished run of a baseline"):
        run(output_dir=ledger.root)
