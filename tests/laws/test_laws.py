"""The laws of a run, each held against every row of the table."""

import math
import random
from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from tests.laws.conftest import Look
from tests.laws.table import ROWS, rows
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from audition.observers.checkpoint import NAME, Checkpoint, read_checkpoint
from audition.observers.metrics import Metrics
from audition.observers.progress import Progress
from audition.parts.batch_norm import recent, settle
from audition.parts.initial import initialise
from audition.recipe.batches import Clock
from audition.recipe.gradient import sum_of
from audition.recipe.problem import Predict, ask
from audition.recipe.streams import Streams
from audition.recipe.turnover import Turnover
from audition.session import begin
from audition.training.job import Outcome
from audition.training.loop import train

STEPS = 6
DROPOUT = "model.dropout=0.1"
ANOTHER_SEED = 43


@pytest.fixture(params=rows())
def row(request):
    return ROWS[request.param]


def only(choose):
    """For a law that speaks of some rows."""
    return pytest.mark.parametrize("row", rows(choose), indirect=True)


@dataclass(frozen=True)
class Looked:
    """A run that was looked at, and what it left of the generators of the process."""

    outcome: Outcome
    look: Look
    began: Any  # the generators of random and numpy
    ended: Any
    torch_state: Tensor


@pytest.fixture(scope="session")
def looked(job_of, looking_at):
    """Overrides -> a run that is looked at as it trains, which changes nothing of it."""

    @cache
    def look(*overrides):
        job, seen = looking_at(job_of(*overrides))
        random.seed(1)
        np.random.seed(1)
        began = random.getstate(), np.random.get_state()[1].tolist()
        outcome = train(job)
        ended = random.getstate(), np.random.get_state()[1].tolist()
        return Looked(outcome, seen, began, ended, torch.get_rng_state())

    return look


@pytest.fixture(scope="session")
def active(looked):
    """Row -> the outcome of its run, which all laws share."""
    return lambda row: looked(*row.active).outcome


@only(lambda row: not row.dynamic)
def test_1_off_is_a_plain_loop(row, job_of, active, weights_of, differences):
    job = job_of(*row.active)
    recipe, streams = job.recipe, Streams(job.seed)
    if recipe.effects.moments():
        pytest.skip("its optimizer asks for more than gradients")
    if type(recipe.apoptosis) is not Turnover:
        pytest.skip("its connections change beside the steps")
    batches = recipe.data(streams)
    model = recipe.model(batches.shape)
    initialise(model, streams.child("init"))
    torch.manual_seed(streams.number("dropout"))
    params = dict(model.named_parameters())
    optimizer = recipe.optimizer(params)
    rates = [group["lr"] for group in optimizer.param_groups]
    pieces = job.execution.accumulate
    for step in range(STEPS):
        for piece in batches.train(Clock(step)).split(pieces):
            with job.execution.context():
                loss = sum_of(ask(recipe.loss, Predict(model), piece, Clock(step)).values())
            (loss / pieces if pieces > 1 else loss).backward()
        if job.training.clip is not None:
            clip_grad_norm_(params.values(), job.training.clip)
        gain = recipe.schedule(Clock(step, STEPS, step / STEPS)).lr
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * gain
        optimizer.step()
        optimizer.zero_grad()
    settle(model, recent(batches, Clock(STEPS)), job.execution.context)  # as an evaluation does
    assert not differences(model.state_dict(), weights_of(active(row)))


def test_1_every_none_is_the_default(trained, weights_of, differences):
    nones = ("preset=none", "apoptosis=none", "experiment=none", "debug=none")
    assert not differences(weights_of(trained()), weights_of(trained(*nones)))


@only(lambda row: row.neutral)
def test_2_neutral_is_the_baseline(row, trained, weights_of, differences):
    neutral, baseline = trained(*row.active, *row.neutral), trained(*row.common)
    assert not differences(weights_of(neutral), weights_of(baseline))
    assert not differences(
        neutral.session.optimizer.state_dict(), baseline.session.optimizer.state_dict()
    )
    assert neutral.final == baseline.final


def test_3_active_is_not_the_baseline(row, active, trained):
    ours, baseline = active(row), trained(*row.common)
    assert ours.status == baseline.status == "finished"
    assert ours.final["val/loss"] != baseline.final["val/loss"]


def test_4_stopped_and_resumed_is_uninterrupted(row, trained, job_of, differences, tmp_path):
    """Stopped early and again late: what goes on from a checkpoint leaves a whole checkpoint, too."""
    overrides = (*row.active, DROPOUT)
    whole = trained(*overrides).session.snapshot()
    resume = None
    for stop in (1, 4):
        job, saving = job_of(*overrides), [Checkpoint(tmp_path)]
        stopped = train(job, saving, resume=resume, interrupted=lambda s, stop=stop: s == stop)
        assert stopped.status == "interrupted"
        assert stopped.session.step == stop
        torch.manual_seed(0)
        resume = read_checkpoint(tmp_path / NAME, "")
    resumed = train(job_of(*overrides), resume=resume)
    assert resumed.status == "finished"
    parts = resumed.session.snapshot()
    for clock in (parts, whole):
        del clock["seconds"]
    # The evaluation at the end draws nothing, so the generator of dropout must agree as well.
    assert not differences(parts, whole)


