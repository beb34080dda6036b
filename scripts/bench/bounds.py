"""What is too quick to be noticed, against its bound: a batch, a digest of a text, a campaign."""

from collections.abc import Iterator

import numpy as np

from audition import stats
from audition.data.shakespeare import Shakespeare
from audition.data.source import Source
from audition.data.stdlib import StandardLibrary
from audition.recipe.signals import Clock
from audition.recipe.streams import Streams
from scripts.bench.pairs import Row, alone


def rows() -> Iterator[Row]:
    """Each by itself, in the unit of its bound."""
    plays = Shakespeare(batch_size=12, context=16, evaluation_tokens=1600)
    batches = plays.open(Streams(1))

    def fifty() -> None:
        for step in range(50):
            batches.train(Clock(step))

    yield alone("a batch of 12 windows", fifty, times=5, unit="ms", per=1e-3 * 50, bound="0.15 ms")
    sources: dict[str, Source] = {"the plays": plays, "the standard library": StandardLibrary()}
    for name, source in sources.items():
        yield alone(
            f"the digests of {name}",
            lambda source=source: (source.corpus_fingerprint, source.evaluation_fingerprint),  # type: ignore[misc]
            times=3,
            unit="ms",
            per=1e-3,
            bound="50 ms",
        )
    noise = np.random.default_rng(0)
    arms = {
        f"i{k}": dict(zip((42, 137, 256), noise.normal(size=3), strict=True)) for k in range(31)
    }
    baseline = arms.pop("i30")
    yield alone(
        "a campaign of thirty arms judged",
        lambda: stats.compare_campaign(baseline, arms),
        times=3,
        unit="s",
        bound="2 s",
    )
