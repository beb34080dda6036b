"""What a sweep said it would do, written before its first run, and whether a verdict kept to it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from audition.errors import AuditionError
from audition.ledger.record import Record, now
from audition.ledger.store import write_whole

METRIC = "val_loss"
ALPHA = 0.05
FOLDER = "plans"


@dataclass(frozen=True, kw_only=True)
class PlannedArm:
    """One arm as it was announced."""

    name: str
    config_hash: str
    seeds: tuple[int, ...]
    cards: Mapping[str, str]  # idea -> digest of its card at the time


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A plan of comparisons with one baseline, fixed before their results were known."""

    baseline_hash: str
    baseline_seeds: tuple[int, ...]
    arms: tuple[PlannedArm, ...]
    metric: str = METRIC
    alpha: float = ALPHA  # one-sided
    sesoi: float | None = None  # smallest gain that counts [nats/token]; None: one pooled sigma
    design: str = "auto"  # chosen by the seeds that arms share, in the order the statistics name
    judged_on: tuple[int, ...] = ()  # fresh seeds, on which alone survivors of a choice are judged
    terms: str = ""  # what the arms were given beforehand, where that is not their default settings
    screening: bool = False  # to choose among the arms' settings: nothing is judged by it
    command: str = ""
    written: str = ""  # ISO 8601, UTC

    def digest(self) -> str:
        """Sixteen characters that name the plan, whenever and however it was asked for."""
        plain = asdict(replace(self, written="", command=""))
        for later in ("terms", "screening"):
            if not plain[later]:
                del plain[
                    later
                ]  # so that plans keep the names they had before there was such a thing
        return sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]

    def arm(self, config_hash: str) -> PlannedArm | None:
        """The arm of that configuration, if it was announced."""
        return next((arm for arm in self.arms if arm.config_hash == config_hash), None)


@dataclass(frozen=True)
class Standing:
    """Whether a verdict is the one that was planned; if not, what departs from the plan."""

    departures: tuple[str, ...]
    added_seeds: tuple[int, ...] = ()  # run after a first look at the others
    joined: int = 0  # arms that later plans brought to the same baseline
    terms: str = ""  # as the plan has them; empty for default settings

    @property
    def word(self) -> str:
        """`as planned` or `exploratory`."""
        return "exploratory" if self.departures else "as planned"


def register(root: Path, plan: Registration) -> Path:
    """Write `plan` under the ledger at `root`; one that is there already keeps its date.

    Raises AuditionError where it cannot be written: without a plan no run should start.
    """
    path = root / FOLDER / f"{plan.digest()}.json"
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(asdict(replace(plan, written=now())), indent=1) + "\n")
        except OSError as error:
            raise AuditionError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def registrations(root: Path) -> tuple[Registration, ...]:
    """Every plan of the ledger at `root`, oldest first; a file that is none is left out."""
    plans = []
    for path in (root / FOLDER).glob("*.json"):
        try:
            plans.append(_read(json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return tuple(sorted(plans, key=lambda plan: plan.written))


def standing(
    config_hash: str,
    baseline_hash: str,
    runs: Sequence[Record],
    plans: Iterable[Registration],
    *,
    metric: str = METRIC,
    alpha: float = ALPHA,
    sesoi: float | None = None,
) -> Standing:
    """How the runs of an arm, judged so, stand to the first plan that names the arm.

    Runs of the baseline may be older than the plan, as a baseline is shared; runs of the idea may
    not, since whoever wrote the plan could have seen them.
    """
    rivals = [p for p in plans if p.baseline_hash == baseline_hash and not p.screening]
    plan = next((plan for plan in rivals if plan.arm(config_hash)), None)
    if plan is None:
        return Standing(("no plan named this arm before it was run",))
    arm = plan.arm(config_hash)
    assert arm is not None
    settled = [run for run in runs if run.settled]
    if plan.judged_on and set(plan.judged_on) <= {run.seed for run in settled}:
        # The verdict is of the fresh seeds alone: what chose the arm is no part of it.
        settled = [run for run in settled if run.seed in plan.judged_on]
    early = [run.seed for run in settled if run.started < plan.written]
    added = tuple(run.seed for run in settled if run.seed not in arm.seeds)
    # A race leaves out the seeds of an idea it drops, by the rule it announced.
    due = () if plan.judged_on else arm.seeds
    absent = [seed for seed in due if seed not in {run.seed for run in settled}]
    cards = {name: digest for run in settled for name, digest in run.cards.items()}
    changed = [name for name, digest in arm.cards.items() if cards.get(name, digest) != digest]
    departures = (
        (bool(early), f"{_seeds(early)} run before the plan was written"),
        (bool(added), f"{_seeds(added)} added to the plan"),
        (bool(absent), f"{_seeds(absent)} of the plan without an outcome"),
        (bool(changed), f"the card of {', '.join(changed)} changed since the plan"),
        (metric != plan.metric, f"the metric is {metric}, and the plan's {plan.metric}"),
        (alpha != plan.alpha, f"α is {alpha:g}, and the plan's {plan.alpha:g}"),
        (sesoi != plan.sesoi, f"δ* is {_gain(sesoi)}, and the plan's {_gain(plan.sesoi)}"),
    )
    joined = {a.config_hash for p in rivals if p.written > plan.written for a in p.arms}
    return Standing(
        tuple(text for departs, text in departures if departs),
        added,
        len(joined - {a.config_hash for a in plan.arms}),
        plan.terms,
    )


def _read(plain: dict[str, Any]) -> Registration:
    arms = tuple(PlannedArm(**{**arm, "seeds": tuple(arm["seeds"])}) for arm in plain["arms"])
    seeds = {name: tuple(plain[name]) for name in ("baseline_seeds", "judged_on")}
    return Registration(**{**plain, **seeds, "arms": arms})


def _seeds(seeds: Sequence[int]) -> str:
    return ("seed " if len(seeds) == 1 else "seeds ") + ", ".join(map(str, seeds))


def _gain(sesoi: float | None) -> str:
    return "one pooled σ" if sesoi is None else f"{sesoi:g}"
