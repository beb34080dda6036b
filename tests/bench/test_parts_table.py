"""The table of every part's speed: its rows are those of `conf/`, and it knows what it leaves open."""

from pathlib import Path

import pytest
from scripts.bench.parts import GROUPS, HEAD, SECTION, Compared, page, shelf, table, written

from audition.config.members import members

TINY = (
    *("experiment=none", "model=tiny", "model.context=16", "data.batch_size=4"),
    *("data.evaluation_tokens=512", "execution.device=cpu", "precision=fp32"),
)


def test_every_member_but_the_default_has_a_row() -> None:
    rows = {member.chosen for member in shelf()}
    for group in GROUPS:
        assert {m.chosen for m in members(group) if m.chosen not in rows} == {
            m.chosen for m in members(group) if m.is_default or m.name == "none"
        }


def test_rows_are_measured_or_say_why_not(tmp_path: Path, cache_dir: str) -> None:
    words = (*TINY, f"paths.cache_dir={cache_dir}")
    only = ("attention=grouped", "feedforward=swiglu", "optimizer=soap")
    refused, gated, turned = table(tmp_path, only=only, words=words, pairs=1, steps=1)
    assert isinstance(refused, str)
    assert "heads=2 cannot share kv_heads=4" in refused
    assert isinstance(gated, Compared)
    assert isinstance(turned, Compared)
    assert 0.9 < gated.products < 1.1 < turned.products  # by the bases that a matrix is turned into
    assert gated.ours > 0
    assert f"| `{gated.name}` |" in str(gated)


@pytest.mark.parametrize(("time", "said"), [(2.1, ""), (3.1, "a sentence"), (3.1, "")])
def test_time_that_products_do_not_explain_wants_a_word(time: float, said: str) -> None:
    row = Compared("attention=x", 1.0, 2.0, time, 1.5, said)
    assert row.unexplained == (time > 3.0)
    assert str(row).endswith(f"| {(said or '**nothing**') if row.unexplained else ''} |")


@pytest.mark.parametrize("name", ["moe", "delta"])
def test_a_page_that_says_why_is_found(name: str) -> None:
    (member,) = (m for m in shelf() if m.name == name)
    assert "CPU time" in page(member)


def test_the_table_takes_the_place_of_the_last_one() -> None:
    before = "# Speed\n\nWords.\n\n## After\n\nMore.\n"
    once = written(before, ["| a |"])
    assert once.startswith(before)
    assert once.index(SECTION) > once.index("## After")
    moved = once.replace("## After\n\nMore.\n\n", "") + "\n## After\n\nMore.\n"
    twice = written(moved, ["| b |"])
    assert twice.count(SECTION) == twice.count(HEAD) == 1
    assert "| a |" not in twice
    assert twice.endswith("| b |\n\n## After\n\nMore.\n")
