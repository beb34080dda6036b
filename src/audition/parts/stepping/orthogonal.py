"""Muon's step over stacks: all matrices of one shape are orthogonalised in one product.

Shape suffixes: K matrices of a stack, R rows and C columns of each, R <= C.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim._muon import _adjust_lr

_each: Any = torch  # torch declares no types for its foreach functions


class StackedMuon(torch.optim.Muon):
    """Torch's Muon with the same state and groups, in a few products instead of fifteen a matrix.

    A small model has dozens of equal matrices, and a step is then bound by the number of calls: on
    a CPU it takes half the time at nano scale, on a card far less. Where a stack's product sums in
    the order of a single one, the bits are torch's own.
    """

    def __init__(
        self,
        params: Iterable[dict[str, Any]],
        *,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        """Torch's settings and defaults; parameters may be stacks [..., R, C]."""
        # Torch's own constructor refuses parameters of more than two axes.
        settings = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        Optimizer.__init__(self, params, settings)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; `closure` is evaluated before it."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            params: list[Tensor] = []
            grads: list[Tensor] = []
            means: list[Tensor] = []
            self._init_group(group, params, grads, means)
            if not params:
                continue
            _each._foreach_lerp_(means, grads, 1 - group["momentum"])
            ahead = _each._foreach_lerp(grads, means, group["momentum"])
            steps = orthogonalised(
                ahead if group["nesterov"] else means,
                group["ns_coefficients"],
                group["ns_steps"],
                group["eps"],
            )
            rates = [_adjust_lr(group["lr"], group["adjust_lr_fn"], p.shape[-2:]) for p in params]
            _each._foreach_mul_(params, 1 - group["lr"] * group["weight_decay"])
            for rate in dict.fromkeys(rates):
                alike = [i for i, each in enumerate(rates) if each == rate]
                _each._foreach_add_(
                    [params[i] for i in alike], [steps[i] for i in alike], alpha=-rate
                )
        return loss


def orthogonalised(
    matrices: Sequence[Tensor],
    coefficients: tuple[float, float, float],
    iterations: int,
    eps: float,
) -> list[Tensor]:
    """Each matrix [..., R, C] (or [..., C, R]) mapped towards its nearest orthogonal one, dtype kept.

    Newton-Schulz (Jordan 2024): x ← a x + (b x xᵀ + c (x xᵀ)²) x, on x divided by its Frobenius
    norm, in bfloat16. Singular values end between .5 and 1.5 at the usual coefficients.

    Example:
        >>> import torch
        >>> uneven = torch.diag(torch.tensor([3.0, 0.5]))
        >>> (x,) = orthogonalised([uneven], (3.4445, -4.775, 2.0315), 5, 1e-7)
        >>> bool((torch.linalg.svdvals(x) > 0.5).all())
        True
    """
    wide = [m if m.shape[-2] <= m.shape[-1] else m.mT for m in matrices]
    found: dict[int, Tensor] = {}
    for shape in dict.fromkeys(m.shape for m in wide):
        places = [i for i, m in enumerate(wide) if m.shape == shape]
        x = torch.stack([wide[i] for i in places]).flatten(0, -3).bfloat16()  # [K, R, C]
        x = x / torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True).clamp(min=eps)
        a, b, c = coefficients
        for _ in range(iterations):
            gram = x @ x.mT  # [K, R, R]
            gram = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
            x = torch.baddbmm(x, gram, x, beta=a)
        found.update(zip(places, x.view(len(places), *shape), strict=True))
    return [(found[i] if m is wide[i] else found[i].mT).to(m.dtype) for i, m in enumerate(matrices)]
