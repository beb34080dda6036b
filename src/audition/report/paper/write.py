"""The folder of a paper: numbers first, then what is made of them; files that were edited are kept."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from matplotlib.figure import Figure

from audition.answers.curves import read_curves
from audition.errors import AuditionError, writing
from audition.plain_file import write_whole
from audition.report.figures import (
    claimed_costs,
    cost_frontier,
    detectable_effect,
    forest,
    learning_curves,
    paired_slopes,
)
from audition.report.paper.content import Judged, numbers_of
from audition.report.paper.document import Document
from audition.report.paper.latex import as_latex, tables_of, texts_of
from audition.report.paper.lint import check_folder
from audition.report.paper.markdown import as_markdown
from audition.report.paper.sections import paper, slides
from audition.report.paper.typst import as_typst, check_typst, set_pdf
from audition.report.style import save

LINTED = ("main.typ", "main.tex", "main.md", "slides.typ")
WRITTEN = ".written.json"
"""The digest of each file that an author may edit, as it was written."""


@dataclass(frozen=True)
class Paper:
    """Where a paper is, and which of its files were edited and kept."""

    folder: Path
    pdf: Path
    slides: Path
    kept: tuple[str, ...]
    figures: tuple[str, ...]


def write_paper(
    of: Judged, folder: Path, *, title: str | None = None, author: str | None = None
) -> Paper:
    """Write the paper of a plan into `folder`, set it, and check every number of its prose.

    The same ledger gives the same files to the byte. Raises AuditionError where typst is not
    installed, the folder cannot be written or holds other things, and for a number of its own in
    a file that was edited.
    """
    check_typst()
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "numbers.json").is_file():
        raise AuditionError(f"{folder} holds other things: choose an empty folder for --to")
    numbers = numbers_of(of, title, author)
    with writing(f"in {folder}"):
        for each in (folder, folder / "figures", folder / "tables"):
            each.mkdir(parents=True, exist_ok=True)
        drawn = draw(of, folder / "figures")
        text, talk = paper(of, numbers, drawn), slides(of, numbers, drawn)
        for document in (text, talk):
            document.check(numbers)
        bib, named = references(text)
        write_whole(folder / "numbers.json", _json(numbers.plain()))
        write_whole(folder / "numbers.tex", texts_of(numbers))
        for name, grid in numbers.tables.items():
            for file, part in tables_of(name, grid).items():
                write_whole(folder / "tables" / file, part)
        prose = {
            "main.typ": as_typst(text),
            "main.tex": as_latex(text, numbers),
            "main.md": as_markdown(text, numbers, named),
            "slides.typ": as_typst(talk, slides=True),
            "style.typ": template("style.typ"),
            "refs.bib": bib,
        }
        kept = write_prose(folder, prose)
    check(folder)
    pdf, shown = set_pdf(folder / "main.typ"), set_pdf(folder / "slides.typ")
    return Paper(folder, pdf, shown, kept, drawn)


def check(folder: Path) -> None:
    """Raise AuditionError for a number in the prose of `folder` that `numbers.json` does not have."""
    check_folder(folder, LINTED, _cited_texts().values())


def draw(of: Judged, folder: Path) -> tuple[str, ...]:
    """Draw the figures of the paper as SVG and PDF; returns their names."""
    judgements = of.judgements
    arms = {a.config_hash: a for j in judgements for a in (j.baseline, j.arm)}
    drawings: dict[str, Callable[[], Figure]] = {
        "forest": lambda: forest(judgements),
        "slopes": lambda: paired_slopes(judgements),
        "learning": lambda: learning_curves(
            judgements, read_curves(of.ledger, list(arms.values()))
        ),
        "detectable": lambda: detectable_effect(judgements),
    }
    for cost in claimed_costs(judgements):
        drawings[f"frontier-{cost}"] = partial(cost_frontier, judgements, cost)
    for name, drawing in drawings.items():
        figure = drawing()
        for kind in ("svg", "pdf"):
            save(figure, folder / f"{name}.{kind}")
    return tuple(drawings)


def write_prose(folder: Path, prose: Mapping[str, str]) -> tuple[str, ...]:
    """Write each file that is missing or as it was written; returns the names of those edited."""
    path = folder / WRITTEN
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        before = {}
    kept, now = [], {}
    for name, text in prose.items():
        there, now[name] = folder / name, sha256(text.encode()).hexdigest()
        found = sha256(there.read_bytes()).hexdigest() if there.is_file() else ""
        if found and found not in (now[name], before.get(name)):
            kept.append(name)
            now[name] = before.get(name, "")
            continue
        write_whole(there, text)
    write_whole(path, _json(now))
    return tuple(kept)


def references(document: Document) -> tuple[str, Mapping[str, str]]:
    """The bibliography of what `document` cites, and how each is named in a text."""
    cited = document.cited()
    entries = {name: entry for name, entry in _entries().items() if name in cited}
    return "\n\n".join(entries.values()) + "\n", _cited_texts()


def _entries() -> Mapping[str, str]:
    """Name -> entry, of the bibliography."""
    found = re.split(r"\n(?=@)", template("refs.bib"))
    return {re.split(r"[{,]", entry)[1]: entry.strip() for entry in found}


def _cited_texts() -> Mapping[str, str]:
    """Name -> `Holm 1979`."""
    return {name: f"{name[:-4].capitalize()} {name[-4:]}" for name in _entries()}


def template(name: str) -> str:
    """A file that every paper has."""
    return files("audition.report.paper").joinpath("templates", name).read_text(encoding="utf-8")


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def figures_of(names: Sequence[str]) -> list[str]:
    """The files of figures, by their names."""
    return [f"figures/{name}.{kind}" for name in names for kind in ("svg", "pdf")]
