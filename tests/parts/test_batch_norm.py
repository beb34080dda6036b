"""Batch norm: torch's as the reference, and what its statistics belong to."""

import re
from dataclasses import replace

import pytest
import torch
from torch import nn

from audition.errors import AuditionError
from audition.parts.batch_norm import RECENT, BatchNorm, norms_of, recent, settle
from audition.recipe import tree
from audition.recipe.batches import Clock
from audition.recipe.effect import Chain, Effect
from audition.recipe.gradient import check_whole
from audition.recipe.streams import Streams
from audition.session import begin
from audition.training.evaluation import evaluate
from audition.training.loop import train
from audition.training.rehearsal import rehearse

PICTURES = ("experiment=digits", "data.batch_size=16", "budget.steps=4", "training.evaluations=2")
RESNET = ("model=resnet20", "model.width=4", "model.blocks=1")


def ours(channels: int = 3, **settings) -> BatchNorm:
    norm = BatchNorm(channels, **settings)
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.copy_(torch.rand(channels) + 0.5)
    return norm


@pytest.mark.parametrize("gain", [True, False])
def test_training_is_torchs_and_moves_nothing(gain):
    norm, x = ours(gain=gain), torch.randn(8, 3, 5, 5)
    theirs = nn.BatchNorm2d(3)
    with torch.no_grad():
        theirs.bias.copy_(norm.bias)
        if gain:
            theirs.weight.copy_(norm.weight)
    before = {name: kept.clone() for name, kept in norm.state_dict().items()}
    assert torch.equal(norm(x), theirs(x))
    assert all(torch.equal(kept, before[name]) for name, kept in norm.state_dict().items())


def test_evaluation_is_torchs_with_its_mean_statistics():
    """`momentum=None` is torch's cumulative mean, so a pass over the same batches tells the same."""
    batches = [torch.randn(8, 3, 4, 4) * 3 + 1 for _ in range(5)]
    model = nn.Sequential(ours(), nn.ReLU(), ours())
    theirs = nn.Sequential(
        *(nn.BatchNorm2d(3, momentum=None), nn.ReLU(), nn.BatchNorm2d(3, momentum=None))
    )
    with torch.no_grad():
        for norm, other in zip(norms_of(model), (theirs[0], theirs[2]), strict=True):
            other.weight.copy_(norm.weight)
            other.bias.copy_(norm.bias)
        for batch in batches:
            theirs(batch)
    assert settle(model, batches) == 5
    assert model.training
    assert all(norm.training for norm in norms_of(model))
    model.eval()
    theirs.eval()
    x = torch.randn(2, 3, 4, 4)
    torch.testing.assert_close(model(x), theirs(x))


def test_a_model_without_batch_norms_is_never_asked():
    def unread():
        raise AssertionError("a batch was asked for")
        yield

    assert settle(nn.Linear(2, 2), unread()) == 0


def test_dropout_stays_off_while_statistics_are_taken():
    model = nn.Sequential(ours(), nn.Dropout(0.5), ours())
    batch, before = torch.randn(8, 3, 4, 4), torch.get_rng_state()
    settle(model, [batch])
    assert torch.equal(before, torch.get_rng_state())


def test_statistics_are_of_the_steps_just_made(job_of):
    job = job_of(base=PICTURES)
    batches = job.recipe.data(Streams(1))
    wanted = [batches.train(Clock(step)).inputs for step in range(20 - RECENT, 20)]
    found = list(recent(batches, Clock(20, 40, 0.5)))
    assert len(found) == RECENT
    assert all(map(torch.equal, found, wanted))
    (first,) = recent(batches, Clock(0, 40))
    assert torch.equal(first, batches.train(Clock(0)).inputs)


class AtStart(Effect):
    """Evaluators see the first weights of the run."""

    def init(self, params, streams):
        return tree.clone(params)

    def moments(self):
        return frozenset({"on_evaluation"})

    def on_evaluation(self, params, state, view):
        return state


def test_evaluations_are_those_of_the_averaged_weights(job_of):
    """First weights that are put in for an evaluation have the statistics of first weights."""
    plain = job_of(*RESNET, base=PICTURES)
    kept = replace(plain, recipe=replace(plain.recipe, effects=Chain({"kept": AtStart()})))
    at_start = evaluate(plain, begin(plain.recipe, 42, "cpu"), Clock(4, 4, 1.0)).metrics
    assert train(kept).final == at_start
    assert train(plain).final != at_start


def test_passes_of_an_evaluation_are_counted_apart(job_of):
    session = train(job_of(*RESNET, base=PICTURES)).session
    assert session.cost.forward == 4
    assert session.adaptation.forward == 2 + 4  # the two evaluations are after two steps and four
    assert session.adaptation.backward == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("execution.accumulate=2",), r"execution\.accumulate=2 cuts batches in pieces, and batch"),
        (("+idea=spectral_gate",), r"a gradient rule that halves them cuts .*model=convnet"),
    ],
)
def test_what_cuts_a_batch_is_refused_before_a_run(settings_of, words, said):
    assert re.search(said, rehearse(settings_of(*RESNET, *words, base=PICTURES)))
    assert not rehearse(settings_of("model=convnet", *words, base=PICTURES))


def test_only_models_that_say_so_need_whole_batches():
    check_whole(nn.Linear(2, 2), "anything")
    with pytest.raises(AuditionError, match="statistics from a batch as a whole"):
        check_whole(nn.Sequential(ours()), "anything")


def test_an_odd_attribute_is_no_reason(job_of):
    """`whole` is read from modules alone, and the convnet's norm keeps none."""
    job = job_of("model=convnet", base=PICTURES)
    session = begin(job.recipe, 1, "cpu")
    assert not session.buffers
    assert train(replace(job, seed=1)).session.adaptation.forward == 0
