"""A verdict with all that is shown of it: the next step, the joules, and the gain at equal time."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from audition.answers.curves import Stopwatch
from audition.answers.energy import Joules, joules_of
from audition.answers.judgement import Judgement
from audition.answers.next_step import NextStep, next_step
from audition.answers.standing import UNREGISTERED
from audition.records.store import Ledger
from audition.stats.equal_time import EqualTime
from audition.text import count, duration


@dataclass(frozen=True)
class Verdict:
    """What the terminal, the page and `--json` show of one arm."""

    judgement: Judgement
    next: NextStep
    joules: Joules
    equal_time: EqualTime

    @property
    def equal_time_sentence(self) -> str:
        """The comparison at equal time, or what it would take where evaluations are too far apart."""
        said = self.equal_time.sentence
        if not self.equal_time.too_coarse:
            return said
        sides = (self.judgement.arm, self.judgement.baseline)
        runs = sum(len(side.losses) for side in sides)
        seconds = sum(len(side.losses) * side.mean("seconds") for side in sides)
        return (
            f"{said} training.evaluations=8 would tell: it is another evaluation, so all "
            f"{count(runs, 'run')} are trained anew, about {duration(seconds)} of one worker."
        )

    def to_dict(self) -> dict[str, Any]:
        """As data."""
        return {
            **self.judgement.to_dict(),
            "next": asdict(self.next),
            "energy": self.joules.to_dict(),
            "equal_time": {**self.equal_time.to_dict(), "sentence": self.equal_time_sentence},
        }


REGISTERED = frozenset(
    {
        "idea",
        "seeds",
        "n",
        "n_baseline",
        "design",
        "improvement",
        "ci",
        "level",
        "alpha",
        "sides",
        "standard_error",
        "df",
        "p",
        "p_adjusted",
        "adjustment",
        "family_size",
        "sesoi",
        "baseline_mean",
        "idea_mean",
        "diverged",
        "verdict",
        "kind",
        "reason",
        "tier",
        "metric",
        "measure",
        "config_hash",
        "baseline_hash",
        "standing",
        "terms",
        "departures",
        "joined_since_plan",
        "left_out",
        "claims",
    }
)
"""What a registered report says of its primary arms; all else that is known of them is exploratory."""


def as_data(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Verdicts as JSON; those of a registered report in its two parts, the confirmatory first.

    A confirmatory arm has an entry in each part: the registered test in one, and what else its runs
    measured in the other.
    """
    plain, confirmatory, exploratory = [], [], []
    for verdict in verdicts:
        standing, whole = verdict.judgement.standing, verdict.to_dict()
        if standing.report is None:
            plain.append(whole)
            continue
        facts = {"part": standing.part, "report": standing.report.digest()}
        why = standing.why_exploratory
        if standing.part == "confirmatory":
            told = {name: value for name, value in whole.items() if name in REGISTERED}
            claim = {"expects": standing.expects, "weight": verdict.judgement.weight}
            confirmatory.append(facts | claim | told)
            same = {name: whole.pop(name) for name in REGISTERED & whole.keys()}
            whole = {name: same[name] for name in ("idea", "config_hash")} | whole
            facts["part"], why = "exploratory", (UNREGISTERED,)
        exploratory.append(facts | {"why_exploratory": list(why)} | whole)
    return [*confirmatory, *exploratory, *plain]


def verdicts(ledger: Ledger, judgements: Iterable[Judgement]) -> list[Verdict]:
    """The verdicts of judgements from `ledger`, which has the runs' curves."""
    watches: dict[tuple[str, str], Stopwatch] = {}
    found = []
    for judgement in judgements:
        baseline = judgement.baseline
        # A baseline's curves are read once for all its rivals.
        key = (baseline.config_hash, baseline.metric)
        watch = watches.setdefault(key, Stopwatch(ledger, baseline))
        time = watch.against(judgement.arm, level=judgement.comparison.level)
        step = next_step(judgement, ledger.root)
        found.append(Verdict(judgement, step, joules_of(judgement), time))
    return found
