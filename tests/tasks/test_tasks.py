"""Tasks from their settings to a record: units, measures, metric, and what does not fit."""

import json
import math
from dataclasses import replace
from typing import ClassVar

import pytest
import torch
from torch import nn

from audition.config.instantiate import construct
from audition.config.root import names_in
from audition.errors import AuditionError
from audition.measure import Measure
from audition.observers.checkpoint import NAME, Checkpoint, read_checkpoint
from audition.recipe.evaluator import Evaluator
from audition.recipe.problem import Loss
from audition.sweep.check import runnable
from audition.tasks.language import Language
from audition.tasks.measures import measures_of as planned_measures
from audition.tasks.measures import metric_of, task_of
from audition.training.loop import train
from audition.training.worker import digest, facts, measures_of

DIGITS = ("experiment=digits", "data.batch_size=16", "budget.steps=6", "training.evaluations=3")


def test_a_language_run_is_counted_in_tokens(job_of):
    job = job_of()
    found = facts(train(job), measures_of(job))
    assert job.task.unit == "tokens"
    assert found["units"] == 6 * 64
    assert list(found["metrics"]) == ["val_loss", "val_loss_best", "val_bpb", "val_bpb_best"]


@pytest.mark.parametrize("name", names_in("task"))
def test_every_task_says_which_gain_counts_before_there_are_runs(settings_of, name):
    task = task_of(settings_of(f"task={name}", base=()))
    how = task.measures[task.primary]
    assert how.worth is not None
    assert how.worth > 0


@pytest.mark.parametrize("model", ["convnet", "mlp"])
def test_an_image_run_is_counted_in_examples_and_speaks_of_no_text(job_of, model):
    job = job_of(f"model={model}", base=DIGITS)
    found = facts(train(job), measures_of(job))
    assert (job.task.unit, found["units"]) == ("examples", 6 * 16)
    assert found["metrics"]["val_accuracy_best"] >= found["metrics"]["val_accuracy"]
    assert found["metrics"]["val_loss_best"] <= found["metrics"]["val_loss"]
    said = json.dumps([vars(m) for m in measures_of(job).values()]) + json.dumps(found["metrics"])
    assert not any(word in said for word in ("token", "bpb", "byte"))


def test_an_image_run_learns(job_of):
    job = job_of(base=("experiment=digits", "budget.steps=150", "precision=fp32"))
    assert train(job).final["val/accuracy"] > 80.0


@pytest.mark.parametrize(
    ("model", "parameters"),
    [("mlp", 64 * 128 + 128 + 128 * 128 + 128 + 1290), ("convnet", 94_410)],
)
def test_parameters(job_of, model, parameters):
    job = job_of(f"model={model}", "budget.steps=1", base=DIGITS)
    assert facts(train(job), {})["parameters"] == parameters


def test_a_further_evaluator_is_in_the_record(job_of, settings_of):
    overrides = ("evaluator=[calibration,top_k]",)
    job = job_of(*overrides)
    found = facts(train(job), measures_of(job))
    for name in ("calibration_error", "top_k_accuracy", "top_k_accuracy_best"):
        assert math.isfinite(found["metrics"][name])
    assert measures_of(job)["top_k_accuracy"].better == "higher"
    assert measures_of(job) == planned_measures(settings_of(*overrides))


