"""Which code a config may name: what the checkout allows, and what is typed; no other file adds to it.

A file of a config is data: one in a `--config-dir`, or beside a run in a ledger, may be anybody's. A
`_target_` in it is code that would be called.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from audition.config.groups import root_of
from audition.config.root import OURS, conf_dir
from audition.errors import AuditionError

KEY = "allowed_targets"

PLUGINS = ("hydra_plugins.", "hydra._internal.core_plugins.")
HYDRAS = {
    "launcher": PLUGINS,
    "sweeper": (*PLUGINS, "optuna.samplers."),
    "callbacks": ("hydra.experimental.callbacks.", "hydra.experimental.pickle_job_info_callback."),
    "job_logging": ("logging.", "colorlog."),
    "hydra_logging": ("logging.", "colorlog."),
}
"""Key of Hydra's own node -> the packages whose code it may name."""
CODE = ("_target_", "()", "class")
"""The keys whose value is called: Hydra's, and those of `logging.config.dictConfig`."""
SHELL = ("setup", "additional_parameters")
"""A launcher's settings that become a part of a job's script: lines of it, and what sbatch obeys."""
STREAM = re.compile(r"ext://sys\.std(out|err)")


def trusted(words: Iterable[str]) -> tuple[str, ...]:
    """The prefixes of code that a command of those words may use: the checkout's, and the typed."""
    return (*_of_checkout(), *_typed(words))


def check_trusted(allowed: Sequence[str], words: Iterable[str]) -> None:
    """Raise AuditionError where `allowed` was widened by anything but the words of the command."""
    if all(prefix.startswith(OURS) for prefix in allowed):
        return
    known = tuple(_with_dot(prefix) for prefix in trusted(words))
    for prefix in allowed:
        if not _with_dot(prefix).startswith(known):
            whole = ",".join(dict.fromkeys((OURS, *allowed)))
            raise AuditionError(
                f"{KEY} has '{prefix}', which a file has put there, and a file may not say which code "
                f"is run: if you trust it, type '{KEY}=[{whole}]'"
            )


def check_hydra_code(hydra: DictConfig, words: Sequence[str]) -> None:
    """Raise AuditionError where Hydra's own node names code that is neither Hydra's nor typed.

    Hydra calls it before the command itself begins: callbacks, launchers, handlers of its log.
    """
    typed = tuple(map(_with_dot, _typed(words)))
    for key in (str(each) for each in hydra):
        packages = (*HYDRAS.get(key, ()), *typed)
        node = hydra._get_node(key)
        for where, value in _code(node, f"hydra.{key}"):
            fine = value.startswith(packages) if packages else False
            if not fine and not STREAM.fullmatch(value):
                raise AuditionError(
                    f"{where}={value} is not allowed: type '{KEY}=[{OURS},PACKAGE.]' with its package, "
                    "if you trust it"
                )
    _check_script(OmegaConf.select(hydra, "launcher"), words)
    if OmegaConf.select(hydra, "job.env_set") and not any("env_set" in word for word in words):
        raise AuditionError(
            "hydra.job.env_set comes from a file, and a file may not say what the environment of a run "
            "is: type it, '+hydra.job.env_set.NAME=VALUE'"
        )


def _check_script(launcher: object, words: Sequence[str]) -> None:
    """Raise AuditionError where a file says what a shell does, and is none of the checkout's own."""
    plain = OmegaConf.to_container(launcher) if isinstance(launcher, DictConfig) else {}
    assert isinstance(plain, dict)
    typed = {word.lstrip("+~").partition("=")[0] for word in words}
    for key, value in zip(map(str, plain), plain.values(), strict=True):
        where = f"hydra.launcher.{key}"
        # Each setting is a line of the job's script, which a line break in it would end.
        script = key in SHELL or (isinstance(value, str) and not value.isprintable())
        if not script or not value or where in typed or value in _scripts(key):
            continue
        parts = map(str, value) if isinstance(value, dict) else ()
        below = {f"{where}.{part}" for part in parts} or {where}
        if not typed.issuperset(below):
            raise AuditionError(
                f"{where} comes from a file, and a file may not say what a shell does before a run: "
                f"type it, '{where}=...', if you trust it"
            )


def _scripts(key: str) -> list[object]:
    """What the checkout's own launchers have for `key`."""
    files = sorted((conf_dir() / "hydra" / "launcher").glob("*.yaml"))
    return [(yaml.safe_load(path.read_text("utf-8")) or {}).get(key) for path in files]


def _code(node: Any, where: str) -> Iterator[tuple[str, str]]:
    """Every value in a node of a config that is called or imported, and its place."""
    if isinstance(node, DictConfig | ListConfig) and not node._is_none() and not node._is_missing():
        if node._is_interpolation():
            yield from _code(_resolved(node), where)
            return
        keys: list[Any] = [*(range(len(node)) if isinstance(node, ListConfig) else node.keys())]
        for key in keys:
            inner = node._get_node(key)
            value = _resolved(inner)
            place = f"{where}.{key}"
            if isinstance(value, DictConfig | ListConfig):
                yield from _code(value, place)
            elif key in CODE or (isinstance(value, str) and value.startswith("ext://")):
                yield place, str(value)


def _resolved(node: Any) -> Any:
    """The node, or what its interpolation stands for; its text where that is not known yet."""
    if not node._is_interpolation():
        return node if isinstance(node, DictConfig | ListConfig) else node._value()
    try:
        found = node._maybe_dereference_node(throw_on_resolution_failure=True)
    except OmegaConfBaseException:
        return node._value()
    return found if isinstance(found, DictConfig | ListConfig) else found._value()


def _typed(words: Iterable[str]) -> tuple[str, ...]:
    own = [word for word in words if root_of(word) == KEY and "=" in word]
    values = (override.value() for override in OverridesParser.create().parse_overrides(own))
    lists = (value for value in values if isinstance(value, list))
    return tuple(str(prefix) for prefixes in lists for prefix in prefixes)


def _with_dot(prefix: str) -> str:
    return f"{str(prefix).rstrip('.')}."


@lru_cache(maxsize=1)
def _of_checkout() -> tuple[str, ...]:
    root: Mapping[str, Any] = yaml.safe_load((conf_dir() / "audition.yaml").read_text("utf-8"))
    return tuple(map(str, root.get(KEY) or (OURS,)))
