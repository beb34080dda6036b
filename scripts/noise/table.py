"""The tables and the figure of `docs/results/noise.md`, from `docs/results/data/noise.csv`.

`python -m scripts.noise.table` prints the tables; with `--figure` it draws the figure, too.
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
from matplotlib.figure import Figure

from audition.report.figures.drawing import dots, headline, mark, rows
from audition.report.style import INK, MUTED, VERDICT, WIDTH, save, sheet, styled
from scripts.noise.losses import Losses, Run, read
from scripts.noise.worth import (
    Floats,
    Worth,
    adjusted,
    bootstrap,
    morgan,
    pairing,
    pooled,
    stopped_half_way,
    window_share,
)

Kind = tuple[int, str, str, str]
"""Tokens, precision, rate and arm."""
FIGURE = Path(__file__).parents[2] / "docs/results/figures/noise.svg"
IDEA, RATE, AVERAGE = "spectral_gate", "4e-3", "ema 0.98"
PRECISIONS = ("bf16", "fp32")
SHORT, LONG = 250_000, 1_000_000
COLOURS = {SHORT: (MUTED, "grey:"), LONG: (VERDICT["inconclusive"], "blue:")}
LEFT = 4.7
"""Inches for the names of the rows."""
EXTRA = 3.0
"""Baseline seeds beyond the idea's, as a multiple of them."""


def seeds_of(losses: Losses, tokens: int, precision: str, lr: str = RATE) -> list[int]:
    """The seeds on which both arms were run."""
    seeds = [
        {
            r.seed
            for r in losses
            if (r.tokens, r.precision, r.lr, r.arm) == (tokens, precision, lr, a)
        }
        for a in ("baseline", IDEA)
    ]
    return sorted(seeds[0] & seeds[1])


def parts(
    losses: Losses,
    seeds: Iterable[int],
    tokens: int,
    precision: str,
    arm: str,
    weights: str = "live",
    lr: str = RATE,
) -> Floats:
    """[S, K] losses of an arm on the parts of the windows."""
    return np.array([losses[Run(tokens, precision, lr, arm, s, weights)] for s in seeds])


def gains(losses: Losses) -> dict[Kind, dict[str, list[float]]]:
    """What averages gain on the live weights, of each kind of run, seed by seed (at least two)."""
    found: dict[Kind, dict[str, list[float]]] = {}
    for run in sorted(losses, key=lambda run: run.seed):
        if run.weights.startswith(("ema", "tail")):
            gain = fmean(losses[replace(run, weights="live")]) - fmean(losses[run])
            kind = (run.tokens, run.precision, run.lr, run.arm)
            found.setdefault(kind, {}).setdefault(run.weights, []).append(gain)
    return {
        kind: {name: x for name, x in sorted(found[kind].items()) if len(x) > 1}
        for kind in sorted(found)
    }


def worths(losses: Losses, tokens: int) -> Iterator[tuple[str, Worth]]:
    """What was tried, and the share of the seeds that it leaves, at that many training tokens."""
    for precision in PRECISIONS:
        seeds = seeds_of(losses, tokens, precision)
        if len(seeds) < 6:
            continue
        at = partial(parts, losses, seeds, tokens, precision)
        base, idea = at("baseline"), at(IDEA)
        b, i = base.mean(1), idea.mean(1)
        averaged = (at("baseline", AVERAGE) - at(IDEA, AVERAGE)).mean(1)
        yield f"same seeds instead of other ones, {precision}", bootstrap(pairing, b, i)
        yield f"EMA of .98 evaluated, {precision}", morgan(averaged, b - i)
        yield (
            f"held-out windows without end, {precision}",
            bootstrap(lambda d: 1.0 - window_share(d), base - idea),
        )
        half = (at("baseline", "live at 0.5") - at(IDEA, "live at 0.5")).mean(1)
        yield f"most seeds stopped half-way, {precision}", bootstrap(stopped_half_way, half, b - i)
        yield (
            f"baseline's loss as covariate, {1 + EXTRA:g} × its seeds, {precision}",
            bootstrap(partial(adjusted, extra=EXTRA), b, i),
        )
        yield (
            f"unpaired, {1 + EXTRA:g} × the baseline's seeds, {precision}",
            bootstrap(partial(pooled, extra=EXTRA), b, i),
        )
    both = sorted(set.intersection(*(set(seeds_of(losses, tokens, p)) for p in PRECISIONS)))
    if len(both) >= 6:
        apart = {
            p: (parts(losses, both, tokens, p, "baseline") - parts(losses, both, tokens, p, IDEA))
            for p in PRECISIONS
        }
        yield (
            "fp32 instead of bf16",
            morgan(apart["fp32"].mean(1), apart["bf16"].mean(1)),
        )


