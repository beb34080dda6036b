"""Why a run ended before its budget did, as its record says it, in a sentence's length."""

import re

LONGEST = 600
"""Characters of a sentence in a record and on a pipe: a datagram holds 2048 bytes on macOS, and a line
that a pipe takes whole is not torn by another process's."""
SAID = 2000
"""Characters of a command's error message."""

CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
"""What a terminal would obey and not show."""

UNREPEATABLE = "does not have a deterministic implementation"
"""How torch says that an operation was refused by `execution.deterministic`."""


def not_finite(what: str, value: float, step: int) -> str:
    """Why a run diverged: `what` was infinite or not a number."""
    return f"the {what} was {value} at step {step}"


def stopped(step: int) -> str:
    """Why a run was interrupted."""
    return f"stopped at step {step}"


def cut(text: str, most: int = LONGEST) -> str:
    """`text` on one line, or as much of it as fits before an ellipsis.

    >>> cut("a word\\n  too many", 8)
    'a word …'
    """
    line = " ".join(part.strip() for part in text[: 8 * most].splitlines()).strip()
    line = CONTROLS.sub("\ufffd", line)
    whole = len(line) <= most and len(text) <= 8 * most
    return line if whole else f"{line[: most - 1]}…"


def described(error: BaseException) -> str:
    """An exception in a sentence's length: an encoding's error, for one, holds the whole text."""
    try:
        said = str(error)
    except Exception:  # of a class that is not ours
        said = ""
    if UNREPEATABLE in said:
        return cut(
            f"{said.split()[0]} has no kernel that gives the same bits twice on a card: "
            "execution.deterministic=false trains with the one it has"
        )
    return cut(f"{type(error).__qualname__}: {said}" if said else type(error).__qualname__)
