"""Costs: blocks by a clock of our own, bytes that can be told by hand, amounts that are never mixed."""

import pytest
import torch

from audition.amount import Amount
from audition.costs.blocks import Timed, in_blocks
from audition.costs.inference import answer_joules
from audition.costs.training import held_for_backward, state_of_optimizer, step_seconds
from audition.energy.meter import Counter, Meter
from audition.errors import AuditionError
from audition.parts.flops import forward_flops
from audition.training.worker import operations


def test_every_call_is_made_once_a_block_and_in_no_fixed_order():
    made, now = [], [0.0]

    def taking(name, seconds):
        def call():
            made.append(name)
            now[0] += seconds

        return call

    calls = {"a": taking("a", 1.0), "b": taking("b", 2.0), "c": taking("c", 4.0)}
    found = in_blocks(calls, blocks=12, warm_up=1, clock=lambda: now[0])
    assert found["b"].seconds == (2.0,) * 12
    assert found["c"].ratio(found["b"]).median == pytest.approx(2.0)
    blocks = [tuple(made[i : i + 3]) for i in range(3, len(made), 3)]
    assert len(blocks) == 12
    assert all(sorted(block) == ["a", "b", "c"] for block in blocks)
    assert len(set(blocks)) > 2


def test_latency_and_throughput():
    found = Timed(tuple(0.001 * x for x in range(1, 21))).amounts(units=64)
    assert found["latency_p50"] == Amount(pytest.approx(10.5), "ms", "measured")
    assert found["latency_p95"].value == pytest.approx(20.0)
    assert found["throughput"].value == pytest.approx(64 / 0.0105)


def test_amounts_of_unlike_methods_are_not_compared():
    measured, modelled = Amount(4.0, "J", "measured"), Amount(2.0, "J", "modelled")
    assert measured.over(Amount(2.0, "J", "measured")) == 2.0
    with pytest.raises(ValueError, match=r"J \(measured\) and J \(modelled\) are not compared"):
        measured.over(modelled)


def test_bytes_for_the_backward_pass_grow_with_rows_and_shrink_by_computing_again(settings_of):
    def held(*overrides):
        return held_for_backward(settings_of("model.layers=4", *overrides)).value

    whole, twice, thrice = (held(f"data.batch_size={rows}") for rows in (4, 8, 12))
    assert thrice - twice == twice - whole > 0.9 * whole  # joined weights are held beside the rows
    pieces = held("data.batch_size=8", "execution.accumulate=2")
    assert pieces == pytest.approx(whole, rel=0.01)  # token ids are those of the whole batch
    again = held("execution.checkpoint_activations=blocks")
    half = held("execution.checkpoint_activations=every_2")
    assert again < half < whole


@pytest.mark.parametrize(
    ("optimizer", "each"), [("sgd", 4.0), ("adamw", 8.0), ("lion", 4.0), ("adam", 8.0)]
)
def test_bytes_of_an_optimizer_by_hand(settings_of, optimizer, each):
    found = state_of_optimizer(settings_of(f"optimizer={optimizer}"))
    assert found["optimizer_state_each"] == Amount(each, "bytes/parameter", "exact")


class Hundred(Meter):
    """Counts a hundred joules, whatever happens."""

    name, method = "hundred", "modelled"

    def open(self, cards):
        counter = Counter()
        counter.joules = lambda: 100.0
        return counter


def test_joules_a_token_and_a_meter_of_nothing():
    now = iter(range(100))
    model = torch.nn.Embedding(4, 2)
    found = answer_joules({"a": model}, (2, 5), Hundred(), at_least=3, clock=lambda: next(now))
    # The clock is read once before, and before each of two calls.
    assert found == {"a": Amount(100.0 / (2 * 10), "J/token", "modelled")}
    with pytest.raises(AuditionError, match="energy=off counts no joules"):
        answer_joules({"a": model}, (2, 5), Meter())


def test_a_record_has_the_operations_of_its_training(trained):
    plain, again = trained(), trained("execution.checkpoint_activations=blocks")
    forward = forward_flops(plain.session.model, 16) / 16
    found = operations(plain)
    assert found["forward_flops"].value == forward
    assert found["train_flops"].value == 3 * forward * plain.session.units
    assert operations(again)["train_flops"].value == 4 * forward * plain.session.units
    assert operations(trained("experiment=digits")) == {}


def test_steps_of_arms_are_real_steps(settings_of):
    arms = {"plain": settings_of(), "bf16": settings_of("precision=bf16")}
    found = step_seconds(arms, blocks=3)
    assert {name: len(each.seconds) for name, each in found.items()} == {"plain": 3, "bf16": 3}
    assert all(second > 0 for each in found.values() for second in each.seconds)
