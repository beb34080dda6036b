"""Every notebook runs from top to bottom, trains what it trains here, and says what it says."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
SAYS = {
    "verdict_tour": (("as planned", "placebo", "seeds an arm"), 1),
    "quantize_and_prune": (("× smaller", "deploy=int8", "deploy=prune50"), 1),
    "distil_and_its_control": (("untrained teacher", "operations", "parameters"), 0),
    "judge_an_efficiency_claim": (("supported", "score", "planned: "), 0),
    "tour_of_effects": (("of the steps made", "preset=ema"), 1),
    "lineage": (("born of others",), 3),
    "edge_and_zoo": (
        (
            "its logits are the run's to the bit",
            "pipeline_tag: text-generation",
            "GPT2LMHeadModel",
            "python bench.py",
            "(made up)",
            "A placebo, measured",
            "a number that is not from numbers.json: main.md line",
        ),
        0,
    ),
}
"""Notebook -> words that it prints or shows, and how many pictures."""
OFTEN = ("verdict_tour", "quantize_and_prune")
"""Those of every run of the tests: one that reads a ledger, and one that trains. The others do the same
with other members, which have tests of their own."""


def test_every_notebook_is_run() -> None:
    elsewhere = {
        path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")
    }
    assert {path.stem for path in FOLDER.glob("*.ipynb")} <= {*SAYS, *elsewhere}


@pytest.mark.parametrize("name", SAYS)
def test_a_notebook_is_kept_without_outputs(name: str) -> None:
    cells = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4).cells
    assert not any(cell.get("outputs") for cell in cells)


# The kernel's own packages warn of each other; what counts is that every cell runs.
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "name",
    [name if name in OFTEN else pytest.param(name, marks=pytest.mark.slow) for name in SAYS],
)
def test_a_notebook_runs_and_shows_what_it_is_for(name: str) -> None:
    words, pictures = SAYS[name]
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(FOLDER)}}).execute()
    shown = [o for cell in notebook.cells for o in cell.get("outputs", ())]
    text = "".join(o.get("text", "") + o.get("data", {}).get("text/plain", "") for o in shown)
    for word in words:
        assert word in text
    assert sum("image/png" in o.get("data", {}) for o in shown) == pictures
