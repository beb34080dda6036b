"""From a point of the space to planned runs, and from a config back to the point it stands at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audition.config.identity import Identity, identify
from audition.errors import AuditionError
from audition.measure import Measure
from audition.records.record import BASELINE
from audition.sweep.arms import Arm, arm_name
from audition.sweep.check import check_alike, check_may_choose, comparable
from audition.sweep.compose import Composer
from audition.sweep.keys import check_searched
from audition.sweep.plan import Plan, PlannedRun, checked
from audition.sweep.search.space.keys import standing, takes_whole
from audition.sweep.search.space.space import (
    Choices,
    Dimension,
    Fork,
    Space,
    Value,
    holds,
    overrides,
    parts,
    plain,
    read_space,
    walk,
)
from audition.sweep.teacher import at_seed, seeded

OUTSIDE = "lies outside the space"


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
    metric: str  # that the default and its rivals are judged by
    measures: Mapping[str, Measure]  # of the task

    @classmethod
    def around(
        cls, plan: Plan, choice: tuple[str, ...], seeds: tuple[int, ...], compose: Composer
    ) -> "Points":
        """The points around the arm of `plan` that `choice` makes, before their space is known.

        Raises AuditionError where their runs are judged on a test.
        """
        base = plan.runs[0]
        check_may_choose(base.settings)
        common = base.arm.overrides
        start = identify(checked((*common, *choice), compose)).config_hash
        root = Path(plan.output_dir)
        return cls(
            space=(),
            common=common,
            choice=choice,
            start_hash=start,
            baseline_hash=plan.baseline_hash,
            seeds=seeds,
            output_dir=root,
            compose=compose,
            metric=plan.metric,
            measures=base.record.measures,
        )

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
        words = (*self.choice, *typed)
        settings = checked((*self.common, *self.choice, *typed), self.compose)
        identity: Identity = identify(settings)
        is_start = identity.config_hash == self.start_hash
        words = self.choice if is_start else words
        same = identity.config_hash == self.baseline_hash
        arm = Arm(BASELINE if same else arm_name(words), (*self.common, *words))
        # Forty trials filed as rivals would be forty ideas for every later verdict to adjust for.
        against = self.baseline_hash if same else ""
        return tuple(
            PlannedRun(arm, own["seed"], own, seeded(identity, own), against)
            for own in (at_seed(settings, seed) for seed in self.seeds)
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
        """Raise AuditionError for a key or a value of the space that no trial could have."""
        start = (*self.common, *self.choice)
        for part in parts(self.space):
            check_searched(part.key)
        settings = checked(start, self.compose)
        default = comparable(settings, identify(settings))
        for typed in corners(self.space):
            settings = checked((*start, *typed), self.compose)
            check_alike(arm_name(typed), comparable(settings, identify(settings)), default)


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
