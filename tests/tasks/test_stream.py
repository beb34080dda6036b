"""Streams: phases, their batches and clocks, the matrix R and its summary, and what is refused."""

import math
from dataclasses import replace

import pytest
import torch

from audition.data.phases import within_phase
from audition.errors import AuditionError
from audition.measure import Measure
from audition.recipe.batches import Clock
from audition.recipe.streams import Streams
from audition.session import begin
from audition.sweep.check import runnable
from audition.tasks.accuracy_matrix import of_evaluations, summary
from audition.tasks.measures import measures_of as planned_measures
from audition.training.loop import train
from audition.training.step import forget
from audition.training.worker import facts, measures_of

STREAM = ("task=stream", "data.batch_size=8", "budget.steps=15", "precision=fp32")
TEXTS = ("task=stream_text", "model=tiny", "model.context=16", "data.batch_size=4")
SMALL_TEXTS = (*TEXTS, "data.vocab_size=300", "data.evaluation_tokens=512", "budget.steps=6")
ACCURACY = Measure("accuracy", "%", "higher")
LOSS = Measure("loss", "nats", "lower")


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (
            ((50, 50), (90, 10), (60, 80)),
            {
                "average": 70,
                "learning": 85,
                "forgetting": 30,
                "backward_transfer": -30,
                "forward_transfer": -40,
            },
        ),
        (
            ((0, 0, 0), (90, 0, 0), (95, 80, 0), (70, 70, 90)),
            {
                "average": 230 / 3,
                "learning": 260 / 3,
                "forgetting": 17.5,
                "backward_transfer": -15,
                "forward_transfer": 0,
            },
        ),
        (((10, 10), (80, 10)), {"average": 80, "learning": 80}),
        (((10, 10),), {}),
    ],
)
def test_the_summary_of_matrices_made_by_hand(matrix, expected):
    assert summary(matrix, ACCURACY) == pytest.approx(expected)
    turned = {n: v if "er" in n and n != "average" else -v for n, v in expected.items()}
    losses = tuple(tuple(-value for value in row) for row in matrix)
    found = summary(losses, LOSS)
    assert {n: abs(v) for n, v in found.items()} == pytest.approx(
        {n: abs(v) for n, v in turned.items()}
    )
    for name in ("forgetting", "backward_transfer", "forward_transfer"):
        assert found.get(name) == pytest.approx(expected.get(name))


def test_forgetting_is_negative_where_a_phase_got_better_since():
    """The last row is not among those that the best is taken of."""
    assert summary(((0, 0), (60, 0), (70, 90)), ACCURACY)["forgetting"] == -10


def test_rows_of_the_matrix_are_the_ends_of_phases_and_the_latest_look():
    values = [[i] for i in range(6)]
    assert of_evaluations(values, 1) == ((0,), (1,), (2,), (3,), (4,), (5,))
    assert of_evaluations(values, 2) == ((0,), (2,), (4,), (5,))


@pytest.mark.parametrize("steps", [15, 16, 17, 421])
def test_every_step_is_in_one_phase_which_counts_from_nought(job_of, steps):
    batches = begin(job_of(base=STREAM).recipe, 42, "cpu").batches
    seen: dict[int, list[Clock]] = {}
    for step in range(steps):
        clock = Clock(step, steps, step / steps)
        seen.setdefault(batches.phase(clock), []).append(within_phase(clock, 5))
    assert list(seen) == [0, 1, 2, 3, 4]
    for clocks in seen.values():
        assert [c.step for c in clocks] == list(range(clocks[0].steps))
        assert all(c.fraction == c.step / c.steps for c in clocks)


def test_a_phase_trains_on_its_classes_alone_and_all_are_held_out(job_of):
    batches = begin(job_of(base=STREAM).recipe, 42, "cpu").batches
    assert sorted(n for names in batches.names for n in names) == list("0123456789")
    for step in range(15):
        batch = batches.train(Clock(step, 15))
        phase = step // 3
        assert set(batch.groups.tolist()) == {phase}
        assert {str(c) for c in batch.targets.tolist()} <= set(batches.names[phase])
        looked_at = batches.probe(step)
        assert {str(c) for c in looked_at.targets.tolist()} <= set(batches.names[phase])
    held_out = list(batches.held_out())
    assert sum(b.rows for b in held_out) == 500
    assert torch.cat([b.groups for b in held_out]).bincount().tolist() == [100] * 5


