"""The settings of the sweepers, each written once; `hydra_plugins` makes plug-ins of these classes.

Hydra loads this with its plug-ins at every start, so it imports nothing heavy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any

from annotated_types import Interval
from omegaconf import OmegaConf

CONFIRMS_ITSELF = (
    "tune=, races and searches judge on fresh seeds of their own: leave hydra.sweeper.confirm out"
)


@dataclass(frozen=True, kw_only=True)
class SweepSettings:
    """The settings of `hydra/sweeper=audition`, and what every sweeper has."""

    params: Mapping[str, Any] | None = None
    """A campaign's overrides, e.g. {+idea: "a,b", seed: "42,137,256"}."""
    arms: Sequence[str] | None = None
    """Further arms of a campaign, each a line of overrides such as "+idea=a norm=rmsnorm"."""
    confirm: bool = False
    """Whether the seeds are fresh ones, which alone judge arms that other seeds chose."""

    def __post_init__(self) -> None:
        """Make plain containers of what Hydra hands over as its own."""
        for field in fields(self):
            value = getattr(self, field.name)
            if OmegaConf.is_config(value):
                object.__setattr__(self, field.name, OmegaConf.to_container(value))


@dataclass(frozen=True, kw_only=True)
class RaceSettings(SweepSettings):
    """The settings of `hydra/sweeper=race`."""

    fresh_seeds: Annotated[int, Interval(gt=1, le=1000)] = 5
    """Seeds that judge the survivors, beside the screening seeds seed=42,137,256."""
    drop_below: float = 0.58
    """Mean gain that drops an idea after the screening seeds, in sd of a same-seed difference."""


@dataclass(frozen=True, kw_only=True)
class CalibrateSettings(SweepSettings):
    """The settings of `hydra/sweeper=calibrate`."""

    runs: Annotated[int, Interval(ge=1, le=100_000)] = 60
    """Comparisons of a placebo with its baseline, at least; a campaign has `ideas` of them."""
    ideas: Annotated[int, Interval(ge=2, le=100)] = 5
    """Placebos of a campaign, which are judged as one family."""
    screening_seeds: Annotated[int, Interval(ge=2, le=1000)] = 3
    """Seeds of a campaign on which a sweep judges, a race drops and tuning chooses."""
    fresh_seeds: Annotated[int, Interval(ge=2, le=1000)] = 5
    """Further seeds of a campaign, on which a race and a tuned comparison judge."""
    key: str | None = "optimizer.lr"
    """What a tuned comparison tunes; null leaves that comparison out, and two thirds of the runs."""
    trials: Annotated[int, Interval(ge=1, le=100)] = 3
    """Values of that key each side chooses from, around the default."""
    factor: Annotated[float, Interval(gt=1)] = 2.0
    """Between neighbouring values of that key."""
