"""Weights of places against their definition, and against the theorem that they rest on."""

import pytest
import torch
from torch.nn import functional as F

from audition.errors import AuditionError
from audition.ideas.blue_positions import (
    WEIGHTS,
    BluePositions,
    efficiency,
    residuals,
    variances,
    weights_of,
)
from audition.observers.observer import Observer
from audition.recipe.batches import Clock
from audition.recipe.problem import Predict
from audition.session import begin
from audition.training.kill import kill_test
from audition.training.loop import train

IDEA = "+idea=blue_positions"


def drawn(*shape, seed=0):
    return torch.empty(shape).normal_(generator=torch.Generator().manual_seed(seed))


def begun(job):
    session = begin(job.recipe, job.seed, "cpu")
    return session, session.batches.train(Clock(0))


@pytest.mark.parametrize("a", [-0.5, 0.0, 0.5, 1.0, 2.0])
def test_weights_add_up_to_the_number_of_places(a):
    variance = drawn(64).square()
    weights = weights_of(variance, a)
    assert weights.sum().item() == pytest.approx(64, rel=1e-5)
    assert weights.min() > 0
    order = variance.argsort(descending=a > 0)
    assert (weights[order].diff() >= 0).all()


def test_a_place_without_variance_does_not_get_everything():
    variance = torch.tensor([0.0, 1.0, 1.0, 1.0])
    assert torch.isfinite(weights_of(variance, 0.5)).all()
    assert torch.equal(weights_of(torch.zeros(4), 1.0), torch.ones(4))


def test_residuals_are_the_gradients_by_the_logits():
    logits, targets = drawn(3, 4, 7).requires_grad_(), torch.arange(12).view(3, 4) % 7
    F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").backward()
    assert torch.allclose(residuals(logits.detach(), targets), logits.grad, atol=1e-6)


def test_variances_are_those_of_vectors_or_of_their_lengths():
    g = drawn(500, 3, 5) * torch.tensor([1.0, 2.0, 3.0])[:, None]
    by_hand = [(g[:, t] - g[:, t].mean(0)).square().sum(-1).sum() / 499 for t in range(3)]
    assert torch.allclose(variances(g), torch.stack(by_hand), rtol=1e-4)
    assert torch.allclose(variances(g, "norm"), g.norm(dim=-1).var(0), rtol=1e-4)
    same_length = F.normalize(g, dim=-1)  # imprecise, and yet its length never varies
    assert variances(same_length, "norm").max() < 1e-10
    assert variances(same_length).min() > 0.9


def regression(repeats=4000, rows=20, places=8, parameters=3):
    """y = x·θ + σ_p ε, in many repeats: x [R, B, P, D], θ [D], y [R, B, P], σ [P]."""
    sigma = torch.logspace(-1, 0.7, places)
    theta = drawn(parameters, seed=1)
    x = drawn(repeats, rows, places, parameters, seed=2)
    return x, theta, x @ theta + sigma * drawn(repeats, rows, places, seed=3), sigma


def solved(x, y, weights):
    """Weighted least squares of every repeat, [R, D]."""
    a = torch.einsum("rbpi,rbpj,p->rij", x, x, weights)
    return torch.linalg.solve(a, torch.einsum("rbpi,rbp,p->ri", x, y, weights))


def test_a_of_one_attains_the_variance_of_the_best_linear_unbiased_estimate():
    """Σ (Xᵀ V⁻¹ X)⁻¹ is what Aitken's estimator has; weights from measured variances reach it."""
    x, theta, y, sigma = regression()
    # The gradient of a half square by the prediction is the residual; measured at θ, as along a run.
    measured = variances((x[:100] @ theta - y[:100]).flatten(0, 1)[..., None])
    best = torch.linalg.inv(torch.einsum("rbpi,rbpj,p->rij", x, x, sigma**-2))
    best = best.diagonal(dim1=1, dim2=2).sum(-1).mean().item()

    def error(a):
        return (solved(x, y, weights_of(measured, a)) - theta).square().sum(-1).mean().item()

    assert error(1.0) == pytest.approx(best, rel=0.05)
    assert error(0.0) > 3 * best
    assert error(0.5) < error(0.0)
    assert error(2.0) > 1.05 * best


def test_efficiency_is_what_blue_gains_over_equal_weights():
    sigma = torch.tensor([1.0, 2.0, 4.0])
    equal, best = sigma.square().sum() / 9, 1 / (1 / sigma.square()).sum()
    assert efficiency(sigma.square()).item() == pytest.approx((equal / best).item(), rel=1e-5)
    assert efficiency(torch.full((5,), 3.0)).item() == pytest.approx(1.0)


def test_the_gradient_is_that_of_the_weighted_loss_and_its_value_is_not(job_of):
    job, plain = job_of(IDEA), job_of()
    session, batch = begun(job)
    weights = torch.linspace(0.5, 1.5, 16)
    session.loss.weights.data.copy_(weights)
    loss = job.recipe.loss(Predict(session.model, session.loss), batch, Clock(0))
    loss["cross_entropy"].backward()
    theirs, _ = begun(plain)
    logits = theirs.model(batch.inputs)
    each = F.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), reduction="none")
    own = plain.recipe.loss(Predict(theirs.model), batch, Clock(0))
    assert torch.equal(loss["cross_entropy"], own["cross_entropy"])
    (each.view(-1, 16) * weights).mean().backward()
    for name, p in theirs.params.items():
        assert torch.allclose(session.params[name].grad, p.grad, rtol=1e-4, atol=1e-7), name
    expected = variances(residuals(logits.detach(), batch.targets))
    assert torch.allclose(session.loss.weights.grad, expected, rtol=1e-4)


