"""English Wikipedia of 2016: 106 articles in full, of which every tenth validates.

They come in gensim's package as a dump of MediaWiki, which is read without importing the package.
The text is under CC BY-SA 3.0.
"""

import bz2
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import unescape
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from re import DOTALL, IGNORECASE, MULTILINE, Match, compile
from xml.etree import ElementTree

from audition.data.corpus import Corpus
from audition.data.source import Source
from audition.data.text import Document, Text, split_every
from audition.errors import AuditionError

PACKAGE = "gensim==4.4.0"
FILE = "gensim/test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
SHA256 = "a53f4648dec40467ebdcbc7a1307eddb51fe6e28e9309f6ebde81ba0d04bea2d"

PLAIN_SHA256 = "c316bd3c3ed9c0273d5e51f0e5f4487adc5d8bc072f58042cdda559886f8e0a7"
"""Of the plain text of the articles to train on, then of those that validate: to change `plain` is to
change the corpus, its fingerprint and its cache."""

EVERY = 10
"""One article in this many, in the order of the dump, validates."""

_UNSPOKEN = compile(
    r"<!--.*?-->|<ref\b[^>/]*/>"
    r"|<(ref|math|gallery|timeline|source|syntaxhighlight|score|imagemap|pre|table)\b[^>]*>.*?</\1\s*>",
    DOTALL | IGNORECASE,
)
_TEMPLATE = compile(r"\{\{([^{}]*)\}\}")
_TABLE = compile(r"\{\|(?:(?!\{\||\|\}).)*\|\}", DOTALL)
_ADDRESS = compile(r"\[(?:https?:|ftp:)?//[^\s\]]*\s*([^\]\n]*)\]")
_LINK = compile(r"\[\[([^\[\]]*)\]\]")
_NO_ARTICLE = compile(r"\s*:?(?:file|image|category|media)\s*:", IGNORECASE)
_APPENDIX = compile(
    r"^==\s*(?:see also|references|external links|notes|notes and references|further reading|"
    r"bibliography|footnotes|sources|citations|works cited|gallery)\s*==.*?(?=^==[^=]|\Z)",
    DOTALL | IGNORECASE | MULTILINE,
)
_MARKUP = compile(r"'{2,5}|__[A-Z]+__|</?[a-zA-Z][^<>]*>|^[=*#:; \t]+|=+[ \t]*$", MULTILINE)
_GAP = compile(r"\(\s*[,;:\s]*\)|(?<=\()[\s,;:]+|[ \u00a0]+(?=[,.;:)\n])")
_SPACES = compile(r"[ \t\u00a0]+")


@dataclass(frozen=True, kw_only=True)
class Articles(Corpus):
    """Articles without references, tables, formulas and pictures."""

    @property
    def text_fingerprint(self) -> str:
        _file()
        return PLAIN_SHA256

    def text(self) -> Text:
        return split_every(tuple(_articles()), EVERY)


@dataclass(frozen=True, kw_only=True)
class Wikipedia(Articles, Source):
    """The articles in windows."""


@cache
def _file() -> Path:
    """The dump. Raises AuditionError where the package is not installed, or another one."""
    try:
        path = Path(str(distribution("gensim").locate_file(FILE)))
    except PackageNotFoundError:
        raise AuditionError(
            "data=wikipedia reads a file of gensim, which is not installed: "
            "pip install 'audition[wikipedia]'"
        ) from None
    found = sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
    if found != SHA256:
        raise AuditionError(
            f"data=wikipedia: gensim's dump has sha256 {found[:12]} where {SHA256[:12]} is expected: "
            f"pip install --force-reinstall {PACKAGE}"
        )
    return path


def _articles() -> Iterator[Document]:
    """Each article of the dump that is no redirection, in its order."""
    with bz2.open(_file()) as dump:
        root = ElementTree.parse(dump).getroot()
    space = root.tag.removesuffix("mediawiki")
    for page in root.iterfind(f"{space}page"):
        if page.findtext(f"{space}ns") == "0" and page.find(f"{space}redirect") is None:
            title = page.findtext(f"{space}title", "")
            text = plain(page.findtext(f"{space}revision/{space}text", ""))
            yield Document(title, f"{title}\n{text}\n")


def plain(wikitext: str) -> str:
    """What an article says, a paragraph, heading or item of a list a line.

    References, tables, formulas, pictures and the lists at the end of an article are dropped, and
    templates but for the few that hold words of a sentence.
    """
    text = _until_same(_TEMPLATE.sub, _words, _UNSPOKEN.sub("", wikitext))
    text = _until_same(_TABLE.sub, "", text)
    text = _until_same(_LINK.sub, _label, _ADDRESS.sub(r"\1", text))
    text = _MARKUP.sub("", _APPENDIX.sub("", text))
    # Twice: markup of templates that were dropped leaves gaps within gaps.
    text = _GAP.sub("", _GAP.sub("", _SPACES.sub(" ", unescape(text))))
    lines = (_SPACES.sub(" ", line).strip() for line in text.splitlines())
    return "\n".join(line for line in lines if any(map(str.isalnum, line)))


def _until_same(substitute: Callable[..., str], by: object, text: str) -> str:
    """The innermost first, and then what was around them."""
    while (after := substitute(by, text)) != text:
        text = after
    return text


def _words(template: Match[str]) -> str:
    """`12 km` of {{convert|12|km|mi}}, `mot` of {{lang|fr|mot}}; nothing of nearly all others."""
    name, *given = (part.strip() for part in template[1].split("|"))
    given = [part for part in given if "=" not in part]
    if name.lower() in ("convert", "cvt"):
        return " ".join(given[:2])
    return given[-1] if given and name.lower() in ("lang", "nowrap", "transl", "nobr") else ""


def _label(link: Match[str]) -> str:
    """What is read of a link; nothing of a picture or a category."""
    return "" if _NO_ARTICLE.match(link[1]) else link[1].rpartition("|")[2]
