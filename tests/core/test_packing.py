"""Runs of one arm in one process: each has the numbers it would have alone, and its own end."""

import shutil
from dataclasses import replace
from math import nan

import pytest
import torch
from torch import nn

from audition import execution
from audition.config.identity import identify
from audition.config.instantiate import find
from audition.config.members import members
from audition.errors import AuditionError
from audition.observers.observer import Observer
from audition.recipe.effect import Effect
from audition.sweep.local import jobs_of
from audition.training.job import Outcome
from audition.training.loop import Run, opened, train
from audition.training.packing import checks
from audition.training.packing.over_runs import at_once, one_by_one
from audition.training.packing.session import train_packed
from audition.training.worker import digest

SEEDS = (1, 2, 3)
PACKED_OPTIMIZERS = [
    member.chosen
    for member in members("optimizer")
    if getattr(find(member.plain["_target_"]), "packs", False) and not member.is_default
]
LOOSE = {"optimizer=muon": 2e-2, "optimizer=muon_gpt88m": 2e-2, "optimizer=lion": 4e-3}
"""Muon's iteration in bfloat16 makes more of a last bit than others do, and so does Lion's sign."""


def packed(job_of, *overrides, seeds=SEEDS, change=lambda job: job, said=None, snapshots=None):
    """The outcomes of a pack of `seeds`; `change` is made to each job."""
    jobs = [change(job_of(*overrides, f"seed={seed}")) for seed in seeds]
    starts = snapshots or [None] * len(jobs)
    runs = [Run(job, opened(job, start)) for job, start in zip(jobs, starts, strict=True)]
    return train_packed(runs, (said if said is not None else []).append)


def weights(outcome: Outcome) -> str:
    session = outcome.session
    return digest({**session.params, **session.buffers})


@pytest.mark.parametrize(
    ("overrides", "within"),
    [
        ((), 1e-4),
        *(((member,), LOOSE.get(member, 1e-4)) for member in PACKED_OPTIMIZERS),
        (("preset=saturation_limiter",), 1e-4),
        (("preset=compressor", "effects.compressor.listens_to=surprise"), 1e-4),
        (("preset=ema",), 1e-4),
        (("preset=tail_average",), 1e-4),
        (("+idea=spectral_gate", "ideas.spectral_gate.every=2"), 1e-3),
        (("+idea=[cotangent_leveler,blue_positions,count_shrink,stream_gate]",), 1e-3),
        (("attention=sliding", "positional=rope", "norm=rmsnorm"), 1e-4),
        (("skip=gated", "skip.span=1"), 1e-4),
        (("skip=attention",), 1e-4),
        (("experiment=digits",), 1e-3),
        (("experiment=digits", "model=resnet20", "model.width=4", "model.blocks=1"), 1e-3),
        (("precision=bf16",), 5e-3),
        (("execution.accumulate=2",), 1e-4),
    ],
)
def test_each_run_of_a_pack_has_the_numbers_it_has_alone(overrides, within, job_of):
    for seed, outcome in zip(SEEDS, packed(job_of, *overrides), strict=True):
        alone = train(job_of(*overrides, f"seed={seed}"))
        assert outcome.status == alone.status == "finished"
        assert outcome.session.units == alone.session.units
        assert [e.step for e in outcome.session.evaluations] == [
            e.step for e in alone.session.evaluations
        ]
        assert outcome.final["val/loss"] == pytest.approx(alone.final["val/loss"], abs=2e-4)
        for name, weight in alone.session.params.items():
            torch.testing.assert_close(outcome.session.params[name], weight, atol=within, rtol=0)


@pytest.mark.parametrize(
    "overrides",
    [
        *((), ("precision=bf16", "+idea=spectral_gate"), ("optimizer=muon",)),
        *(pytest.param((member,), marks=pytest.mark.slow) for member in PACKED_OPTIMIZERS),
    ],
)
def test_the_others_of_a_pack_change_no_bit_of_a_run(overrides, job_of):
    three = packed(job_of, *overrides)
    alone = [packed(job_of, *overrides, seeds=(seed,))[0] for seed in SEEDS]
    assert list(map(weights, three)) == list(map(weights, alone))
    assert len(set(map(weights, three))) == len(SEEDS)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles for a CPU with g++")
@pytest.mark.filterwarnings("ignore")
def test_a_pack_compiles_as_one_graph_of_all_its_runs(job_of):
    compiled = "execution.compile=true"
    execution.why_uncompiled("cpu")  # compiles a sum
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    three = packed(job_of, compiled)
    counters = torch._dynamo.utils.counters
    assert (counters["stats"]["unique_graphs"], dict(counters["graph_break"])) == (1, {})
    for outcome, plain in zip(three, packed(job_of), strict=True):
        for name, weight in plain.session.params.items():
            torch.testing.assert_close(outcome.session.params[name], weight, atol=1e-4, rtol=0)
    (alone,) = packed(job_of, compiled, seeds=SEEDS[1:2])
    assert weights(alone) == weights(three[1])


