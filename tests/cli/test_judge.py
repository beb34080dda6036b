"""`audition judge`: the verdict of a ledger on anybody's numbers, whatever table they come in."""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from made_records import made

from audition.answers import judge_baseline
from audition.answers.arms import arms_of
from audition.cli.ledger import carry_out
from audition.errors import AuditionError
from audition.measure import Measure

LOSSES = {
    "adamw": {1: 3.01, 2: 3.03, 3: 2.99},
    "muon": {1: 2.81, 2: 2.84, 3: 2.80},
    "sgd": {1: 3.51, 2: math.nan, 3: 3.60},
}
ROWS = [
    {"opt": arm, "seed": seed, "val_loss": loss}
    for arm, losses in LOSSES.items()
    for seed, loss in losses.items()
]
ASKED = ("--metric", "val_loss", "--baseline", "adamw")
PLACED = (*ASKED, "--arm", "opt", "--seed", "seed")

Judge = Callable[..., list[dict[str, Any]]]


def as_csv(rows: Sequence[Mapping[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.fixture
def judge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Judge:
    """A file's name and text, and further words -> the verdicts as data."""

    def asked(name: str, text: str, *words: str) -> list[dict[str, Any]]:
        if text is not None:
            (tmp_path / name).write_text(text, errors="surrogateescape")
        carry_out(["judge", str(tmp_path / name), *words, "--json"])
        found: list[dict[str, Any]] = json.loads(
            capsys.readouterr().out, parse_constant=pytest.fail
        )
        return found

    return asked


def test_the_verdicts_are_those_of_a_ledger_with_the_same_numbers(judge: Judge) -> None:
    how = Measure("val_loss", "")
    records = [
        made(
            arm,
            seed,
            loss,
            baseline_hash="adamw",
            status="finished" if loss == loss else "diverged",
            measures={"val_loss": how},
        )
        for arm, losses in LOSSES.items()
        for seed, loss in losses.items()
    ]
    theirs = judge("runs.csv", as_csv(ROWS), *PLACED)
    ours = [judgement.to_dict() for judgement in judge_baseline(arms_of(records), "adamw")]
    assert [found["idea"] for found in theirs] == ["muon", "sgd"]
    for found, own in zip(theirs, ours, strict=True):
        assert found["standing"] == "not planned here"
        same = found.keys() & own.keys() - {"standing", "departures"}
        assert {name: found[name] for name in same} == {name: own[name] for name in same}
    assert (theirs[0]["verdict"], theirs[1]["kind"]) == ("supported", "unstable")
    assert theirs[0]["family_size"] == 2


def wandb_runs() -> str:
    ended = [{"Name": "x", "State": "finished", "Tags": "", **row} for row in ROWS]
    return as_csv([*ended, {**ended[3], "State": "crashed", "val_loss": 9.0}])


def wandb_history() -> str:
    names = {f"{row['opt']}-s{row['seed']} - val_loss": row["val_loss"] for row in ROWS}
    extremes = {f"{name}__MIN": 0.0 for name in names}
    first = {"Step": 1, **dict.fromkeys(names, 5.0), **extremes}
    return as_csv(
        [first, {"Step": 9, **names, **extremes}, {"Step": 10, **dict.fromkeys(names, "")}]
    )


def mlflow_runs() -> str:
    named = {"opt": "params.opt", "seed": "params.seed", "val_loss": "metrics.val_loss"}
    rows = [{named[name]: value for name, value in row.items()} for row in ROWS]
    ended = [{"run_id": str(i), "status": "FINISHED", **row} for i, row in enumerate(rows)]
    return as_csv([*ended, {**ended[0], "status": "FAILED"}])


def steps() -> str:
    lines = [{**r, "step": 2} for r in ROWS] + [{**r, "step": 1, "val_loss": 7.0} for r in ROWS]
    return "".join(f"{json.dumps(line)}\n" for line in lines)


TABLES: dict[str, tuple[str, Callable[[], str], tuple[str, ...]]] = {
    "JSON lines, of several steps a run": ("log.jsonl", steps, (*PLACED, "--step", "step")),
    "W&B's table of runs": ("wandb_export.csv", wandb_runs, PLACED),
    "W&B's chart": ("wandb.csv", wandb_history, (*ASKED, "--name", "{arm}-s{seed}")),
    "MLflow's search_runs": ("mlflow.csv", mlflow_runs, PLACED),
}


@pytest.mark.parametrize("table", TABLES)
def test_every_table_of_the_same_runs_gives_the_same_verdicts(judge: Judge, table: str) -> None:
    name, text, words = TABLES[table]
    assert judge(name, text(), *words) == judge("runs.csv", as_csv(ROWS), *PLACED)


def test_a_parquet_file(judge: Judge, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "runs.parquet")
    path = tmp_path / "runs.parquet"
    whole = path.read_bytes()
    expected = judge("runs.csv", as_csv(ROWS), *PLACED)
    path.write_bytes(whole)
    from audition.answers.elsewhere import judge_losses
    from audition.run_tables import losses_of, read_rows

    losses = losses_of(read_rows(path), metric="val_loss", arm="opt", seed="seed")
    found = [verdict.to_dict() for verdict in judge_losses(losses.arms, "adamw", metric="val_loss")]
    assert found == expected


def test_a_folder_of_mlflow(
    tmp_path: Path, judge: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, row in enumerate([*ROWS, ROWS[0]]):
        run = tmp_path / "mlruns/0" / f"run{number}"
        stage = "active" if number < len(ROWS) else "deleted"
        for kind, name, text in (
            ("metrics", "val_loss", f"1 9.0 0\n2 {row['val_loss']} 1\n"),
            ("params", "opt", str(row["opt"])),
            ("params", "seed", str(row["seed"])),
        ):
            (run / kind).mkdir(parents=True, exist_ok=True)
            (run / kind / name).write_text(text)
        (run / "meta.yaml").write_text(f"lifecycle_stage: {stage}\nrun_name: 'a b'\nstatus: 3\n")
    expected = judge("runs.csv", as_csv(ROWS), *PLACED)
    carry_out(["judge", str(tmp_path / "mlruns"), *PLACED, "--json"])
    assert json.loads(capsys.readouterr().out) == expected


def accuracies(metric: str) -> str:
    """A table in which muon has the higher values."""
    rows = [
        {"opt": arm, "seed": seed, metric: 90.0 - 10.0 * LOSSES[arm][seed]}
        for arm in ("adamw", "muon")
        for seed in (1, 2, 3)
    ]
    return as_csv(rows)


@pytest.mark.parametrize("metric", ["val_accuracy", "testAcc", "Top1", "eval/macro-F1", "reward"])
def test_a_gain_of_an_accuracy_is_never_taken_for_harm(judge: Judge, metric: str) -> None:
    table = accuracies(metric)
    asked = ("--metric", metric, "--baseline", "adamw", "--arm", "opt", "--seed", "seed")
    with pytest.raises(AuditionError, match=f"of '{metric}' more seems to be better"):
        judge("runs.csv", table, *asked)
    (gain,) = judge("runs.csv", table, *asked, "--sesoi", "0.5", "--higher-is-better")
    assert (gain["verdict"], gain["kind"]) == ("supported", None)
    assert gain["improvement"] == pytest.approx(1.933, abs=1e-3)
    assert gain["idea_mean"] > gain["baseline_mean"]
    (harm,) = judge("runs.csv", table, *asked, "--sesoi", "0.5", "--lower-is-better")
    assert (harm["verdict"], harm["kind"]) == ("refuted", "harmful")


@pytest.mark.parametrize("metric", ["val_loss", "error_rate", "accuracy_loss", "val_x", "ppl"])
def test_a_metric_that_falls_or_does_not_say_is_better_when_lower(
    judge: Judge, metric: str
) -> None:
    asked = ("--metric", metric, "--baseline", "adamw", "--arm", "opt", "--seed", "seed")
    (found,) = judge("runs.csv", accuracies(metric), *asked, "--sesoi", "0.5")
    assert found["measure"]["better"] == "lower"
    assert found["verdict"] == "refuted"


def test_where_higher_is_better_the_sign_turns(judge: Judge) -> None:
    found = judge("runs.csv", as_csv(ROWS[:6]), *PLACED, "--higher-is-better", "--sesoi", "0.05")
    assert [each["kind"] for each in found] == ["harmful"]
    assert found[0]["improvement"] == pytest.approx(-0.19333, abs=1e-4)


def test_for_a_reader_it_is_stamped_and_says_what_was_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs.csv").write_text(as_csv([*ROWS, {"opt": "x", "seed": 1, "val_loss": ""}]))
    carry_out(["judge", str(tmp_path / "runs.csv"), *PLACED])
    said = capsys.readouterr()
    assert "muon: supported. It is better by 0.1933" in said.out
    assert said.out.lower().count("not planned here") == 2, "once a verdict"
    assert "at default settings" not in said.out
    assert "cost" not in said.out
    assert said.err == (
        "audition: 1 row left out: without val_loss; write nan for a run that diverged\n"
    )


MISTAKES = {
    "a file of another kind": ("runs.xls", "", PLACED, "is no table; choose from: .csv"),
    "no file": ("runs.csv/x.csv", None, PLACED, "there is no file"),
    "pictures": ("runs.csv", "\udcff", PLACED, "cannot be read: it is not text in UTF-8"),
    "an empty file": ("runs.csv", "", PLACED, "has no rows"),
    "no JSON": ("runs.jsonl", "{", PLACED, "cannot be read: "),
    "an unknown column": (
        *("runs.csv", as_csv(ROWS), (*PLACED[:1], "val_los", *PLACED[2:])),
        "there is no column 'val_los'; did you mean 'val_loss'? choose from: opt, seed, val_loss",
    ),
    "words where numbers are": (
        *("runs.csv", as_csv(ROWS), (*PLACED[:1], "opt", *PLACED[2:])),
        "row 1 has 'adamw' in column 'opt', which is not a number; columns of numbers: seed, val",
    ),
    "an unknown arm": (
        *("runs.csv", as_csv(ROWS), (*PLACED[:3], "adam", *PLACED[4:])),
        "there is no arm 'adam'; did you mean 'adamw'?",
    ),
    "one arm": ("runs.csv", as_csv(ROWS[:3]), PLACED, "'adamw' is the only arm"),
    "a run twice": (
        *("runs.csv", as_csv([*ROWS, ROWS[0]]), PLACED),
        "arm 'adamw' has seed 1 in rows 1 and 10: keep one a run, or name the column",
    ),
    "a missing seed": (
        *("runs.csv", as_csv([*ROWS, {**ROWS[0], "seed": ""}]), PLACED),
        "row 10 has no value in column 'seed'",
    ),
    "no columns named": ("runs.csv", as_csv(ROWS), ASKED, "name the columns --arm and --seed, or"),
    "a pattern without a seed": (
        *("runs.csv", as_csv(ROWS), (*ASKED, "--name", "{arm}")),
        "--name {arm} must hold {arm} and {seed} once each",
    ),
    "another pattern": (
        *("runs.csv", wandb_runs(), (*ASKED, "--name", "{arm}/{seed}")),
        "row 1: 'x' is not made as --name {arm}/{seed} says",
    ),
    "an alpha that is none": (
        "runs.csv",
        as_csv(ROWS),
        (*PLACED, "--alpha", "2"),
        "--alpha 2 is out",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(judge: Judge, mistake: str) -> None:
    name, text, words, said = MISTAKES[mistake]
    with pytest.raises(AuditionError) as refusal:
        judge(name, text, *words)
    assert said in str(refusal.value)


def test_a_folder_that_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(AuditionError, match="is a folder without runs of MLflow: name a file"):
        carry_out(["judge", str(tmp_path), *PLACED])


@pytest.mark.parametrize("between", [";", "\t"])
def test_a_csv_of_another_separator(judge: Judge, between: str) -> None:
    assert judge("runs.csv", as_csv(ROWS).replace(",", between), *PLACED) == judge(
        "runs.csv", as_csv(ROWS), *PLACED
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "opt,seed,val_loss\nadamw,1,2,5\n", "line 2 has more cells than the 3 columns"),
        ("a.jsonl", '{"opt": "adamw"}\n{oops\n', "line 2 is no JSON object"),
    ],
)
def test_the_line_at_fault_is_named(judge: Judge, name: str, text: str, said: str) -> None:
    with pytest.raises(AuditionError, match=said):
        judge(name, text, *PLACED)
