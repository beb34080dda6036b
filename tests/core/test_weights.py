"""The file of a run's last weights: its bits are the record's, and nothing of the run depends on it."""

import errno
from pathlib import Path

import pytest
import torch

from audition.config.identity import identify
from audition.errors import AuditionError
from audition.recipe.weights import FILE, Kept, digest, read_kept
from audition.records.record import Record
from audition.training import worker
from audition.training.run import perform
from audition.training.run_spec import RunSpec


@pytest.fixture
def trained_in(settings_of, tmp_path):
    """A folder's name and overrides -> the record of a run trained there, and the run's folder."""

    def of(name, *overrides):
        settings = settings_of(*overrides)
        settings = {**settings, "paths": {**settings["paths"], "output_dir": str(tmp_path / name)}}
        own = identify(settings)
        record = Record(
            key=own.key,
            config_hash=own.config_hash,
            baseline_hash=own.config_hash,
            arm="baseline",
            ideas=(),
            seed=settings["seed"],
            status="running",
            evaluation=own.evaluation,
        )
        spec = RunSpec(record, settings, {})
        return perform(spec, lambda told: None), spec.folder

    return of


def test_weights_are_kept_on_request_and_are_no_part_of_the_identity(trained_in):
    record, folder = trained_in("with", "keep.weights=true", "execution.pack=off")
    plain, bare = trained_in("without")
    assert record.key == plain.key
    assert record.weights == plain.weights
    assert not (bare / FILE).exists()
    kept = read_kept(folder / FILE, record.weights)
    assert digest(kept.tensors) == record.weights


def test_units_that_were_resized_are_noted(trained_in):
    record, folder = trained_in(
        "topology",
        "keep.weights=true",
        "apoptosis=dynamic_topology",
        "apoptosis/timetable=periodic",
        "apoptosis.timetable.interval=2",
        "apoptosis.timetable.warmup=1",
    )
    kept = read_kept(folder / FILE, record.weights)
    for site, count in kept.widths.items():
        assert kept.tensors[f"{site}.up.weight"].shape[0] == count


def test_a_full_disk_costs_the_weights_and_not_the_run(trained_in, monkeypatch):
    def full(path: Path, content: memoryview) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(worker, "write_durably", full)
    record, folder = trained_in("full", "keep.weights=true")
    assert record.status == "finished"
    assert record.notes == ("its weights were not kept: No space left on device",)
    assert not (folder / FILE).exists()


def test_other_weights_and_damaged_files_are_refused(tmp_path):
    kept = Kept({"w": torch.tensor([1.0, 2.0])})
    path = tmp_path / FILE
    path.write_bytes(kept.content())
    assert torch.equal(read_kept(path, digest(kept.tensors)).tensors["w"], kept.tensors["w"])
    with pytest.raises(AuditionError, match="holds other weights than its record says"):
        read_kept(path, "0" * 32)
    path.write_bytes(kept.content()[:-3])
    with pytest.raises(AuditionError, match="is no whole file of weights"):
        read_kept(path, digest(kept.tensors))
    with pytest.raises(FileNotFoundError):
        read_kept(tmp_path / "nothing", "")


def test_what_is_kept_is_a_copy():
    live = torch.ones(2)
    kept = Kept.of({"w": live, "twin": live[:1]}, {})
    live.zero_()
    assert kept.tensors["w"].tolist() == [1.0, 1.0]
    assert set(Kept.read(kept.content()).tensors) == {"w", "twin"}
