"""How often each rule passed placebos that were trained for it, printed in the terminal."""

import math
from collections.abc import Iterable

from rich.text import Text

from audition.answers.placebos import Passed, PlaceboRates
from audition.console import console, table
from audition.stats.rules import CARD
from audition.text import UNDEFINED, bounds, count, gain, in_unit, interval, plain_level, signed


def show_placebos(found: PlaceboRates) -> None:
    """What was tried, a row for each decision of each rule, and what lies outside its interval."""
    out, layout, how, noise = console(), found.layout, found.measure, found.noise
    ideas, seeds = len(layout.placebos), f"{layout.screening_seeds} + {layout.fresh_seeds} seeds"
    worth = found.terms.sesoi
    least = "one pooled seed sd" if worth is None else in_unit(f"{worth:g}", how)
    out.print(
        f"{count(found.whole * ideas, 'comparison')} of like with like, trained: "
        f"{count(found.whole, 'campaign')} of {count(ideas, 'placebo')} on {seeds} each"
        + (f", {found.whole} of {layout.campaigns} whole so far" * (found.whole < layout.campaigns))
        + f". Baseline {layout.baseline_hash[:8]}, {how.label}; seed sd {plain_level(noise.sd, how)}, "
        f"same-seed correlation {signed(noise.rho, 2)} {interval(noise.rho_interval, 2)}, skewness "
        f"{signed(found.shape[0], 1)}, excess kurtosis {signed(found.shape[1], 1)} (normal: 0, 0); "
        f"α {found.terms.alpha:g} ({found.terms.sides}-sided), smallest worthwhile gain {least}."
    )
    if found.diverged:
        out.print(f"{count(found.diverged, 'campaign')} left out: the baseline diverged.")
    low, high = found.shift[1]
    held = "holds" if low <= 0.0 <= high else "does NOT hold"
    out.print(
        f"Placebos gain {gain(found.shift[0], how)} on average over all seeds, 95 % interval "
        f"{bounds(found.shift[1], how)}, which {held} zero."
    )
    gains = [planted for planted in dict.fromkeys(rate.gain for rate in found.rates) if planted]
    heads = ("rule", "decides", ">placebos", ">stated", "", *(f">+{_sds(g)} σ" for g in gains))
    out.print(table(heads, _rows(found, gains)))
    wrong = found.outside
    harmful = [rate for rate in wrong if rate.harmful]
    tested = sum(rate.inside is not None for rate in found.rates)
    out.print(
        Text(
            f"{len(wrong)} of {tested} intervals exclude what is stated, {len(harmful)} of them on the "
            "side that harms (false gains too often, true ones too seldom); about "
            f"{max(1, round(0.05 * tested))} would by chance alone.",
            "bold" if harmful else "",
        )
    )
    if any(rate.rule == CARD and rate.drawn for rate in harmful):
        out.print(
            "The card's rule states how often it errs on normal losses, and those of this recipe are "
            f"not normal: {layout.screening_seeds} baseline seeds lie close together more often, and "
            "the rule takes their spread as it is. The verdict's t test allows for it."
        )
    out.print(
        "[dim]% of comparisons, of campaigns where ideas are judged together [95 % interval]; ≤: at "
        "most. +½ σ: with a gain of half a seed sd taken off the placebo's recorded losses, in one "
        "placebo of a family at a time; beneath it the power that is stated for normal noise, and "
        "whether the interval lies above or below it. Intervals are Wilson's for as many independent "
        "trials as the campaigns are worth, since the comparisons of one campaign share its baseline. "
        f"Drawn: the same rule on any {layout.screening_seeds} of the seeds of all campaigns, any arm "
        "as the baseline: the same losses, used more often.[/]"
    )


def _rows(found: PlaceboRates, gains: Iterable[float]) -> Iterable[tuple[str | Text, ...]]:
    said = ""
    by_key = {(rate.rule, rate.decision, rate.drawn, rate.gain): rate for rate in found.rates}
    for rate in (each for each in found.rates if not each.gain):
        name = rate.rule if rate.rule != said else ""
        said = rate.rule
        most = "≤ " if rate.at_most else ""
        yield (
            name,
            f"{rate.decision}, drawn" if rate.drawn else rate.decision,
            _share(rate),
            f"{most}{100 * rate.stated:.1f}",
            _word(rate),
            *(_powered(by_key[rate.rule, rate.decision, rate.drawn, each]) for each in gains),
        )


def _share(rate: Passed) -> str:
    low, high = rate.interval
    return f"{100 * rate.share:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _word(rate: Passed) -> Text:
    if rate.inside is not False:
        return Text("inside", "dim")
    side = "ABOVE" if rate.interval[0] > rate.stated else "BELOW"
    return Text(side, "bold red") if rate.harmful else Text(side.lower(), "dim")


def _powered(rate: Passed) -> Text:
    low, high = rate.interval
    said = f"{100 * rate.share:.0f} [{100 * low:.0f}, {100 * high:.0f}]"
    stated = UNDEFINED if math.isnan(rate.stated) else f"{100 * rate.stated:.0f}"
    side = _word(rate) if rate.inside is False else Text()
    return Text.assemble(f"{said}\n", (f"{stated} ", "dim"), side)


def _sds(planted: float) -> str:
    return "½" if planted == 0.5 else f"{planted:g}"
