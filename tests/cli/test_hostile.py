"""Damaged ledgers: what cannot be used is listed, the rest answered, and no pipe waited for."""

from pathlib import Path

import pytest
from hostile import FILES, PLANS, READERS, RECORDS, Damage, sound_ledger
from made_records import made

from audition.cli.ledger import main
from audition.records.contents import contents_of
from audition.records.metrics import last_line, read_evaluations, read_lines

USABLE = frozenset(
    {
        *("metrics infinite", "metrics not a number"),  # a run without a number
        *("budget: nested", "budget: text"),
        *("started: no time", "started: in the future", "running since nowhen"),
        *("primary: unknown", "unit: empty", "overrides: odd", "schema 1 in schema 2"),
        "text of control codes",
    }
)
"""What a record can hold that says too little, and is a record all the same."""


@pytest.mark.parametrize("name", {**FILES, **RECORDS})
def test_a_damaged_record_is_listed_and_the_rest_is_read(name: str, tmp_path: Path) -> None:
    ledger = sound_ledger(tmp_path)
    path = tmp_path / "runs/gate/gate/seed_2/record.json"
    {**FILES, **RECORDS}[name](path)
    contents = ledger.read()
    listed = [each.path for each in contents.unreadable]
    assert listed == ([] if name in USABLE else [path])
    assert len(contents.records) + len(listed) == 9
    assert (ledger.get(path.parent) is None) == (name not in USABLE)
    assert "\x1b" not in "".join(r.reason + "".join(r.notes) for r in contents.records)


@pytest.mark.parametrize("name", {**FILES, **PLANS})
def test_a_damaged_plan_is_listed(name: str, tmp_path: Path) -> None:
    ledger = sound_ledger(tmp_path)
    (path,) = (tmp_path / "plans").glob("*.json")
    {**FILES, **PLANS}[name](path)
    assert [each.path for each in contents_of(ledger).unreadable] == [path]


@pytest.mark.parametrize("damage", FILES.values(), ids=FILES)
def test_lines_that_are_none_are_no_lines(damage: Damage, tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "val_loss": 2.0, "units": 8000000}\n')
    damage(path)
    assert (read_lines(tmp_path), read_evaluations(tmp_path), last_line(tmp_path)) == ([], [], {})


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """A ledger in which everything went wrong once, and the files that cannot be used."""
    root = tmp_path_factory.mktemp("damaged") / "outputs"
    ledger, bad = sound_ledger(root), []
    (plan,) = (root / "plans").glob("*.json")
    for seed, (name, damage) in enumerate({**FILES, **RECORDS}.items(), start=100):
        path = ledger.write(made("gate", seed, 1.4)) / "record.json"
        damage(path)
        bad += [path] if name not in USABLE else []
    for number, damage in enumerate((*FILES.values(), *PLANS.values())):
        path = plan.with_name(f"{number:016x}.json")
        path.write_bytes(plan.read_bytes())
        damage(path)
        bad.append(path)
    for folder in ("studies", "races", "tuned", "submissions"):
        for number, damage in enumerate(FILES.values()):
            path = root / folder / f"{number}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text("{}")
            damage(path)
            bad.append(path)
    return root, bad


@pytest.mark.parametrize("words", [(), *READERS], ids=" ".join)
def test_every_command_lists_what_it_cannot_use_or_fails(
    words: tuple[str, ...],
    damaged: tuple[Path, list[Path]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, bad = damaged
    monkeypatch.chdir(tmp_path)
    try:
        main([*words, "--output-dir", str(root)])
        code: object = 0
    except SystemExit as left:
        code = left.code
    said = capsys.readouterr().err
    assert code in (0, 1, 2)
    if code == 0:
        assert [path for path in bad if f"{path} " not in said] == []


def test_two_unlike_records_of_one_run_are_both_named_and_neither_counts(tmp_path: Path) -> None:
    ledger = sound_ledger(tmp_path)
    good = ledger.write(made("gate", 7, 1.4, config_hash="same", key="k"))
    ledger.write(made("other", 7, 1.4, config_hash="same", key="k"))  # filed twice, and as good
    assert not ledger.read().unreadable
    forged = ledger.write(made("third", 7, 1.1, config_hash="same", key="k"))
    contents = ledger.read()
    assert {each.path.parent for each in contents.unreadable} >= {good, forged}
    assert "unlike records of one run" in str(contents.unreadable[0])
    assert "k" not in contents.settled()


def test_a_record_does_not_lead_out_of_the_ledger(tmp_path: Path) -> None:
    ledger = sound_ledger(tmp_path / "a")
    for record in ledger.read().records:
        assert (tmp_path / "a").resolve() in ledger.folder_of(record).resolve().parents
