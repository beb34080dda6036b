"""A sweep of placebos: which runs it asks for, and which of them make which comparisons."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from audition.config.identity import Identity
from audition.errors import AuditionError
from audition.records.placebos import PLACEBOS
from audition.sweep.arms import Arm, Question
from audition.sweep.calibrate import CalibrateStyle, parts_of
from audition.sweep.plan import Plan, PlannedRun
from audition.sweep.settings import CalibrateSettings

RECIPE = SimpleNamespace(composed=lambda typed: ({"optimizer": {"lr": 0.004}}, {}))
PLAIN = Question(("model=tiny",), (), None)


def style(**settings: Any) -> CalibrateStyle:
    return CalibrateStyle(CalibrateSettings(**settings), RECIPE)  # type: ignore[arg-type]


def plan_of(question: Question, root: Path) -> Plan:
    arms = (Arm("baseline", question.common), *question.arms)
    settings = {
        "task": {"_target_": "audition.tasks.language.Language"},
        "data": {"_target_": "audition.data.stdlib.StandardLibrary"},
        "execution": {"pack": "off", "device": "cpu", "threads": 1},
        "budget": {"tokens": 10},
        "paths": {"output_dir": str(root)},
        "metric": "val_loss",
    }
    runs = [
        PlannedRun(arm, seed, settings, Identity(f"h{k}", f"h{k}/{seed}", "", ""), "h0")
        for k, arm in enumerate(arms)
        for seed in question.seeds or ()
    ]
    return Plan(tuple(runs), "h0")


def test_every_placebo_is_an_arm_at_every_value_and_every_campaign_has_its_seeds() -> None:
    question = style(runs=7, ideas=3, trials=3).widen(PLAIN)
    assert question.seeds == tuple(range(1, 3 * 8 + 1))
    names = [arm.name for arm in question.arms]
    assert names[:3] == ["optimizer.lr=0.002", "optimizer.lr=0.008", "placebo,dose=d1"]
    assert len(names) == len(set(names)) == 3 * 4 - 1
    assert all(arm.overrides[0] == "model=tiny" for arm in question.arms)


@pytest.mark.parametrize("without", [{"key": None}, {"trials": 1}])
def test_without_tuning_there_are_placebos_alone(without: dict[str, Any]) -> None:
    question = style(runs=4, ideas=2, **without).widen(PLAIN)
    assert [arm.name for arm in question.arms] == ["placebo,dose=d1", "placebo,dose=d2"]


@pytest.mark.parametrize(
    ("question", "settings", "said"),
    [
        (Question((), (Arm("gate", ()),), None), {}, "'gate' is an arm"),
        (Question((), (), (1, 2)), {}, "leave seed= out"),
        (PLAIN, {"key": "optimizer.momentum"}, "the recipe has no such setting"),
        (PLAIN, {"runs": 100_000}, "ask for fewer"),
    ],
)
def test_what_a_calibration_cannot_be(
    question: Question, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(AuditionError, match=said):
        style(**settings).widen(question)


def test_runs_are_trained_by_campaigns_and_the_layout_is_on_file(tmp_path: Path) -> None:
    own = style(runs=40, ideas=2, trials=2)
    plan = plan_of(own.widen(PLAIN), tmp_path)
    trained: list[set[int]] = []

    class Executor:
        def train(self, runs: Sequence[PlannedRun]) -> None:
            layout = PLACEBOS.get(tmp_path, "h0")
            assert layout is not None
            assert layout.campaigns == 20
            trained.append({run.seed for run in runs})

    from audition.records.store import Ledger

    assert not own.conduct(plan, Executor(), Ledger(tmp_path), None)  # type: ignore[arg-type]
    assert [len(seeds) for seeds in trained] == [80, 80] * 2
    layout = PLACEBOS.get(tmp_path, "h0")
    assert layout is not None
    assert layout.baseline.config_hashes == ("h0", "h1")
    assert [each.config_hashes for each in layout.placebos] == [("h2", "h3"), ("h4", "h5")]
    screening, fresh = next(iter(layout.groups()))
    assert (screening, fresh) == ((1, 2, 3), (4, 5, 6, 7, 8))
    assert [len(seeds) for _, seeds in parts_of(layout, 64)] == [64, 64, 32] * 2
    assert [len(seeds) for _, seeds in parts_of(layout, 4)] == [8] * 40
    assert {arms for arms, _ in parts_of(layout, 4)} == {
        frozenset({"h0", "h2", "h4"}),
        frozenset({"h1", "h3", "h5"}),
    }
