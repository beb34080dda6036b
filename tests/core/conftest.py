"""A session without a trainer around it, and the effects that the tests of the loop listen with."""

import pytest
import torch

from audition.recipe.batches import Clock
from audition.recipe.problem import Problem
from audition.session import begin


@pytest.fixture
def session_of(job_of):
    """Overrides -> (job, session before its first step)."""

    def started(*overrides):
        job = job_of(*overrides)
        return job, begin(job.recipe, job.seed, "cpu")

    return started


@pytest.fixture
def problem_of(session_of):
    """Overrides -> the problem of a run's first step."""

    def posed(*overrides, micro_batches=1):
        job, session = session_of(*overrides)
        batch = session.batches.train(Clock(0))
        return Problem(session.model, session.params, job.recipe.loss, batch, micro_batches)

    return posed


@pytest.fixture
def close():
    """Whether two mappings of tensors agree to an absolute tolerance, names included."""

    def agree(a, b, atol=1e-6):
        return list(a) == list(b) and all(torch.allclose(a[n], b[n], atol=atol) for n in a)

    return agree
