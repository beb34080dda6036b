"""Operations by formula, against sums done by hand and against torch's own counter."""

import pytest
import torch
from tests.parts.models import make
from torch.utils.flop_counter import FlopCounterMode

from audition.errors import AuditionError
from audition.parts.flops import forward_flops


def test_the_nano_model_by_hand(job_of):
    job = job_of(base=("model=nano",))
    from audition.recipe.batches import Shape

    model = job.recipe.model(Shape((64,), 71))
    width, layers, places = 128, 4, 64
    by_hand = 2 * (12 * layers * width**2 + 71 * width) + 4 * layers * places * width
    assert forward_flops(model, 64) == 64 * by_hand
    assert by_hand == 1_722_112


@pytest.mark.parametrize("feedforward", ["gelu", "swiglu"])
@pytest.mark.parametrize("attention", ["causal", "grouped", "fused"])
def test_torchs_counter_agrees_in_bfloat16(attention, feedforward):
    """In float32 it misses the fused attention of a CPU."""
    model = make(attention, "learned", "layernorm", feedforward).eval()
    inputs = torch.zeros(1, 12, dtype=torch.int64)
    with (
        torch.no_grad(),
        torch.autocast("cpu", torch.bfloat16),
        FlopCounterMode(display=False) as counted,
    ):
        model(inputs)
    assert counted.get_total_flops() == forward_flops(model, 12)


def test_shared_layers_are_passed_as_often_as_they_stand():
    shared = make("causal", "learned", "layernorm", layers=4, share_layers=4)
    assert forward_flops(shared, 12) == forward_flops(make(layers=4), 12)


def test_linear_attention_grows_with_the_length_and_not_with_its_square():
    model = make("linear", "none", "layernorm", context=4096, vocab_size=11)
    each = [forward_flops(model, places) / places for places in (1024, 4096)]
    assert each[1] == pytest.approx(each[0], rel=1e-6)


def test_what_has_no_formula_is_refused():
    with pytest.raises(AuditionError, match="no formula for the operations of Conv2d"):
        forward_flops(torch.nn.Conv2d(1, 1, 3), 4)
    with pytest.raises(AuditionError, match="no formula for the operations of"):
        forward_flops(make("delta", "none"), 12)
