"""Every statement of docs/theory names a test that exists, and every test here is named by one."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_statements_and_tests_name_each_other():
    pages = (ROOT / "docs" / "theory").glob("*.md")
    named = {
        found for page in pages for found in re.findall(r"(tests/\S+\.py)::(\w+)", page.read_text())
    }
    for file, test in named:
        functions = ast.walk(ast.parse((ROOT / file).read_text()))
        assert test in {f.name for f in functions if isinstance(f, ast.FunctionDef)}, test
    here = {
        (f"tests/theory/{path.name}", f.name)
        for path in Path(__file__).parent.glob("test_*.py")
        if path.name != Path(__file__).name
        for f in ast.walk(ast.parse(path.read_text()))
        if isinstance(f, ast.FunctionDef) and f.name.startswith("test_")
    }
    assert here <= named
