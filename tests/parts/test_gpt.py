"""The model: causal whatever its parts, as large as published, and refusing what does not fit."""

from dataclasses import replace

import pytest
import torch
from tests.parts.models import (
    ATTENTIONS,
    FEEDFORWARDS,
    NORMS,
    POSITIONALS,
    TINY,
    count,
    fit,
    gpt88m,
    make,
)
from torch.nn import functional as F

from audition.errors import AuditionError
from audition.parts.attention.causal import Causal, CausalAttention
from audition.parts.attention.latent import Latent
from audition.parts.attention.sliding import Sliding
from audition.parts.dims import Dims
from audition.parts.feedforward.gelu import Gelu
from audition.parts.gpt import GPT
from audition.parts.norm.layernorm import LayerNorm
from audition.parts.norm.rmsnorm import RMSNorm
from audition.parts.optim.muon import Muon
from audition.parts.positional.places import Places
from audition.parts.positional.rope import Rope
from audition.recipe.batches import Shape

T = 12
EVERY = [(a, p) for a in ATTENTIONS for p in POSITIONALS if fit(a, p)]


def influence(model: torch.nn.Module, places: int = T) -> torch.Tensor:
    """[T, T]: how strongly the logits at q (row) depend on the embedded token at k (column)."""
    torch.manual_seed(0)
    seen: list[torch.Tensor] = []

    def embed(inputs: torch.Tensor) -> torch.Tensor:
        seen.append(model.positional.embed(torch.randn(*inputs.shape, 32)).requires_grad_())
        return seen[-1]

    model.embed = embed
    logits = model(torch.zeros(1, places, dtype=torch.int64))
    rows = [
        torch.autograd.grad(logits[0, q].square().sum(), seen[0], retain_graph=True)[0]
        for q in range(places)
    ]
    return torch.stack([row[0].abs().sum(-1) for row in rows])


@pytest.mark.parametrize(("attention", "positional"), EVERY)
def test_no_logit_depends_on_a_later_token(attention, positional):
    weights = influence(make(attention, positional, "rmsnorm qk"))
    assert weights.triu(1).count_nonzero() == 0
    assert (weights.diagonal() > 0).all()


@pytest.mark.parametrize(("attention", "positional"), EVERY)
def test_another_future_changes_no_bit_of_what_came_before(attention, positional):
    """A choice of keys has no gradient, so that the law above would not see it look ahead."""
    model = make(attention, positional)
    for weight in model.parameters():
        weight.data.mul_(5)
    tokens = torch.randint(11, (2, T), generator=torch.Generator().manual_seed(0))
    other = torch.cat((tokens[:, :7], (tokens[:, 7:] + 1) % 11), dim=1)
    before, after = model(tokens), model(other)
    torch.testing.assert_close(before[:, :7], after[:, :7], rtol=1e-5, atol=1e-6)
    assert not torch.allclose(before[:, 7:], after[:, 7:], atol=1e-3)


@pytest.mark.parametrize("attention", ["sliding", "sliding grouped"])
def test_one_sliding_layer_sees_exactly_its_window(attention):
    weights = influence(make(attention, "rope", layers=1))
    back = torch.arange(T)[:, None] - torch.arange(T)[None, :]
    assert torch.equal(weights > 0, (back >= 0) & (back < 3))


def test_a_window_as_long_as_the_context_is_causal_attention():
    sliding, causal = make("sliding"), make("causal")
    for block in sliding.blocks:
        block.attention.policy = Sliding(window=T)
    tokens = torch.randint(11, (2, T))
    torch.testing.assert_close(sliding(tokens), causal(tokens))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("feedforward", FEEDFORWARDS)
def test_every_part_learns(norm, feedforward):
    model = make("grouped", "rope", norm, feedforward, bias=True)
    tokens = torch.randint(11, (3, T))
    logits = model(tokens)
    assert logits.shape == (3, T, 11)
    F.cross_entropy(logits.flatten(0, 1), tokens.flatten()).backward()
    idle = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    # A bias of keys adds the same to every score of a query, unless a norm follows.
    assert [n for n in idle if not n.endswith(".k.bias")] == []


def test_shorter_windows_are_read_and_longer_ones_refused():
    model = make()
    tokens = torch.randint(11, (1, T))
    torch.testing.assert_close(model(tokens[:, :5]), model(tokens)[:, :5])
    with pytest.raises(ValueError, match="13 tokens do not fit a context of 12"):
        model(torch.zeros(1, T + 1, dtype=torch.int64))


