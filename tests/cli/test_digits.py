"""A task that is not language, from its command line to its verdict, report and live view."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Workplace
from warm import Warm

from audition.cli.ledger import main

FOREIGN = re.compile(r"\b(tokens?|bits?|bpb)\b", re.IGNORECASE)
WORDS = ("experiment=digits", "optimizer=adamw,sgd", "seed=42,137,256", "-m")
SHORT = ("budget.steps=24", "training.evaluations=8", "execution.device=cpu")


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, _shared: tuple[Path, Path], warm: Warm) -> Any:
    """The place of a finished sweep, and what its command said."""
    place = Workplace(tmp_path_factory.mktemp("digits") / "ledger", *_shared, warm)
    paths = (f"paths.output_dir='{place.output}'", f"paths.cache_dir='{place.cache}'")
    ended = place.run([sys.executable, "-m", "src.train", *WORDS, *SHORT, *paths])
    assert ended.returncode == 0, ended.stderr
    return place, ended


def test_the_verdict_is_in_accuracy_and_in_nothing_of_language(swept: Any) -> None:
    place, ended = swept
    shown = " ".join(ended.stdout.split())
    assert re.search(r"validation accuracy \d+\.\d\d → \d+\.\d\d % \(higher is better\)", shown)
    assert "as planned" in shown
    assert re.search(r"a run; 1,536 examples;", shown)
    assert not FOREIGN.search(ended.stdout), FOREIGN.search(ended.stdout)
    assert not FOREIGN.search(ended.stderr), FOREIGN.search(ended.stderr)
    for record in place.records().values():
        assert (record["primary"], record["unit"]) == ("val_accuracy", "examples")
        assert 0 <= record["metrics"]["val_accuracy"] <= record["metrics"]["val_accuracy_best"]
        assert record["metrics"]["val_accuracy_best"] <= 100


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("runs",), "val_accuracy"),
        (("verdict",), "validation accuracy"),
        (("leaderboard",), "validation accuracy"),
        (("watch", "--once"), "validation accuracy [%]"),
        (("power", "--gain", "0.5"), "+0.50 %"),
        (("status",), "finished"),
    ],
)
def test_what_reads_its_ledger_speaks_of_accuracy(
    swept: Any, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*words, "--output-dir", str(swept[0].output)])
    shown = capsys.readouterr().out
    assert said in shown
    assert not FOREIGN.search(shown), FOREIGN.search(shown)


def test_its_report_speaks_of_accuracy(
    swept: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["report", "--to", str(tmp_path), "--output-dir", str(swept[0].output)])
    capsys.readouterr()
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for text in (markdown, re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", page, flags=re.DOTALL)):
        assert "Judged by validation accuracy [%], higher is better." in text.replace("\\", "")
        assert not FOREIGN.search(text), FOREIGN.search(text)
