"""Spectral gate: turn a gradient's bands of singular directions down where its halves agree.

Each refresh compares the gradients of the batch's two halves, band by band, in the eigenbasis of
the averaged gradient. A band on which both halves agree is a steady signal, which momentum
integrates anyway: the gate turns it down and gives its share of the norm to noisier bands.

Shape suffixes: K matrices of one shape, M the shorter side (gated), N the longer, B bands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge, Interval
from torch import Tensor
from torch.linalg import matrix_norm

from audition.parts.initial import role_of
from audition.parts.spectrum import bands, eigenbasis, weighted_median
from audition.recipe.effect import Effect, Meters
from audition.recipe.gradient import in_halves
from audition.recipe.kill import KillTest
from audition.recipe.problem import Gradient, GradientRule
from audition.recipe.recipe import Recipe
from audition.recipe.signals import Tensors, View
from audition.recipe.streams import Streams
from audition.recipe.units import Resize

TINY = 1e-30


@dataclass(frozen=True, kw_only=True)
class SpectralGate:
    """The idea and its controls."""

    rho: Annotated[float, Interval(ge=0, le=1)] = 0.1
    """Gain of a band on which both halves agree; 1 is the exact identity."""
    every: Annotated[int, Ge(1)] = 10
    """Steps between refreshes of basis and gains."""
    mode: Literal["pre", "post"] = "pre"
    """Gate the gradient before the optimizer, or the optimizer's update after it (for Muon)."""
    open_on: Literal["noise", "coherence"] = "noise"
    """`coherence` is the Wiener gate, the same measurement with its sign turned round."""
    control: Literal["none", "shuffled", "magnitude"] = "none"
    """The same gains on shuffled directions, or gains from each band's power instead."""

    neutral: ClassVar[Mapping[str, object]] = {"rho": 1}
    active: ClassVar[Mapping[str, object]] = {"every": 2}

    def __call__(self, recipe: Recipe) -> Recipe:
        return recipe if self.rho == 1.0 else recipe.with_effect("spectral_gate", Gate(self))

    def kill(self) -> KillTest:
        """Where the halves share only noise, every gain is the same, and the make-up undoes it."""
        return KillTest(
            watch=Gate(replace(self, rho=1.0)),
            meter="coherence",
            means="the energy-weighted median coherence of the halves",
            below=0.05,
            share=0.8,
        )


