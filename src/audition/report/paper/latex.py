"""A document in LaTeX: `numbers.tex` has the texts by name, and each table is a file of its own."""

import re
import unicodedata

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

SIGNS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    "−": "$-$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "±": r"$\pm$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    "≠": r"$\neq$",
    "→": r"$\rightarrow$",
    "√": r"$\surd$",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    "’": "'",
    "“": "``",
    "”": "''",
    "\u00a0": "~",
    "²": "$^2$",
    "³": "$^3$",
    **{
        chr(code): f"$\\{name}$"
        for code, name in {
            0x3B1: "alpha",
            0x3B2: "beta",
            0x3B3: "gamma",
            0x3B4: "delta",
            0x394: "Delta",
            0x3B8: "theta",
            0x3BB: "lambda",
            0x3BC: "mu",
            0x3C1: "rho",
            0x3C3: "sigma",
            0x3A3: "Sigma",
            0x3C4: "tau",
        }.items()
    },
}
"""What stands for a sign in pdfLaTeX, of which it knows the Latin ones alone."""

PREAMBLE = r"""\documentclass[11pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{booktabs}
\usepackage{graphicx}
\usepackage{natbib}
\usepackage{hyperref}
\input{numbers.tex}
\newcommand{\val}[1]{\csname text:#1\endcsname}
\newcommand{\wide}[1]{\noindent\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{#1}}
"""
ROWS = 40
"""Of a table on one page: a longer one is several files."""
LONG = 60
"""Characters of a cell from which on its column is set as a paragraph."""


def as_latex(document: Document, numbers: Numbers) -> str:
    """The text of `main.tex`."""
    parts = [
        PREAMBLE,
        rf"\title{{{_text(document.title)}}}",
        r"\author{\val{author}}",
        r"\date{}",
        r"\begin{document}",
        r"\maketitle",
        rf"\begin{{abstract}}{_text(document.abstract)}\end{{abstract}}",
    ]
    for block in document.blocks:
        match block:
            case Section(title=title, level=level):
                parts.append(rf"\{'sub' * (level - 1)}section{{{_text(title)}}}")
            case Paragraph(text=text):
                parts.append(_text(text) + "\n")
            case Items(texts=texts):
                items = "\n".join(rf"\item {_text(text)}" for text in texts)
                parts.append("\\begin{itemize}\n" + items + "\n\\end{itemize}")
            case Table(name=name, caption=caption):
                own = tables_of(name, numbers.tables[name])
                parts += [rf"\wide{{\input{{tables/{file}}}}}" + "\n" for file in own]
                parts.append(rf"\noindent\emph{{{_text(caption)}}}" + "\n")
            case Figure(name=name, caption=caption):
                parts.append(
                    rf"\noindent\includegraphics[width=\linewidth]{{figures/{name}.pdf}}"
                    + "\n\n"
                    + rf"\noindent\emph{{{_text(caption)}}}"
                    + "\n"
                )
            case Listing(name=name):
                parts.append(rf"{{\raggedright\small\ttfamily\val{{{name}}}\par}}")
            case Break():
                parts.append(r"\clearpage")
    ending = [r"\bibliographystyle{plainnat}", r"\bibliography{refs}", r"\end{document}"]
    return "\n".join([*parts, *ending]) + "\n"


def texts_of(numbers: Numbers) -> str:
    """The text of `numbers.tex`."""
    lines = [
        rf"\expandafter\def\csname text:{name}\endcsname{{{escaped(text)}}}"
        for name, text in numbers.texts.items()
    ]
    return "% made from numbers.json\n" + "\n".join(lines) + "\n"


def tables_of(name: str, grid: Grid) -> dict[str, str]:
    """File name -> text, in `tables/`, of a table: one for every ROWS rows."""
    starts = range(0, len(grid.rows), ROWS) or range(1)
    parts = [Grid(grid.columns, grid.rows[at : at + ROWS]) for at in starts]
    ends = [""] if len(parts) == 1 else [f"-{number}" for number in range(1, len(parts) + 1)]
    return {f"{name}{end}.tex": table_of(part) for end, part in zip(ends, parts, strict=True)}


def table_of(grid: Grid) -> str:
    """A table as LaTeX sets it."""
    lines = [" & ".join(map(escaped, row)) + r" \\" for row in grid.rows]
    head = " & ".join(map(escaped, grid.columns)) + r" \\"
    wide = [
        max((len(c) for c in column), default=0) > LONG for column in zip(*grid.rows, strict=True)
    ]
    widths = "".join(r"p{.6\linewidth}" if long else "l" for long in wide)
    width = widths or "l" * len(grid.columns)
    body = [r"\toprule", head, r"\midrule", *lines, r"\bottomrule"]
    return "\n".join([rf"\begin{{tabular}}{{{width}}}", *body, r"\end{tabular}"]) + "\n"


def _text(text: str) -> str:
    return rendered(text, escaped, r"\val{{{}}}".format, r"\citep{{{}}}".format)


def escaped(text: str) -> str:
    """Text as LaTeX sets it; a sign that pdfLaTeX lacks loses its accents, or becomes a question mark.

    Examples:
        >>> escaped("50 % ± σ_b")
        '50 \\\\% $\\\\pm$ $\\\\sigma$\\\\_b'
    """
    lines = [re.sub(r".", _sign, line) for line in text.split("\n")]
    return r"\\ ".join(lines)


def _sign(found: "re.Match[str]") -> str:
    sign = found[0]
    if sign in SIGNS:
        return SIGNS[sign]
    if ord(sign) < 0x250:  # Latin, which the input encoding has
        return sign
    return unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode() or "?"
