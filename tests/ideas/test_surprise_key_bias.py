"""Surprise key bias against brute-force counts, and against a model without it."""

import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from audition.errors import AuditionError
from audition.ideas.surprise_key_bias import (
    BIAS,
    Counted,
    Keys,
    SurpriseKeyBias,
    within,
)
from audition.parts.surprisal import LEVELS
from audition.recipe.batches import Clock
from audition.recipe.gradient import backward
from audition.recipe.problem import Cost, Gradient, Problem
from audition.recipe.signals import Controls, View
from audition.recipe.streams import Streams
from audition.session import begin

IDEA = "+idea=surprise_key_bias"
KEY = "ideas.surprise_key_bias.key"
KEYS = ("pair", "unigram", "permuted", "learned")
VOCABULARY = 7


def text(rows=6, tokens=40, seed=0, vocabulary=VOCABULARY):
    """Tokens of which each hangs on the one before."""
    generator = torch.Generator().manual_seed(seed)
    steps = torch.randint(0, 3, (rows, tokens), generator=generator)
    return steps.cumsum(1) % vocabulary


def table_of(*windows, **settings):
    table = Keys(VOCABULARY, SurpriseKeyBias(**settings))
    for ids in windows:
        table.learn(ids)
    return table


def biased_model(job_of, key="pair", beta=0.5, learn=True):
    """A small model whose heads ask for surprise, with a table of its own text."""
    session = begin(job_of(IDEA, f"{KEY}={key}").recipe, 42, "cpu")
    with torch.no_grad():
        for name, p in session.params.items():
            if name.endswith(BIAS):
                p.fill_(beta)
        if key == "learned":
            session.model.surprise.scalar.copy_(
                torch.linspace(-1, 1, session.model.surprise.vocabulary)
            )
    batch = session.batches.train(Clock(0))
    if learn:
        session.model.surprise.learn(batch.inputs)
    return session.model.eval(), batch.inputs


def test_the_table_is_brute_force_counts():
    windows = [text(seed=s) for s in (0, 1)]
    table = table_of(*windows)
    pairs = Counter((a, b) for ids in windows for row in ids.tolist() for a, b in pairwise(row))
    earlier = Counter(a for ids in windows for row in ids.tolist() for a in row[:-1])
    ids = text(seed=2)
    found = table.of(ids, "pair")
    alone = table.of(ids, "unigram")
    total = sum(earlier.values())
    for r, row in enumerate(ids.tolist()):
        for t in range(1, len(row)):
            p = (pairs[row[t - 1], row[t]] + 0.5) / (earlier[row[t - 1]] + 0.5 * VOCABULARY)
            assert found[r, t].item() == pytest.approx(-math.log(p), rel=1e-5)
            p = (earlier[row[t]] + 0.5) / (total + 0.5 * VOCABULARY)
            assert alone[r, t].item() == pytest.approx(-math.log(p), rel=1e-5)
    chances = [
        sum(math.exp(-table.of(torch.tensor([[a, b]]), "pair")[0, 1]) for b in range(7))
        for a in range(7)
    ]
    assert chances == pytest.approx([1.0] * 7, rel=1e-5)


def test_few_buckets_are_shared():
    table = table_of(text(), buckets=5)
    assert table.pairs.sum() == 6 * 39
    assert len(table.pairs) == 5
    assert torch.isfinite(table.of(text(), "pair")).all()


@pytest.mark.parametrize("key", ["pair", "unigram", "permuted"])
def test_surprise_is_standardised_over_the_text(key):
    ids = text(rows=64)
    z = table_of(ids, key=key).standardised(ids)
    assert (z[:, 0] == 0).all()
    assert z[:, 1:].mean().item() == pytest.approx(0, abs=0.35 if key == "permuted" else 0.05)
    if key != "permuted":
        assert z[:, 1:].std().item() == pytest.approx(1, abs=0.05)


def test_permuted_pairs_keep_the_distribution_and_nothing_else():
    """Over many kinds of pairs: levels drawn evenly, and no correlation with the surprise."""
    table = Keys(400, SurpriseKeyBias(key="permuted"))
    ids = torch.randint(0, 400, (64, 64), generator=torch.Generator().manual_seed(0)) ** 2 // 400
    table.learn(ids)
    assert len(table.levels) == LEVELS
    true, dealt = (table.of(ids, key)[:, 1:].flatten() for key in ("pair", "permuted"))
    for share in (0.1, 0.5, 0.9):
        assert dealt.quantile(share).item() == pytest.approx(true.quantile(share).item(), abs=0.2)
    assert abs(torch.corrcoef(torch.stack((true, dealt)))[0, 1]) < 0.1
    assert torch.equal(dealt, table.of(ids, "permuted")[:, 1:].flatten())


def test_nothing_is_known_before_the_first_step():
    assert (Keys(VOCABULARY, SurpriseKeyBias()).standardised(text()) == 0).all()


@pytest.mark.parametrize("key", KEYS)
def test_it_starts_as_the_baseline(key, job_of):
    model, ids = biased_model(job_of, key, beta=1.0 if key == "learned" else 0.0)
    if key == "learned":
        torch.nn.init.zeros_(model.surprise.scalar)
    plain = begin(job_of().recipe, 42, "cpu").model.eval()
    assert torch.allclose(model(ids), plain(ids), atol=1e-6)


