"""What a pair of same-seed runs is worth, printed in the terminal."""

import math

from rich.text import Text

from audition.answers.pairing import PairTable
from audition.console import console, table
from audition.labels import labels
from audition.text import UNDEFINED, gain, in_unit, interval, plain_level, roughly, signed

ROOM = 18
"""Characters of an arm's name."""


def show_pairs(found: PairTable) -> None:
    """A row for each arm in each precision, then the precisions beside each other."""
    out, how = console(), found.measure
    arms = list(dict.fromkeys(pair.arm for pair in found.pairs))
    short = dict(zip(arms, labels(arms, ROOM), strict=True))
    rows = [
        (
            short[pair.arm],
            pair.precision,
            str(pair.n),
            gain(pair.gain, how),
            plain_level(pair.sd, how),
            f"{signed(pair.rho, 2)} {interval(pair.rho_ci, 2)}",
            plain_level(pair.sd_difference, how),
            f"{pair.seconds:.3g}",
            UNDEFINED if pair.seeds is None else f"{pair.seeds:,}",
            UNDEFINED if math.isnan(pair.seconds_to_verdict) else roughly(pair.seconds_to_verdict),
        )
        for pair in found.pairs
    ]
    heads = (
        "change", "", ">n", ">gain", ">σ", ">same-seed ρ",
        ">sd of D", ">s a run", ">seeds", ">verdict",
    )  # fmt: skip
    out.print(table(heads, rows))
    shown = in_unit(plain_level(found.gain, how), how)
    out.print(
        f"[dim]σ: seed sd of one run. D: same-seed difference. seeds an arm, and the time of one "
        f"worker for both arms, until a true gain of {shown} is shown with power {found.power:g} "
        f"(α {found.alpha:g}, {found.sides}-sided).[/]"
    )
    if not found.contrasts:
        out.print("[dim]Arms in one precision only: nothing to compare.[/]")
        return
    beside = f"{found.first} : {found.second}"
    out.print(
        table(
            (f"{beside}", ">n", ">variance of D", "95 %", ">time a run", ">time to a verdict"),
            (
                (
                    each.arm,
                    str(each.n),
                    f"{each.variance:.2f}",
                    _limits(each.variance_ci),
                    f"{each.seconds:.2f}",
                    f"{each.variance * each.seconds:.2f}",
                )
                for each in found.contrasts
            ),
        )
    )
    cost, limits = found.cost
    out.print(Text(verdict_of(found), "bold"))
    out.print(
        f"[dim]All: variance {found.variance:.2f} {_limits(found.variance_ci)}, time a run "
        f"{found.seconds:.2f}, time to a verdict {cost:.2f} {_limits(limits)}; geometric means over "
        "the changes, intervals from the spread between them. Those of a single change are Pitman's "
        "and Morgan's.[/]"
    )


def verdict_of(found: PairTable) -> str:
    """Which precision settles sooner, in a sentence."""
    cost, (low, high) = found.cost
    if high < 1.0:
        return f"{found.first} settles sooner: in {cost:.2f} of the time of {found.second}."
    if low > 1.0:
        return f"{found.second} settles sooner: {found.first} takes {cost:.2f} × its time."
    beside = f"{found.first} takes {cost:.2f} × the time of {found.second}"
    return f"Neither is known to settle sooner: {beside}."


def _limits(limits: tuple[float, float]) -> str:
    low, high = limits
    return f"[{low:.2f}, {high:.2f}]" if math.isfinite(high) else "[no interval]"
