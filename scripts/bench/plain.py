"""What anyone would write to train the nano model: one file, torch alone, nanoGPT's CPU settings.

`python -m scripts.bench.plain --seed 42 [--tokens N] [--threads N]`. Model and loop are its own; only
the token ids and the held-out windows are the house's, so that both sides train on the same text.

Shape suffixes: B rows of a batch, T tokens of a row, C channels, H heads, V vocabulary.
"""

import argparse
import math
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audition.data.shakespeare import Shakespeare
from audition.recipe.batches import Batch
from audition.recipe.streams import Streams

LAYERS, HEADS, WIDTH, CONTEXT, BATCH = 4, 4, 128, 64, 12
RATE, LOWEST_RATE, WARMUP, CLIP = 1e-3, 1e-4, 100, 1.0


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(WIDTH, bias=False)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.merge = nn.Linear(WIDTH, WIDTH, bias=False)
        self.norm_2 = nn.LayerNorm(WIDTH, bias=False)
        self.widen = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.narrow = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        b, t, c = x.shape
        q, k, v = (
            part.view(b, t, HEADS, c // HEADS).transpose(1, 2)  # [B, H, T, C / H]
            for part in self.qkv(self.norm_1(x)).split(WIDTH, dim=2)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.merge(y.transpose(1, 2).contiguous().view(b, t, c))
        return x + self.narrow(F.gelu(self.widen(self.norm_2(x))))


class Model(nn.Module):
    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocab_size, WIDTH)
        self.places = nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH, bias=False)
        self.head = nn.Linear(WIDTH, vocab_size, bias=False)
        self.head.weight = self.tokens.weight
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                residual = name.endswith(("merge.weight", "narrow.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * LAYERS) if residual else 0.02)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.tokens(ids) + self.places(torch.arange(ids.shape[1]))  # [B, T, C]
        return self.head(self.norm(self.blocks(x)))  # [B, T, V]


def batches(ids: np.ndarray) -> Iterator[tuple[Tensor, Tensor]]:
    """Windows from anywhere in the text, as nanoGPT draws them."""
    while True:
        starts = torch.randint(len(ids) - CONTEXT, (BATCH,)).tolist()
        rows = torch.stack(
            [torch.from_numpy(ids[i : i + CONTEXT + 1].astype(np.int64)) for i in starts]
        )
        yield rows[:, :-1].contiguous(), rows[:, 1:].contiguous()


def rate(step: int, steps: int) -> float:
    """Up in a straight line, then down half a cosine."""
    if step < WARMUP:
        return RATE * (step + 1) / (WARMUP + 1)
    done = (step - WARMUP) / max(1, steps - WARMUP)
    return LOWEST_RATE + 0.5 * (1 + math.cos(math.pi * done)) * (RATE - LOWEST_RATE)


@torch.no_grad()
def evaluate(model: Model, held_out: list[Batch]) -> float:
    """Mean loss over the held-out windows [nats per token]."""
    model.eval()
    total = sum(
        F.cross_entropy(model(b.inputs).flatten(0, 1), b.targets.flatten(), reduction="sum").item()
        for b in held_out
    )
    model.train()
    return total / sum(batch.units for batch in held_out)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, help="by default as many as torch takes")
    parser.add_argument("--cache-dir", default="outputs/cache")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)

    text = Shakespeare(cache_dir=arguments.cache_dir, batch_size=BATCH, context=CONTEXT)
    windows = text.open(Streams(arguments.seed))
    held_out = list(windows.held_out())
    draw = batches(text.tokenised().training.ids)
    model = Model(windows.shape.outputs)
    weights = list(model.parameters())
    groups = [
        {"params": [w for w in weights if w.ndim >= 2], "weight_decay": 0.1},
        {"params": [w for w in weights if w.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.99))

    steps = max(1, arguments.tokens // (BATCH * CONTEXT))
    began = time.perf_counter()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, steps)
        inputs, targets = next(draw)
        loss = F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(weights, CLIP)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 100 == 0:
            print(f"step {step}/{steps}: loss {loss.item():.4f}", flush=True)
        if step + 1 in (steps // 2, steps):
            held = evaluate(model, held_out)
            print(f"step {step + 1}/{steps}: held-out loss {held:.4f}", flush=True)
    print(f"{steps * BATCH * CONTEXT / (time.perf_counter() - began):,.0f} tokens/s")


if __name__ == "__main__":
    main()