def test_an_effect_that_draws_goes_run_by_run_and_draws_from_its_own_seed(job_of):
    overrides = ("+idea=spectral_gate", "ideas.spectral_gate.control=shuffled")
    said = []
    outcomes = packed(job_of, *overrides, said=said)
    assert len(said) == 1
    assert "spectral_gate goes run by run" in said[0]
    for seed, outcome in zip(SEEDS, outcomes, strict=True):
        alone = train(job_of(*overrides, f"seed={seed}"))
        assert outcome.final["val/loss"] == pytest.approx(alone.final["val/loss"], abs=5e-4)


def test_an_optimizer_that_does_not_say_it_packs_steps_run_by_run(job_of):
    def plain(job):
        policy = job.recipe.optimizer
        return replace(job, recipe=replace(job.recipe, optimizer=lambda named: policy(named)))

    found, stacked = packed(job_of, change=plain), packed(job_of)
    assert list(map(weights, found)) == list(map(weights, stacked))


def test_a_run_that_diverges_harms_no_other(job_of):
    jobs = [job_of(f"seed={seed}") for seed in SEEDS]
    runs = [Run(job, opened(job)) for job in jobs]
    with torch.no_grad():
        next(iter(runs[1].session.params.values())).fill_(nan)
    first, second, third = train_packed(runs, print)
    assert second.status == "diverged"
    healthy = packed(job_of)
    assert [weights(first), weights(third)] == [weights(healthy[0]), weights(healthy[2])]


def test_what_one_runs_observer_raises_ends_that_run_alone(job_of):
    class Full(Observer):
        def on_step(self, session, report):
            raise OSError(28, "No space left on device")

    jobs = [job_of(f"seed={seed}") for seed in SEEDS]
    runs = [Run(job, opened(job), (Full(),) * (i == 1)) for i, job in enumerate(jobs)]
    first, second, third = train_packed(runs, print)
    assert isinstance(second, OSError)
    assert [first.status, third.status] == ["finished", "finished"]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_stopped_pack_goes_on_with_the_bits_it_would_have_had(optimizer, job_of):
    overrides = (f"optimizer={optimizer}", "preset=saturation_limiter")
    jobs = [job_of(*overrides, f"seed={seed}") for seed in SEEDS]
    stopping = [Run(job, opened(job), interrupted=lambda step: step == 4) for job in jobs]
    stopped = train_packed(stopping, print)
    assert {outcome.status for outcome in stopped} == {"interrupted"}
    snapshots = [outcome.session.snapshot() for outcome in stopped]
    assert all(
        leaf.untyped_storage().nbytes() == leaf.numel() * leaf.element_size()
        for leaf in snapshots[0]["model"].values()
    ), "a checkpoint of one run must not hold the weights of all"
    resumed = packed(job_of, *overrides, snapshots=snapshots)
    assert list(map(weights, resumed)) == list(map(weights, packed(job_of, *overrides)))


def test_one_run_of_a_pack_may_stop_and_leave_the_others(job_of):
    jobs = [job_of(f"seed={seed}") for seed in SEEDS]
    runs = [
        Run(job, opened(job), interrupted=lambda step, i=i: i == 0 and step == 4)
        for i, job in enumerate(jobs)
    ]
    found = train_packed(runs, print)
    assert [outcome.status for outcome in found] == ["interrupted", "finished", "finished"]
    assert found[0].session.step == 4
    assert list(map(weights, found[1:])) == list(map(weights, packed(job_of)[1:]))


def test_a_run_that_has_ended_is_moved_by_no_later_step(job_of):
    def plain(job):
        policy = job.recipe.optimizer
        return replace(job, recipe=replace(job.recipe, optimizer=lambda named: policy(named)))

    kept = []
    for change in (lambda job: job, plain):
        jobs = [change(job_of(f"seed={seed}")) for seed in SEEDS[:2]]
        first = Run(jobs[0], opened(jobs[0]), interrupted=lambda step: step == 4)
        kept.append(weights(train_packed([first, Run(jobs[1], opened(jobs[1]))], print)[0]))
    (stopped,) = train_packed(
        [first := Run(jobs[0], opened(jobs[0]), (), first.interrupted)], print
    )
    assert kept == [weights(stopped)] * 2


def test_identity_says_that_a_run_is_packed_and_not_with_how_many(settings_of):
    alone, two, six = (identify(settings_of(f"execution.pack={p}")) for p in ("off", 2, 6))
    assert alone.key != two.key
    assert two.key == six.key
    assert identify(settings_of()).key == alone.key


