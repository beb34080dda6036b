"""Mixtures: what is in a batch, what is measured of each part, and when they are other tasks."""

from typing import ClassVar

import pytest
import torch
from standins import fashion
from torch import nn

from audition.data.phases import AtOnce
from audition.errors import AuditionError
from audition.measure import Measure
from audition.recipe.batches import Clock
from audition.recipe.problem import Predict
from audition.recipe.streams import Streams
from audition.session import begin
from audition.sweep.check import check_may_choose, runnable
from audition.tasks.classification import Classification
from audition.tasks.mixture import Mixture
from audition.tasks.parting import shared_out
from audition.training.loop import train
from audition.training.worker import facts, measures_of

SETS = ("task=mixture", "data.batch_size=8", "budget.steps=6", "precision=fp32", "model.width=16")
DIGITS = (*SETS, "data=digits", "task.parts=5")
SMALL_TEXTS = (
    *("model=tiny", "model.context=16", "data.batch_size=4", "data.evaluation_tokens=512"),
    *("budget.steps=4", "precision=fp32", "data.vocab_size=300"),
)
TEXTS = ("task=mixture_text", *SMALL_TEXTS)


def batches_of(job, seed=42):
    return job.recipe.data(Streams(seed))


def test_two_sets_of_pictures_are_one_set_of_summed_classes(job_of):
    batches = batches_of(job_of(base=SETS))
    assert isinstance(batches, AtOnce)
    assert batches.shape.inputs == (1, 28, 28)
    assert batches.shape.outputs == 20
    assert batches.domains == ("digits", "mnist_5k")
    seen = [batches.train(Clock(step)) for step in range(40)] + [batches.probe(s) for s in range(9)]
    for batch in seen:
        assert batch.groups.bincount().tolist() == [4, 4]
        for group, target, allowed in zip(
            batch.groups.tolist(), batch.targets.tolist(), batch.allowed, strict=True
        ):
            assert allowed.nonzero().flatten().tolist() == list(range(10 * group, 10 * group + 10))
            assert target // 10 == group
    trained = torch.cat([b.ids for b in seen])
    held_out = list(batches.held_out())
    assert sum(b.rows for b in held_out) == 1500
    ids = torch.cat([b.ids for b in held_out])
    assert len(ids.unique()) == 1500
    assert not {*ids.tolist()} & {*trained.tolist()}


def test_the_smaller_pictures_are_enlarged_by_a_whole_factor(job_of):
    small = next(batches_of(job_of(base=("experiment=digits",))).held_out())
    large = next(batches_of(job_of(base=SETS)).held_out())
    assert torch.equal(large.ids[:8], small.ids[:8])
    middle = large.inputs[:8, :, 2:26:3, 2:26:3]
    # Black at the edge changes mean and deviation of the scale, and nothing else.
    both = torch.stack([small.inputs[:8].flatten(), middle.flatten()])
    assert torch.corrcoef(both)[0, 1] > 1 - 1e-6
    assert torch.equal(middle, large.inputs[:8, :, 4:28:3, 4:28:3])


@pytest.mark.parametrize(("scenario", "outputs"), [("task", 20), ("class", 20), ("domain", 10)])
def test_scenarios(job_of, scenario, outputs):
    batches = batches_of(job_of(f"task.scenario={scenario}", base=SETS))
    batch = batches.train(Clock(0))
    assert batches.shape.outputs == outputs
    assert (batch.allowed is None) == (scenario != "task")
    assert (batch.targets < 10).all() == (scenario == "domain")


@pytest.mark.parametrize("scenario", ["class", "task", "domain"])
def test_one_part_is_the_plain_task(job_of, weights_of, differences, scenario):
    one = train(job_of("task.parts=1", f"task.scenario={scenario}", base=DIGITS))
    plain = train(job_of(base=("experiment=digits", "model=mlp", *SETS[1:])))
    assert not differences(weights_of(one), weights_of(plain))
    for name in ("val/accuracy", "val/loss"):
        assert one.final[name] == plain.final[name] == one.final[f"{name}_part_1"]


@pytest.mark.usefixtures("few_documents")
def test_one_part_of_text_is_the_plain_task(job_of, weights_of, differences):
    one = train(job_of("task.parts=1", base=TEXTS))
    plain = train(job_of(base=("data=two_domains", *SMALL_TEXTS)))
    assert not differences(weights_of(one), weights_of(plain))
    assert one.final["val/loss"] == plain.final["val/loss"] == one.final["val/worst"]


