"""The leaderboard: order, family, shrinkage, equal time, files and mistakes."""

import csv
import json
import math
import sys
from dataclasses import replace

import numpy as np
import pytest

from audition.answers import arms_of, judge_baseline
from audition.answers.baselines import baseline_in, noise_of
from audition.answers.curves import Stopwatch, timed_curves
from audition.answers.interactions import cross, parts_of
from audition.answers.leaderboard import SORTS, leaderboard
from audition.answers.power import power_for
from audition.cli.ledger import carry_out
from audition.errors import AuditionError
from audition.records.registration import PlannedArm, Registration, register

SEEDS = (42, 137, 256)


def around(loss, *offsets):
    return dict(zip(SEEDS, (loss + offset for offset in offsets), strict=True))


@pytest.fixture
def campaign(file_arm):
    """Five ideas with results, one without, and one on other evaluation windows."""
    file_arm("baseline", around(3.0, 0.0, 0.02, -0.02), curve=(0.5, 0.0))
    file_arm("good", around(2.8, 0.0, 0.03, -0.02), curve=(0.5, 0.0))
    file_arm("dear", around(2.95, 0.01, 0.02, -0.03), train_seconds=75.0, curve=(0.5, 0.0))
    file_arm("flat", around(3.0, 0.02, 0.01, -0.03))
    file_arm("bad", around(3.3, 0.0, 0.02, -0.01))
    file_arm("wild", {42: 3.0, 137: math.nan, 256: 3.0})
    file_arm("crashed", {42: 3.0}, status="failed")
    file_arm("other", around(2.0, 0.0, 0.01, 0.02), evaluation="other windows")


def board_of(ledger, **settings):
    return leaderboard(ledger, *baseline_in(ledger.read().records, None), **settings)


def run(*words, output_dir):
    carry_out([*words, "--output-dir", str(output_dir)])


@pytest.mark.usefixtures("campaign")
def test_whoever_was_announced_is_of_the_family_for_every_table(ledger):
    """Arms of a plan that was stopped before their first run have been tried all the same."""
    announced = ("never begun", "nor this")
    arms = tuple(PlannedArm(name=n, config_hash=n, seeds=SEEDS, cards={}) for n in announced)
    plan = Registration(baseline_hash="b0", baseline_seeds=SEEDS, arms=arms, metric="val_loss")
    register(ledger.root, plan)
    board = board_of(ledger)
    arms = arms_of(ledger.read().records)
    judged = judge_baseline(arms, "b0", plans=[plan])
    found = power_for(arms, arms["b0"], gain=0.1, plans=[plan])
    assert {j.comparison.family_size for j in judged} == {board.family_size}
    assert {row.judgement.comparison.family_size for row in board.rows} == {board.family_size}
    assert board.family_size == found.family_size == 9
    assert board.without_result == ("crashed", "never begun", "nor this")


@pytest.mark.usefixtures("campaign")
def test_rows_are_the_judgements_in_order(ledger):
    board = board_of(ledger)
    arms = arms_of(ledger.read().records)
    judged = {j.arm.name: j for j in judge_baseline(arms, "b0")}
    assert [row.name for row in board.rows][:4] == ["good", "dear", "flat", "bad"]
    assert {row.name for row in board.rows} == judged.keys()
    for row in board.rows:
        ours, theirs = row.judgement.to_dict(), judged[row.name].to_dict()
        for fact in ("verdict", "kind", "reason", "improvement", "ci", "p_adjusted", "cohens_d"):
            assert ours[fact] == theirs[fact]
    assert board.family_size == 7
    assert board.without_result == ("crashed",)
    assert board.rows[0].judgement.comparison.family_size == 7
    assert {row.name for row in board.rows[-2:]} == {"wild", "other"}  # without a gain: last
    assert {row.judgement.comparison.verdict for row in board.rows[-2:]} == {"refuted", "invalid"}


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize(
    ("sort", "first"),
    [("time", "good"), ("name", "bad"), ("level", "good"), ("verdict", "good"), ("d", "good")],
)
def test_sorting(ledger, sort, first):
    assert board_of(ledger, sort=sort).rows[0].name == first


@pytest.mark.usefixtures("campaign")
def test_every_sort_key_orders_every_row(ledger):
    for sort in SORTS:
        assert len(board_of(ledger, sort=sort).rows) == 6


@pytest.mark.usefixtures("campaign")
def test_the_top_row_is_shrunken(ledger):
    board = board_of(ledger)
    best, spread = board.best, board.shrinkage
    gain = best.judgement.comparison.improvement
    assert best.name == "good"
    assert spread.mean < best.shrunken < gain
    assert best.shrunken_ci[0] < best.shrunken < best.shrunken_ci[1]
    # good, dear, flat and bad: neither a diverged idea nor one that measures something else.
    assert sum(not math.isnan(row.shrunken) for row in board.rows) == 4


