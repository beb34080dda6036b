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
from tests.laws.table import ROWS
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from audition.observers.checkpoint import NAME, Checkpoint, read_checkpoint
from audition.observers.metrics import Metrics
from audition.observers.progress import Progress
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


@pytest.fixture(params=ROWS)
def row(request):
    return ROWS[request.param]


def only(choose):
    """For a law that speaks of some rows."""
    return pytest.mark.parametrize("row", [n for n, r in ROWS.items() if choose(r)], indirect=True)


@only(lambda row: not row.dynamic)
def test_1_off_is_a_plain_loop(row, job_of, trained, weights_of, differences):
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
    assert not differences(model.state_dict(), weights_of(trained(*row.active)))


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


def test_3_active_is_not_the_baseline(row, trained):
    active, baseline = trained(*row.active), trained(*row.common)
    assert active.status == baseline.status == "finished"
    assert active.final["val/loss"] != baseline.final["val/loss"]


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
    assert observed(*row.active, DROPOUT).status == "finished"


def test_6_and_8_observed_and_evaluated_often_one_seed_has_one_set_of_bits(
    row, trained, observed, weights_of, differences
):
    alone, watched = trained(*row.active, DROPOUT), observed(*row.active, DROPOUT)
    untrained = watched.session.evaluations[0].step == 0  # a stream's, before its first step
    assert len(watched.session.evaluations) == STEPS + untrained
    assert not differences(weights_of(alone), weights_of(watched))
    assert watched.final == alone.final


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
    """Overrides -> a run of another seed, for the laws that only look at how it was trained."""

    @cache
    def look(*overrides):
        job, seen = looking_at(replace(job_of(*overrides), seed=ANOTHER_SEED))
        random.seed(1)
        np.random.seed(1)
        began = random.getstate(), np.random.get_state()[1].tolist()
        outcome = train(job)
        ended = random.getstate(), np.random.get_state()[1].tolist()
        return Looked(outcome, seen, began, ended, torch.get_rng_state())

    return look


def test_6_another_seed_has_other_bits(row, trained, looked):
    """That one seed has one set of bits is shown above: each is trained a second time."""
    assert trained(*row.active).final["val/loss"] != looked(*row.active).outcome.final["val/loss"]


@only(lambda row: not any("dropout" in override for override in row.active))
def test_8_no_draw_from_the_global_generators(row, looked):
    found = looked(*row.active)
    # That generator is dropout's alone: without it, nothing is drawn after the run has begun.
    start = torch.Generator().manual_seed(Streams(ANOTHER_SEED).number("dropout"))
    assert torch.equal(found.torch_state, start.get_state())
    assert found.ended == found.began


def test_8_training_never_reads_the_held_out_text(row, looked):
    assert looked(*row.active).look.read == []


def test_9_all_compute_is_counted(row, looked):
    session, look = looked(*row.active).outcome.session, looked(*row.active).look
    assert session.units == STEPS * look.units
    assert session.cost.forward == pytest.approx(look.spent["forward"])
    assert session.cost.backward == pytest.approx(look.spent["backward"])
    assert session.cost.forward >= STEPS


def test_pairing_shares_weights_and_batches(row, job_of):
    ours, theirs = (job_of(*overrides) for overrides in (row.active, row.common))
    arm, baseline = (begin(job.recipe, job.seed, "cpu") for job in (ours, theirs))
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


def test_pairing_seeds_differ(job_of):
    first, second = (begin(job_of().recipe, seed, "cpu") for seed in (42, 43))
    drawn = [name for name, p in first.params.items() if p.std() > 0]
    assert len(drawn) > 10
    for name in drawn:
        assert not torch.equal(first.params[name], second.params[name]), name
    assert not torch.equal(
        first.batches.train(Clock(0)).inputs, second.batches.train(Clock(0)).inputs
    )
    held_out = [torch.cat([b.inputs for b in s.batches.held_out()]) for s in (first, second)]
    assert torch.equal(*held_out)
