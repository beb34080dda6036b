"""Laws of both tokenizers: nothing is lost, and bytes are counted exactly."""

import numpy as np
import pytest

from audition.data.text import Document, Text, contents
from audition.data.tokenizers import BytePairs, Characters, Tokenizer, learn, load
from audition.errors import AuditionError

TEXT = Text(
    training=(Document("a", "A rose — by any other name — would smell as sweet.\n" * 20),),
    validation=(Document("v", "Zounds! a rosé, 100 ducats 🙂.\n"),),
)


@pytest.fixture(params=["characters", "bpe"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return learn(TEXT, request.param, 280 if request.param == "bpe" else None)


def test_encoding_can_be_undone(tokenizer: Tokenizer) -> None:
    texts = contents(TEXT.training + TEXT.validation)
    assert [tokenizer.decode(ids.tolist()) for ids in tokenizer.encode(texts)] == texts


def test_byte_lengths_sum_to_the_bytes_of_the_text(tokenizer: Tokenizer) -> None:
    texts = contents(TEXT.training + TEXT.validation)
    lengths = tokenizer.byte_lengths()
    assert lengths.shape == (tokenizer.size,)
    for text, ids in zip(texts, tokenizer.encode(texts), strict=True):
        assert lengths[ids].sum() == len(text.encode())


def test_a_saved_tokenizer_is_the_same(tokenizer: Tokenizer, tmp_path) -> None:
    (tmp_path / "t.json").write_text(tokenizer.to_json(), encoding="utf-8")
    again = load(tmp_path / "t.json")
    texts = contents(TEXT.validation)
    assert again.size == tokenizer.size
    np.testing.assert_array_equal(again.encode(texts)[0], tokenizer.encode(texts)[0])


def test_characters_that_training_lacks_come_after_its_own() -> None:
    tokenizer = Characters.learn(TEXT)
    known = sorted(set(TEXT.training[0].text))
    assert list(tokenizer.alphabet[: len(known)]) == known
    assert set(tokenizer.alphabet[len(known) :]) == set("Z!é,10dc🙂") - set(known)


def test_a_character_of_neither_split_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no id stands for '\u03b1'"):
        Characters.learn(TEXT).encode(["A \u03b1"])


def test_byte_pairs_are_learned_on_the_training_split_alone_and_the_same_each_time() -> None:
    other = Text(TEXT.training, (Document("v", "entirely different " * 50),))
    learned = [BytePairs.learn(text, 280).model for text in (TEXT, TEXT, other)]
    assert learned[0] == learned[1] == learned[2]


def test_byte_pairs_shorten_the_text() -> None:
    ids = BytePairs.learn(TEXT, 290).encode(contents(TEXT.training))[0]
    assert len(ids) < len(TEXT.training[0].text) / 3


def test_a_vocabulary_that_the_text_cannot_fill_is_refused() -> None:
    with pytest.raises(AuditionError, match=r"data\.vocab_size=4096 is too large for this text"):
        BytePairs.learn(TEXT, 4096)
