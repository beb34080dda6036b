"""ResNet-20 and airbench94: published sizes, torch as a reference, and the whitening by hand."""

import pytest
import torch
from tests.parts.models import count
from torch import nn
from torch.nn import functional as F

from audition.errors import AuditionError
from audition.parts.airbench import EPSILON, Airbench, pooled, whitening
from audition.parts.initial import initialise
from audition.parts.resnet import Block, ResNet
from audition.recipe.batches import Shape
from audition.recipe.streams import Streams


class Shown:
    """Training pictures whose channels go together."""

    names = tuple("0123456789")

    def __init__(self, channels: int = 3, side: int = 32) -> None:
        draw = torch.Generator().manual_seed(0)
        own = torch.randn(40, channels, side, side, generator=draw)
        self.pictures = own + 2 * torch.randn(40, 1, side, side, generator=draw)

    def examples(self, many: int) -> torch.Tensor:
        return self.pictures[:many]

    def pixels(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs.byte()


COLOUR = Shape((3, 32, 32), 10, Shown())


@pytest.mark.parametrize(
    ("settings", "parameters"),
    [
        ({}, 269_722),
        ({"shortcuts": "maps"}, 272_474),
        ({"blocks": 5}, 464_154),
        ({"blocks": 9}, 853_018),
    ],
)
def test_residual_networks_have_the_sizes_of_the_paper(settings, parameters):
    """464,154 is its 0.46 M of 32 layers, 853,018 its 0.85 M of 56."""
    assert count(ResNet(COLOUR, **settings)) == parameters


def test_airbench_has_its_published_size_of_which_288_are_fixed():
    model = Airbench(COLOUR)
    assert model.kernels.numel() == 288
    assert model.bias.numel() == 24
    assert count(model) + model.kernels.numel() == 1_971_640
    assert "kernels" in model.state_dict()
    assert "kernels" not in dict(model.named_parameters())
    grey = Airbench(Shape((1, 28, 28), 10, Shown(1, 28)), width=4)
    assert grey.kernels.shape == (8, 1, 2, 2)


def test_a_block_is_the_paper_s():
    """Torch's modules put together by hand, with the shortcut of every second place and zeros."""
    block = Block(4, 8, maps=False)
    initialise(block, Streams(3))
    up, out = (nn.Conv2d(a, 8, 3, s, 1, bias=False) for a, s in ((4, 2), (8, 1)))
    norms = nn.BatchNorm2d(8), nn.BatchNorm2d(8)
    with torch.no_grad():
        up.weight.copy_(block.up.weight)
        out.weight.copy_(block.out.weight)
    x = torch.randn(6, 4, 10, 10)
    beside = torch.cat([x[:, :, ::2, ::2], torch.zeros(6, 4, 5, 5)], 1)
    expected = F.relu(norms[1](out(F.relu(norms[0](up(x))))) + beside)
    torch.testing.assert_close(block(x), expected)


def test_a_shortcut_is_free_or_has_a_map():
    assert Block(4, 4, maps=True).shortcut is None
    assert Block(4, 8, maps=True).shortcut.weight.shape == (8, 4, 1, 1)
    block = Block(4, 8, maps=True)
    initialise(block, Streams(3))
    assert block(torch.randn(2, 4, 6, 6)).shape == (2, 8, 3, 3)


def test_whitened_patches_have_no_correlation_and_one_scale():
    pictures = Shown().pictures
    kernels = whitening(pictures)
    found = F.conv2d(pictures, kernels).transpose(0, 1).flatten(1).double()  # [24, patches]
    moments = found @ found.T / found.shape[1]
    patches = F.unfold(pictures, 2).transpose(1, 2).flatten(0, 1).double()
    along = torch.linalg.eigvalsh(patches.T @ patches / len(patches)).flip(0)
    torch.testing.assert_close(
        moments[:12, :12], torch.diag(along / (along + EPSILON)), atol=1e-4, rtol=0
    )
    assert torch.equal(kernels[12:], -kernels[:12])


def test_whitening_is_no_draw():
    first, second = (Airbench(COLOUR, width=4) for _ in range(2))
    for model, seed in ((first, 1), (second, 2)):
        initialise(model, Streams(seed))
    assert torch.equal(first.kernels, second.kernels)
    assert not torch.equal(first.head.weight, second.head.weight)


def test_convolutions_of_airbench_begin_as_the_identity():
    model = Airbench(COLOUR, width=24)
    initialise(model, Streams(1))
    x = torch.randn(2, 24, 8, 8)
    torch.testing.assert_close(model.groups[0].up(x), x)
    torch.testing.assert_close(model.groups[1].up(x)[:, :24], x)


@pytest.mark.parametrize("side", [6, 7])
def test_pooling_is_torchs(side):
    x = torch.randn(2, 3, side, side, requires_grad=True)
    slope = torch.randn(2, 3, 3, 3)
    found = [torch.autograd.grad(p, x, slope)[0] for p in (pooled(x), F.max_pool2d(x, 2))]
    assert torch.equal(pooled(x), F.max_pool2d(x, 2))
    assert torch.equal(*found)


@pytest.mark.parametrize("side", [9, 28, 32])
def test_logits_whatever_the_side(side):
    model = Airbench(Shape((3, side, side), 7, Shown()), width=4)
    initialise(model, Streams(1))
    assert model(torch.randn(2, 3, side, side)).shape == (2, 7)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ResNet(Shape((64,), 65)), "this model reads pictures, and the data's rows"),
        (lambda: Airbench(Shape((64,), 65)), "this model reads pictures, and the data's rows"),
        (lambda: Airbench(Shape((1, 8, 8), 10)), "9 x 9 pixels or more, and these have 8 x 8"),
        (lambda: Airbench(Shape((3, 32, 32), 10)), "made from training pictures, and these data"),
    ],
)  # fmt: skip
def test_rows_that_do_not_fit_are_refused_in_a_sentence(make, said):
    with pytest.raises(AuditionError, match=said):
        make()


@pytest.mark.parametrize("model", ["resnet20", "airbench94", "convnet"])
@pytest.mark.parametrize("part", ["attention=sliding", "feedforward=swiglu", "positional=rope"])
def test_a_part_that_the_model_has_not_is_refused_at_the_door(settings_of, model, part):
    group, _, _ = part.partition("=")
    with pytest.raises(AuditionError, match=f"has no {group}: choose {group}=none"):
        settings_of(f"model={model}", part, base=("experiment=digits",))
