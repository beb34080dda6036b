"""What a task's parts are made of: the domains of a data set, or its classes, shared out evenly."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from audition.errors import AuditionError
from audition.tasks.task import Source, Task

if TYPE_CHECKING:
    from audition.data.phases import Phases, Scenario
    from audition.recipe.streams import Streams


@dataclass(frozen=True)
class Apart:
    """What a data set tells apart: its domains, or else its classes."""

    names: tuple[str, ...]
    what: Literal["domains", "classes"]
    answers: tuple[tuple[int, ...], ...]
    """The classes of each; empty where all share their answers."""
    data: str
    """What the data set is called."""

    @classmethod
    def of(cls, source: Source) -> Self:
        """A source may have `domains`, and `domain_classes` where each has its own; or `classes`."""
        domains: tuple[str, ...] = getattr(source, "domains", ())
        data = type(source).__name__
        if domains:
            return cls(domains, "domains", tuple(getattr(source, "domain_classes", ())), data)
        classes = range(getattr(source, "classes", 0))
        return cls(tuple(map(str, classes)), "classes", tuple((c,) for c in classes), data)

    def check(self, setting: str, parts: int, scenario: "Scenario | None") -> None:
        """Raises AuditionError where there are fewer than `parts`, which `setting` asks for."""
        if parts > len(self.names):
            raise AuditionError(
                f"{setting}={parts} is more than the {len(self.names)} {self.what} of {self.data}: "
                f"choose {len(self.names)} or fewer"
            )
        if not self.answers and scenario in ("task", "class"):
            raise AuditionError(
                f"task.scenario={scenario} tells parts apart by their answers, and the domains "
                f"of {self.data} share theirs: choose domain"
            )

    def answers_of(self, group: Sequence[str]) -> list[int]:
        """The classes of all that `group` names."""
        return sorted(c for name in group for c in self.answers[self.names.index(name)])


def shared_out(names: Sequence[str], parts: int) -> list[tuple[str, ...]]:
    """`names` in so many groups, in their order, as even as can be.

    Examples:
        >>> shared_out("abcde", 2)
        [('a', 'b'), ('c', 'd', 'e')]
    """
    many = len(names)
    return [tuple(names[p * many // parts : (p + 1) * many // parts]) for p in range(parts)]


def opened(
    of: Task,
    source: Source,
    streams: "Streams",
    groups: Sequence[tuple[str, ...]],
    scenario: "Scenario",
    names: Sequence[str] = (),
) -> "Phases":
    """The batches of `of` on `source`, in the parts that `groups` name; `names` are theirs.

    Raises AuditionError where the batches cannot be had by domain or by class.
    """
    from audition.data.phases import Phases
    from audition.recipe.batches import Divisible

    whole, apart = of.open(source, streams), Apart.of(source)
    if not apart.names or not isinstance(whole, Divisible):
        raise AuditionError(f"{apart.data} tells no domains or classes apart")
    answers = [apart.answers_of(group) for group in groups] if apart.answers else []
    return Phases(whole, groups, answers=answers, scenario=scenario, domains=names)
