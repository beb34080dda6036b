"""`audition.ledger`: the runs of a ledger, their verdicts and curves, for Python and notebooks."""

from collections import Counter
from dataclasses import dataclass
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from audition.answers import judge_arms, judge_plan
from audition.answers.arm_curves import arm_curves
from audition.answers.verdict import verdicts
from audition.api.shown import Curves, Verdicts, frame
from audition.cli.output_dir import ledger_root
from audition.errors import AuditionError, choices
from audition.records.record import Record
from audition.records.registration import plan_named, registrations
from audition.records.store import Ledger
from audition.stats.distributions import Sides
from audition.text import html_table

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, repr=False)
class LedgerReader:
    """A ledger, read anew at every question, so that runs under way show where they are."""

    store: Ledger

    @property
    def records(self) -> tuple[Record, ...]:
        """Every run, by arm and seed."""
        return self.store.read().records

    def frame(self) -> "DataFrame":
        """A row a run: what it is, how it ended, its metrics. Raises AuditionError without pandas."""
        from audition.report.export import summary

        return frame([{**summary(record), "status": record.status} for record in self.records])

    def verdicts(
        self,
        *arms: str,
        metric: str | None = None,
        sesoi: float | None = None,
        alpha: float | None = None,
        sides: Sides | None = None,
        plan: str | None = None,
    ) -> Verdicts:
        """The verdicts on those arms, or on all, as `audition verdict` gives them.

        They are what the whole ledger says today; where the plan of an arm says another thing on its
        own runs, that is `verdict.judgement.other`.

        plan: instead, what a plan says on exactly its runs, whatever came later: the beginning of its
            digest, an arm that it names first, or "latest". It judges as the plan says.

        Raises AuditionError for an arm, a metric or a plan that the ledger does not have, and for a
        plan that is asked to judge otherwise.
        """
        plans = registrations(self.store.root)
        if plan is not None:
            if any(asked is not None for asked in (metric, sesoi, alpha, sides)):
                raise AuditionError(
                    "a plan judges as it says: leave out metric, sesoi, alpha and sides"
                )
            of_plan = judge_plan(self.records, plan_named(plans, plan), plans)
            known = [judgement.comparison.idea for judgement in of_plan]
            for arm in arms:
                if arm not in known:
                    raise AuditionError(f"the plan has no verdict on '{arm}'{choices(arm, known)}")
            kept = [each for each in of_plan if not arms or each.comparison.idea in arms]
            return Verdicts(verdicts(self.store, kept))
        judged = judge_arms(
            self.records,
            arms,
            plans=plans,
            metric=metric,
            sesoi=sesoi,
            alpha=alpha,
            sides=sides,
        )
        return Verdicts(verdicts(self.store, judged))

    def curves(self, *runs: str, metric: str | None = None) -> Curves:
        """The learning curves of those arms, or runs as `arm/seed`, or of all arms.

        Raises AuditionError for a name that the ledger does not have, or a metric that no run wrote.
        """
        return Curves(arm_curves(self.store, runs, metric))

    def __repr__(self) -> str:
        runs = Counter(record.status for record in self.records)
        arms = sorted({record.arm for record in self.records})
        counts = ", ".join(f"{number} {status}" for status, number in runs.items())
        return f"ledger {self.store.root}: {counts or 'no run'}; arms: {', '.join(arms) or 'none'}"

    def _repr_html_(self) -> str:
        rows: list[dict[str, Any]] = [
            {
                "arm": r.arm,
                "seed": r.seed,
                "status": r.status,
                r.primary: f"{r.metrics[r.primary]:.4f}" if r.primary in r.metrics else "",
                "started": r.started[:16].replace("T", " "),
            }
            for r in self.records
        ]
        columns = dict.fromkeys(name for row in rows for name in row)
        return html_table([{name: row.get(name, "") for name in columns} for row in rows])


def ledger(path: str | PathLike[str] | None = None) -> LedgerReader:
    """The ledger at `path`; without one `outputs` here, or in the nearest folder above that has it.

    Raises AuditionError where nothing was ever filed there.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / "runs").mkdir()
        >>> ledger(root).records
        ()
        >>> ledger().verdicts("placebo")  # doctest: +SKIP
        placebo: inconclusive. The gain is +0.0021 nats/token (95 % interval −0.0011 to +0.0053): ...
    """
    return LedgerReader(Ledger.found(ledger_root(None if path is None else fspath(path))))
