"""Commands that read a ledger where there is none: one sentence, and no success."""

from pathlib import Path

import pytest
from hostile import READERS

from audition.cli.ledger import all_commands, main


def test_every_command_that_reads_a_ledger_is_asked() -> None:
    reading = {command.name for command in all_commands() if command.reads_ledger}
    reading -= {"claims"}  # which opens one to take evidence alone
    assert reading == {words[0] for words in READERS}


@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_a_folder_without_runs_is_no_ledger(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, file = tmp_path / "empty", tmp_path / "file"
    empty.mkdir()
    file.touch()
    for place, why in (
        (empty, "it has no runs/"),
        *((p, "it is no folder") for p in (tmp_path / "no", file)),
    ):
        with pytest.raises(SystemExit) as left:
            main([*words, "--output-dir", str(place)])
        said = capsys.readouterr()
        assert (left.value.code, said.out) == (2, "")
        assert said.err == (
            f"audition: there is no ledger at {place}: {why}; name another with --output-dir, or "
            f"train a run: python -m src.train{'' if place == file else f' paths.output_dir={place}'}\n"
        )
    assert not any(empty.iterdir())


def test_a_ledger_without_a_run_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs").mkdir()
    main(["runs", "--output-dir", str(tmp_path)])
    assert capsys.readouterr() == ("", f"audition: no run is filed in {tmp_path}\n")
