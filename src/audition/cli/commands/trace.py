"""`audition trace`: records what a run's gradients were like, and replays chains of effects on it."""

import math
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from audition.cli.command import ALLOW, COUNT, JSON, LEDGER, command, emit, option
from audition.cli.opening import find_own_code, open_ledger
from audition.command_line import audition_command
from audition.errors import AuditionError
from audition.records.store import Ledger

if TYPE_CHECKING:
    from audition.records.record import Record
    from audition.sweep.compose import Compose
    from audition.traces.readings import Readings
    from audition.traces.record import Recording
    from audition.traces.trace import Trace

EFFECTS = ("preset", "effects")
"""What an override of a replay may change."""


@command(
    "a run's gradients on record, and chains of effects replayed on them",
    option("run", metavar="RUN", help="one without effects: its key, its folder, or ARM/SEED"),
    option(
        "overrides",
        nargs="*",
        metavar="OVERRIDE",
        help="the chain to replay: preset=NAME effects.NAME.SETTING=X; without any, RUN is recorded",
    ),
    option(
        "--steps",
        type=COUNT,
        default=200,
        metavar="N",
        help="that are recorded (200): a third at the begin, in the middle and at the end each",
    ),
    option("--again", action="store_true", help="record it afresh"),
    *(ALLOW, LEDGER, JSON),
)
def trace(options: Namespace) -> None:
    """`audition trace`"""
    from hydra import initialize_config_dir

    from audition.cli.sentences import one_sentence
    from audition.config.root import conf_dir
    from audition.records.find import find_run
    from audition.sweep.compose import Composer
    from audition.traces.trace import FILE, Trace

    find_own_code(options.allow)
    ledger, contents = open_ledger(options)
    run = find_run(ledger, contents, options.run)
    path = ledger.folder_of(run) / FILE
    with one_sentence(), initialize_config_dir(str(conf_dir()), version_base="1.3"):
        compose = Composer("audition")
        effects = _effects(options.overrides, compose) if options.overrides else {}
        if options.again or not path.is_file():
            _record(options, ledger, run, compose)
        found = Trace.read(path)
        if options.overrides:
            readings = _replay(found, effects)
            emit(options, readings.to_dict(), lambda: show(readings))
        else:
            facts = {"run": found.run, "key": found.key, "steps": len(found), "file": str(path)}
            emit(options, facts, lambda: _say_recorded(found, str(path), options))


def _effects(words: Sequence[str], compose: "Compose") -> dict[str, Any]:
    """The checked node `effects` that overrides describe; AuditionError where it holds no effect."""
    from audition.cli.typed import quoted
    from audition.config.groups import root_of
    from audition.config.root import check

    for word in words:
        if root_of(word) not in EFFECTS:
            raise AuditionError(
                f"{word} is none of a replay's, which changes effects alone: choose from preset=NAME, "
                "effects.NAME.SETTING=X and '~effects.NAME'"
            )
    effects: dict[str, Any] = check(dict(compose([quoted(word) for word in words])))["effects"]
    if not effects:
        raise AuditionError(f"{' '.join(words)} leaves no effect to replay: choose a preset")
    return effects


def _record(options: Namespace, ledger: Ledger, run: "Record", compose: "Compose") -> None:
    from audition.console import say
    from audition.sweep.check import check_machine
    from audition.sweep.reproduce import drift, plan_reproduction, relocated
    from audition.traces.record import record

    planned = plan_reproduction(ledger, run, compose, options.allow)
    if changed := drift(run, planned.identity):
        say(f"{planned.label}: {changed}; it is traced as it trains today")
    settings = relocated(planned.settings, ledger.root, ledger.root)
    check_machine(settings)
    recording = record(settings, run, options.steps)
    say(_agreement(recording, ledger, run))
    recording.trace.write(ledger.folder_of(run))


def _agreement(recording: "Recording", ledger: Ledger, run: "Record") -> str:
    """Whether the losses are those that the run wrote: then it was not changed by being watched."""
    from audition.records.metrics import TRAINING, read_lines

    apart = [
        abs(recording.losses[int(step) - 1] - loss)
        for line in read_lines(ledger.folder_of(run))
        if (step := line["step"]) and (loss := line.get(TRAINING)) is not None
        if step <= len(recording.losses)
    ]
    label = f"{run.arm} seed {run.seed}"
    if not apart:
        return f"{label} wrote no loss within these steps to compare with"
    if not any(apart):
        return f"traced {label}: its {len(apart)} logged losses came out the same to the bit"
    return f"traced {label}: its {len(apart)} logged losses came out within {max(apart):.2g}"


def _replay(found: "Trace", effects: dict[str, Any]) -> "Readings":
    from audition.recipe.effect import Chain
    from audition.traces.replay import replay
    from audition.training.build import named

    return replay(found, Chain(named(effects)))


def _say_recorded(found: "Trace", path: str, options: Namespace) -> None:
    from audition.console import console, table
    from audition.text import count
    from audition.traces.readings import named

    out = console()
    out.print(f"{count(len(found), 'step')} of {found.run}, {len(found.names)} tensors: {path}")
    rows = [
        (what, *(f"{values[span].mean():.4g}" for span in found.spans()))
        for what, values in (
            ("loss", found.losses.sum(1)),
            ("gradient norm", (found.gradients**2).sum(1) ** 0.5),
            ("weight norm", (found.weights**2).sum(1) ** 0.5),
            ("update norm", (found.updates**2).sum(1) ** 0.5),
        )
    ]
    spans = ((int(found.at[s][0]), int(found.at[s][-1]) + 1) for s in found.spans())
    out.print(table(("mean of", *(f">{named(span)}" for span in spans)), rows))
    typed = audition_command(f"trace {found.run} preset=saturation_limiter", options.output_dir)
    print(f"replay a chain on it: {typed}")


def show(readings: "Readings") -> None:
    """A line a reading, its mean in each window, and what that can say."""
    from audition.console import console, table
    from audition.text import number
    from audition.traces.readings import named

    out = console()
    rows = [
        (name, *(number(x, ".4g") if math.isfinite(x) else "–" for x in readings.means(name)))
        for name in readings.shown()
    ]
    out.print(table(("mean of", *(f">{named(w)}" for w in readings.windows)), rows))
    for sentence in readings.limits():
        out.print(sentence, style="dim", markup=False)
