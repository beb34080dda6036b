"""A sweep from its command line to its verdict: arms, plan, registration, launch, judgement."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from audition.config.groups import root_of
from audition.console import say
from audition.errors import AuditionError
from audition.frozen import freeze
from audition.records.contents import contents_of
from audition.records.registration import Registration, registrations
from audition.records.store import Ledger
from audition.sweep.announce import announce, announcement
from audition.sweep.arms import Question, given_baseline, parse_question, typed_as_arm
from audition.sweep.check import check_may_choose
from audition.sweep.cluster.launch import Detached
from audition.sweep.compose import Application
from audition.sweep.confirm import conclude
from audition.sweep.derived import prepared, with_parents
from audition.sweep.executors import Executor, LocalExecutor, executor_of
from audition.sweep.plan import Plan, make_plan
from audition.sweep.say import Planning, say_detached, say_plan, say_stopped
from audition.sweep.settings import CONFIRMS_ITSELF, SweepSettings
from audition.sweep.show import Show
from audition.sweep.sprint import Pace, planned_sprint, with_seeds
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

    def conduct(self, plan: Plan, executor: Executor, ledger: Ledger, show: Show) -> bool:
        """Train what the plan needs and show what came of it; whether every run has its outcome."""
        ...


class EveryRun:
    """Every arm on every seed."""

    chooses = False

    def __init__(self, *, confirms: bool = False) -> None:
        self.confirms = confirms

    def widen(self, question: Question) -> Question:
        return question

    def judged_on(self, plan: Plan) -> tuple[int, ...]:
        if not self.confirms:
            return ()
        ours = (run for run in plan.runs if run.identity.config_hash != plan.baseline_hash)
        return tuple(dict.fromkeys(run.seed for run in ours))

    def conduct(self, plan: Plan, executor: Executor, ledger: Ledger, show: Show) -> bool:
        executor.train(plan.untrained(ledger.read()))
        contents = ledger.read()
        plan = with_parents(plan, contents)
        executor.train([run for run in plan.missing(contents) if run.deployed and run.ready])
        return conclude(plan, ledger, show).complete


def sweep(
    arguments: Sequence[str],
    settings: SweepSettings,
    style: Style,
    show: Show,
    application: Application,
    timed: Pace,
) -> None:
    """Run what the ledger lacks of the sweep that `arguments` ask for, and print its verdict.

    timed: how long runs take here, for a sprint.

    Raises AuditionError before anything starts where an arm cannot run, and SystemExit(1) at the
    end where runs have failed, after the verdict on those that did not.
    """
    freeze()
    submit = str(application.config.submit)
    question = typed_as_arm(
        parse_question(
            application.parser,
            arguments,
            settings.params or {},
            settings.arms or (),
            application.config.get("tune"),
        )
    )
    alone = given_baseline(question)
    if alone and not question.arms:
        raise AuditionError(
            f"{alone} is compared with nothing: type the settings of the arm, add +idea=NAME, or "
            "list arms, --arm 'optimizer=muon'"
        )
    if submit == "detach" and (style.chooses or question.tune):
        raise AuditionError(
            "submit=detach leaves nobody to choose who goes on: let this sweeper wait, or use "
            "hydra/sweeper=audition"
        )
    if question.tune and any(root_of(w) == "deploy" for a in question.arms for w in a.overrides):
        raise AuditionError(
            "tune= chooses how arms train, and deploy= what becomes of them: tune first, then deploy"
        )
    if question.tune and style.chooses:
        raise AuditionError(
            "tune= gives every arm the same trials, and this sweeper chooses who goes on: "
            "use hydra/sweeper=audition"
        )
    if settings.confirm and (question.tune or style.chooses):
        raise AuditionError(CONFIRMS_ITSELF)
    composer = application.composer
    minutes = composer(question.common)["sprint"]
    if minutes is not None:
        _check_sprint(question, settings, style)
        question = with_seeds(question)
    if question.tune:
        return compare_tuned(question, show, application)
    question = style.widen(question)
    with executor_of(application.launcher(), submit) as executor:
        plan = make_plan(question, composer, Planning())
        if style.chooses:
            check_may_choose(plan.runs[0].settings)
        ledger = Ledger(Path(plan.output_dir))
        contents = contents_of(ledger)
        if any(run.deployed for run in plan.runs):
            if style.chooses or not isinstance(executor, LocalExecutor):
                raise AuditionError(
                    "deploy= is made of the runs of a plain sweep on this machine: use "
                    "hydra/sweeper=audition and hydra/launcher=pool"
                )
            plan = with_parents(prepared(plan, question.common), contents)
            if not plan.runs[0].deployed:
                say("the baseline is judged as it trained: baseline='deploy=fp32' has one runtime.")
        if minutes is not None:
            style = planned_sprint(plan, contents, float(minutes), executor, timed)
            plan = style.plan
        registration = announcement(plan, style.judged_on(plan), sprint=minutes and float(minutes))
        missing = plan.missing(contents)
        if missing:  # a plan made when all outcomes are known announces nothing
            plan = announce(plan, registration, executor, ledger)
        else:
            plan = plan.under(registration.digest())
            if not claims_before(registration, registrations(ledger.root)):
                say("all of it was run before this was claimed of it: claim it of fresh seeds.")
        say_plan(plan, missing, contents)
        try:
            complete = style.conduct(plan, executor, ledger, show)
        except Detached as left:
            return say_detached(left.submission)
        except KeyboardInterrupt:
            say_stopped(plan, ledger)
            raise SystemExit(130) from None
    if not complete:
        raise SystemExit(1)
    return None


def claims_before(plan: Registration, plans: Iterable[Registration]) -> bool:
    """Whether filed `plans` claim all that `plan` does, of the same arms and baseline."""
    made = [c for each in plans if each.baseline_hash == plan.baseline_hash for c in each.claims]
    return all(claim in made for claim in plan.claims)


def _check_sprint(question: Question, settings: SweepSettings, style: Style) -> None:
    """Raise AuditionError for a sweep that has no seeds of equal runs to cut at."""
    if question.tune or style.chooses or settings.confirm:
        raise AuditionError(
            "sprint= takes whole seeds of a plain sweep: leave tune= and hydra.sweeper.confirm out, "
            "and use hydra/sweeper=audition"
        )
    if not question.arms:
        raise AuditionError("sprint= takes whole seeds of a comparison: add +idea=NAME, or --arm")
    if any(root_of(word) == "baseline_seeds" for word in question.common):
        raise AuditionError(
            "sprint= takes seeds that every arm has, the baseline among them: leave baseline_seeds out"
        )