def test_a_sweep_may_be_judged_by_any_measure(settings_of):
    assert metric_of(settings_of()) == "val_loss"
    assert metric_of(settings_of("metric=val_bpb")) == "val_bpb"
    assert metric_of(settings_of(base=DIGITS)) == "val_accuracy"
    beside = settings_of("evaluator=[calibration]", "metric=calibration_error_best")
    assert metric_of(beside) == "calibration_error_best"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("metric=val_accuracy",), r"metric=val_accuracy is not measured in these runs"),
        (("metric=val_los",), r"metric=val_los is not measured.*val_loss"),
        (
            (
                "task=classification",
                "budget.steps=null",
                "budget.examples=null",
                "budget.tokens=5000",
            ),
            r"budget\.tokens=5000 counts tokens, and this task is counted in examples",
        ),
        (
            ("budget.steps=null", "budget.tokens=null", "budget.examples=500"),
            r"budget\.examples=500 counts examples, and this task is counted in tokens",
        ),
        (("budget.steps=null", "budget.tokens=null"), r"the run has no budget"),
        (
            ("budget.steps=null", "budget.examples=9"),
            r"budget\.tokens=1000000 and budget\.examples=9 are both set",
        ),
        (
            (
                "evaluator=[calibration]",
                "+evaluator.val._target_=audition.evaluators.next_token.NextToken",
            ),
            r"evaluator\.val would replace the task's own",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(settings_of, overrides, said):
    settings = settings_of(
        *overrides, **({"base": DIGITS} if "task=classification" in overrides else {})
    )
    with pytest.raises(AuditionError, match=said):
        runnable(settings)


class Promising(Language):
    """Promises a measure that its evaluator does not make."""

    measures: ClassVar = {**Language.measures, "val_worth": Measure("worth", "")}


def test_a_task_that_measures_less_than_it_promises_is_refused(job_of):
    with pytest.raises(AuditionError, match="promises 'val_worth', and no evaluator of it"):
        train(replace(job_of(), task=Promising()))


class Temperature(Loss):
    """Cross-entropy at a temperature that is trained along, which counts its calls."""

    def init(self, shape):
        own = nn.Module()
        own.log_t = nn.Parameter(torch.zeros(()))
        own.log_t.initial = None
        own.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        own.reset_parameters = lambda: own.log_t.data.fill_(0.5)
        return own

    def __call__(self, predict, batch, clock):
        predict.own.calls += 1
        logits = predict(batch) / predict.own.log_t.exp()
        loss = nn.functional.cross_entropy(logits.flatten(0, -2), batch.targets.flatten())
        return {"at_temperature": loss * (1.0 + clock.fraction)}


def test_a_loss_may_own_parameters_and_state_which_are_trained_kept_and_resumed(
    job_of, differences, tmp_path
):
    job = job_of()
    job = replace(job, recipe=replace(job.recipe, loss=Temperature()))
    whole = train(job)
    session = whole.session
    assert session.params["loss.log_t"].item() != 0.5
    assert session.buffers["loss.calls"].item() == 6
    assert digest(session.params) != digest({**session.params, **session.buffers})
    train(job, [Checkpoint(tmp_path)], interrupted=lambda step: step == 4)
    resumed = train(job, resume=read_checkpoint(tmp_path / NAME, ""))
    ours, theirs = resumed.session.snapshot(), session.snapshot()
    for parts in (ours, theirs):
        del parts["seconds"]
    assert not differences(ours, theirs)


class Undefined(Evaluator):
    def __call__(self, held_out):
        return {"value": math.nan}


def test_a_further_evaluator_that_is_not_a_number_does_not_end_the_run(job_of):
    job = job_of()
    job = replace(job, recipe=replace(job.recipe, evaluators={"odd": Undefined()}))
    outcome = train(job)
    assert outcome.status == "finished"
    assert math.isnan(facts(outcome, measures_of(job))["metrics"]["odd_value"])


class Late(Evaluator):
    """Not a number at the first evaluation, then 3, then 4; better when higher."""

    measures: ClassVar = {"value": ("value", "", "higher")}

    def __init__(self):
        self.left = [4.0, 3.0, math.nan]

    def __call__(self, held_out):
        return {"value": self.left.pop()}


def test_the_best_of_a_metric_is_the_best_number_of_it(job_of):
    job = job_of("training.evaluations=3")
    job = replace(job, recipe=replace(job.recipe, evaluators={"late": Late()}))
    found = facts(train(job), measures_of(job))["metrics"]
    assert (found["late_value"], found["late_value_best"]) == (4.0, 4.0)


def test_an_idea_cannot_replace_what_the_task_is_judged_by(job_of):
    job = job_of()
    job = replace(job, recipe=replace(job.recipe, evaluators={"val": Undefined()}))
    with pytest.raises(AuditionError, match="'val' would replace the task's own"):
        train(job)


def test_tokenizers_compare_per_byte_on_the_whole_text(settings_of):
    def settings(*words):
        return settings_of("task=language_per_byte", *words, base=("model=tiny",))

    def measured_on(*words):
        made = settings(*words)
        return task_of(made).evaluation_fingerprint(construct(made["data"]))

    assert measured_on() == measured_on("data=shakespeare_bpe") == measured_on("model.context=32")
    assert measured_on() != measured_on("data=stdlib")
    with pytest.raises(AuditionError, match=r"set data\.evaluation_tokens=full"):
        measured_on("data.evaluation_tokens=512")
    assert list(planned_measures(settings())) == ["val_bpb"]


@pytest.mark.usefixtures("few_documents")
def test_bits_per_byte_stand_alone_where_tokens_differ(job_of):
    words = ("data=shakespeare_bpe", "data.vocab_size=300", "budget.steps=1")
    per_byte = ("task=language_per_byte", "data.evaluation_tokens=full")
    job, whole = job_of(*words, *per_byte), job_of(*words, "data.evaluation_tokens=full")
    found = facts(train(job), measures_of(job))["metrics"]
    assert list(found) == ["val_bpb", "val_bpb_best"]
    assert found["val_bpb"] == facts(train(whole), measures_of(whole))["metrics"]["val_bpb"]
