"""`make conf`: the files of `conf/`, the README's table and docs/parts.md, as the classes have them."""

import sys
from collections.abc import Iterator
from pathlib import Path

from audition.config.members import members
from audition.config.root import conf_dir
from audition.shelf.pages import PAGE, filled, reference
from audition.shelf.settings import regenerated

ROOT = conf_dir().parent


def wanted() -> Iterator[tuple[Path, str]]:
    """Each file that is made from `conf/` and the classes, and the text that it should have."""
    for member in members():
        yield member.path, regenerated(member.text)
    readme = ROOT / "README.md"
    yield readme, filled(readme.read_text(encoding="utf-8"))
    yield ROOT / PAGE, reference()


def main() -> None:
    """Write every file that is not as it should be, and say which."""
    for path, text in wanted():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(ROOT), file=sys.stderr)


if __name__ == "__main__":
    main()
