"""The files that a run uses, and when the digest of their code moves."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from audition.config.schema import source_digest, source_files
from audition.errors import AuditionError

Write = Callable[[Mapping[str, str]], Path]

FILES = {
    "mylab/__init__.py": "",
    "mylab/idea.py": '''
        """An idea."""
        from typing import TYPE_CHECKING
        import typing
        import warnings
        from .deep.inner import gain
        import otherlab.tool

        if TYPE_CHECKING:
            from mylab import hints
        if typing.TYPE_CHECKING:
            from mylab import hints
        else:
            from mylab import otherwise

        class Idea:
            """Words."""

            width: int = 3
            """More words."""

            def run(self, *, lr: float = 0.5) -> float:
                """Only words."""
                try:
                    from mylab import late
                except ImportError:
                    late = None
                if lr < 0:
                    raise ValueError(f"lr={lr} is low") from None
                assert lr < 9, "lr is high"
                warnings.warn("lr is odd")
                return lr * 2  # a comment
        ''',
    "mylab/deep/__init__.py": "",
    "mylab/deep/inner.py": "from .. import cycle\nfrom ..far.away import thing\ngain = 1\n",
    "mylab/cycle.py": "import mylab.idea\n",
    "mylab/far/away.py": "thing = 1\n",
    "mylab/late.py": "x = 1\n",
    "mylab/otherwise.py": "x = 1\n",
    "mylab/hints.py": "x = 1\n",
    "mylab/unrelated.py": "x = 1\n",
    "otherlab/__init__.py": "",
    "otherlab/tool.py": "x = 1\n",
}
CLOSURE = [
    "mylab",
    "mylab.cycle",
    "mylab.deep",
    "mylab.deep.inner",
    "mylab.far.away",
    "mylab.idea",
    "mylab.late",
    "mylab.otherwise",
]


@pytest.fixture
def folder(write: Write) -> Path:
    return write(FILES)


def digest() -> str:
    return source_digest(["mylab.idea.Idea"], ("mylab",))


@pytest.mark.parametrize("target", ["mylab.idea.Idea", "mylab.idea", "mylab.cycle"])
def test_the_files_of_a_target(folder: Path, target: str) -> None:
    files = source_files([target, "torch.optim.AdamW"], ("mylab",))
    assert list(files) == CLOSURE
    assert files["mylab.deep"] == folder / "mylab/deep/__init__.py"


def test_roots_say_whose_code_is_followed(folder: Path) -> None:
    both = source_files(["mylab.idea"], ("mylab", "otherlab"))
    assert list(both) == [*CLOSURE, "otherlab", "otherlab.tool"]
    assert source_files(["mylab.idea"]) == {}


@pytest.mark.parametrize("target", ["mylab.idae.Idea", "mylab.idea.Ida"])
def test_a_target_of_ours_must_exist(folder: Path, target: str) -> None:
    with pytest.raises(AuditionError, match="does not exist"):
        source_files([target], ("mylab",))


@pytest.mark.parametrize(
    ("file", "old", "new", "moves"),
    [
        ("idea.py", "a comment", "another comment", False),
        ("idea.py", '"""An idea."""', '"""A very old idea."""', False),
        ("idea.py", '"""An idea."""', "", False),
        ("idea.py", '"""More words."""', "", False),
        ("idea.py", '"""Only words."""', '"""Other words."""', False),
        ("idea.py", "lr * 2", "(lr\n   *  2)", False),
        ("idea.py", "\n\n", "\n\n\n", False),
        ("idea.py", "is low", "is too low", False),
        ("idea.py", "is high", "is too high", False),
        ("idea.py", "is odd", "is strange", False),
        ("idea.py", "ValueError", "TypeError", True),
        ("idea.py", "from None", "", True),
        ("idea.py", "lr < 0", "lr < 1", True),
        ("idea.py", "lr < 9", "lr < 8", True),
        ("idea.py", "0.5", "0.6", True),
        ("idea.py", "lr * 2", "lr * 2.0", True),
        ("idea.py", "lr * 2", "lr + 2", True),
        ("idea.py", "return lr", "return -lr", True),
        ("idea.py", "return", "yield", True),
        ("idea.py", "lr", "rate", True),
        ("far/away.py", "1", "2", True),
        ("late.py", "1", "None", True),
        ("late.py", "1", "'1'", True),
        ("deep/__init__.py", "", "x = 1", True),
        ("hints.py", "1", "2", False),
        ("unrelated.py", "1", "2", False),
    ],
)
def test_what_moves_the_digest(folder: Path, file: str, old: str, new: str, moves: bool) -> None:
    before = digest()
    path = folder / "mylab" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new) if old else new)
    assert (digest() != before) is moves


def test_modules_that_hold_words_do_not_count(folder: Path) -> None:
    def silent() -> str:
        return source_digest(["mylab.idea.Idea"], ("mylab",), spoken=["mylab.far.away"])

    loud, before = digest(), silent()
    (folder / "mylab/far/away.py").write_text("thing = 'other words'\n")
    inner = folder / "mylab/deep/inner.py"
    inner.write_text(inner.read_text().replace("import thing", "import thing, more"))
    assert silent() == before
    assert digest() != loud


def test_a_module_s_name_counts(folder: Path) -> None:
    before = source_digest(["mylab.late"], ("mylab",))
    assert source_digest(["mylab.otherwise"], ("mylab",)) != before


def test_a_list_ends_where_it_ends(write: Write) -> None:
    seen = set()
    for text in ("f([a], b)", "f([a, b])", "f(a, [b])", "f(a)(b)", "f(a, b)", "return_ = f(a, b)"):
        write({"onelab.py": text})
        seen.add(source_digest(["onelab"], ("onelab",)))
    assert len(seen) == 6
