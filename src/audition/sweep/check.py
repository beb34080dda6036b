"""Every check of one run's settings, in two tables: anywhere, and on the machine that trains it.

All raise AuditionError, in one sentence, before anything has started. Single runs, sweeps, searches
and tuning call the same two functions, `runnable` where a run is planned and `check_machine` where it
is trained. What only torch can tell is asked by `training.rehearsal`.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from json import dumps, loads
from pathlib import Path
from typing import Any

import yaml

from audition.answers import LIKE_FOR_LIKE
from audition.budget import Budget
from audition.config.groups import GROUPS
from audition.config.identity import Identity
from audition.config.instantiate import construct, find
from audition.config.root import check
from audition.config.schema import read_constant
from audition.errors import AuditionError
from audition.machine import cores, gpus
from audition.parallel.checks import check_cards, check_interface, check_nodes, check_parallel
from audition.tasks.measures import check_task
from audition.text import count

Settings = Mapping[str, Any]
"""The composed settings of a run, as plain containers."""

OUR_TRACKERS = "audition.trackers."
"""A person's own loggers are not imported here: they may import torch."""

PER_CORE = 16
"""Threads, or runs at once, for each core, above which a number is taken for a typing error."""


def check_trackers(settings: Settings) -> None:
    """Refuse a tracker of ours that lacks its package."""
    for node in (settings.get("logger") or {}).values():
        if str(node["_target_"]).startswith(OUR_TRACKERS):
            tracker: Any = find(str(node["_target_"]))
            tracker.check()


def check_data(settings: Settings) -> None:
    """Refuse data that cannot be read, or hold too little for such batches.

    Once for all arms that have the same. A line tells what was done to a text, and that its tokens
    are being made, since that may take a while. A source may do without `check`.
    """
    _check_source(dumps(settings["data"], sort_keys=True))


@cache
def _check_source(node: str) -> None:
    source = construct(loads(node))
    if not hasattr(source, "check"):
        return
    if not getattr(source, "prepared", True):
        said = getattr(source, "preparation", "the text is made into tokens, once for all runs")
        print(f"audition: {said}", file=sys.stderr)
    source.check()
    for remark in getattr(source, "remarks", ()):
        print(f"audition: {remark}", file=sys.stderr)


def check_device(settings: Settings) -> None:
    """Refuse runs on a GPU where this machine has none."""
    if settings["execution"]["device"] == "cuda" and not gpus():
        raise AuditionError(
            "execution.device=cuda, and this machine has no GPU to use: choose cpu, or auto for "
            "whichever is there"
        )


def check_threads(settings: Settings) -> None:
    """Refuse more threads than this machine could bear."""
    check_size("execution.threads", settings["execution"]["threads"])


def check_size(where: str, wanted: int) -> None:
    """Refuse so many threads, or runs at once, that this machine would stand still.

    More than it has cores may be meant: a run of many threads repeated on a smaller machine.
    """
    most = PER_CORE * cores()
    if wanted > most:
        raise AuditionError(
            f"{where}={wanted} is too many for this machine, which has {count(cores(), 'core')}: "
            f"choose {most} or fewer"
        )


def check_meter(settings: Settings) -> None:
    """Refuse a meter that could not read the run's joules on this machine."""
    construct(settings["energy"]).check(settings["execution"]["device"])


def check_deploy(settings: Settings) -> None:
    """Refuse a chain whose package is not its last step, or lacks what it needs."""
    nodes = settings.get("deploy") or {}
    names = list(nodes)
    if "package" in names[:-1]:
        raise AuditionError(
            f"deploy={names}: a package is the last step, and {names[-1]} comes after it"
        )
    for name, node in nodes.items():
        needs = read_constant(str(node["_target_"]), "requires", ())
        assert isinstance(needs, tuple)
        absent = [package for package in needs if find_spec(package) is None]
        if absent:
            raise AuditionError(
                f"deploy.{name} needs {', '.join(absent)}: pip install 'audition[edge]'"
            )


ANYWHERE: tuple[Callable[[Settings], None], ...] = (
    check_task,
    check_parallel,
    check_trackers,
    check_data,
    check_deploy,
)
"""What can be told wherever a run is planned, beyond the types and ranges of its settings."""

ON_ITS_MACHINE: tuple[Callable[[Settings], None], ...] = (
    check_device,
    check_threads,
    check_nodes,
    check_cards,
    check_interface,
    check_meter,
)
"""What can only be told on the machine that trains the run."""


def runnable(settings: Settings) -> Settings:
    """The settings as a run gets them, which pass every check that can be made anywhere."""
    whole = check(settings)
    for each in ANYWHERE:
        each(whole)
    return whole


