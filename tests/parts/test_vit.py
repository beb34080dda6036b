"""The vision transformer: published sizes, patches, and that every place sees every other."""

import pytest
import torch
from tests.parts.models import count, make

from audition.errors import AuditionError
from audition.parts.attention.causal import Causal
from audition.parts.attention.full import Full
from audition.parts.dims import Dims
from audition.parts.feedforward.gelu import Gelu
from audition.parts.gpt import GPT
from audition.parts.initial import initialise
from audition.parts.norm.layernorm import LayerNorm
from audition.parts.positional.alibi import Alibi
from audition.parts.positional.learned import Learned
from audition.parts.positional.places import Places
from audition.parts.positional.sinusoidal import Sinusoidal
from audition.parts.vit import ViT
from audition.recipe.batches import Shape
from audition.recipe.streams import Streams

GREY = Shape((1, 28, 28), 10)
IMAGENET = Shape((3, 224, 224), 1000)
S16 = {"patch": 16, "layers": 12, "heads": 6, "width": 384, "bias": True}


FULL, LEARNED = Full(), Learned()


def vit(shape=GREY, attention=FULL, positional=LEARNED, **settings) -> ViT:
    model = ViT(shape, attention, positional, LayerNorm(bias=True), Gelu(), **settings)
    initialise(model, Streams(1))
    return model


@pytest.mark.parametrize(
    ("parameters", "settings"),
    [
        (202_634, {}),
        (202_634, {"patch": 7}),
        (5_717_416, {"shape": IMAGENET, **S16, "heads": 3, "width": 192, "pool": "class"}),
        (22_050_664, {"shape": IMAGENET, **S16, "pool": "class"}),
        (21_974_632, {"shape": IMAGENET, **S16, "positional": Sinusoidal()}),
    ],
)
def test_sizes_are_those_published(parameters, settings):
    assert count(vit(**settings)) == parameters


def test_patches_are_squares_in_reading_order():
    picture = torch.arange(2 * 28 * 28.0).view(1, 2, 28, 28)
    patches = vit(Shape((2, 28, 28), 10)).patches(picture)
    assert patches.shape == (1, 49, 32)
    assert torch.equal(patches[0, 8], picture[0, :, 4:8, 4:8].flatten())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("soft_cap", [None, 30.0])
def test_full_attention_is_the_formula(dtype, soft_cap):
    attention = Full(soft_cap=soft_cap, kv_heads=2)(Dims(32, 4, 9), LayerNorm())
    initialise(attention, Streams(0))
    draw = torch.Generator().manual_seed(1)
    q, k, v = (torch.randn(2, n, 9, 8, generator=draw) for n in (4, 2, 2))
    scores = q @ k.repeat_interleave(2, 1).mT / 8**0.5
    if soft_cap:
        scores = soft_cap * torch.tanh(scores / soft_cap)
    expected = scores.softmax(-1) @ v.repeat_interleave(2, 1)
    found = attention.attend(*(x.to(dtype) for x in (q, k, v)), None)
    tolerance = 1e-5 if dtype == torch.float32 else 3e-2
    torch.testing.assert_close(found.float(), expected, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize(("attention", "sees"), [(Full(), True), (Causal(), False)])
def test_the_first_place_sees_the_last_by_full_attention_alone(attention, sees):
    module = attention(Dims(32, 4, 9), LayerNorm())
    initialise(module, Streams(0))
    x = torch.randn(1, 9, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    module(x, Places())[0, 0].sum().backward()
    assert bool(x.grad[0, 8].any()) == sees


def test_pairs_are_all_of_them():
    assert Full().pairs(7).allowed == Full().pairs(7).executed == 49


def test_a_model_of_language_refuses_it():
    with pytest.raises(AuditionError, match="Full shows every token the one that is asked for"):
        GPT(Shape((8,), 5), Full(), Learned(), LayerNorm(), Gelu(), width=8, heads=2)
    make()  # as it is, it is taken


def test_what_does_not_fit_is_refused():
    with pytest.raises(AuditionError, match=r"model.patch=5 does not divide pictures of 28 x 28"):
        vit(patch=5)
    with pytest.raises(AuditionError, match=r"this model reads pictures"):
        vit(Shape((64,), 65))
    with pytest.raises(AuditionError, match=r"Alibi.* acts on the scores of attention"):
        vit(positional=Alibi())


def test_logits_and_units_for_apoptosis():
    model = vit()
    assert model(torch.zeros(3, 1, 28, 28)).shape == (3, 10)
    units = model.get_submodule("blocks.0.feedforward").units()
    assert units.count == 256
