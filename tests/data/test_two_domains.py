"""Two texts with one tokenizer: shares, no leakage, and measures of each that add up to the whole."""

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import numpy as np
import pytest
import torch
from annotated_types import Gt

from audition.data.corpus import Corpus
from audition.data.file import Files
from audition.data.fingerprint import fingerprint
from audition.data.text import Document, Text
from audition.data.two_domains import TwoDomains
from audition.errors import AuditionError
from audition.evaluators.next_token import NextToken
from audition.recipe.batches import Batch, Clock
from audition.recipe.streams import Streams
from audition.tasks.language import Language


@dataclass(frozen=True, kw_only=True)
class Letters(Corpus):
    """Documents of one alphabet, so that a window tells which of two texts it is from."""

    alphabet: str = "abcdef"
    lines: Annotated[int, Gt(0)] = 40

    @property
    def text_fingerprint(self) -> str:
        return fingerprint({"letters": [self.alphabet, self.lines]})

    def text(self) -> Text:
        def document(seed: int) -> Document:
            drawn = np.random.default_rng(seed).choice(list(self.alphabet), 16 * self.lines)
            return Document(str(seed), "".join(drawn))

        return Text(tuple(map(document, range(5))), tuple(map(document, (7, 8))))


@pytest.fixture
def both(tmp_path: Path) -> TwoDomains:
    return TwoDomains(
        first=Letters(),
        second=Letters(alphabet="ÄÖÜß", lines=60),
        share=0.3,
        batch_size=4,
        context=8,
        evaluation_tokens=320,
        cache_dir=str(tmp_path),
    )


def texts(source: TwoDomains, batch: Batch) -> list[str]:
    """The text of each row, its last target included."""
    tokenizer = source.corpora()[0].tokenizer
    rows = torch.cat([batch.inputs, batch.targets[:, -1:]], 1)
    return [tokenizer.decode(row) for row in rows.tolist()]


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.75])
@pytest.mark.parametrize("rows", [1, 4, 7])
def test_shares_hold_over_every_stretch_of_rows(both, share: float, rows: int) -> None:
    batches = replace(both, share=share, batch_size=rows).open(Streams(3))
    from_first = torch.cat([batches.train(Clock(step)).groups for step in range(40)]) == 0
    seen = np.concatenate([[0], from_first.numpy().cumsum()])
    expected = np.arange(len(seen)) * share
    assert np.abs(seen - expected).max() <= 1.0
    probed = torch.cat([batches.probe(step).groups for step in range(40)]) == 0
    assert torch.equal(probed, from_first)


def test_a_row_is_of_one_domain_and_says_which(both) -> None:
    batches = both.open(Streams(1))
    assert batches.domains == both.domains == ("test_two_domains_1", "test_two_domains_2")
    for batch in (batches.train(Clock(0)), batches.probe(5), *batches.held_out()):
        for row, group in zip(texts(both, batch), batch.groups.tolist(), strict=True):
            assert set(row) <= set(("abcdef", "ÄÖÜß")[group])


def test_an_epoch_of_each_domain_has_every_window_once_in_an_order_of_its_own(both) -> None:
    batches = both.open(Streams(1))
    rows: dict[int, list[int]] = {0: [], 1: []}
    for step in range(300):
        batch = batches.train(Clock(step))
        for group, start in zip(batch.groups.tolist(), batch.ids.tolist(), strict=True):
            rows[group].append(start)
    for starts, part in zip(rows.values(), batches._parts, strict=True):
        epoch = sorted(starts[: part.windows_per_epoch])
        assert len(set(epoch)) == part.windows_per_epoch
        assert all(b - a > 8 for a, b in pairwise(epoch))
    assert not set(rows[0]) & set(rows[1])


def test_batches_are_a_function_of_seed_and_step(both) -> None:
    one, again, other = both.open(Streams(1)), both.open(Streams(1)), both.open(Streams(2))
    assert torch.equal(again.train(Clock(9)).inputs, one.train(Clock(9)).inputs)
    assert not torch.equal(other.train(Clock(9)).inputs, one.train(Clock(9)).inputs)
    held_out = [torch.cat([b.inputs for b in source.held_out()]) for source in (one, other)]
    assert torch.equal(*held_out)


