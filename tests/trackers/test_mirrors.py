"""Trackers hold what `metrics.jsonl` holds: after a run, after a stop, and after a run that failed."""

import json
from importlib.util import find_spec

import pytest
from tests.trackers.conftest import LINES, merged, read_wandb

from audition.observers.checkpoint import NAME, Checkpoint, read_checkpoint
from audition.observers.metrics import Metrics
from audition.records.metrics import read_lines
from audition.trackers.background import BackgroundTracker
from audition.trackers.tensorboard import TensorBoard
from audition.trackers.wandb import Wandb
from audition.training.loop import train

pytestmark = pytest.mark.skipif(
    find_spec("wandb") is None or find_spec("tensorboard") is None,
    reason="the extras `wandb` and `tensorboard` are not installed",
)


@pytest.fixture(autouse=True)
def _no_key(monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setattr(Wandb, "refused", "")


def trained_with(job, folder, trackers, **how):
    """Train with trackers; what they had to say."""
    said = []
    copies = [BackgroundTracker(type(each).__name__, each, said.append) for each in trackers]
    train(job, [Metrics(folder, copies, every=1), Checkpoint(folder)], **how)
    return said


def read_tensorboard(folder):
    """(tag, units) -> value."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return {
        (tag, event.step): event.value
        for tag in events.Tags()["scalars"]
        for event in events.Scalars(tag)
    }


def test_both_hold_a_run_that_was_stopped_and_went_on(job_of, folder):
    trackers = lambda: [Wandb(folder), TensorBoard(folder)]  # noqa: E731
    assert not trained_with(job_of(), folder, trackers(), interrupted=lambda step: step == 3)
    resume = read_checkpoint(folder / NAME, "")
    assert not trained_with(job_of(), folder, trackers(), resume=resume)
    lines = read_lines(folder)
    assert [line["step"] for line in lines if "train/loss" in line] == [1, 2, 3, 4, 5, 6]
    run, rows, summary = read_wandb(folder)
    assert rows == merged(lines)
    assert (run.run_id, run.run_group) == ("baseline1".ljust(32, "0"), "baseline-baseline00000000")
    assert summary["status"] == "finished"
    config = {item.key: json.loads(item.value_json) for item in run.config.update}
    assert config["optimizer"] == {"lr": 0.001}
    assert config["optimizer.lr"] == 0.001
    assert read_tensorboard(folder) == {
        (name, line["units"]): pytest.approx(value, rel=1e-6)
        for line in lines
        for name, value in line.items()
        if name not in ("step", "units")
    }


def shown(folder, status="finished"):
    """W&B's page of LINES; what was said."""
    said = []
    behind = BackgroundTracker("logger=wandb", Wandb(folder), said.append)
    behind.begin(LINES)
    behind.end(status)
    return said


def test_a_wrong_key_is_one_sentence_and_the_run_goes_on_offline(ledger, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "wrong")
    folders = [ledger.folder_of(record) for record in ledger.read().records]
    (said,) = shown(folders[0])
    assert said.startswith("logger=wandb could not go online (WANDB_API_KEY invalid: ")
    assert said.endswith(
        "): it went on offline; all of it is in wandb/ of the run's folder, for `wandb sync`"
    )
    assert "\n" not in said
    assert shown(folders[1]) == [said]
    for folder in folders[:2]:
        assert read_wandb(folder)[1] == merged(LINES)


def test_a_run_left_open_is_not_the_next_ones(ledger):
    """As after a run that raised where nothing could close its page."""
    first, second, _ = map(ledger.folder_of, ledger.read().records)
    left = Wandb(first)
    left.open(LINES[:1])
    assert shown(second) == []
    assert read_wandb(second)[1] == merged(LINES)
    assert read_wandb(first)[1] == merged(LINES[:1])


@pytest.mark.parametrize("tracker", [Wandb, TensorBoard])
def test_without_its_package_it_is_one_sentence(tracker, monkeypatch):
    from audition.errors import AuditionError

    monkeypatch.setattr("audition.trackers.tracker.find_spec", lambda name: None)
    with pytest.raises(AuditionError, match=r"^logger=\w+ needs the package \w+: pip install 'aud"):
        tracker.check()