class InMemory(Checkpoint):
    """Checkpoints that are written, and not to a disk."""

    def write(self, snapshot):
        torch.save(snapshot, BytesIO())


@pytest.fixture(scope="session")
def observed(job_of, guard, tmp_path_factory):
    """Overrides -> a run that is guarded, and observed and evaluated at every step."""

    @cache
    def observe(*overrides):
        folder = tmp_path_factory.mktemp("observed")
        observers = [
            Metrics(folder, every=1),
            Progress(lambda report: None, every_s=0.0),
            InMemory(folder, minutes=1e-9, share=math.inf),
        ]
        job = job_of(*overrides)
        often = replace(job.training, evaluations=STEPS)
        return train(replace(job, recipe=guard(job.recipe), training=often), observers)

    return observe


@only(lambda row: row.dynamic)
def test_5_inputs_are_unedited_and_shapes_kept(row, observed):
    """The guards have looked at every moment of every step."""
    assert observed(*row.active).status == "finished"


def test_6_and_8_observed_and_evaluated_often_one_seed_has_one_set_of_bits(
    row, active, observed, weights_of, differences
):
    alone, watched = active(row), observed(*row.active)
    untrained = watched.session.evaluations[0].step == 0  # a stream's, before its first step
    assert len(watched.session.evaluations) == STEPS + untrained
    assert not differences(weights_of(alone), weights_of(watched))
    assert watched.final == alone.final


@only(lambda row: not any("dropout" in override for override in row.active))
def test_8_no_draw_from_the_global_generators(row, job_of, looked):
    found = looked(*row.active)
    # That generator is dropout's alone: without it, nothing is drawn after the run has begun.
    seed = Streams(job_of(*row.active).seed).number("dropout")
    assert torch.equal(found.torch_state, torch.Generator().manual_seed(seed).get_state())
    assert found.ended == found.began


def test_8_training_never_reads_the_held_out_text(row, looked):
    assert looked(*row.active).look.read == []


def test_9_all_compute_is_counted(row, looked):
    session, look = looked(*row.active).outcome.session, looked(*row.active).look
    assert session.units == STEPS * look.units
    # Batch norms are told their statistics by passes of each evaluation, which are counted apart.
    spent = session.cost.forward + session.adaptation.forward
    assert spent == pytest.approx(look.spent["forward"])
    assert session.cost.backward == pytest.approx(look.spent["backward"])
    assert session.cost.forward >= STEPS


@pytest.fixture(scope="session")
def begun(job_of):
    """Overrides, and a seed -> a session before its first step, begun once: look, never touch."""
    return cache(lambda *overrides, seed=42: begin(job_of(*overrides).recipe, seed, "cpu"))


def is_drawn(parameter) -> bool:
    """Whether its first value depends on a generator: that of a rule may be the same for all."""
    rule = getattr(parameter, "initial", None)
    if rule is None:
        return parameter.unique().numel() > 1
    pair = [rule.draw(parameter.shape, torch.Generator().manual_seed(seed)) for seed in (1, 2)]
    return not torch.equal(*pair)


def test_6_another_seed_begins_with_other_weights_and_batches(row, begun):
    """That one seed has one set of bits is shown above: each is trained a second time."""
    one, other = begun(*row.active), begun(*row.active, seed=ANOTHER_SEED)
    drawn = [name for name, p in one.params.items() if is_drawn(p)]
    assert drawn
    for name in drawn:
        assert not torch.equal(one.params[name], other.params[name]), name
    assert not torch.equal(one.batches.train(Clock(0)).inputs, other.batches.train(Clock(0)).inputs)


def test_pairing_shares_weights_and_batches(row, begun):
    arm, baseline = begun(*row.active), begun(*row.common)
    shared = [
        name
        for name in arm.params.keys() & baseline.params.keys()
        if arm.params[name].shape == baseline.params[name].shape
    ]
    assert len(shared) > len(baseline.params) // 2
    for name in shared:
        assert torch.equal(arm.params[name], baseline.params[name]), name
    same = [
        torch.equal(arm.batches.train(Clock(s)).inputs, baseline.batches.train(Clock(s)).inputs)
        for s in range(9)
    ]
    chosen = [o.removeprefix("+idea=").strip("[]") for o in row.on if o.startswith("+idea=")]
    other = {"placebo", "joint"} & set(",".join(chosen).split(","))
    assert not any(same) if other else all(same)


def test_pairing_seeds_are_judged_on_the_same_text(begun):
    held_out = [
        torch.cat([b.inputs for b in begun(seed=seed).batches.held_out()]) for seed in (42, 43)
    ]
    assert torch.equal(*held_out)
