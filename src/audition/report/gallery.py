"""All figures of one baseline's campaign, or of one search, drawn and filed as PNG and SVG."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from markupsafe import Markup
from matplotlib.figure import Figure

from audition.answers import Judgement
from audition.answers.curves import Curves, Readings
from audition.answers.lineage.family import Family
from audition.answers.race_stages import RaceStage
from audition.answers.seen_pictures import ArmPictures
from audition.answers.specialization import Careers
from audition.answers.spikes import ArmSpikes
from audition.errors import writing
from audition.records.studies import Account
from audition.records.tuned import Tuned
from audition.report.figures import (
    accuracy_matrix,
    claimed_costs,
    cost_frontier,
    detectable_effect,
    effect_meters,
    episode_intervals,
    family_tree,
    forest,
    forgetting_curves,
    held_out_pictures,
    known_models,
    learning_curves,
    loss_spikes,
    matrices,
    muller,
    noise_floor,
    paired_slopes,
    race_timeline,
    residual_map,
    search_front,
    search_history,
    search_importances,
    search_slices,
    survival_curve,
    tuned_curves,
    unit_careers,
)
from audition.report.registered import is_confirmatory
from audition.report.style import THEME, VERDICT, caption_of, save

TESTS = "registered"
"""The name of the forest of a registered report's tests."""


@dataclass(frozen=True)
class Picture:
    """A figure as it was filed: `<name>.png` and `<name>.svg`, and its caption."""

    name: str
    caption: str


def draw(
    folder: Path,
    judgements: Sequence[Judgement],
    curves: Curves,
    race: Sequence[RaceStage],
    tuned: Sequence[Tuned] = (),
    readings: Readings | None = None,
    spikes: Sequence[ArmSpikes] = (),
    shown: Sequence[ArmPictures] = (),
    *,
    suffix: str = "",
) -> tuple[Picture, ...]:
    """Draw the judgements of one baseline, in their order; frontiers of claimed costs, meters, loss
    spikes, held-out pictures, a race and tuning where there were any.

    `suffix` keeps the files of several baselines apart.
    Raises AuditionError where `folder` cannot be written.
    """
    confirmed = list(filter(is_confirmatory, judgements))
    others = [judgement for judgement in judgements if not is_confirmatory(judgement)]
    drawings: dict[str, Callable[[], Figure]] = {}
    if confirmed:
        drawings[TESTS] = lambda: forest(confirmed)
    if others:
        drawings["forest"] = lambda: forest(others)
    drawings |= {
        "slopes": lambda: paired_slopes(judgements),
        "learning": lambda: learning_curves(judgements, curves),
        "detectable": lambda: detectable_effect(judgements),
        "noise": lambda: noise_floor(judgements),
        "residuals": lambda: residual_map(judgements),
    }
    for cost in claimed_costs(judgements):
        drawings[f"frontier-{cost}"] = partial(cost_frontier, judgements, cost)
    if readings:
        drawings["meters"] = lambda: effect_meters(judgements, readings)
    if matrices(judgements):
        drawings["phases"] = lambda: accuracy_matrix(judgements)
        drawings["forgetting"] = lambda: forgetting_curves(judgements)
    if known_models(judgements):
        drawings["episodes"] = lambda: episode_intervals(judgements)
    if spikes:
        drawings["spikes"] = lambda: loss_spikes(spikes)
    if shown:
        drawings["pictures"] = lambda: held_out_pictures(shown)
    if race:
        drawings["race"] = lambda: race_timeline(race, judgements[0].measure)
    colours = {j.arm.config_hash: VERDICT[j.comparison.verdict] for j in judgements}
    for number, each in enumerate(tuned, start=1):
        name = "tuned" if number == 1 else f"tuned-{number}"
        drawings[name] = partial(tuned_curves, each, colours)
    return _filed(folder, {f"{name}{suffix}": drawing for name, drawing in drawings.items()})


def draw_search(folder: Path, account: Account) -> tuple[Picture, ...]:
    """Draw a search; the front only where it has two objectives.

    Raises AuditionError where `folder` cannot be written.
    """
    drawings: dict[str, Callable[[], Figure]] = {
        "history": lambda: search_history(account),
        "slices": lambda: search_slices(account),
        "importances": lambda: search_importances(account),
    }
    if len(account.objectives) == 2:
        drawings["front"] = lambda: search_front(account)
    stem = re.sub(r"[^\w.-]", "_", account.name)
    return _filed(folder, {f"search-{stem}-{name}": each for name, each in drawings.items()})


def draw_lineage(folder: Path, name: str, family: Family) -> tuple[Picture, ...]:
    """Draw the units of the run `name`: family tree, Muller plot, survival.

    Raises AuditionError where `folder` cannot be written.
    """
    drawings: dict[str, Callable[[], Figure]] = {
        "family": lambda: family_tree(family),
        "muller": lambda: muller(family),
        "survival": lambda: survival_curve(family),
    }
    return _of_run(folder, name, drawings)


def draw_careers(folder: Path, name: str, careers: Careers) -> tuple[Picture, ...]:
    """Draw what the units of the run `name` respond to over time.

    Raises AuditionError where `folder` cannot be written.
    """
    return _of_run(folder, name, {"careers": lambda: unit_careers(careers)})


def _of_run(
    folder: Path, name: str, drawings: Mapping[str, Callable[[], Figure]]
) -> tuple[Picture, ...]:
    stem = re.sub(r"[^\w.-]", "_", name)
    return _filed(folder, {f"lineage-{stem}-{each}": drawing for each, drawing in drawings.items()})


def embedded(folder: Path, pictures: Sequence[Picture]) -> tuple[Markup, ...]:
    """Pictures that were filed in `folder`, as elements of a page."""
    return tuple(
        Markup(inline((folder / f"{p.name}.svg").read_text(encoding="utf-8"), p.name, p.caption))
        for p in pictures
    )


def _filed(folder: Path, drawings: Mapping[str, Callable[[], Figure]]) -> tuple[Picture, ...]:
    pictures = []
    for name, drawing in drawings.items():
        figure = drawing()
        pictures.append(Picture(name, caption_of(figure)))
        for kind in ("png", "svg"):
            path = folder / f"{name}.{kind}"
            with writing(path):
                save(figure, path)
    return tuple(pictures)


def inline(svg: str, name: str, caption: str) -> str:
    """The figure `svg` as an element of a page that holds others; `name` keeps their ids apart.

    Metadata and namespaces go (a page needs neither), and the colours of `THEME` become the page's
    variables, so that the figure is light on a light page and dark on a dark one.
    """
    opening = re.search(r"<svg\b[^>]*>", svg)
    assert opening is not None, "matplotlib wrote no svg element"
    box = re.search(r'viewBox="([^"]*)"', opening[0])
    assert box is not None, "matplotlib wrote no viewBox"
    body = svg[opening.end() :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style\b.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r'(\sid=")', rf"\g<1>{name}-", body)
    body = re.sub(r'((?:xlink:)?href="#|url\(#)', rf"\g<1>{name}-", body)
    for ink, (light, _) in THEME.items():
        body = body.replace(light, f"var(--{ink})")
    label = caption.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return f'<svg class="figure" viewBox="{box[1]}" role="img" aria-label="{label}">{body}'
