"""When events happen: by shares of the run, never at its very end, and how many test a strategy."""

import pytest

from audition.apoptosis.fitness.random import Random
from audition.apoptosis.heredity.reset import Reset
from audition.apoptosis.strategy import Strategy
from audition.apoptosis.timetable.periodic import Periodic
from audition.apoptosis.timetable.spread import Spread
from audition.errors import AuditionError
from audition.recipe.batches import Clock


def events(timetable, steps):
    """The steps, counted from one, that an event follows."""
    return [s + 1 for s in range(steps) if timetable.due(Clock(s, steps, s / steps))]


@pytest.mark.parametrize("steps", [50, 99, 100, 1300, 5000])
def test_a_run_of_any_length_has_as_many_events(steps):
    found = events(Spread(), steps)
    assert len(found) == 10
    assert all(abs(e / steps - (0.1 + 0.08 * i)) < 1 / steps for i, e in enumerate(found))


@pytest.mark.parametrize("steps", [2, 3, 5, 9, 40])
@pytest.mark.parametrize(
    "timetable",
    [Spread(start=0.0, interval=0.05, until=1.0), Periodic(interval=1, warmup=0, until=1.0)],
)
def test_no_event_is_on_or_just_before_the_last_step(timetable, steps):
    found = events(timetable, steps)
    assert max(found, default=0) == (
        steps - 2 if steps <= 20 or isinstance(timetable, Periodic) else 38
    )
    assert len(set(found)) == len(found)


def test_places_that_rounding_moves_are_met_once():
    assert events(Spread(start=0.1, interval=0.1, until=1.0), 10) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_an_interval_longer_than_the_run_is_refused():
    with pytest.raises(AuditionError, match="interval=200 steps never comes in a run of 200"):
        Periodic().check(200)
    Periodic().check(201)
    Periodic().check(None)
    with pytest.raises(AuditionError, match="need a budget of steps"):
        Spread().check(None)
    Spread().check(3)


def strategy(**settings):
    return Strategy(fitness=Random(), heredity=Reset(), timetable=Spread(), **settings)


def test_few_events_leave_a_strategy_untested():
    assert strategy().untested({"events": 5}) == ""
    assert strategy().untested({"events": 4}) == "4 events of the 5 that test a strategy"
    assert strategy(rate=0.0).untested({"events": 0}) == ""
