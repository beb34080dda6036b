"""Where the joules of records come from: joules of two sources are never in one table."""

from collections.abc import Iterable

from audition.records.record import Record

Source = tuple[str, str]
"""(method, meter), as in records; two empty words for runs that nobody metered."""

NONE: Source = ("", "")


def sources(records: Iterable[Record]) -> tuple[Source, ...]:
    """The sources of joules among those of `records` that finished."""
    found = {(r.energy_method, r.energy_meter) for r in records if r.status == "finished"}
    return tuple(sorted(found))


def one_source(records: Iterable[Record]) -> tuple[Source, str]:
    """The source that a table of `records` may show, and a sentence about it.

    NONE where there is nothing to show, or too much: then the sentence says why.
    """
    metered = [source for source in sources(records) if source != NONE]
    if len(metered) > 1:
        named = " and ".join(map(name, metered))
        return NONE, f"Joules are left out: they are {named}, which do not belong in one table."
    return (metered[0], f"Joules are {name(metered[0])}.") if metered else (NONE, "")


def name(source: Source) -> str:
    """`measured by nvml`."""
    method, meter = source
    return f"{method} by {meter}" if meter else "not metered"
