"""A new member of a group as two new files: its code and its yaml. No other file is edited."""

import ast
import importlib
import keyword
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template

from audition.config.groups import GROUPS
from audition.config.members import Member, members, names, shelves
from audition.config.root import ABSENT, conf_dir
from audition.config.schema import signature
from audition.config.schema.lookup import find
from audition.config.schema.parameters import dataclass_options
from audition.errors import AuditionError, choices
from audition.shelf.card import card_lines
from audition.shelf.settings import settings_of

TELL = "<tell:"
"""Marks a place for the author to fill in; a test fails while there is one."""

TEMPLATES = Path(__file__).parent / "templates"

KIND_OF_GROUP = {"preset": "effect"}
"""What is typed as KIND for a group that is named after the choice and not after the thing."""


@dataclass(frozen=True)
class Kind:
    """What `audition new` can write: a member of one group.

    Args:
        name: what one types: `optimizer`, `effect`, `fitness`.
        shelf: its folder below `conf/`.
        room: the dotted package in which its code stands.
        base: dotted class of the default, which a new member begins as; empty where there is none.
    """

    name: str
    shelf: str
    room: str
    base: str


@dataclass(frozen=True)
class Place:
    """Where a new member goes: into this checkout, or into a package of the author's."""

    code: Path  # the folder that its package lies in
    conf: Path
    package: str = ""  # the author's; empty in a checkout

    @classmethod
    def of(cls, package: str | None, into: Path | None) -> "Place":
        """Raises AuditionError where there is neither a checkout nor a package."""
        if package is None and into is None:
            code = conf_dir().parent / "src"
            if not (code / "audition").is_dir():
                raise AuditionError(
                    "audition is installed here, and no checkout to add to: choose a package of "
                    "your own with --package NAME --into FOLDER"
                )
            return cls(code, conf_dir())
        if package is None or into is None:
            raise AuditionError("--package NAME and --into FOLDER go together")
        _check_name(package, "--package")
        if not into.is_dir():
            raise AuditionError(f"--into {into} is no folder")
        return cls(into, into / "conf", package)


@dataclass(frozen=True)
class Draft:
    """A member that is to be written."""

    kind: Kind
    name: str
    place: Place

    @property
    def target(self) -> str:
        """The dotted name of its class."""
        return f"{self.place.package or self.kind.room}.{self.name}.{self.title}"

    @property
    def title(self) -> str:
        """The name of its class: `Lion`, `LayerScale`."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def words(self) -> tuple[str, ...]:
        """What to type to try it."""
        member = Member(self.kind.shelf, self.name, self.yaml)
        return (*((member.host.chosen,) if member.host else ()), member.chosen)

    @property
    def code(self) -> Path:
        return self.place.code.joinpath(*self.target.split(".")[:-1]).with_suffix(".py")

    @property
    def yaml(self) -> Path:
        return self.place.conf / self.kind.shelf / f"{self.name}.yaml"


def kinds() -> Mapping[str, Kind]:
    """Every kind by its name: each group of parts whose classes have a package of their own."""
    holds = {group.choices: group.holds for group in GROUPS.values() if group.choices}
    found: dict[str, Kind] = {}
    for shelf in shelves():
        targets = {m.name: _target(m) for m in members(shelf) if _target(m)}
        rooms = [target.rsplit(".", 2)[0] for target in targets.values()]
        own = [room for room in rooms if "." in room and not room.startswith("audition.recipe")]
        if holds.get(shelf.split("/")[0]) not in ("part", "named parts") or not own:
            continue
        default = next((m for m in members(shelf) if m.is_default), None)
        base = _target(default) if default else ""
        name = KIND_OF_GROUP.get(shelf, shelf.rpartition("/")[2])
        found[name] = Kind(name, shelf, max(own, key=own.count), base)
    return found


def _target(member: Member) -> str:
    """The class of a member's own part; empty where it has none."""
    named = (str(node["_target_"]) for node in member.nodes.values())
    return next((target for target in named if "." in target and target != ABSENT), "")


def draft(kind: str, name: str, place: Place) -> Draft:
    """Raises AuditionError for an unknown kind, a bad name, and one that is taken."""
    known = kinds()
    of_shelf = {each.shelf: each.name for each in known.values()}
    kind = of_shelf.get(kind, kind)
    if kind not in known:
        raise AuditionError(f"unknown kind '{kind}'{choices(kind, known)}")
    _check_name(name, kind)
    made = Draft(known[kind], name, place)
    for path in (made.code, made.yaml):
        if path.exists():
            raise AuditionError(f"{path} exists: choose another name")
    if name in names(made.kind.shelf):
        raise AuditionError(f"{known[kind].shelf}={name} exists already: choose another name")
    return made


def write(draft: Draft, card: Mapping[str, object] | None = None) -> tuple[Path, Path]:
    """Write both files and return where; leaves neither where one cannot be written."""
    made: list[Path] = []
    try:
        for path, text in ((draft.code, _code), (draft.yaml, _yaml)):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                made.append(path)
                file.write(text(draft, card or {}))
    except OSError as error:
        _remove(made)
        raise AuditionError(f"{error.filename} cannot be written: {error.strerror}") from None
    except AuditionError:
        _remove(made)
        raise
    return draft.code, draft.yaml


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink()


def _code(draft: Draft, card: Mapping[str, object]) -> str:
    kind = draft.kind
    own = TEMPLATES / f"{kind.name}.txt"
    template = own if own.is_file() else TEMPLATES / "part.txt"
    module, _, base = kind.base.rpartition(".")
    plain = not kind.base or not _is_dataclass(kind.base)
    return Template(template.read_text(encoding="utf-8")).substitute(
        title=draft.name.replace("_", " ").capitalize(),
        name=draft.name,
        Name=draft.title,
        module=module,
        Base=base,
        imports="" if plain else "from dataclasses import dataclass\n\n",
        decorator="" if plain else "@dataclass(frozen=True, kw_only=True)\n",
    )


def _is_dataclass(target: str) -> bool:
    node = find(target).node
    return isinstance(node, ast.ClassDef) and dataclass_options(node) is not None


def _yaml(draft: Draft, card: Mapping[str, object]) -> str:
    with _importable(draft.place.code):
        signature(draft.target)
        says = f"# {TELL} what it is, in one sentence>."
        match draft.kind.name:
            case "idea":
                node = settings_of(draft.target, 4)
                lines = ["# @package _global_", says, "ideas:", f"  {draft.name}:", *node]
                lines += ["", "cards:", *card_lines(draft.name, card)]
            case "effect":
                node = settings_of(draft.target, 2)
                lines = ["# @package effects", says, f"{draft.name}:", *node]
            case "logger" | "evaluator" | "deploy":
                lines = [says, f"{draft.name}:", *settings_of(draft.target, 2)]
            case _:
                default = next((m for m in members(draft.kind.shelf) if m.is_default), None)
                like = default.text if default and draft.kind.base else ""
                lines = [says, *settings_of(draft.target, like=like)]
    return "\n".join(lines) + "\n"


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Within it, the schema finds a package in `folder`, which it reads and never imports."""
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _check_name(name: str, what: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise AuditionError(
            f"{what} '{name}' is no name: small letters, digits and single underscores, a letter "
            "first, and no word of Python's own"
        )
