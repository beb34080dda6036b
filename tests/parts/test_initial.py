"""First values: keyed by name, by seed, and by nothing else."""

import copy

import pytest
import torch
from tests.parts.models import ATTENTIONS, NORMS, make
from torch import nn

from audition.parts.initial import Constant, Normal, initialise, parameter, role_of
from audition.parts.linear import Embedding, Linear
from audition.recipe.streams import Streams


def values(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def test_same_seed_same_bits_other_seed_other_bits():
    first, again, other = values(make(seed=1)), values(make(seed=1)), values(make(seed=2))
    assert all(torch.equal(first[n], again[n]) for n in first)
    assert not any(torch.equal(first[n], other[n]) for n in first if first[n].ndim == 2)


def test_an_added_parameter_moves_no_other_and_the_global_generator_stands_still():
    before = values(make())
    model = make()
    model.blocks[0].attention.extra = Linear(32, 32)
    model.blocks[0].feedforward.stock = nn.Linear(32, 32)
    torch.manual_seed(3)
    initialise(model, Streams(0))
    drawn = torch.rand(4)
    torch.manual_seed(3)
    assert torch.equal(drawn, torch.rand(4))
    after = values(model)
    assert all(torch.equal(before[n], after[n]) for n in before)
    assert set(after) - set(before) == {
        "blocks.0.attention.extra.weight",
        "blocks.0.feedforward.stock.weight",
        "blocks.0.feedforward.stock.bias",
    }


def test_construction_draws_nothing_and_a_forgotten_initialise_shows():
    torch.manual_seed(3)
    layer, table = Linear(4, 4, bias=True), Embedding(4, 4)
    drawn = torch.rand(4)
    torch.manual_seed(3)
    assert torch.equal(drawn, torch.rand(4))
    assert layer.weight.isnan().all()
    assert table.weight.isnan().all()


class Stock(nn.Module):
    """What an idea may add: stock modules, one of which resets the parts of another."""

    def __init__(self, first: bool = False) -> None:
        super().__init__()
        if first:
            self.first = nn.Linear(3, 3)
        self.linear = nn.Linear(8, 8)
        self.attention = nn.MultiheadAttention(8, 2)
        self.norm = nn.LayerNorm(8)


def test_stock_modules_are_reset_by_name():
    one, two, other = Stock(), Stock(first=True), Stock()
    initialise(one, Streams(0))
    initialise(two, Streams(0))
    initialise(other, Streams(1))
    assert all(torch.equal(p, values(two)[n]) for n, p in values(one).items())
    assert not torch.equal(one.linear.weight, other.linear.weight)
    assert not one.attention.out_proj.bias.any()  # the attention's own reset has the last word


def test_a_parameter_that_nothing_starts_is_refused():
    model = nn.Module()
    model.part = nn.Module()
    model.part.scale = nn.Parameter(torch.zeros(3))
    with pytest.raises(ValueError, match=r"how the parameter 'part\.scale' starts"):
        initialise(model, Streams(0))


@pytest.mark.parametrize(("kind", "std"), [("scaled", 0.02 / 4**0.5), ("plain", 0.02)])
def test_spread_of_residual_maps(kind, std):
    model = make(width=128, residual_init=kind)
    for block in model.blocks:
        for layer in (block.attention.out, block.feedforward.down):
            assert layer.weight.std().item() == pytest.approx(std, rel=0.05)
        for layer in (block.attention.q, block.feedforward.up):
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert (block.attention_norm.weight == 1).all()


def test_a_tied_head_is_drawn_once_as_the_embedding():
    tied, untied = make(), make(tied_head=False)
    assert tied.head.weight is tied.embedding.weight
    assert torch.equal(tied.embedding.weight, untied.embedding.weight)
    assert not torch.equal(untied.head.weight, untied.embedding.weight)


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("norm", NORMS)
def test_roles_are_declared_and_the_name_says_the_same(attention, norm):
    model = make(attention, norm=norm, bias=True, tied_head=False)
    roles = {name: role_of(name, p) for name, p in model.named_parameters()}
    assert roles["embedding.weight"] == roles["positional.embedding.weight"] == "embedding"
    assert roles["head.weight"] == "head"
    assert roles["blocks.0.feedforward.up.weight"] == "matrix"
    assert roles["blocks.0.feedforward.up.bias"] == "vector"
    assert roles["blocks.0.attention_norm.weight"] == "vector"
    # A deep copy loses what was declared.
    bare = copy.deepcopy(model)
    assert not any(hasattr(p, "role") for p in bare.parameters())
    assert roles == {name: role_of(name, p) for name, p in bare.named_parameters()}


def test_rules_draw_float32_of_the_asked_shape():
    generator = torch.Generator().manual_seed(0)
    drawn = Normal(0.5).draw(torch.Size((200, 200)), generator)
    assert drawn.std().item() == pytest.approx(0.5, rel=0.02)
    assert (Constant(2.0).draw(torch.Size((3,)), generator) == 2).all()
    made = parameter(2, 3, init=Constant(7.0), role="matrix")
    module = nn.ParameterDict({"made": made})
    initialise(module, Streams(0))
    assert (made == 7).all()
