"""The lab in the terminal: progress, ratings and their reasons, and what to run next."""

from audition.answers.lab.experiments import Experiment, Result
from audition.answers.lab.outlook import Lab
from audition.answers.rating import BANDS, MOST
from audition.console import console, table
from audition.text import count, gain

SHOWN = 5
"""Things to run that are listed."""


def show_lab(lab: Lab, *, reasons: bool = False) -> None:
    """All of it. reasons: why each experiment, and each published result, is rated as it is."""
    out = console(120)
    rows = [_row(each) for each in lab.experiments]
    out.print(table(("experiment", ">runs", "verdicts", "best", ">rating"), rows))
    if rated := sum(lab.distribution.values()):
        bands = (f"{_band(band)}: {many}" for band, many in lab.distribution.items() if many)
        out.print(f"\n{count(rated, 'experiment')} rated: {', '.join(bands)}.")
    if lab.factors:
        found = (
            (f.cost, f.method, f"{f.least:.3g} ×", f.word, f.arm, f.experiment) for f in lab.factors
        )
        out.print("")
        heads = ("best of a cost", "", ">at least", "claim", "arm", "experiment")
        out.print(table(heads, found))
    if lab.sprints:
        last = lab.sprints[-1]
        out.print(
            f"last sprint: {last.minutes:g} min, {len(last.complete)} of "
            f"{count(len(last.seeds), 'seed')} complete."
        )
    if lab.published:
        out.print("")
        lines = [
            (claim.name, claim.published, f"{rating.total} of {MOST}", claim.claim)
            for claim, rating in lab.published
        ]
        out.print(table(("published", "by its authors", "here", "its words"), lines))
    if reasons:
        for each in lab.experiments:
            if each.best:
                _reasons(f"{each.name}, {each.best.judgement.arm.name}", each.best)
        for claim, rating in lab.published:
            out.print(f"\n{claim.name}: {rating.total} of {MOST}")
            for line in rating.reasons:
                out.print(f"  {line}")
    if lab.next:
        out.print("\nnext")
        for step in lab.next[:SHOWN]:
            out.print(f"  {step.experiment}: {step.why}")
            out.print(f"    {step.command}", soft_wrap=True)
        if more := len(lab.next) - SHOWN:
            out.print(f"  and {more} more (--json has all)" if more > 0 else "", end="")


def _row(each: Experiment) -> tuple[str, str, str, str, str]:
    if not each.plans:
        return each.name, "not begun", "", "", ""
    runs = f"{each.done}/{each.planned}"
    verdicts = [word for result in each.newest for word in result.words]
    said = ", ".join(f"{verdicts.count(word)} {word}" for word in dict.fromkeys(verdicts))
    best = each.best
    if best is None:
        return each.name, runs, said, "", ""
    return each.name, runs, said, _factor(best), f"{best.rating.total}"


def _factor(result: Result) -> str:
    """The arm, and what it gained."""
    judgement = result.judgement
    gained = gain(judgement.comparison.improvement, judgement.measure)
    return f"{judgement.arm.name} {gained}"


def _reasons(heading: str, result: Result) -> None:
    out = console(120)
    out.print(f"\n{heading}: {result.rating.total} of {MOST}")
    for line in result.rating.reasons:
        out.print(f"  {line}")


def _band(band: str) -> str:
    low, high = BANDS[band]  # type: ignore[index]
    return f"{low}" if low == high else f"{low}–{high}"
