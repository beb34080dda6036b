"""Held-out pictures, what a run's model says of them, and the chance it gives to wrong labels."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from audition.answers.seen_pictures import ArmPictures
from audition.labels import labels
from audition.report.figures.drawing import headline, say
from audition.report.style import VERDICT, WIDTH, sheet, styled

TITLE = "Pictures: what the models say of some that are held out"
CELL, SIDE, TALL, HEAD = 1.45, 1.02, 1.8, 0.35
"""Inches: from picture to picture, of a picture, of a line of them, over a line."""


@styled
def held_out_pictures(shown: Sequence[ArmPictures]) -> Figure:
    """Two lines an arm: pictures that every arm is shown, and those it is most wrong about."""
    among = shown[0].seen.among
    caption = (
        f"Held-out pictures of one run of an arm, of {among:,} that were looked at, after its last "
        "evaluation. Under each: the label that is most probable, what is right where that is not "
        "it, and the chance of a wrong label, all others than the right one together. The upper line "
        "of an arm has the same pictures for every arm, the lower one those with the highest chance."
    )
    lines = 2 * len(shown)
    page = sheet(TITLE, caption, height=lines * (TALL + HEAD))
    names = labels([each.arm for each in shown])
    for place, (name, each) in enumerate(zip(names, shown, strict=True)):
        same, many = each.seen.same, len(each.seen.classes)
        rows = (("the same for all", range(same)), ("most wrong", range(same, many)))
        for line, (which, chosen) in enumerate(rows):
            bottom = (lines - 1 - 2 * place - line) * (TALL + HEAD)
            for column, number in enumerate(chosen):
                left = 0.2 + column * min(CELL, (WIDTH - 0.2) / max(1, len(chosen)))
                axes = page.axes(left, bottom + TALL - SIDE, SIDE, SIDE, xticks=[], yticks=[])
                axes.imshow(shade(each.seen.pixels[number]), interpolation="nearest")
                for spine in axes.spines.values():
                    spine.set_visible(False)
                answer, right = int(each.seen.answers[number]), int(each.seen.classes[number])
                colour = VERDICT["supported" if answer == right else "refuted"]
                says, chance = each.seen.names[answer], each.seen.wrong[number]
                say(axes, 0, -0.14, f"{says}", color=colour, weight="bold")
                beside = "" if answer == right else f"is {each.seen.names[right]}"
                say(axes, 0, -0.34, beside or "right")
                say(axes, 0, -0.54, f"wrong: {percent(float(chance))}")
                if not column:
                    headline(axes, f"{name}, seed {each.seed}: {which}", y=1.06)
    return page.figure


def shade(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[C, H, W] as matplotlib has pictures in colour, [H, W, 3]."""
    # One channel alone would be stretched from its darkest to its lightest pixel.
    return (pixels if len(pixels) == 3 else np.repeat(pixels[:1], 3, 0)).transpose(1, 2, 0)


def percent(chance: float) -> str:
    """`3.1 %`; never 0 or 100 for what is neither.

    Examples:
        >>> percent(0.031), percent(1e-6), percent(0.99999), percent(0.0)
        ('3.1 %', '< 0.1 %', '> 99.9 %', '0.0 %')
    """
    value = 100.0 * chance
    if 0.0 < value < 0.05:
        return "< 0.1 %"
    if 99.95 <= value < 100.0:
        return "> 99.9 %"
    return f"{value:.1f} %"
