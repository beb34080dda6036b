"""`auto` is settled before a run gets its name, and stays settled on the way to another machine."""

from dataclasses import replace

import pytest

from audition import machine
from audition.budget import Budget
from audition.config.identity import identify
from audition.measured import (
    Pairing,
    Pool,
    Way,
    Ways,
    recall_pairing,
    remember,
    remember_pairing,
    shape,
)
from audition.sweep import resolve_auto

SETTINGS = {
    "execution": {"device": "auto", "threads": 1, "compile": "auto"},
    "precision": {"_target_": "auto"},
    "arm": {"name": None, "baseline": None, "device": None, "precision": None, "compile": None},
    "paths": {"cache_dir": "nowhere"},
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
    assert found["execution"] == {
        "device": device,
        "pack": "off",
        "threads": 1,
        "compile": False,
    }
    assert found["precision"] == {"_target_": precision}
    assert SETTINGS["precision"] == {"_target_": "auto"}


def test_what_was_asked_for_is_left_alone(hardware):
    hardware(native=("cpu",))
    asked = {**SETTINGS, "precision": {"_target_": FP32}}
    assert resolve_auto.resolve_auto(asked)["precision"] == {"_target_": FP32}


def test_what_was_settled_where_the_sweep_began_stands_on_another_machine(hardware):
    hardware(cards=(0,), native=("cuda",))
    arm = {**SETTINGS["arm"], "device": "cpu", "precision": FP32, "compile": "true"}
    found = resolve_auto.resolve_auto({**SETTINGS, "arm": arm})
    assert found["execution"]["device"] == "cpu"
    assert found["execution"]["compile"] is True
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


def way(precision, compile, step_s, start_s):
    return Way(precision=precision, compile=compile, step_s=step_s, start_s=start_s)


EAGER = way(BF16, False, 1.0, 0.0)
MEASURED = Ways(
    device="cpu",
    threads=1,
    shape="",
    units_per_step=64,
    ways=(EAGER, way(BF16, True, 0.5, 40.0), way(FP32, False, 2.0, 0.0), way(FP32, True, 0.9, 1.0)),
    date="2026-01-02T03:04:05+00:00",
)


@pytest.mark.parametrize(
    ("steps", "asked", "best"),
    [
        # Usual T(n) = n; compiled 40 + n / 2 in bf16 and 1 + .9 n in fp32.
        (8, ("auto", "auto"), None),
        (19, ("auto", "auto"), None),  # fp32 compiled saves a twentieth from 20 steps on
        (20, ("auto", "auto"), (FP32, True)),
        (97, ("auto", "auto"), (FP32, True)),
        (98, ("auto", "auto"), (BF16, True)),
        (84, (BF16, "auto"), None),
        (89, (BF16, "auto"), (BF16, True)),
        (1000, ("auto", False), None),
        (1000, (FP32, False), None),
    ],
)
def test_the_way_that_takes_least_for_so_many_steps(steps, asked, best):
    first = (BF16 if asked[0] == "auto" else asked[0], False)
    budget = Budget(steps=steps)
    assert resolve_auto.better(MEASURED, asked, first, budget) == best
    if best is not None:
        minutes = Budget(minutes=steps / 60)  # the usual way takes a second a step
        assert resolve_auto.better(MEASURED, asked, first, minutes) == best


@pytest.fixture
def measure(tmp_path, settings_of):
    """Ways -> overrides of a cache in which they were measured, of the small run's steps."""

    def kept(ways=MEASURED, number=[0]):  # noqa: B006 (counts on purpose)
        number[0] += 1
        cache = tmp_path / str(number[0])
        pool = Pool("cpu", 1, "bf16", 1, 1, 9.0, ("aaaa",), ways.date)
        remember(cache, pool, {}, replace(ways, shape=ways.shape or shape(settings_of())))
        return (f"paths.cache_dir={cache}", "precision=auto", "execution.compile=auto")

    return kept


def chosen(settings):
    return settings["precision"]["_target_"], settings["execution"]["compile"]


def test_a_run_is_computed_as_was_measured_to_be_best_for_its_length(
    hardware, measure, settings_of
):
    hardware(native=("cpu",))
    cache = measure()
    assert chosen(settings_of(*cache, "budget.steps=10")) == (BF16, False)
    assert chosen(settings_of(*cache, "budget.steps=50")) == (FP32, True)
    assert chosen(settings_of(*cache, "budget.steps=500")) == (BF16, True)
    assert chosen(settings_of(*cache, "budget.steps=500", "precision=fp32")) == (FP32, True)
    assert chosen(settings_of(*cache, "budget.steps=500", "execution.compile=false")) == (
        BF16,
        False,
    )


def test_an_idea_is_computed_as_its_baseline_is(hardware, measure, settings_of):
    hardware(native=("cpu",))
    long = (*measure(), "budget.steps=500")
    for arm in ("+idea=placebo", "optimizer=muon", "preset=ema", "schedule=constant"):
        assert chosen(settings_of(*long, arm)) == (BF16, True)


@pytest.mark.parametrize(
    "other",
    ["model.width=24", "data.batch_size=8", "execution.threads=2", "execution.accumulate=2"],
)
def test_steps_that_were_not_measured_are_computed_as_usual(hardware, measure, settings_of, other):
    hardware(native=("cpu",))
    assert chosen(settings_of(*measure(), "budget.steps=500", other)) == (BF16, False)


def test_a_later_bench_that_compiled_nothing_hides_none_that_did(hardware, measure, settings_of):
    hardware(native=("cpu",))
    cache = measure()
    later = replace(
        MEASURED,
        ways=(EAGER, way(FP32, False, 0.5, 0.0)),
        date="2027-01-01T00:00:00+00:00",
        shape=shape(settings_of()),
    )
    folder = cache[0].partition("=")[2]
    remember(folder, Pool("cpu", 1, "bf16", 1, 1, 9.0, ("aaaa",), later.date), {}, later)
    long = (*cache, "budget.steps=500")
    assert chosen(settings_of(*long, "precision=bf16")) == (BF16, True)
    assert chosen(settings_of(*long, "execution.compile=false")) == (FP32, False)


def test_what_was_settled_is_what_a_run_is_filed_under(hardware, measure, settings_of):
    hardware(native=("cpu",))
    cache = measure()
    auto = settings_of(*cache, "budget.steps=500")
    typed = settings_of("precision=bf16", "execution.compile=true", "budget.steps=500")
    usual = settings_of("precision=bf16", "budget.steps=500")
    assert identify(auto).key == identify(typed).key != identify(usual).key


def test_a_mistake_is_told_by_the_check_and_not_by_what_was_measured(
    hardware, measure, settings_of
):
    hardware(native=("cpu",))
    with pytest.raises(resolve_auto.AuditionError, match=r"budget\.steps='many'"):
        settings_of(*measure(), "budget.steps=many")


NOISY = Pairing(
    device="cpu",
    shape="",
    steps=100,
    precision=FP32,
    beside=BF16,
    ratio=0.2,
    low=0.1,
    high=0.4,
    changes=8,
    seeds=8,
    date="2026-01-02T03:04:05+00:00",
)
"""fp32 needs a fifth of the seeds that bf16 needs."""


@pytest.mark.parametrize(
    ("pairing", "best"),
    [
        (None, None),
        (NOISY, (FP32, False)),  # twice the time a run, a fifth of the runs
        (replace(NOISY, ratio=0.6, low=0.5, high=0.8), None),  # 1.2 x the time to a verdict
        (replace(NOISY, high=1.1), None),  # not known to need fewer
        (replace(NOISY, ratio=3.0, low=2.0, high=4.0), None),
    ],
)
def test_the_seeds_that_a_precision_needs_count_beside_its_time(pairing, best):
    asked = ("auto", False)
    assert resolve_auto.better(MEASURED, asked, (BF16, False), Budget(steps=100), pairing) == best


def test_a_pairing_is_kept_and_found_for_such_runs_alone(tmp_path):
    remember_pairing(tmp_path, NOISY)
    asked = {"device": "cpu", "shape": "", "steps": 150}
    assert recall_pairing(tmp_path, **asked) == NOISY
    assert recall_pairing(tmp_path, **asked | {"steps": 201}) is None
    assert recall_pairing(tmp_path, **asked | {"device": "cuda"}) is None
    assert recall_pairing(tmp_path, **asked | {"shape": "other"}) is None
    remember(tmp_path, Pool("cpu", 1, "bf16", 2, 1, 1.0, ("w",), "2026"), {})
    assert recall_pairing(tmp_path, **asked) == NOISY
