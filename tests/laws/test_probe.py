"""Laws 8 and 9 for strategies that look: every pass is counted, and no held-out text is in reach."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from audition.recipe.batches import Clock
from audition.recipe.probe import Probe
from audition.recipe.streams import Streams
from audition.recipe.turnover import Turnover
from audition.recipe.units import sites
from audition.session import begin
from audition.training.loop import train
from audition.training.step import probe_of

STEPS = 6


class Looking(Turnover):
    """Looks at the model twice after every other step, and proposes nothing."""

    def propose(self, probe, gradient, state, view):
        if view.clock.step % 2:
            probe.outputs(view.clock.step)
            probe.activations(0)
        return (), state


@pytest.fixture
def looking(job_of):
    """Overrides -> a job whose strategy looks."""

    def made(*overrides):
        job = job_of(*overrides)
        return replace(job, recipe=replace(job.recipe, apoptosis=Looking()))

    return made


@pytest.fixture
def probe(job_of):
    """A probe of a run that has not begun, and its session."""
    job = job_of("model.dropout=0.2")
    session = begin(job.recipe, job.seed, "cpu")
    return probe_of(job, session, session.batches.train(Clock(0)).rows), session


def test_8_and_9_what_a_strategy_looks_at_is_training_text_and_is_counted(looking, looking_at):
    job, look = looking_at(looking())
    session = train(job).session
    assert session.cost.forward == pytest.approx(look.spent["forward"]) == STEPS + 2 * STEPS // 2
    assert session.cost.backward == pytest.approx(look.spent["backward"]) == STEPS
    assert look.read == []


def public(value: Any, depth: int = 3) -> Iterator[Any]:
    """A value and whatever can be reached from it by public names."""
    yield value
    for name in dir(value) if depth else ():
        if not name.startswith("_") and not isinstance(value, torch.Tensor | type(public)):
            yield from public(getattr(value, name), depth - 1)


def test_8_no_held_out_text_is_in_reach_of_a_probe(probe):
    looker, session = probe
    assert hasattr(session.batches, "held_out")
    for reached in public(looker):
        assert reached is not session.batches
        assert reached is not session.model
        assert not hasattr(reached, "held_out")
        assert not isinstance(reached, torch.nn.Module)


def test_looking_changes_no_bit_of_the_run(looking, trained, weights_of, differences):
    """Passes are in evaluation mode: they draw no dropout, so the run is the one that never looked."""
    dropout = "model.dropout=0.1"
    seen, unseen = train(looking(dropout)), trained(dropout)
    assert not differences(weights_of(seen), weights_of(unseen))
    assert seen.final == unseen.final
    assert seen.session.cost.forward > unseen.session.cost.forward


def test_a_look_is_a_pass_over_the_batch_of_that_number(probe):
    looker, session = probe
    batch = session.batches.probe(3)
    assert torch.equal(looker.batch(3).inputs, batch.inputs)
    assert looker.cost.forward == 0.0
    found = looker.outputs(3)
    assert session.model.training
    assert not found.requires_grad
    with torch.no_grad():
        assert torch.equal(session.model.eval()(batch.inputs), found)
    session.model.train()
    assert looker.cost.forward == batch.rows / session.batches.train(Clock(0)).rows


def test_activations_are_what_the_next_map_reads(probe):
    looker, session = probe
    model, batch = session.model, session.batches.probe(1)
    seen = looker.activations(1)
    assert seen.keys() == sites(model).keys()
    with torch.no_grad():
        model.eval()
        x = model.embed(batch.inputs)
        block = model.blocks[0]
        x = x + block.attention(block.attention_norm(x), model.positional)
        expected = block.feedforward.hidden(block.feedforward_norm(x))
    assert torch.equal(seen["blocks.0.feedforward"], expected)
    assert looker.activations(1) is seen  # the weights are the same until the step is over
    assert looker.cost.forward == 1.0
    assert looker.activations(2) is not seen
    assert looker.cost.forward == 2.0
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_every_process_that_looks_is_counted(job_of):
    job = job_of()
    session = begin(job.recipe, job.seed, "cpu")
    rows = session.batches.train(Clock(0)).rows
    looker = Probe(session.model, session.batches.probe, rows=rows, processes=2)
    looker.outputs(0)
    assert looker.cost.forward == 2.0


def test_a_look_that_fails_is_counted_and_leaves_the_model_in_training(job_of):
    job = job_of()
    session = begin(job.recipe, job.seed, "cpu")
    batches = job.recipe.data(Streams(job.seed))
    looker = Probe(session.model, batches.probe, rows=4)
    session.model.norm.register_forward_pre_hook(lambda module, inputs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        looker.activations(0)
    assert session.model.training
    assert looker.cost.forward == 1.0
    assert not session.model.blocks[0].feedforward.down._forward_pre_hooks
