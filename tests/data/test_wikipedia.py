"""Wikipedia's articles: what is read of a page's wikitext, and how the articles are split."""

from hashlib import sha256

import pytest

from audition.data import wikipedia
from audition.data.text import contents
from audition.data.wikipedia import PLAIN_SHA256, Wikipedia, plain
from audition.errors import AuditionError


@pytest.mark.parametrize(
    ("wikitext", "read"),
    [
        (
            "'''Ada''' is a ''[[programming language|language]]'' of [[1980]]s.",
            "Ada is a language of 1980s.",
        ),
        (
            "One.<ref name=a/> Two.<ref>{{cite|x}} [http://y z]</ref>\n<!-- no\nmore -->",
            "One. Two.",
        ),
        (
            "It has {{convert|12|km|mi}} and {{lang|fr|mots}} {{ipa|x|{{y}}}}.",
            "It has 12 km and mots.",
        ),
        (
            "See [http://a.b/c the site].\n[[File:a.jpg|thumb|A [[cat]] on it]]\n[[Category:X]]",
            "See the site.",
        ),
        ("== Life ==\nBorn.\n=== Early ===\n* one\n# two\n----", "Life\nBorn.\nEarly\none\ntwo"),
        ("Text.\n== See also ==\n* [[A]]\n=== Deep ===\nx\n== After ==\nB.", "Text.\nAfter\nB."),
        ("{| class=x\n|-\n| a\n{|\n| b\n|}\n|}\nAfter &amp; more&nbsp;so.", "After & more so."),
        ("Ada ({{ipa|x}}; born) , <small>late</small> <math>a < b</math>.", "Ada (born), late."),
        ("{{infobox\n| a = {{b|c}}\n}}\n\n\n__NOTOC__\n…\nLast.", "Last."),
    ],
)
def test_what_is_read_of_wikitext(wikitext: str, read: str) -> None:
    assert plain(wikitext) == read


def test_the_articles_are_those_that_the_fingerprint_names() -> None:
    text = Wikipedia(tokenizer="bpe", vocab_size=300).text()
    said = [*contents(text.training), *contents(text.validation)]
    assert sha256("".join(said).encode()).hexdigest() == PLAIN_SHA256
    assert (len(text.training), len(text.validation)) == (95, 11)
    assert text.validation[0].name == "Anarchism"
    assert not {d.name for d in text.training} & {d.name for d in text.validation}
    assert 2_780_000 < len("".join(said)) < 2_830_000
    assert not any(mark in text for mark in ("'''", "</ref>", "==", "|}") for text in said)


def test_a_package_that_is_missing_or_another_is_named(monkeypatch, tmp_path) -> None:
    wikipedia._file.cache_clear()
    monkeypatch.setattr(wikipedia, "SHA256", "f" * 64)
    with pytest.raises(AuditionError, match=r"ffffffffffff is expected: pip install --force-rei"):
        _ = Wikipedia().text_fingerprint

    def absent(name: str):
        raise wikipedia.PackageNotFoundError(name)

    monkeypatch.setattr(wikipedia, "distribution", absent)
    with pytest.raises(AuditionError, match=r"not installed: pip install 'audition\[wikipedia\]'$"):
        _ = Wikipedia().text_fingerprint
    wikipedia._file.cache_clear()
