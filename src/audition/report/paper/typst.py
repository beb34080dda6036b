"""A document in Typst, which takes its numbers from `numbers.json` when it is set."""

import re
from pathlib import Path

from audition.errors import AuditionError
from audition.report.paper.document import (
    Break,
    Document,
    Figure,
    Items,
    Listing,
    Paragraph,
    Section,
    Table,
    rendered,
)

SPECIAL = re.compile(r"([\\#*_$@<>`\[\]~])")
NEEDED = (
    "audition paper sets its PDF with typst, which is not installed: pip install 'audition[paper]'"
)


def as_typst(document: Document, *, slides: bool = False) -> str:
    """The text of `main.typ`, or of `slides.typ`."""
    show = "talk" if slides else f"paper.with(abstract: [{_text(document.abstract)}])"
    parts = ['#import "style.typ": *', f"#show: {show}"]
    for block in document.blocks:
        match block:
            case Section(title=title, level=level):
                parts.append(f"{'=' * level} {_text(title)}")
            case Paragraph(text=text):
                parts.append(_text(text))
            case Items(texts=texts):
                parts.append("\n".join(f"- {_text(text)}" for text in texts))
            case Table(name=name, caption=caption, small=small):
                kind = "slide-grid" if slides else "small-grid" if small else "grid-of"
                parts.append(f'#{kind}("{name}", [{_text(caption)}])')
            case Figure(name=name, caption=caption):
                parts.append(f'#drawing("{name}", [{_text(caption)}])')
            case Listing(name=name):
                parts.append(f'#typed("{name}")')
            case Break():
                parts.append("#pagebreak(weak: true)")
    if not slides:
        parts.append('#bibliography("refs.bib", title: [References])')
    return "\n\n".join(parts) + "\n"


def _text(text: str) -> str:
    # A semicolon ends a value, so that nothing after it is read as a part of it.
    return rendered(
        text, lambda plain: SPECIAL.sub(r"\\\1", plain), '#t("{}");'.format, "#cite(<{}>);".format
    )


def check_typst() -> None:
    """Raise AuditionError where typst is not installed."""
    try:
        import typst  # noqa: F401
    except ImportError:
        raise AuditionError(NEEDED) from None


def set_pdf(source: Path) -> Path:
    """Set `source` as the PDF beside it, in fonts that come with typst and matplotlib; returns it.

    Raises AuditionError for what typst cannot read, as an edit may be.
    """
    import matplotlib
    import typst

    pdf = source.with_suffix(".pdf")
    try:
        content = typst.compile(
            str(source),
            font_paths=[str(Path(matplotlib.get_data_path(), "fonts", "ttf"))],
            ignore_system_fonts=True,
        )
    except (typst.TypstError, RuntimeError) as error:
        raise AuditionError(f"{source} cannot be set: {' '.join(str(error).split())}") from None
    pdf.write_bytes(content)
    return pdf
