"""The ways to compute a step that `auto` chooses from: which are measured, and what it then is."""

from collections.abc import Mapping, Sequence
from statistics import median

from audition.bench.plan import PlannedSweep
from audition.bench.trial import Timing, Trial, precisions_of
from audition.budget import Budget
from audition.measured import Way, Ways, recall_pairing, shape
from audition.records.record import now
from audition.sweep.resolve_auto import AUTO, among, better, steps_of, usual_way
from audition.text import count, roughly


def compiled_ways(sweep: PlannedSweep, cards: Sequence[int]) -> Mapping[str, Trial]:
    """Precision -> the baseline computed so, compiled if it is configured not to be, and vice versa.

    None where `execution.compile` is not `auto`.
    """
    if "compile" not in sweep.open:
        return {}
    settings, execution = sweep.settings, sweep.settings["execution"]
    other = not execution["compile"]
    return {
        name: Trial(
            label=f"{name}, {'compiled' if other else 'not compiled'}",
            settings={
                **settings,
                "precision": node,
                "execution": {**execution, "compile": other},
            },
            gpus=tuple(cards[:1]),
        )
        for name, node in precisions_of(sweep).items()
    }


def ways_of(
    sweep: PlannedSweep,
    as_configured: Mapping[str, Sequence[Timing]],
    turned: Mapping[str, Sequence[Timing]],
) -> Ways:
    """The ways that were measured, each by one run alone with the configured number of threads.

    as_configured, turned: timings by precision, compiled as the baseline is configured, and not so.
    A start takes as long in either precision, so that its noise decides nothing.
    """
    execution, nodes = sweep.settings["execution"], precisions_of(sweep)
    timings = [
        (str(nodes[name]["_target_"]), compiled, found[0])
        for compiled, by_name in (
            (execution["compile"], as_configured),
            (not execution["compile"], turned),
        )
        for name, found in by_name.items()
        if found and not found[0].uncompiled
    ]
    starts = {
        compiled: median(each.start_s for _, other, each in timings if other == compiled)
        for compiled in {compiled for _, compiled, _ in timings}
    }
    return Ways(
        device=execution["device"],
        threads=execution["threads"],
        shape=shape(sweep.settings),
        units_per_step=next(iter(as_configured.values()))[0].units_per_step,
        ways=tuple(
            Way(precision=target, compile=compiled, step_s=each.step_s, start_s=starts[compiled])
            for target, compiled, each in timings
        ),
        date=now(),
    )


def settled(sweep: PlannedSweep, measured: Ways) -> str:
    """What `auto` is for the baseline by what was measured, and the time of every way it may be."""
    settings = sweep.settings
    target, compiled = settings["precision"]["_target_"], settings["execution"]["compile"]
    asked = (
        AUTO if "precision" in sweep.open else target,
        AUTO if "compile" in sweep.open else compiled,
    )
    ways = among(measured, asked)
    first = usual_way(asked, measured.device)
    if AUTO not in asked or first not in ways:
        return ""
    budget = Budget(**settings["budget"])
    steps = steps_of(budget, measured, ways[first])
    pairing = recall_pairing(
        settings["paths"]["cache_dir"], device=measured.device, shape=measured.shape, steps=steps
    )
    chosen = better(measured, asked, first, budget, pairing) or first
    names = {node["_target_"]: name for name, node in precisions_of(sweep).items()}
    by_time = sorted((way.seconds(steps), kind) for kind, way in ways.items())
    times = "; ".join(
        f"{names[name]}{', compiled' * compile} {roughly(seconds)}"
        for seconds, (name, compile) in by_time
    )
    how = f"{names[chosen[0]]}{', compiled' * chosen[1]}"
    why = ""
    if pairing and asked[0] == AUTO:
        seeds = f"{pairing.ratio:.2g} [{pairing.low:.2g}, {pairing.high:.2g}] of the seeds"
        why = f"; {names[pairing.precision]} needs {seeds}, by `audition noise`"
    return f"{how}, for a run of {count(round(steps), 'step')} ({times}{why})"
