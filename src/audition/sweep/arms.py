"""What is compared: the arms that a command line asks for, named as a person would write them."""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import chain, islice, product
from math import prod
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from audition.config.chains import opened
from audition.config.groups import holding, root_of
from audition.config.root import check_seed
from audition.config.trust import KEY
from audition.errors import AuditionError
from audition.sweep.keys import check_axis, check_tuned
from audition.text import count

SEED = "seed"
IDEA = "idea"
TUNE = "tune"
SCREENING = (42, 137, 256)
"""Seeds that choose, where a command line names none."""
CONDITIONS = frozenset({"model", "data", "task", "precision", "parallel", "evaluator"})
"""Parts that both sides of a comparison usually share: what is typed of them is no arm."""
COMPARED = frozenset(
    name
    for group in holding("part", "named parts")
    if group.decides in ("numbers", "deploying")
    for name in (group.name, group.choices)
    if name not in CONDITIONS
)
MOST_RUNS = 100_000
"""Runs of one sweep above which it is refused before anything is composed."""


@dataclass(frozen=True)
class Arm:
    """One column of a comparison: a name, and the overrides (without a seed) that make it."""

    name: str
    overrides: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """What a command line asks: arms that share `common`, and the seeds they are run on."""

    common: tuple[str, ...]
    arms: tuple[Arm, ...]
    seeds: tuple[int, ...] | None  # None where the command line names no seed
    tune: tuple[str, ...] = ()  # keys, or a search, that every arm is tuned in first


def parse_question(
    parser: OverridesParser,
    arguments: Sequence[str],
    params: Mapping[str, Any],
    arms: Sequence[str],
    tune: object = None,
) -> Question:
    """The question of a command line, alone or laid over a campaign.

    params: the overrides of the campaign's yaml, which the command line may replace key by key.
    arms: the campaign's further arms, each a line of overrides.
    tune: the config's own `tune`, which holds where neither of them says otherwise.
    """
    typed = parser.parse_overrides(list(arguments))
    for key in params:
        _check_not_code(key)
    taken = {override.get_key_element().lstrip("+~") for override in typed}
    campaign = [f"{k}={v}" for k, v in params.items() if k.lstrip("+~") not in taken]
    question = read_arms([*parser.parse_overrides(opened(campaign)), *typed])
    if TUNE not in taken and TUNE not in params:
        # What is no text and no list is refused with the rest of the config.
        listed = tune if isinstance(tune, Sequence) and not isinstance(tune, str) else ()
        question = replace(question, tune=_tuned([tune] if isinstance(tune, str) else listed))
    return with_arms(question, arms)


def _check_not_code(word: str) -> None:
    """Raise AuditionError for a word of a campaign's file that says which code may be run."""
    if root_of(word) == KEY:
        raise AuditionError(f"{KEY} in a campaign: which code may be run is for you to type")


def typed_as_arm(question: Question) -> Question:
    """A question without arms whose `baseline` is set: what else is typed is its one arm."""
    own = tuple(filter(may_be_compared, question.common))
    if question.arms or not own or given_baseline(question) is None:
        return question
    return replace(question, arms=(Arm(arm_name(own), question.common),))


def given_baseline(question: Question) -> str | None:
    """The override that sets `baseline`, where one does."""
    given = (word for word in question.common if re.match(r"\+{0,2}baseline=(?!null$)", word))
    return next(given, None)


def as_an_arm(words: Sequence[str]) -> tuple[str, ...]:
    """What was typed plainly, with the settings that people compare as an arm of their own.

    Where there are none, an idea that is to be filled in.
    """
    own = tuple(filter(may_be_compared, words))
    rest = tuple(word for word in words if word not in own)
    return (*rest, "--arm", " ".join(own)) if own else (*words, "+idea=NAME")


def may_be_compared(override: str) -> bool:
    """Whether a typed setting is one that people compare, and no condition that both sides share."""
    root = root_of(override)
    if root == "model":
        return override.lstrip("+").startswith("model.")
    return root in COMPARED


