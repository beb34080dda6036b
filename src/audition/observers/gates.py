"""How far the gates of `skip=gated` open, and whether they open where what they pass is worth most."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audition.observers.fixed_rows import fixed_rows
from audition.parts.skip.gated import Gate, GatedPaths
from audition.recipe.problem import Predict
from audition.session import Session
from audition.stats.ranks import spearman

PREFIX = "skip/"


class Gates:
    """Of each gate, on rows that no step trains on: its mean, its spread, and its worth.

    What a gate g of a token passes, o, is worth |∂ loss / ∂g| = |o · δ|: activation times gradient,
    the fitness of units, of a whole branch. `fit` is the rank correlation (Spearman) of the gate with
    that, over tokens: above zero where gates are more open for what the loss depends on. A look is a
    forward and a backward pass in evaluation mode, about `looks` times in a run; it changes no bit.
    """

    def __init__(
        self,
        context: Callable[[], AbstractContextManager[object]] = nullcontext,
        *,
        looks: int = 12,
        units: int = 1024,
    ) -> None:
        self.context, self.looks, self.units = context, looks, units
        self.every = 0  # steps; 0 where there is nothing to look at

    def start(self, session: Session, steps: int | None) -> None:
        """Before the first step of `steps`."""
        gated = any(isinstance(m, GatedPaths) for m in session.model.modules())
        self.every = max(1, (steps or 100 * self.looks) // self.looks) if gated else 0

    def after(self, session: Session) -> dict[str, float]:
        """What there is to write after a step, mostly nothing."""
        return self.look(session) if self.every and session.step % self.every == 0 else {}

    def look(self, session: Session) -> dict[str, float]:
        """`skip/gate_N`, `spread_N`, `worth_N`, `fit_N`, N the place of the gate from below."""
        rows = fixed_rows(session, self.units)
        if rows is None or rows.targets.dtype != torch.int64:
            return {}
        seen: list[Tensor] = []

        def keep(gate: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            seen.append(output)

        gates = [m for m in session.model.modules() if isinstance(m, Gate)]
        hooks = [gate.register_forward_hook(keep) for gate in gates]
        training = session.model.training
        session.model.eval()
        try:
            with torch.enable_grad(), self.context():
                logits = Predict(session.model, session.loss)(rows)
                loss = F.cross_entropy(
                    logits.flatten(0, -2), rows.targets.flatten(), reduction="sum"
                )
            slopes = torch.autograd.grad(loss, seen)
        finally:
            session.model.train(training)
            for hook in hooks:
                hook.remove()
        found: dict[str, float] = {}
        for n, (gate, slope) in enumerate(zip(seen, slopes, strict=True)):
            opened, worth = gate.detach().float().flatten(), slope.float().abs().flatten()
            found |= {
                f"{PREFIX}gate_{n}": float(opened.mean()),
                f"{PREFIX}spread_{n}": float(opened.std()),
                f"{PREFIX}worth_{n}": float(worth.mean()),
                f"{PREFIX}fit_{n}": spearman(opened.tolist(), worth.tolist()),
            }
        return found
