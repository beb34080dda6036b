"""Whole models, mixtures and positions against the same things in other people's code."""

import pytest
import torch

from audition.parts.attention.causal import Causal
from audition.parts.dims import Dims
from audition.parts.feedforward.gelu import Gelu
from audition.parts.feedforward.moe import MixtureOfExperts
from audition.parts.feedforward.squared_relu import SquaredRelu
from audition.parts.feedforward.swiglu import SwiGLU
from audition.parts.gpt import GPT
from audition.parts.initial import initialise
from audition.parts.norm.layernorm import LayerNorm
from audition.parts.norm.rmsnorm import RMSNorm
from audition.parts.positional.alibi import Alibi, slopes
from audition.parts.positional.learned import Learned
from audition.parts.positional.none import NoPosition
from audition.parts.positional.rope import Rope
from audition.parts.positional.t5 import bucket
from audition.recipe.batches import Shape
from audition.recipe.streams import Streams
from audition.recipe.terms import added_terms

WIDTH, HEADS, LAYERS, CONTEXT, VOCAB = 32, 4, 2, 12, 17
SIZES = {"width": WIDTH, "heads": HEADS, "layers": LAYERS, "context": CONTEXT}
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def gpt(attention, positional, norm, feedforward, **settings):
    model = GPT(
        Shape((CONTEXT,), VOCAB), attention, positional, norm, feedforward, **SIZES, **settings
    )
    initialise(model, Streams(0))
    unlike(model)
    return model.eval()


