"""Several optimizers as one: the same groups, the same state, one step."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from audition.parts.stepping.moments import Moment, moments_of


class Together(Optimizer):
    """Optimizers over disjoint parameters, behind the protocol of one.

    The groups are the members' own dictionaries and the state is one dictionary that all share, so
    whatever is written here is what the members see, and `state_dict` is torch's.
    """

    def __init__(self, *members: Optimizer) -> None:
        self.members = members
        super().__init__([g for member in members for g in member.param_groups], {})
        self._share()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of each member, in order; `closure` is evaluated once, before the first."""
        loss = None if closure is None else closure()
        for member in self.members:
            member.step()
        return loss

    def moments_of(self, parameter: Tensor) -> Sequence[Moment]:
        """What the member that holds `parameter` remembers of it."""
        for member in self.members:
            if any(parameter is p for group in member.param_groups for p in group["params"]):
                return moments_of(member, parameter)
        return ()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self._share()

    def _share(self) -> None:
        # Loading replaces groups and state by new dictionaries: hand them to the members again.
        rest = list(self.param_groups)
        for member in self.members:
            count = len(member.param_groups)
            member.param_groups, rest = rest[:count], rest[count:]
            member.state = self.state


def averaging_of(optimizer: Optimizer) -> list[Any]:
    """Those of `optimizer` and its members that have `eval()` and `train()` of their own.

    `eval()` writes the weights of evaluation into the parameters, `train()` the trained ones back
    (Defazio et al. 2024, "The Road Less Scheduled").
    """
    members = optimizer.members if isinstance(optimizer, Together) else (optimizer,)
    return [
        member
        for member in members
        if callable(getattr(member, "eval", None)) and callable(getattr(member, "train", None))
    ]
