"""Completion: what may stand at the end of a line, and bash and zsh asking for it."""

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from audition.cli.candidates import VALUES, candidates
from audition.cli.command import Command
from audition.cli.commands.completion import SCRIPTS
from audition.cli.ledger import all_commands, carry_out
from audition.config.members import names
from audition.errors import AuditionError

COMMANDS = {command.name: command for command in all_commands()}


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of a ledger, below the working folder."""
    for run in ("baseline/b0/seed_1", "placebo/a0/seed_1", "placebo/a0/seed_2"):
        (tmp_path / "outputs/runs" / run).mkdir(parents=True)
    (tmp_path / "outputs/plans").mkdir()
    (tmp_path / "outputs/plans/0123abcd.json").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "outputs"


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("audition ver", ["verdict"]),
        ("audition trai", ["train"]),
        ("audition --o", ["--output-dir"]),
        ("audition verdict ", ["baseline", "placebo"]),
        ("audition verdict baseline pl", ["placebo"]),
        ("audition verdict --m", ["--metric"]),
        ("audition verdict --strict b", ["baseline"]),
        ("audition interactions placebo b", ["baseline"]),
        ("audition interactions placebo baseline ", []),
        ("audition curves placebo/", ["placebo/1", "placebo/2"]),
        ("audition reproduce base", ["baseline", "baseline/1"]),
        ("audition status 0", ["0123abcd"]),
        ("audition card pl", ["placebo"]),
        ("audition completion z", ["zsh"]),
        ("audition new opt", ["optimizer"]),
        ("audition report --to ", []),
        ("audition runs --output-dir ", []),
        ("audition nope ", []),
        ("audition train model=tiny optimizer.l", ["optimizer.lr="]),
        ("audition train +idea=pl", ["+idea=placebo"]),
    ],
)
def test_what_may_stand_there(line: str, offered: list[str]) -> None:
    assert candidates(line) == offered


def test_every_command_its_options_and_members_are_offered(ledger: Path) -> None:
    assert candidates("audition ") == sorted([*COMMANDS, "train"])
    for name, command in COMMANDS.items():
        shown = {n for o in command.options for n in o.names if n.startswith("--")} - {"--line"}
        assert set(candidates(f"audition {name} --")) == {"--help", *shown}
    assert candidates("audition train optimizer=") == [f"optimizer={n}" for n in names("optimizer")]
    elsewhere = f"audition --output-dir {ledger} verdict pl"
    (ledger / "runs/planned").mkdir()
    assert candidates(elsewhere) == ["placebo", "planned"]


def test_the_values_are_those_of_arguments_that_there_are() -> None:
    def arguments(command: Command) -> set[str]:
        return {option.names[0] for option in command.options}

    assert VALUES.keys() <= set().union(*map(arguments, COMMANDS.values()))


DOOR = Path(sys.executable).with_name("audition")


def missing(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"there is no {shell} here")


@missing("bash")
def test_bash_completes_with_it(ledger: Path) -> None:
    program = f"""
        eval "$({DOOR} completion bash)"
        for COMP_LINE in 'audition verdict ' 'audition train +idea=pl' 'audition rep' 'audition no '
        do
            COMP_POINT=${{#COMP_LINE}} COMP_WORDS=({DOOR}) COMPREPLY=()
            _audition
            echo "${{COMPREPLY[*]}}"
        done
        complete -p audition
    """
    asked = subprocess.run(
        ["bash", "-c", program], cwd=ledger.parent, capture_output=True, text=True, timeout=60
    )
    assert asked.stderr == ""
    *lines, registered = asked.stdout.splitlines()
    # A word of Hydra's is completed behind its =, where the shell takes a new word to begin.
    assert lines == ["baseline placebo", "placebo", "report reproduce", ""]
    assert "-F _audition audition" in registered


@missing("zsh")
def test_zsh_completes_with_it_at_its_prompt(ledger: Path) -> None:
    """In a terminal, where a Tab is pressed behind each line."""
    lines = {
        "audition verd": "audition verdict ",
        "audition verdict pl": "audition verdict placebo ",
        "audition train +idea=pl": "audition train +idea=placebo ",
        "audition train model=tiny optimizer.l": "audition train model=tiny optimizer.lr=",
        "audition runs --out": "audition runs --output-dir ",
    }
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ledger.parent)
        os.environ |= {"TERM": "dumb", "PS1": "", "PATH": f"{DOOR.parent}:{os.environ['PATH']}"}
        os.execvp("zsh", ["zsh", "-f", "-i"])
    try:
        os.write(terminal, b'unset zle_bracketed_paste\neval "$(audition completion zsh)"\n')
        os.write(terminal, b"print REA''DY\n")
        until(terminal, b"READY")
        for line, whole in lines.items():
            os.write(terminal, f"{line}\t".encode())
            until(terminal, f"{whole}".encode())
            os.write(terminal, b"\x15print AG''AIN\n")
            until(terminal, b"AGAIN")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)


def until(terminal: int, wanted: bytes) -> None:
    """Read what stands in the terminal until `wanted` does; it fails after a minute without a word."""
    said = b""
    while wanted not in said.replace(b"\x07", b""):  # its bell
        assert select.select([terminal], [], [], 60.0)[0], said
        said += os.read(terminal, 4096)


def test_the_script_is_printed_for_a_shell_that_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    carry_out(["completion", "bash"])
    assert capsys.readouterr().out == SCRIPTS["bash"]
    with pytest.raises(AuditionError, match="there is no shell 'fish'; choose from: bash, zsh"):
        carry_out(["completion", "fish"])
    with pytest.raises(AuditionError, match="name the shell: audition completion bash, or zsh"):
        carry_out(["completion"])
