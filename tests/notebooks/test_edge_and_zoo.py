"""The notebook trains, publishes, bundles and writes, from top to bottom."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

for name, extra in (("transformers", "zoo"), ("onnxruntime", "edge"), ("typst", "paper")):
    pytest.importorskip(
        name, reason=f"extra {extra} is not installed: pip install 'audition[{extra}]'"
    )

FOLDER = Path(__file__).parents[2] / "notebooks"


# The kernel's own packages warn of each other; what counts is that every cell runs.
@pytest.mark.filterwarnings("default")
def test_edge_and_zoo_says_what_it_did() -> None:
    notebook = nbformat.read(FOLDER / "edge_and_zoo.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs for cell in cells), "outputs are stripped before a commit"
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(FOLDER)}}).execute()
    text = "".join(
        output.get("text", "") for cell in cells for output in cell.outputs if "text" in output
    )
    for said in (
        "its logits are the run's to the bit",
        "pipeline_tag: text-generation",
        "GPT2LMHeadModel",
        "python bench.py",
        "(made up)",
        "A placebo, measured",
        "a number that is not from numbers.json: main.md line",
    ):
        assert said in text