class Gate(Effect):
    """Measures on refresh steps, gates on every step; hidden matrices, and kernels as [out, rest]."""

    packs: ClassVar[bool] = True

    def __init__(self, settings: SpectralGate) -> None:
        self.settings = settings

    def moments(self) -> frozenset[str]:
        return super().moments() - {"on_updates" if self.settings.mode == "pre" else ""}

    def init(self, params: Tensors, streams: Streams) -> dict[str, dict[str, Any]]:
        """One group per shape (shorter side first), its matrices stacked in a fixed order."""
        groups: dict[str, dict[str, Any]] = {}
        for name, p in params.items():
            if role_of(name, p) == "matrix":
                m, n = sorted(p.flatten(1).shape)
                groups.setdefault(f"{m}x{n}", {"names": []})["names"].append(name)
        return groups

    def wrap_gradient(self, rule: GradientRule, state: Any, view: View) -> tuple[GradientRule, Any]:
        return (in_halves(rule) if self._due(view) else rule), state

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if gradient.closed:
            return gradient, state
        after, gated = {}, dict(gradient.grads)
        for shape, group in state.items():
            mean = stack(gradient.grads, group["names"])  # [K, M, N]
            ema = group["ema"].lerp(mean, 0.1) if "ema" in group else mean
            after[shape] = group = {**group, "ema": ema}
            if self._due(view):
                halves = [stack(half, group["names"]) for half in gradient.halves]
                after[shape] = group = self._refresh(group, halves[0], halves[1], view)
            if self.settings.mode == "pre":
                gated |= gate(mean, group, gradient.grads)
        return gradient.with_grads(gated), after

    def on_updates(self, updates: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        gated = dict(updates)
        for group in state.values():
            gated |= gate(stack(updates, group["names"]), group, updates)
        return gated, state

    def on_resize(self, resize: Resize, params: Tensors, state: Any) -> Any:
        """Start anew: the directions belong to the old shape, and nothing is gated until a refresh."""
        return self.init(params, Streams(0))

    def meters(self, state: Any) -> Meters:
        """Mean gain, share of gains over (1 + rho) / 2, median coherence of bands by their power."""
        known = [group for group in state.values() if "gains" in group]
        if not known:
            return {}
        gains = torch.cat([group["gains"].flatten() for group in known])
        cross, power = (
            torch.cat([g[name].flatten() for g in known]) for name in ("cross", "power")
        )
        return {
            "gain": gains.mean(),
            "open": (gains > 0.5 * (1.0 + self.settings.rho)).float().mean(),
            "coherence": weighted_median(coherence(cross, power), power),
        }

    def _due(self, view: View) -> bool:
        return view.clock.step % self.settings.every == 0

    def _refresh(
        self, group: dict[str, Any], first: Tensor, second: Tensor, view: View
    ) -> dict[str, Any]:
        """New basis, smoothed band powers and gate from the halves' gradients [K, M, N]."""
        basis = eigenbasis(group["ema"], group.get("basis"))  # [K, M, M], columns by falling power
        cross, power = band_powers(basis, first, second)  # [K, B] each
        if "cross" in group:
            cross = group["cross"].lerp(cross, 0.2)
            power = group["power"].lerp(power, 0.2)
        band, sizes = bands(basis.shape[-1], basis.device)  # [M], [B]
        each = self._gains(cross, power, sizes)[:, band]  # [K, M], one a direction
        if self.settings.control == "shuffled":
            generator = view.streams.generator("shuffle", view.clock.step)
            order = torch.stack([torch.randperm(each.shape[1], generator=generator) for _ in each])
            each = each.gather(1, order.to(each.device))
        matrix = (basis * each[:, None, :]) @ basis.mT  # [K, M, M], symmetric
        learned = {"basis": basis, "cross": cross, "power": power, "gains": each, "gate": matrix}
        return {**group, **learned}

    def _gains(self, cross: Tensor, power: Tensor, sizes: Tensor) -> Tensor:
        """[K, B] from smoothed powers [K, B] and the number of directions in each band [B]."""
        if self.settings.control == "magnitude":
            level = power / sizes
            agreement = level / (level.amax(1, keepdim=True) + TINY)
        else:
            agreement = coherence(cross, power)
        if self.settings.open_on == "noise":
            agreement = 1.0 - agreement
        return self.settings.rho + (1.0 - self.settings.rho) * agreement


def coherence(cross: Tensor, power: Tensor) -> Tensor:
    """How far the halves agree, per band: 1 - |half difference|^2 / |half sum|^2, cut to [0, 1].

    The cross-power of independent halves estimates the mean gradient's power without bias.
    """
    return (cross.clamp(min=0.0) / (power + TINY)).clamp(max=1.0)


def band_powers(basis: Tensor, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-power of the halves and power of their mean, [K, B], from [K, M, M] and [K, M, N]."""
    a, b = basis.mT @ first, basis.mT @ second  # [K, M, N]
    where, sizes = bands(basis.shape[-1], a.device)
    zeros = a.new_zeros(a.shape[0], len(sizes))
    cross = zeros.index_add(1, where, (a * b).sum(-1))
    return cross, zeros.index_add(1, where, ((a + b) * 0.5).square().sum(-1))


def gate(x: Tensor, group: Mapping[str, Any], signal: Tensors) -> dict[str, Tensor]:
    """The matrices [K, M, N] of a group gated, each brought back to its own norm, by name.

    None before the group's first refresh, which a closed gradient can put off.
    """
    if "gate" not in group:
        return {}
    y = group["gate"] @ x
    y *= matrix_norm(x, keepdim=True) / (matrix_norm(y, keepdim=True) + TINY)
    named = zip(group["names"], y, strict=True)
    upright = {name: m if len(m) == len(signal[name]) else m.mT for name, m in named}
    return {name: m.reshape(signal[name].shape) for name, m in upright.items()}


def stack(signal: Tensors, names: list[str]) -> Tensor:
    """[K, M, N]: the named matrices, tall ones on their side."""
    flat = (signal[name].flatten(1) for name in names)
    return torch.stack([x if x.shape[0] <= x.shape[1] else x.mT for x in flat])
