"""The examples in docstrings do what they say, and everything an author imports has one."""

import ast
import doctest
import inspect
from importlib import import_module
from pathlib import Path

import pytest

import audition

SOURCE = Path(audition.__file__).parent
DOCS = SOURCE.parents[1] / "docs"
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def with_examples(folder: Path, pattern: str) -> list[Path]:
    return [p for p in sorted(folder.rglob(pattern)) if ">>> " in p.read_text(encoding="utf-8")]


@pytest.mark.parametrize(
    "path", with_examples(SOURCE, "*.py"), ids=lambda p: str(p.relative_to(SOURCE))
)
def test_the_examples_of_a_module(path: Path) -> None:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    module = import_module(".".join(("audition", *parts)).removesuffix(".__init__"))
    failed, tried = doctest.testmod(module, optionflags=OPTIONS)
    assert tried
    assert not failed


def offered() -> list[str]:
    """What `from audition import …` gives, as its stub lists it."""
    stub = ast.parse((SOURCE / "__init__.pyi").read_text(encoding="utf-8"))
    imports = (node for node in stub.body if isinstance(node, ast.ImportFrom))
    return [alias.asname or alias.name for node in imports for alias in node.names]


@pytest.mark.parametrize("name", offered())
def test_what_an_author_imports_has_an_example_and_a_place_in_the_reference(name: str) -> None:
    thing = getattr(audition, name)
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert ">>> " in (thing.__doc__ or "")
        page = (DOCS / "api.md").read_text(encoding="utf-8")
        assert f"::: {thing.__module__}.{thing.__qualname__}" in page.splitlines()
