"""All figures of one baseline's campaign, drawn and filed as PNG and SVG."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from audition.errors import AuditionError
from audition.judge import Judgement
from audition.report.curves import Curves
from audition.report.figures import (
    RaceStep,
    detectable_effect,
    forest,
    learning_curves,
    noise_floor,
    paired_slopes,
    race_timeline,
    residual_map,
)
from audition.report.style import caption_of, save


@dataclass(frozen=True)
class Picture:
    """A figure as it was filed: `<name>.png` and `<name>.svg`, and its caption."""

    name: str
    caption: str


def draw(
    folder: Path,
    judgements: Sequence[Judgement],
    curves: Curves,
    race: Sequence[RaceStep],
    *,
    alpha: float,
    suffix: str = "",
) -> tuple[Picture, ...]:
    """Draw the judgements of one baseline, in their order; the race only where there was one.

    `alpha` is what they were judged at; `suffix` keeps the files of several baselines apart.
    Raises AuditionError where `folder` cannot be written.
    """
    drawings: dict[str, Callable[[], Figure]] = {
        "forest": lambda: forest(judgements),
        "slopes": lambda: paired_slopes(judgements),
        "learning": lambda: learning_curves(judgements, curves),
        "detectable": lambda: detectable_effect(judgements, alpha=alpha),
        "noise": lambda: noise_floor(judgements),
        "residuals": lambda: residual_map(judgements),
    }
    if race:
        drawings["race"] = lambda: race_timeline(race)
    pictures = []
    for name, drawing in drawings.items():
        figure = drawing()
        pictures.append(Picture(f"{name}{suffix}", caption_of(figure)))
        for kind in ("png", "svg"):
            path = folder / f"{name}{suffix}.{kind}"
            try:
                save(figure, path)
            except OSError as error:
                raise AuditionError(f"cannot write {path}: {error.strerror or error}") from error
    return tuple(pictures)
