"""Two ideas and their combination, from the ledger: do they add up?"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from audition.answers import ArmRuns, unlike
from audition.answers.baselines import alike_rivals, rivals_of
from audition.errors import AuditionError, choices
from audition.stats import NoiseModel, estimate_noise
from audition.stats.comparison import json_ready
from audition.stats.interaction import Interaction, interaction


@dataclass(frozen=True)
class Crossing:
    """The contrast of two ideas, and the arms it was taken from."""

    baseline: ArmRuns
    first: ArmRuns
    second: ArmRuns
    both: ArmRuns
    found: Interaction

    @property
    def sentence(self) -> str:
        """What the interval of the contrast shows."""
        if not self.found.shows:
            return "Nothing shows that the two do more or less together than the sum of each."
        if self.found.contrast > 0:
            return "They help each other: together they gain more than the sum of each."
        return "They get in each other's way: together they gain less than the sum of each."

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        facts = {**asdict(self.found), "seeds": [str(seed) for seed in self.found.seeds]}
        arms = {"first": self.first, "second": self.second, "both": self.both}
        return {
            **json_ready(facts),
            "baseline_hash": self.baseline.config_hash,
            "metric": self.baseline.metric,
            "arms": {
                side: {"arm": a.name, "config_hash": a.config_hash} for side, a in arms.items()
            },
            "sentence": self.sentence,
        }


def cross(
    arms: Mapping[str, ArmRuns], first: str, second: str, wanted: str | None = None
) -> Crossing:
    """The interaction of two arms by name, on the newest baseline that has them and their sum.

    `wanted` is the beginning of another baseline's hash. Raises AuditionError for an arm that the
    ledger lacks, or arms that are not comparable.
    """
    if first == second:
        raise AuditionError(f"'{first}' is named twice: an interaction is between two ideas")
    known = {arm.name for arm in arms.values() if arm.config_hash != arm.baseline_hash}
    for name in (first, second):
        if name not in known:
            raise AuditionError(f"the ledger has no runs of '{name}'{choices(name, known)}")
    parts = frozenset((*parts_of(first), *parts_of(second)))
    complete = []
    for baseline in arms.values():
        if baseline.config_hash != baseline.baseline_hash or not baseline.losses:
            continue
        if wanted is not None and not baseline.config_hash.startswith(wanted):
            continue
        rivals = sorted(rivals_of(arms, baseline), key=lambda arm: arm.latest)
        named = {arm.name: arm for arm in rivals if arm.losses}
        both = [arm for arm in named.values() if parts_of(arm.name) == parts]
        if first in named and second in named and both:
            complete.append((both[-1].latest, baseline, named[first], named[second], both[-1]))
    if not complete:
        raise AuditionError(
            f"no baseline{f' {wanted}' if wanted else ''} has runs of {first}, {second} and both "
            f"together: +idea=[{first},{second}] adds the last"
        )
    _, baseline, *crossed = max(complete, key=lambda found: found[0])
    a, b, both_arm = (arm.by(baseline.metric) for arm in crossed)
    for arm in (a, b, both_arm):
        if why := unlike(arm, baseline):
            raise AuditionError(f"{arm.name}: {why}")
    try:
        losses = (baseline.losses, a.losses, b.losses, both_arm.losses)
        found = interaction(*losses, noise=_campaign(arms, baseline, (a, b, both_arm)))
    except ValueError as error:
        raise AuditionError(f"{first} and {second}: {error}") from None
    return Crossing(baseline, a, b, both_arm, found)


def parts_of(name: str) -> frozenset[str]:
    """The ideas and settings in an arm's name: `a+b,rho=0.5` has three parts."""
    ideas, *settings = name.split(",")
    return frozenset((*(ideas.split("+") if "=" not in ideas else [ideas]), *settings))


def _campaign(
    arms: Mapping[str, ArmRuns], baseline: ArmRuns, crossed: tuple[ArmRuns, ...]
) -> NoiseModel | None:
    """The block noise of a campaign larger than the four arms, on their seeds; else None."""
    alike = {arm.config_hash: arm.losses for arm in alike_rivals(arms, baseline)}
    if len(alike) <= len(crossed):
        return None
    noise = estimate_noise({"baseline": baseline.losses, **alike})
    return noise if noise.method == "block" else None
