"""Joules of a run: what it costs from its first step to its end, however often it was stopped."""

import pytest
from taking_up import train_on
from tests.core.test_identity import edited

from audition.config.identity import identify
from audition.energy.meter import AtOnce
from audition.errors import AuditionError
from audition.observers.checkpoint import Checkpoint
from audition.observers.energy import Energy
from audition.observers.observer import Observer
from audition.training.loop import train

WATTS = 100.0


class Clock(Observer):
    """By it, the first step is made at 50 s, and each step takes 6 s, its evaluation included."""

    now = 50.0

    def on_step(self, session, report):
        self.now += 6.0


class Constant:
    """A meter that always draws the same power."""

    name, method = "constant", "measured"

    def __init__(self, clock):
        self.clock, self.closed = clock, False

    def sharers(self, at_once):
        return at_once.machine

    def open(self, cards):
        self.since = self.clock.now
        return self

    def joules(self):
        assert not self.closed
        return WATTS * (self.clock.now - self.since)

    def close(self):
        total, self.closed = self.joules(), True
        return total


def metered(at_once=None, meter=Constant):
    """An observer, the clock it goes by, and what it said."""
    clock, said = Clock(), []
    energy = Energy(meter(clock), at_once or AtOnce(), cards=1, say=said.append)
    return energy, clock, said


def test_a_hundred_watts_for_36_seconds_are_a_watt_hour(job_of):
    energy, clock, said = metered()
    train(job_of(), [clock, energy])
    assert energy.facts() == {
        "joules": 3600.0,
        "energy_method": "measured",
        "energy_meter": "constant",
        "energy_shared": 1,
    }
    assert energy.meter.closed
    assert said == []


def test_runs_that_share_a_meter_share_its_joules(job_of):
    energy, clock, _ = metered(AtOnce(machine=3))
    train(job_of(), [clock, energy])
    assert (energy.facts()["joules"], energy.facts()["energy_shared"]) == (1200.0, 3)


def attempt(job, folder, stop=None, meter=Constant):
    """Train on in `folder`, until `stop`; the observer, and what it said."""
    energy, clock, said = metered(meter=meter)
    checkpoint = Checkpoint(folder, "key", said.append, energy.memory)
    outcome = train_on(
        job,
        [clock, energy, checkpoint],
        folder=folder,
        key="key",
        say=said.append,
        interrupted=lambda step: step == stop,
        recall=energy.recall,
    )
    return energy, said, outcome


@pytest.mark.parametrize("stops", [[1], [3], [2, 5]])
def test_a_resumed_run_has_the_joules_of_a_whole_one(job_of, tmp_path, stops):
    for stop in stops:
        assert attempt(job_of(), tmp_path, stop)[2].status == "interrupted"
    energy, said, outcome = attempt(job_of(), tmp_path)
    assert outcome.status == "finished"
    assert energy.facts()["joules"] == pytest.approx(3600.0)
    assert said == []


def test_half_a_run_has_no_joules(job_of, tmp_path):
    class Other(Constant):
        name = "other"

    attempt(job_of(), tmp_path, 3)
    energy, said, _ = attempt(job_of(), tmp_path, 5, meter=Other)
    assert energy.facts() == {}
    assert said == ["the run has no joules: it was not metered by other from its first step"]
    # And it never has them again, by either meter.
    assert attempt(job_of(), tmp_path)[0].facts() == {}


def test_a_meter_that_fails_stops_no_run(job_of):
    class Gone(Constant):
        def open(self, cards):
            raise AuditionError("energy=constant is not here")

    class Breaks(Constant):
        def joules(self):
            raise OSError(5, "Input/output error")

    for meter, why in ((Gone, "is not here"), (Breaks, "stopped answering (Input/output error)")):
        energy, clock, said = metered(meter=meter)
        assert train(job_of(), [clock, energy]).status == "finished"
        assert energy.facts() == {}
        assert len(said) == 1
        assert why in said[0]


def test_a_meter_leaves_the_weights_and_the_name_of_a_run_alone(
    job_of, settings_of, trained, weights_of, differences
):
    energy, clock, _ = metered()
    watched = train(job_of(), [clock, energy])
    assert not differences(weights_of(watched), weights_of(trained()))
    settings = settings_of()
    for name in ("rapl.Rapl", "nvml.Nvml", "codecarbon.CodeCarbon"):
        node = {"_target_": f"audition.energy.{name}"}
        assert identify(edited(settings, "energy", node)) == identify(settings)
