"""A small package of someone's own, written where Python would find it and never imported."""

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write files (path -> text) on the import path; checks at the end that none was imported."""
    monkeypatch.syspath_prepend(tmp_path)
    tops: set[str] = set()

    def put(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text))
            tops.add(name.split("/")[0].removesuffix(".py"))
        importlib.invalidate_caches()
        return tmp_path

    yield put
    assert not tops & set(sys.modules), "reading a constructor imported it"


@pytest.fixture
def lab(write: Write) -> Path:
    """A package `mylab` with one constructor of each sort that a config may name."""
    return write(
        {
            "mylab/__init__.py": "from mylab.optim import Fast as Renamed\nfrom .star import *\n",
            "mylab/star.py": "class Starred:\n    def __init__(self, *, x: int = 1) -> None: ...\n",
            "mylab/optim.py": OPTIM,
            "mylab/values.py": VALUES,
            "mylab/wrong.py": WRONG,
        }
    )


OPTIM = '''
import math
from math import inf
from typing import Annotated, Literal
from annotated_types import Ge, Gt, Interval, Le, Lt
from torch import Tensor, nn
import mylab.nowhere

raise SystemExit("this module must not be imported")

class Fast(nn.Module):
    """Quick.

    Args:
        lr: step size,
            in units of the weight.
        steps (int): how many: at least one.
    """

    def __init__(
        self,
        width: int,
        *,
        lr: Annotated[float, Gt(0)],
        betas: tuple[Annotated[float, Interval(ge=0, lt=1)], float] = (0.9, 1),
        steps: Annotated[int, Ge(1)] = 5,
        kind: Literal["cosine", "linear"] = "cosine",
        nesterov: bool = False,
        clip: Annotated[float | None, Gt(0), Lt(10)] = None,
        name: str = "fast",
        scales: list[float] = [],
        ranks: tuple[int, ...] = (),
        weights: dict[str, float] = {},
        tail: int | float = 1,
        auto: Literal["auto"] | float = "auto",
        inner: nn.Module | None = None,
        rate: "float | Tensor" = 1e-3,
        drive: Annotated[float, Ge(-math.inf), Le(inf)] = 1,
        extra=None,
    ) -> None:
        super().__init__()

class Inheriting(Fast):
    """Its constructor is its base's."""

class Silent(nn.Module):
    def forward(self, x): ...

def make(width: int, *, gain: float = 1.0) -> Fast: ...

Alias = make
'''

VALUES = '''
from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import ClassVar

@dataclass(frozen=True, kw_only=True)
class Base:
    claims: ClassVar[tuple[str, ...]] = ("attention",)
    depth: int = 2
    """How deep it goes."""
    width: int

@dataclass(frozen=True, kw_only=True)
class Child(Base):
    """A child.

    Attributes:
        gains: one a layer.
    """

    depth: int = 3
    gains: dict[str, float] = field(default_factory=dict)
    table: dict[str, int] = field(default_factory=lambda: {"a": 1})
    cached: int = field(default=0, init=False)
    seed: InitVar[int] = 7

@dataclass
class Mixed:
    given: int
    _: KW_ONLY
    chosen: float = 1

class Plain(Child):
    claims = ("norm", "positional")
    computed = len("abc")
'''

WRONG = """
from typing import Annotated
from annotated_types import Gt, MultipleOf

class Loose:
    def __init__(self, *, lr: float = 1.0, **rest: float) -> None: ...

class Computed:
    def __init__(self, *, lr: float = 2 * WIDTH) -> None: ...

class Outside:
    def __init__(self, *, lr: Annotated[float, Gt(0)] = 0.0) -> None: ...

class Unchecked:
    def __init__(self, *, width: Annotated[int, MultipleOf(2)] = 2) -> None: ...

class Vague:
    def __init__(self, *, betas: Annotated[tuple[float, float], Gt(0)] = (1.0, 1.0)) -> None: ...
"""
