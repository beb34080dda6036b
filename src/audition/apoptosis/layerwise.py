"""Another strategy at every depth: each band of layers has its own parts and rate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from audition.apoptosis.strategy import Strategy, check_sites
from audition.errors import AuditionError
from audition.recipe.probe import Probe
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View
from audition.recipe.turnover import Event, Turnover
from audition.recipe.units import Units


@dataclass(frozen=True, kw_only=True)
class Band(Strategy):
    """The strategy of the layers in a range of depths."""

    neutral: ClassVar = {}

    layers: tuple[float, float] = (0.0, 1.0)
    """Depths from and up to which, as shares of the stack; a layer is where its middle is."""

    def __post_init__(self) -> None:
        low, high = self.layers
        if not 0.0 <= low < high <= 1.0:
            raise AuditionError(
                f"layers=[{low},{high}] is not a range of depths: 0 <= first < last <= 1"
            )


@dataclass(frozen=True, kw_only=True)
class Layerwise(Turnover):
    """A band for every range of depths, each at its own events; other layers keep their units.

    Raises AuditionError for bands that overlap on a layer, and for one that no layer is in.
    """

    neutral: ClassVar = {"bands": None}
    active: ClassVar = {"bands.middle": None}

    bands: Mapping[str, Band | None] | None
    """Strategies with a range of depths, each under a name; null leaves one out."""

    @property
    def _bands(self) -> dict[str, Band]:
        return {name: band for name, band in (self.bands or {}).items() if band is not None}

    def init(self, sites: Mapping[str, Units], params: Tensors) -> dict[str, Any]:
        if self._bands:
            check_sites(sites)
        own = assigned(self._bands, sites)
        return {
            n: band.init({s: sites[s] for s in own[n]}, params) for n, band in self._bands.items()
        }

    def check(self, steps: int | None) -> None:
        for band in self._bands.values():
            band.check(steps)

    def untested(self, state: Any) -> str:
        whys = ((n, band.untested(state[n])) for n, band in self._bands.items())
        return next((f"{why} (the band {name})" for name, why in whys if why), "")

    def propose(
        self, probe: Probe, gradient: Gradient, state: Any, view: View
    ) -> tuple[Sequence[Event], Any]:
        events: list[Event] = []
        after = {}
        for name, band in self._bands.items():
            own, after[name] = band.propose(probe, gradient, state[name], view)
            events += own
        return events, after


def layer_of(site: str) -> str:
    """The layer that a site is in: its name up to the first number, which tells layers apart."""
    words = site.split(".")
    place = next((i for i, word in enumerate(words) if word.isdigit()), len(words))
    return ".".join(words[: place + 1])


def assigned(bands: Mapping[str, Band], sites: Mapping[str, Units]) -> dict[str, list[str]]:
    """Band -> the sites of the layers in it; raises AuditionError as `Layerwise` says."""
    layers = list(dict.fromkeys(map(layer_of, sites)))
    taken: dict[str, str] = {}
    for name, band in bands.items():
        low, high = band.layers
        inside = [x for i, x in enumerate(layers) if low <= (i + 0.5) / len(layers) < high]
        if not inside:
            raise AuditionError(
                f"layers=[{low:g},{high:g}] of the band {name} names none of the {len(layers)} "
                f"layers that have units: make it wider, or leave it out, "
                f"apoptosis.bands.{name}=null"
            )
        for layer in inside:
            if layer in taken:
                raise AuditionError(
                    f"the bands {taken[layer]} and {name} overlap on {layer}: choose ranges of "
                    "layers that do not"
                )
            taken[layer] = name
    return {name: [s for s in sites if taken.get(layer_of(s)) == name] for name in bands}
