"""The router of a mixture of experts: which experts a token goes to, with which weights.

Shape suffixes: N tokens, C channels, E experts, K experts that a token goes to.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.nn import functional as F

from audition.errors import AuditionError
from audition.parts.initial import Normal, parameter
from audition.parts.linear import STD
from audition.recipe.terms import add_term


@dataclass(frozen=True, kw_only=True)
class Routed:
    """Settings of a router with a softmax over all experts.

    Raises AuditionError for more experts a token than there are, and for weights that are always 1.
    """

    experts: Annotated[int, Ge(1)] = 8
    """Maps among which the router chooses."""
    top_k: Annotated[int, Ge(1)] = 2
    """Experts that each token goes to: those that the router gives the most weight."""
    renormalise: bool = True
    """Whether a token's weights are divided by their sum (Mixtral); else they are the router's
    probabilities as they are (Switch, DeepSeekMoE)."""
    balance: Annotated[float, Ge(0)] = 0.01
    """Coefficient of the term that spreads tokens over the experts of a block: experts · Σ f P, where
    f is an expert's share of the tokens and P its mean probability (Fedus et al. 2022). An even
    router has 1, the worst one `experts / top_k`; blocks add up."""
    router_z: Annotated[float, Ge(0)] = 0.0
    """Coefficient of the mean of log² Z, where Z is the sum of exp(the router's logits), of a block
    (ST-MoE, Zoph et al. 2022, at 1e-3); blocks add up."""

    def __post_init__(self) -> None:
        if self.top_k > self.experts:
            raise AuditionError(
                f"top_k={self.top_k} is more than there are experts ({self.experts}): choose fewer"
            )
        if self.top_k == 1 and self.experts > 1 and self.renormalise:
            raise AuditionError(
                "top_k=1 with renormalise=true weights every expert with 1, so that the router learns "
                "nothing: set renormalise=false"
            )


class Router(nn.Module):
    """A linear map to one logit an expert. It computes in float32, whatever autocast says."""

    def __init__(self, width: int, policy: Routed) -> None:
        super().__init__()
        self.policy = policy
        self.weight = parameter(policy.experts, width, init=Normal(STD), role="matrix")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x [N, C] to the experts of each token [N, K] and their weights [N, K], float32."""
        policy = self.policy
        with torch.autocast(x.device.type, enabled=False):
            logits = F.linear(x.float(), self.weight.float())  # [N, E]
            p = logits.softmax(-1)
            weights, chosen = p.topk(policy.top_k, dim=-1)
            if self.training:
                self._add_terms(logits, p, chosen)
            if policy.renormalise:
                weights = weights / weights.sum(-1, keepdim=True)
        return chosen, weights

    def _add_terms(self, logits: Tensor, p: Tensor, chosen: Tensor) -> None:
        policy = self.policy
        if policy.balance:
            share = torch.zeros_like(p).scatter(-1, chosen, 1.0 / policy.top_k).mean(0)  # [E]
            add_term("balance", policy.balance * policy.experts * (share * p.mean(0)).sum())
        if policy.router_z:
            add_term("router_z", policy.router_z * logits.logsumexp(-1).square().mean())
