"""Floors of Fashion-MNIST, counted beforehand: what a learner does not reach, it has not learned."""

from pathlib import Path

import pytest
import torch

from audition.data.fashion import Fashion
from audition.evaluators.few_shot import nearest, right
from audition.recipe.batches import Clock
from audition.recipe.streams import Streams
from audition.tasks.classification import Classification
from audition.tasks.episodes import Episodes, FewShot
from audition.training.loop import train

pytestmark = pytest.mark.skipif(
    not Path(Fashion.path).is_dir(), reason="Debian's package is not installed"
)


class Whole:
    """The 10,000 test pictures, of which every class may be asked."""

    def __init__(self, images):
        self.shape, self.images = images.shape, images

    def within(self, *names):
        return self

    def held_out(self, at_once=2048):
        return self.images.held_out(at_once)


@pytest.mark.parametrize(("shots", "accuracy", "near"), [(1, 58.9, 1.8), (5, 73.2, 1.6)])
def test_the_nearest_mean_of_pixels_reaches_what_was_counted_beforehand(shots, accuracy, near):
    """5 of its 10 classes, 600 episodes; two independent samples of episodes may differ."""
    whole = Whole(Fashion(held_out="test").open(Streams(1)))
    task = Episodes(of=Classification(), novel=10, shots=shots)
    every = [
        right(query, nearest(support, query))
        for (_, support), (_, query) in FewShot(whole, task).episodes()
    ]
    assert abs(100 * float(torch.stack(every).mean()) - accuracy) < near


def nearest_mean(images) -> float:
    """The accuracy in percent of the nearest mean of a class's training pixels."""
    whole = [images.train(Clock(step)) for step in range(100)]
    inputs, targets = (torch.cat([getattr(b, f) for b in whole]) for f in ("inputs", "targets"))
    means = torch.stack([inputs[targets == c].mean(0).flatten() for c in range(10)])
    found = [
        (torch.cdist(batch.inputs.flatten(1), means).argmin(1) == batch.targets)
        for batch in images.held_out()
    ]
    return 100 * float(torch.cat(found).double().mean())


@pytest.mark.slow
def test_a_short_run_leaves_the_nearest_mean_far_behind(job_of):
    base = ("experiment=fashion", "budget.examples=40_000", "precision=fp32")
    job = job_of("optimizer.lr=4e-3", base=base)
    floor = nearest_mean(job.recipe.data(Streams(42)))
    assert 64.0 < floor < 72.0
    assert train(job).final["val/accuracy"] > floor + 8.0
