"""The shape of a tracker: it is opened, given the lines of `metrics.jsonl`, and closed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Protocol

import yaml

from audition.errors import AuditionError
from audition.plain_file import read_text
from audition.records.metrics import Line
from audition.records.record import Record


class Tracker(Protocol):
    """One run's page in a tracker. Nothing is imported or contacted before `open`.

    `packages` are those that the server of many runs imports once for all of them.

    Examples:
        One that writes every line to a file:

        >>> from audition import Tracker
        >>> class Lines:
        ...     packages = ()
        ...
        ...     def __init__(self, folder):
        ...         self.path = folder / "lines.txt"
        ...
        ...     @staticmethod
        ...     def check():
        ...         pass
        ...
        ...     def open(self, earlier):
        ...         self.file = self.path.open("w", encoding="utf-8")
        ...         for line in earlier:
        ...             self.write(line)
        ...         return ""
        ...
        ...     def write(self, line):
        ...         print(dict(line), file=self.file)
        ...
        ...     def close(self, status, facts):
        ...         self.file.close()
        ...
        ...     def look(self):
        ...         return f"less {self.path}"
        >>> kind: type[Tracker] = Lines
    """

    packages: ClassVar[tuple[str, ...]]

    @staticmethod
    def check() -> None:
        """Raises AuditionError where the tracker cannot be used here, whatever the run."""
        ...

    def open(self, earlier: Sequence[Line]) -> str:
        """Begin the run's page, or find it again, so that it holds `earlier` and no more.

        Returns a sentence where it is not as it was asked for, else nothing.
        """
        ...

    def write(self, line: Line) -> None:
        """One more line."""
        ...

    def close(self, status: str, facts: Mapping[str, Any]) -> None:
        """The run has ended so; `facts` are single numbers to show for it."""
        ...

    def look(self) -> str:
        """The address or the command that shows this page and those of the ledger's other runs."""
        ...


@dataclass(frozen=True)
class Subject:
    """The run that a tracker shows, as the files in its folder tell it."""

    folder: Path
    key: str
    arm: str
    config_hash: str
    seed: str
    settings: Mapping[str, Any]  # nested, as in config.yaml

    @classmethod
    def of(cls, folder: Path) -> "Subject":
        """The run in `folder`, which may have no files yet."""
        *_, arm, config_hash, seed = ("", "", "", *folder.parts[-3:])
        record, settings = read_record(folder), _settings(folder / "config.yaml")
        key = record.key if record else f"{config_hash}-{seed}"
        return cls(folder, key, arm, config_hash, seed.removeprefix("seed_"), settings)

    @property
    def group(self) -> str:
        """What the seeds of one arm share."""
        return f"{self.arm}-{self.config_hash}"

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"{self.arm} seed {self.seed}"

    def flat(self) -> dict[str, Any]:
        """`optimizer.lr` -> its value, for every setting."""
        return dict(_leaves(self.settings))


def read_record(folder: Path) -> Record | None:
    """The record in `folder`, if there is one to be read."""
    try:
        return Record.from_json(read_text(folder / "record.json"))
    except (OSError, UnicodeDecodeError, AuditionError):
        return None


def check_package(name: str, *packages: str) -> None:
    """Raises AuditionError where a package that the tracker `name` needs is not installed."""
    for package in packages:
        if find_spec(package) is None:
            raise AuditionError(
                f"logger={name} needs the package {package}: pip install 'audition[{name}]'"
            )


def _settings(path: Path) -> Mapping[str, Any]:
    try:
        plain = yaml.safe_load(read_text(path))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return plain if isinstance(plain, Mapping) else {}


def _leaves(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value
