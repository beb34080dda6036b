"""A sweep is counted as it would be if it were run."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from audition.errors import AuditionError
from audition.records.store import Ledger


def counted(asked: Any) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for run in asked.plan.runs:
        found.setdefault(run.arm.name, []).append(run.seed)
    return found


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        ((), {"baseline": [42]}),
        (("seed=1,2",), {"baseline": [1, 2]}),
        (("+idea=placebo", "seed=1,2"), {"baseline": [1, 2], "placebo": [1, 2]}),
        (
            ("optimizer=adamw,muon", "+idea=placebo", "seed=7"),
            {"baseline": [7], "placebo,optimizer=adamw": [7], "placebo,optimizer=muon": [7]},
        ),
        (("optimizer=adamw,muon",), {"baseline": [42], "optimizer=muon": [42]}),
        (
            ("+sweeps=first_look", "seed=1,2", "hydra.launcher.workers=3"),
            {"baseline": [1, 2], "placebo": [1, 2], "spectral_gate": [1, 2]},
        ),
    ],
)
def test_arms_and_seeds(
    asked: Any, words: Sequence[str], runs: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])  # campaigns are found in ./sweeps
    found = asked(*words)
    assert {name: sorted(seeds) for name, seeds in counted(found).items()} == runs
    assert len(found.missing) == len(found.plan.runs)
    assert next(iter(found.arms)) == "baseline"
    assert set(found.arms) == set(runs)


def test_what_the_ledger_holds_is_not_to_be_paid_for(asked: Any, tmp_path: Path) -> None:
    before = asked("+idea=placebo", "seed=1,2")
    ledger = Ledger(tmp_path)
    for run in before.plan.runs[:3]:
        record = run.record.ended("finished", metrics={"val_loss": 1.0})
        ledger.folder_of(record).mkdir(parents=True)
        ledger.write(record)
    after = asked("+idea=placebo", "seed=1,2")
    assert [run.label for run in after.missing] == ["placebo seed 2"]
    assert list(after.arms) == ["baseline", "placebo"]  # the baseline is measured all the same


@pytest.mark.parametrize(
    ("words", "name"), [((), "fp32"), (("precision=bf16",), "bf16"), (("precision=auto",), None)]
)
def test_the_configured_precision_has_its_name(
    asked: Any, words: Sequence[str], name: str | None
) -> None:
    assert asked(*words).precision in ((name,) if name else ("fp32", "bf16"))


def test_a_folder_of_ones_own_has_its_members(asked: Any, tmp_path: Path) -> None:
    own = tmp_path / "conf" / "optimizer" / "mine.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("_target_: audition.parts.optim.adamw.AdamW\nlr: 0.25\n", encoding="utf-8")
    found = asked(f"hydra.searchpath=['file://{tmp_path / 'conf'}']", "optimizer=mine")
    assert found.settings["optimizer"]["lr"] == 0.25


def test_a_search_cannot_be_counted(asked: Any) -> None:
    with pytest.raises(AuditionError, match="decides its runs while it runs"):
        asked("hydra/sweeper=basic")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("+optmizer=muon", "unknown key 'optmizer'; did you mean 'optimizer'?"),
        ("optimizer.lr=-1", "optimizer.lr=-1 is out of range"),
        ("seed=1,1", "seed=1 is given twice"),
    ],
)
def test_a_mistake_is_one_here_too(asked: Any, word: str, said: str) -> None:
    with pytest.raises(AuditionError, match=re.escape(said)):
        asked(word)
