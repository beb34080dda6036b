"""Errors as a person wants them: one sentence and an exit code, the traceback only when asked for."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import DictConfig
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from audition.errors import AuditionError, choices

TRACEBACK = "HYDRA_FULL_ERROR"
"""Hydra's own variable: set to 1, it shows the traceback of every error."""

MISTAKES = (AuditionError, HydraException, OmegaConfBaseException, OSError)
"""What a person can mend: the command line, a config, a folder, a disk."""

PLUS = "an idea is added with a plus: +idea=NAME"

CHAIN = "preset=NAME chooses a chain of effects, effects.NAME.SETTING=VALUE sets one of them"

REWORDED = (
    (r"Could not override 'idea'.*", f"unknown key 'idea': {PLUS}"),
    (
        r"Ambiguous value for argument '([^']+)'",
        r"\1 names several values where one is wanted: a sweep over them needs -m",
    ),
    (
        r"An item is already at '([^']+)'",
        r"\1 has a value already: set it without the plus",
    ),
    (
        r"Could not delete from config\. '([^']+)' does not exist\.",
        r"there is no \1 to take out",
    ),
    (
        r"Multiple values for ([\w/]+)\.",
        r"\1 is chosen already: choose another with \1=NAME, without the plus",
    ),
)
"""Hydra's wording of a mistake, and ours."""


class _PastHydra(BaseException):
    """Carries a mistake out of a job: of an Exception Hydra would print a line of its own."""


@contextmanager
def one_sentence() -> Iterator[None]:
    """Turn a user's mistake into a sentence on standard error and exit code 2."""
    wanted = os.environ.get(TRACEBACK) == "1"
    # Otherwise Hydra prints an error over many lines and exits before it can be put in a sentence.
    os.environ[TRACEBACK] = "1"
    try:
        yield
    except (*MISTAKES, _PastHydra) as error:
        if wanted:
            raise
        mistake = error.__cause__ if isinstance(error, _PastHydra) else error
        print(f"audition: {sentence(mistake)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("audition: stopped", file=sys.stderr)
        sys.exit(130)
    finally:
        if not wanted:
            os.environ.pop(TRACEBACK, None)


@contextmanager
def past_hydra() -> Iterator[None]:
    """Let a mistake made in a job reach `one_sentence` without a word of Hydra's."""
    try:
        yield
    except MISTAKES as error:
        raise _PastHydra from error


def sentence(error: BaseException | None) -> str:
    """What is wrong and what there is to choose from, whoever raised it."""
    text = " ".join(line.strip() for line in str(error).splitlines() if line.strip())
    match error:
        case AuditionError():
            return str(error)
        case OSError(strerror=str(why), filename=where):
            return f"{where}: {why}" if where else why
        case MissingConfigException(missing_cfg_file=str(file), options=list(known)) if "/" in file:
            group, _, name = file.rpartition("/")
            return f"unknown {group} '{name}'{choices(name, known)}"
        case MissingMandatoryValue(full_key=str(key)):
            return f"{key} is missing: give it as {key}=..."
        case OverrideParseException(override=str(override)):
            return (
                f"cannot read '{override}': it must be KEY=VALUE, and a text with one of "
                "[]{}(),:= or a space in it needs quotes of its own: KEY=\"'TEXT'\""
            )
        case ConfigCompositionException(
            __cause__=OmegaConfBaseException(full_key=str(key), parent_node=DictConfig() as beside)
        ):
            return _unknown_key(key, [str(name) for name in beside])
    for theirs, ours in REWORDED:
        if found := re.search(theirs, text):
            return found.expand(ours)
    return text


def _unknown_key(key: str, beside: list[str]) -> str:
    """An unknown key and the known ones beside it; the root also holds Hydra's own, left out."""
    if key in ("idea", "ideas"):
        return f"unknown key '{key}': {PLUS}"
    if key == "preset" or (key.startswith("effects.") and not beside):
        return f"unknown key '{key}': {CHAIN}"
    known = [name for name in beside if name not in ("_target_", "hydra")]
    return f"unknown key '{key}'{choices(key.rpartition('.')[2], known)}"
