"""Trials ended inside a run, at an evaluation: who is, at which step, and what becomes of the run."""

import math
from collections.abc import Callable

import pytest
from evaluated import EVALUATIONS, LR, STEPS, Silent, Trained
from search_entries import NOISE

from audition.answers import arms_of
from audition.records.store import Ledger
from audition.sweep.pool import End, Job
from audition.sweep.search.answer import candidates
from audition.sweep.search.make_trials import asked_for, queued
from audition.sweep.search.settings import SearchSettings
from audition.sweep.search.space.points import Points
from audition.sweep.search.study.samplers import pruner_of, sampler_of
from audition.sweep.search.study.serving import serving
from audition.sweep.search.study.storage import journal_of, open_storage, prepare_optuna
from audition.sweep.search.trial_queue import PRUNED, TrialQueue

GOOD = tuple(f"optimizer.lr={lr}" for lr in (0.006, 0.008, 0.012, 0.014))
BAD, BETTER = "optimizer.lr=0.0003", "optimizer.lr=0.0101"


Inside = Callable[..., Trained]


@pytest.fixture
def inside(points: Callable[..., Points], request: pytest.FixtureRequest) -> Inside:
    """Points to try and a pruner -> the study, its trials made one at a time, or none of them."""
    prepare_optuna()

    def run(
        known: tuple[str, ...],
        pruner: str,
        *,
        name: str = "study",
        make: bool = True,
        silent: Silent = lambda place: False,
    ) -> Trained:
        own = points(LR, f"training.evaluations={EVALUATIONS}", f"budget.steps={STEPS}")
        wanted = SearchSettings(space=LR, trials=len(known) + 1, pruner=pruner, known=known)
        asked = asked_for(wanted, own)
        serve = serving(
            open_storage(None, journal_of(own.output_dir, name)),
            own.output_dir / "servers",
            name,
            asked,
            wanted.trials,
        )
        study, _ = serve.__enter__()
        request.addfinalizer(lambda: serve.__exit__(None, None, None))
        study.study.set_user_attr("asked", asked)
        study.enqueue(queued(wanted, own))
        study.study.sampler = sampler_of(SearchSettings(space=LR, sampler="random"), 0)
        chosen = wanted.pruner_for(3, EVALUATIONS)
        study.study.pruner = pruner_of(chosen, 0.3, 3 * EVALUATIONS)
        said: list[str] = []
        desk = TrialQueue(
            study,
            own,
            ("val_loss",),
            inside=EVALUATIONS if pruner in ("median", "hyperband") else 0,
            prunes=pruner != "none",
            job_of=lambda run: Job.of(run.spec({})),
            say=said.append,
        )
        result = Trained(study, desk, Ledger(own.output_dir), said=said)
        while make and (job := desk.take()) is not None:
            result.train(job, silent)
        return result

    return run


def losses(lr: float) -> dict[int, float]:
    """What a whole trial reports: steps from 1, going on from seed to seed."""
    final = [2.3 + math.log10(lr / 0.01) ** 2 + NOISE[s] + 1e-4 * (s % 7) for s in NOISE]
    curve = [f + 0.1 * (EVALUATIONS - 1 - i) for f in final for i in range(EVALUATIONS)]
    return dict(enumerate(curve, start=1))


@pytest.mark.parametrize("lost", [(), (0, 2), (1, 2, 3)], ids=["heard", "half lost", "most lost"])
def test_median_ends_a_bad_run_at_an_evaluation(inside: Inside, lost: tuple[int, ...]) -> None:
    result = inside((*GOOD, BAD, BETTER), "median", silent=lambda place: place in lost)
    assert result.states() == [*["COMPLETE"] * 5, "PRUNED", "COMPLETE"]
    bad, better = result.study.trials[5:]
    first = next(place for place in range(EVALUATIONS) if place not in lost) + 1
    assert result.ended == {f"{BAD} seed 42": first}
    assert [label for label in result.begun if label.startswith(BAD)] == [f"{BAD} seed 42"]
    assert bad.intermediate_values == pytest.approx(dict(list(losses(0.0003).items())[:first]))
    assert better.intermediate_values == pytest.approx(losses(0.0101))
    assert result.said[5] == f"trial 5 {BAD}: given up at an evaluation of seed 42"


