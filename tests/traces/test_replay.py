"""A replay of a chain on a trace says what the chain's own run would, wherever it claims to."""

from dataclasses import dataclass, replace
from math import nan
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laws.table import ROWS

from audition.effects.anchor import Anchor
from audition.effects.limiter import Limiter
from audition.errors import AuditionError
from audition.observers.observer import Observer
from audition.recipe import tree
from audition.recipe.effect import Chain, Effect
from audition.recipe.mix import Mix
from audition.records.record import Record
from audition.traces.record import record
from audition.traces.replay import Signals, how, replay
from audition.traces.trace import FILE, Trace
from audition.training.build import build
from audition.training.loop import train

RUN = Record(
    key="k",
    config_hash="h",
    baseline_hash="h",
    arm="baseline",
    ideas=(),
    seed=42,
    status="finished",
)


class Meters(Observer):
    """The meters of every step of a run."""

    def __init__(self) -> None:
        self.seen: list[dict[str, float]] = []

    def on_step(self, session, report):
        self.seen.append({name: float(value) for name, value in report.meters().items()})


@pytest.fixture(scope="module")
def traced(settings_of) -> Trace:
    return record(settings_of(), RUN, steps=6).trace


@pytest.fixture(scope="module")
def metered(job_of):
    """A chain -> its meters at every step of a real run with it."""

    def run(chain: Chain) -> list[dict[str, float]]:
        job, meters = job_of(), Meters()
        train(replace(job, recipe=replace(job.recipe, effects=chain)), [meters])
        return meters.seen

    return run


def made_up(seed: int, steps: int = 5) -> Trace:
    """A trace of two tensors, one of which is kept whole."""
    draw = np.random.default_rng(seed)
    sizes, kept = np.array([9, 400]), np.array([9, 32])
    norms = {name: draw.gamma(0.5, 3.0, (steps, 2)) for name in ("gradients", "weights", "updates")}
    entries = ("gradient_entries", "update_entries")
    return Trace(
        key="k",
        arm="baseline",
        seed=1,
        names=("a", "b"),
        sizes=sizes,
        kept=kept,
        steps=steps,
        fractions=np.arange(steps) / steps,
        controls=("lr", "momentum", "weight_decay", "dropout"),
        gains=np.ones((steps, 4)),
        terms=("loss",),
        losses=draw.gamma(1.0, 1.0, (steps, 1)),
        at=np.arange(steps),
        windows=np.array([1, 1, steps - 2]),
        window_weights=draw.normal(size=(3, 41)),
        **norms,
        **{name: draw.normal(size=(steps, 41)).astype(np.float16) for name in entries},
    )


def test_a_recorder_changes_no_bit_of_the_run(settings_of, trained, differences, weights_of):
    job = build(settings_of())
    from audition.traces.record import WATCH, Watch

    watched = replace(job, recipe=job.recipe.with_effect(WATCH, Watch()))
    assert not differences(weights_of(train(watched)), weights_of(trained()))


def test_a_trace_holds_the_runs_own_numbers(traced, trained, job_of):
    class Norms(Observer):
        seen: ClassVar[list[tuple[float, float]]] = []

        def on_step(self, session, report):
            self.seen.append((report.loss(), float(report.norm)))

    train(job_of(), [Norms()])
    assert traced.losses.sum(1).tolist() == [loss for loss, _ in Norms.seen]
    norms = np.sqrt((traced.gradients.astype(float) ** 2).sum(1))
    np.testing.assert_allclose(norms, [norm for _, norm in Norms.seen], rtol=1e-5)
    params = trained().session.params
    assert traced.names == tuple(params)
    assert traced.sizes.sum() == sum(p.numel() for p in params.values())


