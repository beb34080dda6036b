"""A whole config, checked against the code that it names and completed; and where `conf/` is."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, islice
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval

from audition.config.card import check_card
from audition.config.chains import CHAIN, chain, check_needs
from audition.config.claim import check_claim, claim_of
from audition.config.groups import GROUPS, holding, root_keys
from audition.config.schema import check_node, signature
from audition.errors import AuditionError, choices

WRITTEN = re.compile(r"0|[1-9][0-9]{0,3}(_?[0-9]{1,3}){0,5}")
"""A whole number as text; longer ones are no seeds."""
OURS = "audition."
TARGET = re.compile(r"^\s*_target_:\s*(audition\.[\w.]+)\s*(?:#.*)?$", re.MULTILINE)


def conf_dir() -> Path:
    """`conf/`: inside the installed package, or at the root of a checkout."""
    packaged = Path(__file__).parents[1] / "conf"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "conf"


def names_in(group: str, folders: Sequence[Path] = ()) -> list[str]:
    """The files of `conf/GROUP`, or of that group in other `folders`, by their names."""
    return sorted(
        {p.stem for each in folders or [conf_dir()] for p in (each / group).glob("*.yaml")}
    )


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Where results go."""

    output_dir: str = "outputs"
    """The ledger: `runs/` with one folder a run."""
    cache_dir: str = "outputs/cache"
    """Tokenised text, shared by all runs; can be deleted at any time."""


@dataclass(frozen=True, kw_only=True)
class Keep:
    """What stays of a run besides its record."""

    weights: bool = False
    """Whether its last weights are written beside its record, as weights.safetensors."""
    text: Annotated[int, Ge(0)] = 0
    """Tokens that a trained language model goes on with after held-out text, in sample.txt."""


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """How a sweep's arms are judged; written into its plan before the first run."""

    sides: Literal["two", "one"] = "two"
    """Whom the error α of an interval is shared by: both directions, or "better" alone."""
    alpha: Annotated[float, Interval(gt=0, lt=1)] = 0.05
    """Error of the interval that decides; a further look at one question spends half of the last."""
    primary: Sequence[str] | None = None
    """The arms that a registered report is about, as the sweep names them: all else is exploratory."""
    expects: Literal["better", "worse", "equal"] = "better"
    """What would count for the report's claim: its primary arms are so, against the baseline."""
    margin: Annotated[float, Gt(0)] | None = None
    """δ*: the smallest gain that counts, in the metric's unit; null: what the task's measure names."""


