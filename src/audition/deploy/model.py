"""A trained model on its way to where it is used: its modules, and how each tensor is stored."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor, nn

from audition.deploy.stored import Plain, Stored
from audition.errors import AuditionError
from audition.parts.initial import role_of


@dataclass(frozen=True)
class Deployed:
    """A model in evaluation mode, and how its parameters and kept buffers are stored, by name.

    The numbers in `model` are not used: what is stored decides. Names of one tensor, as a head that
    is tied has, share one `Stored`.
    """

    model: nn.Module
    stored: Mapping[str, Stored]

    @classmethod
    def of(cls, model: nn.Module) -> "Deployed":
        """`model` as it is, in float32."""
        made: dict[int, Stored] = {}
        stored: dict[str, Stored] = {}
        for name, tensor in model.state_dict(keep_vars=True).items():
            if id(tensor) not in made:
                made[id(tensor)] = Plain(tensor.detach().float().clone())
            stored[name] = made[id(tensor)]
        return cls(model, stored)

    def matrices(self) -> tuple[str, ...]:
        """The weights of its linear maps: those of the blocks, and the head's."""
        maps = {
            f"{path}.weight" for path, m in self.model.named_modules() if isinstance(m, nn.Linear)
        }
        return tuple(name for name in self.stored if name in maps)

    def with_stored(self, change: Callable[[str, Tensor], Stored | None]) -> "Deployed":
        """The same with another way to store each matrix of a linear map, where `change` has one."""
        changed = {name: change(name, self.stored[name].dense()) for name in self.matrices()}
        kept = {name: new for name, new in changed.items() if new is not None}
        return replace(self, stored={**self.stored, **kept})

    def with_weights(self, change: Callable[[str, Tensor], Tensor]) -> "Deployed":
        """The same with other numbers in each matrix of its blocks, stored in float32."""

        def changed(name: str, weight: Tensor) -> Stored | None:
            return Plain(change(name, weight)) if role_of(name, weight) == "matrix" else None

        return self.with_stored(changed)

    def runnable(self) -> nn.Module:
        """A copy of the model with what is stored in the place of its weights, in evaluation mode.

        A copy loses what a parameter says of itself; a deployed one is not trained.
        """
        copy = deepcopy(self.model).float().eval().requires_grad_(False)
        with torch.no_grad():
            for name, tensor in copy.state_dict(keep_vars=True).items():
                tensor.copy_(self.stored[name].dense())
        return copy


class Step(Protocol):
    """One transform of a chain: the same model otherwise stored, or a smaller one."""

    def __call__(self, deployed: Deployed) -> Deployed:
        """Raises AuditionError where it has nothing to act on."""
        ...


def checked(step: Step, name: str, deployed: Deployed) -> Deployed:
    """What `step` makes. Raises AuditionError for one that changes nothing, which would be passed
    over in silence."""
    after = step(deployed)
    same = after.model is deployed.model and after.stored.keys() == deployed.stored.keys()
    if same and all(kept is deployed.stored[name] for name, kept in after.stored.items()):
        raise AuditionError(f"deploy.{name} changes nothing of this model: leave it out")
    return after
