"""A small policy that is learnt by REINFORCE (Williams 1992): numbers in, a random action out.

The mean of the action is a network with one hidden layer; the action is drawn around it with a fixed
spread. Nothing is differentiated but the log-probability of what was drawn, so that a reward may
come from anything, an event for instance, that has no gradient.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

Rewards = tuple[float, float, int]
"""Moving average of rewards, and of their squared distance from it, and how many there were."""

MEMORY = 0.2
"""Share of the newest reward in the averages, once there are more than five."""

FARTHEST = 3.0
"""The largest advantage, in standard deviations, that is learnt from."""

Policy = Mapping[str, Tensor]
"""`in` [hidden, features], `bias` [hidden], `out` [actions, hidden], `mean` [actions]."""


def fresh(features: int, hidden: int, actions: int, generator: torch.Generator) -> Policy:
    """A policy whose mean action is zero whatever the features."""
    return {
        "in": torch.randn(hidden, features, generator=generator) * features**-0.5,
        "bias": torch.zeros(hidden),
        "out": torch.zeros(actions, hidden),
        "mean": torch.zeros(actions),
    }


def mean_action(policy: Policy, features: Tensor) -> Tensor:
    """The mean of the action, [actions], for features [features]."""
    hidden = torch.relu(policy["in"] @ features + policy["bias"])
    mean: Tensor = policy["out"] @ hidden * len(hidden) ** -0.5 + policy["mean"]
    return mean


def drawn_action(
    policy: Policy, features: Tensor, spread: float, generator: torch.Generator
) -> Tensor:
    """An action around the mean, [actions]."""
    mean = mean_action(policy, features)
    return mean + spread * torch.randn(mean.shape, generator=generator)


def reinforced(
    policy: Policy,
    features: Tensor,
    action: Tensor,
    advantage: float,
    *,
    spread: float,
    rate: float,
) -> Policy:
    """The policy after a step of `rate` up the gradient of advantage · log p(action | features).

    advantage: how much better than expected the action was rewarded.
    """
    with torch.enable_grad():
        leaves = {name: x.detach().clone().requires_grad_() for name, x in policy.items()}
        error = (action - mean_action(leaves, features)) / spread
        log_probability = -0.5 * error.square().sum()
        grads = torch.autograd.grad(advantage * log_probability, list(leaves.values()))
    # The gradient is of the order of 1 / spread: the step is not.
    return {
        name: x.detach() + rate * spread * grad
        for (name, x), grad in zip(leaves.items(), grads, strict=True)
    }


def advantage_of(reward: float, rewards: Rewards) -> tuple[float, Rewards]:
    """How much better than expected a reward is, in standard deviations, and what is expected now.

    Of the first reward nothing is expected, so that its advantage is 0.
    """
    average, square, count = rewards
    apart = reward - average if count else 0.0
    share = max(MEMORY, 1.0 / (count + 1))
    after = (average + share * (reward - average), square + share * (apart**2 - square), count + 1)
    advantage = apart / max(after[1] ** 0.5, 1e-12)
    return max(-FARTHEST, min(FARTHEST, advantage)), after
