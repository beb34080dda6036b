"""Laws of batches: pure in (seed, step), each window once an epoch, nothing shared across splits.

The corpus of most tests has the token i at position i, so a batch shows where it was cut.
"""

from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch

from audition.data.tokenizers import Characters
from audition.data.tokens import Tokenised, Tokens
from audition.data.windows import Windows
from audition.recipe.batches import Batch, Clock
from audition.recipe.streams import Streams

N, CONTEXT, ROWS = 20_000, 16, 12
EDGES = np.array([0, 7_000, 7_300, N])


@pytest.fixture(scope="module")
def numbered():
    alphabet = "".join(map(chr, range(0x100, 0x100 + N)))
    tokens = Tokens(np.arange(N, dtype=np.uint16), EDGES)
    corpus = Tokenised(Characters(alphabet), tokens, tokens)
    return partial(
        Windows, corpus, batch_size=ROWS, context=CONTEXT, evaluation_tokens=100 * CONTEXT
    )


def same(one: Batch, other: Batch) -> bool:
    names = ("inputs", "targets", "ids", "groups")
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


def spans(batch: Batch) -> list[tuple[int, int]]:
    """[first, last] position of each row, whose tokens must follow one another."""
    assert torch.equal(batch.targets, batch.inputs + 1)
    assert torch.equal(batch.inputs[:, 1:], batch.targets[:, :-1])
    return [(int(row[0]), int(row[-1]) + 1) for row in batch.inputs]


def test_a_batch_is_what_the_protocol_says(numbered) -> None:
    windows = numbered(Streams(1))
    for batch in (windows.train(Clock(0)), windows.probe(0)):
        assert batch.inputs.shape == batch.targets.shape == (ROWS, CONTEXT)
        assert {t.dtype for t in (batch.inputs, batch.targets, batch.groups)} == {torch.int64}
        starts = batch.inputs[:, 0].numpy()
        assert batch.groups.tolist() == [int((EDGES[1:] <= s).sum()) for s in starts]
    assert windows.shape.outputs == N


def test_any_step_can_be_asked_in_any_order(numbered) -> None:
    steps = numbered(Streams(1)).windows_per_epoch // ROWS
    asked = [0, 1, steps - 1, steps, steps + 1, 5 * steps, 40 * steps]  # over epochs' edges
    forth, back = numbered(Streams(1)), numbered(Streams(1))
    batches = {step: forth.train(Clock(step)) for step in asked}
    for step in reversed(asked):
        assert same(back.train(Clock(step)), batches[step])
        assert same(numbered(Streams(1)).train(Clock(step)), batches[step])


def test_seeds_differ(numbered) -> None:
    one, other = numbered(Streams(1)), numbered(Streams(2))
    assert not same(one.train(Clock(0)), other.train(Clock(0)))
    assert not same(one.probe(0), other.probe(0))
    assert not same(one.train(Clock(0)), one.train(Clock(1)))
    assert not same(one.probe(0), one.probe(1))


def test_an_epoch_holds_every_window_once_and_epochs_differ(numbered) -> None:
    windows = numbered(Streams(1))
    steps = 3 * windows.windows_per_epoch // ROWS + 1
    rows = [span for step in range(steps) for span in spans(windows.train(Clock(step)))]
    epochs = [rows[i * windows.windows_per_epoch :][: windows.windows_per_epoch] for i in range(3)]
    for epoch in epochs:
        ordered = sorted(epoch)
        assert all(before[1] < after[0] for before, after in pairwise(ordered))  # no shared token
        assert ordered != epoch
    assert epochs[0] != epochs[1] != epochs[2]
    assert sorted(epochs[0]) != sorted(epochs[1])  # a new offset
    assert windows.windows_per_epoch * (CONTEXT + 1) > 0.9 * N


def test_no_step_trains_on_probe_text(numbered) -> None:
    trained, probed = set(), set()
    for seed in range(3):
        windows = numbered(Streams(seed))
        for step in range(4 * windows.windows_per_epoch // ROWS):
            for first, last in spans(windows.train(Clock(step))):
                trained.update(range(first, last + 1))
        for step in range(200):
            for first, last in spans(windows.probe(step)):
                probed.update(range(first, last + 1))
    assert not trained & probed
    assert len(probed) > 0.015 * N
    assert len(trained | probed) > 0.99 * N  # the rest of the text is all trained on
    assert min(probed) < N / 10  # set aside everywhere, not only at the end
    assert max(probed) > N - 25


def test_held_out_windows_are_spread_over_the_documents_within_their_edges(numbered) -> None:
    rows = [span for batch in numbered(Streams(1)).held_out() for span in spans(batch)]
    assert len(rows) == 100
    assert rows == sorted(set(rows))
    assert all(before[1] <= after[0] for before, after in pairwise(rows))
    inside = [sum(a <= first and last < b for first, last in rows) for a, b in pairwise(EDGES)]
    assert sum(inside) == 100
    np.testing.assert_allclose(inside, np.diff(EDGES) / N * 100, atol=1.01)


def test_full_takes_every_token_as_a_target_once(numbered) -> None:
    windows = numbered(Streams(1), evaluation_tokens=None)
    targets = torch.cat([batch.targets.flatten() for batch in windows.held_out()]).tolist()
    assert len(targets) == len(set(targets))
    assert len(targets) > N - len(EDGES) * CONTEXT


def test_held_out_is_the_same_for_every_seed_and_batch_size(verses) -> None:
    one = list(verses.open(Streams(1)).held_out())
    other = list(replace(verses, batch_size=9).open(Streams(2)).held_out())
    assert len(one) == len(other)
    assert all(map(same, one, other))
    assert sum(batch.units for batch in one) == verses.evaluation_tokens


def test_held_out_text_is_validation_text(verses) -> None:
    windows = verses.open(Streams(1))
    texts = [document.text for document in verses.text().validation]
    for batch in windows.held_out():
        for row, document in zip(batch.targets.tolist(), batch.groups.tolist(), strict=True):
            assert windows.tokenizer.decode(row) in texts[document]


@pytest.mark.parametrize("vocab_size", [None, 300])
def test_byte_lengths_count_the_bytes_of_the_held_out_text(verses, vocab_size) -> None:
    kind = "bpe" if vocab_size else "characters"
    source = replace(verses, tokenizer=kind, vocab_size=vocab_size, evaluation_tokens="full")
    windows = source.open(Streams(1))
    lengths = windows.byte_lengths()
    assert lengths.shape == (windows.shape.outputs,)
    assert lengths.dtype == torch.int64
    validation = source.tokenised().validation
    text = "".join(document.text for document in source.text().validation)
    assert int(lengths[torch.from_numpy(validation.ids.astype(np.int64))].sum()) == len(
        text.encode()
    )


@pytest.mark.parametrize("tokens", [3 * 17, 200, 17 * 50, 17 * 2500 + 3])
def test_small_corpora_keep_training_and_probe_apart(tokens: int) -> None:
    corpus_tokens = Tokens(np.arange(tokens, dtype=np.uint16), np.array([0, tokens]))
    corpus = Tokenised(Characters("ab"), corpus_tokens, corpus_tokens)
    windows = Windows(corpus, Streams(3), batch_size=1, context=16, evaluation_tokens=16)
    trained = {
        s
        for step in range(3 * windows.windows_per_epoch)
        for s in spans(windows.train(Clock(step)))
    }
    probed = {s for step in range(50) for s in spans(windows.probe(step))}
    assert not any(a <= d and c <= b for a, b in trained for c, d in probed)
    assert max(last for _, last in trained | probed) < tokens
