"""`auto` is settled before a run gets its name, and stays settled on the way to another machine."""

import pytest

from audition import machine
from audition.sweep import resolve_auto

SETTINGS = {
    "execution": {"device": "auto", "threads": 1},
    "precision": {"_target_": "auto"},
    "arm": {"name": None, "baseline": None, "device": None, "precision": None},
}
BF16, FP32 = "audition.execution.Bfloat16", "audition.execution.Float32"


@pytest.fixture
def hardware(monkeypatch):
    def has(*, cards=(), native=()):
        monkeypatch.setattr(resolve_auto, "gpus", lambda: cards)
        monkeypatch.setattr(resolve_auto, "multiplies_bfloat16", lambda device: device in native)

    return has


@pytest.mark.parametrize(
    ("cards", "native", "device", "precision"),
    [
        ((), (), "cpu", FP32),
        ((), ("cpu",), "cpu", BF16),
        ((0,), ("cpu",), "cuda", FP32),  # an old card beside a new processor
        ((0,), ("cuda",), "cuda", BF16),
    ],
)
def test_auto_is_what_the_device_in_use_does_natively(hardware, cards, native, device, precision):
    hardware(cards=cards, native=native)
    found = resolve_auto.resolve_auto(SETTINGS)
    assert found["execution"] == {"device": device, "pack": "off", "threads": 1}
    assert found["precision"] == {"_target_": precision}
    assert SETTINGS["precision"] == {"_target_": "auto"}


def test_what_was_asked_for_is_left_alone(hardware):
    hardware(native=("cpu",))
    asked = {**SETTINGS, "precision": {"_target_": FP32}}
    assert resolve_auto.resolve_auto(asked)["precision"] == {"_target_": FP32}


def test_what_was_settled_where_the_sweep_began_stands_on_another_machine(hardware):
    hardware(cards=(0,), native=("cuda",))
    sent = {**SETTINGS, "arm": {**SETTINGS["arm"], "device": "cpu", "precision": FP32}}
    found = resolve_auto.resolve_auto(sent)
    assert found["execution"]["device"] == "cpu"
    assert found["precision"] == {"_target_": FP32}


@pytest.mark.parametrize(
    ("flags", "native"),
    [("fpu avx512f avx512_bf16", True), ("fpu amx_bf16", True), ("fpu avx512bw", False)],
)
def test_a_processor_is_known_by_its_flags(monkeypatch, tmp_path, flags, native):
    listing = tmp_path / "cpuinfo"
    listing.write_text(f"processor : 0\nflags\t\t: {flags}\n")
    monkeypatch.setattr(machine, "Path", lambda path: listing)
    machine.multiplies_bfloat16.cache_clear()
    assert machine.multiplies_bfloat16("cpu") is native
    machine.multiplies_bfloat16.cache_clear()


@pytest.mark.parametrize(
    ("cards", "native"),
    [((), False), (((7, 5),), False), (((8, 0), (9, 0)), True), (((9, 0), (7, 0)), False)],
)
def test_every_card_must_multiply_bfloat16(monkeypatch, cards, native):
    monkeypatch.setattr(machine, "capabilities", lambda: cards)
    machine.multiplies_bfloat16.cache_clear()
    assert machine.multiplies_bfloat16("cuda") is native
    machine.multiplies_bfloat16.cache_clear()
