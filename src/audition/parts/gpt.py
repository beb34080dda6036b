"""A small GPT: embed, a stack of blocks, norm, head. Every part comes from outside.

Shape suffixes: B batch, T places, C channels (the width), V vocabulary.
"""

from typing import Annotated, Literal

import torch
from annotated_types import Ge, Interval
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from audition.errors import AuditionError
from audition.parts.dims import Attention, Dims, FeedForward, Norm
from audition.parts.dropout import Dropout
from audition.parts.initial import scale_residuals
from audition.parts.linear import Embedding, Linear
from audition.parts.positional.places import Places, Positional
from audition.parts.skip.none import NoSkip
from audition.parts.skip.paths import Skip
from audition.recipe.batches import Shape

ONE_AFTER_ANOTHER = NoSkip()


class Block(nn.Module):
    """Attention and then feed-forward, each added to the residual stream.

    `norm.placement` says whether a half is normed before it, after the sum, or on both its ends.
    """

    again = False
    """Whether the backward pass computes the block again, so that its input alone is kept."""

    def __init__(
        self, width: int, norm: Norm, attention: nn.Module, feedforward: nn.Module, dropout: float
    ) -> None:
        super().__init__()
        self.after_sum = norm.placement == "post"
        self.attention_norm = norm.block(width)
        self.attention = attention
        self.feedforward_norm = norm.block(width)
        self.feedforward = feedforward
        self.dropout = Dropout(dropout)
        both = norm.placement == "sandwich"
        self.attention_out_norm = norm.block(width) if both else nn.Identity()
        self.feedforward_out_norm = norm.block(width) if both else nn.Identity()

    @property
    def unpacked(self) -> str:
        """Why several runs of it cannot be trained as one; empty where they can."""
        return "blocks are computed again backwards (checkpoint_activations)" if self.again else ""

    def forward(self, x: Tensor, positional: Places) -> Tensor:
        if self.again and torch.is_grad_enabled():
            # Saves and restores the generator, or dropout would draw another mask the second time.
            return checkpoint(self.passed, x, positional, use_reentrant=False)  # type: ignore[no-any-return]
        return self.passed(x, positional)

    def passed(self, x: Tensor, positional: Places) -> Tensor:
        """The stream [B, T, C] after both halves."""
        if self.after_sum:
            x = self.attention_norm(x + self.dropout(self.attention(x, positional)))
            return self.feedforward_norm(x + self.dropout(self.feedforward(x)))  # type: ignore[no-any-return]
        y = self.attention(self.attention_norm(x), positional)
        x = x + self.dropout(self.attention_out_norm(y))
        y = self.feedforward(self.feedforward_norm(x))
        return x + self.dropout(self.feedforward_out_norm(y))  # type: ignore[no-any-return]


def stacked(
    dims: Dims,
    positional: Places,
    norm: Norm,
    attention: Attention,
    feedforward: FeedForward,
    shared: int = 1,
) -> nn.ModuleList:
    """The blocks of a model, each standing in `shared` neighbouring places.

    Raises AuditionError where attention lacks what positions act on, and where `shared` does not
    divide the layers.
    """
    if dims.layers % shared:
        raise AuditionError(
            f"model.share_layers={shared} does not divide model.layers={dims.layers}: it must"
        )
    own = [
        Block(dims.width, norm, attention(each, norm), feedforward(each), dims.dropout)
        for each in map(dims.at, range(0, dims.layers, shared))
    ]
    for block in own:
        positional.check(block.get_submodule("attention"))
    return nn.ModuleList(block for block in own for _ in range(shared))