def test_the_order_is_the_seeds_and_no_ideas(job_of):
    def names(seed, *path):
        return job_of(base=STREAM).recipe.data(Streams(seed, path)).names

    assert names(42) == names(42, "ideas", "placebo", "sugar") != names(43)
    fixed = job_of("task.order=fixed", base=STREAM).recipe.data(Streams(42)).names
    assert fixed[0] == ("0", "1")
    typed = job_of("task.order=[3,1,4,0,5,9,2,6,8,7]", base=STREAM).recipe.data(Streams(42))
    assert typed.names[0] == ("3", "1")


def test_scenarios(job_of):
    def first(scenario):
        data = job_of(f"task.scenario={scenario}", base=STREAM).recipe.data(Streams(42))
        return data, data.train(Clock(4, 15))

    plain, of_class = first("class")
    told, of_task = first("task")
    placed, of_domain = first("domain")
    group = sorted(int(name) for name in plain.names[1])
    assert of_class.allowed is None
    assert torch.equal(of_task.targets, of_class.targets)
    assert [row.nonzero().flatten().tolist() for row in of_task.allowed] == [group] * 8
    assert placed.shape.outputs == 2
    assert [group[i] for i in of_domain.targets.tolist()] == of_class.targets.tolist()
    assert told.shape.outputs == plain.shape.outputs == 10


@pytest.mark.parametrize("scenario", ["class", "task", "domain"])
def test_one_phase_is_the_plain_task(job_of, weights_of, differences, scenario):
    one = train(job_of("task.phases=1", f"task.scenario={scenario}", base=STREAM))
    plain = train(job_of(base=("experiment=digits", "model=mlp", *STREAM[1:])))
    assert not differences(weights_of(one), weights_of(plain))
    for name in ("val/accuracy", "val/loss"):
        assert one.final[name] == plain.final[name] == one.final[f"{name}_phase_1"]


@pytest.mark.usefixtures("few_documents")
def test_one_phase_of_text_is_the_plain_task(job_of, weights_of, differences):
    one = train(job_of("task.phases=1", base=SMALL_TEXTS))
    plain = train(job_of("task=language", "data=two_domains", base=SMALL_TEXTS[1:]))
    assert not differences(weights_of(one), weights_of(plain))
    assert one.final["val/loss"] == plain.final["val/loss"]


@pytest.mark.usefixtures("few_documents")
def test_texts_follow_each_other(job_of):
    job = job_of(base=SMALL_TEXTS)
    outcome = train(job)
    batches = outcome.session.batches
    first, second = (batches.train(Clock(step, 6)) for step in (0, 3))
    assert (first.groups[0], second.groups[0]) == (0, 1)
    history = job.task.history([e.metrics for e in outcome.session.evaluations], 2)
    assert {n: (len(m), len(m[0])) for n, m in history["matrices"].items()} == {
        "val_loss": (3, 2),
        "val_bpb": (3, 2),
    }
    assert math.isfinite(outcome.final["val/forgetting"])


