"""`parallel=ddp`: every step's batch is shared by processes of one machine, or of a job's nodes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from audition.parallel.alone import Alone, Entry, StopAsked, Tell
from audition.parallel.launch import launch
from audition.parallel.team import Team
from audition.recipe.problem import GradientRule
from audition.recipe.recipe import Recipe
from audition.recipe.signals import Tensors


@dataclass(frozen=True, kw_only=True)
class Ddp:
    """Equal shares of the rows, gradients averaged, the same update everywhere.

    Two processes make the run that one makes in two pieces (`execution.accumulate=2`), up to the
    order of sums; dropout draws other masks. One process is the neutral element.
    """

    environment: ClassVar[Mapping[str, str]] = {}
    """What its processes find in their environment, unless it is there already."""

    processes: Annotated[int, Ge(1)] = 2
    """Processes of a run; each has `execution.threads` threads, or a card of its own."""
    nodes: Annotated[int, Ge(1)] = 1
    """Nodes that they are spread over evenly; more than one needs a Slurm job, which asks for them."""

    def check(self, recipe: Recipe, rule: GradientRule) -> None:
        """Every recipe can be trained so."""

    def check_weights(self, params: Tensors) -> None:
        """And all weights."""

    def carry_out(
        self, entry: Entry, payload: Mapping[str, Any], tell: Tell, interrupted: StopAsked
    ) -> Mapping[str, Any]:
        """The answer that rank 0 has from `entry`; `payload["settings"]` are those of a run.

        Raises AuditionError with what a rank says of its failure, or with how it ended.
        """
        if self.processes == 1:
            return Alone().carry_out(entry, payload, tell, interrupted)
        return launch(
            entry, payload, self.processes, tell, interrupted, self.nodes, self.environment
        )

    def team(self, device: str) -> Team:
        """What a process of the run is, once it has joined the others."""
        from audition.parallel.ranks import Ranks  # needs torch

        return Ranks()
