"""Which cards a process may use: read from CUDA_VISIBLE_DEVICES as CUDA and torch read it."""

from importlib import metadata
from pathlib import Path

import pynvml
import pytest
import torch

from audition import machine
from audition.machine import VISIBLE, gpus, offered, within
from audition.parallel.rank import card
from audition.sweep.pool import PoolSettings

UUIDS = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6,GPU-7c4e0000-1111-2222-3333-444455556666"
MIGS = "MIG-GPU-8932f937/1/0,MIG-GPU-8932f937/2/0"
SETTINGS = (
    *("", " ", "-1", "none", "NoDevFiles", "void", "all", "abc"),
    *(
        "0",
        "1",
        "0,1",
        " 4, 6",
        "2,0,-1,1",
        "0,none,1",
        "0,,1",
        ",0",
        "0,1,0",
        "+1,2",
        "1gpu2,2ampere",
    ),
    *(
        "10,3",
        "007",
        UUIDS,
        f"{UUIDS},0",
        f"0,{UUIDS}",
        f"{UUIDS},{UUIDS}",
        MIGS,
        f"{MIGS},{UUIDS}",
    ),
)


@pytest.mark.parametrize("visible", SETTINGS)
def test_entries_are_read_as_torch_reads_them(
    visible: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VISIBLE, visible)
    theirs = torch.cuda._parse_visible_devices()
    assert offered(visible) == tuple(map(str, theirs))


@pytest.mark.parametrize(
    ("visible", "cards", "there"),
    [
        (None, 3, ("0", "1", "2")),
        (None, 0, ()),
        ("1,0", 2, ("1", "0")),
        ("0,5,1", 2, ("0",)),
        ("7", 2, ()),
        ("0", 0, ()),
        ("-1", 2, ()),
        ("none", 2, ()),
        ("NoDevFiles", 2, ()),
        (UUIDS, 2, tuple(UUIDS.split(","))),
        (MIGS, 1, tuple(MIGS.split(","))),
        (UUIDS, 0, ()),
    ],
)
def test_a_card_counts_where_it_is_named_and_there(
    visible: str | None, cards: int, there: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert within(offered(visible), cards) == there
    monkeypatch.setattr(machine, "torch_version", lambda: "2.13.0+cu130")
    monkeypatch.setattr(machine, "installed", lambda: cards)
    if visible is None:
        monkeypatch.delenv(VISIBLE, raising=False)
    else:
        monkeypatch.setenv(VISIBLE, visible)
    assert gpus() == tuple(range(len(there)))
    # What a run is given, in a pool or as one of several processes, is a card by that very name.
    assert [card(number) for number in gpus()] == list(there)
    if there:
        settings = PoolSettings(workers=len(there), gpus=gpus())
        assert settings.slots(visible) == list(there)


def test_a_build_for_the_processor_has_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(metadata, "version", lambda name: asked.append(name) or "2.13.0+cpu")
    monkeypatch.setenv(VISIBLE, "0")
    machine.torch_version.cache_clear()
    try:
        assert [gpus() for _ in range(3)] == [()] * 3
        assert asked == ["torch"], "once a process"
    finally:
        machine.torch_version.cache_clear()


def test_cards_are_counted_where_the_driver_lists_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Path, "is_dir", lambda path: False)
    monkeypatch.setattr(machine, "capabilities", lambda: ((8, 0), (9, 0)))
    assert machine.installed() == 2


def test_capabilities_are_asked_of_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = [(8, 0), (12, 0)]
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: len(cards))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: index)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCudaComputeCapability", lambda card: cards[card])
    assert machine.capabilities() == ((8, 0), (12, 0))


def test_without_a_driver_there_are_no_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", absent)
    assert machine.capabilities() == ()
