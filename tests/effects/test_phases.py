"""Phases: in each of them the run is that of its chain alone, begun at the weights of its start."""

from dataclasses import replace

import pytest
import torch

from audition.effects.ema import EMA
from audition.effects.limiter import Limiter
from audition.effects.lookahead import Lookahead
from audition.effects.phases import Phases, carried
from audition.effects.saturation import Saturation
from audition.errors import AuditionError
from audition.recipe.batches import Clock
from audition.recipe.effect import Chain, Effect
from audition.recipe.mix import Mix
from audition.session import begin
from audition.training.loop import train
from audition.training.step import advance


class Noisy(Effect):
    """Draws from its own stream, and counts its steps."""

    def init(self, params, streams):
        return {"steps": 0}

    def on_updates(self, updates, state, view):
        noise = torch.randn(1, generator=view.streams.generator("noise", view.clock.step)).item()
        return {n: u * (1 + noise) for n, u in updates.items()}, {"steps": state["steps"] + 1}


A = Chain({"saturation": Saturation(drive=1.0), "noisy": Noisy(), "ema": EMA(decay=0.5)})
B = Chain({"limiter": Limiter(ceiling=0.01), "ema": EMA(decay=0.9), "noisy": Noisy()})


def going(job, effect):
    """A session of a job whose chain is one effect, and that job."""
    job = replace(job, recipe=replace(job.recipe, effects=Chain({"it": effect})))
    return job, begin(job.recipe, job.seed, "cpu")


def steps(job, session, numbers, of=10):
    for step in numbers:
        advance(job, session, Clock(step, of, step / of))


def test_each_phase_is_its_chain_alone_and_the_boundary_is_exact(job_of, differences):
    phases = Phases(chains=Chain({"a": A, "b": B}), starts=(0.0, 0.3))
    job, session = going(job_of("execution.accumulate=2", "model.dropout=0"), phases)
    alone, other = going(job_of("execution.accumulate=2", "model.dropout=0"), A)
    steps(job, session, range(3))
    steps(alone, other, range(3))
    assert session.effects["it"]["phase"] == 0
    assert not differences(session.snapshot()["model"], other.snapshot()["model"])
    # From the same weights and moments, with B in its place.
    job_b, other_b = going(job_of("execution.accumulate=2", "model.dropout=0"), B)
    other_b.restore(other.snapshot())
    other_b.effects = job_b.recipe.effects.init(other_b.params, other_b.streams.child("effects"))
    steps(job, session, range(3, 6))
    steps(job_b, other_b, range(3, 6))
    assert session.effects["it"]["phase"] == 1
    assert not differences(session.snapshot()["model"], other_b.snapshot()["model"])
    assert not differences(session.effects["it"]["own"], other_b.effects["it"])


def test_a_run_is_resumed_inside_any_phase(job_of, differences):
    phases = Phases(
        chains=Chain({"a": A, "b": B, "c": Chain()}), starts=(0.0, 0.3, 0.7), carry="matching"
    )
    job, _ = going(job_of("model.dropout=0.1", "budget.steps=10"), phases)
    whole = train(job).session.snapshot()
    for stop in (1, 3, 4, 7, 9):
        stopped = train(job, interrupted=lambda step, stop=stop: step >= stop)
        snapshot = stopped.session.snapshot()
        torch.manual_seed(0)
        resumed = train(job, resume=snapshot).session.snapshot()
        for parts in (resumed, whole):
            parts.pop("seconds", None)
        assert not differences(resumed, whole), stop


def test_matching_effects_keep_their_state_and_others_begin(job_of):
    for carry, expected in (("matching", 6), ("reset", 3)):
        phases = Phases(chains=Chain({"a": A, "b": B}), starts=(0.0, 0.3), carry=carry)
        job, session = going(job_of(), phases)
        steps(job, session, range(6))
        own = session.effects["it"]["own"]
        assert own["noisy"]["steps"] == expected
        assert own["ema"]["updates"] == expected
        meters = {k: float(v) for k, v in phases.meters(session.effects["it"]).items()}
        assert (meters["phase"], meters["ema/updates"]) == (1.0, expected)


def test_a_state_is_kept_by_name_and_class_and_where_it_acts():
    ema, slow = EMA(decay=0.5), EMA(decay=0.9)
    keeps = [(ema, slow), (Mix(effect=ema, wet=0.5), slow), (ema, Mix(effect=slow, wet=0.1))]
    begins = [(ema, Lookahead()), (Mix(effect=ema, bypass=True), slow), (EMA(decay=0.0), slow)]
    for before, after in keeps:
        assert carried(before, "kept", after, "fresh") == "kept"
    for before, after in begins:
        assert carried(before, "kept", after, "fresh") == "fresh"
    found = carried(
        Chain({"a": ema}), {"a": "kept"}, Chain({"b": ema, "a": slow}), {"b": "new", "a": "new"}
    )
    assert found == {"b": "new", "a": "kept"}


def test_evaluators_see_the_phase_of_the_last_step(view):
    shifted = type(
        "S", (Effect,), {"on_evaluation": lambda self, params, state, view: {"w": params["w"] + 1}}
    )
    phases = Phases(chains=Chain({"a": Chain(), "b": shifted()}), starts=(0.0, 0.5))
    params = {"w": torch.zeros(1)}
    at_half = replace(view(params), clock=Clock(5, 10, 0.5))
    state = phases.init(params, at_half.streams)
    assert phases.on_evaluation(params, state, at_half)["w"].item() == 0.0
    _, state = phases.before_batch(at_half.controls, state, at_half)
    assert phases.on_evaluation(params, state, at_half)["w"].item() == 1.0


@pytest.mark.parametrize(
    ("starts", "said"),
    [
        ((0.1, 0.3), "leave a gap"),
        ((0.0, 0.0), "overlap: phase 'b'"),
        ((0.0,), "each has one start"),
    ],
)
def test_phases_that_overlap_or_leave_a_gap_are_refused(starts, said):
    with pytest.raises(AuditionError, match=said):
        Phases(chains=Chain({"a": A, "b": B}), starts=starts)
    with pytest.raises(AuditionError, match="each has one start"):
        Phases(chains=Chain(), starts=())