@pytest.mark.parametrize("key", KEYS)
def test_a_later_token_changes_no_earlier_answer(key, job_of):
    model, ids = biased_model(job_of, key)
    before = model(ids)
    for place in (1, 5, ids.shape[1] - 1):
        other = ids.clone()
        other[:, place] = (other[:, place] + 1) % model.surprise.vocabulary
        after = model(other)
        assert torch.equal(after[:, :place], before[:, :place])
        assert not torch.equal(after[:, place:], before[:, place:])


def test_a_constant_surprise_changes_nothing(job_of, monkeypatch):
    """Softmax does not see what is added to all scores."""
    model, ids = biased_model(job_of, beta=0.0)
    plain = model(ids)
    biased, _ = biased_model(job_of, beta=0.8)
    assert not torch.allclose(biased(ids), plain, atol=1e-4)
    monkeypatch.setattr(Keys, "standardised", lambda self, ids: torch.full(ids.shape, 1.7))
    assert torch.allclose(biased(ids), plain, atol=1e-5)


def test_scores_are_the_formula(job_of):
    """A_qk = q·k/√D + β_h s_k, written out for the first block."""
    model, ids = biased_model(job_of)
    attention = model.blocks[0].attention
    with torch.no_grad():
        attention.get_parameter(BIAS).copy_(
            torch.linspace(-1, 1, len(attention.get_parameter(BIAS)))
        )
        x = model.blocks[0].attention_norm(model.embed(ids))
        q, k, v = attention.heads(x)
        s = model.surprise.standardised(ids)
        scores = q @ k.mT / q.shape[-1] ** 0.5
        scores = scores + attention.get_parameter(BIAS)[:, None, None] * s[:, None, None]
        hidden = torch.ones(scores.shape[-2:]).triu(1).bool()
        expected = attention.joined(scores.masked_fill(hidden, -torch.inf).softmax(-1) @ v)
        model.surprise.hear(model.embedding, (ids,))
        assert torch.allclose(attention(x, model.positional), expected, atol=1e-5)


def test_positions_keep_their_own_bias(job_of):
    _, ids = biased_model(job_of, beta=0.0)
    for positional in ("alibi", "rope"):
        recipe = job_of(IDEA, f"positional={positional}").recipe
        plain = begin(job_of(f"positional={positional}").recipe, 42, "cpu").model.eval()
        assert torch.allclose(begin(recipe, 42, "cpu").model.eval()(ids), plain(ids), atol=1e-6)


def test_batches_are_counted_after_their_step_until_the_share_is_spent(job_of):
    session = begin(job_of(IDEA).recipe, 42, "cpu")
    table, seen = session.model.surprise, []

    def rule(problem):
        seen.append(int(table.pairs.sum()))
        return backward(problem)

    counted = Counted(rule, 0.5)
    for step in range(4):
        clock = Clock(step, 4, step / 4)
        batch = session.batches.train(clock)
        counted(Problem(session.model, session.params, job_of().recipe.loss, batch, clock=clock))
    each = batch.inputs[:, 1:].numel()
    assert seen == [0, each, 2 * each, 2 * each]
    closed = Counted(lambda problem: Gradient({}, {}, Cost(1.0), closed=True), 1.0)
    closed(Problem(session.model, session.params, job_of().recipe.loss, batch))
    assert int(table.pairs.sum()) == 2 * each


def test_learned_keys_are_one_number_a_token(job_of, trained):
    session = trained(IDEA, f"{KEY}=learned").session
    added = session.params.keys() - trained().session.params.keys()
    learned = {name for name in added if session.params[name].requires_grad}
    assert learned == {"surprise.scalar"}
    assert session.params["surprise.scalar"].abs().max() > 0
    assert all((session.params[name] == 1).all() for name in added - learned)


def test_the_meter_is_the_largest_bias(trained):
    session = trained(IDEA).session
    largest = max(p.abs().max() for n, p in session.params.items() if n.endswith(BIAS))
    assert largest > 0
    assert session.effects["surprise_key_bias"]["largest"] == largest


def test_no_scale_leaves_the_recipe(job_of):
    recipe = job_of().recipe
    assert SurpriseKeyBias(scale=0.0)(recipe) is recipe


def test_attention_without_scores_is_refused(job_of):
    with pytest.raises(AuditionError, match="choose attention=causal"):
        begin(job_of(IDEA, "attention=delta").recipe, 42, "cpu")


def test_the_unexplained_share_is_that_of_the_groups():
    ids = torch.arange(4).repeat(500)
    noise = torch.randn(2000, generator=torch.Generator().manual_seed(0))
    assert within(ids.float(), ids).item() == pytest.approx(0, abs=1e-6)
    assert within(noise, ids).item() == pytest.approx(1, abs=0.02)
    assert within(ids + noise, ids).item() == pytest.approx(1 / 2.25, abs=0.03)


def test_its_kill_test_tells_pairs_from_single_tokens(job_of):
    job, test = job_of(), SurpriseKeyBias().kill()
    for pairs, kill in ((True, False), (False, True)):
        session = begin(job.recipe, 42, "cpu")
        view = View(Clock(0), Controls(), session.params, Streams(42))
        state, reading = None, []
        for seed in range(6):
            ids = text(64, 64, seed)
            if not pairs:  # independent tokens of unlike frequency
                ids = ids[:, torch.randperm(64)].gather(1, torch.rand(64, 64).argsort(1)) ** 2 // 7
            batch = replace(session.batches.train(Clock(0)), inputs=ids)
            rule, state = test.watch.wrap_gradient(lambda problem: None, state, view)
            rule(Problem(session.model, session.params, job.recipe.loss, batch))
            reading += [float(x) for x in test.watch.meters(state).values()]
        assert len(reading) == 6
        assert test.decide(reading).kill is kill
