"""The curves of a fair fight say what was tried, by whom, and what was chosen."""

import math
from pathlib import Path

from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from audition.measure import Measure
from audition.records.tuned import TUNED, Contender, Try, Tuned, tuned_for
from audition.report.figures import tuned_curves
from audition.report.style import INK

SEEDS = (42, 137)


def tried(rate: float, *losses: float | None, name: str = "") -> Try:
    return Try(
        overrides=(f"optimizer.lr={rate}",),
        values={"optimizer.lr": rate},
        config_hash=f"{name}{rate}",
        losses=dict(zip(SEEDS, losses, strict=False)),
    )


BASE = Contender(
    name="baseline", tries=(tried(0.004, 1.8, 1.9), tried(0.002, 1.9, 2.0), tried(0.008, 1.7, 1.8))
)
RIVAL = Contender(
    name="idea",
    tries=(
        tried(0.004, 1.7, 1.7, name="i"),
        tried(0.002, 1.6, name="i"),  # a seed is missing: better so far, and not comparable
        tried(0.008, 1.75, None, name="i"),
    ),
)
COMPARED = Tuned(
    measure=Measure("validation loss", "nats/token"),
    baseline_hash="0.008",
    keys=("optimizer.lr",),
    seeds=SEEDS,
    metric="val_loss",
    contenders=(BASE, RIVAL),
    lattice=True,
)


def points(figure: Figure, gid: str) -> list[tuple[float, float]]:
    (drawn,) = figure.findobj(lambda artist: artist.get_gid() == gid)
    offsets = drawn.get_offsets() if hasattr(drawn, "get_offsets") else drawn.get_xydata()
    return [tuple(map(float, row)) for row in offsets]


def test_the_best_needs_every_seed_and_no_divergence() -> None:
    assert BASE.best(SEEDS).values == {"optimizer.lr": 0.008}
    assert BASE.edge(SEEDS) == "largest"
    assert RIVAL.best(SEEDS).values == {"optimizer.lr": 0.004}
    assert RIVAL.edge(SEEDS) == ""
    assert math.isinf(RIVAL.tries[2].mean)


def test_both_curves_with_what_was_chosen() -> None:
    figure = tuned_curves(COMPARED, {"i0.004": "#009e73"})
    means = points(figure, "baseline-0-mean")
    assert [round(y, 6) for _, y in means] == [1.95, 1.85, 1.75]
    assert [x for x, _ in means] == [0.002, 0.004, 0.008]
    assert points(figure, "baseline-0-best") == [(0.008, 1.75)]
    assert [x for x, _ in points(figure, "baseline-0-default")] == [0.004]
    assert points(figure, "rival-0-best")[0][0] == 0.004
    assert [x for x, _ in points(figure, "rival-0-diverged")] == [0.008]
    (line,) = figure.findobj(lambda artist: artist.get_gid() == "rival-0-mean")
    assert to_hex(line.get_color()) == "#009e73"
    (line,) = figure.findobj(lambda artist: artist.get_gid() == "baseline-0-mean")
    assert to_hex(line.get_color()) == INK


def test_rates_far_apart_are_written_as_numbers() -> None:
    rates = (1e-3, 2e-3, 4e-3, 8e-3, 0.1, 0.2, 0.4, 0.8, 1.6)
    arm = Contender(name="baseline", tries=tuple(tried(rate, 1.0, 1.0) for rate in rates))
    figure = tuned_curves(Tuned(**{**vars(COMPARED), "contenders": (arm, arm)}), {})
    figure.canvas.draw()
    ticks = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert {"0.01", "0.1", "1"} <= set(ticks)


def test_choices_stand_side_by_side() -> None:
    def chosen(norm: str, loss: float) -> Try:
        return Try(
            overrides=(), values={"norm": norm}, config_hash=norm, losses=dict.fromkeys(SEEDS, loss)
        )

    arm = Contender(name="baseline", tries=(chosen("rmsnorm", 1.0), chosen("layernorm", 2.0)))
    other = Contender(name="idea", tries=arm.tries)
    fields = {**vars(COMPARED), "keys": ("norm",), "contenders": (arm, other), "lattice": False}
    figure = tuned_curves(Tuned(**fields), {})
    ticks = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert ticks == ["layernorm", "rmsnorm"]
    assert sorted(points(figure, "baseline-0-mean")) == [(0.0, 2.0), (1.0, 1.0)]


def test_what_was_tried_comes_back_from_the_file(tmp_path: Path) -> None:
    TUNED.write(tmp_path, "digest", COMPARED)
    assert tuned_for(tmp_path, "0.008") == (COMPARED,)
    assert tuned_for(tmp_path, "another") == ()
    (tmp_path / "tuned" / "broken.json").write_text("{")
    assert tuned_for(tmp_path, "0.008") == (COMPARED,)
