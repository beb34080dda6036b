"""Models that are GPT-2 to the letter: their configuration and weights as transformers has them."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from audition.parts.attention.causal import Causal, CausalAttention
from audition.parts.attention.heads import Heads
from audition.parts.feedforward.gelu import Gelu
from audition.parts.feedforward.two_layer import TwoLayer
from audition.parts.gpt import GPT, Block
from audition.parts.positional.learned import LearnedPlaces
from audition.parts.skip.paths import Paths

ACTIVATIONS = {"none": "gelu", "tanh": "gelu_pytorch_tanh"}
"""Our `approximate`, and that GELU in transformers, whose `gelu_new` is the second with other bits."""


def is_gpt2(model: nn.Module) -> bool:
    """Whether `model` computes what `GPT2LMHeadModel` does.

    That is attention to all earlier tokens by heads of their own, learned positions, a layer norm
    before each half, one GELU, nothing beside the residual stream, and a head without a bias.
    """
    if type(model) is not GPT or model.embedding_gain != 1.0 or model.head.bias is not None:
        return False
    if type(model.positional) is not LearnedPlaces or type(model.skip) is not Paths:
        return False
    blocks = list(model.blocks)
    own = len({id(block) for block in blocks}) == len(blocks)
    norms = {each.eps for each in model.modules() if isinstance(each, nn.LayerNorm)}
    widths = {units_of(block) for block in blocks}
    kinds = {kind_of(block) for block in blocks}
    if not isinstance(model.norm, nn.LayerNorm) or not own or len(norms) > 1:
        return False
    return len(widths) == 1 and len(kinds) == 1 and "" not in kinds


def kind_of(block: nn.Module) -> str:
    """The name in transformers of the GELU of a block as GPT-2 has it; empty for another block."""
    if type(block) is not Block or block.after_sum:
        return ""
    attention, feedforward = block.attention, block.feedforward
    if type(attention) is not CausalAttention or type(feedforward) is not TwoLayer:
        return ""
    policy, bend = attention.policy, getattr(feedforward.activation, "__self__", None)
    plain = type(policy) is Causal and policy.soft_cap is None
    own_heads = len(set(attention.sizes)) == 1
    bare = (
        attention.q_norm,
        attention.k_norm,
        block.attention_out_norm,
        block.feedforward_out_norm,
    )
    if not (plain and own_heads and all(isinstance(each, nn.Identity) for each in bare)):
        return ""
    norms = (block.attention_norm, block.feedforward_norm)
    if type(bend) is not Gelu or not all(isinstance(each, nn.LayerNorm) for each in norms):
        return ""
    return ACTIVATIONS[bend.approximate]


def units_of(block: nn.Module) -> int:
    """Hidden units of a block's feed-forward map."""
    up = getattr(getattr(block, "feedforward", None), "up", None)
    return up.out_features if isinstance(up, nn.Linear) else 0


def gpt2_config(model: GPT) -> dict[str, Any]:
    """What `GPT2Config` is made of, for a model of which `is_gpt2` is true."""
    block: Any = model.blocks[0]
    rows, width = model.embedding.weight.shape
    norm: Any = model.norm
    return {
        "vocab_size": rows,
        "n_positions": model.context,
        "n_embd": width,
        "n_layer": len(model.blocks),
        "n_head": width // block.attention.channels,
        "n_inner": units_of(block),
        "activation_function": kind_of(block),
        "embd_pdrop": model.dropout.p,
        "resid_pdrop": block.dropout.p,
        "attn_pdrop": block.attention.dropout.p,
        "layer_norm_epsilon": norm.eps,
        "tie_word_embeddings": model.head.weight is model.embedding.weight,
        "bos_token_id": None,
        "eos_token_id": None,
    }


def gpt2_weights(model: GPT) -> dict[str, Tensor]:
    """The weights under the names and in the layout of transformers, whose maps [in, out] are ours
    [out, in] transposed; a bias that ours lack is zero there."""
    whole: Any = model
    found: dict[str, Tensor] = {
        "transformer.wte.weight": whole.embedding.weight,
        "transformer.wpe.weight": whole.positional.embedding.weight,
    }
    for number, block in enumerate(whole.blocks):
        for name, tensor in _of_block(block):
            found[f"transformer.h.{number}.{name}"] = tensor
    found |= dict(_norm("transformer.ln_f", whole.norm))
    if whole.head.weight is not whole.embedding.weight:
        found["lm_head.weight"] = whole.head.weight
    return {name: tensor.detach().contiguous().clone() for name, tensor in found.items()}


def _of_block(block: Any) -> Iterator[tuple[str, Tensor]]:
    yield from _norm("ln_1", block.attention_norm)
    yield from _norm("ln_2", block.feedforward_norm)
    attention: Heads = block.attention
    maps = [attention.qkv] if attention.fused else [attention.q, attention.k, attention.v]
    yield from _maps("attn.c_attn", *maps)
    yield from _maps("attn.c_proj", attention.out)
    yield from _maps("mlp.c_fc", block.feedforward.up)
    yield from _maps("mlp.c_proj", block.feedforward.down)


def _norm(name: str, norm: Any) -> Iterator[tuple[str, Tensor]]:
    yield f"{name}.weight", norm.weight
    yield f"{name}.bias", torch.zeros_like(norm.weight) if norm.bias is None else norm.bias


def _maps(name: str, *maps: nn.Linear) -> Iterator[tuple[str, Tensor]]:
    """Linear maps of one input, side by side, as one of transformers'."""
    weights: list[Tensor] = [each.weight for each in maps]
    yield f"{name}.weight", torch.cat(weights).mT
    biases: list[Tensor] = [
        each.weight.new_zeros(each.out_features) if each.bias is None else each.bias
        for each in maps
    ]
    yield f"{name}.bias", torch.cat(biases)
