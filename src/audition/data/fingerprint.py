"""One short name for what a run's data is, equal exactly when the data are."""

from collections.abc import Mapping
from hashlib import sha256
from json import dumps


def fingerprint(parts: Mapping[str, object]) -> str:
    """32 hex digits of a hash over `parts`: strings, numbers, None, and containers of them.

    The order in which the parts are written does not matter.
    """
    return sha256(dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
