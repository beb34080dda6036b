"""The table of a card is made on a processor too, by the same code; batches are copied from pinned
memory."""

from pathlib import Path

import pytest
import torch
from scripts.bench import gpu

from audition.recipe.batches import Batch


def test_a_machine_without_a_card_says_so_in_a_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("sys.argv", ["gpu"])
    with pytest.raises(SystemExit, match="no CUDA card"):
        gpu.main()


def test_rows_have_all_columns_and_the_same_step_has_the_same_weights(tmp_path, cache_dir):
    bench = gpu.Bench("cpu", 0.0, True, tmp_path)
    cache = f"paths.cache_dir={cache_dir}"
    rows = [
        bench.row(gpu.Case("a step", (gpu.LARGE, *more, cache), around))
        for more, around in (
            ((), gpu.nullcontext),
            (("loss.chunk=off",), gpu.nullcontext),
            (("loss.chunk=7",), gpu.nullcontext),
        )
    ]
    columns = gpu.HEAD.splitlines()[0].count("|")
    assert {row.count("|") for row in rows} == {columns}
    plain, off, chunks = (row.split("|")[-2] for row in rows)
    assert plain == off != chunks


def test_a_row_that_cannot_be_measured_says_why(tmp_path, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory\nand more")

    monkeypatch.setattr(gpu, "job", full)
    row = gpu.Bench("cpu", 0.0, True, tmp_path).row(gpu.CASES[0])
    assert "not measured: CUDA out of memory |" in row


def test_the_driver_is_read_where_there_is_one(tmp_path: Path):
    listing = tmp_path / "version"
    assert gpu.driver(listing) == "no driver"
    listing.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.159  Tue\n")
    assert gpu.driver(listing) == "driver 580.159"


def test_a_batch_reaches_another_device_from_pinned_memory_alone(monkeypatch):
    pinned: list[int] = []

    def pin(tensor: torch.Tensor) -> torch.Tensor:
        pinned.append(id(tensor))
        return tensor

    def send(tensor: torch.Tensor, device: str, non_blocking: bool = False) -> torch.Tensor:
        sent.append((device, non_blocking))
        return tensor

    sent: list[tuple[str, bool]] = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    monkeypatch.setattr(torch.Tensor, "to", send)
    ids = torch.arange(2)
    batch = Batch(torch.zeros(2, 3), torch.zeros(2, 3), ids, ids, torch.ones(2, 5) > 0)
    batch.to("cuda")
    assert len(pinned) == 5
    assert sent == [("cuda", True)] * 5
    assert batch.to("cpu") is batch
