"""The teacher of a run: the ledger's of the same seed, whose digest is part of the run's key."""

from dataclasses import replace

import pytest

from audition.errors import AuditionError
from audition.recipe.weights import FILE
from audition.records.store import Ledger
from audition.sweep.arms import Arm, Question
from audition.sweep.plan import make_plan
from audition.training.build import build
from audition.training.run import perform

STUDENT = ("model.width=16", "model.layers=1")
DISTILL = (*STUDENT, "loss=distill", "loss.alpha=0.5", "loss.teacher=baseline")


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger")


@pytest.fixture
def planned(settings_of, ledger):
    """Overrides that all share, and an arm's -> the plan of them on the seeds."""

    def of(common, arm=(), seeds=(1,)):
        def composed(overrides):
            settings = dict(settings_of(*overrides))
            return {**settings, "paths": {**settings["paths"], "output_dir": str(ledger.root)}}

        arms = (Arm("arm", tuple(arm)),) if arm else ()
        return make_plan(Question(tuple(common), arms, tuple(seeds)), composed)

    return of


def train(plan, keep=True):
    return [
        perform(replace(r, settings={**r.settings, "keep": {"weights": keep}}).spec({}), print)
        for r in plan.runs
    ]


def test_the_teacher_is_the_run_of_the_same_seed(planned, ledger):
    teachers = train(planned((), seeds=(1, 2)))
    plan = planned(STUDENT, DISTILL, seeds=(1, 2))
    runs = [run for run in plan.runs if run.arm.name == "arm"]
    assert [run.settings["loss"]["weights"] for run in runs] == [t.weights for t in teachers]
    assert len({run.identity.config_hash for run in runs}) == 1
    model = build(runs[1].settings).recipe.loss.teacher
    own = {n: p for n, p in model.named_parameters()}
    assert all(not p.requires_grad for p in own.values())
    assert own["embedding.weight"].shape[1] == 32
    records = train(plan)
    assert [record.status for record in records] == ["finished"] * 4
    assert records[-1].forward_passes > 2 * records[0].forward_passes
    # Its own baseline is called so too, and is not meant.
    again = planned(STUDENT, DISTILL, seeds=(1, 2))
    assert [r.identity.key for r in again.runs] == [r.identity.key for r in plan.runs]


def test_another_teacher_makes_another_run(planned, ledger):
    (teacher,) = train(planned(()))
    before = planned(STUDENT, DISTILL).runs[-1]
    ledger.write(replace(teacher, weights="0" * 32))
    after = planned(STUDENT, DISTILL).runs[-1]
    assert after.identity.config_hash == before.identity.config_hash
    assert after.identity.key != before.identity.key
    with pytest.raises(AuditionError, match="was trained anew since this run was planned"):
        perform(before.spec({}), print)


def test_weights_that_were_not_kept_are_made_again(planned, ledger):
    (teacher,) = train(planned(()), keep=False)
    assert not (ledger.folder_of(teacher) / FILE).exists()
    assert perform(planned(STUDENT, DISTILL).runs[-1].spec({}), print).status == "finished"
    assert (ledger.folder_of(teacher) / FILE).exists()


def test_a_teacher_that_is_not_there_is_refused_with_what_to_type(planned):
    with pytest.raises(
        AuditionError, match=r"loss.teacher=baseline: no run of that arm has finish"
    ):
        planned(STUDENT, DISTILL)
    train(planned(()))
    with pytest.raises(AuditionError, match=r"no finished run of seed 3: train it first, .*seed=3"):
        planned(STUDENT, DISTILL, seeds=(3,))
    train(planned(("optimizer.lr=0.01",)))
    with pytest.raises(AuditionError, match="names 2 arms: choose one of baseline/"):
        planned(STUDENT, DISTILL)