def check(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as a run gets them: every default written out, every value as its annotation
    makes it (`budget.tokens=1e4` is 10000, `optimizer.lr=1` is 1.0).

    `settings` is the resolved config as plain containers. Hydra's `+` bypasses struct mode, so
    `+optmizer=muon` composes and would silently train the baseline: every key of the root and of
    every part is checked against what the code takes. No part's module is imported. Settings that
    were checked pass unchanged.

    Raises AuditionError: one sentence that names the value and the choices.
    """
    for key in settings:
        if key not in root_keys():
            if key == "sweeps":
                raise AuditionError(
                    f"there is no campaign '{settings[key]}': +sweeps=NAME reads sweeps/NAME.yaml, and "
                    f"there is no sweeps/ in {Path.cwd()}"
                )
            raise AuditionError(f"unknown key '{key}'{choices(key, root_keys())}")
    _check_rooms(settings)
    whole = normalised(settings, tuple(settings["allowed_targets"]))
    check_model(whole)
    check_needs(whole)
    check_claim(claim_of(whole))
    whole["seed"] = check_seed(settings["seed"])
    cards = settings.get("cards") or {}
    for name in settings.get("ideas") or {}:
        check_card(name, cards.get(name))
    for name in cards:
        if name not in (settings.get("ideas") or {}):
            raise AuditionError(f"there is a card of '{name}' but no idea of that name is chosen")
    return whole


def _check_rooms(settings: Mapping[str, Any]) -> None:
    for group in holding("part", "named parts"):
        node = settings.get(group.name) or {}
        named = group.holds == "named parts"
        parts = {f"{group.name}.{k}": v for k, v in node.items()} if named else {group.name: node}
        for where, part in parts.items():
            target = part.get("_target_") if isinstance(part, Mapping) else None
            if isinstance(target, str):
                _check_room(group.choices, where, target)


def _check_room(group: str, where: str, target: str) -> None:
    """Raise AuditionError where `target` is known as a part of other groups, and not of `group`.

    Only modules of Audition that a file of `conf/` names are checked.

    Args:
        group: the folder of `conf/` that the part is chosen from.
        where: its place in the config, which the sentence begins with.
    """
    modules_of = _modules(conf_dir())
    module = target.rpartition(".")[0]
    theirs = [name for name, modules in modules_of.items() if module in modules]
    if target.startswith(OURS) and theirs and group not in theirs and group in modules_of:
        others = choices("", names_in(group))
        raise AuditionError(
            f"{where}._target_={target} is a part of {theirs[0]}, not of {group}{others}"
        )


@lru_cache(maxsize=4)
def _modules(conf: Path) -> Mapping[str, frozenset[str]]:
    """Group -> the modules that its files take a class of."""
    anything = {".", *(group.name for group in holding("choices"))}
    found: dict[str, set[str]] = {}
    for path in sorted(conf.rglob("*.yaml")):
        group = path.parent.relative_to(conf).as_posix()
        if group not in anything:
            named = TARGET.findall(path.read_text(encoding="utf-8"))
            found.setdefault(group, set()).update(t.rpartition(".")[0] for t in named)
    return {group: frozenset(modules) for group, modules in found.items()}


def normalised(
    settings: Mapping[str, Any], prefixes: tuple[str, ...] | None = None
) -> dict[str, Any]:
    """The settings with every part and section complete; of targets in `prefixes`, or of any."""
    whole = dict(settings)
    for group in holding("part"):
        whole[group.name] = _part(settings.get(group.name), group.name, prefixes)
    for group in holding("named parts"):
        named = settings.get(group.name) or {}
        if not isinstance(named, Mapping):
            raise AuditionError(no_parts(group.name, named))
        if group.name == CHAIN:
            whole[CHAIN] = chain(named, prefixes)
            continue
        whole[group.name] = {
            name: _part(node, f"{group.name}.{name}", prefixes) for name, node in named.items()
        }
    for group in holding("section"):
        section = check_node({**settings[group.name], "_target_": group.of}, group.name, prefixes)
        whole[group.name] = {key: value for key, value in section.items() if key != "_target_"}
    return whole


ABSENT = "audition.recipe.recipe.Absent"
"""The class of `none` in the groups of parts that a model may lack."""


def check_model(settings: Mapping[str, Any]) -> None:
    """Raise AuditionError unless the model is given the parts that its constructor names, and none
    that it would pass over: `attention=sliding` changes nothing in a model without attention.
    """
    target = settings["model"]["_target_"]
    model, takes = target.rpartition(".")[2], signature(target).supplied
    for group in (group for group in GROUPS.values() if group.of_model):
        given = settings[group.name]["_target_"]
        if group.name in takes and given == ABSENT:
            others = ", ".join(name for name in names_in(group.name) if name != "none")
            raise AuditionError(f"the model {model} needs its {group.name}: choose from: {others}")
        if group.name not in takes and given not in (ABSENT, group.nothing):
            raise AuditionError(
                f"the model {model} has no {group.name}: choose {group.name}=none "
                f"({given.rpartition('.')[2]} would not be used)"
            )


def more_seeds(seeds: Collection[int], many: int) -> tuple[int, ...]:
    """So many seeds beside `seeds`; the same ones whenever it is asked.

    For `baseline_seeds`, and for verdicts on other seeds than those of a sweep.
    """
    powers = [2**n for n in range(9, 19)]
    beyond = (seed for seed in count(1) if seed not in powers)
    further = (seed for source in (powers, beyond) for seed in source if seed not in seeds)
    return tuple(islice(further, max(0, many)))


def check_seed(seed: object) -> int:
    """A seed as the whole, non-negative number it must be; one that was read as text (from the
    environment, for example) must be written as a number is.
    """
    number = int(seed) if isinstance(seed, str) and WRITTEN.fullmatch(seed) else seed
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**63:
        padded = isinstance(seed, str) and seed.isdecimal() and seed.startswith("0")
        zeros = ", without zeros before it" if padded else ""
        raise AuditionError(
            f"seed={seed} is not a seed: it must be a whole number from 0 up{zeros}"
        )
    return number


def no_parts(group: str, value: object) -> str:
    """The sentence that refuses `value` for a group of named parts."""
    if group == CHAIN:
        return f"{CHAIN}={value} is no chain of effects: preset=NAME chooses one"
    return f"{group}={value} is no mapping of names to parts"


def _part(node: object, where: str, prefixes: tuple[str, ...] | None) -> dict[str, object]:
    if not isinstance(node, Mapping):
        raise AuditionError(f"{where}={node!r} is not a part: name one that conf/ has")
    return check_node(node, where, prefixes)
