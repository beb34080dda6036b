"""What the verdicts do in the long run, by simulation through the public functions."""

import math

import numpy as np
import pytest
from scipy.special import stdtr

from audition.stats import (
    NoiseModel,
    RaceRules,
    compare,
    compare_campaign,
    e_value,
    judge_finalists,
    minimal_detectable_effect,
    power_at,
    race_step,
)

RHO = 0.4
# (n, pooled df or None) -> true gain in sigmas -> supported, refuted, inconclusive
TABLE = {
    (3, None): {
        0: (0.01, 0.16, 0.83),
        1: (0.13, 0.03, 0.84),
        2: (0.41, 0, 0.59),
        3: (0.68, 0, 0.32),
    },
    (3, 20): {0: (0.02, 0.32, 0.65), 1: (0.32, 0.03, 0.65), 2: (0.85, 0, 0.15), 3: (1, 0, 0)},
    (5, 20): {0: (0.02, 0.49, 0.49), 1: (0.45, 0.03, 0.53), 2: (0.97, 0, 0.03), 3: (1, 0, 0)},
    (8, 20): {0: (0.005, 0.69, 0.31), 1: (0.5, 0.03, 0.48), 2: (1, 0, 0), 3: (1, 0, 0)},
}


def draw(rng, n, gain):
    seed = math.sqrt(RHO) * rng.normal(size=n)
    pair = [seed + math.sqrt(1 - RHO) * rng.normal(size=n) for _ in range(2)]
    return dict(enumerate(pair[0])), dict(enumerate(pair[1] - gain))


@pytest.mark.slow
@pytest.mark.parametrize(("n", "df"), TABLE)
def test_verdicts_in_the_long_run(n, df):
    rng, runs = np.random.default_rng(n), 600
    for gain, want in TABLE[n, df].items():
        counts = dict.fromkeys(("supported", "refuted", "inconclusive"), 0)
        for _ in range(runs):
            noise = None
            if df:
                sd = math.sqrt(rng.chisquare(df) / df)
                noise = NoiseModel(sd=sd, df=df, rho=RHO, paired=True, method="block")
            found = compare(*draw(rng, n, gain), noise=noise, sesoi=1.0, alpha=0.025, sides="one")
            counts[found.verdict] += 1
        shares = [count / runs for count in counts.values()]
        # Four standard errors of 600 runs at one half, and the table's own rounding.
        assert shares == pytest.approx(want, abs=0.085), (gain, shares)


@pytest.mark.slow
def test_dunnett_holds_the_family_error_and_finds_large_gains():
    rng, runs, m = np.random.default_rng(1), 80, 8
    family_errors = found_large = 0
    for _ in range(runs):
        seed = math.sqrt(RHO) * rng.normal(size=3)
        arms = [
            dict(enumerate(seed + math.sqrt(1 - RHO) * rng.normal(size=3))) for _ in range(m + 1)
        ]
        arms[-1] = {s: x - 4.0 for s, x in arms[-1].items()}
        ideas = {str(k): arm for k, arm in enumerate(arms[1:])}
        p = [c.p_adjusted for c in compare_campaign(arms[0], ideas, sides="one")]
        family_errors += min(p[:-1]) <= 0.05
        found_large += p[-1] <= 0.05
    assert family_errors / runs < 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
    assert found_large / runs > 0.75


def test_weak_pairing_loses_power_to_welch():
    own = {"sd": 1.0, "df": 2, "method": "own", "rho": 0.0}
    paired, unpaired = NoiseModel(**own, paired=True), NoiseModel(**own)
    # Welch loses a little to the pooled t used here: .87 against .90.
    assert power_at(3.0, 3, paired, sides="one") == pytest.approx(0.75, abs=0.02)
    assert power_at(3.0, 3, unpaired, sides="one") == pytest.approx(0.89, abs=0.03)
    assert minimal_detectable_effect(3, paired) > minimal_detectable_effect(3, unpaired)


def test_e_value_survives_peeking_where_t_does_not():
    rng, runs, most = np.random.default_rng(2), 2000, 20
    draws = rng.normal(size=(runs, most))
    fooled = sum(
        any(e_value(row[:n].tolist(), 1.0) >= 20 for n in range(2, most + 1)) for row in draws[:500]
    )
    n = np.arange(3, most + 1)
    means = draws.cumsum(axis=1)[:, 2:] / n
    squares = (draws**2).cumsum(axis=1)[:, 2:]
    t = means * np.sqrt(n) / np.sqrt((squares - n * means**2) / (n - 1))
    peeked = (stdtr(n - 1, -t) < 0.05).any(axis=1).mean()
    assert fooled / 500 < 0.05
    assert peeked > 0.1


def test_race_steps():
    step = race_step([], sd_difference=0.01)
    assert (step.action, step.next_seeds) == ("run", (42,))
    assert race_step([-0.001], sd_difference=0.01).action == "drop"
    assert race_step([0.001], sd_difference=0.01).next_seeds == (137, 256)
    assert race_step([0.02, -0.01, 0.0], sd_difference=0.01).action == "drop"
    assert race_step([0.02, 0.0, 0.0], sd_difference=0.01).action == "promote"
    assert race_step([0.02, math.nan], sd_difference=0.01).action == "drop"
    with pytest.raises(ValueError, match="sd_difference=0"):
        race_step([0.1], sd_difference=0.0)
    with pytest.raises(ValueError, match="4 gains"):
        race_step([0.1] * 4, sd_difference=1.0)


def test_finalists_are_judged_as_a_family_on_fresh_seeds():
    rng = np.random.default_rng(4)
    baseline = dict(enumerate(rng.normal(size=5)))
    finalists = {k: {s: x - 3 + 0.3 * rng.normal() for s, x in baseline.items()} for k in "ab"}
    found = judge_finalists(baseline, finalists)
    assert {(c.tier, c.adjustment, c.verdict) for c in found} == {
        ("confirmed", "dunnett", "supported")
    }


@pytest.mark.slow
def test_race_in_the_long_run():
    """30 ideas, every fifth truly better by 2 sigma: cost, power and family error."""
    rng, races, m = np.random.default_rng(7), 150, 30
    sd_difference = math.sqrt(2 * (1 - RHO))
    noise = NoiseModel(sd=1.0, df=60, rho=RHO, paired=True, method="block")
    gains = np.where(np.arange(m) < 3, 2.0, 0.0)
    runs = found = errors = 0
    for _ in range(races):
        seed = math.sqrt(RHO) * rng.normal(size=8)
        losses = seed + math.sqrt(1 - RHO) * rng.normal(size=(m + 1, 8))
        losses[1:] -= gains[:, None]
        finalists = {}
        for k in range(m):
            differences = (losses[0, :3] - losses[k + 1, :3]).tolist()
            done = 0
            while (
                step := race_step(differences[:done], sd_difference=sd_difference)
            ).action == "run":
                done += len(step.next_seeds)
            runs += done
            if step.action == "promote":
                finalists[str(k)] = dict(enumerate(losses[k + 1, 3:]))
                runs += RaceRules().fresh_seeds
        if not finalists:
            continue
        verdicts = judge_finalists(dict(enumerate(losses[0, 3:])), finalists, noise=noise)
        significant = {int(c.idea) for c in verdicts if c.p_adjusted <= 0.05}
        found += len(significant & {0, 1, 2})
        errors += bool(significant - {0, 1, 2})
    assert runs / (races * m) < 4.0
    assert found / (3 * races) == pytest.approx(0.91, abs=0.06)
    assert errors / races < 0.05 + 3 * math.sqrt(0.05 * 0.95 / races)
