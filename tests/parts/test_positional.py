"""Positions: rope against complex numbers, and what each kind may and may not know."""

import pytest
import torch
from tests.parts.models import POSITIONALS, make

from audition.errors import AuditionError
from audition.parts.attention.causal import Causal
from audition.parts.dims import Dims
from audition.parts.initial import initialise
from audition.parts.norm.rmsnorm import RMSNorm
from audition.parts.positional.alibi import Alibi, slopes
from audition.parts.positional.distance import by_distance
from audition.parts.positional.learned import Learned
from audition.parts.positional.none import NoPosition
from audition.parts.positional.places import Places
from audition.parts.positional.rope import Rope, turn, turns, waves
from audition.parts.positional.sinusoidal import Sinusoidal
from audition.parts.positional.t5 import T5, bucket
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


@pytest.mark.parametrize("positional", POSITIONALS)
def test_only_none_is_blind_to_the_order_of_what_came_before(positional):
    blind = positional == "none"
    model = make(positional=positional, layers=1)
    for weight in model.parameters():  # larger than at the start, so that order shows
        weight.data.mul_(3)
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


def test_a_fraction_of_the_channels_turns_as_a_head_of_that_width():
    q, k = heads(H), heads(K)
    half, narrow = Rope(fraction=0.5)(DIMS), Rope()(Dims(width=H * D // 2, heads=H, context=T))
    turned = half.rotate(q, k)
    expected = narrow.rotate(q[..., : D // 2], k[..., : D // 2])
    for x, y, z in zip((q, k), turned, expected, strict=True):
        assert torch.equal(y, torch.cat((z, x[..., D // 2 :]), dim=-1))
    still = Rope(fraction=0.0)(DIMS).rotate(q, k)
    assert torch.equal(still[0], q)
    assert torch.equal(still[1], k)


def test_narrower_heads_turn_by_the_rates_of_their_own_width():
    q, k = heads(H)[..., : D // 2], heads(1)[..., : D // 2]
    own = Rope()(Dims(width=H * D // 2, heads=H, context=T)).rotate(q, k)
    for x, y in zip(Rope()(DIMS).rotate(q, k), own, strict=True):
        torch.testing.assert_close(x, y)
    with pytest.raises(
        AuditionError, match="8 channels a head, or 1/n of them in pairs, and not 6"
    ):
        Rope()(DIMS).rotate(heads(H)[..., :6], k)


def test_alibi_has_the_slopes_of_the_paper():
    assert slopes(8) == [2.0**-n for n in range(1, 9)]
    assert slopes(16) == [2.0 ** (-n / 2) for n in range(1, 17)]
    # From the authors' code: those of 8 heads, then every second one of 16.
    assert slopes(12) == slopes(8) + [2.0 ** (-n / 2) for n in (1, 3, 5, 7)]
    assert slopes(6) == [2.0 ** (-2 * n) for n in range(1, 5)] + [2.0**-1, 2.0**-3]
    assert slopes(1) == [2.0**-8]


def test_alibi_takes_slope_times_distance_off_a_score():
    bias = Alibi()(DIMS).bias(5)
    for h, slope in enumerate(slopes(H)):
        for i in range(5):
            for j in range(i + 1):
                assert bias[h, i, j] == -slope * (i - j)


def test_sinusoidal_adds_the_waves_of_the_paper():
    width, x = H * D, torch.randn(B, 7, H * D)
    added = Sinusoidal(gain=3.0)(DIMS).embed(x) - x
    for t in range(7):
        for i in range(width // 2):
            angle = torch.tensor(t / 10000 ** (2 * i / width), dtype=torch.float64)
            wave = torch.stack((angle.sin(), angle.cos())).float()
            torch.testing.assert_close(added[0, t, 2 * i : 2 * i + 2], 3 * wave, atol=1e-5, rtol=0)
    odd = Sinusoidal()(Dims(width=5, heads=1, context=T))
    assert odd.embed(torch.zeros(1, 4, 5)).shape == (1, 4, 5)


@pytest.mark.parametrize(("buckets", "longest"), [(32, 128), (8, 64), (4, 100), (3, 40), (2, 9)])
def test_t5_s_buckets_in_whole_numbers(buckets, longest):
    """Bucket e + m begins at e (longest / e)^(m / (buckets - e)): to that power it is whole."""
    exact, far = buckets // 2, buckets - buckets // 2

    def expected(distance: int) -> int:
        if distance < exact:
            return distance
        within = (m for m in range(far) if longest**m * exact ** (far - m) <= distance**far)
        return exact + max(within)

    distances = range(3 * longest)
    found = bucket(torch.tensor(distances), buckets, longest)
    assert found.tolist() == [expected(d) for d in distances]
    assert found[longest:].eq(buckets - 1).all()


def test_t5_adds_the_number_of_each_head_and_bucket_and_learns_it():
    places = T5(buckets=4, longest=8)(DIMS)
    initialise(places, Streams(0))
    table, bias = places.embedding.weight, places.bias(T)
    for i in range(T):
        for j in range(i + 1):
            assert torch.equal(bias[:, i, j], table[bucket(torch.tensor(i - j), 4, 8)])
    bias.tril().sum().backward()
    pairs = bucket(torch.arange(T), 4, 8).bincount(T - torch.arange(T), minlength=4)
    assert torch.equal(table.grad, pairs[:, None].expand(4, H).float())
    with pytest.raises(AuditionError, match=r"longest=16 must be more than half of .*buckets=32"):
        T5(longest=16)(DIMS)


def test_worth_by_distance():
    worth = torch.tensor([5.0, 3.0, 2.0])
    assert by_distance(worth).tolist() == [[5, 0, 0], [3, 5, 0], [2, 3, 5]]


def test_a_bias_is_added_to_the_scores_and_only_where_there_are_some():
    class Favoured(Places):
        acts_on = frozenset({"scores"})

        def bias(self, places):
            bias = torch.zeros(H, places, places)
            bias[:, :, 2] = 1e4  # nobody looks at anything else
            return bias

    attention = Causal()(DIMS, RMSNorm())
    initialise(attention, Streams(0))
    x, places = torch.randn(1, T, H * D), Favoured()
    places.check(attention)
    alone = attention.out(attention.v(x))[:, 2]
    torch.testing.assert_close(attention(x, places)[:, 2:], alone.expand(1, T - 2, H * D))

    class Without(torch.nn.Module):
        """An attention of somebody's own, that says nothing of scores."""

    with pytest.raises(
        AuditionError, match="acts on the scores of attention, and Without has none"
    ):
        places.check(Without())
    Rope()(DIMS).check(Without())