def test_smoothed_losses_are_weighted_as_well(job_of):
    smoothing = "loss.label_smoothing=0.1"
    (a, batch), (b, _) = begun(job_of(IDEA, smoothing)), begun(job_of(smoothing))
    ours = job_of(IDEA, smoothing).recipe.loss(Predict(a.model, a.loss), batch, Clock(0))
    theirs = job_of(smoothing).recipe.loss(Predict(b.model), batch, Clock(0))
    assert torch.equal(ours["cross_entropy"], theirs["cross_entropy"])


class Watch(Observer):
    """The weights after every step, and the state."""

    def __init__(self):
        self.weights, self.meters = [], []

    def on_step(self, session, report):
        self.weights.append(session.params[WEIGHTS].detach().clone())
        self.meters.append(report.meters())


def watched(job):
    watch = Watch()
    return train(job, [watch]), watch


def test_weights_follow_the_running_mean_of_what_was_measured(job_of):
    outcome, watch = watched(job_of(IDEA, "ideas.blue_positions.decay=0.5"))
    state = outcome.session.effects["blue_positions"]
    assert state["steps"] == 6
    assert torch.allclose(watch.weights[-1], weights_of(state["variance"], 0.5))
    assert all(w.sum().item() == pytest.approx(16, rel=1e-5) for w in watch.weights)
    assert not torch.equal(watch.weights[0], watch.weights[1])
    assert "blue_positions/efficiency" not in watch.meters[0]
    assert float(watch.meters[-1]["blue_positions/efficiency"]) >= 1.0


def test_no_optimizer_moves_the_weights(job_of, differences):
    """Their gradient is a measurement: moments stay zero, and clipping does not count it."""
    outcome, _ = watched(job_of(IDEA, "optimizer=sgd", "optimizer.weight_decay=0.5"))
    variance = outcome.session.effects["blue_positions"]["variance"]
    assert torch.equal(outcome.session.params[WEIGHTS], weights_of(variance, 0.5))
    adam, _ = watched(job_of(IDEA))
    moments = adam.session.optimizer.state[adam.session.params[WEIGHTS]]
    assert not moments["exp_avg"].any()


def test_permuted_weights_are_the_same_numbers_in_an_order_of_the_run(job_of):
    chosen = (IDEA, "ideas.blue_positions.control=permuted")
    outcomes = [watched(job_of(*chosen, f"seed={seed}"))[0] for seed in (42, 43)]
    orders = [outcome.session.effects["blue_positions"]["order"] for outcome in outcomes]
    assert not torch.equal(*orders)
    for outcome, order in zip(outcomes, orders, strict=True):
        state = outcome.session.effects["blue_positions"]
        assert order.sort().values.tolist() == list(range(16))
        expected = weights_of(state["variance"], 0.5)[order]
        assert torch.equal(outcome.session.params[WEIGHTS], expected)


def test_pieces_of_a_batch_are_one_step(job_of):
    """Within pieces the variance has fewer degrees of freedom, but it is one step's all the same."""
    outcome, watch = watched(job_of(IDEA, "execution.accumulate=2"))
    assert outcome.session.effects["blue_positions"]["steps"] == 6
    session, batch = begun(job_of(IDEA))
    pieces = [residuals(session.model(p.inputs).detach(), p.targets) for p in batch.split(2)]
    mean = sum(map(variances, pieces)) / 2
    assert torch.allclose(watch.weights[0], weights_of(mean, 0.5), rtol=1e-4)


def test_measuring_alone_leaves_training_as_it_is(job_of, weights_of, differences):
    job = job_of()
    measured = train(type(job)(**{**vars(job), "recipe": BluePositions(a=0).weighing(job.recipe)}))
    plain = train(job)
    assert torch.equal(measured.session.params[WEIGHTS], torch.ones(16))
    for name, p in plain.session.params.items():
        assert torch.allclose(measured.session.params[name], p, atol=1e-6)


def test_data_and_batches_without_places_or_spread_are_refused(job_of):
    job = job_of("experiment=digits", "model=mlp")
    with pytest.raises(AuditionError, match="these data are none"):
        begin(BluePositions()(job.recipe), 42, "cpu")
    with pytest.raises(AuditionError, match="two rows in a pass"):
        train(job_of(IDEA, "execution.accumulate=4"))


def test_a_baseline_whose_places_are_alike_kills_it(settings_of):
    """At the start of a tiny run every place is as uncertain as the next."""
    found = kill_test(settings_of(IDEA, "ideas.blue_positions.decay=0.5"), "blue_positions", 6)
    assert "below 1.02 on" in found.sentence
    assert "of 5 steps" in found.sentence  # the first has no running mean yet
    assert BluePositions().kill().decide([1.01] * 6 + [1.03] * 4).kill
    assert not BluePositions().kill().decide([1.01] * 4 + [1.03] * 6).kill
