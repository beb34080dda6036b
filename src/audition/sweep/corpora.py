"""Data of which no run could be made are refused before anything has started."""

import sys
from collections.abc import Mapping
from functools import cache
from json import dumps, loads
from typing import Any

from audition.config.instantiate import construct


def check_data(settings: Mapping[str, Any]) -> None:
    """Raises AuditionError where the data cannot be read, or hold too little for such batches.

    Once for all arms that have the same. What was done to a text is said in a line; so is that its
    token ids are made, since that may take a while. A source may do without `check`.
    """
    _check(dumps(settings["data"], sort_keys=True))


@cache
def _check(node: str) -> None:
    source = construct(loads(node))
    if not hasattr(source, "check"):
        return
    if not getattr(source, "prepared", True):
        say("the text is made into tokens, once for all runs")
    source.check()
    for remark in getattr(source, "remarks", ()):
        say(remark)


def say(text: str) -> None:
    """A line on standard error."""
    print(f"audition: {text}", file=sys.stderr)
