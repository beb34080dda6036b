"""The optimizers of several runs as one.

Shape suffix: S runs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from audition.session import Session

Policy = Callable[[Mapping[str, nn.Parameter]], Optimizer]


class RunByRun(Optimizer):
    """The optimizers of S runs, each of which takes its own step: any optimizer can be packed so.

    Costs S times the calls of one.
    """

    def __init__(self, params: Mapping[str, nn.Parameter], sessions: Sequence[Session]) -> None:
        self.stacked, self.sessions = params, sessions
        groups = [g for session in sessions for g in session.optimizer.param_groups]
        super().__init__([{"params": list(params.values())}], {})
        self.param_groups = groups

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One step of each run that has not ended."""
        for place, session in enumerate(self.sessions):
            if not session.under_way:
                continue
            for name, parameter in session.params.items():
                grad = self.stacked[name].grad
                parameter.grad = None if grad is None else grad[place]
            session.optimizer.step()

    def zero_grad(self, set_to_none: bool = True) -> None:
        for session in self.sessions:
            session.optimizer.zero_grad(set_to_none)
        for parameter in self.stacked.values():
            parameter.grad = None


def packed_optimizer(
    policy: Policy, params: Mapping[str, nn.Parameter], sessions: Sequence[Session]
) -> Optimizer:
    """One optimizer over the stacked `params` of `sessions`, which goes on from their states.

    A policy whose `packs` is true treats every run of a parameter [S, ...] as it would treat that
    run's parameter alone, so one optimizer serves all; any other steps run by run.
    """
    if not getattr(policy, "packs", False):
        return RunByRun(params, sessions)
    optimizer = policy(params)
    for name, parameter in params.items():
        states = [session.optimizer.state.get(session.params[name], {}) for session in sessions]
        if all(states):
            optimizer.state[parameter] = {
                key: _together([state[key] for state in states]) for key in states[0]
            }
    return optimizer


def hand_out(
    optimizer: Optimizer, params: Mapping[str, nn.Parameter], session: Session, place: int
) -> None:
    """Give `session` its own part of what `optimizer` remembers of the stacked `params`."""
    if isinstance(optimizer, RunByRun):
        return
    for name, parameter in params.items():
        kept = optimizer.state.get(parameter, {})
        session.optimizer.state[session.params[name]] = {
            key: _own(value, place) for key, value in kept.items()
        }


def _together(values: Sequence[Any]) -> Any:
    """Tensors as one; a count of steps, which has no axis, is the same for every run."""
    first = values[0]
    return torch.stack(list(values)) if isinstance(first, Tensor) and first.ndim else first


def _own(value: Any, place: int) -> Any:
    if not isinstance(value, Tensor):
        return value
    return (value[place] if value.ndim else value).clone()
