"""Where the ledger is, however a line names it; and `audition` alone, which says where one stands."""

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from made_records import made

import audition
from audition.cli.ledger import all_commands, carry_out, main, read
from audition.cli.output_dir import as_overrides, split_output_dir
from audition.command_line import output_dir
from audition.errors import AuditionError
from audition.records.record import Record
from audition.records.registration import PlannedArm, Registration, register
from audition.records.store import Ledger

Told = Callable[..., str]


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """Three seeds of a baseline and of an idea, below the working folder."""
    monkeypatch.chdir(tmp_path)
    ledger = Ledger(Path("outputs"))
    for arm, loss in (("baseline", 3.0), ("idea", 2.9)):
        for seed in (1, 2, 3):
            ledger.write(
                made(
                    arm,
                    seed,
                    loss + 0.01 * seed * seed + 0.001 * len(arm) * seed,
                    started=f"2026-01-0{seed}T00:00:00+00:00",
                )
            )
    return ledger


NAMED = [
    ("runs --output-dir X", "runs"),
    ("--output-dir X runs", "runs"),
    ("runs --output-dir=X --json", "runs --json"),
    ("paths.output_dir=X verdict idea", "verdict idea"),
    ("verdict paths.output_dir='X' idea", "verdict idea"),
    ("power ++paths.output_dir=X --gain 1", "power --gain 1"),
    ("runs paths.output_dir=Y --output-dir X", "runs"),
]


@pytest.mark.parametrize(("line", "rest"), NAMED)
def test_both_ways_to_name_a_ledger_anywhere_in_a_line(line: str, rest: str) -> None:
    assert split_output_dir(line.split()) == ("X", rest.split())
    assert read(line.split()).output_dir == Path("X")


def test_training_understands_both_as_well() -> None:
    line = ["-m", "--output-dir", "X", "seed=1", "paths.output_dir=Y", "--output-dir=a b"]
    assert as_overrides(line) == [
        *("-m", "paths.output_dir=X", "seed=1", "paths.output_dir=Y"),
        "paths.output_dir='a b'",
    ]
    parser = OverridesParser.create()
    for folder in (
        "true",
        "1e5",
        ".5",
        "/a/b-c_1.d",
        "../x",
        "a b",
        "it's",
        "a\\b",
        "x\\",
        "a\\'b",
        "~/runs",
        "a,b",
        "[x",
    ):
        assert parser.parse_override(output_dir(folder)).value() == folder


