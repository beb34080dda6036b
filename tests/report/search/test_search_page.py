"""A search on the report's page, and in the terminal: counted, with the best beside the default."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from audition.answers.searches import rows, summary
from audition.errors import AuditionError
from audition.records.store import Ledger
from audition.records.studies import STUDIES, Account
from audition.report import facts as facts_module
from audition.report import page as page_module
from audition.report.page import write_report
from audition.report.questions import show_search

Make = Callable[..., Ledger]


def test_an_account_is_the_same_when_read_again(
    every: Account, two: Account, forked: Account, tmp_path: Path
) -> None:
    named = [
        Account(**{**vars(account), "name": name})
        for name, account in (("a", every), ("b/c", two), ("d", forked))
    ]
    for account in named:
        path = STUDIES.write(tmp_path, account.name, account)
        assert "Infinity" not in path.read_text()
    (tmp_path / "studies" / "e.json").write_text("{}")
    (tmp_path / "studies" / "f.json").write_text('{"schema": 99}')
    found, unread = STUDIES.read(tmp_path)
    assert list(found) == named
    assert [(each.path.name, each.reason) for each in unread] == [
        ("e.json", "was not written by Audition"),
        ("f.json", "has schema 99, and this version reads 1"),
    ]


def test_the_table_has_the_default_first_and_gains_on_the_same_seeds(every: Account) -> None:
    found = rows(every)
    assert [row[0] for row in found] == ["0", "4", "9", "5", "2"]
    assert found[0][1:4] == ("(the default)", "1.5100", "–")
    assert found[1] == ("4", "optimizer.lr=0.005", "1.4100", "+0.1000", "3")
    # Given up after seeds 1 and 2, on which the default came to 1.50 and 1.52.
    assert found[4][2:] == ("1.5900", "−0.0800", "2, given up")
    assert [row[0] for row in rows(every, most=2)] == ["0", "4", "9"]


def test_without_a_default_there_is_no_gain(every: Account) -> None:
    alone = Account(**{**vars(every), "trials": every.trials[4:5]})
    assert rows(alone) == [("4", "optimizer.lr=0.005", "1.4100", "–", "3")]
    assert summary(alone)["default"] is None


def test_the_terminal_counts_trials_and_runs(
    every: Account, two: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    show_search(every)
    said = " ".join(capsys.readouterr().out.split())
    assert "10 trials (4 whole, 2 given up, 1 diverged, 1 failed, 1 under way, 1 waiting)" in said
    assert "in 17 runs on seeds 1, 2, 3" in said
    assert "val_loss, 12 trials: optimizer.lr 75%, norm 25%" in said
    show_search(two)
    assert "On the front: 0, 2, 3" in capsys.readouterr().out


def test_a_ledger_with_a_search_alone_is_reported(
    every: Account, two: Account, tmp_path: Path
) -> None:
    STUDIES.write(tmp_path, every.name, every)
    marked = Account(**{**vars(two), "name": "<b>two</b>"})
    STUDIES.write(tmp_path, marked.name, marked)
    written = write_report(Ledger(tmp_path), tmp_path / "report")
    page, markdown = written.page.read_text(), written.markdown.read_text()
    assert "No verdict yet; 2 searches" in page
    assert page.count("<svg") == 3 + 4
    assert len(written.figures) == 2 * (3 + 4)
    assert all(path.is_file() for path in written.figures)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(set(ids)) == len(ids)
    assert "<b>two" not in page
    assert "<b>two" not in markdown
    for text in (page, markdown):
        assert "10 trials (4 whole" in text
        assert "in 17 runs" in text
        assert "+0.1000" in text
    assert "| 4 | optimizer.lr=0.005 | 1.4100 | +0.1000 | 3 |" in markdown


def test_a_search_follows_the_verdicts(
    ledger_of: Make, every: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "draw", lambda *args, **kwargs: ())
    monkeypatch.setattr(facts_module, "draw_search", lambda *args: ())
    arms = {"baseline": {1: 1.5, 2: 1.52, 3: 1.51}, "idea": {1: 1.4, 2: 1.42, 3: 1.41}}
    ledger = ledger_of(arms)
    before = write_report(ledger, tmp_path / "before")
    assert "search" not in before.page.read_text().lower()
    STUDIES.write(ledger.root, every.name, every)
    (ledger.root / "studies" / "broken.json").write_text("?")
    after = write_report(ledger, tmp_path / "after")
    page = after.page.read_text()
    assert "1 idea: 1" in page
    assert "; 1 search" in page
    assert page.index("Against baseline") < page.index("Search made-up") < page.index("broken.json")
    named = write_report(ledger, tmp_path / "named", ["idea"])
    assert "Search made-up" not in named.page.read_text()
    handed = write_report(ledger, tmp_path / "handed", studies=())
    assert "Search made-up" not in handed.page.read_text()


def test_nothing_is_still_nothing(tmp_path: Path) -> None:
    with pytest.raises(AuditionError, match="nothing to report"):
        write_report(Ledger(tmp_path), tmp_path / "report")
