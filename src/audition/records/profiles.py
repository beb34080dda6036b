"""`profiles.jsonl`: what the units of a run respond to, from time to time; its only reader."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from audition.errors import AuditionError
from audition.plain_file import read_text
from audition.records.codec import parsed, read

FILE = "profiles.jsonl"

Numbers = tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """What the units of a site respond to after a step: a line of the file, one entry a unit by slot.

    Tokens are those that a position of the probe set reads, and a unit's response to one is its
    mean |activation| there. Shares are of the sum of responses over tokens, or over classes.
    """

    step: int
    site: str
    among: int  # tokens of the probe set that are told apart
    classes: tuple[str, ...]  # names of the classes that these tokens are of
    tokens: tuple[tuple[int, ...], ...]  # ids of the strongest, the first foremost
    share: Numbers  # of the first of them
    effective: Numbers  # exp(entropy of the shares): 1 for one token alone, `among` for all alike
    kind: tuple[int, ...]  # the class that is strongest, by its place in `classes`
    kind_share: Numbers
    writes: tuple[int, ...]  # the token whose logit its outgoing weights raise most; () if unknown
    writes_z: Numbers  # how far, in standard deviations over the vocabulary
    redundancy: Numbers  # largest correlation of its responses with those of another unit
    twin: tuple[int, ...]  # the slot of that unit
    drift: Numbers  # correlation with its own responses at the last look; None for a new unit
    texts: Mapping[str, str]  # id -> the token, of those named here


def line_of(profiles: Profiles) -> str:
    """The line of the file."""
    return msgspec.json.encode(profiles).decode()


def read_profiles(folder: Path) -> tuple[Profiles, ...]:
    """The lines of the run in `folder`, none without such a file.

    A last line that is still being written is left out. Raises AuditionError for a damaged file.
    """
    path = folder / FILE
    try:
        texts = read_text(path).split("\n")[:-1]
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise AuditionError(f"{path} cannot be read ({error})") from None
    try:
        return tuple(read(Profiles, parsed(text)) for text in texts)
    except AuditionError as error:
        raise AuditionError(f"{path} {error}") from None
    except ValueError:
        raise AuditionError(f"{path} was not written by Audition") from None


def rounded(values: Sequence[float]) -> Numbers:
    """Three decimals each; None for what is not finite."""
    plain = np.round(np.asarray(values, dtype=np.float64), 3)
    found: list[float | None] = plain.tolist()
    if not np.isfinite(plain).all():
        found = [v if finite else None for v, finite in zip(found, np.isfinite(plain), strict=True)]
    return tuple(found)