def test_a_ledger_is_found_from_a_folder_below_it(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    carry_out(["runs", "--json"])
    here = capsys.readouterr()
    assert here.err == ""
    root = ledger.root.absolute()
    for below in (root.parent / "notes/deep", root / "runs"):
        below.mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(below)
        carry_out(["runs", "--json"])
        assert capsys.readouterr() == (here.out, f"audition: the ledger is {root}\n")
    with pytest.raises(AuditionError, match=f"no ledger at {root / 'no'}"):
        carry_out(["runs", "--output-dir", str(root / "no")])


def test_alone_it_says_where_one_stands(
    ledger: Ledger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out([])
    said = capsys.readouterr().out
    assert "ledger   outputs: 6 finished\n" in said
    assert "verdict  idea: supported. It is better by 0.1" in said
    assert "next     confirm it on 5 fresh seeds" in said
    root = ledger.root.absolute()
    monkeypatch.chdir("/")
    carry_out(["--output-dir", str(root), "--json"])
    assert json.loads(capsys.readouterr().out)["ledger"] == str(root)


def test_alone_it_has_a_line_for_each_verdict_of_the_latest_plan(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    for arm, loss in (("worse", 3.2), ("best", 2.5), ("unplanned", 2.0)):
        for seed in (1, 2, 3):
            ledger.write(made(arm, seed, loss + 0.01 * seed * seed, started="2026-01-01T00:00:00"))
    for names in (("idea",), ("worse", "best", "idea")):
        arms = tuple(PlannedArm(name=n, config_hash=n, seeds=(1, 2, 3), cards={}) for n in names)
        facts = {"baseline_hash": "baseline", "baseline_seeds": (1, 2, 3), "metric": "val_loss"}
        register(ledger.root, Registration(arms=arms, command="audition train -m", **facts))
    carry_out([])
    said = capsys.readouterr().out.splitlines()
    begins = next(n for n, line in enumerate(said) if line.startswith("verdict"))
    lines = [line.removeprefix("verdict").strip() for line in said[begins : begins + 4]]
    assert [line.partition(":")[0] for line in lines[:3]] == ["best", "idea", "worse"]
    assert lines[3].startswith("next     best: confirm it on 5 fresh seeds")


def test_where_the_plan_says_another_thing_than_the_whole_ledger_both_are_told(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    for seeds in ((1, 2, 3), (1, 2, 3, 4)):
        arms = (PlannedArm(name="idea", config_hash="idea", seeds=seeds, cards={}),)
        facts = {"baseline_hash": "baseline", "baseline_seeds": seeds, "metric": "val_loss"}
        register(ledger.root, Registration(arms=arms, command="audition train -m", **facts))
    for arm in ("idea", "baseline"):
        ledger.write(made(arm, 4, 3.1, started="2026-01-05T00:00:00+00:00"))
    carry_out([])
    (said,) = (s for s in capsys.readouterr().out.splitlines() if s.startswith("verdict"))
    assert said.startswith("verdict  idea: supported. It is better by 0.1080")
    assert "The whole ledger today (4 seeds against 4 of the baseline" in said
    read = audition.ledger(ledger.root)
    (today,), (planned,) = read.verdicts(), read.verdicts(plan="idea")
    assert (today.judgement.comparison.n, planned.judgement.comparison.n) == (4, 3)
    assert today.judgement.other == planned.judgement
    assert read.verdicts("idea", plan="latest")[0].judgement.comparison.n == 4
    with pytest.raises(AuditionError, match="there is no plan 'ide'; did you mean 'idea'"):
        read.verdicts(plan="ide")
    with pytest.raises(AuditionError, match="a plan judges as it says: leave out metric"):
        read.verdicts(plan="latest", alpha=0.1)


def test_a_sweep_that_was_stopped_is_what_to_go_on_with(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    arms = (PlannedArm(name="idea", config_hash="idea", seeds=(1, 2, 3, 4), cards={}),)
    plan = Registration(
        baseline_hash="baseline",
        baseline_seeds=(1, 2, 3),
        arms=arms,
        metric="val_loss",
        command="audition train +idea=idea -m",
    )
    register(ledger.root, plan)
    carry_out(["--json"])
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["planned"] == {"finished": 6, "not started": 1}
    assert (found["plan"], found["next"]) == (plan.digest(), "audition train +idea=idea -m")
    assert [verdict["idea"] for verdict in found["verdicts"]] == ["idea"]
    with ledger.claim(ledger.folder("idea", "idea", 4)):
        record = Record(
            **{**vars(ledger.read().records[-1]), "seed": 4, "key": "new", "status": "running"}
        )
        ledger.write(record)
        carry_out(["--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["runs"] == {"finished": 6, "running": 1}
    assert found["next"] == "audition watch"


@pytest.mark.parametrize("checkout", [False, True])
def test_in_an_empty_folder_it_names_the_first_command(
    checkout: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if checkout:
        (tmp_path / "src").mkdir()
        (tmp_path / "src/train.py").touch()
    carry_out([])
    door = "python -m src.train" if checkout else "audition train"
    assert f"         {door} +idea=spectral_gate seed=42,137,256 -m\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("verdit", "there is no command 'verdit'; did you mean 'verdict'?"),
        (
            "verdict --metrc val_loss",
            "`audition verdict` has no '--metrc'; did you mean '--metric'?",
        ),
        ("--foo", "`audition` has no '--foo'; choose from: --json, --output-dir"),
        ("power", "--gain must be given (`audition power --help` lists what there is)"),
        ("power --gain", "--gain needs a value (`audition power --help`"),
        ("power --gain x", "--gain 'x' is not a number (`audition power --help`"),
        ("power --gain -0.1", "--gain -0.1 is out of range: it must be > 0 (`audition power"),
        ("power --gain inf", "--gain inf is out of range: it must be finite and > 0"),
        ("verdict --alpha 2", "--alpha 2 is out of range: it must be > 0 and < 1"),
        ("calibrate --seed 1.5", "--seed 1.5 is not a whole number"),
        ("leaderboard --top -1", "--top -1 is out of range: it must be >= 0"),
        ("bench --seconds 0", "--seconds 0 is out of range: it must be > 0"),
        ("verdict --strict=3", "--strict takes no value, and '3' was given"),
        ("verdict --s 3", "--s may be --sesoi, --sides, --strict: type more of it"),
        ("new", "KIND, NAME must be given (`audition new --help`"),
        ("help verdit", "there is no command 'verdit'; did you mean 'verdict'?"),
    ],
)
def test_a_mistyped_command_is_one_sentence(
    line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(line.split())
    out, err = capsys.readouterr()
    assert (left.value.code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"audition: {said}")


def test_every_number_that_an_option_takes_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    for command in all_commands():
        for each in command.options:
            if "type" not in each.settings or each.settings["type"] is Path:
                continue
            for value in ("x", "nan", "-inf"):
                with pytest.raises(SystemExit):
                    main([command.name, f"{each.names[0]}={value}"])
                said = capsys.readouterr().err
                assert f"audition: {each.names[0]} " in said, said
                assert value in said


def test_help_and_version_are_found_where_people_look(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for words in (["--help"], ["help"], ["power", "--help"], ["help", "power"], ["--version"]):
        with pytest.raises(SystemExit) as left:
            main(words)
        assert left.value.code == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert said[2] == said[3]
    assert "--gain" in said[2]
    assert said[4].startswith(f"audition {version('audition')} (Python ")


def test_a_folder_that_is_missing_is_asked_for() -> None:
    with pytest.raises(AuditionError, match="--output-dir needs a folder"):
        as_overrides(["-m", "seed=1", "--output-dir"])
