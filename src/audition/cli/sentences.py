"""Errors as a person wants them: one sentence and an exit code, the traceback only when asked for."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from audition.errors import AuditionError, choices

TRACEBACK = "HYDRA_FULL_ERROR"
"""Hydra's own variable: set to 1, it shows the traceback of every error."""


@contextmanager
def one_sentence(*, exit_on_error: bool = True) -> Iterator[None]:
    """Turn a user's mistake into a sentence on standard error and exit code 2.

    Where `exit_on_error` is False it is raised on as AuditionError: a launcher of Hydra's would
    take an exit for the end of the whole sweep.
    """
    wanted = os.environ.get(TRACEBACK) == "1"
    # Otherwise Hydra prints an error over many lines and exits before it can be put in a sentence.
    os.environ[TRACEBACK] = "1"
    try:
        yield
    except (AuditionError, HydraException, OmegaConfBaseException) as error:
        if wanted:
            raise
        if not exit_on_error:
            raise AuditionError(sentence(error)) from None
        print(f"audition: {sentence(error)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("audition: stopped", file=sys.stderr)
        sys.exit(130)
    finally:
        if not wanted:
            os.environ.pop(TRACEBACK, None)


def sentence(error: BaseException) -> str:
    """What is wrong and what there is to choose from, whoever raised it."""
    if isinstance(error, AuditionError):
        return str(error)
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        if group and error.options is not None:
            return f"unknown {group} '{name}'{choices(name, error.options)}"
    text = str(error)
    unknown = re.search(r"Could not override '([^']+)'", text)
    if unknown:
        return f"unknown key '{unknown[1]}'{_like(unknown[1])}"
    if isinstance(error, OverrideParseException):
        return f"cannot read the override {error.override!r}: {text.splitlines()[0]}"
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def _like(key: str) -> str:
    """The known keys beside an unknown one: those of the root, or of the section it is in."""
    from audition.config import root_keys

    if key.split(".")[0] == "idea":
        return "; an idea is added with a plus: +idea=NAME"
    return (
        choices(key.split(".")[0], root_keys())
        if "." not in key
        else (f": {key.rpartition('.')[0]} has no such setting")
    )
