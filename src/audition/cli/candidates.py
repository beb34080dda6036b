"""What may stand where a line of `audition` ends: commands, options, arms, plans, overrides."""

import os
from argparse import SUPPRESS
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stderr, suppress
from io import StringIO
from pathlib import Path

from audition.cli.command import Command
from audition.cli.output_dir import FLAG, ledger_root, split_output_dir

Values = Callable[[Path], Iterable[str]]


def candidates(line: str) -> list[str]:
    """Words that begin as the last of `line` does; none where a file may stand, which shells know."""
    from audition.cli.ledger import TRAIN, all_commands
    from audition.cli.overview import overview

    *before, begun = line.split(" ")
    folder, words = split_output_dir([word for word in before[1:] if word])
    if before and before[-1] == FLAG:
        return []
    if words[:1] == [TRAIN]:
        return _overrides(" ".join((*words[1:], begun)))
    commands = {command.name: command for command in all_commands()}
    if words and words[0] not in commands:
        return []
    command = commands[words[0]] if words else overview
    known = _options(command) if begun.startswith("-") else []
    if not known and words:
        known = _values(command, words[1:], folder)
    elif not known:
        known = [*commands, TRAIN]
    return sorted(word for word in known if word.startswith(begun))


def _options(command: Command) -> list[str]:
    shown = (o for o in command.options if o.settings.get("help") != SUPPRESS)
    return ["--help", *(name for o in shown for name in o.names if name.startswith("--"))]


def _values(command: Command, words: Sequence[str], folder: str | None) -> list[str]:
    """The values of the option that was named last, or of the next argument without a name."""
    takers = {name: o for o in command.options for name in o.names}
    last = takers.get(words[-1]) if words else None
    if last is None or "action" in last.settings:
        bare = [o for o in command.options if not o.names[0].startswith("-")]
        given = sum(not word.startswith("-") for word in words)
        last = next(
            (o for n, o in enumerate(bare) if o.settings.get("nargs") == "*" or n >= given), None
        )
    if last is None:
        return []
    if "choices" in last.settings:
        return list(last.settings["choices"])
    values = VALUES.get(last.names[0])
    if values is None:
        return []
    with redirect_stderr(StringIO()):  # it would say which ledger it is
        return list(values(ledger_root(folder)))


def _overrides(line: str) -> list[str]:
    """What Hydra offers: groups, members, keys."""
    from hydra import initialize_config_dir
    from hydra._internal.core_plugins.bash_completion import BashCompletion
    from hydra.core.global_hydra import GlobalHydra

    from audition.config.root import conf_dir

    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        completion = BashCompletion(GlobalHydra.instance().config_loader())
        return list(completion._query("audition", line))


def _names(root: Path, kind: str) -> list[str]:
    with suppress(OSError):
        return [name.removesuffix(".json") for name in os.listdir(root / kind) if name[0] != "."]
    return []


def _arms(root: Path) -> list[str]:
    return list(dict.fromkeys([*_names(root, "runs"), *_names(root, "derived")]))


def _runs(root: Path) -> list[str]:
    """Arms, and each of their seeds."""
    seeds = (
        f"{seed.parents[1].name}/{seed.name.removeprefix('seed_')}"
        for place in ("runs", "derived")
        for seed in (root / place).glob("*/*/seed_*")
    )
    return [*_arms(root), *dict.fromkeys(seeds)]


def _ideas(root: Path) -> list[str]:
    from audition.config.members import names

    return list(names("idea"))


def _kinds(root: Path) -> list[str]:
    from audition.shelf.new import kinds

    return list(kinds())


def _commands(root: Path) -> list[str]:
    from audition.cli.ledger import TRAIN, all_commands

    return [TRAIN, *(command.name for command in all_commands())]


VALUES: dict[str, Values] = {
    **dict.fromkeys(("arms", "first", "second"), _arms),
    **dict.fromkeys(("run", "runs"), _runs),
    "about": _commands,
    "plan": lambda root: _names(root, "plans"),
    "idea": _ideas,
    "kind": _kinds,
    "study": lambda root: _names(root, "studies"),
}
"""Argument -> its values."""
