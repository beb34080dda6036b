"""Trained runs and what is made of them, filed in a ledger of the test's own."""

import pytest
from held import held

from audition.config.identity import identify
from audition.records.contents import contents_of
from audition.records.store import Ledger
from audition.sweep.arms import Arm, Question
from audition.sweep.derived import prepared, with_parents
from audition.sweep.plan import make_plan
from audition.training.run import perform


@pytest.fixture(autouse=True)
def _sources_are_held():
    with held():
        yield


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger")


@pytest.fixture
def planned(settings_of, ledger):
    """Arms by name and seeds -> the plan of a sweep over them, the first arm its baseline."""

    def of(arms, seeds=(1, 2)):
        (_, base), *others = ((name, line.split()) for name, line in arms.items())

        def composed(overrides):
            settings = dict(settings_of(*overrides))
            settings["paths"] = {**settings["paths"], "output_dir": str(ledger.root)}
            return {**settings, "baseline": " ".join(base) or None}

        question = Question((), tuple(Arm(n, tuple(line)) for n, line in others), tuple(seeds))
        plan = make_plan(question, composed)
        return with_parents(prepared(plan, ()), contents_of(ledger))

    return of


@pytest.fixture
def carry_out(ledger):
    """A plan -> the plan after its runs are trained and deployed, and their records by label."""

    def of(plan):
        for run in plan.untrained(ledger.read()):
            perform(run.spec({}), lambda told: None)
        plan = with_parents(plan, ledger.read())
        found = {}
        for run in plan.runs:
            found[run.label] = perform(run.spec({}), lambda told: None)
            assert identify(run.settings).key == run.identity.key == found[run.label].key
        return plan, found

    return of
