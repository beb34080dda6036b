"""Errors that a user can mend: one sentence, no traceback."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


class AuditionError(Exception):
    """A mistake the user can mend; its text is one sentence that names the value and the choices.

    Examples:
        A setting that no annotation can check, refused by its constructor before any run starts:

        >>> from audition import AuditionError
        >>> def heads_of(width: int, heads: int) -> int:
        ...     if width % heads:
        ...         raise AuditionError(f"width={width} cannot be split over heads={heads}")
        ...     return width // heads
        >>> heads_of(128, 3)
        Traceback (most recent call last):
        ...
        audition.errors.AuditionError: width=128 cannot be split over heads=3
    """


@contextmanager
def writing(what: object) -> Iterator[None]:
    """Raise AuditionError, `cannot write WHAT: No space left on device`, for an OSError within."""
    try:
        yield
    except OSError as error:
        raise AuditionError(f"cannot write {what}: {error.strerror or error}") from error


def choices(value: object, known: Iterable[str]) -> str:
    """`; did you mean 'muon'? Choose from: adamw, muon, sgd` for a value that is not among `known`."""
    names = sorted(known)
    close = get_close_matches(str(value), names, n=1, cutoff=0.6)
    hint = f"; did you mean '{close[0]}'?" if close else ";"
    return f"{hint} choose from: {', '.join(names) or '(none)'}"
