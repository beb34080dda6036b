"""A small trained session to operate on."""

import pytest

from audition.recipe.signals import Clock, Controls, Problem, View
from audition.session import begin
from audition.trainer import advance


@pytest.fixture(params=["adamw", "sgd", "muon"])
def optimizer(request):
    return f"optimizer={request.param}"


@pytest.fixture
def session_of(job_of):
    """Overrides -> (job, session after two steps), so that every moment is there."""

    def started(*overrides):
        job = job_of("apoptosis=functional_preservation", "apoptosis.warmup=100", *overrides)
        session = begin(job.recipe, job.seed, "cpu")
        for step in range(2):
            advance(job, session, Clock(step, 10, step / 10))
        return job, session

    return started


@pytest.fixture
def gradient_of():
    """(job, session) -> the plain gradient of the next step's batch."""

    def measured(job, session):
        batch = session.batches.train(session.step)
        return job.recipe.gradient(Problem(session.model, session.params, job.recipe.loss, batch))

    return measured


@pytest.fixture
def view_of():
    """(session, step) -> what apoptosis sees after that step of ten."""
    return lambda session, step=0: View(
        Clock(step, 10, step / 10), Controls(), session.params, session.streams.child("apoptosis")
    )
