"""Gradual pruning: the paper's schedule, exact zeros, torch's own mask, masks that only grow."""

import pytest
import torch
from torch.nn.utils import prune as torch_prune

from audition.effects.prune import Prune, largest
from audition.errors import AuditionError
from audition.observers.observer import Observer
from audition.training.loop import train

SOON = (
    "preset=prune",
    "effects.prune.amount=0.7",
    "effects.prune.begin=0",
    "effects.prune.end=0.7",
    "effects.prune.every=1",
)


class Zeros(Observer):
    """Which entries of each matrix of the blocks are zero after each step."""

    def __init__(self):
        self.steps = []

    def on_step(self, session, report):
        self.steps.append(
            {
                name: p.detach() == 0
                for name, p in session.params.items()
                if name.startswith("blocks.") and p.ndim > 1
            }
        )


def test_the_share_is_the_cube_of_what_is_left():
    rule = Prune(amount=0.9, begin=0.2, end=0.8)
    for spent, u in ((0.2, 0.0), (0.35, 0.25), (0.5, 0.5), (0.8, 1.0)):
        assert rule.share(spent) == pytest.approx(0.9 - 0.9 * (1 - u) ** 3)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.7, 0.99])
def test_the_mask_is_torchs(share):
    weight = torch.randn(10, 7, generator=torch.Generator().manual_seed(3))
    module = torch.nn.Linear(7, 10)
    module.weight.data = weight.clone()
    dropped = int(share * 70 + 1e-9)
    torch_prune.l1_unstructured(module, "weight", amount=dropped)
    assert torch.equal(largest(weight, share), module.weight_mask.bool())
    assert (~largest(weight, share)).sum() == dropped


def test_zeros_are_exact_after_every_update_and_never_come_back(job_of):
    seen = Zeros()
    outcome = train(job_of(*SOON), [seen])
    rule = Prune(amount=0.7, begin=0.0, end=0.7, every=1)
    steps = len(seen.steps)
    for step, zeros in enumerate(seen.steps, start=1):
        for mask in zeros.values():
            assert mask.sum() == int(rule.share(step / steps) * mask.numel() + 1e-9)
    for before, after in zip(seen.steps, seen.steps[1:], strict=False):
        assert all((after[name] | ~before[name]).all() for name in before)
    embedding = outcome.session.params["embedding.weight"]
    assert embedding.count_nonzero() == embedding.numel()


def test_the_amount_is_reached_at_the_end_whatever_the_interval_is(job_of):
    seen = Zeros()
    train(job_of(*SOON[:-1], "effects.prune.every=4"), [seen])
    for mask in seen.steps[-1].values():
        assert mask.sum() == int(0.7 * mask.numel() + 1e-9)


def test_gradients_of_masked_entries_are_zero_so_that_moments_fade(job_of):
    outcome = train(job_of(*SOON, "budget.steps=12"))
    session = outcome.session
    for name, mask in session.effects["prune"]["masks"].items():
        moment = session.optimizer.state[session.params[name]]["exp_avg"]
        assert moment[~mask].abs().mean() < moment[mask].abs().mean()


def test_a_beginning_after_the_end_is_refused():
    with pytest.raises(AuditionError, match=r"begin=0.8 of prune is not before its end=0.8"):
        Prune(begin=0.8, end=0.8)
