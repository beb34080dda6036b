"""The answer as an experiment of its own: `conf/experiment/NAME.yaml`, which makes the same runs."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from audition.config.groups import GROUPS, deciding, root_of
from audition.config.identity import identify
from audition.config.root import conf_dir
from audition.errors import AuditionError
from audition.plain_file import write_whole
from audition.sweep.compose import Composer
from audition.sweep.plan import checked

PASSED_OVER = frozenset(
    (
        "hydra",
        *(g.name for g in deciding("seed", "filing", "sweep", "watching")),
        *(g.name for g in GROUPS.values() if g.of_machine),
    )
)
"""Roots of keys that belong to a person or a machine, not to the answer."""

SWEEPER = ("hydra.sweeper", "hydra/sweeper")


def path_of(name: str) -> Path:
    """Where the experiment goes. Raises AuditionError for a name that is taken or is none."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise AuditionError(
            f"hydra.sweeper.write={name} is no name: letters, digits, _ and - alone"
        )
    path = conf_dir() / "experiment" / f"{name}.yaml"
    if path.exists():
        raise AuditionError(f"{path} exists: choose another hydra.sweeper.write")
    return path


def write_experiment(
    path: Path, typed: Sequence[str], says: Sequence[str], compose: Composer
) -> None:
    """Write the configuration that `typed` makes, with `says` above it, and check that it is that.

    Raises AuditionError where it is not, and leaves nothing behind.
    """
    kept = [o for o in typed if root_of(o) not in PASSED_OVER]
    rest = [o for o in typed if root_of(o) in PASSED_OVER - {"hparams_search"}]
    asked_for = identify(checked(tuple(typed), compose)).config_hash
    write_whole(path, experiment(kept, says, frozenset(_groups())))
    # What was typed of the sweeper belongs to the search, which the experiment does not choose.
    own = tuple(o for o in compose.hydra_overrides if not o.lstrip("+~").startswith(SWEEPER))
    compose = replace(compose, hydra_overrides=own)
    try:
        found = identify(checked((f"experiment={path.stem}", *rest), compose)).config_hash
    except Exception:
        path.unlink(missing_ok=True)
        raise
    if found != asked_for:
        path.unlink(missing_ok=True)
        raise AuditionError(f"{path} would make another run than {' '.join(typed)}")


def experiment(typed: Sequence[str], says: Sequence[str], groups: frozenset[str]) -> str:
    """The text of the file."""
    defaults: list[str] = []
    tree: dict[str, object] = {}
    for override in typed:
        key, _, value = override.lstrip("+").partition("=")
        if key == "experiment":
            defaults.insert(0, f"  - {value}")
        elif key in groups:
            defaults.append(f"  - {'' if override[0] == '+' else 'override '}/{key}: {value}")
        else:
            *above, leaf = key.split(".")
            node: dict[str, object] = tree
            for step in above:
                inner = node.setdefault(step, {})
                assert isinstance(inner, dict)
                node = inner
            node[leaf] = value
    lines = ["# @package _global_", *(f"# {line}" for line in says)]
    if defaults:
        lines += ["defaults:", *defaults]
    return "\n".join([*lines, *_lines(tree, 0)]) + "\n"


def _lines(tree: dict[str, object], depth: int) -> list[str]:
    lines: list[str] = []
    for key, value in tree.items():
        if isinstance(value, dict):
            lines += [f"{'  ' * depth}{key}:", *_lines(value, depth + 1)]
        else:
            lines.append(f"{'  ' * depth}{key}: {value}")
    return lines


def _groups() -> list[str]:
    return [path.name for path in conf_dir().iterdir() if path.is_dir()]
