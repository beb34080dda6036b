"""Where the norms of a block stand, against blocks that are written out."""

import pytest
import torch
from tests.parts.models import FEEDFORWARDS, make
from torch import nn

from audition.parts.attention.causal import Causal
from audition.parts.gpt import GPT
from audition.parts.initial import initialise
from audition.parts.norm.layernorm import LayerNorm
from audition.parts.norm.rmsnorm import RMSNorm
from audition.parts.positional.none import NoPosition
from audition.recipe.batches import Shape
from audition.recipe.streams import Streams

T, WIDTH, LAYERS = 12, 32, 2


def model_with(norm):
    sizes = {"layers": LAYERS, "heads": 4, "width": WIDTH, "context": T}
    shape = Shape((T,), 11)
    model = GPT(shape, Causal(), NoPosition(), norm, FEEDFORWARDS["gelu"], **sizes)
    initialise(model, Streams(0))
    with torch.no_grad():  # gains of one would hide which norm is which
        for name, weight in model.named_parameters():
            if "norm" in name:
                weight.add_(torch.linspace(-0.5, 0.5, len(weight)).roll(len(name)))
    return model


def pre(block, positional, x):
    x = x + block.attention(block.attention_norm(x), positional)
    return x + block.feedforward(block.feedforward_norm(x))


def post(block, positional, x):
    x = block.attention_norm(x + block.attention(x, positional))
    return block.feedforward_norm(x + block.feedforward(x))


def sandwich(block, positional, x):
    x = x + block.attention_out_norm(block.attention(block.attention_norm(x), positional))
    return x + block.feedforward_out_norm(block.feedforward(block.feedforward_norm(x)))


@pytest.mark.parametrize("kind", [LayerNorm, RMSNorm])
@pytest.mark.parametrize(
    ("form", "norms"), [(pre, 2 * LAYERS + 1), (post, 2 * LAYERS), (sandwich, 4 * LAYERS + 1)]
)
def test_blocks_as_written_out_and_their_norms(kind, form, norms):
    model = model_with(kind(placement=form.__name__))
    tokens = torch.randint(11, (3, T))
    x = model.embed(tokens)
    for block in model.blocks:
        x = form(block, model.positional, x)
    if form is post:
        assert isinstance(model.norm, nn.Identity)  # the last block ends with one
    else:
        x = model.norm(x)
    assert torch.equal(model.features(tokens), x)
    gains = [p for name, p in model.named_parameters() if "norm" in name]
    assert sum(p.numel() for p in gains) == norms * WIDTH


def test_what_a_half_adds_to_a_sandwich_has_one_scale_whatever_its_weights():
    model = model_with(RMSNorm(placement="sandwich", eps=1e-20))
    tokens = torch.randint(11, (3, T))
    before = model(tokens)
    with torch.no_grad():
        model.blocks[0].attention.out.weight.mul_(100.0)
        model.blocks[1].feedforward.down.weight.mul_(7.0)
    torch.testing.assert_close(model(tokens), before, rtol=1e-3, atol=1e-4)


def test_the_default_is_pre_norm():
    assert LayerNorm().placement == RMSNorm().placement == "pre"
    assert not [name for name, _ in make().named_parameters() if "out_norm" in name]