def unlike(model):
    """Move every weight off its first value, so that a gain of 1 or a bias of 0 counts too."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn(p.shape, generator=generator), alpha=0.1)


def tokens():
    return torch.randint(VOCAB, (3, CONTEXT), generator=torch.Generator().manual_seed(2))


def given(theirs, weights):
    """`theirs` with `weights`, which must be all that it has; buffers are its own."""
    wrong = theirs.load_state_dict(weights, strict=False)
    assert not wrong.unexpected_keys
    assert set(wrong.missing_keys) <= {name for name, _ in theirs.named_buffers()}
    return theirs.eval()


def same_logits(ours, theirs, read):
    torch.testing.assert_close(ours(tokens()), read(theirs(tokens())), **CLOSE)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gpt2(approximate):
    from transformers import GPT2Config
    from transformers.models.gpt2.modeling_gpt2 import GPT2LMHeadModel

    ours = gpt(Causal(), Learned(), LayerNorm(bias=True), Gelu(approximate=approximate), bias=True)
    theirs = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=VOCAB,
            n_positions=CONTEXT,
            n_embd=WIDTH,
            n_layer=LAYERS,
            n_head=HEADS,
            activation_function={"none": "gelu", "tanh": "gelu_new"}[approximate],
            attn_implementation="eager",
        )
    )
    own = ours.state_dict()
    weights = {
        "transformer.wte.weight": own["embedding.weight"],
        "lm_head.weight": own["head.weight"],
        "transformer.wpe.weight": ours.positional.embedding.weight,
    }
    weights |= {f"transformer.ln_f.{x}": getattr(ours.norm, x) for x in ("weight", "bias")}
    for i, block in enumerate(ours.blocks):
        at, attention, hidden = f"transformer.h.{i}", block.attention, block.feedforward
        for name, norm in (("ln_1", block.attention_norm), ("ln_2", block.feedforward_norm)):
            weights |= {f"{at}.{name}.{x}": getattr(norm, x) for x in ("weight", "bias")}
        three = (attention.q, attention.k, attention.v)
        weights |= {  # its maps are transposed
            f"{at}.attn.c_attn.weight": torch.cat([m.weight for m in three]).T,
            f"{at}.attn.c_attn.bias": torch.cat([m.bias for m in three]),
        }
        maps = {"attn.c_proj": attention.out, "mlp.c_fc": hidden.up, "mlp.c_proj": hidden.down}
        for name, own_map in maps.items():
            weights |= {f"{at}.{name}.weight": own_map.weight.T, f"{at}.{name}.bias": own_map.bias}
    same_logits(ours, given(theirs, weights), lambda found: found.logits)


@pytest.mark.parametrize("base", [10000.0, 500.0])
def test_llama(base):
    """Rotary positions, RMSNorm, SwiGLU and grouped keys and values, in one model."""
    from transformers import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaForCausalLM

    feedforward = SwiGLU(ratio=3.0)
    ours = gpt(Causal(kv_heads=2), Rope(base=base), RMSNorm(eps=1e-6), feedforward, tied_head=False)
    theirs = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCAB,
            hidden_size=WIDTH,
            intermediate_size=feedforward.hidden_units(WIDTH),
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            num_key_value_heads=2,
            max_position_embeddings=CONTEXT,
            rms_norm_eps=1e-6,
            rope_parameters={"rope_type": "default", "rope_theta": base},
            attn_implementation="eager",
        )
    )
    weights = {
        "model.embed_tokens.weight": ours.embedding.weight,
        "lm_head.weight": ours.head.weight,
        "model.norm.weight": ours.norm.weight,
    }
    for i, block in enumerate(ours.blocks):
        attention, hidden = block.attention, block.feedforward
        parts = {
            "input_layernorm": block.attention_norm,
            "post_attention_layernorm": block.feedforward_norm,
            "self_attn.q_proj": attention.q,
            "self_attn.k_proj": attention.k,
            "self_attn.v_proj": attention.v,
            "self_attn.o_proj": attention.out,
            "mlp.gate_proj": hidden.gate,
            "mlp.up_proj": hidden.up,
            "mlp.down_proj": hidden.down,
        }
        weights |= {f"model.layers.{i}.{name}.weight": part.weight for name, part in parts.items()}
    same_logits(ours, given(theirs, weights), lambda found: found.logits)


def test_a_mixture_is_mixtrals_with_its_balance():
    from transformers import MixtralConfig
    from transformers.models.mixtral.modeling_mixtral import (
        MixtralSparseMoeBlock,
        load_balancing_loss_func,
    )

    policy = MixtureOfExperts(experts=4, top_k=2, expert="swiglu", ratio=3.0, balance=0.02)
    ours = policy(Dims(WIDTH, HEADS, CONTEXT, 0.0, False, layers=1))
    initialise(ours, Streams(0))
    unlike(ours)
    config = MixtralConfig(
        hidden_size=WIDTH,
        intermediate_size=SwiGLU(ratio=3.0).hidden_units(WIDTH),
        num_local_experts=4,
        num_experts_per_tok=2,
        experts_implementation="eager",
    )
    weights = {
        "gate.weight": ours.router.weight,
        "experts.gate_up_proj": torch.stack(
            [torch.cat((e.gate.weight, e.up.weight)) for e in ours.experts]
        ),
        "experts.down_proj": torch.stack([e.down.weight for e in ours.experts]),
    }
    theirs = given(MixtralSparseMoeBlock(config), weights)
    x = torch.randn(3, CONTEXT, WIDTH, generator=torch.Generator().manual_seed(3))
    with added_terms() as terms:
        found = ours.train()(x)
    torch.testing.assert_close(found, theirs(x), **CLOSE)
    logits = x.flatten(0, 1) @ ours.router.weight.T
    # Theirs counts every choice of a token, ours a token's share of its choices.
    balance = load_balancing_loss_func((logits,), 4, 2) / 2
    torch.testing.assert_close(terms["balance"], 0.02 * balance, **CLOSE)


@pytest.mark.parametrize("heads", [1, 2, 3, 4, 6, 8, 12, 16, 20])
def test_alibis_slopes_are_blooms(heads):
    from transformers.models.bloom.modeling_bloom import build_alibi_tensor

    theirs = build_alibi_tensor(torch.ones(1, 2), heads, torch.float32)[:, 0, 1]
    torch.testing.assert_close(torch.tensor(slopes(heads)), theirs)


@pytest.mark.parametrize(("buckets", "longest"), [(32, 128), (8, 20), (16, 1000)])
def test_t5s_buckets_are_t5s(buckets, longest):
    from transformers.models.t5.modeling_t5 import T5Attention

    distance = torch.arange(2 * longest)
    theirs = T5Attention._relative_position_bucket(-distance, False, buckets, longest)
    ours = bucket(distance, buckets, longest)
    # At the edge of a bucket their logarithm in float32 may round to the one below.
    edges = ours - theirs
    assert set(edges.tolist()) <= {0, 1}
    assert int(edges.sum()) <= 3


@pytest.mark.parametrize(
    ("placement", "cap", "positional"),
    [("pre", None, Alibi()), ("sandwich", 2.0, NoPosition()), ("sandwich", None, Alibi())],
)
@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")
def test_x_transformers_decoder(placement, cap, positional):
    """ALiBi, capped scores, squared ReLU, a sandwich of norms, and one head of keys and values."""
    from x_transformers import Decoder, TransformerWrapper  # warns as it is imported

    ours = gpt(
        Causal(kv_heads=1, soft_cap=cap),
        positional,
        RMSNorm(placement=placement, eps=1e-12),
        SquaredRelu(),
        tied_head=False,
    )
    theirs = TransformerWrapper(
        num_tokens=VOCAB,
        max_seq_len=CONTEXT,
        use_abs_pos_emb=False,
        attn_layers=Decoder(
            dim=WIDTH,
            depth=LAYERS,
            heads=HEADS,
            attn_dim_head=WIDTH // HEADS,
            attn_kv_heads=1,
            attn_softclamp_logits=cap is not None,
            attn_logit_softclamp_value=cap or 50.0,
            alibi_pos_bias=isinstance(positional, Alibi),
            use_rmsnorm=True,
            norm_add_unit_offset=False,
            sandwich_norm=placement == "sandwich",
            ff_relu_squared=True,
            ff_no_bias=True,
        ),
    )
    weights = {
        "token_emb.emb.weight": ours.embedding.weight,
        "to_logits.weight": ours.head.weight,
        "attn_layers.final_norm.g": ours.norm.weight,
    }
    for i, block in enumerate(ours.blocks):
        first, second = f"attn_layers.layers.{2 * i}", f"attn_layers.layers.{2 * i + 1}"
        weights |= {f"{first}.0.0.g": block.attention_norm.weight}
        weights |= {f"{second}.0.0.g": block.feedforward_norm.weight}
        if placement == "sandwich":
            weights |= {f"{first}.0.1.g": block.attention_out_norm.weight}
            weights |= {f"{second}.0.1.g": block.feedforward_out_norm.weight}
        for name in ("q", "k", "v", "out"):
            weights[f"{first}.1.to_{name}.weight"] = getattr(block.attention, name).weight
        weights[f"{second}.1.ff.0.0.weight"] = block.feedforward.up.weight
        weights[f"{second}.1.ff.2.weight"] = block.feedforward.down.weight
    same_logits(ours, given(theirs, weights), lambda found: found)