def spreads(losses: Losses, tokens: int) -> Iterator[tuple[str, int, list[float]]]:
    """Precision and weights, seeds; then the sds of both arms, of their difference, correlation."""
    for precision in PRECISIONS:
        seeds = seeds_of(losses, tokens, precision)
        for weights in ("live at 0.5", "live", AVERAGE) if len(seeds) > 2 else ():
            at = partial(parts, losses, seeds, tokens, precision, weights=weights)
            b, i = at("baseline").mean(1), at(IDEA).mean(1)
            d = b - i
            sds = [float(x.std(ddof=1)) for x in (b, i, d)]
            yield (
                f"{precision}, {weights}",
                len(seeds),
                [float(d.mean()), *sds, float(np.corrcoef(b, i)[0, 1])],
            )


def printed(losses: Losses) -> Iterator[str]:
    """Every table of the page, line by line."""
    yield "| tokens | precision | rate | weights | gain | sd | least | n |"
    yield "|---|---|---|---|---|---|---|---|"
    for (tokens, precision, lr, arm), weights in gains(losses).items():
        for name, found in weights.items() if arm == "baseline" else ():
            numbers = f"{fmean(found):+.4f} | {stdev(found):.4f} | {min(found):+.4f} | {len(found)}"
            yield f"| {tokens:,} | {precision} | {lr} | {name} | {numbers} |"
    for tokens in sorted({r.tokens for r in losses}):
        yield ""
        yield f"| {tokens:,} tokens | n | gain of the gate | sd, baseline | sd, gate | sd of D | ρ |"
        yield "|---|---|---|---|---|---|---|"
        for what, n, (d, *sds, rho) in spreads(losses, tokens):
            yield f"| {what} | {n} | {d:+.4f} | {' | '.join(f'{x:.4f}' for x in sds)} | {rho:+.2f} |"
        yield ""
        yield f"| {tokens:,} tokens | n | seeds needed, of those before | 95 % |"
        yield "|---|---|---|---|"
        for what, worth in worths(losses, tokens):
            yield f"| {what} | {worth.n} | {worth.seeds:.2f} | {worth.low:.2f} to {worth.high:.2f} |"


@styled
def drawn(losses: Losses) -> Figure:
    """Above: what averages gain, a dot a seed. Below: what is worth seeds, at both budgets."""
    averages = list(gains(losses)[LONG, "bf16", RATE, "baseline"].items())
    worth = {tokens: dict(worths(losses, tokens)) for tokens in (SHORT, LONG)}
    names = list(worth[SHORT])
    tops, tall = 0.3 * len(averages), 0.4 * len(names)
    page = sheet(
        "Averages of weights, and what is worth seeds",
        f"Above: gain over the live weights of the same run, {LONG:,} tokens, bf16; every seed a dot, "
        f"the mean a mark, n = {len(averages[0][1])}. Below: variance of the same-seed difference "
        f"between the spectral gate and the baseline, after : before; {COLOURS[SHORT][1]} "
        f"{SHORT:,} tokens, {COLOURS[LONG][1]} {LONG:,}; lines: 95 % interval. Left of 1: fewer seeds "
        "for the same interval.",
        height=tops + tall + 2.1,
    )
    one = page.axes(LEFT, tall + 1.5, WIDTH - LEFT - 0.3, tops)
    headline(one, "Gain of an average [nats/token]")

    def gain(y: int) -> None:
        dots(one, averages[y][1], y, COLOURS[LONG][0], 22)
        mark(one, fmean(averages[y][1]), y, INK, 45, zorder=5)

    rows(one, [name for name, _ in averages], gain, bold=lambda y: False)
    one.axvline(0, color=INK, lw=1.2, zorder=1)
    two = page.axes(LEFT, 0.6, WIDTH - LEFT - 0.3, tall)
    headline(two, "Seeds needed, of those before", y=1.02)

    def needed(y: int) -> None:
        for tokens, shift in ((SHORT, -0.16), (LONG, 0.16)):
            if found := worth[tokens].get(names[y]):
                colour, at = COLOURS[tokens][0], y + shift
                two.plot([found.low, found.high], [at, at], color=colour, lw=1.6, zorder=3)
                mark(two, found.seeds, at, colour, 40, zorder=5)

    two.set_xscale("log")
    rows(two, names, needed, bold=lambda y: False)
    two.axvline(1, color=INK, lw=1.2, zorder=1)
    two.set_xticks(
        [1 / 16, 0.125, 0.25, 0.5, 1, 2, 4, 8], ["1/16", "⅛", "¼", "½", "1", "2", "4", "8"]
    )
    two.minorticks_off()
    return page.figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", action="store_true", help="draw it, too")
    options = parser.parse_args()
    losses = read()
    print("\n".join(printed(losses)))
    if options.figure:
        save(drawn(losses), FIGURE)


if __name__ == "__main__":
    main()
