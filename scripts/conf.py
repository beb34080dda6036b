"""`make conf`: the files of `conf/`, the README's table and docs/parts.md, as the classes have them.

`python -m scripts.conf FILE ...` does some yaml files alone, a package's of one's own too.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from audition.config.members import members
from audition.config.root import conf_dir
from audition.errors import AuditionError
from audition.shelf.pages import PAGE, Costs, Known, costs_in, filled, named_in, reference
from audition.shelf.settings import regenerated

ROOT = conf_dir().parent
README = ROOT / "README.md"
PARTS = ROOT / PAGE


def yamls(files: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Each file of `conf/`, and the text that it should have.

    Raises AuditionError at the end, naming the files, for settings that a class does not take (any
    more).
    """
    wrong = []
    for path in files:
        try:
            yield path, regenerated(path.read_text(encoding="utf-8"))
        except AuditionError as error:
            wrong.append(f"{path}: {error}; delete what is too much")
    if wrong:
        raise AuditionError("\naudition: ".join(wrong))


def written_yamls() -> list[Path]:
    """The yaml of every member, and of the sweepers and launchers, whose settings are a class's too."""
    return [
        *(member.path for member in members()),
        *sorted((conf_dir() / "hydra").glob("*/*.yaml")),
    ]


def documents(known: Known | None = None, costs: Costs | None = None) -> Iterator[tuple[Path, str]]:
    """Each document and the text that it should have, with the members that it has already.

    known: which members they are to name; by default those that they name.
    costs: what members cost; by default what the page says, since counting takes seconds.
    """
    readme, parts = (p.read_text(encoding="utf-8") for p in (README, PARTS))
    yield README, filled(readme, known or named_in(readme))
    yield PARTS, reference(known or named_in(parts), costs_in(parts) if costs is None else costs)


def expected_files() -> Iterator[tuple[Path, str]]:
    """Each file that is made from `conf/` and the classes, and the text that it should have.

    A member that has just been made is two files, so a document is right without it until the next
    `make conf`; what it does name must be as it is.
    """
    yield from yamls(written_yamls())
    yield from documents()


def _everything() -> Iterator[tuple[Path, str]]:
    from scripts.member_costs import costs  # it needs torch, one yaml does not

    yield from yamls(written_yamls())
    yield from documents(lambda member: True, costs(str(ROOT / "outputs" / "cache")))


def main() -> None:
    """Write every file that is not as it should be, and say which; a mistake is one sentence."""
    try:
        for path, text in yamls(list(map(Path, sys.argv[1:]))) if sys.argv[1:] else _everything():
            if path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")
                print(path, file=sys.stderr)
    except AuditionError as error:
        print(f"audition: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
