"""Observers write what happened, once, and survive a stop."""

import json
import math
from dataclasses import replace

import pytest

from audition.observers.checkpoint import NAME, Checkpoint, read_checkpoint
from audition.observers.metrics import Metrics
from audition.observers.progress import Progress
from audition.recipe.effect import Effect
from audition.training.loop import train


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_metrics_has_a_line_a_step_and_a_line_an_evaluation(job_of, tmp_path):
    outcome = train(job_of(), [Metrics(tmp_path, every=1)])
    steps = [line for line in lines(tmp_path) if "train/loss" in line]
    evaluations = [line for line in lines(tmp_path) if "val/loss" in line]
    assert [line["step"] for line in steps] == [1, 2, 3, 4, 5, 6]
    assert [line["units"] for line in steps] == [64 * s for s in range(1, 7)]
    assert [(e["step"], e["val/loss"]) for e in evaluations] == [
        (e.step, e.metrics["val/loss"]) for e in outcome.session.evaluations
    ]
    assert all(
        line["train/gradient_norm"] > 0 and line["train/update_rate"] == 1.0 for line in steps
    )


def test_metrics_hold_what_the_effects_say(job_of, tmp_path):
    chain = ("preset=saturation_limiter", "effects.limiter.ceiling=0.02", "+idea=spectral_gate")
    outcome = train(job_of(*chain), [Metrics(tmp_path, every=2)])
    steps = [line for line in lines(tmp_path) if "train/loss" in line]
    meters = [
        {n.removeprefix("effects/"): v for n, v in s.items() if "effects/" in n} for s in steps
    ]
    assert len(meters) == 3
    names = {"saturation/bent", "saturation/gain", "limiter/limited", "limiter/gain"}
    names |= {f"spectral_gate/{name}" for name in ("gain", "open", "coherence")}
    assert all(set(each) == names for each in meters)
    assert all(0.0 <= v <= 1.0 for each in meters for v in each.values())
    assert all(each["saturation/bent"] > 0.0 and each["limiter/limited"] > 0 for each in meters)
    session = outcome.session
    last = job_of(*chain).recipe.effects.meters(session.effects)
    assert meters[-1] == {name: pytest.approx(float(v)) for name, v in last.items()}


def test_terms_are_written_apart_where_there_are_several(job_of, tmp_path):
    train(job_of("loss=z_loss"), [Metrics(tmp_path, every=2)])
    steps = [line for line in lines(tmp_path) if "train/loss" in line]
    for line in steps:
        parts = line["terms/cross_entropy"], line["terms/z_loss"]
        assert min(parts) > 0
        assert line["train/loss"] == pytest.approx(sum(parts))
    train(job_of(), [Metrics(tmp_path, every=2)])
    assert not any("terms/" in name for line in lines(tmp_path) for name in line)


def test_meters_are_read_on_logged_steps_alone(job_of, tmp_path):
    class Counted(Effect):
        read = 0

        def meters(self, state):
            Counted.read += 1
            return {"read": Counted.read}

    job = job_of()
    job = replace(job, recipe=job.recipe.with_effect("counted", Counted()))
    train(job, [Metrics(tmp_path, every=3)])
    assert Counted.read == 2
    assert [s["effects/counted/read"] for s in lines(tmp_path) if "train/loss" in s] == [1, 2]


@pytest.mark.parametrize("stop", [1, 2, 3, 4, 5])
def test_metrics_of_a_resumed_run_are_those_of_a_whole_one(job_of, tmp_path, stop):
    """The first process dies at the end, so that all after its checkpoint is written twice."""
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    whole.mkdir(), resumed.mkdir()
    train(job_of(), [Metrics(whole, every=1)])

    class Kept(Checkpoint):
        def on_step(self, session, report):
            if session.step == stop:
                self.save(session)

        def on_end(self, session, status):
            pass

    train(job_of(), [Metrics(resumed, every=1), Kept(resumed)])
    with (resumed / "metrics.jsonl").open("a") as file:
        file.write('{"step": 1, "tok')  # as a process leaves it that is killed while it writes
    train(job_of(), [Metrics(resumed, every=1)], resume=read_checkpoint(resumed / NAME, ""))
    assert lines(resumed) == lines(whole)


