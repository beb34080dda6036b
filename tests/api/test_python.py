"""Audition from Python: a run in this process, a comparison, a ledger, and losses from anywhere."""

import json
import os
import random
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import initialize
from hydra.core.global_hydra import GlobalHydra
from warm import Warm

import audition
from audition import frozen
from audition.api import run as running
from audition.errors import AuditionError
from audition.records.record import Record

SMALL = ("model=tiny", "budget.steps=3", "data.evaluation_tokens=512", "execution.device=cpu")
LOSSES = {"adamw": {1: 3.01, 2: 3.03, 3: 2.99}, "muon": {1: 2.81, 2: 2.84, 3: 2.80}}

Run = Callable[..., Record]


@pytest.fixture
def train(tmp_path: Path, cache_dir: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return lambda *words: audition.run([*SMALL, f"paths.cache_dir={cache_dir}", *words])


def state() -> dict[str, Any]:
    """What a run must leave as it was."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
    return {
        "folder": os.getcwd(),
        "arguments": sys.argv[:],
        "path": sys.path[:],
        "finders": sys.meta_path[:],
        "sources": os.environ.get("AUDITION_SOURCES"),
        "handlers": [signal.getsignal(number) for number in numbers],
        "hydra": GlobalHydra.instance().hydra,
        "threads": torch.get_num_threads(),
        "strict": torch.are_deterministic_algorithms_enabled(),
        "torch": torch.random.get_rng_state().tolist(),
        "random": random.getstate(),
    }


def test_a_run_is_filed_as_a_command_files_it_and_leaves_the_process_as_it_was(
    train: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    GlobalHydra.instance().clear()
    with initialize(version_base="1.3"):  # as an author's own program may have done
        before = state()
        record = train("+idea=placebo", "seed=7")
        assert state() == before
    assert (record.arm, record.seed, record.status, record.steps) == ("placebo", 7, "finished", 3)
    shown = record._repr_html_()
    assert (
        f"<tr><td>validation loss [nats/token]</td><td>{record.metrics['val_loss']:.4f}<" in shown
    )
    assert "<td>status</td><td>finished</td>" in shown
    ledger = audition.ledger()
    assert ledger.records == (record,)
    with monkeypatch.context() as patch:
        patch.setattr("audition.training.loop.train", lambda *a, **k: pytest.fail("trained again"))
        assert train("+idea=placebo", "seed=7") == record


def test_a_run_that_diverges_is_a_record_like_any_other(train: Run) -> None:
    record = train("optimizer=sgd", "optimizer.lr=1e30", "budget.steps=40")
    assert record.status == "diverged"
    assert record.reason


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["+idea=placbo"], "unknown idea 'placbo'; did you mean 'placebo'?"),
        (["budget.steps=x"], "budget.steps='x' is not a whole number"),
        (["seed=1,2"], "seed=1,2 names several values where one is wanted"),
        (["-m"], "-m is of the command line: run trains one run, compare trains a sweep"),
        ("seed=1", r"give overrides as a list, one text each: \['seed=1', ...\]"),
    ],
)
def test_a_mistake_is_one_error_and_changes_nothing(
    train: Run, words: list[str], said: str, tmp_path: Path
) -> None:
    before = state()
    for ask in (audition.run, audition.compare):
        if ask is audition.compare and words == ["seed=1,2"]:
            continue
        with pytest.raises(audition.AuditionError, match=said):
            ask(words)
    assert state() == before
    assert not list(tmp_path.iterdir())


def test_configs_of_ones_own(train: Run, tmp_path: Path, cache_dir: str) -> None:
    own = tmp_path / "conf/experiment"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("# @package _global_\nseed: 11\n")
    words = [*SMALL, f"paths.cache_dir={cache_dir}", "experiment=mine"]
    record = audition.run(words, config_dir=tmp_path / "conf")
    assert record.seed == 11
    repro = audition.ledger().store.folder_of(record) / "repro.json"
    assert json.loads(repro.read_text())["command"][1:3] == ["--config-dir", str(tmp_path / "conf")]


@pytest.fixture
def _passed_on_at_once(warm: Warm, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command of a sweep is a fork of one that has imported everything."""

    def passed_on(command: Sequence[str]) -> None:
        assert command[:3] == [sys.executable, "-m", "audition"]
        ended = warm.run(*command[2:], cwd=Path.cwd())
        assert ended.returncode == 0, ended.stderr
        print(ended.stderr, file=sys.stderr)

    monkeypatch.setattr(running, "_passed_on", passed_on)


@pytest.mark.usefixtures("_passed_on_at_once")
def test_a_comparison_is_a_sweep_whose_verdicts_come_back(
    train: Run, cache_dir: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*SMALL, f"paths.cache_dir={cache_dir}", "+idea=placebo", "seed=1,2"]
    verdicts = audition.compare(words)
    assert "4 runs in all: 0 in the ledger, 4 to train" in capsys.readouterr().err
    (verdict,) = verdicts
    assert verdict.judgement.comparison.idea == "placebo"
    assert verdict.judgement.standing.word == "as planned"
    ledger = audition.ledger("outputs")
    assert ledger.verdicts("placebo") == verdicts
    frame = ledger.frame()
    assert sorted(zip(frame["arm"], frame["seed"], strict=True)) == [
        *(("baseline", 1), ("baseline", 2), ("placebo", 1), ("placebo", 2))
    ]
    assert verdicts.frame().loc[0, "improvement"] == verdict.judgement.comparison.improvement
    curves = ledger.curves("placebo")
    assert list(curves.frame()["seed"].unique()) == [1, 2]
    assert curves._repr_png_().startswith(b"\x89PNG")
    assert repr(curves).splitlines()[1].split()[:2] == ["placebo", "1"]
    assert repr(ledger) == "ledger outputs: 4 finished; arms: baseline, placebo"
    assert "<td>placebo</td>" in ledger._repr_html_()
    assert "<td>placebo</td>" in verdicts._repr_html_()


def test_what_the_sweep_said_is_the_error(capsys: pytest.CaptureFixture[str]) -> None:
    code = "import sys; print('audition: no disk', file=sys.stderr); sys.exit(2)"
    assert running._passed_on([sys.executable, "-c", code]) == "no disk"
    assert capsys.readouterr().err == "audition: no disk\n"
    assert running._passed_on([sys.executable, "-c", "raise SystemExit(1)"]) is None


def test_losses_from_anywhere(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    rows = [
        {"opt": arm, "seed": seed, "loss": loss}
        for arm, losses in LOSSES.items()
        for seed, loss in losses.items()
    ]
    columns = {"arm": "opt", "seed": "seed", "metric": "loss"}
    by_numbers = audition.judge(LOSSES, baseline="adamw")
    pandas.DataFrame(rows).to_csv(tmp_path / "runs.csv")
    for data in (rows, pandas.DataFrame(rows), tmp_path / "runs.csv"):
        assert audition.judge(data, baseline="adamw", **columns) == by_numbers
    assert repr(by_numbers).startswith("muon: supported. It is better by 0.1933")
    assert by_numbers[0].judgement.standing.word == "not planned here"
    with pytest.raises(audition.AuditionError, match="name the column of the metric"):
        audition.judge(rows, baseline="adamw")
    with pytest.raises(audition.AuditionError, match="there are no rows"):
        audition.judge([], baseline="adamw", metric="loss")


def test_without_pandas_a_frame_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(
        audition.AuditionError, match=r"needs pandas: pip install 'audition\[export"
    ):
        audition.judge(LOSSES, baseline="adamw").frame()


def test_names_from_a_table_are_text_on_a_page() -> None:
    losses = {"<b>": LOSSES["adamw"], "base": LOSSES["muon"]}
    assert "<td>&lt;b&gt;</td>" in audition.judge(losses, baseline="base")._repr_html_()


def test_a_ledger_that_is_none_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(audition.AuditionError, match="there is no ledger at outputs"):
        audition.ledger()


def test_a_finder_that_a_library_puts_in_stays() -> None:
    class Theirs:
        """As importlib_metadata's, which switches Python's own off when it is imported."""

        @staticmethod
        def find_spec(*asked: object) -> None:
            return None

    with frozen.as_before():
        frozen.freeze()
        sys.meta_path.append(Theirs)  # type: ignore[arg-type]
        assert frozen.HELD in os.environ
    try:
        assert Theirs in sys.meta_path
        assert frozen.HELD not in os.environ
    finally:
        sys.meta_path.remove(Theirs)  # type: ignore[arg-type]


def test_a_gain_of_an_accuracy_is_never_taken_for_harm_in_python() -> None:
    accuracies = {"adamw": {1: 71.0, 2: 71.2, 3: 70.9}, "muon": {1: 74.0, 2: 74.1, 3: 73.8}}
    rows = [
        {"arm": arm, "seed": seed, "accuracy": value}
        for arm, values in accuracies.items()
        for seed, value in values.items()
    ]
    named = {"arm": "arm", "seed": "seed"}
    for data, how in ((rows, named), (accuracies, {})):
        asked = {"baseline": "adamw", "metric": "accuracy", "sesoi": 0.5, **how}
        with pytest.raises(AuditionError, match="higher_is_better=True or False"):
            audition.judge(data, **asked)
        (found,) = audition.judge(data, higher_is_better=True, **asked)
        comparison = found.judgement.comparison
        assert comparison.verdict == "supported"
        assert comparison.improvement == pytest.approx(2.933, abs=1e-3)
        assert comparison.cohens_d > 0
        assert found.judgement.levels[1] > found.judgement.levels[0]
