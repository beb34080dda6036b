"""A play in markdown, laid out as in tiny-shakespeare: `NAME:`, then the speech, then a blank line.

Headings, stage directions and markup are dropped; a speech that a stage direction interrupts goes
on, as its speaker does.
"""

import re

_PARAGRAPH = re.compile(r"\n\s*\n")
_SPEAKER = re.compile(r"\*\*(.+)\*\*|([A-Z][A-Z ]{2,})")  # bold, or a bare `EPILOGUE`
_LISTED = re.compile(r"\d+\\\.")  # the numbered procession of a coronation
_ESCAPE = re.compile(r"\\(.)")

# `COUNTESS`, a blank line, then `**OF AUVERGNE**`: one name that the source broke in two.
_BROKEN_NAME = re.compile(r"^([A-Z]{3,}|Ghosts?) *\n\n\*\*(?=[A-Z]{2}|of )", re.MULTILINE)

# `And _\[Censorinus,]_`: words that an editor supplied within a line, which are spoken.
_SUPPLIED = re.compile(r"(?<=[a-z;'] )_+\\\[ *([^\]\n]*)\]_ *\n?")
# Brackets go first, apart from emphasis: in `__\[Reads]_` the underscores do not pair, and pairing
# them across a play keeps the directions and drops the speeches from there on.
_BRACKETED = re.compile(r"[_*]*\\?\[[^\]]*\][_*]*")
_EMPHASISED = re.compile(r"(?<![*_])([*_])(?![*_])[^*_]+\1(?![*_])")
_STRAY = re.compile(r"[_\[\]]")


def layout(markdown: str) -> str:
    """The speeches of a play, each `NAME:` and its lines, each followed by a blank line."""
    speeches: list[list[str]] = []
    for paragraph in _PARAGRAPH.split(_BROKEN_NAME.sub(r"\n\n**\1 ", markdown)):
        lines = _lines(paragraph)
        speaker = _SPEAKER.fullmatch(lines[0]) if lines else None
        if speaker:
            speeches.append([f"{speaker[1] or speaker[2]}:", *lines[1:]])
        elif lines and not speeches:
            speeches.append(["PROLOGUE:", *lines])
        elif lines:
            speeches[-1] += lines
    return "".join("\n".join(speech) + "\n\n" for speech in speeches if len(speech) > 1)


def _lines(paragraph: str) -> list[str]:
    """The lines of a paragraph that are a speaker's name or are spoken."""
    paragraph = paragraph.strip()
    if paragraph.startswith("#") or _LISTED.match(paragraph):
        return []
    paragraph = _BRACKETED.sub("", _SUPPLIED.sub(r"\1 ", paragraph))
    lines = (line.strip() for line in _EMPHASISED.sub("", paragraph).split("\n"))
    return [_ESCAPE.sub(r"\1", line) for line in lines if line and not _STRAY.search(line)]
