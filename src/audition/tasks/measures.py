"""The measures of a configuration, and the one that its sweep is judged by; known without torch."""

from collections.abc import Mapping
from typing import Any

from audition.budget import Budget
from audition.config.instantiate import construct
from audition.config.schema import read_constant
from audition.errors import AuditionError, choices
from audition.measure import BEST, Measure
from audition.tasks.task import Task


def task_of(settings: Mapping[str, Any]) -> Task:
    """The task that checked `settings` name."""
    task: Task = construct(settings["task"])
    return task


def measures_of(settings: Mapping[str, Any]) -> dict[str, Measure]:
    """Name in a record -> how it is read: the task's measures, then those of each evaluator.

    Raises AuditionError where two evaluators would write one name.
    """
    source = construct(settings["data"])
    found = dict(task_of(settings).measures_on(getattr(source, "domains", ())))
    for name, node in (settings.get("evaluator") or {}).items():
        if any(measure.startswith(f"{name}_") for measure in task_of(settings).measures):
            raise AuditionError(
                f"evaluator.{name} would replace the task's own: give it another name"
            )
        declared = read_constant(str(node["_target_"]), "measures", {})
        for metric, how in declared.items() if isinstance(declared, Mapping) else ():
            recorded = f"{name}_{metric}"
            if recorded in found:
                raise AuditionError(
                    f"evaluator.{name} would write '{recorded}', which is measured already: "
                    "give it another name"
                )
            found[recorded] = Measure(*how)
    return found


def metric_of(settings: Mapping[str, Any]) -> str:
    """What the sweep of `settings` is judged by: `metric`, or the task's primary measure.

    Raises AuditionError for a metric that nothing measures.
    """
    chosen = settings.get("metric")
    if chosen is None:
        return task_of(settings).primary
    known = measures_of(settings)
    if chosen not in known and str(chosen).removesuffix(BEST) not in known:
        raise AuditionError(
            f"metric={chosen} is not measured in these runs{choices(chosen, known)}"
        )
    return str(chosen)


def check_task(settings: Mapping[str, Any]) -> None:
    """Raises AuditionError where task, budget, evaluators and metric do not fit each other."""
    task, budget = task_of(settings), Budget(**settings["budget"])
    budget.check_unit(task.unit)
    task.check(construct(settings["data"]), budget, settings["training"]["evaluations"])
    metric_of(settings)
    measures_of(settings)
