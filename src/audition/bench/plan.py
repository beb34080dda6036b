"""The sweep of a command line, planned as it would be if it were run, so that it can be counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import OmegaConf

from audition.errors import AuditionError
from audition.records.store import Ledger
from audition.sweep.arms import parse_question, typed_as_arm
from audition.sweep.check import check_device
from audition.sweep.compose import Composer
from audition.sweep.plan import Plan, PlannedRun, make_plan
from audition.sweep.quick_hydra import hurry
from audition.sweep.resolve_auto import AUTO
from audition.sweep.sweeper import Style

CONFIG = "audition"
PRECISIONS: Mapping[str, Mapping[str, Any]] = {
    "fp32": {"_target_": "audition.execution.Float32"},
    "bf16": {"_target_": "audition.execution.Bfloat16"},
}
"""What a run may compute in, by the names of the group `precision`."""


@runtime_checkable
class Campaign(Protocol):
    """A sweeper of ours."""

    params: Mapping[str, Any] | None
    arms: Sequence[str] | None

    def style(self) -> Style:
        """How it spends its runs."""
        ...


@dataclass(frozen=True)
class PlannedSweep:
    """The plan of a sweep, and the runs of it that the ledger lacks."""

    plan: Plan
    missing: tuple[PlannedRun, ...]
    at_most: bool = False
    """Whether the sweep may drop some of the runs as it goes."""
    open: frozenset[str] = frozenset()
    """What is `auto` in the common part: `precision`, `compile`."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Of the baseline: what is measured in every way."""
        return self.plan.runs[0].settings

    @property
    def precision(self) -> str:
        """The name of the configured precision, or of its class where it has none."""
        own = self.settings["precision"]
        known = (name for name, node in PRECISIONS.items() if node == own)
        return next(known, str(own["_target_"]).rpartition(".")[2])

    @property
    def arms(self) -> Mapping[str, Mapping[str, Any]]:
        """Name -> settings, of the baseline and of every arm that has runs to be made."""
        found: dict[str, Mapping[str, Any]] = {}
        for run in (self.plan.runs[0], *self.missing):
            found.setdefault(run.arm.name, run.settings)
        return found


def plan_sweep(words: Sequence[str]) -> PlannedSweep:
    """Plan the sweep of `words`, overrides as on the training command line.

    Needs an initialised Hydra. Raises what a sweep would raise before its first run.
    """
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    typed = parser.parse_overrides(list(words))
    hydra = [o.input_line or "" for o in typed if o.is_hydra_override()]
    task = [o for o in typed if not o.is_hydra_override()]
    fixed = [o.input_line or "" for o in task if not o.is_sweep_override()]
    hurry()  # and so is the code that it names checked
    config = compose(CONFIG, [*hydra, *fixed], return_hydra_config=True)
    node = config.hydra.sweeper
    asked = {
        "precision": OmegaConf.select(config, "precision._target_"),
        "compile": OmegaConf.select(config, "execution.compile"),
    }
    try:
        sweeper = instantiate(node)
    except InstantiationException:
        sweeper = None
    if not isinstance(sweeper, Campaign):
        raise AuditionError(
            f"{node._target_} decides its runs while it runs, so they cannot be counted: leave "
            "out hydra/sweeper"
        )
    lines = [override.input_line or "" for override in task]
    style = sweeper.style()
    question = typed_as_arm(parse_question(parser, lines, sweeper.params or {}, sweeper.arms or ()))
    if question.tune:
        raise AuditionError(
            "the runs of tune= are decided while it runs, so they cannot be counted: leave it out"
        )
    plan = make_plan(style.widen(question), Composer(CONFIG, tuple(hydra)))
    check_device(plan.runs[0].settings)
    missing = plan.missing(Ledger(Path(plan.output_dir)).read())
    left_open = frozenset(name for name, value in asked.items() if value == AUTO)
    return PlannedSweep(plan, missing, at_most=style.chooses, open=left_open)