def test_three_ideas_are_too_few_to_shrink(ledger, file_arm):
    file_arm("baseline", around(3.0, 0.0, 0.02, -0.02))
    for name in "abc":
        file_arm(name, around(2.9, 0.0, 0.01, -0.02))
    board = board_of(ledger)
    assert (board.shrinkage, board.best) == (None, None)


@pytest.mark.usefixtures("campaign")
def test_a_gain_that_time_takes_back(ledger, capsys):
    rows = {row.name: row for row in board_of(ledger).rows}
    dear = rows["dear"]
    # At 50 of its 75 s: a third of the way from step 50 (.5 above) to step 100.
    gain = dear.judgement.comparison.improvement
    assert dear.time.per_unit == pytest.approx(gain)
    assert dear.time.per_second == pytest.approx(gain - 0.5 * 2 / 3)
    assert dear.time_ratio == pytest.approx(1.5)
    assert rows["good"].time.per_second == pytest.approx(rows["good"].time.per_unit)
    assert "no finished run of the idea" in rows["flat"].time.reason
    run("leaderboard", output_dir=ledger.root)
    said = capsys.readouterr().out
    assert "Ahead per token but behind per second: dear" in said
    assert "Winner's curse: the best of 6 ideas" in said
    assert "Counted in the family without a result yet: crashed" in said
    assert max(map(len, said.splitlines())) <= 100


def test_curves_pass_over_what_is_not_there(ledger, file_arm):
    first, second, third = file_arm("baseline", around(3.0, 0, 1, 2), curve=(0.5, 0.2, 0.0))
    points = ((33, 3.5), (66, 3.2), (100, 3.0))
    text = "".join(f'{{"step": {step}, "val/loss": {loss}}}\n' for step, loss in points)
    (ledger.folder_of(first) / "metrics.jsonl").write_text(text)
    (ledger.folder_of(second) / "metrics.jsonl").write_text('{"step": 50, "val/loss": 3.')
    (ledger.folder_of(third) / "metrics.jsonl").unlink()
    arms = arms_of(ledger.read().records)
    curves = timed_curves(ledger, arms["b0"])
    assert list(curves) == [first.seed]
    assert curves[first.seed].seconds == pytest.approx((16.5, 33.0, 50.0))
    assert curves[first.seed].losses == pytest.approx((3.5, 3.2, 3.0))
    untimed = replace(arms["b0"], records=(replace(first, train_seconds=0.0),))
    assert timed_curves(ledger, untimed) == {}
    assert Stopwatch(ledger, untimed).against(arms["b0"]).reason


@pytest.mark.usefixtures("campaign")
def test_files(ledger, tmp_path, capsys):
    for suffix in ("csv", "md", "tex"):
        run("leaderboard", "--export", f"{tmp_path}/b.{suffix}", output_dir=ledger.root)
    with open(tmp_path / "b.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["arm"] for row in rows][:4] == ["good", "dear", "flat", "bad"]
    assert float(rows[0]["improvement"]) == pytest.approx(0.2, abs=0.01)
    assert next(row for row in rows if row["arm"] == "wild")["improvement"] == ""
    markdown = (tmp_path / "b.md").read_text()
    table = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 6
    assert len({line.count("|") for line in table}) == 1
    assert r"\toprule" in (tmp_path / "b.tex").read_text()
    assert "−" not in (tmp_path / "b.tex").read_text()


@pytest.mark.usefixtures("campaign")
def test_data(ledger, capsys):
    run("leaderboard", "--json", output_dir=ledger.root)
    plain = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert plain["family_size"] == 7
    assert plain["rows"][0]["arm"] == "good"
    wild = next(row for row in plain["rows"] if row["arm"] == "wild")
    assert (wild["verdict"], wild["kind"], wild["improvement"]) == ("refuted", "unstable", None)


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sort", "improvment"], "cannot sort by 'improvment'; did you mean 'improvement'?"),
        (["--alpha", "1"], "--alpha 1 is out of range"),
        (["--baseline", "zz"], "no baselines begin with 'zz'; choose from: b0"),
        (["--export", "x.xls"], "cannot export to 'x.xls'; choose from: .csv, .md, .parquet, .tex"),
        (["--export", "nowhere/x.csv"], "cannot write nowhere/x.csv"),
        (["--top", "-1"], "--top -1 is out of range"),
    ],
)
def test_mistakes(ledger, words, said):
    with pytest.raises(AuditionError) as told:
        run("leaderboard", *words, output_dir=ledger.root)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.usefixtures("campaign")
