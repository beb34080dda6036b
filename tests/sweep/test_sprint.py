"""Sprints: how many whole seeds fit, what is trained in which order, and that the clock alone cuts."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from made_records import made

from audition.answers import arms_of, judge_baseline, judge_plan
from audition.config.identity import Identity
from audition.errors import AuditionError
from audition.records.registration import PlannedArm, PlannedClaim, Registration, register
from audition.records.sprints import SPRINTS
from audition.records.store import Ledger
from audition.sweep.arms import Arm, Question
from audition.sweep.claimed import check_on_record
from audition.sweep.executors import LocalExecutor
from audition.sweep.local import UntilBell
from audition.sweep.plan import Plan, PlannedRun
from audition.sweep.pool import PoolSettings
from audition.sweep.show import Show
from audition.sweep.sprint import (
    Block,
    blocks_of,
    how_many,
    planned_sprint,
    span,
    with_seeds,
)
from audition.sweep.sweeper import claims_before

SEEDS = (1, 2, 3, 4, 5)
ARMS = ("baseline", "a", "b")


def planned(root, name, seed):
    settings = {
        "seed": seed,
        "task": {"_target_": "audition.tasks.language.Language"},
        "data": {"_target_": "audition.data.stdlib.StandardLibrary"},
        "paths": {"output_dir": str(root)},
        "budget": {"tokens": 10},
        "execution": {"device": "cpu", "threads": 1},
        "analysis": {"alpha": 0.05},
        "metric": None,
    }
    identity = Identity(name, f"{name}-{seed}", "held-out", "code")
    return PlannedRun(Arm(name, ()), seed, settings, identity, "baseline")


@pytest.fixture
def plan(tmp_path):
    runs = tuple(planned(tmp_path, name, seed) for name in ARMS for seed in SEEDS)
    return Plan(runs, "baseline")


class Clocked(LocalExecutor):
    """An executor whose runs take a time of a clock that stands otherwise."""

    def __init__(self, ledger, seconds, workers=1):
        super().__init__(lambda runs: PoolSettings(workers=workers), None)
        self.ledger, self.seconds, self.now, self.made = ledger, seconds, 0.0, []

    def check(self, runs):
        pass

    def train_until(self, runs, bell):
        for run in runs:
            if bell():
                return
            self.now += self.seconds
            if bell():  # it was under way: checkpointed, without an outcome
                self.ledger.write(replace(run.record, status="interrupted"))
                return
            self.made.append((run.seed, run.arm.name))
            loss = 2.0 - 0.1 * (run.arm.name == "a") + 0.01 * run.seed
            self.ledger.write(
                replace(run.record, status="finished", metrics={"val_loss": loss}, started="2026")
            )


def pace(seconds):
    return lambda runs, pool: {run.identity.config_hash: seconds for run in runs}


def conduct(plan, executor, ledger, minutes, expected):
    """What was shown, after a sprint as `sweep` conducts it."""
    style = planned_sprint(plan, ledger.read(), minutes, executor, pace(expected))
    style = replace(style, clock=lambda: executor.now)
    own = style.plan
    seeds = tuple(dict.fromkeys(run.seed for run in own.runs))
    arms = tuple(PlannedArm(name=n, config_hash=n, seeds=seeds, cards={}) for n in ("a", "b"))
    registration = Registration(
        baseline_hash="baseline",
        baseline_seeds=seeds,
        arms=arms,
        metric="val_loss",
        sesoi=0.005,
        sides="two",
        sprint=minutes,
    )
    register(ledger.root, registration)
    shown = []
    show = Show(lambda judgements, ledger: shown.extend(judgements), lambda runs: None)
    done = style.conduct(own.under(registration.digest()), executor, ledger, show)
    return done, shown, registration


@pytest.mark.parametrize("value", ["0", "-1", "soon", "true", "nan", "inf", "1e9", "[15]"])
def test_what_is_no_time_is_refused_in_a_sentence(composer, value):
    with pytest.raises(AuditionError, match=r"^sprint=\S+ is (not a number|out of range)"):
        composer([f"sprint={value}"])


@pytest.mark.parametrize("word", ["sprint=15", "+sprint=15"])
def test_minutes_are_typed_with_a_plus_or_without(composer, word):
    assert composer([word])["sprint"] == 15
    assert composer([])["sprint"] is None


def test_two_times_make_no_arms(ask):
    with pytest.raises(AuditionError, match="its values make no arms"):
        ask("sprint=10,20")


def test_a_command_without_seeds_offers_the_usual_three_and_more_and_one_with_seeds_its_own():
    question = Question((), (Arm("a", ()),), None)
    seeds = with_seeds(question).seeds
    assert seeds[:3] == (42, 137, 256)
    assert len(set(seeds)) == 20
    assert with_seeds(replace(question, seeds=(7, 8))).seeds == (7, 8)


def test_runs_are_typed_without_the_time_that_they_were_made_in(ask):
    """What follows a verdict types the words of a run again, and a confirmation is no sprint."""
    question = with_seeds(ask("+sprint=15 model=tiny +idea=placebo"))
    assert question.common == ("model=tiny",)
    assert [arm.overrides for arm in question.arms] == [("model=tiny", "+idea=placebo")]


@pytest.mark.parametrize(
    ("workers", "seconds", "fits"),
    [(1, 29.9, 0), (1, 30, 1), (1, 149, 4), (1, 1e9, 5), (3, 10, 1), (2, 20, 1), (2, 30, 2)],
)
def test_whole_seeds_fit_by_the_schedule_of_the_pool(plan, tmp_path, workers, seconds, fits):
    """Three runs of 10 s a seed: one worker needs 30 s for each, two need 30 s for two of them."""
    blocks = blocks_of(plan, Ledger(tmp_path).read())
    assert how_many(blocks, dict.fromkeys(ARMS, 10.0), workers, seconds) == fits


def test_what_is_deployed_comes_after_all_that_is_trained(plan):
    runs = plan.runs
    blocks = [Block(1, (runs[0],), (runs[5],)), Block(2, (runs[1],), (runs[6],))]
    assert span(blocks, {"baseline": 10.0, "a": 1.0}, 1) == 22.0
    assert span(blocks, {"baseline": 10.0, "a": 1.0}, 2) == 11.0


def test_where_not_one_seed_fits_it_is_said_before_anything_is_trained(plan, tmp_path):
    ledger = Ledger(tmp_path)
    executor = Clocked(ledger, 100.0)
    with pytest.raises(AuditionError, match=r"3 runs and takes about 5 min .*sprint=6 would hold"):
        planned_sprint(plan, ledger.read(), 1, executor, pace(100.0))
    assert executor.made == []
    assert not (tmp_path / "plans").exists()
    # And the number that is named does.
    assert planned_sprint(plan, ledger.read(), 6, executor, pace(100.0)).plan.runs


def test_runs_that_are_made_elsewhere_have_no_sprint(plan, tmp_path):
    with pytest.raises(AuditionError, match="hydra/launcher=pool"):
        planned_sprint(plan, Ledger(tmp_path).read(), 1, SimpleNamespace(), pace(1.0))


def test_a_sprint_takes_the_first_seeds_that_fit_trains_seed_by_seed_and_is_filed(plan, tmp_path):
    ledger = Ledger(tmp_path)
    executor = Clocked(ledger, 10.0)
    done, shown, registration = conduct(plan, executor, ledger, 2, 10.0)
    assert executor.made == [(seed, name) for seed in (1, 2, 3) for name in ARMS]
    assert done
    assert [(j.comparison.idea, j.comparison.n) for j in shown] == [("a", 3), ("b", 3)]
    assert all(j.standing.word == "as planned" for j in shown)
    ((sprint,), unreadable) = SPRINTS.read(tmp_path)
    assert unreadable == ()
    assert (sprint.seeds, sprint.complete, sprint.trained, sprint.end) == (
        (1, 2, 3),
        (1, 2, 3),
        9,
        "done",
    )
    assert sprint.plan == registration.digest()
    assert sprint.pace == dict.fromkeys(ARMS, 10.0)


def test_the_bell_cuts_whole_seeds_and_the_same_command_goes_on(plan, tmp_path):
    ledger = Ledger(tmp_path)
    slow = Clocked(ledger, 25.0)  # two and a half times as long as expected
    _, shown, _ = conduct(plan, slow, ledger, 2, 10.0)
    assert slow.made == [(1, "baseline"), (1, "a"), (1, "b"), (2, "baseline")]
    ((sprint,), _) = SPRINTS.read(tmp_path)
    assert (sprint.complete, sprint.trained, sprint.end) == ((1,), 4, "bell")
    # The baseline of seed 2 is in the ledger, and counts nowhere.
    assert {j.baseline.seeds for j in shown} == {(1,)}
    assert all("seeds 2, 3 of the plan without an outcome" in str(j.standing) for j in shown)
    again = Clocked(ledger, 10.0)
    style = planned_sprint(plan, ledger.read(), 2, again, pace(10.0))
    assert [run.seed for run in style.plan.runs if run.arm.name == "a"] == [1, 2, 3, 4]
    conduct(plan, again, ledger, 2, 10.0)
    assert again.made[:2] == [(2, "a"), (2, "b")]
    assert len(SPRINTS.read(tmp_path)[0]) == 2


def test_stopped_by_hand_it_is_filed_as_that(plan, tmp_path):
    ledger = Ledger(tmp_path)
    executor = Clocked(ledger, 10.0)

    def stopped(runs, bell):
        raise KeyboardInterrupt

    executor.train_until = stopped
    with pytest.raises(KeyboardInterrupt):
        conduct(plan, executor, ledger, 2, 10.0)
    ((sprint,), _) = SPRINTS.read(tmp_path)
    assert (sprint.end, sprint.complete) == ("stopped", ())


def test_time_cuts_and_no_result_does(plan, tmp_path):
    """Whatever the losses are, the seeds that are judged are the same."""
    cuts = []
    for place, better in (("x", "a"), ("y", "b")):
        root = tmp_path / place
        ledger = Ledger(root)
        own = Plan(tuple(planned(root, n, s) for n in ARMS for s in SEEDS), "baseline")
        executor = Clocked(ledger, 25.0)
        write = ledger.write
        losses = {better: 0.1, "baseline": 1.0}
        executor.ledger = SimpleNamespace(
            write=lambda r, w=write, k=losses: w(
                replace(r, metrics={"val_loss": k.get(r.arm, 9.0)} if r.metrics else {})
            )
        )
        _, shown, _ = conduct(own, executor, ledger, 3, 10.0)
        cuts.append({j.arm.seeds for j in shown} | {j.baseline.seeds for j in shown})
    assert cuts[0] == cuts[1] == {(1, 2)}


def registration(**more):
    arms = tuple(PlannedArm(name=n, config_hash=n, seeds=(1, 2, 3), cards={}) for n in ("a", "b"))
    return Registration(
        baseline_hash="baseline", baseline_seeds=(1, 2, 3), arms=arms, metric="val_loss", **more
    )


def test_the_time_is_part_of_the_plan_and_plans_without_one_keep_their_names():
    plain, timed = registration(), registration(sprint=15)
    assert plain.digest() != timed.digest() != registration(sprint=20).digest()
    assert registration(sprint=None).digest() == plain.digest()


@pytest.mark.parametrize("whole", [True, False])
def test_every_verdict_leaves_the_cut_seeds_of_a_sprint_out(whole):
    plan = registration(sprint=15 if not whole else None, sesoi=0.005)
    records = [
        made(arm, seed, 2.0 - 0.1 * (arm == "a") + 0.01 * seed, plan=plan.digest(), started="2026")
        for arm in ARMS
        for seed in (1, 2, 3)
        if (arm, seed) != ("b", 3)
    ]
    expected = {(1, 2, 3)} if whole else {(1, 2)}
    (a, b) = judge_plan(records, plan, [plan])
    assert {a.arm.seeds} == expected
    assert b.arm.seeds == (1, 2)
    (a, b) = judge_baseline(arms_of(records), "baseline", plans=[plan])
    assert {a.arm.seeds} == expected
    assert {a.baseline.seeds} == expected


def test_jobs_come_in_their_order_until_the_bell():
    rung = [False]
    source = UntilBell(["first", "second", "third"], lambda: rung[0])
    assert (source.take(), source.stops("first", {}), source.take()) == ("first", "", "second")
    rung[0] = True
    assert source.take() is None
    assert "time is up" in source.stops("second", {})


def test_claims_about_files_are_of_deployed_runs() -> None:
    claim = PlannedClaim(cost="model_bytes", k=2, delta=None, arms=("a" * 16,))
    check_on_record([claim], deployed=True)
    check_on_record([replace(claim, cost="tokens")], deployed=False)
    with pytest.raises(AuditionError, match=r"claim\.cost=model_bytes is of deployed runs"):
        check_on_record([claim], deployed=False)


def test_what_an_earlier_plan_claimed_was_claimed_before_the_runs() -> None:
    claim = PlannedClaim(cost="tokens", k=2, delta=None, arms=("a" * 16,))
    first = Registration(
        baseline_hash="b" * 16, baseline_seeds=(1, 2), arms=(), metric="val_loss", claims=(claim,)
    )
    assert claims_before(replace(first, baseline_seeds=(1,)), (first,))
    assert claims_before(replace(first, claims=()), ())
    assert not claims_before(first, ())
    assert not claims_before(replace(first, claims=(replace(claim, k=3),)), (first,))
    assert not claims_before(replace(first, baseline_hash="c" * 16), (first,))
