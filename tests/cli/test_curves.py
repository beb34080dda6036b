"""`audition curves`: runs by any name, on one scale, in the terminal and as a figure."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from audition.answers.arm_curves import arm_curves
from audition.answers.curves import Curve
from audition.cli.ledger import carry_out
from audition.errors import AuditionError
from audition.measure import Measure
from audition.records.record import Record
from audition.records.store import Ledger
from audition.report.curves import blocks

LOSS = Measure("validation loss", "nats/token")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Two seeds of a baseline, one of an idea that is under way, and one that wrote training losses."""
    ledger = Ledger(tmp_path)
    evaluated: Mapping[str, str] = {"baseline": "finished", "idea": "running"}
    for arm, seed in (("baseline", 1), ("baseline", 2), ("idea", 1), ("bare", 1)):
        record = Record(
            key=f"{arm}{seed}",
            config_hash=arm,
            baseline_hash="baseline",
            arm=arm,
            ideas=(),
            seed=seed,
            status="running" if evaluated.get(arm) == "running" else "finished",
            metrics={"val_loss": 3.0},
            measures={"val_loss": LOSS},
            started=f"2026-01-0{seed}T00:00:00+00:00",
        )
        folder = ledger.write(record)
        lines = [{"step": s, "units": 100 * s, "train/loss": 5.0 - s} for s in (1, 2)]
        if arm in evaluated:
            values = (4.0, 3.0 + 0.1 * seed) if arm == "baseline" else (3.5,)
            lines += [{"step": s, "units": 100 * s, "val/loss": v} for s, v in enumerate(values, 1)]
        (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return ledger


def test_arms_and_runs_by_name(ledger: Ledger) -> None:
    everything = arm_curves(ledger)
    assert {each.arm: tuple(each.curves) for each in everything} == {
        "baseline": (1, 2),
        "idea": (1,),
        "bare": (1,),
    }
    baseline, *_ = everything
    assert baseline.curves[2] == Curve("val_loss", (100, 200), (4.0, 3.2))
    (bare,) = (each for each in everything if each.arm == "bare")
    assert (bare.metric, bare.measure.label) == ("train_loss", "training loss")
    (one,) = arm_curves(ledger, ["baseline/2"])
    assert tuple(one.curves) == (2,)
    (both,) = arm_curves(ledger, ["baseline/2", "baseline1"])
    assert tuple(both.curves) == (1, 2)
    training = arm_curves(ledger, ["idea"], "train_loss")
    assert training[0].curves[1].values == (4.0, 3.0)


@pytest.mark.parametrize("name", ["effects/limiter/gain", "effects_limiter/gain"])
def test_a_meter_is_a_curve_of_the_arms_that_wrote_it(ledger: Ledger, name: str) -> None:
    (idea,) = (r for r in ledger.read().records if r.arm == "idea")
    with (ledger.folder_of(idea) / "metrics.jsonl").open("a") as file:
        file.write('{"step": 3, "units": 300, "train/loss": 2.0, "effects/limiter/gain": 0.5}\n')
    (found,) = arm_curves(ledger, [], name)
    assert found.curves[1] == Curve("effects_limiter/gain", (300,), (0.5,))


def test_a_line_of_blocks_a_run(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    carry_out(["curves", "baseline", "idea", "--output-dir", str(ledger.root)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[1:]] == [
        [
            "baseline",
            "1",
            "validation",
            "loss",
            "[nats/token]",
            "█▁",
            "4.0000",
            "3.1000",
            "200",
            "tokens",
        ],
        [
            "baseline",
            "2",
            "validation",
            "loss",
            "[nats/token]",
            "█▁",
            "4.0000",
            "3.2000",
            "200",
            "tokens",
        ],
        [
            "idea",
            "1",
            "validation",
            "loss",
            "[nats/token]",
            "▄",
            "3.5000",
            "3.5000",
            "100",
            "tokens",
        ],
    ]


NAN = float("nan")
DRAWN: Mapping[str, tuple[tuple[float, ...], str]] = {
    "falling": ((8, 7, 6, 5, 4, 3, 2, 1), "█▇▆▅▄▃▂▁"),
    "diverged": ((1, 2, NAN), "▁█×"),
    "one point": ((1,), "▅"),
    "flat": ((2, 2), "▅▅"),
}


@pytest.mark.parametrize("name", DRAWN)
def test_blocks(name: str) -> None:
    values, drawn = DRAWN[name]
    finite = [value for value in values if value == value]
    curve = Curve("val_loss", tuple(range(len(values))), values)
    assert blocks(curve, (min(finite), max(finite))) == drawn


def test_long_curves_are_drawn_by_their_means() -> None:
    curve = Curve("val_loss", tuple(range(1000)), tuple(float(x) for x in range(1000)))
    assert blocks(curve, (0.0, 999.0), columns=8) == "▁▂▃▄▅▆▇█"


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_as_a_figure(ledger: Ledger, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"curves.{kind}"
    carry_out(["curves", "--out", str(path), "--output-dir", str(ledger.root)])
    begins = {"png": b"\x89PNG", "svg": b"<?xml"}[kind]
    assert path.read_bytes().startswith(begins)
    if kind == "svg":
        text = path.read_text()
        assert all(name in text for name in ("baseline-0-seed-2", "idea-0-seed-1", "bare-1-seed-1"))


def test_as_data(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    carry_out(["curves", "idea", "--json", "--output-dir", str(ledger.root)])
    (found,) = json.loads(capsys.readouterr().out)
    assert found["curves"]["1"] == {"metric": "val_loss", "units": [100], "values": [3.5]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nope"], "no run 'nope' in"),
        (["nope"], "arms: bare, baseline, idea"),
        (["baseline/9"], "no run 'baseline/9' in"),
        (["--metric", "val_los"], "no run has written 'val_los'; did you mean 'val_loss'?"),
        (["--out", "x.pdf"], "x.pdf is no kind of figure; choose from: .png, .svg"),
        (["--out", "no/x.png"], "cannot write no/x.png: No such file or directory"),
    ],
)
def test_mistakes(
    ledger: Ledger, words: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ledger.root)
    with pytest.raises(AuditionError, match=said.replace("?", r"\?")):
        carry_out(["curves", *words, "--output-dir", str(ledger.root)])


def test_the_baseline_is_the_one_that_the_named_arm_was_compared_with(ledger: Ledger) -> None:
    other = replace(
        next(r for r in ledger.read().records if r.arm == "baseline"),
        key="other",
        config_hash="other",
        baseline_hash="other",
        started="2026-02-01T00:00:00+00:00",
    )
    folder = ledger.write(other)
    (folder / "metrics.jsonl").write_text('{"step": 1, "units": 100, "val/loss": 9.0}\n')
    (alone,) = arm_curves(ledger, ["baseline"])
    beside, _ = arm_curves(ledger, ["baseline", "idea"])
    assert (alone.config_hash, beside.config_hash) == ("other", "baseline")
