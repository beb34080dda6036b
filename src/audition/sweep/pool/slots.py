"""Where a run may stand: worker slots, each with the card that its child will see."""

from collections.abc import Mapping

from audition.errors import AuditionError
from audition.machine import VISIBLE, offered
from audition.sweep.pool.job import PoolSettings


def slots(settings: PoolSettings, environment: Mapping[str, str]) -> list[str | None]:
    """One entry a worker: the CUDA_VISIBLE_DEVICES of its children, or None to leave it alone.

    Cards come round before they are doubled, so that two workers on two cards never share one.
    Raises AuditionError for a card that `environment` does not offer or that is named twice.
    """
    if not settings.gpus:
        return [None] * settings.workers
    if len(set(settings.gpus)) < len(settings.gpus):
        raise AuditionError(
            f"gpus={list(settings.gpus)} names a card twice: use runs_per_gpu to share one."
        )
    cards = [_card(gpu, environment.get(VISIBLE)) for gpu in settings.gpus]
    each = settings.gpus_per_run
    hands = [",".join(cards[i : i + each]) for i in range(0, len(cards) - each + 1, each)]
    places: list[str | None] = [hand for _ in range(settings.runs_per_gpu) for hand in hands]
    return places[: settings.workers]


def _card(gpu: int, visible: str | None) -> str:
    """The n-th card of those this process may see, so that a cluster's allocation is respected."""
    names = offered(visible)
    if gpu < 0 or (names is not None and gpu >= len(names)):
        known = "any from 0" if names is None else ", ".join(map(str, range(len(names))))
        raise AuditionError(f"gpus names card {gpu}; choose from: {known or '(none)'}.")
    return str(gpu) if names is None else names[gpu]
