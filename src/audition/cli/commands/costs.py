"""`audition costs`: bytes, operations and seconds of deployed runs, or of training arms, in turn."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from audition.cli.command import ALLOW, COUNT, JSON, LEDGER, command, emit, option
from audition.cli.opening import find_own_code, open_ledger
from audition.errors import AuditionError, choices

if TYPE_CHECKING:
    from audition.costs.table import Row
    from audition.energy.meter import Meter


@command(
    "bytes, operations, latency and memory of arms",
    option("runs", nargs="*", metavar="RUN", help="deployed runs: a key, a folder, or ARM/SEED"),
    option(
        "--arm",
        action="append",
        default=[],
        metavar="LINE",
        help="settings of an arm that trains, instead: 'model=nano precision=bf16'; the first counts",
    ),
    option("--blocks", type=COUNT, default=20, metavar="N", help="calls of each, in turn (20)"),
    option(
        "--energy", metavar="METER", help="of deployed runs, half a minute each: rapl, codecarbon"
    ),
    *(ALLOW, LEDGER, JSON),
)
def costs(options: Namespace) -> None:
    """`audition costs`"""
    from audition.costs.table import show_costs

    if bool(options.arm) == bool(options.runs):
        raise AuditionError("name deployed runs, ARM/SEED, or arms that train, each with --arm")
    find_own_code(options.allow)
    rows = _training(options) if options.arm else _deployed(options)
    emit(options, [row.to_dict() for row in rows], lambda: show_costs(rows))


def _deployed(options: Namespace) -> "Sequence[Row]":
    """What deployed runs cost: of their files, and of answers, which they give in turn."""
    from audition.costs.inference import SHAPES, answer_joules, answer_seconds, runtime_of
    from audition.costs.table import counted_rows, timed_rows
    from audition.records.find import find_run
    from audition.training.parents import settings_at

    ledger, contents = open_ledger(options)
    # A trained run may have the name of what is made of it, and so may what other code made of it.
    newest = {
        (record.arm, record.seed): record
        for record in sorted(contents.records, key=lambda record: record.started)
        if record.parent
    }
    deployed = replace(contents, records=tuple(newest.values()))
    found = [find_run(ledger, deployed, word) for word in options.runs]
    allowed = ("audition.", *options.allow)
    named = {f"{record.arm}/{record.seed}": record for record in found}
    models = {name: runtime_of(ledger, record, allowed) for name, record in named.items()}
    first = next(iter(named.values()))
    rows = [r for name, each in named.items() for r in counted_rows(name, each.costs, first.costs)]
    contexts = [settings_at(ledger, r, allowed)["data"].get("context") for r in named.values()]
    longest = min(int(each or 1) for each in contexts)
    shapes = [(many, min(tokens, longest)) for many, tokens in SHAPES]
    for shape in dict.fromkeys(shapes):
        timed = answer_seconds(models, shape, options.blocks)
        rows += timed_rows(f"{shape[0]} × {shape[1]}, uncached:", timed, shape[0] * shape[1])
    if options.energy is not None:
        joules = answer_joules(models, shapes[0], _meter(options.energy))
        each = {name: {"joules": amount} for name, amount in joules.items()}
        base = next(iter(each.values()))
        rows += [row for name, own in each.items() for row in counted_rows(name, own, base)]
    return rows


def _meter(name: str) -> "Meter":
    """The meter that `conf/energy/NAME.yaml` says; AuditionError where it cannot count here."""
    from audition.config.instantiate import construct
    from audition.config.members import members

    known = {member.name: member for member in members("energy")}
    if name not in known:
        raise AuditionError(f"there is no meter '{name}'{choices(name, known)}")
    meter: Meter = construct(known[name].plain)
    meter.check("cpu")
    return meter


def _training(options: Namespace) -> "Sequence[Row]":
    """What a step of each arm costs: seconds, in turn, and bytes held for the backward pass."""
    from hydra import initialize_config_dir

    from audition.cli.sentences import one_sentence
    from audition.config.instantiate import construct
    from audition.config.root import conf_dir
    from audition.costs.table import counted_rows, timed_rows
    from audition.costs.training import held_for_backward, state_of_optimizer, step_seconds
    from audition.sweep.check import check_machine
    from audition.sweep.compose import Composer
    from audition.sweep.plan import checked

    compose, arms = Composer("audition"), {}
    with one_sentence(), initialize_config_dir(str(conf_dir()), version_base="1.3"):
        for line in options.arm:
            settings: Mapping[str, Any] = checked(line.split(), compose)
            check_machine(settings)
            arms[line] = settings
    if len(arms) < len(options.arm):
        raise AuditionError("two arms are the same: give each once")
    held = {
        name: {"held_for_backward": held_for_backward(s), **state_of_optimizer(s)}
        for name, s in arms.items()
    }
    first = next(iter(held.values()))
    rows = [row for name, each in held.items() for row in counted_rows(name, each, first)]
    units = construct(next(iter(arms.values()))["data"]).units_per_step
    return [*rows, *timed_rows("step:", step_seconds(arms, options.blocks), units)]
