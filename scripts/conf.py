"""`make conf`: the files of `conf/`, the README's table and docs/parts.md, as the classes have them.

`python -m scripts.conf FILE ...` does some yaml files alone, a package's of one's own too.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from audition.config.members import members
from audition.config.root import conf_dir
from audition.shelf.pages import PAGE, Known, filled, named_in, reference
from audition.shelf.settings import regenerated

ROOT = conf_dir().parent
README = ROOT / "README.md"
PARTS = ROOT / PAGE


def yamls(files: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Each file of `conf/`, and the text that it should have."""
    for path in files:
        yield path, regenerated(path.read_text(encoding="utf-8"))


def documents(known: Known | None = None) -> Iterator[tuple[Path, str]]:
    """Each document and the text that it should have, with the members that it has already.

    known: which members they are to name; by default those that they name.
    """
    readme, parts = (p.read_text(encoding="utf-8") for p in (README, PARTS))
    yield README, filled(readme, known or named_in(readme))
    yield PARTS, reference(known or named_in(parts))


def wanted() -> Iterator[tuple[Path, str]]:
    """Each file that is made from `conf/` and the classes, and the text that it should have.

    A member that has just been made is two files, so a document is right without it until the next
    `make conf`; what it does name must be as it is.
    """
    yield from yamls([member.path for member in members()])
    yield from documents()


def main() -> None:
    """Write every file that is not as it should be, and say which."""
    chosen = [Path(word) for word in sys.argv[1:]]
    every = [*yamls([member.path for member in members()]), *documents(lambda member: True)]
    for path, text in yamls(chosen) if chosen else every:
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(path, file=sys.stderr)


if __name__ == "__main__":
    main()
