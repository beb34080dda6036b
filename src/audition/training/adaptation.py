"""Learning inside an evaluation: a run's model learns episodes, and then has its weights back."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from audition.errors import AuditionError
from audition.parts.optim.sgd import SGD
from audition.recipe import tree
from audition.recipe.batches import Batch, Clock, Shape
from audition.recipe.evaluator import Episode
from audition.recipe.problem import Cost, Predict
from audition.recipe.signals import Controls
from audition.recipe.turnover import Turnover
from audition.session import Session
from audition.training.evaluation_weights import evaluation_weights
from audition.training.job import Job
from audition.training.step import advance

Adapted = tuple[int, Batch, Tensor]
"""The episode's number, a batch that was to be scored, and its float32 logits."""


def adapted(
    job: Job, session: Session, episodes: Iterable[Episode], *, rate: float, steps: int
) -> Iterator[Adapted]:
    """Every batch that `episodes` score, with its logits after what came before in its episode.

    An episode begins with the weights of `session`, learns by the run's own loss, gradient rule and
    effects, begun anew, and by plain SGD at `rate` for `steps` steps on each batch that is to be
    learned; the schedule, the optimizer and apoptosis of the run have no part in it. Then the
    weights are restored to the bit. The model is the run's own and not a copy: parameters of a copy
    lack their roles, and hooks of one act on the original.

    Raises AuditionError where several processes hold the run.
    """
    if job.team.size > 1:
        raise AuditionError(
            f"what is learned within an evaluation is learned by one process, and this run has "
            f"{job.team.size}: choose parallel=none"
        )
    whole = session.batches.train(Clock(0)).units
    learner = replace(
        job,
        recipe=replace(
            job.recipe,
            optimizer=SGD(lr=rate, momentum=0.0, nesterov=False),
            schedule=lambda clock: Controls(),
            apoptosis=Turnover(),
        ),
        execution=replace(job.execution, compile=False, accumulate=1),
    )
    held = {**session.params, **session.buffers}
    before = tree.clone(held)
    predict = Predict(session.model, session.loss)
    for number, episode in enumerate(episodes):
        pupil = _begun(learner, session, number)
        torch.manual_seed(pupil.streams.number("dropout"))
        try:
            for what, batch in episode:
                here = batch.to(job.execution.device)
                if what == "learn":
                    session.adaptation += _learned(learner, pupil, here, steps) * (
                        batch.units / whole
                    )
                    continue
                clock = Clock(pupil.step)
                with (
                    evaluation_weights(learner.recipe, pupil, clock),
                    job.execution.context(),
                ):
                    logits = predict(here)
                yield number, here, logits
        finally:
            with torch.no_grad():
                tree.write(held, before)


class _Given:
    """One batch, whatever the step."""

    domains: tuple[str, ...] = ()

    def __init__(self, batch: Batch, shape: Shape) -> None:
        self.batch, self.shape = batch, shape

    def train(self, clock: Clock) -> Batch:
        return self.batch

    def probe(self, step: int) -> Batch:
        return self.batch

    def held_out(self, at_once: int = 2048) -> Iterator[Batch]:
        yield self.batch


def _begun(learner: Job, session: Session, number: int) -> Session:
    """A session of the same model at the start of an episode."""
    streams = session.streams.child("adaptation", str(number))
    recipe, params = learner.recipe, session.params
    return Session(
        streams=streams,
        batches=session.batches,
        model=session.model,
        loss=session.loss,
        params=params,
        optimizer=recipe.optimizer(params),
        effects=recipe.effects.init(params, streams.child("effects")),
        apoptosis=None,
    )


def _learned(learner: Job, pupil: Session, batch: Batch, steps: int) -> Cost:
    """What learning `batch` cost, in passes over it."""
    modules = [m for m in (pupil.model, pupil.loss) if m is not None]
    pupil.batches = _Given(batch, pupil.batches.shape)
    before = pupil.cost
    for module in modules:
        module.train()
    try:
        with torch.enable_grad():
            for _ in range(steps):
                advance(learner, pupil, Clock(pupil.step))
    finally:
        for module in modules:
            module.eval()
    return pupil.cost + before * -1.0
