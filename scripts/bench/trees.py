"""Effects on all tensors at once, against the same arithmetic tensor by tensor in Python.

`python -m scripts.bench.trees cuda` measures a card.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from audition.effects.limiter import Limiter
from audition.effects.saturation import Saturation
from audition.recipe import tree
from audition.recipe.batches import Clock, Shape
from audition.recipe.problem import Cost, Gradient
from audition.recipe.signals import Controls, View
from audition.recipe.streams import Streams
from scripts.bench.pairs import Row, paired
from scripts.bench.step import FP32, job

TIMES = 20
Tree = dict[str, Tensor]


def limited(updates: Tree, weights: Tree) -> Tree:
    """The limiter as a loop."""
    out = {}
    for name, update in updates.items():
        allowed = 0.01 * torch.linalg.vector_norm(weights[name]).clamp(min=1e-3)
        gain = (allowed / torch.linalg.vector_norm(update).clamp(min=1e-30)).clamp(max=1.0)
        out[name] = update * gain
    return out


def saturated(grads: Tree) -> Tree:
    """Saturation as a loop."""
    out = {}
    for name, grad in grads.items():
        ceiling = 3.0 * grad.square().mean().sqrt()
        out[name] = ceiling * torch.tanh(grad / ceiling.clamp(min=torch.finfo(grad.dtype).tiny))
    return out


def differences(after: Tree, before: Tree) -> Tree:
    """Updates as a loop makes them: p_new - p_old."""
    return {name: p - before[name] for name, p in after.items()}


def rows(output_dir: Path, *, pairs: int = 15, device: str = "cpu") -> list[Row]:
    """What each takes on tensors of the nano model, beside the loop."""
    torch.set_num_threads(1)
    made = job(output_dir, FP32)
    shapes = {n: p.shape for n, p in made.recipe.model(Shape((64,), 65)).named_parameters()}
    generator = torch.Generator().manual_seed(0)
    weights, signal = (
        {n: torch.randn(s, generator=generator).to(device) for n, s in shapes.items()}
        for _ in range(2)
    )
    view = View(Clock(0, 1, 0.0), Controls(), weights, Streams(0))
    gradient = Gradient(signal, {}, Cost())
    limiter, saturation = Limiter(ceiling=0.01), Saturation(drive=3.0)
    sides: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "limiter": (
            lambda: limiter.on_updates(signal, None, view),
            lambda: limited(signal, weights),
        ),
        "saturation": (
            lambda: saturation.on_gradients(gradient, None, view),
            lambda: saturated(signal),
        ),
        "updates": (
            lambda: tree.subtract(weights, signal),
            lambda: differences(weights, signal),
        ),
    }

    def repeated(work: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            with torch.no_grad():
                for _ in range(TIMES):
                    work()
            if device == "cuda":
                torch.cuda.synchronize()

        return run

    return [
        paired(
            f"{name} on the nano model's {len(shapes)} tensors ({device}), against a loop over them",
            repeated(ours),
            repeated(theirs),
            pairs=pairs,
            unit="ms",
            per=TIMES / 1000,
        )
        for name, (ours, theirs) in sides.items()
    ]


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        for row in rows(Path(folder), device=sys.argv[1] if len(sys.argv) > 1 else "cpu"):
            print(row)
