"""Errors as a person wants them: one sentence and an exit code, the traceback only when asked for."""

import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import DictConfig
from omegaconf.errors import (
    ConfigTypeError,
    MissingMandatoryValue,
    OmegaConfBaseException,
    ValidationError,
)
from yaml import Mark, MarkedYAMLError

from audition.cli.streams import end_if_left
from audition.cli.typed import unreadable
from audition.config.chains import CHAIN, carried
from audition.config.members import names, shelves
from audition.config.root import names_in
from audition.config.schema import signature
from audition.errors import AuditionError, choices
from audition.reasons import SAID, cut

TRACEBACK = "HYDRA_FULL_ERROR"
"""Hydra's own variable: set to 1, it shows the traceback of every error."""

MISTAKES = (
    *(AuditionError, HydraException, OmegaConfBaseException, MarkedYAMLError, OSError),
    UnicodeDecodeError,
)
"""What a person can mend: the command line, a config, a folder, a disk."""

UNKNOWN_SETTING = re.compile(
    r"Error in call to target '(hydra_plugins\.audition_\w+\.\w+)'.*"
    r"unexpected keyword argument '(\w+)'"
)
"""What Hydra says where `+` added a setting that one of our sweepers or launchers does not have."""

READERS = ("hydra.", "omegaconf.", "yaml.", "antlr4.")
"""Packages that read what a person wrote; an error of any kind that one of them raises is of that."""

PLUS = "an idea is added with a plus: +idea=NAME"

A_CHAIN = "preset=NAME chooses a chain of effects, effects.NAME.SETTING=VALUE sets one of them"

REWORDED = (
    (r"Could not override 'idea'.*", f"unknown key 'idea': {PLUS}"),
    (
        r"Could not override '(\w+)/(\w+)'.*",
        r"there is no \1/\2 to choose: choose \1=NAME first, one that is made of parts",
    ),
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
        r"Could not delete '([^']+)'\. No match in the defaults list",
        r"there is no \1 to take out",
    ),
    (
        r"Could not override '(\w+)'\. No match in the defaults list\. .* use (\S+)",
        r"\1 is added with a plus: \2",
    ),
    (
        r"Multiple values for idea\.|^idea appears more than once",
        "+idea is given twice: +idea=[a,b] makes one arm of both, +idea=a,b an arm of each",
    ),
    (
        r"Environment variable '([^']+)' not found",
        r"there is no environment variable \1",
    ),
    (
        r"Interpolation key '([^']+)' not found",
        r"its value is taken from \1, which the parts chosen here do not have: choose parts that go "
        r"together, or give it a value",
    ),
    (
        r"Cannot find primary config '([^']+)'.*",
        r"there is no config \1.yaml: leave --config-name out, or give its folder as --config-dir",
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
    except (Exception, _PastHydra) as error:
        mistake = error.__cause__ if isinstance(error, _PastHydra) else error
        end_if_left(mistake)
        if wanted or not _mendable(mistake):
            raise
        print(f"audition: {cut(sentence(mistake), SAID)}", file=sys.stderr)
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
    except Exception as error:
        if not _mendable(error):
            raise
        raise _PastHydra from error


def _mendable(error: BaseException | None) -> bool:
    """Whether a person can mend it, and not only whoever wrote the code."""
    if isinstance(error, MISTAKES):
        return True
    frames = list(traceback.walk_tb(error.__traceback__)) if error is not None else []
    return bool(frames) and str(frames[-1][0].f_globals["__name__"]).startswith(READERS)


def sentence(error: BaseException | None) -> str:
    """What is wrong and what there is to choose from, whoever raised it."""
    text = " ".join(line.strip() for line in str(error).splitlines() if line.strip())
    match error:
        case AuditionError():
            return str(error)
        case OSError(strerror=str(why), filename=where):
            return f"{where}: {why}" if where else why
        case MissingConfigException(missing_cfg_file=str(file), options=known) if "/" in file:
            group, _, name = file.rpartition("/")
            offered = choices(name, known or names_in(group))
            return f"unknown {group} '{name}'{_of_another(group, name)}{offered}"
        case MissingMandatoryValue(full_key=str(key)):
            return f"{key} is missing: give it as {key}=..."
        case OverrideParseException(override=str(override)):
            return unreadable(override)
        case UnicodeDecodeError():
            byte = error.object[error.start]
            return (
                f"a file of the config is not text in UTF-8: byte 0x{byte:02x} at position "
                f"{error.start:,} of it"
            )
        case HydraException() if found := UNKNOWN_SETTING.search(text):
            kind = "sweeper" if "sweeper" in found[1] else "launcher"
            return f"unknown key 'hydra.{kind}.{found[2]}'{choices(found[2], _settings(found[1]))}"
        case MarkedYAMLError(problem_mark=Mark() as mark):
            return f"{mark.name} is not YAML: {error.problem}, line {mark.line + 1}"
        case ConfigCompositionException(__cause__=ValidationError(full_key=str(key)) as why):
            return f"{key}: {str(why).splitlines()[0]}"
        case ConfigCompositionException(__cause__=ConfigTypeError(full_key=str(key)) as kind):
            if "ListConfig" in str(kind).partition("\n")[0]:
                return f"{key} cannot hold a list, or the keys of a mapping, here: see --cfg job"
        case ConfigCompositionException(
            __cause__=OmegaConfBaseException(full_key=str(key), parent_node=DictConfig() as beside)
        ):
            return _unknown_key(key, [str(name) for name in beside])
    cause = error.__cause__ if error is not None else None
    if text.startswith("Error merging") and isinstance(cause, OmegaConfBaseException):
        text = f"{text.removeprefix('Error merging override ')}: {str(cause).splitlines()[0]}"
    where = getattr(error, "full_key", None)
    text = re.sub(r" full_key: .*", "", text)  # OmegaConf's own way to say where
    for theirs, ours in REWORDED:
        if found := re.search(theirs, text):
            text = found.expand(ours)
            break
    text = text or f"Hydra cannot carry this out ({type(error).__name__})"
    return f"{where}: {text}" if where and where not in text else text


def _of_another(group: str, name: str) -> str:
    """Where a name is a member of other groups, how it is chosen there: `sam` is a preset."""
    homes = [g for g in shelves() if g != group and name in names(g)]
    if not 0 < len(homes) <= 2:  # `none` is nearly everywhere
        return ""
    typed = (f"{'+' if home == 'idea' else ''}{home}={name}" for home in homes)
    return f": it is in another group, {' or '.join(typed)}"


def _settings(target: str) -> list[str]:
    return list(signature(target).settings)


def _unknown_key(key: str, beside: list[str]) -> str:
    """An unknown key and the known ones beside it; the root also holds Hydra's own, left out."""
    if key in ("idea", "ideas"):
        return f"unknown key '{key}': {PLUS}"
    if key == "preset" or (key.startswith(f"{CHAIN}.") and not beside):
        return f"unknown key '{key}': {A_CHAIN}"
    known = [name for name in beside if name not in ("_target_", "hydra")]
    if re.fullmatch(rf"{CHAIN}\.[^.]+\.[^.]+", key):
        known += carried()
    where, _, name = key.rpartition(".")
    if where and not known:  # norm=none, for one
        return f"unknown key '{key}': {where} has no settings as it is chosen"
    return f"unknown key '{key}'{choices(name, known)}"
