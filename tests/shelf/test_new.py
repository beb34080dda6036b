"""`audition new`: two files and no edit, for every kind; what is made fails the laws until it is
something; a Signum is two files and a green suite.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from audition.cli.ledger import main
from audition.config.card import check_card
from audition.config.groups import GROUPS
from audition.config.members import names
from audition.config.root import conf_dir
from audition.errors import AuditionError
from audition.shelf.card import ask_for_card, card_lines, parse_card
from audition.shelf.new import Place, draft, kinds

ROOT = conf_dir().parent

EVERY = """
import subprocess
from audition.cli.ledger import main
from audition.shelf.new import kinds

def changed():
    said = subprocess.run(["git", "status", "--porcelain", "-uall"], capture_output=True, text=True)
    return set(said.stdout.splitlines())

for kind in sorted(kinds()):
    before = changed()
    main(["new", kind, f"fresh_{kind}"])
    print(kind, *sorted(changed() - before), sep="\t")
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout, with everything committed."""
    root = tmp_path_factory.mktemp("tree")
    listed = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "all")
    return root


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True
    )
    return done.stdout


def python(tree: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """A process of the copy's own code."""
    path = os.pathsep.join((str(tree / "src"), str(tree)))
    return subprocess.run(
        [sys.executable, *words],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def clean(tree: Path) -> None:
    git(tree, "checkout", "--quiet", ".")
    git(tree, "clean", "-fdq")


@pytest.fixture(scope="module")
def fresh(tree: Path) -> dict[str, list[str]]:
    """Kind -> the lines of `git status` that a new member of it adds; the files stay."""
    made = python(tree, "-c", EVERY)
    assert made.returncode == 0, made.stderr
    rows = [line.split("\t") for line in made.stdout.splitlines() if "\t" in line]
    return {kind: lines for kind, *lines in rows}


def test_every_group_of_parts_is_a_kind() -> None:
    shelves = {kind.shelf for kind in kinds().values()}
    parts = {g.choices for g in GROUPS.values() if g.holds in ("part", "named parts")}
    assert parts - shelves == {"precision"}  # two classes of the house's own, and no room of theirs
    assert {"idea", "optimizer", "effect", "fitness", "heredity", "timetable"} <= kinds().keys()


def test_a_new_member_is_two_files_and_no_edit(fresh: dict[str, list[str]]) -> None:
    assert fresh.keys() == kinds().keys()
    for kind, lines in fresh.items():
        room = kinds()[kind].room.replace(".", "/")
        assert lines == [
            f"?? conf/{kinds()[kind].shelf}/fresh_{kind}.yaml",
            f"?? src/{room}/fresh_{kind}.py",
        ]


def test_what_is_written_is_formatted_and_linted(tree: Path, fresh: dict[str, list[str]]) -> None:
    files = [line.split()[1] for lines in fresh.values() for line in lines if line.endswith(".py")]
    assert len(files) == len(fresh)
    for check in (("format", "--check"), ("check",)):
        done = python(tree, "-m", "ruff", *check, *files)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_what_is_written_is_typed_and_layered(tree: Path, fresh: dict[str, list[str]]) -> None:
    for check in (["-m", "mypy"], ["-m", "importlinter.cli"]):
        done = python(tree, *check)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_what_is_written_composes_and_fails_the_laws(
    tree: Path, fresh: dict[str, list[str]]
) -> None:
    ended = python(
        tree,
        *("-m", "pytest", "-q", "tests/laws/test_conf.py", "tests/laws/test_laws.py", "-rf"),
        *("-k", "fresh and something or test_3 and (fresh_schedule or fresh_effect)"),
    )
    failed = [line for line in ended.stdout.splitlines() if line.startswith("FAILED")]
    written = [line for line in failed if "test_conf" in line]
    for kind in fresh:
        assert any(f"fresh_{kind}" in line for line in written), kind
    assert len(failed) == len(written) + 2, ended.stdout


SIGNUM = '''"""Signum: the sign of a mean of gradients, with decoupled weight decay.

Source: Bernstein et al. 2018, signSGD: Compressed Optimisation for Non-Convex Problems, algorithm 2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge, Interval
from torch.optim import Optimizer

from audition.parts.stepping.controls import configured
from audition.parts.stepping.groups import Named, decay_groups


@dataclass(frozen=True, kw_only=True)
class TestsSignum:
    """m becomes b m + (1 - b) g, then p becomes p - lr (sign(m) + decay p)."""

    lr: Annotated[float, Ge(0)] = 4e-4
    """Learning rate at gain 1: the length of every entry's step."""
    momentum: Annotated[float, Interval(ge=0, lt=1)] = 0.9
    """How slowly the mean forgets."""
    weight_decay: Annotated[float, Ge(0)] = 0.3
    """Share of a decaying weight that a step at rate 1 takes away."""

    def __call__(self, named: Named) -> Optimizer:
        groups = decay_groups(named, self.weight_decay, "matrices")
        return configured(Signs(groups, {"lr": self.lr, "momentum": self.momentum}))


class Signs(Optimizer):
    """The steps of `TestsSignum`; its state is one mean a parameter."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["exp_avg"] = torch.zeros_like(p)
                mean = state["exp_avg"].lerp_(p.grad, 1.0 - group["momentum"])
                p.mul_(1.0 - group["lr"] * group["weight_decay"])
                p.add_(mean.sign(), alpha=-group["lr"])
'''

NAME = "tests_signum"
"""No author's: the copy has whatever was added to this checkout."""
GREEN = (
    *("tests/laws", "tests/shelf/test_settings.py", "tests/cli/test_typed.py"),
    *("tests/cli/test_sentences.py", "tests/config/schema"),
    *("tests/config/test_shape.py", "tests/config/test_lint.py"),
    "-k",
    f"({NAME} or every or typed or sentences or marks or README or parts or config)"
    " and (not test_every_file_trains_three_steps or " + NAME + ")",
)
"""What knows the members of `conf/`: a list by hand anywhere in it would fail for want of a Signum."""


def test_a_signum_is_two_files_and_a_green_suite(tree: Path) -> None:
    clean(tree)
    made = python(tree, "-m", "audition", "new", "optimizer", NAME)
    assert made.returncode == 0, made.stderr
    code, settings = (tree / name for name in made.stdout.split())
    code.write_text(SIGNUM)
    # What a file has that its class no longer takes is taken out by hand, before `make conf`.
    kept = [line for line in settings.read_text().splitlines() if line.startswith("_target_")]
    settings.write_text(
        "\n".join(["# The sign of a momentum (Bernstein et al. 2018).", *kept]) + "\n"
    )
    done = python(tree, "-m", "scripts.conf", str(settings))
    assert done.returncode == 0, done.stderr
    assert "lr: 0.0004  # Learning rate at gain 1: the length of every entry's step" in (
        settings.read_text()
    )
    assert git(tree, "status", "--porcelain", "-uall").splitlines() == [
        f"?? conf/optimizer/{NAME}.yaml",
        f"?? src/audition/parts/optim/{NAME}.py",
    ]
    for check in (("format", "--check"), ("check",)):
        ruff = python(tree, "-m", "ruff", *check, str(code))
        assert ruff.returncode == 0, ruff.stdout
    suite = python(tree, "-m", "pytest", "-x", "-v", *GREEN)
    assert suite.returncode == 0, suite.stdout[-4000:]
    held = [line for line in suite.stdout.splitlines() if f"optimizer={NAME}" in line]
    assert len(held) >= 10
    assert all("PASSED" in line for line in held)
    assert f"test_every_file_trains_three_steps[optimizer/{NAME}] PASSED" in suite.stdout
    clean(tree)


def test_a_member_of_a_package_of_ones_own(tmp_path: Path, capsys: Any) -> None:
    main(["new", "norm", "gain_only", "--package", "mylab", "--into", str(tmp_path)])
    told = capsys.readouterr()
    code, settings = map(Path, told.out.split())
    assert code == tmp_path / "mylab/gain_only.py"
    assert settings == tmp_path / "conf/norm/gain_only.yaml"
    assert yaml.safe_load(settings.read_text())["_target_"] == "mylab.gain_only.GainOnly"
    assert f"norm=gain_only --config-dir {tmp_path / 'conf'}" in told.err
    assert f"PYTHONPATH={tmp_path} " in told.err
    with pytest.raises(SystemExit):
        main(["new", "norm", "gain_only", "--package", "mylab", "--into", str(tmp_path)])
    assert "gain_only.py exists: choose another name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["optimzer", "signum"],
            "unknown kind 'optimzer'; did you mean 'optimizer'? choose from: ",
        ),
        (["experiment", "mine"], "unknown kind 'experiment'"),
        (["optimizer", "Signum"], "optimizer 'Signum' is no name: small letters, digits"),
        (["optimizer", "../signum"], "optimizer '../signum' is no name"),
        (["optimizer", "class"], "optimizer 'class' is no name"),
        (["optimizer", "sgd"], "sgd.py exists: choose another name"),
        (["optimizer", "muon_gpt88m"], "muon_gpt88m.yaml exists: choose another name"),
        (["preset", "ema"], "ema.py exists: choose another name"),
        (
            ["optimizer", "signum", "--package", "mylab"],
            "--package NAME and --into FOLDER go together",
        ),
        (["optimizer", "signum", "--package", "my-lab", "--into", "."], "--package 'my-lab' is no"),
        (
            ["optimizer", "signum", "--package", "m", "--into", "/nowhere"],
            "--into /nowhere is no folder",
        ),
        (["norm", "x", "--card", "pitch=a"], "an idea has a card, and a norm has none"),
        (
            ["idea", "x", "--card", "ptch=a"],
            "--card ptch=a is no KEY=VALUE of a card; did you mean",
        ),
        (["idea", "x", "--card", "test=3"], "--card test=3: test has parts"),
        (["idea", "x", "--card", "pitch.a=3"], "--card pitch.a=3: pitch has no parts"),
    ],
)
def test_what_cannot_be_made_is_one_sentence(words: list[str], said: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as left:
        main(["new", *words])
    assert left.value.code == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert words[1] == "sgd" or words[1] not in names("optimizer") or "exists" in said


def test_an_installed_package_is_added_to_nowhere_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audition.shelf.new.conf_dir", lambda: tmp_path / "conf")
    with pytest.raises(AuditionError, match="no checkout to add to: choose a package of your own"):
        Place.of(None, None)


FULL = {
    "aspect": "dynamics",
    "mechanism": "a tag",
    "pitch": "It is: a test",
    "math": "x",
    "pro": "much",
    "con": "little",
    "falsifier": "a fact",
    "kill_criterion": "none",
    "expected_signature": "nothing",
}
TABLES = {
    "symbols": {"x": "a number"},
    "nearest_known": {"a": "so", "b": "so: or", "c": "so"},
    "controls": {"amount=0": "off"},
}


def test_a_card_given_as_options_is_complete() -> None:
    words = [f"{key}={value}" for key, value in FULL.items()]
    words += [
        f"{key}.{part}={each}" for key, table in TABLES.items() for part, each in table.items()
    ]
    words += ["test.tokens=1_000_000", "test.seeds=[1, 2]", "success.rule=more", "success.d=0.5"]
    words += ["cost.flops=none", "cost.bytes=none"]
    plain = yaml.safe_load("\n".join(card_lines("mine", parse_card(words))))
    card = check_card("mine", plain["mine"])
    assert (card.flag, card.test) == ("+idea=mine", {"tokens": 1_000_000, "seeds": [1, 2]})
    assert card.nearest_known["b"] == "so: or"


def test_a_card_is_asked_for() -> None:
    answers = {
        **FULL,
        "test.tokens": "1000",
        "test.seeds": "[1]",
        "success.rule": "more",
        "success.d": "1",
        "cost.flops": "none",
        "cost.bytes": "none",
    }
    tables = {key: [f"{k}: {v}" for k, v in table.items()] for key, table in TABLES.items()}

    def ask(prompt: str) -> str:
        key = prompt.split(":")[0].split(" (")[0]
        if key in tables:
            return tables[key].pop(0) if tables[key] else ""
        return answers.pop(key)

    plain = yaml.safe_load("\n".join(card_lines("mine", ask_for_card(ask, {"pro": "less"}))))
    assert check_card("mine", plain["mine"]).pro == "less"
    assert list(answers) == ["pro"]


def test_what_the_default_looks_up_is_looked_up_and_the_advice_can_be_typed(
    tmp_path: Path, capsys: Any
) -> None:
    def new(*words: str) -> tuple[str, str]:
        main(["new", *words, "--package", "mylab", "--into", str(tmp_path)])
        told = capsys.readouterr()
        return Path(told.out.split()[1]).read_text(encoding="utf-8"), told.err

    settings, _ = new("data", "verses")
    assert "context: ${model.context}" in settings
    assert "cache_dir: ${paths.cache_dir}" in settings
    assert " 'logger=[lines]' " in new("logger", "lines")[1]
    assert f"fill in {tmp_path / 'conf/idea/heat.yaml'}, then try it" in new("idea", "heat")[1]


def test_a_card_left_blank_is_incomplete_and_says_what_is_missing() -> None:
    plain = yaml.safe_load("\n".join(card_lines("mine", {})))
    with pytest.raises(
        AuditionError, match=r"'mine' lacks aspect, mechanism, pitch, .*, cost: a run"
    ):
        check_card("mine", plain["mine"])


def test_both_names_of_a_kind_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    known, place = kinds(), Place.of(None, None)
    monkeypatch.setattr("audition.shelf.new.kinds", lambda: known)
    assert draft("preset", "shiny", place) == draft("effect", "shiny", place)
    for kind in known.values():  # README's table has the groups by their folders
        assert draft(kind.shelf, "shiny", place) == draft(kind.name, "shiny", place)
