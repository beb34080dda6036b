"""Positions: rope against complex numbers, and what each kind may and may not know."""

import pytest
import torch
from tests.parts.models import make

from audition.parts.dims import Dims
from audition.parts.initial import initialise
from audition.parts.positional.learned import Learned
from audition.parts.positional.none import NoPosition
from audition.parts.positional.rope import Rope, turn, turns, waves
from audition.recipe.streams import Streams

B, H, K, T, D = 2, 4, 2, 16, 8
DIMS = Dims(width=H * D, heads=H, context=T)


def heads(count: int) -> torch.Tensor:
    return torch.randn(B, count, T, D, generator=torch.Generator().manual_seed(count))


@pytest.mark.parametrize("base", [10000.0, 100.0])
def test_rope_is_multiplication_by_a_unit_complex_number(base):
    q, k = heads(H), heads(K)
    for x, y in zip((q, k), Rope(base=base)(DIMS).rotate(q, k), strict=True):
        planes = torch.complex(*x.double().chunk(2, dim=-1))
        for t in range(T):
            for j in range(D // 2):
                angle = torch.tensor(t * base ** (-2 * j / D), dtype=torch.float64)
                planes[..., t, j] *= torch.polar(torch.ones((), dtype=torch.float64), angle)
        expected = torch.cat((planes.real, planes.imag), dim=-1).float()
        torch.testing.assert_close(y, expected, rtol=1e-5, atol=1e-5)


def test_rope_scores_depend_on_the_distance_alone():
    rope = Rope()(DIMS)
    q, k = torch.randn(1, 1, 1, D).expand(1, 1, T, D), torch.randn(1, 1, 1, D).expand(1, 1, T, D)
    q, k = rope.rotate(q, k)
    scores = (q @ k.mT)[0, 0]
    for distance in range(T):
        diagonal = scores.diagonal(-distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), rtol=1e-4, atol=1e-5)
    assert scores[:, 0].std() > 0.01


def test_rope_gives_back_the_precision_it_got_and_keeps_lengths():
    q, k = Rope()(DIMS).rotate(heads(H).bfloat16(), heads(K))
    assert q.dtype == torch.bfloat16
    torch.testing.assert_close(k.norm(dim=-1), heads(K).norm(dim=-1))


def test_rope_saves_nothing_and_leaves_the_embedded_tokens():
    rope, x = Rope()(DIMS), torch.randn(B, T, H * D)
    assert not rope.state_dict()
    assert rope.embed(x) is x


def test_learned_adds_the_row_of_each_place():
    learned, x = Learned()(DIMS), torch.randn(B, 5, H * D)
    initialise(learned, Streams(0))
    torch.testing.assert_close(learned.embed(x)[1, 3], x[1, 3] + learned.embedding.weight[3])
    q, k = heads(H), heads(K)
    assert learned.rotate(q, k) == (q, k)


def test_none_is_the_identity():
    none, x, q, k = NoPosition()(DIMS), torch.randn(B, T, H * D), heads(H), heads(K)
    assert none.embed(x) is x
    assert none.rotate(q, k) == (q, k)
    assert not list(none.parameters())


@pytest.mark.parametrize(
    ("positional", "blind"), [("none", True), ("rope", False), ("learned", False)]
)
def test_only_none_is_blind_to_the_order_of_what_came_before(positional, blind):
    model = make(positional=positional, layers=1)
    for weight in model.parameters():  # larger than at the start, so that order shows
        weight.data.mul_(10)
    one, two = torch.tensor([[1, 2, 3, 4, 5]]), torch.tensor([[3, 1, 4, 2, 5]])
    assert torch.allclose(model(one)[0, -1], model(two)[0, -1], atol=1e-4) == blind


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_turning_has_the_bits_of_the_rolled_form_forward_and_backward(dtype):
    cos, sin = waves(turns(T, D, 100.0))

    def rolled(x: torch.Tensor) -> torch.Tensor:
        return (x * cos + x.roll(D // 2, dims=-1) * sin).to(x.dtype)

    given = heads(H).to(dtype)
    found = []
    for form in (rolled, lambda x: turn(x, cos, sin)):
        x = given.clone().requires_grad_()
        y = form(x)
        y.backward(torch.ones_like(y) * given)
        found.append((y, x.grad))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])