def test_published_model_has_its_published_sizes():
    with torch.device("meta"):
        model = gpt88m()
    assert count(model) == 88_630_528
    assert count(model.blocks[0]) == 2_884_736
    assert count(model.blocks[0].attention) == 786_432 + 128
    matrices, rest = Muon()(dict(model.named_parameters())).param_groups
    assert sum(p.numel() for p in matrices["params"]) == 63_438_848
    assert sum(p.numel() for p in rest["params"]) == 25_191_680


@pytest.mark.parametrize(
    ("sizes", "expected", "places"),
    [
        # nanoGPT's characters on a GPU; it reports 10,646,784, which leaves positions out.
        ({"layers": 6, "heads": 6, "width": 384, "context": 256}, 10_745_088, 256 * 384),
        ({"layers": 4, "heads": 4, "width": 128, "context": 64}, 804_096, 64 * 128),
    ],
)
def test_nanogpt_sizes(sizes, expected, places):
    model = make(vocab_size=65, **sizes)
    assert count(model) == expected
    assert model.positional.embedding.weight.numel() == places


def test_embedding_gain_and_vocab():
    tokens = torch.randint(11, (1, T))
    plain, scaled = make(positional="none"), make(positional="none", embedding_gain="sqrt_width")
    torch.testing.assert_close(scaled.embed(tokens), plain.embed(tokens) * 32**0.5)
    assert make(vocab=64)(tokens).shape == (1, T, 64)
    assert count(make(tied_head=False)) == count(make()) + 11 * 32
    with pytest.raises(AuditionError, match="vocab=10 is smaller than the data's 11"):
        make(vocab=10)


