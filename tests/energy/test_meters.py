"""Meters against counters made by hand: what they add up, when they come round, what they refuse."""

from inspect import signature
from pathlib import Path

import pynvml
import pytest

from audition.energy.codecarbon import CodeCarbon
from audition.energy.meter import AtOnce
from audition.energy.nvml import Nvml
from audition.energy.off import Off
from audition.energy.rapl import Rapl
from audition.errors import AuditionError

SPAN = 262_143_328_850


def zone(root: Path, folder: str, name: str, microjoules: int) -> Path:
    """A counter as Linux shows it."""
    place = root / folder
    place.mkdir(parents=True)
    (place / "name").write_text(f"{name}\n")
    (place / "energy_uj").write_text(f"{microjoules}\n")
    (place / "max_energy_range_uj").write_text(f"{SPAN}\n")
    return place / "energy_uj"


def test_packages_and_memory_are_added_up_and_nothing_twice(tmp_path):
    counters = [
        zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000),
        zone(tmp_path, "intel-rapl:0:1", "dram", 7_000_000),
        zone(tmp_path, "intel-rapl:1", "package-1", 9_000_000),
    ]
    parts = [
        zone(tmp_path, "intel-rapl:0:0", "core", 1_000_000),
        zone(tmp_path, "intel-rapl:2", "psys", 1_000_000),
        zone(tmp_path, "intel-rapl-mmio:0", "package-0", 5_000_000),
    ]
    counter = Rapl(tmp_path).open(0)
    assert counter.joules() == 0.0
    for k, path in enumerate(counters):
        path.write_text(str(int(path.read_text()) + 10**k * 1_000_000))
    for path in parts:
        path.write_text("99000000")
    assert counter.joules() == counter.close() == 111.0


def test_a_counter_that_comes_round_goes_on(tmp_path):
    path = zone(tmp_path, "intel-rapl:0", "package-0", SPAN - 999_999)
    counter = Rapl(tmp_path).open(0)
    path.write_text("2000000")  # one to the end and to nought, two more from there
    assert counter.joules() == pytest.approx(3.0, abs=1e-9)
    path.write_text("1999999")  # all the way round
    assert counter.joules() == pytest.approx(3.0 + SPAN / 1e6, abs=1e-6)


def test_no_rapl_is_one_sentence(tmp_path):
    with pytest.raises(AuditionError, match=r"^energy=rapl, and .* shows no processor's energy"):
        Rapl(tmp_path / "nowhere").check("cpu")
    zone(tmp_path, "intel-rapl:0", "package-0", 0).unlink()
    with pytest.raises(AuditionError, match=r"energy_uj cannot be read \(.*chmod a\+r"):
        Rapl(tmp_path).check("cpu")


class Driver:
    """NVIDIA's binding, with cards whose counters are numbers; `fails` with an nvmlReturn_t."""

    NVMLError = pynvml.NVMLError

    def __init__(self, fails: int = 0, driver: bool = True, **cards: int) -> None:
        self.cards, self.open, self.fails, self.driver = cards, 0, fails, driver

    def nvmlInit(self) -> None:
        if not self.driver:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:
        return self._find(dict(enumerate(self.cards)).get(index, ""))

    def nvmlDeviceGetHandleByUUID(self, name: str) -> str:
        return self._find(name)

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: str) -> int:
        if self.fails:
            raise pynvml.NVMLError(self.fails)
        return self.cards[handle]

    def _find(self, name: str) -> str:
        if name not in self.cards:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return name


def test_the_fake_has_what_nvidias_binding_has():
    for name in vars(Driver):
        if name.startswith("nvml"):
            theirs = list(signature(getattr(pynvml, name)).parameters)
            assert len(theirs) == len(signature(getattr(Driver(), name)).parameters), name


def test_a_card_that_the_driver_does_not_know_is_one_sentence():
    driver = Driver(a=1)
    with pytest.raises(AuditionError, match="the driver does not know all of a, z"):
        Nvml(lambda: driver, lambda cards: ["a", "z"]).open(2)
    assert driver.open == 0


def test_cards_are_found_by_name_and_counted_from_the_beginning():
    driver = Driver(a=5_000, b=7_000, c=9_000)
    counter = Nvml(lambda: driver, lambda cards: ["c", "a"][:cards]).open(2)
    assert counter.joules() == 0.0
    driver.cards.update(a=8_600, b=10**9, c=9_010)
    assert counter.joules() == counter.close() == pytest.approx(3.61)
    assert driver.open == 0


OLD = Driver(fails=pynvml.NVML_ERROR_NOT_SUPPORTED, a=1)


@pytest.mark.parametrize(
    ("load", "device", "said"),
    [
        (lambda: Driver(a=1), "cpu", "the run is on the cpu"),
        (lambda: Driver(driver=False), "cuda", "no NVIDIA driver"),
        (lambda: Driver(), "cuda", "no GPU to read"),
        (lambda: OLD, "cuda", "the card does not count its energy"),
    ],
)
def test_no_card_is_one_sentence(load, device, said):
    with pytest.raises(
        AuditionError, match=rf"^energy=nvml.*{said}.*choose rapl, codecarbon or off"
    ):
        Nvml(load).check(device)
    assert OLD.open == 0
    Nvml(lambda: Driver(a=1)).check("cuda")


def test_a_card_counts_for_the_runs_on_it_and_a_machine_for_all_of_its_runs():
    four = AtOnce(card=2, machine=4)
    assert [m.sharers(four) for m in (Nvml(), Rapl(), CodeCarbon(), Off())] == [2, 4, 4, 1]


def test_what_is_modelled_says_so_and_is_more_than_nothing():
    pytest.importorskip("codecarbon")
    meter = CodeCarbon()
    meter.check("cpu")
    assert meter.method == "modelled"
    assert {Nvml.method, Rapl.method} == {"measured"}
    counter = meter.open(0)
    assert counter.joules() >= 0.0
    assert counter.close() > 0.0


def test_without_the_package_it_is_one_sentence(monkeypatch):
    monkeypatch.setattr("audition.energy.codecarbon.find_spec", lambda name: None)
    with pytest.raises(AuditionError, match=r"pip install 'audition\[codecarbon\]'"):
        CodeCarbon().check("cpu")
