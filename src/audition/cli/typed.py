"""The command line as it was typed: quotes that the shell took, and words that Hydra cannot read."""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NoReturn

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override, QuotedString
from hydra.errors import HydraException

from audition.cli.output_dir import as_overrides
from audition.command_line import in_quotes
from audition.config.chains import opened
from audition.config.groups import holding
from audition.config.root import conf_dir, names_in
from audition.errors import AuditionError, choices

BARE = r"\w/\-\\+.$%*@?|: \t"
"""What a value of Hydra's grammar may hold without quotes, letters being those of ASCII."""

BUILT = "()[]{},="
"""What its lists, mappings and functions are written with."""

ARM = "--arm"
"""The flag of one further arm of a sweep: `--arm 'optimizer=muon norm=rmsnorm'`."""
ARMS = "hydra.sweeper.arms"

DOES = ("--cfg", "--info", "--multirun", "--run", "--shell-completion")
"""Flags that each say what is to be done, of which there can be one."""


def read_typed(words: Sequence[str]) -> list[str]:
    """`words` in any order as Hydra can read them: its options first, then the overrides.

    Each `--arm 'optimizer=muon norm=rmsnorm'` becomes an entry of `hydra.sweeper.arms`.

    Raises AuditionError for a flag that Hydra does not have, for two flags that exclude each other,
    and for a group that is given something else than names.
    """
    typed = opened(quoted(word) for word in _whole_info(_as_arms(as_overrides(words))))
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]
    flags, unknown = parser.parse_known_intermixed_args(typed)
    if unknown:
        raise AuditionError(
            f"there is no flag '{unknown[0]}'{choices(unknown[0], list(_flags(parser)))}"
        )
    _check_flags(flags)
    folders = [conf_dir(), *([Path(flags.config_dir)] if flags.config_dir else [])]
    for word in flags.overrides:
        _check_names(word, folders)
    first = [word for word in typed if word not in flags.overrides]
    return [*first, *flags.overrides]


def _as_arms(words: Sequence[str]) -> list[str]:
    """The line with all of its `--arm LINE` as the one override that a sweep reads."""
    line, arms, waiting = [], [], list(words)
    while waiting:
        word = waiting.pop(0)
        if word == ARM and not waiting:
            raise AuditionError(f"{ARM} needs the settings of an arm: {ARM} 'optimizer=muon'")
        if word == ARM:
            arms.append(waiting.pop(0))
        elif word.startswith(f"{ARM}="):
            arms.append(word.partition("=")[2])
        else:
            line.append(word)
    if not arms:
        return line
    if any(word.lstrip("+").startswith(f"{ARMS}=") for word in line):
        raise AuditionError(f"{ARM} and {ARMS} both list the arms of a sweep: use one of them")
    return [*line, f"{ARMS}=[{','.join(map(in_quotes, arms))}]"]


def _whole_info(words: Sequence[str]) -> Iterator[str]:
    """`--info` with the word that argparse would take from the overrides behind it: all."""
    for word, after in zip_longest(words, words[1:]):
        yield word
        if word in ("--info", "-i") and (after is None or "=" in after):
            yield "all"


def quoted(word: str) -> str:
    """`baseline=optimizer=adamw` as Hydra can read it: a value that is itself an override needs
    quotes, and those that a person typed have gone to the shell.
    """
    return re.sub(r"^([\w+~][\w./@+-]*)=([\w+~][\w./@+-]*=[^']*)$", r"\1='\2'", word)


