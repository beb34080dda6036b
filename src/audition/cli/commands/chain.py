"""`audition chain`: a chain of effects as yaml, taken apart, tried in other orders, and pruned."""

import math
import shlex
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from audition.cli.command import COUNT, JSON, LEDGER, METRIC, command, emit, option

ROUNDING = 1e-5
"""Commutator below which two orders differ by rounding."""


@command(
    "a chain of effects as yaml; which of them get in each other's way, do something, or nothing",
    option("overrides", nargs="*", metavar="OVERRIDE", help="of the run: preset=phases model=tiny"),
    option(
        "--conflicts", action="store_true", help="how much the order of every two effects matters"
    ),
    option("--activity", action="store_true", help="how much each effect changes its signals"),
    option(
        "--prune",
        action="store_true",
        help="the chain without what does nothing, or harms, by experiment=effect_ablation's runs",
    ),
    option("--ablation", action="store_true", help="a sweep that takes the chain apart, as yaml"),
    option("--orders", action="store_true", help="a sweep over the orders of the chain, as yaml"),
    option("--steps", type=COUNT, default=20, metavar="N", help="that are trained to look (20)"),
    *(METRIC, LEDGER, JSON),
)
def chain(options: Namespace) -> None:
    """`audition chain`"""
    from audition.config.ablation import ablation, orders
    from audition.errors import AuditionError

    asked = [
        n for n in ("conflicts", "activity", "prune", "ablation", "orders") if vars(options)[n]
    ]
    if len(asked) > 1:
        raise AuditionError(f"--{asked[0]} and --{asked[1]} are two questions: ask one")
    if options.prune:
        from audition.cli.opening import open_ledger

        open_ledger(options)  # one that is not there is said before a chain is made
    settings = _settings(options)
    names = list(settings["effects"])
    if not names and asked:
        raise AuditionError("there are no effects: preset=NAME chooses some")
    match asked:
        case ["conflicts"]:
            _conflicts(options, settings)
        case ["activity"]:
            _activity(options, settings)
        case ["prune"]:
            _prune(options, settings)
        case ["ablation"]:
            _campaign(options, ablation(names))
        case ["orders"]:
            _campaign(options, orders(names))
        case _:
            from audition.training.build import build

            _write(options, build(settings).recipe.effects)


def _settings(options: Namespace) -> Mapping[str, Any]:
    from hydra import initialize_config_dir

    from audition.cli.sentences import one_sentence
    from audition.cli.typed import quoted
    from audition.config.root import conf_dir
    from audition.sweep.check import check_machine, runnable
    from audition.sweep.compose import Composer

    with one_sentence():
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            settings = runnable(Composer("audition")([*map(quoted, options.overrides)]))
        check_machine(settings)
    return settings


def _write(options: Namespace, chain: Any) -> None:
    """The chain as a file of conf/preset/ says it."""
    import yaml

    from audition.recipe.written import nodes_of, typed

    nodes = typed(nodes_of(chain))
    text = yaml.safe_dump(nodes, sort_keys=False)
    emit(options, nodes, lambda: print(f"# @package effects\n{text}", end=""))


def _campaign(options: Namespace, arms: list[str]) -> None:
    import yaml

    common = [word for word in options.overrides if not word.startswith("seed=")]
    params = dict(word.split("=", 1) for word in common) | {"seed": "42,137,256"}
    node = {"hydra": {"sweeper": {"params": params, "arms": arms}}}
    text = yaml.safe_dump(node, sort_keys=False, width=1000)
    emit(options, node, lambda: print(f"# @package _global_\n{text}", end=""))


def _conflicts(options: Namespace, settings: Mapping[str, Any]) -> None:
    from audition.console import console, table
    from audition.training.chain_study import conflicts

    found = conflicts(settings, options.steps)
    rows = [[a, b, f"{apart:.2g}", _apart(apart)] for (a, b), apart in found.items()]
    answer = [{"first": a, "second": b, "commutator": c} for (a, b), c in found.items()]
    emit(
        options,
        answer,
        lambda: console().print(table(("effect", "and", ">‖AB−BA‖/‖AB‖", ""), rows)),
    )


def _apart(commutator: float) -> str:
    if math.isnan(commutator):
        return "both wrap the gradient rule: not seen"
    return "commute" if commutator < ROUNDING else "their order matters"


def _activity(options: Namespace, settings: Mapping[str, Any]) -> None:
    from audition.console import console, table
    from audition.training.chain_study import activities

    found = activities(settings, options.steps)
    rows = [[name, f"{share:.2g}"] for name, share in found.items()]
    emit(options, found, lambda: console().print(table(("effect", ">‖out−in‖/‖in‖"), rows)))


def _prune(options: Namespace, settings: Mapping[str, Any]) -> None:
    from audition.answers import arms_of, judge_baseline
    from audition.cli.opening import open_ledger
    from audition.config.ablation import left_out
    from audition.config.identity import identify
    from audition.console import say
    from audition.errors import AuditionError
    from audition.recipe.pruned import pruned
    from audition.records.registration import registrations
    from audition.training.build import build
    from audition.training.chain_study import activities

    ledger, contents = open_ledger(options)
    plans = registrations(ledger.root)
    arms = arms_of(contents.records, options.metric, plans=plans)
    whole = identify(settings).config_hash
    if whole not in arms:
        words = shlex.join(options.overrides)
        raise AuditionError(
            f"the ledger has no runs of this chain ({whole[:8]}): `audition chain {words} --ablation > "
            "sweeps/apart.yaml`, and then `audition train +sweeps=apart -m`, make them"
        )
    judged = judge_baseline(arms, whole, plans=plans, detail=False, metric=options.metric)
    without = {name: j.comparison.ci for j in judged if (name := left_out(j.arm.name)) is not None}
    chain = build(settings).recipe.effects
    found = pruned(chain, activities(settings, options.steps), without)
    for name in chain.members:
        if name not in without:
            say(f"{name} is kept: the ledger has no runs without it")
    for name, why in found.why.items():
        say(f"{name} {why}")
    _write(options, found.chain)
