"""Joules from a counter to the record, through all that carries a run out."""

from pathlib import Path

import pytest
from tests.energy.test_meters import zone

from audition.config.identity import identify
from audition.energy.meter import AtOnce
from audition.energy.rapl import Rapl
from audition.errors import AuditionError
from audition.records.record import Record
from audition.sweep.check import check_meter, check_trackers
from audition.training.run import perform
from audition.training.run_spec import RunSpec


@pytest.fixture
def counter(tmp_path, monkeypatch) -> Path:
    """The one counter of this machine."""
    path = zone(tmp_path / "powercap", "intel-rapl:0", "package-0", 0)
    monkeypatch.setattr(Rapl.__init__, "__defaults__", (tmp_path / "powercap",))
    return path


@pytest.fixture
def assignment(settings_of, tmp_path):
    """Runs at once -> a run that is metered."""

    def of(at_once):
        settings = settings_of("energy=rapl")
        paths = {**settings["paths"], "output_dir": str(tmp_path / "ledger")}
        identity = identify(settings)
        record = Record(
            key=identity.key,
            config_hash=identity.config_hash,
            baseline_hash=identity.config_hash,
            arm="baseline",
            ideas=(),
            seed=settings["seed"],
            status="running",
        )
        return RunSpec(record, {**settings, "paths": paths}, {"git": {}}, at_once)

    return of


@pytest.mark.parametrize(("machine", "joules"), [(1, 3600.0), (2, 1800.0)])
def test_a_hundred_watts_in_a_record(assignment, counter, machine, joules):
    """Each step takes 6 s of them; the run is stopped after three, and its successor goes on."""

    def drawing(stop):
        def interrupted(step):
            if step != stop:
                counter.write_text(str(int(counter.read_text()) + 600_000_000))
            return step == stop

        return interrupted

    work = assignment(AtOnce(machine=machine))
    half = perform(work, lambda report: None, drawing(3))
    assert (half.status, half.joules) == ("interrupted", joules / 2)
    counter.write_text("77")  # as on another machine
    whole = perform(work, lambda report: None, drawing(None))
    assert (whole.status, whole.joules) == ("finished", joules)
    assert (whole.energy_method, whole.energy_meter) == ("measured", "rapl")
    assert whole.energy_shared == machine
    assert Record.from_json(whole.to_json()) == whole


def test_what_cannot_be_metered_here_is_refused_at_the_door(settings_of, monkeypatch, counter):
    check_meter(settings_of("energy=rapl"))
    check_meter(settings_of())
    counter.unlink()
    with pytest.raises(AuditionError, match="energy_uj cannot be read"):
        check_meter(settings_of("energy=rapl"))
    with pytest.raises(AuditionError, match="energy=nvml reads a card's energy, and the run is on"):
        check_meter(settings_of("energy=nvml"))
    monkeypatch.setattr("audition.trackers.tracker.find_spec", lambda name: None)
    with pytest.raises(AuditionError, match="logger=wandb needs the package wandb"):
        check_trackers(settings_of("logger=[wandb]"))
    check_trackers(settings_of())
