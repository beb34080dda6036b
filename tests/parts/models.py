"""The models that the tests of the parts are made on, by the names conf/ gives them."""

from typing import Any

from torch import nn

from audition.config.instantiate import construct, find
from audition.config.members import members
from audition.config.root import ABSENT
from audition.errors import AuditionError
from audition.parts.attention.causal import Causal
from audition.parts.attention.sliding import Sliding
from audition.parts.feedforward.gelu import Gelu
from audition.parts.feedforward.shared_moe import SharedMixture
from audition.parts.feedforward.squared_relu import SquaredRelu
from audition.parts.feedforward.swiglu import SwiGLU
from audition.parts.gpt import GPT
from audition.parts.initial import initialise
from audition.parts.norm.layernorm import LayerNorm
from audition.parts.norm.rmsnorm import RMSNorm
from audition.parts.positional.rope import Rope
from audition.recipe.batches import Shape
from audition.recipe.streams import Streams


def shelf(group: str) -> dict[str, Any]:
    """Every part that `conf/GROUP` has, at the settings at which it acts on a few tokens."""
    nodes = {member.name: member.nodes[group] for member in members(group)}
    return {
        name: construct({**node, **getattr(find(node["_target_"]), "active", {})})
        for name, node in nodes.items()
        if node["_target_"] != ABSENT
    }


ATTENTIONS = {  # of language; one that sees what is to come is for pictures
    **{name: part for name, part in shelf("attention").items() if getattr(part, "causal", True)},
    "causal": Causal(),
    "fused": Causal(fused_qkv=True),
    "grouped": Causal(kv_heads=2),
    "capped": Causal(soft_cap=2.0),
    "sliding": Sliding(window=3),
    "sliding grouped": Sliding(window=3, kv_heads=1),
}
POSITIONALS = shelf("positional")
NORMS = {
    "layernorm": LayerNorm(),
    "layernorm bias qk": LayerNorm(bias=True, query_key=True),
    "rmsnorm": RMSNorm(),
    "rmsnorm qk": RMSNorm(query_key=True),
    "rmsnorm post": RMSNorm(placement="post"),
    "layernorm sandwich": LayerNorm(placement="sandwich"),
}
FEEDFORWARDS = {
    "gelu": Gelu(),
    "gelu tanh": Gelu(approximate="tanh"),
    "squared relu": SquaredRelu(),
    "swiglu": SwiGLU(),
    "shared moe": SharedMixture(experts=4, router_z=0.01),
    "shared moe, dense": SharedMixture(experts=4, router_z=0.01, dispatch="dense"),
}
TINY = {"layers": 2, "heads": 4, "width": 32, "context": 12}
GPT88M = {
    "layers": 22,
    "heads": 8,
    "width": 512,
    "context": 2048,
    "embedding_gain": "sqrt_width",
    "residual_init": "plain",
    "vocab": 49152,
}


def make(
    attention: str = "causal",
    positional: str = "learned",
    norm: str = "layernorm",
    feedforward: str = "gelu",
    *,
    seed: int = 0,
    vocab_size: int = 11,
    **settings: object,
) -> GPT:
    """An initialised GPT of tiny size; `settings` override its own."""
    sizes = {**TINY, **settings}
    model = GPT(
        Shape((sizes["context"],), vocab_size),
        ATTENTIONS[attention],
        POSITIONALS[positional],
        NORMS[norm],
        FEEDFORWARDS[feedforward],
        **sizes,
    )
    initialise(model, Streams(seed))
    return model


def fit(attention: str, positional: str) -> bool:
    """Whether the attention has what the positions act on."""
    try:
        make(attention, positional)
    except AuditionError:
        return False
    return True


def gpt88m(layers: int = 22) -> GPT:
    """The published model, uninitialised; fewer layers where a test has to train it."""
    return GPT(
        Shape((2048,), 81),
        Causal(kv_heads=4),
        Rope(),
        RMSNorm(query_key=True),
        SquaredRelu(),
        **{**GPT88M, "layers": layers},
    )


def count(model: nn.Module) -> int:
    """Parameters of `model`, tied ones once."""
    return sum(p.numel() for p in model.parameters())
