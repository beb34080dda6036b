"""What is printed where the terminal's encoding lacks our signs: near ones, never a traceback."""

import codecs
import io
import sys

NEAR = str.maketrans(
    {
        **dict.fromkeys("–—−‐‑", "-"),
        **{"×": "x", "·": ".", "…": "...", "→": "->", "≤": "<=", "≥": ">=", "≈": "~", "±": "+-"},
        **{
            "σ": "sigma",
            "δ": "delta",
            "α": "alpha",
            "β": "beta",
            "μ": "mu",
            "η": "eta",
            "λ": "lambda",
        },
        **{"ε": "epsilon", "√": "sqrt", "∞": "inf", "°": "deg", "²": "2", "³": "3", "‘": "'"},
        **{"’": "'", "“": '"', "”": '"'},
    }
)
"""Signs that our texts use, in ASCII."""
NAME = "audition.near"


def near(error: UnicodeError) -> tuple[str | bytes, int]:
    """The codec error handler `audition.near`: a sign's ASCII, or its number (`\\u5b9e`)."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(NEAR)
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end


def degrade() -> None:
    """Let standard output and error print any text, whatever their encoding and the locale are.

    Half of a pair (a byte of a file's name that is no UTF-8) cannot be encoded even in UTF-8.
    """
    codecs.register_error(NAME, near)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=NAME)
