"""From a checked config to a job: constructs the parts, then applies the ideas to them."""

from collections.abc import Mapping
from functools import partial
from inspect import signature
from typing import Any

from audition.budget import Budget
from audition.config.instantiate import construct, factory, find
from audition.errors import AuditionError
from audition.execution import Execution
from audition.parallel.alone import Alone
from audition.parallel.ddp import Ddp
from audition.parallel.team import ALONE, Team
from audition.parts.recompute import recompute
from audition.parts.skip.paths import Rewires
from audition.parts.stepping.curvature import MeasuresCurvature
from audition.recipe.effect import Chain
from audition.recipe.gradient import backward
from audition.recipe.recipe import Idea, Recipe
from audition.tasks.task import Task
from audition.training.job import Job, Training

CURVATURE = "optimizer.curvature"
"""Name of the link that an optimizer adds to the chain; with a dot, as no effect of a config has."""
TEACHER = "audition.training.teacher.taught"
"""What gives a loss the model that it asks. By its name, since it reads ledgers, and how that is done
is no part of a run's identity."""


def build(settings: Mapping[str, Any], team: Team = ALONE) -> Job:
    """The job that `settings` (checked, resolved, plain containers) describe, for one of `team`.

    Raises AuditionError where the settings describe a run of another number of processes.
    """
    parallel: Alone | Ddp = construct(settings["parallel"])
    processes = parallel.processes
    if processes != team.size:
        raise AuditionError(
            f"parallel.processes={processes}, and the run is to be trained in {team.size} here: "
            "choose parallel=none"
        )
    execution = Execution(construct(settings["precision"]), **settings["execution"])
    task: Task = construct(settings["task"])
    optimizer = construct(settings["optimizer"])
    effects = named(settings.get("effects"))
    if isinstance(optimizer, MeasuresCurvature):
        effects = {CURVATURE: optimizer.measurement(), **effects}
    turnover, skip = construct(settings["apoptosis"]), construct(settings["skip"])
    baseline = Recipe(
        data=partial(task.open, construct(settings["data"])),
        model=model_of(settings),
        loss=construct(settings["loss"]),
        gradient=team.rule(backward),
        optimizer=optimizer,
        schedule=task.scheduled(construct(settings["schedule"])),
        evaluators=named(settings.get("evaluator")),
        effects=Chain(effects),
        apoptosis=skip.turnover(turnover) if isinstance(skip, Rewires) else turnover,
    )
    recipe = fold(baseline, named(settings.get("ideas")))
    if hasattr(recipe.loss, "taught"):
        recipe = find(TEACHER)(recipe, settings, build)
    again = execution.checkpoint_activations
    if again != "none":
        recipe = recipe.with_change(partial(recompute, which=again))
    parallel.check(recipe, baseline.gradient)
    return Job(
        recipe=recipe,
        seed=settings["seed"],
        task=task,
        budget=Budget(**settings["budget"]),
        training=Training(**settings["training"]),
        execution=execution,
        team=team,
    )


def model_of(settings: Mapping[str, Any]) -> "partial[Any]":
    """The model's constructor with the parts that it names, such as `attention`, filled in."""
    model = factory(settings["model"])
    takes = signature(model.func).parameters.values()
    names = [each.name for each in takes if each.kind is each.POSITIONAL_OR_KEYWORD]
    parts = {name: construct(settings[name]) for name in names if name in settings}
    return partial(model, **parts)


def named(nodes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Each named node constructed, in the order written."""
    return {name: construct(node) for name, node in (nodes or {}).items()}


def fold(recipe: Recipe, ideas: Mapping[str, Idea]) -> Recipe:
    """The recipe after every idea, in order.

    An idea may add an effect, or wrap a part that is there; two ideas that replace the same part
    are refused, since only the last would count. An idea says what it replaces in `claims`.
    """
    owner: dict[str, str] = {}
    for name, idea in ideas.items():
        for part in getattr(idea, "claims", ()):
            if part in owner:
                raise AuditionError(
                    f"ideas '{owner[part]}' and '{name}' both replace the {part}: "
                    "run them as two arms"
                )
            owner[part] = name
        recipe = idea(recipe)
    return recipe