def test_what_is_not_finite_is_null(job_of, tmp_path):
    overrides = ("optimizer=sgd", "optimizer.lr=1e30", "training.clip=null")
    assert train(job_of(*overrides), [Metrics(tmp_path, every=1)]).status == "diverged"
    assert None in lines(tmp_path)[-1].values()


def test_where_checkpoints_are_slow_they_come_less_often(job_of, tmp_path, monkeypatch):
    """On a clock by which a checkpoint takes 1 s and a step 10 s: at most a 32nd of the time."""
    now, saved = [0.0], []

    class Clocked(Checkpoint):
        def on_step(self, session, report):
            now[0] += 10.0
            super().on_step(session, report)

    def slow(folder, content):
        now[0] += 1.0
        saved.append(now[0])

    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("audition.observers.checkpoint.write_checkpoint", slow)
    train(job_of("budget.steps=12"), [Clocked(tmp_path, minutes=0.1, share=1 / 32)])
    assert saved == [11.0, 52.0, 93.0]


def test_progress_tells_where_a_run_is(job_of):
    told = []
    train(job_of(), [Progress(told.append, every_s=0.0)])
    assert told[0] == {"phase": "training", "step": 0, "steps": 6}
    steps = [t for t in told if "units_per_s" in t]
    assert [t["step"] for t in steps] == [1, 2, 3, 4, 5, 6]
    assert all(t["units_per_s"] > 0 and t["loss"] > 0 for t in steps)
    assert [t["step"] for t in told if t["phase"] == "evaluated"] == [2, 4, 6]


def test_progress_keeps_quiet_in_between(job_of):
    told = []
    train(job_of(), [Progress(told.append, every_s=3600.0)])
    assert [t["phase"] for t in told] == ["training", "evaluated", "evaluated", "evaluated"]


class EveryThird(Effect):
    """Makes an update at steps 0, 3, 6, ... alone, at half the momentum."""

    def before_batch(self, controls, state, view):
        return replace(controls, momentum=0.5), state

    def on_gradients(self, gradient, state, view):
        closed = bool(view.clock.step % 3)
        return (replace(gradient, grads={}, closed=True) if closed else gradient), state


def test_closed_steps_are_counted_and_gains_are_written(job_of, tmp_path):
    job = job_of()
    job = replace(job, recipe=job.recipe.with_effect("third", EveryThird()))
    outcome = train(job, [Metrics(tmp_path, every=1)])
    steps = [line for line in lines(tmp_path) if "train/loss" in line]
    rates = [1, 1 / 2, 1 / 3, 2 / 4, 2 / 5, 2 / 6]
    assert [line["train/update_rate"] for line in steps] == rates
    assert ["train/gradient_norm" in line for line in steps] == [True, False, False] * 2
    assert outcome.session.updates == 2
    gains = {n: v for n, v in steps[2].items() if n.endswith("_gain") and v != 1.0}
    assert gains.pop("train/momentum_gain") == 0.5
    assert set(gains) <= {"train/lr_gain"}
    halfway = train(job, [Checkpoint(tmp_path)], interrupted=lambda step: step == 4)
    assert halfway.session.updates == 2
    resumed = train(job, resume=read_checkpoint(tmp_path / NAME, ""))
    assert resumed.session.updates == 2


def test_every_event_of_apoptosis_is_a_line_of_its_own(job_of, tmp_path):
    soon = (
        "apoptosis/timetable=periodic",
        "apoptosis.timetable.interval=2",
        "apoptosis.timetable.warmup=1",
        "apoptosis.rate=0.3",
    )
    train(job_of("apoptosis=functional_preservation", *soon), [Metrics(tmp_path, every=100)])
    events = [line for line in lines(tmp_path) if "apoptosis/born" in line]
    assert [line["step"] for line in events] == [2, 4]  # the last of six is past the share of 0.8
    for line in events:
        assert line["apoptosis/sites"] == 2
        assert line["apoptosis/born"] == 2 * math.ceil(0.3 * 128)
        assert line["apoptosis/removed"] == 0
        assert line["train/loss"] > 0
