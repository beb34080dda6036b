"""The learning curves of named arms or runs, whether they were compared or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from audition.answers.arms import ArmRuns, arms_of
from audition.answers.curves import STEPS, Curve, read_between, read_curve, series
from audition.errors import AuditionError, choices
from audition.measure import Measure, recorded
from audition.records.find import find_run
from audition.records.metrics import METERS, read_lines
from audition.records.record import BASELINE
from audition.records.store import Ledger

TRAINING = Measure("training loss", "")


@dataclass(frozen=True)
class ArmCurves:
    """One arm's curves by seed, those of running runs included."""

    arm: str
    config_hash: str
    metric: str  # as records name it; `train_loss` where no run was evaluated
    measure: Measure
    unit: str  # what a budget counts
    curves: Mapping[int, Curve]


def arm_curves(
    ledger: Ledger, words: Sequence[str] = (), metric: str | None = None
) -> tuple[ArmCurves, ...]:
    """The curves of each named arm or run, or of every arm's newest configuration, baseline first.

    Args:
        words: names of arms, or of one run each, as `records.find` reads them: `placebo/42`, a key.
        metric: any that runs wrote, also `train_loss` and the meter of an effect,
            `effects/limiter/gain`; by default that of the arm's task.

    Raises AuditionError for a word that names nothing, and where no run has written the metric.
    """
    if metric is not None and not metric.startswith(recorded(METERS)):
        metric = recorded(metric)
    contents = ledger.read()
    newest: dict[str, ArmRuns] = {}
    arms_in_order = sorted(arms_of(contents.records).values(), key=lambda arm: arm.latest)
    for arm in arms_in_order:
        newest[arm.name] = arm
    rivals = [arm for name, arm in newest.items() if name in words or not words]
    met = {arm.baseline_hash for arm in rivals if arm.name != BASELINE}
    for arm in arms_in_order:
        if arm.name == BASELINE and arm.config_hash in met:
            newest[BASELINE] = arm  # the one that the other arms here are compared with
    chosen: dict[str, ArmRuns] = {}
    for word in words or sorted(newest, key=lambda name: (name != BASELINE, name)):
        if word in newest:
            chosen[word] = newest[word]
            continue
        try:
            record = find_run(ledger, contents, word)
        except AuditionError as error:
            if "/" in word:
                raise
            raise AuditionError(f"{error}; arms: {', '.join(sorted(newest))}") from None
        (arm,) = arms_of([record]).values()
        before = chosen.get(arm.name)
        runs = before.records if before and before.config_hash == arm.config_hash else ()
        chosen[arm.name] = arms_of([*runs, record])[arm.config_hash]
    found = [_of(ledger, arm, metric) for arm in chosen.values()]
    if metric is not None and not any(each.curves and each.metric == metric for each in found):
        folders = [ledger.folder_of(r) for arm in chosen.values() for r in arm.records]
        known = {name for folder in folders for name in series(read_lines(folder))}
        places = {"step", "units", "tokens"}
        raise AuditionError(f"no run has written '{metric}'{choices(metric, known - places)}")
    return tuple(each for each in found if each.curves)


def _of(ledger: Ledger, arm: ArmRuns, asked: str | None) -> ArmCurves:
    """The arm's curves: of the metric asked for, else of its task's, with the most points there are."""
    metric = asked or arm.primary
    folders = {r.seed: ledger.folder_of(r) for r in arm.records}
    looked = {} if asked else {s: read_between(folder, metric) for s, folder in folders.items()}
    if not looked or None in looked.values():  # on other rows the level is another
        looked = {seed: read_curve(folder, metric) for seed, folder in folders.items()}
    curves = {seed: curve for seed, curve in looked.items() if curve is not None}
    named = {curve.metric for curve in curves.values()}
    drawn = metric if metric in named or len(named) != 1 else named.pop()
    same = {seed: curve for seed, curve in curves.items() if curve.metric == drawn}
    how = TRAINING if drawn == STEPS else arm.by(drawn).measure
    if any(curve.is_between for curve in same.values()):
        own = arm.by(arm.primary if asked is None else metric).measure
        how = replace(own, label=f"{own.label}, few rows")
    return ArmCurves(arm.name, arm.config_hash, drawn, how, arm.unit, same)
