"""Blocks that are computed again backwards: the same bits, less memory, passes that are counted."""

import pytest
import torch

from audition.errors import AuditionError
from audition.parts.recompute import recompute
from audition.recipe.batches import Clock
from audition.recipe.gradient import backward
from audition.recipe.problem import Problem
from audition.session import begin

WAYS = {"blocks": 1.0, "every_2": 0.5}


def first_step(job):
    """The gradient of a run's first step, and how many bytes are kept for its backward pass."""
    session = begin(job.recipe, job.seed, "cpu")
    held: dict[int, int] = {}

    def keep(tensor):
        held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    weights = {p.untyped_storage().data_ptr() for p in session.params.values()}
    problem = Problem(
        session.model,
        session.params,
        job.recipe.loss,
        session.batches.train(Clock(0)),
        context=job.execution.context,
    )
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        gradient = backward(problem)
    return gradient, sum(size for place, size in held.items() if place not in weights)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_gradients_have_the_same_bits_and_forward_passes_are_counted(
    job_of, differences, precision, dropout
):
    common = (f"precision={precision}", f"model.dropout={dropout}", "model.layers=2")
    plain, _ = first_step(job_of(*common))
    for way, share in WAYS.items():
        found, _ = first_step(job_of(*common, f"execution.checkpoint_activations={way}"))
        assert not differences(dict(found.grads), dict(plain.grads))
        assert not differences(dict(found.terms), dict(plain.terms))
        assert (found.cost.forward, found.cost.backward) == (1.0 + share, 1.0)


def test_a_whole_run_has_the_same_bits(trained, weights_of, differences):
    plain, again = trained(), trained("execution.checkpoint_activations=blocks")
    assert not differences(weights_of(plain), weights_of(again))
    assert again.session.cost.forward == 2 * plain.session.cost.forward


def test_shared_layers_and_terms_of_modules_have_the_same_bits(trained, weights_of, differences):
    for more in (("model.layers=2", "model.share_layers=2"), ("feedforward=moe",)):
        plain = trained(*more)
        again = trained(*more, "execution.checkpoint_activations=blocks")
        assert not differences(weights_of(plain), weights_of(again))
        assert again.final == plain.final


def test_less_is_held_for_the_backward_pass(job_of):
    layers = ("model.layers=4",)
    held = {
        way: first_step(job_of(*layers, f"execution.checkpoint_activations={way}"))[1]
        for way in ("none", "every_2", "blocks")
    }
    assert held["blocks"] < held["every_2"] < held["none"]
    assert held["blocks"] < 0.5 * held["none"]


def test_a_model_without_blocks_is_refused():
    with pytest.raises(AuditionError, match="Linear has none that can: choose none"):
        recompute(torch.nn.Linear(2, 2), "blocks")
