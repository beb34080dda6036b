"""From a point of the space to planned runs, and from a config back to the point it stands at."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from audition.config.identity import Identity, identify
from audition.config.root import SECTIONS
from audition.config.schema import signature
from audition.config.schema.kinds import Misfit
from audition.errors import AuditionError
from audition.ledger.record import BASELINE
from audition.sweep.arms import Arm, arm_name
from audition.sweep.compose import Composer, settings_of
from audition.sweep.plan import Plan, PlannedRun, check_runnable, checked
from audition.sweep.search.space import (
    Choices,
    Dimension,
    Fork,
    Space,
    Value,
    holds,
    overrides,
    plain,
    read_space,
    walk,
)

OUTSIDE = "lies outside the space"


class Near:
    """Composes points of a space: what Hydra takes long for is done once a set of groups."""

    def __init__(self, compose: Composer) -> None:
        self._compose = compose
        self._known: dict[tuple[str, ...], DictConfig] = {}
        self._parser = OverridesParser.create()

    def __call__(self, start: Sequence[str], typed: Sequence[str]) -> Mapping[str, Any]:
        """The settings that `typed` makes of `start`, checked like those of any run."""
        # A value set in place is what Hydra would set last; all else may choose other files.
        values = [o for o in typed if re.match(r"\w+(\.\w+)+=", o)]
        whole = (*start, *(o for o in typed if o not in values))
        if whole not in self._known:
            self._known[whole] = self._compose.config(whole)
        config = deepcopy(self._known[whole])
        for override in self._parser.parse_overrides(values):
            key = override.get_key_element()
            if OmegaConf.select(config, key, default=self) is self:  # Hydra's own words for it
                return checked((*start, *typed), self._compose)
            OmegaConf.update(config, key, override.value(), merge=False)
        settings = settings_of(config)
        check_runnable(settings)
        return settings


@dataclass(frozen=True)
class Points:
    """The space around one configuration, the default, and its runs on some seeds."""

    space: Space
    common: tuple[str, ...]  # overrides that the default shares with its baseline
    choice: tuple[str, ...]  # overrides that set it apart from the baseline; none for the baseline
    start_hash: str  # what the default is filed under
    baseline_hash: str
    seeds: tuple[int, ...]  # the screening seeds
    output_dir: Path
    compose: Composer
    near: Near

    @classmethod
    def around(
        cls, plan: Plan, choice: tuple[str, ...], seeds: tuple[int, ...], compose: Composer
    ) -> "Points":
        """The points around the arm of `plan` that `choice` makes, before their space is known."""
        base = plan.runs[0]
        common = base.arm.overrides
        start = identify(checked((*common, *choice), compose)).config_hash
        root = Path(plan.output_dir)
        near = Near(compose)
        return cls((), common, choice, start, plan.baseline_hash, seeds, root, compose, near)

    def searched(self, described: Any) -> "Points":
        """The same with the space that a config describes. Raises AuditionError for a bad one."""
        settings = self.compose((*self.common, *self.choice))
        space = read_space(described, lambda key, low, high: takes_whole(settings, key, low, high))
        points = replace(self, space=space)
        points.check()
        return points

    def runs(self, typed: Sequence[str]) -> tuple[PlannedRun, ...]:
        """The runs of the point that `typed` makes of the default, on every screening seed.

        Raises AuditionError where no run can be made so.
        """
        own = (*self.choice, *typed)
        settings = self.near((*self.common, *self.choice), typed)
        identity: Identity = identify(settings)
        is_start = identity.config_hash == self.start_hash
        own = self.choice if is_start else own
        same = identity.config_hash == self.baseline_hash
        arm = Arm(BASELINE if same else arm_name(own), (*self.common, *own))
        # Forty trials filed as rivals would be forty ideas for every later verdict to adjust for.
        against = self.baseline_hash if same else ""
        return tuple(
            PlannedRun(arm, s, {**settings, "seed": s}, identity.of_seed(s), against)
            for s in self.seeds
        )

    def place(self, typed: Sequence[str]) -> dict[str, Value]:
        """The parameters at which the configuration that `typed` makes stands.

        Raises AuditionError for one outside the space.
        """
        where = standing(self.compose, (*self.common, *self.choice, *typed))

        def pick(part: Dimension | Fork) -> Value:
            value: Value = plain(where(part.key))
            if not holds(part.among, value):
                raise AuditionError(f"{part.key}={value} {OUTSIDE}")
            return value

        return {part.name: value for part, value in walk(self.space, pick)}

    def check(self) -> None:
        """Raise AuditionError for a key or a value of the space that no run could have."""
        for typed in corners(self.space):
            self.near((*self.common, *self.choice), typed)


def corners(space: Space) -> list[tuple[str, ...]]:
    """Points that between them have every choice, and both ends of every range."""

    def at(end: int, turned: Mapping[str, Value]) -> tuple[str, ...]:
        def pick(part: Dimension | Fork) -> Value:
            if isinstance(part.among, Choices):
                return turned.get(part.name, part.among.values[0])
            return (part.among.low, part.among.high)[end]

        return overrides(space, pick)

    found = [at(0, {}), at(1, {})]
    for way in _ways(space, {}):
        found += [at(0, way), at(1, way)]
    return list(dict.fromkeys(found))


def _ways(space: Space, before: Mapping[str, Value]) -> list[dict[str, Value]]:
    """Each choice of each part, with the branches that lead to it."""
    found: list[dict[str, Value]] = []
    for part in space:
        for value in part.among.values if isinstance(part.among, Choices) else ():
            way = {**before, part.name: value}
            found.append(way)
            if isinstance(part, Fork):
                found += _ways(part.branches[str(value)], way)
    return found


def standing(compose: Composer, typed: Sequence[str]) -> Any:
    """Key -> what it is in the configuration that `typed` makes: a group's choice, or a setting."""
    config = compose.config(typed)
    chosen, settings = config.hydra.runtime.choices, settings_of(config)

    def look(key: str) -> Any:
        bare = key.lstrip("+")
        if bare in chosen:
            return chosen[bare]
        found: Any = settings
        for step in bare.split("."):
            if not isinstance(found, Mapping) or step not in found:
                return None
            found = found[step]
        return found

    return look


def takes_whole(settings: Mapping[str, Any], key: str, low: float, high: float) -> bool:
    """Whether the setting at `key` refuses numbers between those two that are not whole.

    A key that names nothing is left to the check of the composed config, which knows the choices.
    """
    path = key.lstrip("+").split(".")
    node: Any = settings
    for step in path[:-1]:
        node = node.get(step) if isinstance(node, Mapping) else None
    target = node.get("_target_") if isinstance(node, Mapping) else None
    target = target or SECTIONS.get(".".join(path[:-1]))
    known = signature(str(target)).settings.get(path[-1]) if target else None
    if known is None:
        return isinstance(low, int) and isinstance(high, int)
    between = low + 0.5 * min(1.0, high - low)
    if between == int(between):
        between += 0.25 * min(1.0, high - low)
    try:
        known.kind.fit(between)
    except Misfit:
        return True
    return False
