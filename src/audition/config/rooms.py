"""Which group a class of ours is a part of, as the files of `conf/` use it."""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from audition.errors import AuditionError, choices

OURS = "audition."
TARGET = re.compile(r"^\s*_target_:\s*(audition\.[\w.]+)\s*(?:#.*)?$", re.MULTILINE)


def check_room(group: str, where: str, target: str, conf: Path) -> None:
    """Raise AuditionError where `target` is known as a part of other groups, and not of `group`.

    Only our own modules that a file of `conf/` names are known; of any other a reader cannot tell.

    Args:
        group: the folder of `conf/` that the part is chosen from.
        where: its place in the config, which the sentence begins with.
    """
    rooms = _rooms(conf)
    module = target.rpartition(".")[0]
    theirs = [name for name, modules in rooms.items() if module in modules]
    if target.startswith(OURS) and theirs and group not in theirs and group in rooms:
        names = sorted(path.stem for path in (conf / group).glob("*.yaml"))
        raise AuditionError(
            f"{where}._target_={target} is a part of {theirs[0]}, not of {group}{choices('', names)}"
        )


@lru_cache(maxsize=4)
def _rooms(conf: Path) -> Mapping[str, frozenset[str]]:
    """Group -> the modules that its files take a class of."""
    found: dict[str, set[str]] = {}
    for path in sorted(conf.rglob("*.yaml")):
        group = path.parent.relative_to(conf).as_posix()
        if group not in (".", "experiment", "debug"):
            named = TARGET.findall(path.read_text(encoding="utf-8"))
            found.setdefault(group, set()).update(t.rpartition(".")[0] for t in named)
    return {group: frozenset(modules) for group, modules in found.items()}
