"""The placebo: the same windows in another order, and nothing else."""

import torch

from audition.recipe.batches import Clock
from audition.recipe.streams import Streams


def epoch(job, seed=42):
    """Every training window's first tokens, one row a window, in the order of training."""
    batches = job.recipe.data(Streams(seed))
    steps = min(40, batches.windows_per_epoch // batches.train(Clock(0)).rows)
    return torch.cat([batches.train(Clock(step)).inputs for step in range(steps)])


def test_another_order_of_the_same_text(job_of):
    plain, sugar = epoch(job_of()), epoch(job_of("+idea=placebo"))
    assert plain.shape == sugar.shape
    assert not torch.equal(plain, sugar)


def test_each_dose_and_each_seed_is_its_own_order(job_of):
    chalk = job_of("+idea=placebo", "ideas.placebo.dose=chalk")
    orders = [epoch(job_of("+idea=placebo")), epoch(chalk), epoch(chalk, seed=43)]
    again = epoch(job_of("+idea=placebo"))
    assert torch.equal(orders[0], again)
    assert not any(torch.equal(orders[i], orders[j]) for i, j in [(0, 1), (0, 2), (1, 2)])


def test_the_held_out_text_stays(job_of):
    plain, sugar = (
        torch.cat([b.inputs for b in job_of(*o).recipe.data(Streams(42)).held_out()])
        for o in ((), ("+idea=placebo",))
    )
    assert torch.equal(plain, sugar)