class GPT(nn.Module):
    """Token ids [B, T] to logits [B, T, V]: `head(features(inputs))`.

    Args:
        layers: blocks in the stack.
        heads: query heads of every attention; must divide the width.
        width: channels of the residual stream.
        context: the longest window of tokens the model can read.
        dropout: rate on the embedded tokens, the attention weights and every block's output.
        bias: whether linear maps carry a bias; the norm has its own setting.
        tied_head: whether the head is the embedding's own matrix.
        head_bias: whether the head adds a bias.
        embedding_gain: what embedded tokens are multiplied by, 1 or √width.
        residual_init: "scaled" starts maps into the residual stream at std / √(2 · layers).
        vocab: a larger vocabulary than the data's, to match a published size; null is the data's.
        share_layers: neighbouring layers that have one set of weights (MobileLLM, Liu et al. 2024);
            all of them is ALBERT (Lan et al. 2020). Must divide the layers.

    Raises AuditionError where the sizes do not fit each other.
    """

    splits = True  # see `Predict.halves`

    def __init__(
        self,
        shape: Shape,
        attention: Attention,
        positional: Positional,
        norm: Norm,
        feedforward: FeedForward,
        skip: Skip = ONE_AFTER_ANOTHER,
        *,
        layers: Annotated[int, Interval(ge=1, le=1000)] = 4,
        heads: Annotated[int, Ge(1)] = 4,
        width: Annotated[int, Ge(1)] = 128,
        context: Annotated[int, Ge(1)] = 64,
        dropout: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
        bias: bool = False,
        tied_head: bool = True,
        head_bias: bool = False,
        embedding_gain: Literal["one", "sqrt_width"] = "one",
        residual_init: Literal["scaled", "plain"] = "scaled",
        vocab: Annotated[int, Ge(1)] | None = None,
        share_layers: Annotated[int, Ge(1)] = 1,
    ) -> None:
        super().__init__()
        if len(shape.inputs) != 1:
            raise AuditionError(
                f"this model reads token ids, and the data's rows are of shape {shape.inputs}: "
                "choose a model for them, e.g. model=convnet"
            )
        if shape.inputs[0] > context:
            raise AuditionError(
                f"windows of {shape.inputs[0]} tokens do not fit a context of {context}: "
                "data.context can be model.context at most"
            )
        rows = shape.outputs if vocab is None else vocab
        if rows < shape.outputs:
            raise AuditionError(
                f"vocab={vocab} is smaller than the data's {shape.outputs} token ids"
            )
        if not getattr(attention, "causal", True):
            raise AuditionError(
                f"{type(attention).__name__} shows every token the one that is asked for, so this "
                "model cannot take it: choose attention=causal, or model=vit for pictures"
            )
        if width % heads:
            raise AuditionError(f"width={width} cannot be split over heads={heads}: it must divide")
        dims = Dims(width, heads, context, dropout, bias, layers=layers)
        self.context = context
        self.embedding_gain = width**0.5 if embedding_gain == "sqrt_width" else 1.0
        self.embedding = Embedding(rows, width)
        self.positional = positional(dims)
        self.dropout = Dropout(dropout)
        self.blocks = stacked(dims, self.positional, norm, attention, feedforward, share_layers)
        self.skip = skip(dims)
        self.skip.connect(self.blocks)
        # After the sum, the last block ends with a norm already.
        self.norm = nn.Identity() if norm.placement == "post" else norm.block(width)
        self.head = Linear(width, rows, head_bias, role="head")
        if tied_head:
            self.head.weight = self.embedding.weight
        if residual_init == "scaled":
            scale_residuals(self.blocks, (2 * layers) ** -0.5)

    def embed(self, inputs: Tensor) -> Tensor:
        """Token ids [B, T] to what the first block reads, [B, T, C]."""
        x = self.embedding(inputs)
        if self.embedding_gain != 1.0:
            x = x * self.embedding_gain
        return self.dropout(self.positional.embed(x))  # type: ignore[no-any-return]

    def features(self, inputs: Tensor) -> Tensor:
        """Token ids [B, T] to what the head reads, [B, T, C].

        Raises ValueError for windows longer than the context.
        """
        if inputs.shape[1] > self.context:
            raise ValueError(f"{inputs.shape[1]} tokens do not fit a context of {self.context}")
        x = self.skip(self.embed(inputs), self.blocks, self.positional)
        return self.norm(x)  # type: ignore[no-any-return]

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.features(inputs))  # type: ignore[no-any-return]
