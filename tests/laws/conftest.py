"""Guards around what a recipe's effects and apoptosis are handed, for the law of clean hands."""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial
from typing import Any

import pytest
from torch import Tensor, nn

from audition.data.source import Source
from audition.recipe.batches import Clock
from audition.recipe.effect import Chain, Effect
from audition.recipe.recipe import Recipe
from audition.recipe.streams import Streams
from audition.recipe.turnover import Turnover
from audition.training.job import Job


@pytest.fixture(autouse=True, scope="session")
def _tokens_are_read_once():
    """A corpus in the cache is read and summed up once a session, and not for each of 800 runs."""
    read, own = {}, Source.tokenised

    def tokenised(self):
        key = (self.cache_dir, self.corpus_fingerprint)
        if key not in read:
            read[key] = own(self)
        return read[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Source, "tokenised", tokenised)
        yield


def tensors(value: Any) -> Iterator[Tensor]:
    """Every tensor in a tree of containers, values and modules."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, nn.Module):
        yield from value.state_dict(keep_vars=True).values()
    elif isinstance(value, dict):
        for each in value.values():
            yield from tensors(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from tensors(each)
    elif is_dataclass(value):
        for field in fields(value):
            yield from tensors(getattr(value, field.name))


class Untouched:
    """Asserts that a block edits none of the tensors it was given, by torch's own edit counters."""

    def __init__(self, *given: Any) -> None:
        self.given = list(tensors(list(given)))

    def __enter__(self) -> None:
        self.before = [(t._version, t.clone()) for t in self.given]

    def __exit__(self, *error: object) -> None:
        for tensor, (version, kept) in zip(self.given, self.before, strict=True):
            assert tensor._version == version
            assert tensor.equal(kept)


def same_form(before: dict[str, Tensor], after: dict[str, Tensor]) -> None:
    """Assert that names, shapes and dtypes are kept."""
    form = {n: (t.shape, t.dtype, t.device) for n, t in before.items()}
    assert {n: (t.shape, t.dtype, t.device) for n, t in after.items()} == form


class Guarded(Effect):
    """An effect under watch: what it listens to and does are its own."""

    def __init__(self, effect: Effect) -> None:
        self.effect = effect
        self.init, self.moments = effect.init, effect.moments

    def on_evaluation(self, params, state, view):
        with Untouched(params, state, view.params):
            after = self.effect.on_evaluation(params, state, view)
        same_form(params, after)
        return after

    def on_resize(self, resize, params, state):
        with Untouched(params, state):
            return self.effect.on_resize(resize, params, state)

    def meters(self, state):
        with Untouched(state):
            return self.effect.meters(state)

    def _watched(self, moment, signal, state, view):
        with Untouched(signal, state, view.params):
            return getattr(self.effect, moment)(signal, state, view)

    def before_batch(self, controls, state, view):
        return self._watched("before_batch", controls, state, view)

    def wrap_gradient(self, rule, state, view):
        wrapped, state = self._watched("wrap_gradient", rule, state, view)

        def watched(problem):
            with Untouched(problem.batch, problem.model):
                return wrapped(problem)

        return watched, state

    def on_gradients(self, gradient, state, view):
        after, state = self._watched("on_gradients", gradient, state, view)
        same_form(gradient.grads, after.grads)
        assert after.cost == gradient.cost
        return after, state

    def on_updates(self, updates, state, view):
        after, state = self._watched("on_updates", updates, state, view)
        same_form(updates, after)
        return after, state

    def on_weights(self, params, state, view):
        after, state = self._watched("on_weights", params, state, view)
        same_form(params, after)
        return after, state


class GuardedTurnover(Turnover):
    """A strategy under watch: it proposes, and writes nothing itself."""

    def __init__(self, turnover: Turnover) -> None:
        self.turnover = turnover
        self.init = turnover.init

    def propose(self, probe, gradient, state, view):
        with Untouched(probe._model, gradient, state, view.params):
            return self.turnover.propose(probe, gradient, state, view)


@pytest.fixture(scope="session")
def guard():
    """Recipe -> the same recipe, its effects and apoptosis under watch."""

    def guarded(recipe: Recipe) -> Recipe:
        chain = Chain({name: Guarded(effect) for name, effect in recipe.effects.members.items()})
        return replace(recipe, effects=chain, apoptosis=GuardedTurnover(recipe.apoptosis))

    return guarded


@dataclass(frozen=True)
class Look:
    """What a run did that was looked at while it trained."""

    spent: dict[str, float]  # passes of its model outside of evaluations, per batch
    read: list[str]  # what it asked the held-out rows for outside of evaluations
    units: int  # of a batch


class Watched:
    """Batches that note who asks for the held-out rows."""

    def __init__(self, batches, read, evaluating):
        self.batches, self.read, self.evaluating = batches, read, evaluating

    def __getattr__(self, name):
        if name == "held_out" and not self.evaluating:
            self.read.append(name)
        return getattr(self.batches, name)


@pytest.fixture(scope="session")
def looking_at():
    """Job -> the same job, and what will be seen of it as it trains."""

    def looked_at(job: Job) -> tuple[Job, Look]:
        batch = job.recipe.data(Streams(job.seed)).train(Clock(0))
        look, evaluating = Look({"forward": 0.0, "backward": 0.0}, [], batch.units), []

        def count(module, inputs, logits):
            if not evaluating:
                look.spent["forward"] += len(logits) / batch.rows
            if logits.requires_grad:
                logits.register_hook(count_back)

        if hasattr(job.recipe.loss, "teacher"):
            job.recipe.loss.teacher.register_forward_hook(count)

        def count_back(grad):
            look.spent["backward"] += len(grad) / batch.rows

        def made(*given, **parts):
            model = job.recipe.model.func(*given, **parts)
            model.register_forward_hook(count)
            return model

        def apart(evaluator):
            def evaluate(*given):
                evaluating.append(True)
                try:
                    return evaluator(*given)
                finally:
                    evaluating.pop()

            return evaluate

        recipe = replace(
            job.recipe,
            model=partial(made, **job.recipe.model.keywords),
            data=lambda streams: Watched(job.recipe.data(streams), look.read, evaluating),
            evaluators={name: apart(e) for name, e in job.recipe.evaluators.items()},
        )
        own = {name: apart(e) for name, e in job.task.evaluators().items()}
        task = copy(job.task)
        vars(task)["evaluators"] = lambda: own
        return replace(job, recipe=recipe, task=task), look

    return looked_at
