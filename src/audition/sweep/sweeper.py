"""A sweep from its command line to its verdict: arms, plan, registration, launch, judgement."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from audition.errors import AuditionError
from audition.frozen import freeze
from audition.records.registration import register
from audition.records.store import Ledger
from audition.sweep.announce import announcement
from audition.sweep.arms import Question, parse_question
from audition.sweep.cluster.launch import Detached
from audition.sweep.compose import Composer
from audition.sweep.launchers import Train, ready
from audition.sweep.plan import Plan, make_plan
from audition.sweep.say import Planning, say_detached, say_outcome, say_plan, say_stopped
from audition.sweep.show import Show
from audition.sweep.tune.compare_tuned import compare_tuned


class Style(Protocol):
    """How a sweep spends its runs."""

    chooses: bool
    """Whether what is run depends on what came of earlier runs."""

    def widen(self, question: Question) -> Question:
        """The question with every seed that may be run."""
        ...

    def judged_on(self, plan: Plan) -> tuple[int, ...]:
        """The seeds on which alone a verdict is to be given; empty where all count."""
        ...

    def conduct(self, plan: Plan, train: Train, ledger: Ledger, show: Show) -> bool:
        """Train what the plan needs and say what came of it; whether every run has its outcome."""
        ...


class EveryRun:
    """Every arm on every seed."""

    chooses = False

    def widen(self, question: Question) -> Question:
        return question

    def judged_on(self, plan: Plan) -> tuple[int, ...]:
        return ()

    def conduct(self, plan: Plan, train: Train, ledger: Ledger, show: Show) -> bool:
        train(plan.missing(ledger.read()))
        return say_outcome(plan, ledger, show)


def sweep(
    arguments: Sequence[str],
    params: Mapping[str, Any],
    arms: Sequence[str],
    style: Style,
    show: Show,
    *,
    hydra_context: HydraContext,
    task_function: TaskFunction,
    config: DictConfig,
) -> None:
    """Run what the ledger lacks of the sweep that `arguments` ask for, and print its verdict.

    params: the overrides of a campaign's yaml, which the command line may replace key by key.
    arms: the campaign's further arms, each a line of overrides.
    Raises AuditionError before anything starts where an arm cannot run, and SystemExit(1) at the
    end where runs have failed, after the verdict on those that did not.
    """
    freeze()
    parser = OverridesParser.create(config_loader=hydra_context.config_loader)
    question = parse_question(parser, arguments, params, arms)
    if question.tune:
        detached(config, chooses=True)
        if style.chooses:
            raise AuditionError(
                "tune= gives every arm the same trials, and this sweeper chooses who goes on: "
                "use hydra/sweeper=audition"
            )
        return compare_tuned(
            question,
            show,
            hydra_context=hydra_context,
            task_function=task_function,
            config=config,
        )
    question = style.widen(question)
    launcher = Plugins.instance().instantiate_launcher(
        hydra_context=hydra_context, task_function=task_function, config=config
    )
    with ready(launcher, detach=detached(config, chooses=style.chooses)) as launch:
        plan = make_plan(question, Composer.of_hydra(config.hydra), Planning())
        ledger = Ledger(Path(plan.output_dir))
        contents = ledger.read()
        announced = announcement(plan, style.judged_on(plan))
        plan = plan.under(announced.digest())
        missing = plan.missing(contents)
        if missing:
            launch.check(missing)
            ledger.check_writable()
            register(ledger.root, announced)
        say_plan(plan, missing, contents)
        try:
            complete = style.conduct(plan, partial(launch, announced.digest()), ledger, show)
        except Detached as left:
            return say_detached(left.submission)
        except KeyboardInterrupt:
            say_stopped(plan, ledger)
            raise SystemExit(130) from None
    if not complete:
        raise SystemExit(1)
    return None


def detached(config: DictConfig, *, chooses: bool) -> bool:
    """Whether the sweep is to be left in a queue; AuditionError where that cannot be."""
    submit = config.submit
    if submit not in ("wait", "detach"):
        raise AuditionError(f"submit='{submit}' is neither wait nor detach")
    if submit == "detach" and chooses:
        raise AuditionError(
            "submit=detach leaves nobody to choose who goes on: let this sweeper wait, or use "
            "hydra/sweeper=audition"
        )
    return bool(submit == "detach")
