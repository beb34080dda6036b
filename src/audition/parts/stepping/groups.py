"""Parameter groups that keep the names of what they hold, and what a parameter's role means to them.

| role | is | decays with `decay=matrices` | an optimizer of matrices takes it |
|---|---|---|---|
| embedding, head | rows or columns of tokens and classes | yes | no |
| matrix | a hidden layer's map | yes | where it has two axes |
| vector | a norm's gain, a bias | no | no |

Roles are declared where a parameter is made (`parts.initial.parameter`), and read by `role_of`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from annotated_types import Interval
from torch import Tensor, nn

from audition.parts.initial import role_of

Named = Mapping[str, nn.Parameter]
Group = dict[str, Any]

Forgetting = Annotated[float, Interval(ge=0, lt=1)]
"""Share of a running mean that a step keeps."""
Betas = tuple[Forgetting, Forgetting]
Decay = Literal["matrices", "all"]
"""What decays: all but vectors (norm gains and biases), or everything."""

FUSED_DEVICES = frozenset({"cpu", "cuda", "mps", "xpu"})
"""Where torch has fused steps; on a CPU they take a third of the time of its loops."""


def group(named: Named, **settings: Any) -> Group:
    """One group of an optimizer: `params`, their `names` in the same order, and its settings."""
    return {"params": list(named.values()), "names": list(named), **settings}


def decay_groups(named: Named, weight_decay: float, decay: Decay) -> list[Group]:
    """What decays and what does not; a group without parameters is left out."""
    decays = {n: p for n, p in named.items() if decay == "all" or role_of(n, p) != "vector"}
    rest = {n: p for n, p in named.items() if n not in decays}
    groups = [group(decays, weight_decay=weight_decay), group(rest, weight_decay=0.0)]
    return [made for made in groups if made["params"]]


def settings_of(policy: object, *others: str) -> Group:
    """What a step reads in its group: the settings of its policy but what decays and `others`."""
    return {k: v for k, v in vars(policy).items() if k not in ("weight_decay", "decay", *others)}


def hidden(named: Named) -> tuple[dict[str, nn.Parameter], dict[str, nn.Parameter]]:
    """The matrices of hidden layers, [R, C], and all the rest."""
    matrices = {n: p for n, p in named.items() if role_of(n, p) == "matrix" and axes(p) == 2}
    return matrices, {n: p for n, p in named.items() if n not in matrices}


def axes(parameter: Tensor) -> int:
    """How many axes a parameter has; one [S, ...] of the S runs of a pack, how many each run's has."""
    return parameter.ndim - hasattr(parameter, "runs")


def fusible(named: Named, *, parted: bool = False) -> bool:
    """Whether torch's fused step can serve these parameters.

    parted: whether that step knows parameters of which each process holds a part (DTensor).
    """
    return all(
        p.device.type in FUSED_DEVICES and (parted or not hasattr(p, "full_tensor"))
        for p in named.values()
    )
