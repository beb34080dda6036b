"""What `auto` means on this machine, settled before a run gets its name.

Precision and compilation follow one rule. A run of n steps takes T(n) = start + n × step seconds, its
evaluations left out, of which `audition bench` measured both for each way to compute it. `auto` is the
way with the smallest T(n), if that saves `WORTH` of the usual way's T(n); and the usual way where
nothing was measured. Usual is what needs no measurement: bfloat16 where the hardware multiplies it
natively, and nothing compiled.

A verdict takes so many runs of that time. Where `audition noise --keep` measured that same-seed
differences vary less in one precision, so that it needs a share of the seeds, T(n) counts that share.
"""

from collections.abc import Mapping
from typing import Any

from audition.budget import Budget
from audition.config.root import normalised
from audition.errors import AuditionError
from audition.machine import gpus, multiplies_bfloat16
from audition.measured import Pairing, Way, Ways, recall_pairing, recall_ways, shape

AUTO = "auto"
PRECISIONS = {True: "audition.execution.Bfloat16", False: "audition.execution.Float32"}
"""Whether the hardware multiplies bfloat16 natively -> the usual precision."""
WORTH = 0.05
"""The part of a run's time that another way than the usual one must save. Below, a second bench may
well say otherwise, and the runs of the first would be other runs."""


Kind = tuple[Any, Any]
"""Precision (its class's name) and compilation (true or false) of a way, or `auto` for either."""


def resolve_auto(settings: Mapping[str, Any]) -> dict[str, Any]:
    """`settings` with the device, the precision and the compilation that `auto` stands for.

    A run that a sweep handed to another machine carries in `arm` what was settled where the sweep
    began: it must not change its identity on the way.
    """
    sent, precision, execution = (settings[key] for key in ("arm", "precision", "execution"))
    if precision == {"_target_": AUTO}:
        precision = {"_target_": sent.get("precision") or AUTO}
    if execution.get("compile") == AUTO and sent.get("compile"):
        execution = {**execution, "compile": sent["compile"] == "true"}
    asked = (precision.get("_target_"), execution.get("compile", False))
    execution = {**usual(execution), "device": sent.get("device") or device_of(execution)}

    def computed(kind: Kind) -> dict[str, Any]:
        return {
            **settings,
            "execution": {**execution, "compile": kind[1]},
            "precision": {**precision, "_target_": kind[0]},
        }

    if AUTO not in asked:
        return {**settings, "execution": execution, "precision": precision}
    first = usual_way(asked, execution["device"])
    return computed(_measured(computed(first), asked, first) or first)


def usual_way(asked: Kind, device: str) -> Kind:
    """The way that is taken on `device` where nothing was measured."""
    native = PRECISIONS[multiplies_bfloat16(device)]
    return native if asked[0] == AUTO else asked[0], asked[1] is True


def usual(execution: Mapping[str, Any]) -> dict[str, Any]:
    """`execution` as it is where nothing was measured.

    A pack changes what a run is, and whether it pays depends on the seeds and workers of the sweep
    that it is part of, which must not change it: `auto` packs nothing (docs/packing.md).
    """
    pack, compiled = execution.get("pack", AUTO), execution.get("compile", False)
    return {
        **execution,
        "device": device_of(execution),
        "pack": "off" if pack == AUTO else pack,
        "compile": False if compiled == AUTO else compiled,
    }


def device_of(execution: Mapping[str, Any]) -> str:
    """The device that `execution` names, `auto` being whichever this machine has."""
    device = str(execution.get("device", AUTO))
    return ("cuda" if gpus() else "cpu") if device == AUTO else device


def _measured(settings: Mapping[str, Any], asked: Kind, first: Kind) -> Kind | None:
    """The way that `audition bench` found better than `first`, which `settings` name.

    None where no better one is known, and where no run could have these settings: a check says so.
    """
    execution, cache = settings["execution"], settings["paths"]["cache_dir"]
    known = recall_ways(cache, device=execution["device"], threads=execution["threads"])
    if not known:
        return None
    try:
        whole = normalised(settings, tuple(settings["allowed_targets"]))
        budget, own = Budget(**whole["budget"]), shape(whole)
    except AuditionError:
        return None
    of_shape = (measured for measured in known if measured.shape == own)
    # The newest that has more than one of the ways in question.
    each = next((each for each in of_shape if len(among(each, asked)) > 1), None)
    if each is None or first not in among(each, asked):
        return None
    steps = steps_of(budget, each, among(each, asked)[first])
    pairing = recall_pairing(cache, device=execution["device"], shape=own, steps=steps)
    return better(each, asked, first, budget, pairing)


def among(measured: Ways, asked: Kind) -> dict[Kind, Way]:
    """The measured ways that `asked` leaves open."""
    return {
        (way.precision, way.compile): way
        for way in measured.ways
        if asked[0] in (AUTO, way.precision) and asked[1] in (AUTO, way.compile)
    }


def better(
    measured: Ways, asked: Kind, first: Kind, budget: Budget, pairing: Pairing | None = None
) -> Kind | None:
    """The best measured way for runs of `budget`; None where it is `first`, or hardly better.

    pairing: how many seeds each precision needs, where that was measured.
    """
    ways = among(measured, asked)
    if first not in ways:
        return None
    steps = steps_of(budget, measured, ways[first])
    costs = {
        kind: way.seconds(steps) * (pairing.seeds_of(way.precision) if pairing else 1.0)
        for kind, way in ways.items()
    }
    best = min(costs, key=costs.__getitem__)
    return best if 1 - costs[best] / costs[first] >= WORTH else None


def steps_of(budget: Budget, measured: Ways, way: Way) -> float:
    """The steps of a run; where its budget is in minutes, those that `way` takes in them."""
    return budget.total_steps(measured.units_per_step) or 60 * (budget.minutes or 0) / way.step_s


def told(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Overrides that tell another machine how `auto` was settled here, for checked `settings`."""
    return (
        f"arm.device={settings['execution']['device']}",
        f"arm.precision={settings['precision']['_target_']}",
        f"arm.compile='{str(settings['execution']['compile']).lower()}'",
    )


SETTLED = ("device", "precision", "compile")
"""The keys of `arm` that `told` sets."""
