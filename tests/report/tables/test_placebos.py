"""`audition calibrate` on placebos that were trained for it, with losses made here."""

import json
import math
import re

import numpy as np
import pytest

from audition.answers import arms_of
from audition.answers.placebos import layout_of, placebo_rates
from audition.cli.ledger import carry_out
from audition.errors import AuditionError
from audition.records.placebos import PLACEBOS, Entrant, PlaceboCampaigns

CAMPAIGNS, IDEAS = 12, 3


@pytest.fixture
def filed(ledger, file_arm):
    """(shift, spread) -> a ledger of campaigns whose placebos gain `shift` and vary by `spread`."""

    def file(shift=0.0, spread=0.01, campaigns=CAMPAIGNS, tuned=True):
        rng = np.random.default_rng(0)
        seeds = range(1, campaigns * 8 + 1)
        names = ["baseline", *(f"placebo,dose=d{k + 1}" for k in range(IDEAS))]
        tries = ("", ",lr=1", ",lr=2") if tuned else ("",)
        for name in names:
            for tried in tries:
                gain = 0.0 if name == "baseline" else shift
                own = {
                    s: 3.0 - gain + spread * float(x)
                    for s, x in zip(seeds, rng.normal(size=len(seeds)), strict=True)
                }
                file_arm(f"{name}{tried}", own)

        def key(name, tried):
            return "b0" if (name, tried) == ("baseline", "") else f"{name}{tried}-of-b0"

        layout = PlaceboCampaigns(
            baseline_hash="b0",
            metric="val_loss",
            screening_seeds=3,
            fresh_seeds=5,
            campaigns=CAMPAIGNS,
            key="optimizer.lr" if tuned else "",
            baseline=Entrant(
                name="baseline", config_hashes=tuple(key("baseline", t) for t in tries)
            ),
            placebos=tuple(
                Entrant(name=name, config_hashes=tuple(key(name, t) for t in tries))
                for name in names[1:]
            ),
        )
        PLACEBOS.write(ledger.root, "b0", layout)
        return layout

    return file


def rates(ledger, layout, **settings):
    found = placebo_rates(arms_of(ledger.read().records), layout, **settings)
    return found, {(r.rule, r.decision, r.gain): r for r in found.rates if not r.drawn}


def test_placebos_that_do_nothing_pass_as_often_as_is_stated(ledger, filed):
    found, each = rates(ledger, filed())
    assert found.whole == CAMPAIGNS
    assert found.noise.sd == pytest.approx(0.01, rel=0.1)
    assert {rule for rule, _, _ in each} == {
        "the card's rule",
        "the verdict",
        "the family",
        "the race",
        "the tuned comparison",
    }
    assert each["the verdict", "better", 0.0].trials == CAMPAIGNS * IDEAS
    assert each["the family", "better", 0.0].trials == CAMPAIGNS
    assert all(r.inside for r in found.rates if not r.gain)
    for rule in ("the card's rule", "the verdict", "the family", "the race"):
        powers = [
            r.share
            for r in found.rates
            if r.rule == rule and r.decision in ("passed", "supported") and not r.drawn
        ]
        assert powers == sorted(powers)
        assert powers[-1] > powers[0]


def test_the_rules_are_tried_on_drawn_seeds_too(ledger, filed):
    found, _ = rates(ledger, filed())
    drawn = {(r.rule, r.decision, r.gain): r for r in found.rates if r.drawn}
    assert {rule for rule, _, _ in drawn} == {"the card's rule", "the verdict"}
    own = drawn["the card's rule", "passed", 0.0]
    assert own.inside
    assert own.trials > 100 * CAMPAIGNS * IDEAS
    low, high = own.interval
    assert high - low < 0.05
    assert found.shape == pytest.approx((0.0, 0.0), abs=0.6)


def test_losses_that_are_not_normal_are_told(ledger, file_arm, filed, capsys):
    layout, rng = filed(), np.random.default_rng(3)
    for name in ("baseline", *(f"placebo,dose=d{k + 1}" for k in range(IDEAS))):
        lucky = {seed: -0.1 * float(rng.random() < 0.15) for seed in layout.seeds}
        file_arm(
            name, {seed: 3.0 + 0.01 * float(rng.normal()) + low for seed, low in lucky.items()}
        )
    found, _ = rates(ledger, layout)
    own = next(r for r in found.rates if r.drawn and not r.gain)
    assert own.harmful
    assert found.shape[1] > 1.0
    carry_out(["calibrate", "--output-dir", str(ledger.root)])
    said = " ".join(capsys.readouterr().out.split())
    assert "those of this recipe are not normal" in said
    assert "ABOVE" in said


def test_a_rule_that_errs_is_outside(ledger, filed):
    found, each = rates(ledger, filed(shift=0.03), gains=())
    assert each["the verdict", "better", 0.0].inside is False
    assert each["the race", "supported", 0.0].inside is False
    low, _ = found.shift[1]
    assert low > 0


def test_campaigns_without_all_runs_wait(ledger, filed):
    layout = filed(campaigns=5)
    assert rates(ledger, layout, gains=())[0].whole == 5
    assert "the tuned comparison" not in {
        r.rule for r in rates(ledger, filed(campaigns=5, tuned=False), gains=())[0].rates
    }


def test_a_baseline_that_diverged_is_left_out_and_counted(ledger, filed, file_arm):
    layout = filed()
    file_arm("baseline", {4: math.nan})
    found, _ = rates(ledger, layout, gains=())
    assert (found.whole, found.diverged) == (CAMPAIGNS - 1, 1)


def test_in_the_terminal_and_as_data(ledger, filed, capsys):
    filed()
    carry_out(["calibrate", "--output-dir", str(ledger.root)])
    said = " ".join(capsys.readouterr().out.split())
    assert f"{CAMPAIGNS * IDEAS} comparisons of like with like" in said
    assert re.search(
        r"on average over all seeds, 95 % interval .* to .*, which (holds|does NOT hold) zero", said
    )
    carry_out(["calibrate", "--json", "--output-dir", str(ledger.root)])
    plain = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert plain["whole_campaigns"] == CAMPAIGNS
    assert {"rule", "decision", "interval", "stated", "inside"} <= plain["rates"][0].keys()


def test_what_cannot_be_tried(ledger, filed, file_arm):
    file_arm("other", {1: 3.0})
    with pytest.raises(AuditionError, match="add --runs N"):
        carry_out(["calibrate", "model=tiny", "--output-dir", str(ledger.root)])
    filed(campaigns=0)
    with pytest.raises(AuditionError, match="no campaign of placebos"):
        carry_out(["calibrate", "--output-dir", str(ledger.root)])
    assert layout_of(ledger.root, "zz") is None