@pytest.mark.parametrize(
    ("overrides", "why"),
    [
        (("model.dropout=0.1",), "dropout"),
        (("apoptosis=functional_preservation",), "apoptosis"),
        (("optimizer=sophia",), "measures curvature"),
    ],
)
def test_what_cannot_be_packed_is_refused_in_a_sentence(overrides, why, job_of):
    with pytest.raises(AuditionError, match=f"{why}.*cannot be packed: set execution.pack=off"):
        packed(job_of, *overrides)


@pytest.mark.parametrize("acts_on", ["anchor", "rate"])
def test_gains_that_differ_from_run_to_run_are_refused_in_a_sentence(acts_on, job_of):
    """A run's controls are numbers of the whole pack."""
    compressor = ("ratio=4", "reference=0.01", "listens_to=gradient", f"acts_on={acts_on}")
    words = (f"effects.compressor.{word}" for word in compressor)
    with pytest.raises(AuditionError, match=r"effects\.compressor .*cannot be packed: set .*=off"):
        packed(job_of, "preset=anchor", "+preset@effects=compressor", *words)


def test_an_effect_that_wraps_the_gradient_must_say_that_it_packs(job_of):
    class Wrapping(Effect):
        def wrap_gradient(self, rule, state, view):
            return rule, state

    def wrapped(job):
        effects = job.recipe.effects.then("mine", Wrapping())
        return replace(job, recipe=replace(job.recipe, effects=effects))

    with pytest.raises(AuditionError, match=r"effects\.mine wraps the gradient rule"):
        packed(job_of, change=wrapped)


def test_a_pack_that_does_not_fit_is_refused_with_the_largest_that_does(job_of, monkeypatch):
    run = Run(job := job_of("seed=1"), opened(job))
    each = checks.bytes_of(run)
    assert each > 4 * sum(p.numel() * p.element_size() for p in run.session.params.values())
    monkeypatch.setattr(checks, "free_memory", lambda device: 2.5 * each)
    checks.check_size([run] * 2)
    with pytest.raises(AuditionError, match=r"execution\.pack=3 takes .* choose 2 or fewer"):
        checks.check_size([run] * 3)


def with_statistics(job):
    """A model of digits whose buffers change as it trains."""

    def model(shape):
        return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, shape.outputs))

    return replace(job, recipe=replace(job.recipe, model=model))


def test_measuring_a_run_leaves_it_as_it_was(job_of):
    job = with_statistics(job_of("experiment=digits"))
    session = opened(job)
    state = digest({**session.params, **session.buffers})
    random = torch.get_rng_state()
    checks.bytes_of(Run(job, session))
    assert digest({**session.params, **session.buffers}) == state
    assert torch.equal(torch.get_rng_state(), random)


def test_each_run_keeps_its_own_running_statistics(job_of):
    found = packed(job_of, "experiment=digits", change=with_statistics)
    for seed, outcome in zip(SEEDS, found, strict=True):
        alone = train(with_statistics(job_of("experiment=digits", f"seed={seed}")))
        for name, buffer in alone.session.buffers.items():
            torch.testing.assert_close(outcome.session.buffers[name], buffer)


def test_at_once_and_one_by_one_agree_and_hand_untouched_tensors_through():
    x, y = torch.randn(3, 2, 4), torch.randn(3, 5)

    def function(tree, _=None):
        return {"kept": tree["x"], "norm": tree["y"].norm(), "n": 7}

    both = (
        at_once(function, {"x": x, "y": y}),
        one_by_one(lambda place, tree: function(tree), 3, {"x": x, "y": y}),
    )
    for found in both:
        assert found["kept"] is x
        assert found["n"] == 7
        torch.testing.assert_close(found["norm"], y.norm(dim=1))
    with pytest.raises(AuditionError, match="decides otherwise for one run"):
        one_by_one(lambda place: place, 3)


def test_jobs_hold_the_runs_of_one_arm_up_to_the_size_of_a_pack(made_specs):
    specs = made_specs(pack=2)
    jobs = jobs_of(specs, [1.0] * len(specs))
    assert [[(s.record.arm, s.record.seed) for s in job.specs] for job in jobs] == [
        [("baseline", 1), ("baseline", 2)],
        [("baseline", 3)],
        [("other", 1), ("other", 2)],
        [("other", 3)],
    ]
    assert [job.expected_seconds for job in jobs] == [2.0, 1.0, 2.0, 1.0]
    assert len(jobs_of(made_specs(pack="off"), [None] * 6)) == 6


@pytest.fixture
def made_specs(settings_of):
    from audition.sweep.arms import Arm
    from audition.sweep.plan import PlannedRun

    def made(pack):
        specs = []
        for arm, extra in (("baseline", ()), ("other", ("optimizer.lr=1e-3",))):
            settings = settings_of(f"execution.pack={pack}", *extra)
            identity = identify(settings)
            specs += [
                PlannedRun(Arm(arm, ()), s, {**settings, "seed": s}, identity.of_seed(s), "").spec(
                    {}
                )
                for s in SEEDS
            ]
        return specs

    return made
