"""A small trained session to operate on, and what a strategy sees of it."""

from dataclasses import replace

import pytest
import torch

from audition.apoptosis.fitness.saliency import Saliency
from audition.apoptosis.heredity.functional_preservation import FunctionalPreservation
from audition.apoptosis.strategy import Site, Strategy
from audition.apoptosis.surgery import Weights
from audition.apoptosis.timetable.periodic import Periodic
from audition.recipe.batches import Clock
from audition.recipe.problem import Problem
from audition.recipe.signals import Controls, View
from audition.recipe.turnover import Event, Turnover
from audition.recipe.units import sites
from audition.session import begin
from audition.training.step import advance, probe_of


@pytest.fixture(params=["adamw", "sgd", "muon"])
def optimizer(request):
    return f"optimizer={request.param}"


@pytest.fixture
def session_of(job_of):
    """Overrides -> (job, session after two steps), so that every moment is there."""

    def started(*overrides):
        late = ("apoptosis/timetable=periodic", "apoptosis.timetable.warmup=100")
        job = job_of("apoptosis=functional_preservation", *late, *overrides)
        session = begin(job.recipe, job.seed, "cpu")
        for step in range(2):
            advance(job, session, Clock(step, 10, step / 10))
        return job, session

    return started


@pytest.fixture
def weights_to_cut():
    """What surgery works on, of a session."""
    return lambda session: Weights(session.model, session.params, session.optimizer)


@pytest.fixture
def gradient_of():
    """(job, session) -> the plain gradient of the next step's batch."""

    def measured(job, session):
        batch = session.batches.train(Clock(session.step))
        return job.recipe.gradient(Problem(session.model, session.params, job.recipe.loss, batch))

    return measured


@pytest.fixture
def view_of():
    """(session, step) -> what apoptosis sees after that step of ten."""
    return lambda session, step=0: View(
        Clock(step, 10, step / 10), Controls(), session.params, session.streams.child("apoptosis")
    )


@pytest.fixture
def strategy_of():
    """Parts and settings -> a strategy that has an event after every step."""

    def made(rate=0.05, fitness=None, heredity=None, victims="weakest", maturity=0.0, **settings):
        return Strategy(
            rate=rate,
            victims=victims,
            maturity=maturity,
            fitness=fitness or Saliency(),
            heredity=heredity or FunctionalPreservation(**settings),
            timetable=Periodic(interval=1, warmup=0),
        )

    return made


@pytest.fixture
def event(session_of, gradient_of, view_of, strategy_of):
    """Overrides, and a strategy's settings -> (session, state, events) of an event that is due."""

    def happened(*overrides, **settings):
        job, session = session_of(*overrides)
        strategy = strategy_of(**settings)
        gradient = gradient_of(job, session)
        with torch.no_grad():
            events, state = strategy.propose(
                probe_of(job, session, gradient_rows(session)),
                gradient,
                strategy.init(sites(session.model), session.params),
                view_of(session),
            )
        return session, state, events

    return happened


def gradient_rows(session):
    """Rows of a step's batch."""
    return session.batches.train(Clock(0)).rows


@pytest.fixture
def with_strategy():
    """(job, strategy) -> the job with that strategy."""
    return lambda job, strategy: replace(job, recipe=replace(job.recipe, apoptosis=strategy))


class Growing(Turnover):
    """After steps 2 and 4, every site gains three units, split off those that a probe shows at work.

    Its state is one number a unit, which must follow the widths.
    """

    steps = (2, 4)

    def init(self, sites, params):
        return {name: torch.zeros(units.count) for name, units in sites.items()}

    def event(self, site, fitness, probe, view):
        born = torch.arange(3) + site.units.count
        split = FunctionalPreservation(moments="copy")
        return split.replace(site, born, fitness, probe, view)

    def propose(self, probe, gradient, state, view):
        if view.clock.step + 1 not in self.steps:
            return (), state
        seen = probe.activations(view.clock.step)
        state = {n: f + seen[n].float().abs().mean((0, 1)) for n, f in state.items()}
        sites = [Site(name, units) for name, units in probe.sites.items()]
        events = [self.event(site, state[site.name], probe, view) for site in sites]
        return events, {e.site: e.carry(state[e.site]) for e in events}


class Shrinking(Growing):
    """The five least active units leave every site."""

    def event(self, site, fitness, probe, view):
        dead = fitness.argsort()[:5]
        return Event(
            site.name,
            dead[:0],
            dead.new_empty((0, 1)),
            resize=site.units.count - 5,
            removed=dead,
        )


class Turning(Growing):
    """Three units are added and the five least active leave, in one event."""

    def event(self, site, fitness, probe, view):
        grown = super().event(site, fitness, probe, view)
        dead = fitness.argsort()[:5]
        return replace(grown, resize=site.units.count - 2, removed=dead)


@pytest.fixture(params=[Growing, Shrinking, Turning])
def resizing(request):
    """A strategy that changes widths."""
    return request.param()
