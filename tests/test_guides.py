"""Every file that the authors' pages write out is put where they say, and trained."""

import json
import os
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from warm import Warm

from audition.config.card import is_draft
from audition.parts.stepping.controls import apply_controls
from audition.recipe.signals import Controls

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("idea.md", "part.md", "model.md", "corpus.md", "tasks.md", "contracts.md")

WRITTEN = re.compile(r"`([\w/]+\.(?:py|yaml))`([^`]*?)\n\n```(?:python|yaml)\n(.*?)```", re.DOTALL)
"""A path, the rest of its paragraph, and the block that follows."""


def files() -> Iterator[tuple[str, str]]:
    """Path and text of every file that a page writes out."""
    for page in PAGES:
        text = (DOCS / page).read_text(encoding="utf-8")
        for path, _, content in WRITTEN.findall(text):
            yield path, content


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the pages write out, and some text."""
    folder = tmp_path_factory.mktemp("lab")
    for path, content in files():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    (folder / "mylab/__init__.py").touch()
    (folder / "notes").mkdir()
    for i in range(20):
        (folder / f"notes/{i:02}.txt").write_text(f"note {i} says little. " * 40)
    return folder


Trained = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def trained(lab: Path, tmp_path: Path, warm: Warm) -> Trained:
    """Overrides -> the records of the command, as the pages type it."""

    def train(*overrides: str) -> list[dict[str, Any]]:
        ran = warm.run(
            *("audition", "train", "--config-dir", "conf", *overrides),
            *("allowed_targets=[audition.,mylab.]", f"paths.output_dir={tmp_path}"),
            cwd=lab,
            env={**os.environ, "PYTHONPATH": str(lab)},
        )
        assert ran.returncode == 0, ran.stderr
        records = tmp_path.glob("runs/*/*/*/record.json")
        return [json.loads(path.read_text(encoding="utf-8")) for path in records]

    return train


def test_an_idea_a_model_and_a_corpus_train(trained: Trained) -> None:
    own = ("+idea=cooling", "model=pairs", "data=notes", "data.folder=notes")
    (record,) = trained(*own, "budget.steps=3", "budget.tokens=null")
    assert record["arm"] == "cooling"
    assert record["status"] == "finished"


def test_a_fitness_counts_its_passes(trained: Trained) -> None:
    strategy = ("apoptosis=functional_preservation", "apoptosis/fitness=loudness")
    often = ("apoptosis.timetable.interval=0.3", "apoptosis.timetable.start=0")
    (record,) = trained(*strategy, *often, "debug=smoke")
    assert record["forward_passes"] > record["backward_passes"] == record["steps"]


def test_an_effect_acts_at_all_five_moments(trained: Trained, tmp_path: Path) -> None:
    (record,) = trained("preset=five", "model=tiny", "budget.steps=12")
    assert record["status"] == "finished"
    (lines,) = tmp_path.glob("runs/*/*/*/metrics.jsonl")
    last = [json.loads(line) for line in lines.read_text().splitlines() if "five/asked" in line][-1]
    assert last["effects/five/asked"] == last["step"]
    assert last["effects/five/norm"] > 0


def test_an_optimizer_steps_by_configured_settings_and_gains(lab: Path, trained: Trained) -> None:
    (record,) = trained("optimizer=signs", "debug=smoke")
    assert record["status"] == "finished"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(lab))
        signs = import_module("mylab.signs").Signs(lr=0.5)
    named = {
        "hidden": torch.nn.Parameter(torch.ones(2, 2)),
        "gain": torch.nn.Parameter(torch.ones(2)),
    }
    for weight, role in zip(named.values(), ("matrix", "vector"), strict=True):
        vars(weight).update(role=role)
    optimizer = signs(named)
    rates = {name: g["lr"] for g in optimizer.param_groups for name in g["names"]}
    assert rates == {"hidden": 0.5, "gain": 0.05}
    for gain in (0.5, 0.1):  # relative to what was configured: nothing compounds
        apply_controls(optimizer, Controls(lr=gain))
        scaled = {name: g["lr"] for g in optimizer.param_groups for name in g["names"]}
        assert scaled == pytest.approx({"hidden": 0.5 * gain, "gain": 0.05 * gain})
    assert {n: g["weight_decay"] for g in optimizer.param_groups for n in g["names"]} == {
        "hidden": 0.1,
        "gain": 0.0,
    }


def test_a_turnover_proposes_and_surgery_writes(trained: Trained, tmp_path: Path) -> None:
    (record,) = trained("apoptosis=quietest", "debug=smoke")
    assert (record["status"], record["untested"]) == ("finished", "")
    (log,) = tmp_path.glob("runs/*/*/*/lineage.jsonl")
    assert "quietest" in log.read_text(encoding="utf-8")


def test_an_idea_that_is_a_pitch_trains_and_is_a_draft(trained: Trained) -> None:
    (record,) = trained("+idea=pitched", "debug=smoke")
    assert record["status"] == "finished"
    assert is_draft(record["cards"]["pitched"])


def test_a_task_and_an_evaluator_end_in_a_verdict(trained: Trained, tmp_path: Path) -> None:
    asked = ("task=parity", "evaluator=[entropy]", "metric=entropy_nats", "optimizer=adamw,sgd")
    few = ("budget.examples=640", "seed=1,2,3", "hydra.launcher.workers=2", "-m")
    records = trained(*asked, *few)
    assert len(records) == 6
    for record in records:
        assert 0.0 < record["metrics"]["entropy_nats"] < 0.7  # of two answers: at most log 2
        assert record["metrics"]["val_accuracy"] > 40.0
        assert record["unit"] == "examples"
    (plan,) = (tmp_path / "plans").glob("*.json")
    assert json.loads(plan.read_text(encoding="utf-8"))["metric"] == "entropy_nats"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_the_links_of_a_page_outside_of_the_site_lead_somewhere(page: str) -> None:
    """`make docs` checks those of the pages inside."""
    root = DOCS.parent
    text = (root / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert links
    assert [link for link in links if not (root / link).exists()] == []
