"""`audition search`: from the account alone or the live journal, listed or one by one, as data."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from audition.cli.ledger import main
from audition.records.studies import FOLDER, STUDIES, Account, Parameter, Trial

ROOT = Path(__file__).parents[2]
HIDDEN = "import runpy, sys\nsys.modules['optuna'] = None\n"
NO_TORCH = "\nassert 'torch' not in sys.modules\n"


def tried(number: int, loss: float) -> Trial:
    return Trial(
        number=number,
        state="whole" if loss < 9 else "diverged",
        params={"optimizer.lr": 0.01 * (number + 1)},
        overrides=() if number == 0 else (f"optimizer.lr={0.01 * (number + 1):g}",),
        values=(loss,),
        seeds={1: (loss,)},
        config_hash=f"hash{number}",
        is_default=number == 0,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A ledger with the account of one study, and no journal."""
    account = Account(
        name="lr-search",
        objectives=("val_loss",),
        seeds=(1,),
        parameters=(Parameter(name="optimizer.lr", low=0.001, high=0.1, log=True),),
        trials=(tried(0, 1.5), tried(1, 1.4), tried(2, float("inf"))),
        importances=(),
        written="2026-01-01T00:00:00+00:00",
    )
    STUDIES.write(tmp_path, account.name, account)
    return tmp_path


def test_searches_are_listed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["search", "--output-dir", str(root)])
    line = " ".join(capsys.readouterr().out.splitlines()[1].split())
    assert line == (
        "lr-search 3: 2 whole, 1 diverged val_loss 1.4000 (trial 1) val_loss 1.5000 (trial 0)"
    )
    main(["search", "--json", "--output-dir", str(root)])
    (found,) = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["states"] == {"whole": 2, "diverged": 1}
    assert (found["study"], found["runs"], found["best"]["number"]) == ("lr-search", 3, 1)


def test_one_search_is_shown_and_drawn(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["search", "lr-search", "--output-dir", str(root), "--to", str(root / "there")])
    said = capsys.readouterr().out
    assert "3 trials (2 whole, 1 diverged) in 3 runs on seed 1" in said
    assert any(
        line.split() == ["1", "optimizer.lr=0.02", "1.4000", "+0.1000", "1"]
        for line in said.splitlines()
    )
    assert len(list((root / "there").glob("search-lr-search-*"))) == 2 * 3
    assert not (root / "report").exists()


def test_data_has_null_for_what_diverged(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["search", "lr", "--json", "--output-dir", str(root)])
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert [t["values"] for t in found["trials"]] == [[1.5], [1.4], [None]]
    assert all(Path(path).parent == root / "report" for path in found["figures"])
    assert all(Path(path).is_file() for path in found["figures"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["search", "lr-serch"], "no study 'lr-serch' in .*; did you mean 'lr-search'"),
        (["search", "lr", "--to", "FILE"], "cannot write .*FILE"),
    ],
)
def test_mistakes_are_one_sentence(
    root: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    (root / "FILE").write_text("")
    words = [str(root / word) if word == "FILE" else word for word in words]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--output-dir", str(root)])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.match(f"audition: {said}", line)


def test_a_ledger_without_a_search_says_how_one_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs").mkdir()
    main(["search", "--output-dir", str(tmp_path)])
    said = capsys.readouterr().out
    assert "hparams_search=adamw_optuna" in said
    assert f"paths.output_dir={tmp_path} -m" in said
    main(["search", "--json", "--output-dir", str(tmp_path)])
    assert json.loads(capsys.readouterr().out) == []


def test_neither_optuna_nor_torch_is_needed(root: Path) -> None:
    (root / FOLDER / "begun.log").write_text("")  # a journal, which cannot be read here
    program = (
        f"from audition.cli.ledger import main\nmain(['search', '--output-dir', {str(root)!r}])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", HIDDEN + program + NO_TORCH],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    assert "lr-search" in ended.stdout
    assert "study 'begun' is left out: a search needs Optuna" in ended.stderr


def test_a_search_under_way_is_read_from_its_journal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    optuna = pytest.importorskip("optuna", reason="the extra `search` is not installed")
    from audition.sweep.search.study.storage import journal_of, open_storage, prepare_optuna

    prepare_optuna()
    storage = open_storage(None, journal_of(tmp_path, "live"))
    study = optuna.create_study(storage=storage, study_name="live")
    asked = {"default": "d", "seeds": [1], "objectives": ["val_loss"], "space": {}}
    study.set_user_attr("asked", asked)
    for loss in (1.5, 1.4):
        trial = study.ask()
        trial.suggest_float("optimizer.lr", 0.001, 0.1, log=True)
        facts = {"overrides": [], "config_hash": f"d{loss}", "arm": "x"}
        trial.set_user_attr("run", facts)
        trial.set_user_attr("seeds", {"1": [loss]})
        study.tell(trial, loss)
    study.ask()
    main(["search", "--json", "--output-dir", str(tmp_path)])
    (found,) = json.loads(capsys.readouterr().out)
    assert found["states"] == {"whole": 2, "under way": 1}
    study.ask()
    main(["search", "live", "--json", "--output-dir", str(tmp_path)])
    assert len(json.loads(capsys.readouterr().out)["trials"]) == 4
    main(["report", "--output-dir", str(tmp_path)])
    assert "Search live" in (tmp_path / "report" / "report.md").read_text()
