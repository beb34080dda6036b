"""Shrunk vectors of tokens against the definition, and counts against brute force."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from audition.errors import AuditionError
from audition.ideas.count_shrink import COUNTS, CountShrink, occurrences
from audition.observers.observer import Observer
from audition.recipe.batches import Clock
from audition.session import begin
from audition.training.kill import kill_test
from audition.training.loop import train

IDEA = "+idea=count_shrink"
PLAIN = (IDEA, "ideas.count_shrink.unigram_bias=false")


def drawn(*shape, seed=0):
    return torch.empty(shape).normal_(generator=torch.Generator().manual_seed(seed))


def model_of(job, counts=None):
    model = begin(job.recipe, job.seed, "cpu").model
    if counts is not None:
        model.embedding.shrinkage.counts.copy_(counts)
    return model


def effective(model):
    """What the embedding gives for each of its tokens, [V, C]."""
    return model.embedding(torch.arange(len(model.embedding.weight)))


def some_counts(model):
    counts = torch.arange(len(model.embedding.weight)).float() ** 2
    counts[5:9] = 0.0
    return counts


def test_vectors_are_the_formula(job_of):
    model = model_of(job_of(*PLAIN))
    counts, rows = some_counts(model), model.embedding.weight.detach()
    model = model_of(job_of(*PLAIN), counts)
    s = (counts / (counts + 8))[:, None]
    mean = (counts[:, None] * rows).sum(0) / counts.sum()
    expected = s * rows + (1 - s) * mean
    assert torch.allclose(effective(model), expected, atol=1e-6)
    x = drawn(2, 3, rows.shape[1])
    assert torch.allclose(model.head(x), x @ expected.T, atol=1e-5)


def test_an_unseen_token_is_exactly_the_mean(job_of):
    model = model_of(job_of(*PLAIN))
    model = model_of(job_of(*PLAIN), some_counts(model))
    found, mean = effective(model), model.embedding.shrinkage.mean(model.embedding.weight)
    for unseen in (0, 5, 6, 7, 8):
        assert torch.equal(found[unseen], mean)
    assert not torch.equal(found[9], mean)


def test_before_any_step_all_are_the_plain_mean(job_of):
    model = model_of(job_of(*PLAIN))
    expected = model.embedding.weight.mean(0)
    assert torch.allclose(effective(model), expected.expand(len(model.embedding.weight), -1))


def test_seen_often_enough_it_is_the_baseline(job_of):
    """s → 1 as counts grow, and the pass becomes the baseline's."""
    counts = torch.full((len(model_of(job_of()).embedding.weight),), 1e12)
    shrunk, plain = model_of(job_of(IDEA), counts), model_of(job_of())
    inputs = torch.arange(16)[None]
    assert torch.equal(shrunk(inputs), plain(inputs))


def test_n0_of_zero_is_the_recipe_itself(job_of):
    recipe = job_of().recipe
    assert CountShrink(n0=0)(recipe) is recipe


def test_unshrunk_without_a_bias_trains_the_baseline_to_the_bit(job_of, differences):
    """The module with s = 1: so the rest of it adds nothing."""
    shrunk = train(job_of(*PLAIN, "ideas.count_shrink.control=unshrunk", "training.clip=null"))
    plain = train(job_of("training.clip=null"))
    ours = {name: shrunk.session.params[name] for name in plain.session.params}
    assert not differences(ours, plain.session.params)
    assert shrunk.final == plain.final


@pytest.mark.parametrize("tied", ["true", "false"])
def test_gradients_reach_the_vectors_scaled_by_s(job_of, tied):
    untied = f"model.tied_head={tied}"
    shrunk = model_of(job_of(*PLAIN, untied))
    counts = some_counts(shrunk)
    shrunk = model_of(job_of(*PLAIN, untied), counts)
    s = (counts / (counts + 8))[:, None]
    along = drawn(*shrunk.embedding.weight.shape)
    (effective(shrunk) * along).sum().backward()
    assert torch.allclose(shrunk.embedding.weight.grad, s * along, atol=1e-6)
    shrunk.zero_grad()
    x, along = drawn(7, shrunk.head.weight.shape[1]), drawn(7, len(counts))
    (shrunk.head(x) * along).sum().backward()
    assert torch.allclose(shrunk.head.weight.grad, s * (along.T @ x), atol=1e-4)


def brute_force(job, steps=6):
    batches = job.recipe.data(begin(job.recipe, job.seed, "cpu").streams)
    seen = torch.cat([batches.train(Clock(step)).inputs.flatten() for step in range(steps)])
    return torch.bincount(seen, minlength=batches.shape.outputs)


