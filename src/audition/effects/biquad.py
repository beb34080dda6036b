"""Biquad: a second-order filter over time on the gradient of every weight."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, pi, sin, sqrt
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Gt, Interval

from audition.errors import AuditionError
from audition.recipe import tree
from audition.recipe.effect import Effect, Meters, Replays
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View
from audition.recipe.streams import Streams
from audition.recipe.units import Resize

Kind = Literal["low_shelf", "high_shelf", "peak", "low_pass", "high_pass"]
Coefficients = tuple[float, float, float, float, float]
"""(b0, b1, b2, a1, a2) of (b0 + b1/z + b2/z²) / (1 + a1/z + a2/z²)."""


@dataclass(frozen=True, kw_only=True)
class Biquad(Effect):
    """y_t = b0 g_t + b1 g_(t-1) + b2 g_(t-2) - a1 y_(t-1) - a2 y_(t-2), weight by weight.

    The coefficients are those of Bristow-Johnson's "Cookbook formulae for audio equalizer biquad
    filter coefficients", with frequencies in cycles per step; computed in the transposed direct form
    II, from a state of nought. A weight without a gradient counts as one of nought. A low shelf makes
    louder what changes slowly from step to step, as Grokfast does (Lee et al. 2024). A shelf or a
    peak of 0 dB is the exact identity.

    Memory: two more copies of the weights, in checkpoints too.

    Meters: `held`, the norm of what it will add to the next gradient.
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "entries"
    neutral: ClassVar[Mapping[str, object]] = {"kind": "low_shelf", "gain": 0.0}

    kind: Kind = "low_shelf"
    """What it makes louder or softer: all below, all above, or around the frequency."""
    frequency: Annotated[float, Interval(gt=0, lt=0.5)] = 0.05
    """Middle of a peak or a shelf's slope, end of a pass [cycles per step]."""
    gain: float = 6.0
    """Of a shelf or a peak [dB]; a pass has none."""
    q: Annotated[float, Gt(0)] = 0.707
    """Quality: the larger, the narrower a peak and the steeper a bend; at 0.707 a pass is flat."""

    def __post_init__(self) -> None:
        *_, a1, a2 = self.coefficients
        # Both poles lie within the unit circle exactly where the coefficients lie in this triangle.
        if not (abs(a2) < 1.0 and abs(a1) < 1.0 + a2):
            raise AuditionError(
                f"frequency={self.frequency} with q={self.q} has its poles outside the unit circle, "
                "to rounding, so that it would ring for ever: choose a smaller q"
            )

    @property
    def coefficients(self) -> Coefficients:
        return cookbook(self.kind, self.frequency, self.gain, self.q)

    def moments(self) -> frozenset[str]:
        passes = self.kind in ("low_pass", "high_pass")
        return super().moments() if self.gain or passes else frozenset()

    def init(self, params: Tensors, streams: Streams) -> dict[str, Any]:
        return {"first": tree.zeros(params), "second": tree.zeros(params)}

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if gradient.closed:
            return gradient, state
        grads = tree.filled(gradient.grads, state["first"])
        out, first, second = filtered(grads, state["first"], state["second"], self.coefficients)
        return (
            gradient.with_grads(tree.picked(out, gradient.grads)),
            {"first": first, "second": second},
        )

    def on_resize(self, resize: Resize, params: Tensors, state: Any) -> Any:
        nought = tree.zeros(params)
        return {place: resize.follow(held, nought) for place, held in state.items()}

    def meters(self, state: Any) -> Meters:
        return {"held": tree.norms(state["first"]).norm()}


def filtered(
    x: Tensors, first: Tensors, second: Tensors, by: Coefficients
) -> tuple[Tensors, Tensors, Tensors]:
    """One step of the filter on every entry: its output, and the two states after it."""
    b0, b1, b2, a1, a2 = by
    out = tree.add(first, x, b0)
    held = tree.add_(tree.add(second, x, b1), out, -a1)
    return out, held, tree.add_(tree.scale(x, b2), out, -a2)


def cookbook(kind: Kind, frequency: float, gain: float, q: float) -> Coefficients:
    """Bristow-Johnson's coefficients, divided by his a0; `gain` [dB] is of shelves and peaks."""
    w = 2.0 * pi * frequency
    alpha, c, a = sin(w) / (2.0 * q), cos(w), 10.0 ** (gain / 40.0)
    if kind == "peak":
        b = (1 + alpha * a, -2 * c, 1 - alpha * a)
        denominator = (1 + alpha / a, -2 * c, 1 - alpha / a)
    elif kind in ("low_pass", "high_pass"):
        s = 1.0 if kind == "low_pass" else -1.0
        b = ((1 - s * c) / 2, s * (1 - s * c), (1 - s * c) / 2)
        denominator = (1 + alpha, -2 * c, 1 - alpha)
    else:
        # A high shelf is a low one with the sign of every cosine turned.
        s = 1.0 if kind == "low_shelf" else -1.0
        k = 2 * sqrt(a) * alpha
        b = (
            a * ((a + 1) - s * (a - 1) * c + k),
            s * 2 * a * ((a - 1) - s * (a + 1) * c),
            a * ((a + 1) - s * (a - 1) * c - k),
        )
        denominator = (
            (a + 1) + s * (a - 1) * c + k,
            -s * 2 * ((a - 1) + s * (a + 1) * c),
            (a + 1) + s * (a - 1) * c - k,
        )
    a0, a1, a2 = denominator
    return (b[0] / a0, b[1] / a0, b[2] / a0, a1 / a0, a2 / a0)
