"""A stream of the same pictures, in each phase with their pixels in another order."""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge

from audition.data.fingerprint import fingerprint
from audition.errors import AuditionError
from audition.tasks.stream import Stream
from audition.tasks.task import Source

if TYPE_CHECKING:
    from audition.data.phases import Phases
    from audition.recipe.streams import Streams


@dataclass(frozen=True, kw_only=True)
class StreamOfOrders(Stream):
    """Permuted pixels (Kirkpatrick et al. 2017): all classes in every phase, in other inputs.

    The first phase has the pictures as they are. The usual scenario is `domain`, of shared answers;
    in the others class c of phase k is answer k V + c.
    """

    phases: Annotated[int, Ge(1)] = 10
    """K; 1 is the plain task."""
    scenario: Literal["task", "domain", "class"] = "domain"
    """What a row is told of its phase: `task`, which answers are its phase's; `domain`, nothing, and
    the answers are the same in all; `class`, nothing, and every phase has answers of its own."""
    order: Literal["random", "fixed"] = "random"
    """Whether the seed draws the orders of pixels, or all seeds have the same."""

    def evaluation_fingerprint(self, source: Source) -> str:
        return fingerprint({"permuted pixels": super().evaluation_fingerprint(source)})

    def check_parts(self, source: Source) -> None:
        if not getattr(source, "classes", 0):
            raise AuditionError(
                f"permuted pixels are those of pictures, and {type(source).__name__} has none: choose "
                "data=digits, data=mnist_5k or data=fashion"
            )

    def open(self, source: Source, streams: "Streams") -> "Phases":
        from audition.data.permuted import Permuted, names_of, orders_of
        from audition.data.phases import Phases
        from audition.recipe.streams import Streams

        plain, apart = self.of.open(source, streams), self.scenario != "domain"
        seed = streams.seed if self.order == "random" else 0
        places = prod(plain.shape.inputs[1:])
        orders = orders_of(Streams(seed).child("task"), self.phases, places)
        whole = Permuted(plain, orders, own_answers=apart)
        many = plain.shape.outputs
        answers = [range(k * many, (k + 1) * many) for k in range(self.phases)] if apart else []
        groups = [(name,) for name in names_of(self.phases)]
        return Phases(whole, groups, answers=answers, scenario=self.scenario)