def test_parquet_without_pyarrow(ledger, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(AuditionError, match="parquet needs pandas and pyarrow"):
        run("leaderboard", "--export", f"{tmp_path}/b.parquet", output_dir=ledger.root)


@pytest.mark.usefixtures("campaign")
def test_parquet(ledger, tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    run("leaderboard", "--export", f"{tmp_path}/b.parquet", output_dir=ledger.root)
    frame = pandas.read_parquet(tmp_path / "b.parquet")
    assert frame.arm.tolist()[:4] == ["good", "dear", "flat", "bad"]
    assert frame.improvement.dtype == np.float64


def test_no_ideas_and_no_baseline(ledger, file_arm):
    with pytest.raises(AuditionError, match="no finished run of a baseline yet"):
        board_of(ledger)
    file_arm("baseline", around(3.0, 0.0, 0.02, -0.02))
    with pytest.raises(AuditionError, match="there is nothing to rank"):
        board_of(ledger)


def test_the_newest_comparison_names_the_baseline(ledger, file_arm):
    newer = {"started": "2026-02-01T10:00:00+00:00"}
    file_arm("baseline", around(3.0, 0.0, 0.02, -0.02), baseline="old")
    file_arm("a", around(3.0, 0.01, 0.02, -0.02), baseline="old", **newer)
    file_arm("baseline", around(3.0, 0.0, 0.02, -0.02), baseline="new", **newer)
    arms, baseline = baseline_in(ledger.read().records, None)
    assert baseline.config_hash == "old"  # the new one has nothing to compare yet
    assert noise_of(arms, baseline).method == "own"
    assert noise_of(arms, arms["new"]).df == 2


def test_two_configurations_of_one_name_are_told_apart(ledger, file_arm):
    file_arm("baseline", around(3.0, 0.0, 0.02, -0.02))
    for record in file_arm("a", around(3.0, 0.01, 0.02, -0.02)):
        ledger.write(replace(record, config_hash="edited", key=f"edited{record.seed}"))
    assert {row.name for row in board_of(ledger).rows} == {"a (a-of-b)", "a (edited)"}


def test_interactions(ledger, file_arm, capsys):
    file_arm("baseline", around(3.0, 0.0, 0.10, 0.20))
    file_arm("a", around(2.9, 0.0, 0.10, 0.21))
    file_arm("b,rho=0.5", around(2.95, 0.0, 0.11, 0.20))
    with pytest.raises(AuditionError, match="no baseline has runs of a, b,rho="):
        cross(arms_of(ledger.read().records), "a", "b,rho=0.5")
    file_arm("b+a,rho=0.5", around(2.80, 0.0, 0.12, 0.18))
    crossing = cross(arms_of(ledger.read().records), "a", "b,rho=0.5")
    assert crossing.both.name == "b+a,rho=0.5"
    assert crossing.found.contrast == pytest.approx(0.05 + 0.01 / 3 + 0.01 / 3)
    assert crossing.found.design == "own"
    file_arm("c", around(2.95, 0.0, 0.11, 0.20))
    assert cross(arms_of(ledger.read().records), "a", "b,rho=0.5").found.design == "block"
    run("interactions", "a", "b,rho=0.5", output_dir=ledger.root)
    said = capsys.readouterr().out
    assert "a × b,rho=0.5" in said
    assert "interaction" in said
    run("interactions", "a", "b,rho=0.5", "--json", output_dir=ledger.root)
    plain = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert plain["contrast"] == pytest.approx(plain["both"] - plain["first"] - plain["second"])
    for names, match in ((("a", "a"), "named twice"), (("a", "zz"), "no runs of 'zz'")):
        with pytest.raises(AuditionError, match=match):
            run("interactions", *names, output_dir=ledger.root)


def test_interactions_are_like_for_like(ledger, file_arm):
    for name in ("baseline", "a", "b"):
        file_arm(name, around(3.0, 0.0, 0.1, 0.2 if name == "a" else 0.3))
    file_arm("a+b", around(2.9, 0.0, 0.1, 0.2), threads=2)
    with pytest.raises(AuditionError, match=r"a\+b: Not like for like: threads"):
        cross(arms_of(ledger.read().records), "a", "b")


def test_names_of_arms():
    assert parts_of("a+b,rho=0.5") == {"a", "b", "rho=0.5"}
    assert parts_of("optimizer=muon") == {"optimizer=muon"}
    assert parts_of("lr=1e+3") == {"lr=1e+3"}
