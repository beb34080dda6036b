"""Tables as Parquet, where the libraries for it are installed."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from audition.errors import AuditionError


def as_parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows as a file. Raises AuditionError without pandas and pyarrow."""
    try:
        pandas, _ = import_module("pandas"), import_module("pyarrow")
    except ImportError as error:
        raise AuditionError(
            f"parquet needs pandas and pyarrow, and {error.name} is missing: "
            "pip install 'audition[export]'"
        ) from None
    table: bytes = pandas.DataFrame(rows).to_parquet(index=False)
    return table
