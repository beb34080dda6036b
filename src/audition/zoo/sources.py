"""The modules that a model is made of, as files of one folder that import each other alone.

A model of transformers that brings its own code is loaded from one folder: `audition.parts.gpt`
becomes `parts_gpt.py` there, unchanged but for its imports. So the code that is shipped is the code
that trained, and needs nothing but torch.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version

from audition import frozen
from audition.config.schema.source import Source, lazy_names, load, place, statements
from audition.errors import AuditionError

BOUNDS = "bounds"
BOUNDS_TEXT = '''"""Bounds of settings, which were checked before the run and stand for nothing here."""


class Bound:
    """Takes what it is given."""

    def __init__(self, *given, **named):
        self.given = (given, named)


Ge = Gt = Le = Lt = Interval = MinLen = MaxLen = MultipleOf = Bound
'''
"""In the place of `annotated_types`, which a reader of the model need not have."""


def file_of(module: str) -> str:
    """The name, without its ending, of the file that a module becomes.

    Examples:
        >>> file_of("audition.parts.gpt"), file_of("mylab.mixer")
        ('parts_gpt', 'mylab_mixer')
    """
    return module.removeprefix("audition.").replace(".", "_")


def shipped(targets: Iterable[str]) -> dict[str, str]:
    """File name -> text, of the modules in which `targets` (dotted classes) lie and all they import.

    Raises AuditionError for an import that cannot be rewritten.
    """
    roots = frozenset(target.partition(".")[0] for target in targets) | {"audition"}
    sources = _closure({target.rpartition(".")[0] for target in targets}, roots)
    texts = {f"{file_of(s.name)}.py": _rewritten(s, roots) for s in sources.values()}
    if len(texts) < len(sources):
        raise AuditionError(
            "two modules of this model would have one file name: rename one of them"
        )
    return {**texts, f"{BOUNDS}.py": BOUNDS_TEXT}


def _closure(modules: Iterable[str], roots: frozenset[str]) -> dict[str, Source]:
    found: dict[str, Source] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        at = place(name)
        source = load(at) if at and name not in found else None
        if source is not None:
            found[name] = source
            live = statements(source.tree.body, scopes=True)
            waiting += [module for node in live for module, _, _ in _taken(source, node, roots)]
    return dict(sorted(found.items()))


def _taken(
    source: Source, node: ast.stmt, roots: frozenset[str]
) -> Iterator[tuple[str, str, ast.alias]]:
    """(module, name in it, empty for the module itself, alias) of each thing of ours imported."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name.partition(".")[0] in roots:
                raise AuditionError(
                    f"{source.name} has `import {alias.name}`: write `from … import …`, which a "
                    "published model can bring along"
                )
    if not isinstance(node, ast.ImportFrom):
        return
    module = source.absolute(node)
    if module.partition(".")[0] not in roots:
        return
    at = place(module)
    here = load(at) if at else None
    lazy: Mapping[str, str] = lazy_names(here) if here else {}
    for alias in node.names:
        if place(f"{module}.{alias.name}") is not None:
            yield f"{module}.{alias.name}", "", alias
        elif alias.name in lazy:
            home, _, name = lazy[alias.name].rpartition(".")
            yield home, name, alias
        else:
            yield module, alias.name, alias


def _rewritten(source: Source, roots: frozenset[str]) -> str:
    """The text of a module, whose imports of ours are from files beside it."""
    lines = frozen.read(source.path).decode("utf-8").splitlines()
    live = {id(node) for node in statements(source.tree.body, scopes=True)}
    edits: list[tuple[int, int, list[str]]] = []
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ImportFrom):
            continue
        indent, new = " " * node.col_offset, list[str]()
        if source.absolute(node) == "annotated_types":
            names = ", ".join(alias.name for alias in node.names)
            new = [f"{indent}from .{BOUNDS} import {names}"]
        elif source.absolute(node).partition(".")[0] in roots:
            # What only a type checker reads is not shipped.
            taken = _taken(source, node, roots) if id(node) in live else ()
            new = [indent + line for each in taken for line in _line(*each)] or [f"{indent}pass"]
        if new:
            edits.append((node.lineno - 1, node.end_lineno or node.lineno, new))
    for begin, end, new in sorted(edits, reverse=True):
        lines[begin:end] = new
    origin = f"# {source.name} of Audition {version('audition')} (MIT licence)"
    head = origin if source.name.startswith("audition.") else f"# {source.name}"
    return "\n".join([head, *lines]) + "\n"


def _line(module: str, name: str, alias: ast.alias) -> Iterator[str]:
    file, own = file_of(module), alias.asname or alias.name
    if name:
        yield f"from .{file} import {name}" + (f" as {own}" if own != name else "")
    else:
        # By its first line transformers knows that the file is needed.
        yield f"from .{file} import __name__ as _"
        yield f"from . import {file} as {own}"
