"""Joules in answers: like for like, with what shared them, or left out with a sentence."""

import math
from dataclasses import replace

import pytest

from audition.answers import judge_arms
from audition.answers.baselines import baseline_in
from audition.answers.energy import joules_of
from audition.answers.leaderboard import leaderboard
from audition.records.store import Ledger
from audition.report.leaderboard_table import columns, show_leaderboard
from audition.report.runs import show_runs
from audition.report.terminal import show_judgements

ARMS = {
    "baseline": {1: 1.500, 2: 1.511, 3: 1.494},
    "thrifty": {1: 1.499, 2: 1.510, 3: 1.492},
}
NVML = {"energy_method": "measured", "energy_meter": "nvml"}
MODEL = {"energy_method": "modelled", "energy_meter": "codecarbon"}


@pytest.fixture
def metered(ledger_of):
    """(facts of the baseline's runs, of the idea's) -> a ledger of both."""

    def make(baseline, idea) -> Ledger:
        ledger = ledger_of(ARMS)
        for record in ledger.read().records:
            joules = {"joules": 3600.0 * (0.8 if record.ideas else 1.0) + record.seed}
            facts = idea if record.ideas else baseline
            ledger.write(replace(record, **({**joules, **facts} if facts else {})))
        return ledger

    return make


def said(ledger):
    (judgement,) = judge_arms(ledger.read().records, sesoi=0.01)
    return joules_of(judgement)


def test_the_same_loss_for_fewer_joules(metered, capsys):
    ledger = metered(NVML, NVML)
    found = said(ledger)
    assert found.kind == "saves"
    assert found.sentence.startswith(
        "3.60 kJ → 2.88 kJ a run, 3.60 J → 2.88 J per token, measured by nvml; 0.800 × [0.8"
    )
    assert "as good a result (not worse by δ* = 0.0100" in found.sentence
    show_judgements(judge_arms(ledger.read().records, sesoi=0.01), ledger)
    assert "3.60 kJ → 2.88 kJ a run" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("factors", "loss", "kind"),
    [
        ((0.80, 0.81, 0.79), {}, "saves"),
        ((0.80, 0.81, 0.79), {"improvement": -0.02}, "worse"),
        ((0.80, 0.81, 0.79), {"standard_error": 0.1}, "worse"),
        ((0.80, 0.81, 0.79), {"standard_error": math.nan}, "worse"),
        ((1.20, 1.21, 1.19), {}, "costs"),
        ((0.80, 1.30, 0.95), {}, "open"),
    ],
)
def test_what_it_comes_to(metered, factors, loss, kind):
    ledger = metered(NVML, NVML)
    known = {"improvement": 0.0, "standard_error": 0.001, "df": 4.0, "sesoi": 0.01}
    (judgement,) = judge_arms(ledger.read().records, sesoi=0.01)
    theirs = {r.seed: r.joules for r in judgement.baseline.records}
    runs = tuple(
        replace(r, joules=f * theirs[r.seed])
        for r, f in zip(judgement.arm.records, factors, strict=True)
    )
    found = joules_of(
        replace(
            judgement,
            comparison=replace(judgement.comparison, **known | loss),
            arm=replace(judgement.arm, records=runs),
        )
    )
    assert found.kind == kind
    assert found.ratio == pytest.approx(math.prod(factors) ** (1 / 3))
    assert found.to_dict()["k"] == 1.0


@pytest.mark.parametrize(
    ("baseline", "idea", "words"),
    [
        (NVML, MODEL, "the baseline's runs are measured by nvml and the idea's are modelled by"),
        (NVML, {**NVML, "energy_meter": "rapl"}, "are measured by rapl"),
        (NVML, None, "the idea's are not metered"),
    ],
)
def test_two_sources_are_never_compared(metered, baseline, idea, words):
    found = said(metered(baseline, idea))
    assert found.tested is None
    assert found.sentence.startswith("No energy comparison: ")
    assert words in found.sentence


def test_nobody_metered_and_nothing_is_said(metered, capsys):
    ledger = metered(None, None)
    assert said(ledger).to_dict() is None
    show_judgements(judge_arms(ledger.read().records), ledger)
    assert "energy" not in capsys.readouterr().out


def test_what_was_shared_is_said(metered):
    two = {**NVML, "energy_shared": 2}
    assert ", shared equally by 2 runs at once; " in said(metered(two, two)).sentence
    apart = "shared equally by 1 run at once in the baseline and 2 runs in the idea"
    assert apart in said(metered(NVML, two)).sentence


@pytest.mark.parametrize(
    ("idea", "headed", "note"),
    [
        (NVML, True, "Joules are measured by nvml."),
        (None, True, "Joules are measured by nvml."),
        (MODEL, False, "Joules are left out: they are measured by nvml and modelled by codecarbon"),
    ],
)
def test_a_table_of_runs_has_one_kind_of_joules(metered, capsys, idea, headed, note):
    show_runs(metered(NVML, idea).read().records)
    out = capsys.readouterr().out
    assert out.splitlines()[0].endswith("energy") is headed
    assert note in out


def test_the_leaderboard_has_joules_where_they_are_alike(metered, capsys):
    for idea, ratio in ((NVML, "0.80 ×"), (MODEL, None)):
        ledger = metered(NVML, idea)
        arms, baseline = baseline_in(ledger.read().records, None)
        board = leaderboard(ledger, arms, baseline)
        assert ("energy" in columns(board)) is (ratio is not None)
        show_leaderboard(board)
        out = capsys.readouterr().out
        assert ("energy: joules of a run over the baseline's, measured by nvml." in out) is bool(
            ratio
        )
        (row,) = board.to_dict()["rows"]
        assert (row["energy_ratio"] is None) is (ratio is None)