def unreadable(word: str) -> str:
    """Why Hydra cannot read an override, and how it is written so that it can."""
    key, given, value = word.partition("=")
    told = f"cannot read '{word}'"
    if not given or not key:
        return f"{told}: it must be KEY=VALUE"
    if odd := _outside(r"\w./@:-", key.lstrip("+~")):
        return f"{told}: {' and '.join(odd)} cannot stand in a key"
    bare = re.sub(r"""'(\\.|[^'\\])*'|"(\\.|[^"\\])*\"""", "", value)
    if odd := _outside(BARE + re.escape(BUILT), bare):
        need = "needs" if len(odd) == 1 else "need"
        return f"{told}: {' and '.join(odd)} {need} quotes, {_as_typed(key, value)}"
    for opening, closing in ("[]", "{}", "()"):
        if bare.count(opening) != bare.count(closing):
            return (
                f"{told}: {opening} and {closing} are not as many, and a text that holds one needs "
                f"quotes, {_as_typed(key, value, whole=True)}"
            )
    return (
        f"{told}: a text with one of {BUILT} in it needs quotes, "
        f"{_as_typed(key, value, whole=True)}"
    )


def _outside(allowed: str, text: str) -> list[str]:
    """The characters of `text` that are not among the `allowed`, each once."""
    return list(dict.fromkeys(re.sub(f"[{allowed}]", "", text, flags=re.ASCII)))


def _as_typed(key: str, value: str, whole: bool = False) -> str:
    """`"KEY='VALUE'"`: Hydra's quotes around the `whole` value, or around what needs them in a list,
    and a shell's around it all.
    """
    hydra, shell = ("'", '"') if not re.search(r"[$`\\!']", value) else ('"', "'")
    if hydra in value or shell in value:
        return f"{key}=TEXT with TEXT in quotes, and the whole in quotes of the other kind"
    ends = BUILT + (":" if "{" in value else "")
    runs = [value] if whole else re.split(f"([{re.escape(ends)}])", value)
    quoted = (
        f"{hydra}{run}{hydra}" if whole or _outside(BARE + re.escape(ends), run) else run
        for run in runs
    )
    return f"{shell}{key}={''.join(quoted)}{shell}"


def _refuse(message: str) -> NoReturn:
    """What argparse does on a mistake, without the usage over many lines."""
    raise AuditionError(message)


def _flags(parser: ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        yield from (name for name in action.option_strings if name.startswith("--"))


def _check_flags(flags: Namespace) -> None:
    wanted = [flag for flag in DOES if getattr(flags, flag[2:].replace("-", "_"))]
    if len(wanted) > 1:
        raise AuditionError(f"{' and '.join(wanted)} exclude each other: leave one out")
    if flags.resolve and not flags.cfg and not flags.help:
        raise AuditionError("--resolve says how --cfg is shown: add --cfg job")
    if flags.experimental_rerun:
        raise AuditionError("--experimental-rerun has nothing to read here: give the command again")


def _check_names(word: str, folders: Sequence[Path]) -> None:
    """Raise AuditionError where a group of `conf/` is given something else than names."""
    try:
        override = OverridesParser.create().parse_override(word)
    except HydraException:  # Hydra will say so
        return
    key = override.key_or_group
    if not key:
        raise AuditionError(unreadable(word))
    is_group = "/" in key or any((folder / key).is_dir() for folder in folders)
    if override.is_delete() or not is_group:
        return
    said = override.get_value_string()
    for value in _values(override):
        names = value if isinstance(value, list) else [value]
        if not all(isinstance(name, str | QuotedString) for name in names):
            known = names_in(key, folders)
            raise AuditionError(f"{key}={said} is not a name{choices(said, known)}")
        called = [str(name) for name in names]
        if twice := [name for name in called if called.count(name) > 1]:
            raise AuditionError(f"{word} names '{twice[0]}' twice: once is enough")
        if len(names) > 1 and key in (group.choices for group in holding("part")):
            raise AuditionError(
                f"{key}={said} names several, and a run has one: {key}={','.join(map(str, names))} "
                "with -m makes an arm of each"
            )


def _values(override: Override) -> list[object]:
    """Each value of an override, swept or not; none of one that only Hydra can list."""
    if not override.is_sweep_override():
        return [override.value()]
    if not override.is_discrete_sweep() or isinstance(override.value(), Glob):
        return []
    return list(override.sweep_iterator())
