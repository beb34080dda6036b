"""The names that `audition` offers: imported when they are used, and read by the schema as they are."""

import subprocess
import sys
from importlib import import_module
from inspect import isclass, isfunction
from pathlib import Path

import pytest

import audition
from audition.config.schema import source_files
from audition.config.schema.lookup import find
from audition.lazy import listed

NAMES = listed(audition.__file__)


def test_importing_the_package_imports_none_of_them() -> None:
    program = "import audition, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    modules = set(loaded.stdout.split())
    assert "audition" in modules
    assert modules.isdisjoint({"torch", "numpy", "hydra", "ast", "rich"})
    assert modules.isdisjoint({path.rpartition(".")[0] for path in NAMES.values()})


@pytest.mark.parametrize("name", NAMES)
def test_each_is_what_its_module_calls_so(name: str) -> None:
    module, _, attribute = NAMES[name].rpartition(".")
    named = getattr(audition, name)
    assert named is getattr(import_module(module), attribute)
    assert name in dir(audition)
    if isclass(named) or isfunction(named):  # an alias of a type has no definition to be found
        assert find(f"audition.{name}").name == NAMES[name]


def test_another_name_is_none_of_its_attributes() -> None:
    with pytest.raises(AttributeError, match="module 'audition' has no attribute 'Efect'"):
        audition.Efect  # type: ignore[attr-defined] # noqa: B018


def test_code_that_takes_a_name_from_the_package_uses_its_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "borrowing.py").write_text(
        "from audition import Effect\n\nclass Mine(Effect): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    files = source_files(["borrowing.Mine"], roots=("audition", "borrowing"))
    assert {"borrowing", "audition", "audition.recipe.effect"} <= set(files)
    assert "audition.recipe.recipe" not in source_files(["audition.errors.AuditionError"])