def read_arms(overrides: Sequence[Override]) -> Question:
    """Sort parsed overrides into arms and seeds.

    Ideas, and every key that is swept other than the seed, make arms; all the rest is common to
    them, and the common configuration is the baseline. Raises AuditionError for a seed that is no
    whole number or is given twice, for a key that makes no arms, and for more runs than MOST_RUNS.
    """
    seeds: tuple[int, ...] | None = None
    tune: tuple[str, ...] = ()
    common: list[str] = []
    axes: list[list[str]] = []
    for override in overrides:
        key = override.get_key_element().lstrip("+~")
        values = _values(override)
        if key == SEED and _written_out(values):
            seeds = _seeds(value.split("=", 1)[1] for value in values)
        elif key == TUNE:
            tune = _tuned(value.split("=", 1)[1] for value in values)
        elif key == IDEA or key.startswith("ideas.") or len(values) > 1:
            check_axis(key)
            _check_once(key, values)
            axes.append(values)
        else:
            common += values
    many, each = prod(map(len, axes)), len(seeds or (None,))
    if many * each > MOST_RUNS:
        raise AuditionError(
            f"{many:,} arms on {count(each, 'seed')} are {many * each:,} runs, and a sweep may have "
            f"{MOST_RUNS:,}: name fewer values, or make several sweeps"
        )
    choices = [choice for choice in product(*axes) if choice]
    arms = tuple(Arm(arm_name(choice), (*common, *choice)) for choice in choices)
    return Question(tuple(common), arms, seeds, tune)


def with_arms(question: Question, lines: Iterable[str]) -> Question:
    """The question with further arms, each a line of overrides such as `+idea=placebo norm=rmsnorm`.

    Swept keys make every combination an arm; lines add arms that are no combination of each other.
    """
    choices = [opened(shlex.split(line)) for line in lines]
    for word in chain.from_iterable(choices):
        _check_not_code(word)
        if word.lstrip("+").startswith(f"{SEED}="):
            raise AuditionError(f"{word} in an arm: the arms of a sweep share their seeds")
    further = tuple(Arm(arm_name(choice), (*question.common, *choice)) for choice in choices)
    return replace(question, arms=(*question.arms, *further))


def arm_name(choice: Iterable[str]) -> str:
    """`spectral_gate+rope_unfold`, `optimizer=muon`, `spectral_gate,rho=0.5`: fit for a folder.

    Characters that a file system may refuse become dashes; a name too long for one is cut and
    ends in a digest of the whole.
    """
    ideas: list[str] = []
    settings: list[str] = []
    for override in choice:
        key, _, value = override.lstrip("+").partition("=")
        if key == IDEA:
            ideas += [name.strip() for name in value.strip("[]").split(",") if name.strip()]
        else:
            settings.append(f"{re.sub(r'^ideas[.][^.]+[.]', '', key)}={value}")
    text = ",".join(["+".join(ideas), *settings] if ideas else settings)
    name = re.sub(r"[^\w.+=,-]", "-", text)
    return (
        name
        if len(name) <= 120
        else f"{name[:107]}-{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
    )


def _values(override: Override) -> list[str]:
    """The overrides that one, swept or not, stands for, each as it would be typed."""
    if override.is_sweep_override():
        key = override.get_key_element()
        if not override.is_discrete_sweep():
            raise AuditionError(f"{override.input_line} is a search over an interval, not a sweep")
        each = islice(override.sweep_string_iterator(), MOST_RUNS + 1)
        found = [f"{key}={value}" for value in each]
        if len(found) > MOST_RUNS:
            raise AuditionError(
                f"{override.input_line} names more than {MOST_RUNS:,} values, and a sweep may have as "
                "many runs at most: name fewer"
            )
        if not found:
            raise AuditionError(
                f"{override.input_line} names no value at all, so nothing would run"
            )
        return found
    return [override.input_line or ""]


def _check_once(key: str, values: Iterable[str]) -> None:
    """Raise AuditionError for an arm that names one idea twice."""
    for value in values if key == IDEA else ():
        names = [name.strip() for name in value.split("=", 1)[1].strip("[]").split(",")]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise AuditionError(f"{value} names '{twice[0]}' twice in one arm: once is enough")


def _tuned(values: Iterable[str]) -> tuple[str, ...]:
    """`optimizer.lr,training.clip` and `[optimizer.lr,training.clip]` as keys; none for null."""
    words = (word.strip(" '\"") for value in values for word in value.strip("[]").split(","))
    keys = tuple(dict.fromkeys(word for word in words if word not in ("", "null")))
    for key in keys:
        check_tuned(key)
    return keys


def _written_out(values: Sequence[str]) -> bool:
    """Whether a seed is given as numbers; `~seed` and `seed=${...}` are for the config to resolve."""
    first, *others = values or [""]
    return bool(others) or not (first.startswith("~") or "${" in first)


def _seeds(values: Iterable[str]) -> tuple[int, ...]:
    seeds: dict[int, None] = {}
    for value in values:
        seed = check_seed(value)
        if seed in seeds:
            raise AuditionError(f"seed={seed} is given twice: each seed counts once")
        seeds[seed] = None
    return tuple(seeds)
