"""JSON from files that anybody may have broken: a value, or ValueError and nothing else."""

import json
from typing import Any


def parsed(text: str | bytes) -> Any:
    """What `text` says; raises ValueError where it is no JSON that can be read."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