def test_written_and_read_it_is_the_same(traced, tmp_path):
    again = Trace.read(traced.write(tmp_path))
    for name, value in vars(traced).items():
        assert np.array_equal(value, getattr(again, name)), name
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AuditionError, match=r"is no whole trace .*--again"):
        Trace.read(tmp_path / FILE)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_stand_ins_have_the_recorded_norms(seed):
    trace = made_up(seed)
    signals = Signals.of(trace)
    for kind in ("gradients", "weights", "updates"):
        stacked = torch.stack([x.norm(dim=1) for x in getattr(signals, kind).values()], 1)
        np.testing.assert_allclose(stacked, getattr(trace, kind), rtol=1e-5)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_chain_without_effects_returns_the_trace(seed):
    trace = made_up(seed)
    for chain in (Chain(), Chain({"out": Mix(effect=Limiter(), bypass=True)})):
        series = replay(trace, chain).series
        for name in ("gradient gain", "update gain", "lr gain", "gradient cosine", "update cosine"):
            np.testing.assert_allclose(series[name], 1.0, rtol=1e-5)


@dataclass(frozen=True, kw_only=True)
class Longest(Effect):
    """Meters the longest update, as a share of its weight's norm, and lets it through."""

    replays: ClassVar[Any] = "norms"

    def on_updates(self, updates, state, view):
        weights = tree.norms({name: view.params[name] for name in updates})
        return updates, {"share": (tree.norms(updates) / weights.clamp(min=1e-3)).max()}

    def meters(self, state):
        return {} if state is None else {"share": state["share"]}


@given(st.integers(0, 10_000), st.sampled_from([0.001, 0.1, 3.0]))
@settings(max_examples=25, deadline=None)
def test_nothing_leaves_the_limiter_above_its_ceiling(seed, ceiling):
    chain = Chain({"limiter": Limiter(ceiling=ceiling), "longest": Longest()})
    found = replay(made_up(seed), chain)
    assert max(found.series["longest/share"]) <= ceiling * (1 + 1e-5)
    assert max(found.series["update gain"]) <= 1 + 1e-5


def singles():
    """Every preset of the shelf, at settings at which it acts within a few steps."""
    for name, row in ROWS.items():
        if name.startswith("preset="):
            yield pytest.param(row, id=name)


@pytest.mark.parametrize("row", list(singles()))
def test_the_first_step_is_the_real_runs(row, job_of, traced, metered):
    members = job_of(*row.active).recipe.effects.members
    told: dict[str, Effect] = {}  # what those after it may read
    for name, effect in members.items():
        kind, alone = how(effect), Chain({**told, name: effect})
        told |= {name: effect} if isinstance(effect, Anchor) else {}
        if kind == "no":
            with pytest.raises(AuditionError, match=f"take it out with '~effects.{name}'"):
                replay(traced, alone)
            continue
        real, seen = metered(alone)[0], replay(traced, alone).series
        for meter, value in real.items():
            near = {"rel": 1e-4, "abs": 1e-5} if kind == "norms" else {"rel": 0.4, "abs": 0.05}
            assert seen[meter][0] == pytest.approx(value, **near), meter


class Loud(Effect):
    """Meters what arrives, and lets it through: its inputs do not depend on it."""

    replays: ClassVar[Any] = "norms"

    def on_gradients(self, gradient, state, view):
        norm, loss = tree.norms(gradient.grads).norm(), sum(gradient.terms.values())
        return gradient, {"norm": norm, "loss": loss, "spent": view.clock.fraction}

    def before_batch(self, controls, state, view):
        return controls, state

    def meters(self, state):
        return {} if state is None else state


def test_what_lets_all_through_reads_the_same_at_every_step(traced, metered):
    chain = Chain({"loud": Loud()})
    real, seen = metered(chain), replay(traced, chain).series
    for meter in real[0]:
        assert seen[meter] == pytest.approx([step[meter] for step in real], rel=1e-5)


class Level(Effect):
    """Meters the root mean square of the entries of one tensor."""

    replays: ClassVar[Any] = "values"

    def on_gradients(self, gradient, state, view):
        return gradient, {"rms": gradient.grads["b"].square().mean().sqrt()}

    def meters(self, state):
        return {} if state is None else state


