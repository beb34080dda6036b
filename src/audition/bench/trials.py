"""Which trials a bench consists of: every arm alone, the baseline in every way, then in crowds."""

from collections.abc import Mapping, Sequence

from audition.bench.asked import PRECISIONS, Asked
from audition.bench.estimate import doubling
from audition.bench.trial import Trial
from audition.text import count

RUNS_PER_CARD = (1, 2, 4)


def arms_alone(asked: Asked, cards: Sequence[int]) -> Mapping[str, Trial]:
    """Arm -> one of its runs by itself, with an evaluation; the baseline first."""
    return {
        name: Trial(label=f"arm {name}", settings=settings, gpus=tuple(cards[:1]), evaluate=True)
        for name, settings in asked.arms.items()
    }


def other_ways(asked: Asked, cores: int, cards: Sequence[int]) -> Mapping[tuple[str, int], Trial]:
    """(precision, threads) -> the baseline computed so, in every way but the configured one.

    A card does the work whatever the threads, so there they stay as they are.
    """
    settings, execution = asked.settings, asked.settings["execution"]
    own = (asked.precision, execution["threads"])
    threads = {own[1]} if cards else {own[1], *doubling(cores)}
    nodes = {asked.precision: settings["precision"], **PRECISIONS}
    return {
        (name, number): Trial(
            label=f"{name}, {count(number, 'thread')}",
            settings={
                **settings,
                "precision": node,
                "execution": {**execution, "threads": number},
            },
            gpus=tuple(cards[:1]),
        )
        for name, node in nodes.items()
        for number in sorted(threads)
        if (name, number) != own
    }


def crowds(asked: Asked, cores: int, cards: Sequence[int]) -> Sequence[Trial]:
    """More than one of the baseline's runs at once, ever more: a core each, or so many a card."""
    if cards:
        sizes = [(len(cards) * runs, runs) for runs in RUNS_PER_CARD]
    else:
        room = max(1, cores // asked.settings["execution"]["threads"])
        sizes = [(workers, 1) for workers in doubling(room)]
    return [
        Trial(
            label=f"{workers} runs at once",
            settings=asked.settings,
            workers=workers,
            gpus=tuple(cards),
            runs_per_gpu=runs,
        )
        for workers, runs in sizes
        if workers > 1
    ]
