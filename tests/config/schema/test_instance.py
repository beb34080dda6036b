"""A setting whose annotation is a class holds a part of that class, or of one derived from it."""

import pytest

from audition.config.schema import check_node
from audition.errors import AuditionError

PARTS = '''
from dataclasses import dataclass
from typing import Protocol

class Judge:
    """What a setting asks for."""

@dataclass(frozen=True, kw_only=True)
class Strict(Judge):
    bar: float = 1.0

class Stricter(Strict):
    pass

class Cook:
    pass

class Speaks(Protocol):
    def say(self) -> str: ...

def appoint(*, bar: float = 2.0) -> Judge: ...

@dataclass(frozen=True, kw_only=True)
class Court:
    judge: Judge

@dataclass(frozen=True, kw_only=True)
class Hall(Court):
    speaker: "Speaks | None" = None
'''


def whole(node):
    """The node as a run gets it, wherever its target lies."""
    return check_node(node, "config", None)


OPEN = """
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from courts.parts import Speaks

class Tone(Enum):
    LOW = 1

@dataclass(frozen=True, kw_only=True)
class Open:
    where: Path
    make: Callable
    tone: Tone
    speaker: Speaks
"""


@pytest.fixture(autouse=True)
def courts(write):
    """The package that the nodes name; the annotation of Hall's judge is in another module."""
    elsewhere = "from courts.parts import Court\n\nclass Annex(Court):\n    '''Elsewhere.'''\n"
    modules = {"__init__": "", "parts": PARTS, "annex": elsewhere, "open": OPEN}
    write({f"courts/{name}.py": text for name, text in modules.items()})


def node(judge, court="courts.parts.Court"):
    """A court with a judge."""
    return {"_target_": court, "judge": judge}


@pytest.mark.parametrize("court", ["courts.parts.Court", "courts.parts.Hall", "courts.annex.Annex"])
@pytest.mark.parametrize(
    ("judge", "bar"),
    [("Strict", 1.0), ("Stricter", 1.0), ("appoint", 2.0), ("Judge", None)],
)
def test_the_class_itself_a_kin_or_a_function_fits(court, judge, bar):
    made = whole(node({"_target_": f"courts.parts.{judge}"}, court))["judge"]
    assert made == {"_target_": f"courts.parts.{judge}"} | ({} if bar is None else {"bar": bar})


@pytest.mark.parametrize(
    ("judge", "sentence"),
    [
        ("Strict", r"c\.judge='Strict' is not a Judge: choose one by its group, …/judge=NAME"),
        (None, r"c\.judge=null is not a Judge"),
        (5, r"c\.judge=5 is not a Judge"),
        ({"bar": 1.0}, r"c\.judge=.* is not a Judge"),
        (
            {"_target_": "courts.parts.Cook"},
            r"c\.judge\._target_='courts.parts.Cook' is not a Judge",
        ),
        ({"_target_": "courts.parts.Stric"}, r"c\.judge\._target_=.*did you mean 'Strict'"),
        ({"_target_": "courts.parts.Strict", "bra": 1}, r"c\.judge\.bra.*did you mean 'bar'"),
    ],
)
def test_anything_else_is_one_sentence(judge, sentence):
    with pytest.raises(AuditionError, match=sentence):
        check_node(node(judge), "c", ("courts",))


def test_a_protocol_takes_any_part_and_values_of_the_library_are_no_parts():
    cook = {"_target_": "courts.parts.Cook"}
    given = {"where": "here", "make": "made", "tone": "low", "speaker": cook}
    assert whole({"_target_": "courts.open.Open", **given}) == {
        "_target_": "courts.open.Open",
        **given,
    }
    with pytest.raises(AuditionError, match="speaker='cook' is not a Speaks"):
        whole({"_target_": "courts.open.Open", **given, "speaker": "cook"})