@pytest.mark.parametrize("evaluations", [5, 10])
def test_evaluations_fall_on_boundaries_and_the_first_is_untrained(job_of, evaluations):
    job = job_of(f"training.evaluations={evaluations}", "budget.steps=17", base=STREAM)
    outcome = train(job)
    steps = [e.step for e in outcome.session.evaluations]
    assert steps[0] == 0
    assert len(steps) == evaluations + 1
    assert steps[:: evaluations // 5] == [0, 4, 7, 11, 14, 17]
    found = [e.metrics for e in outcome.session.evaluations]
    matrix = job.task.history(found, evaluations)["matrices"]["val_accuracy"]
    assert len(matrix) == 6
    told = facts(outcome, measures_of(job))["metrics"]
    assert told["val_forgetting"] == summary(matrix, ACCURACY)["forgetting"]
    assert told["val_accuracy"] == pytest.approx(told["val_average"])


def test_what_is_planned_is_what_is_measured(job_of, settings_of):
    job = job_of(base=STREAM)
    found = facts(train(job), measures_of(job))["metrics"]
    planned = planned_measures(settings_of(base=STREAM))
    assert planned == measures_of(job)
    assert set(planned) == {name for name in found if not name.endswith("_best")}


def test_a_schedule_begins_anew_in_each_phase(job_of):
    per_phase, whole = (job_of(*w, base=STREAM).recipe for w in ((), ("task.schedule=run",)))
    at = [Clock(step, 15, step / 15) for step in (2, 5, 14)]
    gains = [per_phase.schedule(clock).lr for clock in at]
    assert gains[0] == gains[1] == gains[2]
    assert len({whole.schedule(clock).lr for clock in at}) == 3


@pytest.mark.parametrize("optimizer", ["adamw", "muon", "schedule_free"])
def test_moments_are_kept_or_forgotten_where_a_phase_begins(
    job_of, differences, weights_of, optimizer
):
    words = (f"optimizer={optimizer}", "optimizer.lr=0.01")
    kept, reset = (
        train(job_of(*words, f"task.moments={how}", base=STREAM)) for how in ("kept", "reset")
    )
    assert differences(weights_of(kept), weights_of(reset))
    fresh = job_of(*words, base=STREAM).recipe.optimizer(reset.session.params)
    forget(reset.session.optimizer, fresh)
    assert not reset.session.optimizer.state_dict()["state"]


def test_a_stream_stopped_at_a_boundary_goes_on_as_if_it_had_not(job_of, differences):
    job = job_of("task.moments=reset", base=STREAM)
    whole = train(job).session.snapshot()
    stopped = train(job, interrupted=lambda step: step == 6)
    resumed = train(job, resume=stopped.session.snapshot()).session.snapshot()
    for each in (whole, resumed):
        del each["seconds"]
    assert not differences(whole, resumed)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("training.evaluations=3",), r"training\.evaluations=3 would miss .* task\.phases=5"),
        (("task.phases=11",), r"task\.phases=11 is more than the 10 classes of Digits"),
        (("task.order=[0,1,cat]",), r"task\.order names 'cat', which the data lack"),
        (("task.order=[0,1]",), r"task\.order has to name each of the 10 classes once"),
        (
            ("budget.steps=null", "budget.examples=null", "budget.minutes=1"),
            r"budget\.minutes=1 does not say where a phase ends",
        ),
        (("budget.steps=4",), r"a run of 4 steps is too short for training\.evaluations=5"),
    ],
)
def test_what_cannot_be_a_stream_is_refused(settings_of, words, said):
    with pytest.raises(AuditionError, match=said):
        runnable(settings_of(*words, base=STREAM))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("data=shakespeare", "data.vocab_size=null"),
            "Shakespeare tells none apart: choose data=two_domains",
        ),
        (("task.scenario=class",), r"task\.scenario=class tells parts apart by their answers"),
        (("task.phases=3",), r"task\.phases=3 is more than the 2 domains of TwoDomains"),
    ],
)
def test_what_cannot_be_a_stream_of_texts_is_refused(settings_of, words, said):
    with pytest.raises(AuditionError, match=said):
        runnable(settings_of(*words, base=SMALL_TEXTS))


def test_how_a_run_learns_is_no_part_of_what_it_is_asked(settings_of):
    def asked(*words):
        from audition.config.identity import identify

        return identify(settings_of(*words, base=STREAM))

    plain = asked()
    assert plain.evaluation == asked("task.moments=reset").evaluation
    assert plain.config_hash != asked("task.moments=reset").config_hash
    assert plain.evaluation != asked("task.order=fixed").evaluation


def test_a_pack_of_streams_is_each_of_them(job_of, differences, weights_of):
    from audition.training.loop import Run, opened
    from audition.training.packing.session import train_packed

    words = ("task.moments=reset", "task.scenario=task")
    jobs = [replace(job_of(*words, base=STREAM), seed=seed) for seed in (42, 43)]
    outcomes = train_packed([Run(job, opened(job)) for job in jobs], lambda text: None)
    for job, outcome in zip(jobs, outcomes, strict=True):
        alone = train(job)
        for name, weight in weights_of(alone).items():
            torch.testing.assert_close(weights_of(outcome)[name], weight, rtol=1e-4, atol=1e-6)