@pytest.mark.parametrize("pieces", [1, 2])
def test_counts_are_brute_force(job_of, pieces):
    job = job_of(IDEA, f"execution.accumulate={pieces}")
    outcome = train(job)
    expected = brute_force(job)
    assert torch.equal(outcome.session.effects["count_shrink"]["counts"], expected.double())
    assert torch.equal(outcome.session.params[COUNTS], expected.float())
    assert expected.sum() == outcome.session.units


def test_a_step_sees_the_counts_of_the_steps_before(job_of):
    """None of its own: they would tell of the tokens that it is asked to predict."""
    job, seen = job_of(IDEA), []

    def spy(model):
        model.embedding.register_forward_pre_hook(
            lambda module, given: (
                seen.append(module.shrinkage.counts.clone()) if module.training else None
            )
        )

    train(replace(job, recipe=job.recipe.with_change(spy)))
    assert len(seen) == 6
    for step, counts in enumerate(seen):
        expected = brute_force(job, step) if step else torch.zeros_like(counts)
        assert torch.equal(counts, expected.float())


def test_permuted_counts_are_the_same_numbers_in_an_order_of_the_run(job_of):
    found = [
        train(job_of(IDEA, "ideas.count_shrink.control=permuted", f"seed={seed}")).session
        for seed in (42, 43)
    ]
    orders = [session.effects["count_shrink"]["order"] for session in found]
    assert not torch.equal(*orders)
    for session, order in zip(found, orders, strict=True):
        counts = session.effects["count_shrink"]["counts"].float()
        assert torch.equal(session.params[COUNTS], counts[order])
        assert not torch.equal(session.params[COUNTS], counts)


def test_constant_is_the_mean_of_s(job_of):
    chosen = (*PLAIN, "ideas.count_shrink.control=constant")
    model = model_of(job_of(*chosen))
    counts = some_counts(model)
    shares = model_of(job_of(*chosen), counts).embedding.shrinkage.shares()
    assert torch.allclose(shares, (counts / (counts + 8)).mean().expand_as(counts))


def test_row_decay_takes_a_share_of_every_row(job_of):
    still = (*PLAIN, "ideas.count_shrink.control=unshrunk", "ideas.count_shrink.row_decay=0.1")
    job = job_of(*still, "optimizer=sgd", "optimizer.lr=0", "model.tied_head=false")
    start = begin(job.recipe, job.seed, "cpu").params
    after = train(job).session.params
    for name, p in start.items():
        rows = name in ("embedding.weight", "head.weight")
        if name != COUNTS:
            assert torch.allclose(after[name], p * (0.9**6 if rows else 1.0)), name


def test_the_bias_is_learned_from_zero(job_of):
    job = job_of(IDEA)
    assert not begin(job.recipe, 42, "cpu").params["head.bias"].any()
    assert train(job).session.params["head.bias"].any()
    assert "head.bias" not in begin(job_of(*PLAIN).recipe, 42, "cpu").params


def test_occurrences_of_several_runs_are_each_its_own():
    inputs = torch.randint(9, (3, 4, 5), generator=torch.Generator().manual_seed(0))
    found = occurrences(inputs, torch.zeros(3, 9))
    assert torch.equal(found, torch.stack([occurrences(one, torch.zeros(9)) for one in inputs]))
    assert torch.equal(found[1], torch.bincount(inputs[1].flatten(), minlength=9).float())


def test_a_model_without_vectors_of_tokens_is_refused(job_of):
    job = job_of("experiment=digits")
    with pytest.raises(AuditionError, match="ConvNet has no embedding"):
        begin(CountShrink()(job.recipe), 42, "cpu")
    assert isinstance(begin(job.recipe, 42, "cpu").model.head, nn.Linear)


def test_what_was_seen_rarely_is_counted_before_each_step(job_of):
    job, said = job_of(IDEA), []

    class Watch(Observer):
        def on_step(self, session, report):
            said.append(float(report.meters()["count_shrink/rare"]))

    train(job, [Watch()])
    batches = job.recipe.data(begin(job.recipe, job.seed, "cpu").streams)
    for step, share in enumerate(said):
        inputs = batches.train(Clock(step)).inputs.flatten()
        rare = (brute_force(job, step) < 20)[inputs] if step else torch.ones(len(inputs))
        assert share == pytest.approx(rare.float().mean().item())
    assert said[0] == 1.0 > said[-1]


def test_the_kill_test_trains_the_baseline_and_reads_its_rare_tokens(settings_of):
    found = kill_test(settings_of(IDEA), "count_shrink", 6)
    assert not found.kill
    assert "on 0 % of 6 steps" in found.sentence
