"""The arms that are tuned: the baseline and every idea, each with the points around its default."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Any

from audition.errors import AuditionError, choices
from audition.records.record import BASELINE
from audition.records.store import Contents
from audition.records.tuned import Contender, Try
from audition.sweep.arms import Arm, Question, arm_name
from audition.sweep.check import check_alike, comparable
from audition.sweep.compose import Composer
from audition.sweep.plan import Plan, PlannedRun, make_plan
from audition.sweep.search.space.keys import standing
from audition.sweep.search.space.points import Points
from audition.sweep.tune.lattice import lattice
from audition.sweep.tune.settings import Tuning


@dataclass(frozen=True)
class Trial:
    """An entrant at one setting: what to type beside its own overrides, and the runs of it."""

    typed: tuple[str, ...]
    values: Mapping[str, Any]
    runs: tuple[PlannedRun, ...]


@dataclass(frozen=True)
class Entrant:
    """An arm that is to be tuned."""

    name: str
    points: Points

    @property
    def start(self) -> tuple[str, ...]:
        """The overrides that make it as it comes."""
        return (*self.points.common, *self.points.choice)

    def at(self, key: str) -> Any:
        """What `key` is by default. Raises AuditionError for a key that it does not have."""
        value = standing(self.points.compose, self.start)(key)
        if value is None:
            group, _, name = key.rpartition(".")
            beside = self.points.compose.composed(self.start)[0].get(group)
            known = [k for k in beside if k != "_target_"] if isinstance(beside, Mapping) else []
            hint = choices(name, known) if known else ""
            raise AuditionError(f"tune={key}: {self.name} has no such setting{hint}")
        return value

    def trials(self, key: str, tuning: Tuning) -> tuple[Trial, ...]:
        """The default first, then its neighbours; all checked."""
        default = self.at(key)
        values = lattice(key, default, tuning.trials or 5, tuning.factor)
        found = [Trial((), {key: default}, self.points.runs(()))]
        for value in values:
            typed = (f"{key}={value:.12g}",)
            try:
                runs = self.points.runs(typed)
            except AuditionError as error:
                raise AuditionError(
                    f"tune={key} would try {self.name} at {value:g}, which cannot be: {error}; "
                    "choose another tuning.factor, or name an hparams_search"
                ) from None
            check_alike(f"{self.name} at {typed[0]}", _facts(runs), _facts(found[0].runs))
            if runs[0].identity.config_hash != found[0].runs[0].identity.config_hash:
                found.append(Trial(typed, {key: value}, runs))
        return tuple(found)


def _facts(runs: Sequence[PlannedRun]) -> Mapping[str, object]:
    return comparable(runs[0].settings, runs[0].identity)


def entrants(question: Question, plan: Plan, compose: Composer) -> tuple[Entrant, ...]:
    """The baseline and the arms of `plan`, in its order.

    What an arm sets of the tuned keys is where its tuning begins. Raises AuditionError for an arm
    that is set apart by that alone: it would be tuned away.
    """
    base = plan.runs[0].arm
    shared = question.common
    around = Points.around(plan, (), question.seeds or (), compose)
    found = [Entrant(BASELINE, replace(around, common=base.overrides, choice=()))]
    kept = {name for name, _ in plan.arms()}
    apart: set[frozenset[str]] = {frozenset()}  # what sets each arm apart, less the tuned keys
    for arm in question.arms:
        choice = arm.overrides[len(shared) :]
        tuned = [word for word in choice if word.partition("=")[0].lstrip("+~") in question.tune]
        rest = frozenset(choice) - frozenset(tuned)
        if tuned and rest in apart:
            key = tuned[0].partition("=")[0].lstrip("+~")
            raise AuditionError(
                f"{tuned[0]} is an arm, and tune={key} would tune it away: leave one out"
            )
        apart.add(rest)
        if arm.name in kept:
            config_hash = dict(plan.arms())[arm.name]
            points = replace(around, common=shared, choice=choice, start_hash=config_hash)
            found.append(Entrant(arm.name, points))
    if len(found) < 2:
        raise AuditionError(
            "tune= tunes a baseline and its rivals, and there is none: add +idea=... or a key "
            "with several values"
        )
    return tuple(found)


def screened(
    trials: Mapping[str, Sequence[Trial]], contents: Contents, metric: str
) -> tuple[Contender, ...]:
    """What came of the trials of each entrant in `metric`, as far as the ledger has it."""
    settled = contents.settled()

    def losses(trial: Trial) -> dict[int, float | None]:
        found: dict[int, float | None] = {}
        for run in trial.runs:
            if (record := settled.get(run.identity.key)) is not None:
                loss = record.measure(metric).as_loss(record.metrics.get(metric, nan))
                found[run.seed] = loss if record.status == "finished" and isfinite(loss) else None
        return found

    return tuple(
        Contender(
            name=name,
            tries=tuple(
                Try(
                    overrides=trial.typed,
                    values=trial.values,
                    config_hash=trial.runs[0].identity.config_hash,
                    losses=losses(trial),
                )
                for trial in each
            ),
        )
        for name, each in trials.items()
    )


def best_names(found: Sequence[Entrant], best: Mapping[str, Try]) -> dict[str, str]:
    """The name of each rival of the baseline -> its name at its best setting."""
    return {
        rival.name: arm_name((*rival.points.choice, *best[rival.name].overrides))
        for rival in found[1:]
    }


def fresh_plan(
    found: Sequence[Entrant],
    best: Mapping[str, Try],
    fresh: tuple[int, ...],
    compose: Composer,
) -> Plan:
    """Every entrant at its best on seeds that chose nothing, against the baseline at its own."""

    def typed(entrant: Entrant) -> tuple[str, ...]:
        # The baseline's overlay is among its overrides by now; laid over again, it would undo
        # what the baseline was tuned to.
        start = (o for o in entrant.start if not o.startswith("baseline="))
        return (*start, *best[entrant.name].overrides)

    base, *rivals = found
    names = best_names(found, best)
    arms = (Arm(names[rival.name], typed(rival)) for rival in rivals)
    return make_plan(Question(typed(base), tuple(arms), fresh), compose)
