"""A document in Markdown, with its numbers written out: for a post."""

import re
from collections.abc import Mapping

from audition.report.page import fenced, plain
from audition.report.paper.document import (
    Break,
    Document,
    Figure,
    Grid,
    Items,
    Listing,
    Numbers,
    Paragraph,
    Section,
    Table,
    rendered,
)


def as_markdown(document: Document, numbers: Numbers, references: Mapping[str, str]) -> str:
    """The text of `main.md`; `references` says what stands for each, by its name."""

    def text(given: str) -> str:
        return rendered(
            given,
            plain_part,
            lambda name: plain(numbers.texts[name]),
            lambda c: f"[{references[c]}]",
        )

    parts = [f"# {text(document.title)}", text(document.abstract)]
    for block in document.blocks:
        match block:
            case Section(title=title, level=level):
                parts.append(f"{'#' * (level + 1)} {text(title)}")
            case Paragraph(text=given):
                parts.append(text(given))
            case Items(texts=texts):
                parts.append("\n".join(f"* {text(each)}" for each in texts))
            case Table(name=name, caption=caption):
                parts.append(f"{_table(numbers.tables[name])}\n\n{text(caption)}")
            case Figure(name=name, caption=caption):
                parts.append(f"![{text(caption)}](figures/{name}.svg)")
            case Listing(name=name):
                parts.append(fenced(numbers.texts[name], "bash"))
            case Break():
                pass
    return "\n\n".join(parts) + "\n"


def plain_part(text: str) -> str:
    """Our own words with Markdown's marks escaped; spaces at their ends stay."""
    before, after = re.match(r"\s*", text), re.search(r"\s*$", text)
    assert before is not None
    assert after is not None
    inner = text.strip()
    return f"{before[0]}{plain(inner)}{after[0]}" if inner else text


def _table(grid: Grid) -> str:
    rows = [
        grid.columns,
        ["---"] * len(grid.columns),
        *([plain(c) for c in row] for row in grid.rows),
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
