"""Permuted pixels: the orders, the rows of each phase, and at what limits they are the plain task."""

from dataclasses import replace

import pytest
import torch

from audition.data.permuted import Permuted, orders_of
from audition.errors import AuditionError
from audition.recipe.batches import Clock
from audition.recipe.problem import Predict
from audition.recipe.streams import Streams
from audition.session import begin
from audition.sweep.check import runnable
from audition.training.loop import train

PLAIN = ("data.batch_size=8", "budget.steps=12", "precision=fp32", "model.width=16")
PERMUTED = ("task=permuted", "task.phases=3", *PLAIN)
DIGITS = ("experiment=digits", "model=mlp", *PLAIN)


def phases_of(job, *path, seed=42):
    return job.recipe.data(Streams(seed, path))


def test_orders_are_those_of_the_seed_whatever_idea_asks(job_of):
    orders = orders_of(Streams(1).child("task"), 4, 64)
    assert torch.equal(orders[0], torch.arange(64))
    assert all(torch.equal(order.sort().values, orders[0]) for order in orders)
    assert len({tuple(order.tolist()) for order in orders}) == 4
    own, by_idea, other, fixed, fixed_other = (
        phases_of(job_of(*words, base=PERMUTED), *path, seed=seed).whole.orders
        for words, path, seed in (
            ((), (), 42),
            ((), ("ideas", "placebo", "sugar"), 42),
            ((), (), 43),
            (("task.order=fixed",), (), 42),
            (("task.order=fixed",), (), 43),
        )
    )
    assert torch.equal(own, by_idea)
    assert not torch.equal(own, other)
    assert torch.equal(fixed, fixed_other)


def test_a_phase_has_the_pictures_of_the_plain_task_in_its_order(job_of):
    phases, plain = phases_of(job_of(base=PERMUTED)), phases_of(job_of(base=DIGITS))
    orders = phases.whole.orders
    for phase in range(3):
        for ours, theirs in (
            (phases.train(Clock(4 * phase + 1, 12)), plain.train(Clock(1))),
            *zip(phases.parts[phase].held_out(), plain.held_out(), strict=True),
        ):
            assert torch.equal(ours.inputs.flatten(1), theirs.inputs.flatten(1)[:, orders[phase]])
            assert torch.equal(ours.targets, theirs.targets)
    held_out = torch.cat([batch.groups for batch in phases.held_out()])
    assert held_out.bincount().tolist() == [500] * 3


def test_channels_of_a_place_move_together(job_of):
    batch = next(phases_of(job_of(base=DIGITS)).held_out())
    whole = phases_of(job_of(base=DIGITS))
    colour = torch.cat([batch.inputs, 2 * batch.inputs, 3 * batch.inputs], dim=1)
    orders = orders_of(Streams(3), 2, 64)
    found = (
        Permuted(whole, orders)
        .of(replace(batch, inputs=colour), torch.ones_like(batch.groups))
        .inputs
    )
    assert torch.equal(found[:, 1], 2 * found[:, 0])
    assert torch.equal(found[:, 2], 3 * found[:, 0])
    assert torch.equal(found[:, 0].flatten(1), batch.inputs.flatten(1)[:, orders[1]])


def test_a_perceptron_whose_inputs_are_permuted_along_answers_the_same(job_of):
    session = begin(job_of(base=PERMUTED).recipe, 42, "cpu")
    phases, model = session.batches, session.model
    first, third = (next(phases.parts[phase].held_out()) for phase in (0, 2))
    plain = Predict(model)(first)
    assert (Predict(model)(third) - plain).abs().max() > 0.1
    with torch.no_grad():
        weight = model.hidden[0].weight
        weight.copy_(weight[:, phases.whole.orders[2]].clone())
    torch.testing.assert_close(Predict(model)(third), plain)


@pytest.mark.parametrize("scenario", ["domain", "task", "class"])
def test_one_phase_is_the_plain_task(job_of, weights_of, differences, scenario):
    one = train(job_of("task.phases=1", f"task.scenario={scenario}", base=PERMUTED))
    plain = train(job_of(base=DIGITS))
    assert not differences(weights_of(one), weights_of(plain))
    for name in ("val/accuracy", "val/loss"):
        assert one.final[name] == plain.final[name] == one.final[f"{name}_phase_1"]


@pytest.mark.parametrize(("scenario", "outputs"), [("domain", 10), ("task", 30), ("class", 30)])
def test_scenarios(job_of, scenario, outputs):
    phases = phases_of(job_of(f"task.scenario={scenario}", base=PERMUTED))
    batch = phases.train(Clock(9, 12))
    assert phases.shape.outputs == outputs
    assert (batch.targets >= 20).all() == (scenario != "domain")
    assert (batch.allowed is None) == (scenario != "task")
    if batch.allowed is not None:
        assert batch.allowed[:, 20:].all()
        assert not batch.allowed[:, :20].any()


@pytest.mark.parametrize("scenario", ["domain", "task"])
def test_joint_training_has_all_orders_in_turn(job_of, scenario):
    job = job_of("+idea=joint", f"task.scenario={scenario}", base=PERMUTED)
    batches = begin(job.recipe, 42, "cpu").batches
    groups = torch.cat([batches.train(Clock(step, 12)).groups for step in range(3)])
    assert groups.tolist() == [place % 3 for place in range(24)]
    batch = batches.train(Clock(0, 12))
    assert torch.equal(batch.inputs[1], batches.phases.parts[1].train(Clock(0)).inputs[1])
    assert train(job).final["val/forgetting"] < 20


def test_what_is_evaluated_is_not_the_stream_of_classes(settings_of):
    from audition.config.identity import identify

    permuted, stream = (
        identify(settings_of(f"task={task}", "task.phases=3", "task.scenario=domain", base=PLAIN))
        for task in ("permuted", "stream")
    )
    assert permuted.evaluation != stream.evaluation


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("data=shakespeare", "model=tiny"),
            "permuted pixels are those of pictures, and Shakespeare has none",
        ),
        (("training.evaluations=4",), r"training\.evaluations=4 would miss .* task\.phases=3"),
    ],
)
def test_what_has_no_pixels_or_misses_a_boundary_is_refused(settings_of, words, said):
    with pytest.raises(AuditionError, match=said):
        runnable(settings_of(*words, base=PERMUTED))
