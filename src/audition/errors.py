"""What the user is told when something cannot be done: one sentence, no traceback."""

from collections.abc import Iterable
from difflib import get_close_matches


class AuditionError(Exception):
    """A mistake the user can mend; its text is one sentence that names the value and the choices."""


def choices(value: object, known: Iterable[str]) -> str:
    """`; did you mean 'muon'? Choose from: adamw, muon, sgd` for a value that is not among `known`."""
    names = sorted(known)
    close = get_close_matches(str(value), names, n=1, cutoff=0.6)
    hint = f"; did you mean '{close[0]}'?" if close else ";"
    return f"{hint} choose from: {', '.join(names) or '(none)'}"