def test_a_run_that_was_ended_is_no_outcome(inside: Inside) -> None:
    result = inside((*GOOD, BAD, BETTER), "median")
    hash_of_bad = result.study.trials[5].user_attrs["run"]["config_hash"]
    (filed,) = [r for r in result.ledger.read().records if r.config_hash == hash_of_bad]
    assert (filed.status, filed.reason) == ("interrupted", "stopped at step 10")
    assert filed.key not in result.ledger.read().settled()
    arm = arms_of(result.ledger.read().records).get(hash_of_bad)
    assert arm is None or not arm.losses
    assert hash_of_bad not in {c.config_hash for c in candidates(result.study, "", 7)}

    assert inside((*GOOD, BAD, BETTER), "median").begun == []  # given up once and for all
    other = inside((BAD,), "none", name="other")
    assert other.begun == [f"{BAD} seed {seed}" for seed in NOISE]  # and nobody else's outcome
    assert other.states() == ["COMPLETE", "COMPLETE"]
    assert other.study.trials[1].value == pytest.approx(2.3 + math.log10(0.03) ** 2, abs=0.01)


def test_hyperband_ends_bad_runs_at_its_rungs(inside: Inside) -> None:
    worse = tuple(f"optimizer.lr={0.004 / 1.3**n:.4g}" for n in range(1, 11))
    result = inside((*worse, BETTER), "hyperband")
    pruned = [t for t in result.study.trials if t.state.name == "PRUNED"]
    assert len(pruned) == len(result.ended) > 3
    rungs = {1, 3, 9}
    assert {t.last_step for t in pruned} <= rungs
    assert {t.last_step for t in pruned} & {1, 3}
    assert result.states()[0] == "COMPLETE"
    assert result.states()[-1] == "COMPLETE"
    for trial in pruned:
        assert trial.intermediate_values == pytest.approx(
            dict(list(losses(trial.params["optimizer.lr"]).items())[: trial.last_step])
        )


def test_a_run_that_diverges_says_so_itself(inside: Inside) -> None:
    result = inside((*GOOD, "optimizer.lr=0.9", BETTER), "median")
    assert result.ended == {}
    assert result.study.trials[5].values == [math.inf]


def test_the_other_seeds_of_a_trial_that_is_given_up_end_too(inside: Inside) -> None:
    made = inside((*GOOD, BAD), "median", make=False)
    while len(made.begun) < 3 * 5:
        job = made.desk.take()
        assert job is not None
        made.train(job, lambda place: False)
    first, second = made.desk.take(), made.desk.take()  # nothing else is left to be done
    assert first is not None
    assert second is not None
    assert (first.label, second.label) == (f"{BAD} seed 42", f"{BAD} seed 137")
    training = {"phase": "training", "step": 3}
    assert made.desk.stops(second, training) == ""
    made.train(first, lambda place: False)
    assert made.states()[-1] == "PRUNED"
    assert made.desk.stops(second, training) == PRUNED
    made.desk.hear(second, End(status="failed", seconds=0.0, reason=PRUNED))
    assert made.desk.take() is None
    assert made.states().count("PRUNED") == 1


def test_so_does_a_seed_that_was_given_out_ahead(inside: Inside) -> None:
    made = inside((BETTER, BAD), "wilcoxon", make=False)
    while len(made.begun) < 3 * 2:
        made.train(made.desk.take(), lambda place: False)
    jobs = [made.desk.take() for _ in range(3)]  # nothing else is left to be done
    assert [job.label for job in jobs if job] == [f"{BAD} seed {seed}" for seed in NOISE]
    for job in jobs[:2]:
        assert made.desk.stops(jobs[2], {"phase": "training", "step": 3}) == ""
        made.train(job, lambda place: False)
    assert made.states()[-1] == "PRUNED"
    assert made.desk.stops(jobs[2], {"phase": "training", "step": 3}) == PRUNED


@pytest.mark.parametrize(("pruner", "after"), [("median", 1), ("hyperband", 1), ("wilcoxon", 2)])
def test_the_pruner_is_asked_of_runs_that_the_ledger_serves(
    inside: Inside, pruner: str, after: int
) -> None:
    points = (*GOOD, BAD, "optimizer.lr=0.0002", BETTER)
    whole = inside(points, "none", name="whole")
    assert set(whole.states()) == {"COMPLETE"}
    again = inside(points, pruner, name="again")
    assert again.begun == []
    assert "PRUNED" in again.states()[5:7]
    assert again.states()[-1] == "COMPLETE"
    given_up = [t for t in again.study.trials if t.state.name == "PRUNED"]
    assert min(len(t.user_attrs["seeds"]) for t in given_up) == after