@pytest.mark.usefixtures("few_documents")
@pytest.mark.parametrize(
    ("mixture", "stream"),
    [
        (DIGITS, ("task=stream", "task.order=fixed", "task.scenario=task", *SETS[1:])),
        (SETS, ("task=stream", "data=two_sets", "task.phases=2", "task.order=fixed", *SETS[1:])),
        (TEXTS, ("task=stream_text", *SMALL_TEXTS)),
    ],
    ids=["classes", "sets", "texts"],
)
def test_a_mixture_is_joint_training_of_a_stream(job_of, weights_of, differences, mixture, stream):
    told = ("task.scenario=task",) if "data=two_sets" in stream else ()
    joint = train(job_of("+idea=joint", *told, "budget.steps=10", base=stream))
    mixed = train(job_of("budget.steps=10", base=mixture))
    assert not differences(weights_of(joint), weights_of(mixed))
    for name in ("val/accuracy", "val/loss"):
        assert joint.final.get(name) == mixed.final.get(name)
    measured = [name for name in mixed.final if name.startswith("val/loss_")]
    assert [mixed.final[name] for name in measured] == [
        joint.final[f"val/loss_phase_{i + 1}"] for i in range(len(measured))
    ]
    ours, theirs = (each.session.batches.probe(3) for each in (mixed, joint))
    assert torch.equal(ours.inputs, theirs.inputs)


def test_a_learner_of_streams_is_refused_by_what_is_no_stream(job_of):
    for words in (("+idea=replay",), ("+idea=ewc",)):
        with pytest.raises(AuditionError, match=r"is for phases .* choose task=stream"):
            begin(job_of(*words, base=SETS).recipe, 42, "cpu")


def test_each_part_is_measured_and_the_worst_is_told(job_of, settings_of):
    from audition.tasks.measures import measures_of as planned_measures

    job = job_of(base=SETS)
    outcome = train(job)
    found = outcome.final
    assert found["val/worst"] == min(found["val/accuracy_digits"], found["val/accuracy_mnist_5k"])
    whole = (500 * found["val/accuracy_digits"] + 1000 * found["val/accuracy_mnist_5k"]) / 1500
    assert found["val/accuracy"] == pytest.approx(whole)
    recorded = facts(outcome, measures_of(job, outcome.session.batches.domains))["metrics"]
    planned = planned_measures(settings_of(base=SETS))
    assert planned == measures_of(job, outcome.session.batches.domains)
    assert set(planned) == {name for name in recorded if not name.endswith("_best")}


def test_the_worst_of_a_loss_is_the_largest():
    class ByLoss(Classification):
        measures: ClassVar = dict(reversed(Classification.measures.items()))

    found = [{"val/loss_part_1": 0.5, "val/loss_part_2": 0.75, "val/accuracy_part_1": 9.0}]
    assert Mixture(of=ByLoss()).summary(found, 1) == {"val/worst": 0.75}
    assert Mixture(of=Classification()).summary([], 1) == {}
    assert Mixture(of=Classification()).measures_on(())["val_worst"] == Measure(
        "validation accuracy, the worst part", "%", "higher"
    )


class Routed(nn.Module):
    """A head for each group, over nothing else."""

    routed = True

    def __init__(self, shape):
        super().__init__()
        self.heads = nn.Embedding(2, shape.outputs)

    def forward(self, inputs, groups):
        return self.heads(groups)


def test_a_routed_model_is_told_the_groups_in_training_and_at_test(job_of):
    batches = batches_of(job_of(base=SETS))
    model = Routed(batches.shape)
    predict = Predict(model)
    for batch in (batches.train(Clock(0)), *batches.held_out()):
        expected = model.heads.weight[batch.groups].masked_fill(~batch.allowed, -torch.inf)
        assert torch.equal(predict(batch), expected)


def test_names_are_shared_out_evenly():
    groups = shared_out([str(i) for i in range(7)], 3)
    assert [len(group) for group in groups] == [2, 2, 3]
    assert sum(groups, ()) == tuple("0123456")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("task.parts=3",), r"task\.parts=3 is more than the 2 domains of TwoSets: choose 2 or"),
        (("data=digits", "task.parts=11"), r"task\.parts=11 is more than the 10 classes of Digits"),
        (
            ("data.batch_size=1300",),
            r"data\.batch_size=1300 is more than the 1197 pictures of data\.f",
        ),
        (
            ("data.first.batch_size=8",),
            r"data\.first\.batch_size has no meaning .* data\.batch_size",
        ),
    ],
)
def test_what_cannot_be_a_mixture_is_refused(settings_of, words, said):
    settings = settings_of(*words, base=SETS)
    with pytest.raises(AuditionError, match=said):
        runnable(settings)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("data=shakespeare", "data.vocab_size=null"),
            "Shakespeare tells none apart: choose data=two_sets",
        ),
        (("task.scenario=task",), r"task\.scenario=task tells parts apart by their answers"),
    ],
)
def test_what_cannot_be_a_mixture_of_texts_is_refused(settings_of, words, said):
    with pytest.raises(AuditionError, match=said):
        runnable(settings_of(*words, base=TEXTS))


def test_a_test_set_within_a_mixture_is_no_place_to_choose_by(settings_of, tmp_path):
    _, path, digests = fashion(tmp_path / "fashion")
    second = "data.second._target_=audition.data.fashion.Fashion"
    words = (
        second,
        path.replace("data.", "+data.second."),
        digests.replace("data.", "+data.second."),
    )
    settings = settings_of(*words, "+data.second.held_out=test", base=SETS)
    with pytest.raises(AuditionError, match=r"data\.second\.held_out=test is for a comparison"):
        check_may_choose(settings)
