"""The notebook runs from top to bottom on the ledger that ships beside it, and says what it says."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"


# The kernel's own packages warn of each other; what counts is that every cell runs.
@pytest.mark.filterwarnings("default")
def test_the_tour_runs_and_ends_in_verdicts_and_a_figure() -> None:
    notebook = nbformat.read(FOLDER / "verdict_tour.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs for cell in cells), "outputs are stripped before a commit"
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(FOLDER)}}).execute()
    text = "".join(
        output.get("text", "") for cell in cells for output in cell.outputs if "text" in output
    )
    assert "as planned" in text
    assert "placebo" in text
    assert "seeds an arm" in text
    pictures = [o for cell in cells for o in cell.outputs if "image/png" in o.get("data", {})]
    assert len(pictures) == 1
