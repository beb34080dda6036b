"""The five measures of a benchmark: columns, means by hand, and what they say of the data."""

import json
from dataclasses import replace

import pytest
from scripts import benchmark_page

from audition.answers import arms_of
from audition.answers.benchmark import benchmarks
from audition.cli.ledger import carry_out
from audition.errors import AuditionError
from audition.plain_file import write_whole

FIVE = ("val_loss", "train_seconds", "updates", "peak_mb", "val_forgetting")


@pytest.fixture
def measured(file_arm, ledger):
    """A baseline and an arm that made half of its updates, forgot less, and read a stand-in."""
    file_arm("baseline", {1: 3.0, 2: 3.2})
    file_arm("gated", {1: 2.8, 2: 2.9})
    for place, record in enumerate(ledger.read().records):
        gated = record.arm == "gated"
        metrics = {**record.metrics, "val_forgetting": 4.0 if gated else 8.0}
        facts = {"updates": 5 if gated else 10, "peak_mb": 100.0 + place, "metrics": metrics}
        folder = ledger.write(replace(record, **facts))
        write_whole(
            folder / "config.yaml",
            "data:\n  _target_: audition.data.tinystories.TinyStories\n"
            f"  path: {ledger.root}\n  revision: null\n"
            "task:\n  _target_: audition.tasks.language.Language\n",
        )
    write_whole(ledger.root / "README.md", "A stand-in for TinyStories: a test's.\n")
    return ledger


def test_every_arm_has_the_five_measures_by_hand(measured):
    (found,) = benchmarks(measured, arms_of(measured.read().records), ())
    assert tuple(found.columns) == FIVE
    baseline, gated = found.entries
    assert (baseline.verdict, baseline.n, gated.n) == ("baseline", 2, 2)
    assert baseline.values["val_loss"].mean == pytest.approx(3.1)
    assert baseline.values["val_loss"].sd == pytest.approx(0.1 * 2**0.5)
    assert gated.values["updates"].mean == 5
    assert gated.values["val_forgetting"].mean == 4.0
    assert found.data.startswith("tinystories")
    assert found.remarks == ("A stand-in for TinyStories: a test's.",)


def test_the_table_says_that_it_is_of_a_stand_in(measured, capsys):
    carry_out(["benchmark", "--output-dir", str(measured.root)])
    said = capsys.readouterr().out
    assert "A stand-in for TinyStories: a test's." in said
    assert "gated" in said
    assert "updates" in said
    carry_out(["benchmark", "--json", "--output-dir", str(measured.root)])
    (plain,) = json.loads(capsys.readouterr().out)
    assert plain["entries"][1]["values"]["updates"] == {"mean": 5.0, "sd": 0.0}


def test_old_runs_have_no_updates_and_a_baseline_alone_is_no_benchmark(ledger, file_arm):
    file_arm("baseline", {1: 3.0, 2: 3.2})
    with pytest.raises(AuditionError, match="no arm of the ledger has a result beside"):
        benchmarks(ledger, arms_of(ledger.read().records), ())
    file_arm("old", {1: 2.8, 2: 2.9})
    (found,) = benchmarks(ledger, arms_of(ledger.read().records), ())
    assert found.entries[1].values["updates"].mean != found.entries[1].values["updates"].mean


def test_the_page_is_filled_from_ledgers_and_keeps_what_has_none(measured):
    page = "a\n<!-- ledger -->\nNot measured.\n<!-- end -->\nb\n<!-- other -->\nold\n<!-- end -->\n"
    name = measured.root.name
    found = benchmark_page.filled(page.replace("ledger", name), measured.root.parent)
    assert found.startswith(f"a\n<!-- {name} -->\n4 runs, seeds 1, 2; ")
    assert found.endswith("<!-- end -->\nb\n<!-- other -->\nold\n<!-- end -->\n")
    baseline, gated = [line for line in found.splitlines() if line.startswith("| ")][1:]
    assert baseline.startswith("| baseline | 2 | 3.1000 ± 0.1414 |")
    assert "| `gated` | 2 | 2.8500" in gated
    assert "A stand-in for TinyStories: a test's." in found
    assert benchmark_page.filled(found, measured.root.parent) == found


def test_a_ledger_without_a_run_leaves_the_page_as_it_is(tmp_path):
    (tmp_path / "empty").mkdir()
    page = "<!-- empty -->\nNot measured.\n<!-- end -->\n"
    assert benchmark_page.filled(page, tmp_path) == page
