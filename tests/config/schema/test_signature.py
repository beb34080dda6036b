"""Constructors read from their source."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from audition.config.schema import REQUIRED, read_constant, signature
from audition.config.schema.kinds import TypeMismatch
from audition.errors import AuditionError

Write = Callable[[Mapping[str, str]], Path]

pytestmark = pytest.mark.usefixtures("lab")


def test_keyword_only_parameters_are_the_settings() -> None:
    found = signature("mylab.optim.Fast")
    assert found.supplied == ("width",)
    assert list(found.settings)[:3] == ["lr", "betas", "steps"]
    assert found.settings["lr"].default is REQUIRED
    assert found.settings["betas"].default == (0.9, 1.0)
    assert isinstance(found.settings["betas"].default, tuple)
    assert found.settings["lr"].sentence == "step size, in units of the weight."
    assert found.settings["steps"].sentence == "how many: at least one."


def test_fields_of_a_dataclass_and_its_bases() -> None:
    found = signature("mylab.values.Child").settings
    assert {name: setting.default for name, setting in found.items()} == {
        "depth": 3,
        "width": REQUIRED,
        "gains": {},
        "table": {"a": 1},
        "seed": 7,
    }
    assert found["gains"].sentence == "one a layer."
    assert signature("mylab.values.Base").settings["depth"].sentence == "How deep it goes."


def test_a_positional_field_is_the_house_s() -> None:
    found = signature("mylab.values.Mixed")
    assert found.supplied == ("given",)
    assert {name: repr(s.default) for name, s in found.settings.items()} == {"chosen": "1.0"}


@pytest.mark.parametrize(
    ("target", "settings"),
    [
        ("mylab.Renamed", signature),
        ("mylab.optim.Inheriting", signature),
        ("mylab.optim.Silent", []),
        ("mylab.optim.make", ["gain"]),
        ("mylab.optim.Alias", ["gain"]),
        ("mylab.Starred", ["x"]),
        ("mylab.values.Plain", ["depth", "width", "gains", "table", "seed"]),
    ],
)
def test_ways_to_reach_a_constructor(target: str, settings: object) -> None:
    expected = signature("mylab.optim.Fast").settings if settings is signature else settings
    assert list(signature(target).settings) == list(expected)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Loose", r"mylab\.wrong\.Loose takes \*\*rest"),
        ("Computed", r"'lr' of mylab\.wrong\.Computed .* its default is 2 \* WIDTH"),
        ("Outside", r"the default of .*'lr'.*=0\.0 is out of range: it must be > 0"),
        ("Unchecked", r"MultipleOf\(2\) is not checked: use Gt, Ge, Lt, Le or Interval"),
        ("Vague", r"a range is written on the number inside, not on a list of 2"),
    ],
)
def test_constructors_no_config_should_name(name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        signature(f"mylab.wrong.{name}")


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("mylab.optin.Fast", "mylab has no 'optin'; did you mean 'optim'? choose from: Renamed,"),
        ("mylab.optim.Fats", "mylab.optim has no 'Fats'; did you mean 'Fast'? choose from: Fast,"),
        ("mylab.optim.Fast.step", "no module holds the 'step' of Fast"),
        ("mylab.optim", "mylab.optim is a module where a class or function is needed"),
        ("nosuchlab.optim.Fast", "there is no package 'nosuchlab' to read"),
        ("", "there is no package ''"),
        ("mylab..Fast", "mylab has no ''"),
    ],
)
def test_targets_that_do_not_exist(target: str, sentence: str) -> None:
    with pytest.raises(AuditionError) as caught:
        signature(target)
    assert sentence in str(caught.value)


def test_a_plain_module_does_not_offer_what_it_imports() -> None:
    with pytest.raises(AuditionError) as caught:
        signature("mylab.optim.Zzz")
    assert "Annotated" not in str(caught.value)


def test_imports_that_lead_in_a_circle_end(write: Write) -> None:
    write({"round.py": "from round2 import A\n", "round2.py": "from round import A\n"})
    with pytest.raises(AuditionError, match=r"its imports lead back to round\.A"):
        signature("round.A")


def test_bad_syntax_is_told_in_a_sentence(write: Write) -> None:
    write({"broken.py": "x = 1\nclass A(:\n"})
    with pytest.raises(AuditionError, match=r"broken\.py is not valid Python: .*line 2"):
        signature("broken.A")


def test_an_edit_is_seen_without_a_restart(lab: Path) -> None:
    path = lab / "mylab" / "star.py"
    path.write_text(path.read_text().replace("= 1", "= 2"))
    assert signature("mylab.Starred").settings["x"].default == 2


@pytest.mark.parametrize(
    ("target", "name", "value"),
    [
        ("mylab.values.Base", "claims", ("attention",)),
        ("mylab.values.Child", "claims", ("attention",)),
        ("mylab.values.Plain", "claims", ("norm", "positional")),
        ("mylab.optim.Fast", "claims", ()),
        ("mylab.optim.make", "claims", ()),
    ],
)
def test_constants_of_a_class(target: str, name: str, value: object) -> None:
    assert read_constant(target, name, ()) == value


def test_a_constant_that_must_be_computed_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Plain\.computed is len\('abc'\)"):
        read_constant("mylab.values.Plain", "computed")


def test_torch_is_read_and_not_imported() -> None:
    program = """