def test_what_trains_is_the_training_text_and_what_validates_is_not(both) -> None:
    batches = both.open(Streams(1))
    text = both.text()
    training, validation = (
        [document.text for document in split] for split in (text.training, text.validation)
    )
    joined = [
        "".join(training[:5]),
        "".join(training[5:]),
    ]  # windows of training may span documents
    for batch in (batches.train(Clock(3)), batches.probe(3)):
        for row, group in zip(texts(both, batch), batch.groups.tolist(), strict=True):
            assert row in joined[group]
    held_out = [row for batch in batches.held_out() for row in texts(both, batch)]
    assert all(any(row in document for document in validation) for row in held_out)
    assert sum(batch.units for batch in batches.held_out()) == 96 + 224


def test_the_tokenizer_is_learned_on_both_training_splits(both) -> None:
    source = replace(both, tokenizer="bpe", vocab_size=280)
    first, second = source.corpora()
    assert first.tokenizer.to_json() == second.tokenizer.to_json()
    learned = [first.tokenizer.decode([i]) for i in range(256, 280)]
    assert any("a" in piece for piece in learned)
    assert any("Ä" in piece or "Ö" in piece for piece in learned)
    for corpus, text in ((first, source.first.text()), (second, source.second.text())):
        said = corpus.tokenizer.decode(corpus.training.ids.tolist())
        assert said == "".join(document.text for document in text.training)


def test_what_the_identity_depends_on(both) -> None:
    longer = replace(both, second=Letters(alphabet="ÄÖÜß", lines=61))
    assert longer.corpus_fingerprint != both.corpus_fingerprint
    shared = replace(both, share=0.4)
    assert shared.corpus_fingerprint == both.corpus_fingerprint
    assert shared.evaluation_fingerprint != both.evaluation_fingerprint
    swapped = replace(both, first=both.second, second=both.first)
    assert swapped.corpus_fingerprint != both.corpus_fingerprint


def test_settings_that_two_domains_cannot_have(both, tmp_path: Path, verses) -> None:
    with pytest.raises(
        AuditionError, match=r"data\.second\.batch_size has no meaning .* for both$"
    ):
        replace(both, second=verses)
    replace(both, second=replace(verses, batch_size=12, context=64, evaluation_tokens=131_072))
    with pytest.raises(AuditionError, match=r"leaves one of two domains less than a window"):
        replace(both, evaluation_tokens=20)
    with pytest.raises(AuditionError, match=r"data\.path=.*absent cannot be read"):
        replace(both, second=Files(path=str(tmp_path / "absent"))).check()
    with pytest.raises(AuditionError, match=r"data\.batch_size=5000 is more than"):
        replace(both, batch_size=5000).check()
    assert replace(both, second=Files(path="x")).domains == ("test_two_domains", "file")


def test_each_domain_is_measured_and_together_they_are_the_whole(both) -> None:
    source = replace(both, tokenizer="bpe", vocab_size=280)
    batches = source.open(Streams(1))
    torch.manual_seed(0)
    table = torch.randn(280, 280)

    held_out = SimpleNamespace(
        batches=batches,
        device="cpu",
        sum=lambda totals: totals,
        passes=lambda: ((batch, table[batch.inputs]) for batch in batches.held_out()),
    )
    found = NextToken()(held_out)
    lengths = source.corpora()[0].tokenizer.byte_lengths()
    nats, size, count = np.zeros(2), np.zeros(2), np.zeros(2)
    for batch in batches.held_out():
        losses = -table[batch.inputs].log_softmax(-1).gather(-1, batch.targets[..., None])[..., 0]
        for row, group in enumerate(batch.groups.tolist()):
            nats[group] += losses[row].double().sum().item()
            size[group] += lengths[batch.targets[row].numpy()].sum()
            count[group] += batch.targets[row].numel()
    for i, domain in enumerate(source.domains):
        assert found[f"loss_{domain}"] == pytest.approx(nats[i] / count[i], rel=1e-6)
        assert found[f"bpb_{domain}"] == pytest.approx(nats[i] / size[i] / math.log(2), rel=1e-6)
    assert found["loss"] == pytest.approx(nats.sum() / count.sum(), rel=1e-6)
    assert found["bpb"] == pytest.approx(nats.sum() / size.sum() / math.log(2), rel=1e-6)
    promised = {name.removeprefix("val_") for name in Language().measures_on(source.domains)}
    assert set(found) == promised
    assert next(iter(Language().measures_on(source.domains))) == "val_loss"