def check_machine(settings: Settings) -> None:
    """Refuse a run that this machine cannot train."""
    for each in ON_ITS_MACHINE:
        each(settings)


def comparable(settings: Settings, identity: Identity) -> dict[str, object]:
    """The facts of a run in which arms must agree (`answers.LIKE_FOR_LIKE`), before it starts."""
    facts = {
        "budget": Budget(**settings["budget"]).ruling(),
        "evaluation": identity.evaluation,
        "device": settings["execution"]["device"],
        "threads": settings["execution"]["threads"],
    }
    assert set(facts) == set(LIKE_FOR_LIKE)
    return facts


def check_alike(arm: str, own: Mapping[str, object], baseline: Mapping[str, object]) -> None:
    """Refuse an arm that no verdict could compare with the baseline.

    own, baseline: what `comparable` says of each.
    """
    for fact, value in own.items():
        if value != baseline[fact]:
            raise AuditionError(
                f"arm '{arm}' {_unlike(fact, value, baseline[fact])}: the two could not be compared, "
                "so give both the same, or make a sweep of each"
            )


def _unlike(fact: str, own: object, theirs: object) -> str:
    if fact == "evaluation":
        return (
            "is evaluated on other held-out data than the baseline (data.*, or a model's context)"
        )
    if isinstance(own, Mapping) and isinstance(theirs, Mapping):
        ours, others = (
            " and ".join(f"{fact}.{key}={value}" for key, value in each.items())
            for each in (own, theirs)
        )
        return f"trains for {ours} and the baseline for {others}"
    return f"computes with execution.{fact}={own} and the baseline with {theirs}"


def check_may_choose(settings: Settings) -> None:
    """Refuse to choose by the pictures of a test: they would be no test of what was chosen."""
    data = settings["data"]
    parts = {"data": data, **{f"data.{n}": p for n, p in data.items() if isinstance(p, Mapping)}}
    named = next((name for name, part in parts.items() if part.get("held_out") == "test"), None)
    if named is not None:
        raise AuditionError(
            f"{named}.held_out=test is for a comparison with published numbers, and a search, a race "
            "or tune= would choose by the test: leave it at validation, and test what was chosen"
        )


def check_claims(
    ideas: Mapping[str, Any], choices: Mapping[str, Any], folders: Sequence[Path]
) -> None:
    """Refuse ideas of which one would silently undo the other, or be undone by an override.

    An idea claims the groups that its yaml overrides, the parts and sections that its yaml sets,
    and the parts that its class names in `claims`.
    """
    owners: dict[str, str] = {}
    for idea, node in ideas.items():
        # `+ideas.x.y=1` without `+idea=x` has no target: `check` says so in a sentence.
        target = node.get("_target_") if isinstance(node, Mapping) else None
        claims = read_constant(target, "claims", ()) if target else ()
        assert isinstance(claims, tuple)
        for part in dict.fromkeys(
            (*group_overrides(idea, folders), *_set_by(idea, folders), *claims)
        ):
            if part in owners:
                raise AuditionError(
                    f"ideas '{owners[part]}' and '{idea}' both change the {part}: "
                    f"run them as two arms, +idea={owners[part]},{idea}"
                )
            owners[part] = idea
    for idea in ideas:
        for group, choice in group_overrides(idea, folders).items():
            if choices.get(group) != choice:
                raise AuditionError(
                    f"idea '{idea}' needs {group}={choice}, and {group}={choices.get(group)} is "
                    "asked for beside it: leave one out"
                )


def group_overrides(idea: str, folders: Sequence[Path]) -> dict[str, str]:
    """`{"optimizer": "muon"}` for an idea whose yaml says `override /optimizer: muon`."""
    entries = _yaml_of(idea, folders).get("defaults", [])
    return {
        key.removeprefix("override ").strip().lstrip("/"): value
        for entry in entries
        if isinstance(entry, dict)
        for key, value in entry.items()
        if key.startswith("override ")
    }


def _set_by(idea: str, folders: Sequence[Path]) -> list[str]:
    """`["schedule"]` for an idea whose yaml says `schedule: {warmup_steps: 5}`."""
    its_own = {"defaults", "hydra", GROUPS["ideas"].name, GROUPS["cards"].name}
    return [key for key in _yaml_of(idea, folders) if key not in its_own]


def _yaml_of(idea: str, folders: Sequence[Path]) -> Mapping[str, Any]:
    paths = (folder / "idea" / f"{idea}.yaml" for folder in folders)
    found = next((path for path in paths if path.is_file()), None)
    return _read(found.read_text(encoding="utf-8")) if found else {}


@cache
def _read(text: str) -> Mapping[str, Any]:
    return yaml.safe_load(text) or {}
