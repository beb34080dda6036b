"""Role split against its definition: the two gradients, their Adam steps, and a tied AdamW."""

from dataclasses import replace

import pytest
import torch

from audition.errors import AuditionError
from audition.ideas.role_split import IN, OUT, Lengths, Roles, RoleSplit, listening
from audition.recipe.batches import Clock
from audition.recipe.gradient import backward
from audition.recipe.problem import Cost, Gradient, Problem
from audition.recipe.signals import Controls, View
from audition.recipe.streams import Streams
from audition.session import begin
from audition.training.loop import train

VIEW = View(Clock(0, 10, 0.0), Controls(), {}, Streams(42))


def problem_of(job, **changes):
    session = begin(job.recipe, 42, "cpu")
    batch = session.batches.train(Clock(0))
    return Problem(session.model, session.params, job.recipe.loss, batch, **changes)


def test_the_copies_begin_as_the_tied_matrix(job_of):
    tied, split = (begin(job_of(*o).recipe, 42, "cpu") for o in ((), ("+idea=role_split",)))
    assert split.params.keys() - tied.params.keys() == {OUT}
    for name in (IN, OUT):
        assert torch.equal(split.params[name], tied.params[IN])


@pytest.mark.parametrize("pieces", [1, 2])
def test_both_gradients_sum_to_autograds(job_of, pieces):
    tied = backward(problem_of(job_of(), micro_batches=pieces)).grads
    split = backward(problem_of(job_of("+idea=role_split"), micro_batches=pieces)).grads
    assert torch.allclose(split[IN] + split[OUT], tied[IN], atol=1e-6)
    assert all(torch.allclose(split[n], tied[n], atol=1e-6) for n in tied if n != IN)


def test_rows_of_absent_tokens_have_no_gradient_of_the_embedding(job_of):
    problem = problem_of(job_of("+idea=role_split"))
    grads = backward(problem).grads
    seen = torch.zeros(len(grads[IN]), dtype=torch.bool)
    seen[problem.batch.inputs.flatten()] = True
    assert not seen.all()
    assert (grads[IN][~seen] == 0).all()
    assert grads[IN][seen].abs().sum(1).min() > 0
    assert (grads[OUT].abs().sum(1) > 0).all()


def test_the_hook_finds_the_heads_gradient(job_of):
    problem, pieces = problem_of(job_of(), micro_batches=2), []
    with listening(problem.model, pieces):
        backward(problem)
    alone = backward(problem_of(job_of("+idea=role_split"), micro_batches=2)).grads[OUT]
    assert len(pieces) == 2
    assert torch.allclose(torch.stack(pieces).sum(0), alone, atol=1e-6)
    assert not problem.model.head._forward_hooks


def test_one_memory_is_tied_adamw_to_the_bit(job_of, weights_of, trained):
    """The machinery of `control=scaled` at a scale of 1, which as a setting leaves the recipe be."""
    job = job_of("+idea=role_split", "ideas.role_split.control=scaled", "ideas.role_split.scale=2")
    (name,) = (n for n in job.recipe.effects.members if n == "role_split")
    effect = Roles(RoleSplit(control="scaled", scale=1.0))
    members = {**job.recipe.effects.members, name: effect}
    recipe = replace(job.recipe, effects=replace(job.recipe.effects, members=members))
    split = weights_of(train(replace(job, recipe=recipe)))
    tied = weights_of(trained())
    assert all(torch.equal(split[name], tied[name]) for name in tied)
    assert torch.equal(split[IN], split[OUT])
    scaled = weights_of(train(job))
    assert torch.equal(scaled[IN], scaled[OUT])
    assert not torch.equal(scaled[IN], tied[IN])


def test_the_neutral_setting_leaves_the_recipe(job_of):
    recipe = job_of().recipe
    assert RoleSplit(control="scaled", scale=1.0)(recipe) is recipe


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_a_step_is_the_mix_of_two_adam_steps(share):
    """Δ = share Δ_in + (1 - share) Δ_out, each by its own m and v, written out over five steps."""
    torch.manual_seed(0)
    rate, decay, eps = 0.1, 0.2, 1e-8
    start = torch.randn(4, 3)
    copies = {name: torch.nn.Parameter(start.clone()) for name in (IN, OUT)}
    adam = torch.optim.AdamW(
        copies.values(), lr=rate, betas=(0.9, 0.99), weight_decay=decay, eps=eps
    )
    effect, weight = Roles(RoleSplit(share=share)), start.double()
    moments = {name: [torch.zeros(4, 3).double() for _ in "mv"] for name in copies}
    for step in range(1, 6):
        grads = {IN: 1e-3 * torch.randn(4, 3), OUT: 10 * torch.randn(4, 3)}
        given, _ = effect.on_gradients(Gradient(grads, {}, Cost()), None, VIEW)
        for name, p in copies.items():
            p.grad = given.grads[name]
        adam.step()
        with torch.no_grad():
            after, _ = effect.on_weights(copies, None, VIEW)
            for name, p in copies.items():
                p.copy_(after[name])
        delta = torch.zeros(4, 3).double()
        for name, part in ((IN, share), (OUT, 1 - share)):
            m, v = moments[name]
            m.lerp_(grads[name].double(), 0.1)
            v.lerp_(grads[name].double() ** 2, 0.01)
            ahead = m / (1 - 0.9**step) / ((v / (1 - 0.99**step)).sqrt() + eps)
            delta += part * ahead
        weight = weight - rate * (delta + decay * weight)
        assert torch.equal(copies[IN], copies[OUT])
        assert torch.allclose(copies[IN].double(), weight, atol=1e-5)


def test_a_random_split_sums_to_the_whole_by_rows_and_differs_each_step():
    grads = {IN: torch.randn(5, 3), OUT: torch.randn(5, 3)}
    effect, shares = Roles(RoleSplit(control="random")), []
    for step in (0, 1):
        view = replace(VIEW, clock=Clock(step))
        out, _ = effect.on_gradients(Gradient(grads, {}, Cost()), None, view)
        assert torch.allclose(out.grads[IN] + out.grads[OUT], grads[IN] + grads[OUT], atol=1e-6)
        share = out.grads[IN] / (grads[IN] + grads[OUT])
        assert torch.allclose(share, share[:, :1].expand(5, 3), atol=1e-5)
        shares.append(share[:, 0])
    assert (shares[0] - shares[1]).abs().min() > 0


def test_a_closed_step_passes():
    closed = Gradient({}, {}, Cost(1.0), closed=True)
    assert Roles(RoleSplit(control="random")).on_gradients(closed, None, VIEW) == (closed, None)


def test_an_untied_head_is_refused(job_of):
    job = job_of("+idea=role_split", "model.tied_head=false")
    with pytest.raises(AuditionError, match=r"choose model\.tied_head=true"):
        begin(job.recipe, 42, "cpu")


def test_its_kill_test_reads_the_ratio_of_the_two_lengths(job_of):
    problem, effect = problem_of(job_of()), RoleSplit().kill().watch
    assert isinstance(effect, Lengths)
    rule, state = effect.wrap_gradient(backward, None, VIEW)
    gradient, state = effect.on_gradients(rule(problem), state, VIEW)
    apart = backward(problem_of(job_of("+idea=role_split"))).grads
    expected = apart[OUT].norm() / apart[IN].norm()
    assert effect.meters(state)["ratio"].item() == pytest.approx(expected.item(), rel=1e-3)
    assert torch.equal(gradient.grads[IN], backward(problem_of(job_of())).grads[IN])