import sys
from audition.errors import AuditionError
from audition.config.schema import check_node, signature, source_files
found = signature("torch.optim.AdamW")
assert found.supplied[:3] == ("params", "lr", "betas"), found
assert found.settings["maximize"].default is False
assert found.settings["fused"].default is None
check_node({"_target_": "torch.optim.AdamW", "fused": True}, "optimizer", ["torch.optim"])
try:
    check_node({"_target_": "torch.optim.AdamV"}, "optimizer", ["torch.optim"])
except AuditionError as error:
    assert "torch.optim has no 'AdamV'; did you mean 'Adam" in str(error), error
else:
    raise AssertionError("a misspelled target passed")
assert "audition.recipe.effect" in source_files(["audition.recipe.recipe.Recipe"])
assert "torch" not in sys.modules
assert "annotated_types" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_warnings_of_a_file_that_is_only_read_are_not_raised(write: Write) -> None:
    write({"warned.py": 'PATTERN = "\\d"\ndef make(*, x: int = 1) -> None: ...\n'})
    assert signature("warned.make").settings["x"].default == 1


def test_a_class_that_hides_its_base_ends(write: Write) -> None:
    write({"hiding.py": "from mylab.star import Starred\nclass Starred(Starred): ...\n"})
    assert signature("hiding.Starred").settings == {}


def test_a_name_that_is_short_for_a_type_is_read_as_the_type(write: Write) -> None:
    write(
        {
            "short/__init__.py": "",
            "short/types.py": (
                "from typing import Annotated, Literal\nfrom annotated_types import Lt\n"
                "Share = Annotated[float, Lt(1)]\nShares = tuple[Share, Share]\n"
                "Way = Literal['up', 'down']\n"
            ),
            "short/parts.py": (
                "from short.types import Shares, Way as Direction\n"
                "class Part:\n"
                "    def __init__(self, *, ways: Direction | None = None,"
                " shares: Shares = (0.5, 0.5)) -> None: ...\n"
            ),
        }
    )
    found = signature("short.parts.Part").settings
    assert found["ways"].kind.fit("down") == "down"
    with pytest.raises(TypeMismatch, match="is not 'up' or 'down' or null"):
        found["ways"].kind.fit("left")
    assert found["shares"].kind.fit([0.25, 0.5]) == (0.25, 0.5)
    with pytest.raises(TypeMismatch, match="out of range"):
        found["shares"].kind.fit([0.25, 1.5])