@pytest.mark.parametrize(
    ("attention", "positional", "settings", "message"),
    [
        ("causal", "none", {"heads": 5}, "width=32 cannot be split over heads=5"),
        ("grouped", "none", {"heads": 1}, "heads=1 cannot share kv_heads=2"),
        ("causal", "rope", {"heads": 32}, "rope turns them in pairs"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(attention, positional, settings, message):
    with pytest.raises(AuditionError, match=message):
        make(attention, positional, **settings)


DIMS = Dims(width=32, heads=4, context=T)


@pytest.mark.parametrize("settings", [{"rank": 33}, {"query_rank": 33}])
def test_a_rank_above_the_width_compresses_nothing_and_is_refused(settings):
    (name,) = settings
    with pytest.raises(AuditionError, match=f"attention.{name}=33 is more than the 32 channels"):
        Latent(**settings)(DIMS, RMSNorm())
    Latent(**{name: 32})(DIMS, RMSNorm())


def attention_of(*, bias=False, **settings) -> CausalAttention:
    torch.manual_seed(1)
    attention = Causal(**settings)(replace(DIMS, bias=bias), RMSNorm())
    for weight in attention.parameters():
        torch.nn.init.normal_(weight)
    return attention


def test_grouped_queries_equal_repeated_keys_and_values():
    grouped, full = attention_of(kv_heads=2), attention_of()
    full.load_state_dict(
        grouped.state_dict()
        | {
            f"{name}.weight": getattr(grouped, name)
            .weight.unflatten(0, (2, 8))
            .repeat_interleave(2, dim=0)
            .flatten(0, 1)
            for name in ("k", "v")
        }
    )
    x = torch.randn(2, T, 32)
    place = Places()
    torch.testing.assert_close(grouped(x, place), full(x, place))


def test_joint_projection_equals_separate_ones():
    joint, separate = attention_of(fused_qkv=True, bias=True), attention_of(bias=True)
    parts = {"out.weight": joint.out.weight, "out.bias": joint.out.bias}
    for kind in ("weight", "bias"):
        for name, part in zip("qkv", getattr(joint.qkv, kind).chunk(3), strict=True):
            parts[f"{name}.{kind}"] = part
    separate.load_state_dict(parts)
    x, place = torch.randn(2, T, 32), Places()
    torch.testing.assert_close(joint(x, place), separate(x, place))


def test_attention_against_the_formula():
    attention, x = attention_of(), torch.randn(1, T, 32)
    q, k, v = (
        F.linear(x, getattr(attention, n).weight).view(1, T, 4, 8).transpose(1, 2) for n in "qkv"
    )
    scores = (q @ k.mT / 8**0.5).masked_fill(torch.ones(T, T).triu(1).bool(), -torch.inf)
    y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(1, T, 32) @ attention.out.weight.T
    torch.testing.assert_close(attention(x, Places()), y, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("norm", [RMSNorm(query_key=True), LayerNorm(query_key=True)])
def test_queries_and_keys_are_normed_before_they_are_placed(norm):
    class Spy(Places):
        def rotate(self, q, k):
            self.q, self.k = q, k
            return q, k

    attention = Causal(kv_heads=2)(DIMS, norm)
    for weight in attention.parameters():
        torch.nn.init.normal_(weight) if weight.ndim == 2 else torch.nn.init.ones_(weight)
    spy = Spy()
    attention(torch.randn(2, T, 32), spy)
    assert spy.q.shape == (2, 4, T, 8)
    assert spy.k.shape == (2, 2, T, 8)
    for x in (spy.q, spy.k):
        torch.testing.assert_close(
            x.square().mean(-1).sqrt(), torch.ones(x.shape[:-1]), rtol=1e-3, atol=0
        )


def test_settings_reach_the_parts():
    tokens = torch.randint(11, (2, T))
    exact, tanh = make(feedforward="gelu")(tokens), make(feedforward="gelu tanh")(tokens)
    assert not torch.equal(exact, tanh)
    wide = Gelu(ratio=2.5)(replace(DIMS, bias=True))
    assert wide.up.weight.shape == (80, 32)
    assert wide.down.weight.shape == (32, 80)
    x = torch.randn(3, 32)
    for weight in wide.parameters():
        torch.nn.init.normal_(weight)
    torch.testing.assert_close(wide.down(wide.hidden(x)), wide(x))
    assert (
        FEEDFORWARDS["squared relu"](DIMS).activation(torch.tensor([-2.0, 3.0]))
        == torch.tensor([0.0, 9.0])
    ).all()


def test_the_head_reads_the_features():
    model, tokens = make(), torch.randint(11, (2, T))
    features = model.features(tokens)
    assert features.shape == (2, T, 32)
    assert torch.equal(model.head(features), model(tokens))
    with pytest.raises(ValueError, match="13 tokens do not fit a context of 12"):
        model.features(torch.zeros(1, 13, dtype=torch.int64))


def test_every_block_asks_its_parts_anew_and_says_which_it_is():
    asked = []

    def noting(policy):
        def called(dims, *norm):
            asked.append(dims)
            return policy(dims, *norm)

        return called

    def of(*policies, **settings):
        attention, positional, feedforward = policies
        sizes = {**TINY, "layers": 3, "dropout": 0.1, "bias": True}
        return GPT(Shape((T,), 11), attention, positional, RMSNorm(), feedforward, **sizes)

    model = of(noting(Causal()), noting(Rope()), noting(Gelu()))
    whole = Dims(width=32, heads=4, context=T, dropout=0.1, bias=True, layers=3)
    blocks = [whole.at(layer) for layer in (0, 0, 1, 1, 2, 2)]  # attention, then feed-forward
    assert asked == [whole, *blocks]
    parts = [part for block in model.blocks for part in (block.attention, block.feedforward)]
    assert len({id(part) for part in parts}) == 6
    plain = of(Causal(), Rope(), Gelu())
    assert list(plain.state_dict()) == list(model.state_dict())


def test_the_gradient_of_a_shared_layer_is_the_sum_of_the_unshared_ones():
    shared = make("causal", "learned", "layernorm", layers=4, share_layers=2)
    apart = make("causal", "learned", "layernorm", layers=4)
    weights = shared.state_dict()  # under every name that a shared layer has
    apart.load_state_dict(weights)
    inputs = torch.randint(0, shared.head.out_features, (2, T))
    for model in (shared, apart):
        model(inputs).square().mean().backward()
    each = {name: p.grad for name, p in apart.named_parameters()}
    own = dict(shared.named_parameters())
    assert count(apart) - count(shared) == 2 * count(apart.blocks[0])
    for name, parameter in own.items():
        wanted = each[name]
        if name.startswith("blocks."):
            _, place, rest = name.split(".", 2)
            wanted = wanted + each[f"blocks.{int(place) + 1}.{rest}"]
        torch.testing.assert_close(parameter.grad, wanted)


def test_layers_that_are_shared_divide_the_layers():
    with pytest.raises(AuditionError, match=r"share_layers=3 does not divide model.layers=4"):
        make("causal", "learned", "layernorm", layers=4, share_layers=3)