@pytest.mark.parametrize("mixed", [False, True])
def test_an_effect_that_reads_values_is_given_entries_of_their_true_size(mixed):
    trace = made_up(3)
    level = Mix(effect=Level(), wet=0.5) if mixed else Level()
    series = replay(trace, Chain({"level": level, "loud": Loud()})).series
    np.testing.assert_allclose(series["level/rms"], trace.gradients[:, 1] / 20.0, rtol=1e-5)
    whole = np.sqrt((trace.gradients**2).sum(1))
    np.testing.assert_allclose(series["loud/norm"], whole, rtol=1e-5)


class Half(Effect):
    """Half the rate, and no step at odd ones."""

    replays: ClassVar[Any] = "norms"

    def before_batch(self, controls, state, view):
        return replace(controls, lr=0.5 * controls.lr), state

    def wrap_gradient(self, rule, state, view):
        odd = bool(view.clock.step % 2)
        return (lambda problem: rule(problem.where(lambda terms: not odd))), state


def test_a_rate_and_closed_steps_are_shown(traced):
    series = replay(traced, Chain({"half": Half()})).series
    assert series["updates"] == [1.0, 0.0] * 3
    assert series["lr gain"] == [0.5] * 6
    np.testing.assert_allclose(series["update gain"], [0.5, nan] * 3, rtol=1e-5)


def test_a_chain_is_replayed_as_the_least_exact_of_its_parts():
    chain = Chain({"a": Limiter(), "b": Mix(effect=Level(), wet=0.5)})
    assert how(Limiter()) == "norms"
    assert how(chain) == "values"
    assert how(Mix(effect=Effect(), wet=0.0)) == "norms"
    assert how(Chain({"a": chain, "b": Unknown()})) == "no"


class Unknown(Effect):
    def on_gradients(self, gradient, state, view):
        return gradient, state


def test_readings_say_what_they_cannot(traced):
    found = replay(traced, Chain({"limiter": Limiter(), "loud": Loud()}))
    said = " ".join(found.limits())
    assert "baseline/42, 6 steps of 6 (steps 1 to 2, steps 3 to 4, steps 5 to 6)" in said
    assert "Exact on these, from norms, losses and clocks: limiter, loud" in said
    assert "It cannot say what becomes of the loss" in said
    plain = found.to_dict()
    assert plain["replayed"] == {"limiter": "norms", "loud": "norms"}
    assert len(plain["readings"]["limiter/gain"]) == 6


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("preset=ema",), r"has effects \(ema\)"),
        (
            (
                "apoptosis=functional_preservation",
                "apoptosis/timetable=periodic",
                "apoptosis.timetable.interval=2",
                "apoptosis.timetable.warmup=1",
            ),
            "replaces units",
        ),
    ],
)
def test_runs_that_cannot_be_traced(settings_of, overrides, said):
    with pytest.raises(AuditionError, match=said):
        record(settings_of(*overrides), RUN, steps=6)


def test_three_windows_are_the_same_steps_of_the_whole_run(settings_of):
    """A trace of every step holds what a trace of some says of those, weights too."""
    whole = record(settings_of("budget.steps=12"), RUN, steps=12).trace
    some = record(settings_of("budget.steps=12"), RUN, steps=6).trace
    assert whole.at.tolist() == list(range(12))
    assert some.at.tolist() == [0, 1, 5, 6, 10, 11]
    assert some.windows.tolist() == [2, 2, 2]
    for name in ("losses", "gradients", "weights", "updates", "fractions", "gains"):
        assert np.array_equal(getattr(some, name), getattr(whole, name)[some.at]), name
    ours, theirs = Signals.of(some).weights, Signals.of(whole).weights
    for name, entries in ours.items():
        torch.testing.assert_close(entries, theirs[name][some.at], rtol=1e-3, atol=1e-4)
    found = replay(some, Chain({"limiter": Limiter()}))
    assert found.windows == ((0, 2), (5, 7), (10, 12))
    said = " ".join(found.limits())
    assert "6 steps of 12 (steps 1 to 2, steps 6 to 7, steps 11 to 12)" in said
    assert "the steps between were not recorded" in said
    limited = replay(whole, Chain({"limiter": Limiter()})).series["limiter/gain"]
    expected = [sum(limited[a:b]) / 2 for a, b in found.windows]
    assert found.means("limiter/gain") == pytest.approx(expected, rel=1e-3)
