"""The live view: one picture of a sweep under way, and of nothing but its ledger."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from audition.answers.live_runs import Band, latest
from audition.cli.ledger import main
from audition.observers.metrics import Metrics
from audition.records.metrics import MetricsCache, read_lines
from audition.records.record import now
from audition.records.registration import PlannedArm, Registration, register
from audition.records.store import Ledger
from audition.training.loop import train

ARMS = {
    "baseline": {1: 1.500, 2: 1.511, 3: 1.494},
    "idea": {1: 1.470, 2: 1.478},
    "elsewhere": {1: 2.0},
}


def lines(*losses, **more):
    """A step every hundred tokens."""
    each = [
        {"step": k, "units": 100 * k, "train/loss": loss, **more}
        for k, loss in enumerate(losses, 1)
    ]
    return "".join(json.dumps(line) + "\n" for line in each)


@pytest.fixture
def ledger(lost) -> Iterator[Ledger]:
    """The same, and this process is at the runs that are under way."""
    with ExitStack() as held:
        for record in lost.read().records:
            if record.status == "running":
                held.enter_context(lost.claim(lost.folder_of(record)))
        yield lost


@pytest.fixture
def lost(ledger_of) -> Ledger:
    """The idea's second run is under way, and so is one that no plan has named."""
    ledger = ledger_of(ARMS)
    for record in ledger.read().records:
        folder = ledger.folder_of(record)
        under_way = (record.arm, record.seed) in {("idea", 2), ("elsewhere", 1)}
        if record.arm == "baseline":
            (folder / "metrics.jsonl").write_text(lines(4.0, 3.0 + 0.1 * record.seed, 2.0))
        if under_way:
            (folder / "metrics.jsonl").write_text(lines(4.0, 2.5))
            started = {"status": "running", "started": now(), "budget": {"steps": 4}}
            ledger.write(replace(record, metrics={}, **started))
    arm = PlannedArm(name="idea", config_hash=f"{1:016x}", seeds=(1, 2, 7), cards={})
    plan = Registration(
        baseline_hash=f"{0:016x}",
        baseline_seeds=(1, 2, 3),
        arms=(arm,),
        metric="val_loss",
        command="+idea=idea -m",
    )
    register(ledger.root, plan)
    return ledger


def test_one_picture(ledger, capsys):
    main(["watch", "--once", "--output-dir", str(ledger.root)])
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "+idea=idea -m" in shown[0]
    assert "baseline 3 – – 1.5017 ± 0.0086" in shown
    assert "idea 1 1 1 1.4700" in shown
    (running,) = [line for line in shown if line.startswith("idea seed 2")]
    # The baseline's seeds had 3.1, 3.2 and 3.3 at these tokens.
    assert "step 2, 50%" in running
    assert "2.500 below 3.200 ± 0.100" in running
    assert any(line.startswith("elsewhere seed 1 step ") for line in shown)
    assert shown[-1].startswith("about ")


def test_a_run_whose_process_is_gone_is_lost(lost, capsys):
    main(["watch", "--once", "--output-dir", str(lost.root)])
    shown = capsys.readouterr().out
    assert "idea seed 2 was lost while it ran: its process is gone" in shown
    assert "elsewhere" not in shown


def test_as_data(ledger, capsys):
    main(["watch", "--json", "--output-dir", str(ledger.root)])
    ours, other = json.loads(capsys.readouterr().out)
    assert (ours["arm"], ours["seed"], ours["values"]) == ("idea", 2, {"train/loss": 2.5})
    assert ours["baseline"] == {"train/loss": {"mean": pytest.approx(3.2), "runs": 3}}
    assert ours["meters"] == {}
    assert other["arm"] == "elsewhere"


def test_the_meters_of_a_run_that_trains(ledger, job_of, capsys):
    (ours,) = [r for r in ledger.read().records if (r.arm, r.seed) == ("idea", 2)]
    folder = ledger.folder_of(ours)
    train(job_of("preset=saturation_limiter"), [Metrics(folder, every=1)])
    last = [line for line in read_lines(folder) if "train/loss" in line][-1]
    written = {n: v for n, v in last.items() if n.startswith("effects/")}
    main(["watch", "--json", "--output-dir", str(ledger.root)])
    meters = json.loads(capsys.readouterr().out)[0]["meters"]
    assert {f"effects/{name}": value for name, value in meters.items()} == written
    assert set(meters) == {"saturation/bent", "saturation/gain", "limiter/limited", "limiter/gain"}
    main(["watch", "--once", "--output-dir", str(ledger.root)])
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    heads = next(words for words in shown if "limiter/gain" in words)
    (running,) = [words for words in shown if words[:3] == ["idea", "seed", "2"]]
    assert heads[-4:] == list(meters)
    assert running[-4:] == [f"{value:.3g}" for value in meters.values()]


@pytest.mark.parametrize(
    ("band", "said"),
    [
        (Band(2.0, 0.1, 3), "2.050 in 2.000 ± 0.100"),
        (Band(2.0, 0.01, 3), "2.050 above 2.000 ± 0.010"),
        (Band(2.1, 0.01, 3), "2.050 below 2.100 ± 0.010"),
        (Band(2.1, float("nan"), 1), "2.050 (2.100)"),
        (Band(float("nan"), float("nan"), 0), "2.050"),
    ],
)
def test_beside_the_band(band, said):
    assert band.beside(2.05) == said


def test_what_has_grown_is_read_again(tmp_path):
    cache = MetricsCache()
    assert cache.lines(tmp_path) == []
    (tmp_path / "metrics.jsonl").write_text(lines(4.0))
    assert latest(cache.lines(tmp_path)).values["train/loss"] == 4.0
    (tmp_path / "metrics.jsonl").write_text(lines(4.0, None) + '{"step": 3, "tok')
    found = latest(cache.lines(tmp_path))
    assert found.values["train/loss"] != found.values["train/loss"]
    assert found.units["train/loss"] == 200


def test_without_a_plan_it_is_one_sentence(tmp_path, capsys):
    (tmp_path / "runs").mkdir()
    with pytest.raises(SystemExit):
        main(["watch", "--once", "--output-dir", str(tmp_path)])
    assert capsys.readouterr().err.startswith("audition: no sweep was planned in ")


def test_it_follows_until_the_last_run_is_over_and_ctrl_c_ends_it(ledger, capsys, monkeypatch):
    naps = []

    def nap(seconds):
        naps.append(seconds)
        if len(naps) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("audition.cli.commands.watch.time.sleep", nap)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    main(["watch", "--output-dir", str(ledger.root)])
    assert len(naps) == 3


def test_meters_are_those_of_effects_and_what_they_adjusted():
    line = {"step": 1, "units": 9, "train/lr_gain": 0.5, "train/momentum_gain": 0.8}
    more = {"train/dropout_gain": 1.0, "train/update_rate": 0.25, "effects/gate/open": 0.5}
    meters = latest([{**line, **more}]).meters()
    assert meters == {"momentum_gain": 0.8, "update_rate": 0.25, "gate/open": 0.5}
    assert list(meters)[-1] == "gate/open"
