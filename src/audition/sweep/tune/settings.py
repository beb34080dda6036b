"""What `tune=` and `tuning.*` ask for: how much tuning each arm gets, and in which keys."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from annotated_types import Gt, Interval
from hydra.core.config_loader import ConfigLoader
from hydra.core.object_type import ObjectType
from hydra.types import RunMode
from omegaconf import OmegaConf

from audition.config.root import more_seeds
from audition.errors import AuditionError, choices
from audition.sweep.arms import Arm, Question

GROUP = "hparams_search"


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """What `tune=...` spends on every arm, the baseline as much as each idea."""

    trials: Annotated[int, Interval(gt=1, le=1000)] | None = None
    """Settings that each arm is tried at; null: 5 of a single key, 20 of several or of a search."""
    factor: Annotated[float, Gt(1)] = 2.0
    """Between neighbouring values of a tuned key, which spread around each arm's own default."""
    fresh_seeds: Annotated[int, Interval(gt=1, le=1000)] = 5
    """Seeds that judge the arms at their best; they chose nothing."""

    def fresh(self, seeds: tuple[int, ...]) -> tuple[int, ...]:
        """The fresh seeds beside `seeds`, which choose."""
        return more_seeds(seeds, self.fresh_seeds)


@dataclass(frozen=True)
class Tune:
    """Keys, each with values around an arm's own default; or a space that is the same for all."""

    name: str  # as it was typed
    keys: tuple[str, ...] = ()
    space: Mapping[str, Any] | None = None
    params: Mapping[str, str] | None = None  # what the search sets for every trial

    def of(self, question: Question) -> Question:
        """The question with what the search sets for everyone, where it does not say otherwise."""
        typed = {o.partition("=")[0].lstrip("+~") for o in question.common}
        params = dict(self.params or {})
        seed = params.pop("seed", None)
        added = tuple(f"{key}={value}" for key, value in params.items() if key not in typed)
        seeds = tuple(map(int, str(seed).split(","))) if seed is not None else None
        return replace(
            question,
            common=(*added, *question.common),
            arms=tuple(Arm(arm.name, (*added, *arm.overrides)) for arm in question.arms),
            seeds=question.seeds or seeds,
        )


def tune_of(words: tuple[str, ...], loader: ConfigLoader, config_name: str) -> Tune:
    """What those words mean. Raises AuditionError for one that is neither a key nor a search."""
    name = ",".join(words)
    known = loader.get_group_options(GROUP, results_filter=ObjectType.CONFIG)
    searches = [word for word in words if "." not in word]
    if not searches:
        return Tune(name, keys=words)
    for word in searches:
        if word not in known or word == "none":
            found = [option for option in known if option != "none"]
            raise AuditionError(
                f"tune={word} is neither a key such as optimizer.lr nor a search"
                f"{choices(word, found)}"
            )
    if len(words) > 1:
        raise AuditionError(f"tune={name} names a search beside others: give one, or keys alone")
    config = loader.load_configuration(config_name, [f"{GROUP}={name}"], RunMode.MULTIRUN)
    sweeper = OmegaConf.to_container(config.hydra.sweeper)
    assert isinstance(sweeper, dict)
    params = {str(key): str(value) for key, value in (sweeper.get("params") or {}).items()}
    return Tune(name, space=sweeper.get("space") or {}, params=params)
