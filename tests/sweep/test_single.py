"""A run outside a sweep: which plan it is of, and a job that is no longer what its sweep planned."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from audition.errors import AuditionError
from audition.records.registration import register
from audition.records.store import Ledger
from audition.sweep import single
from audition.sweep.announce import announcement
from audition.sweep.arms import Question
from audition.sweep.compose import Composer
from audition.sweep.executors import filed
from audition.sweep.plan import PlannedRun, make_plan
from audition.sweep.single import plan_single


@pytest.fixture
def planned(
    ask: Callable[[str], Question], composer: Composer, tmp_path: Path
) -> tuple[PlannedRun, ...]:
    """The runs of a sweep, whose plan is in the ledger at `tmp_path`."""
    words = f"model=tiny +idea=placebo seed=1,2 paths.output_dir={tmp_path}"
    plan = make_plan(ask(words), composer)
    announced = announcement(plan)
    register(tmp_path, announced)
    return plan.under(announced.digest()).runs


def again(composer: Composer, *words: str) -> PlannedRun:
    return plan_single(composer(words), list(words), composer)


def test_a_run_by_hand_is_of_the_plan_that_names_it(
    composer: Composer, planned: tuple[PlannedRun, ...]
) -> None:
    for run in planned:
        assert again(composer, *run.overrides).plan == run.plan
    by_hand = again(composer, *planned[0].arm.overrides, "seed=7")
    assert by_hand.plan == ""
    assert by_hand.record.plan == ""


def test_a_job_is_the_run_that_its_sweep_planned(
    composer: Composer, planned: tuple[PlannedRun, ...]
) -> None:
    for run in planned:
        assert again(composer, *filed(run)).record == run.record


def test_a_job_that_would_be_another_run_is_refused_and_filed_as_failed(
    composer: Composer, planned: tuple[PlannedRun, ...], tmp_path: Path
) -> None:
    run = planned[-1]
    with pytest.raises(AuditionError, match="placebo seed 2: its config, its text or its code"):
        again(composer, *filed(run), "optimizer.lr=0.5")  # as a yaml file would be edited
    record = Ledger(tmp_path).get(Ledger(tmp_path).folder_of(run.record))
    assert record is not None
    assert (record.key, record.status) == (run.identity.key, "failed")
    assert record.reason.startswith("its config, its text or its code was changed after")


def test_what_is_typed_in_place_of_a_sweep_names_no_run(
    composer: Composer, planned: tuple[PlannedRun, ...], tmp_path: Path
) -> None:
    """Neither another name nor another baseline: it would be judged against what it was not up to."""
    sent = filed(planned[-1])
    for key, other in (("name", "another"), ("baseline", "f" * 16), ("plan", "f" * 16)):
        forged = [f"arm.{key}={other}" if w.startswith(f"arm.{key}=") else w for w in sent]
        assert forged != list(sent)
        with pytest.raises(AuditionError, match=r"no plan in .* has the arm\.name="):
            again(composer, *forged)
    # The runs of a plan that judges have a baseline; none of a sweep that only chooses.
    bare = [word for word in sent if not word.startswith("arm.baseline=")]
    with pytest.raises(AuditionError, match=r"with the arm\.baseline=''"):
        again(composer, *bare)
    assert not Ledger(tmp_path).read().records


def test_what_hydra_s_own_sweeper_sends_to_a_cluster_is_rehearsed_before_it_is_submitted(
    composer: Composer, planned: tuple[PlannedRun, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(runs: Sequence[PlannedRun], server: Any) -> None:
        raise AuditionError(f"{len(runs)} cannot be put together")

    monkeypatch.setattr(single, "Composer", SimpleNamespace(of_hydra=lambda hydra: composer))
    monkeypatch.setattr(single, "warm", nullcontext)
    monkeypatch.setattr(single, "rehearse", refuse)
    monkeypatch.setattr(single, "submit", lambda *given: pytest.fail("submitted"))
    jobs = [run.overrides for run in planned]
    with pytest.raises(AuditionError, match=f"{len(planned)} cannot be put together"):
        single.submit_all(jobs, Any, Any)
