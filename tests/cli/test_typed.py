"""The command line as it was typed: what is put right, and what is refused before Hydra sees it."""

import shlex
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from audition.cli.typed import quoted, read_typed, unreadable
from audition.config.members import names
from audition.errors import AuditionError


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("baseline=optimizer=adamw", "baseline='optimizer=adamw'"),
        ("baseline=optimizer.lr=1 model=tiny", "baseline='optimizer.lr=1 model=tiny'"),
        ("baseline=+idea=placebo", "baseline='+idea=placebo'"),
        ("baseline='optimizer=adamw'", "baseline='optimizer=adamw'"),
        ("seed=range(start=1,stop=3)", "seed=range(start=1,stop=3)"),
        ("seed=sort(1,2,reverse=true)", "seed=sort(1,2,reverse=true)"),
        ("+idea=a,b", "+idea=a,b"),
        ("--config-dir=/x=y", "--config-dir=/x=y"),
        ("a={b:c=d}", "a={b:c=d}"),
        ("-m", "-m"),
    ],
)
def test_quotes_that_the_shell_took(typed: str, read: str) -> None:
    assert quoted(typed) == read


ODD = [
    ("data.path=ä", "ä needs quotes", "ä"),
    ("data.path=实", "实 needs quotes", "实"),
    ("data.path=#1", "# needs quotes", "#1"),
    ("paths.output_dir=~/runs", "~ needs quotes", "~/runs"),
    ("data.path=a&b;c", "& and ; need quotes", "a&b;c"),
    ("data.path=a!b", "! needs quotes", "a!b"),
    ("data.path=$x#", "# needs quotes", "$x#"),
    ("a=[x,é,z]", "é needs quotes", ["x", "é", "z"]),
    ("a={k:#}", "# needs quotes", {"k": "#"}),
    ("a=x=y", "a text with one of ()[]{},= in it needs quotes", "x=y"),
    ("a=[1", "[ and ] are not as many", "[1"),
]


@pytest.mark.parametrize(("word", "said", "meant"), ODD, ids=[word for word, *_ in ODD])
def test_a_word_that_needs_quotes_is_shown_with_them(word: str, said: str, meant: object) -> None:
    parser = OverridesParser.create()
    with pytest.raises(HydraException):
        parser.parse_override(word)
    told = unreadable(word)
    assert told.startswith(f"cannot read '{word}': {said}")
    (shown,) = shlex.split(told[told.rindex("quotes, ") + len("quotes, ") :])  # as a shell reads it
    assert parser.parse_override(shown).value() == meant


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("ä=5", "ä cannot stand in a key"),
        ("seed", "it must be KEY=VALUE"),
        ("=5", "it must be KEY=VALUE"),
        ("a=it's", "' needs quotes, a=TEXT with TEXT in quotes, and the whole in quotes of the"),
    ],
)
def test_a_word_that_no_quotes_mend(word: str, said: str) -> None:
    assert unreadable(word).startswith(f"cannot read '{word}': {said}")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--foo", "there is no flag '--foo'; did you mean '--info'? choose from: --cfg, "),
        ("--cfg everything", "argument --cfg/-c: invalid choice: 'everything'"),
        ("--config-name", "argument --config-name/-cn: expected one argument"),
        ("--resolve", "--resolve says how --cfg is shown: add --cfg job"),
        ("--cfg job -m", "--cfg and --multirun exclude each other"),
        ("--experimental-rerun x", "--experimental-rerun has nothing to read here"),
        ("=5", "cannot read '=5'"),
        ("model=null", f"model=null is not a name; choose from: {', '.join(names('model'))}"),
        ("logger=true", f"logger=true is not a name; choose from: {', '.join(names('logger'))}"),
        ("logger=[tensorboard,1]", "logger=[tensorboard,1] is not a name; did you mean"),
        (
            "optimizer=[sgd,muon]",
            "optimizer=[sgd,muon] names several, and a run has one: optimizer=sg",
        ),
        ("optimizer=adamw,null -m", "optimizer=adamw,null is not a name; did you mean 'adamw'?"),
        ("hydra/launcher=3 -m", "hydra/launcher=3 is not a name; choose from: pool, slurm,"),
    ],
)
def test_what_is_refused(line: str, said: str) -> None:
    with pytest.raises(AuditionError) as refusal:
        read_typed(line.split())
    assert str(refusal.value).startswith(said)


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("+idea=x seed=1,2 -m paths.output_dir=X", "-m +idea=x seed=1,2 paths.output_dir=X"),
        ("seed=1 --cfg job model=tiny -cn audition", "--cfg job -cn audition seed=1 model=tiny"),
        (
            "seed=1 --config-dir / -m --output-dir X",
            "--config-dir / -m seed=1 paths.output_dir=X",
        ),
        ("--info seed=1", "--info all seed=1"),
        ("seed=1 -i", "-i all seed=1"),
        ("--info searchpath seed=1", "--info searchpath seed=1"),
    ],
)
def test_options_and_overrides_come_in_any_order(line: str, read: str) -> None:
    assert read_typed(line.split()) == read.split()


def test_arms_are_listed_by_a_flag_each() -> None:
    line = ["--arm", "optimizer=muon norm=rmsnorm", "-m", '--arm=model.note="a\\b"', "seed=1"]
    (flag, seed, arms) = read_typed(line)
    assert (flag, seed) == ("-m", "seed=1")
    read = OverridesParser.create().parse_override(arms)
    assert read.key_or_group == "hydra.sweeper.arms"
    assert [str(arm) for arm in read.value()] == [line[1], 'model.note="a\\b"']


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("seed=1 --arm", "--arm needs the settings of an arm"),
        ("--arm a=1 hydra.sweeper.arms=null", "--arm and hydra.sweeper.arms both list the arms"),
    ],
)
def test_arms_that_are_listed_wrongly(line: str, said: str) -> None:
    with pytest.raises(AuditionError, match=said):
        read_typed(line.split())


def test_a_group_of_ones_own_folder(tmp_path: Path) -> None:
    (tmp_path / "flavour").mkdir()
    (tmp_path / "flavour/mint.yaml").touch()
    with pytest.raises(AuditionError, match=r"flavour=3 is not a name; choose from: mint"):
        read_typed(["--config-dir", str(tmp_path), "flavour=3"])
    ours = ["flavour=mint", "flavour=glob(*)", "~logger"]
    flags = ["--config-dir", str(tmp_path), "-m"]
    assert read_typed([*flags[:2], *ours[:2], "-m", *ours[2:]]) == [*flags, *ours]
