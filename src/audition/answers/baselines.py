"""Which baseline is meant, the arms compared with it, and the noise of them all."""

from collections.abc import Iterable, Mapping

from audition.answers import ArmRuns, arms_of, unlike
from audition.errors import AuditionError, choices
from audition.records.record import Record
from audition.records.registration import Registration
from audition.stats import NoiseModel, campaign_noise, read_arm


def choose_baseline(arms: Mapping[str, ArmRuns], wanted: str | None = None) -> ArmRuns:
    """The baseline whose hash begins with `wanted`, or the one with the newest comparison.

    Raises AuditionError where the ledger has no such baseline, or several.
    """
    known = {
        key: arm for key, arm in arms.items() if arm.baseline_hash == key and len(arm.losses) > 0
    }
    if not known:
        raise AuditionError("the ledger has no finished run of a baseline yet: train one first")
    if wanted is not None:
        fitting = [key for key in known if key.startswith(wanted)]
        if len(fitting) == 1:
            return known[fitting[0]]
        raise AuditionError(
            f"{len(fitting) or 'no'} baselines begin with '{wanted}'{choices(wanted, known)}"
        )
    asked: dict[str, tuple[bool, str]] = {key: (False, arm.latest) for key, arm in known.items()}
    for arm in arms.values():
        if arm.baseline_hash in asked and arm.config_hash != arm.baseline_hash:
            asked[arm.baseline_hash] = max(asked[arm.baseline_hash], (True, arm.latest))
    return known[max(asked, key=asked.__getitem__)]


def rivals_of(arms: Mapping[str, ArmRuns], baseline: ArmRuns) -> list[ArmRuns]:
    """Every arm ever compared with this baseline, those without a result among them."""
    key = baseline.config_hash
    return [a for a in arms.values() if a.baseline_hash == key and a.config_hash != key]


def alike_rivals(arms: Mapping[str, ArmRuns], baseline: ArmRuns) -> list[ArmRuns]:
    """The arms that count for the noise: comparable with the baseline, on two seeds or more."""
    return [a for a in rivals_of(arms, baseline) if len(a.losses) > 1 and not unlike(a, baseline)]


def noise_of(arms: Mapping[str, ArmRuns], baseline: ArmRuns) -> NoiseModel:
    """The noise of the baseline's campaign; of the baseline alone where no arm is comparable.

    Pooled where the baseline has extra seeds, as verdicts take it.

    Raises AuditionError where not even the baseline ran on two seeds, or did not vary.
    """
    alike = {arm.config_hash: arm.losses for arm in alike_rivals(arms, baseline)}
    noise = campaign_noise(baseline.losses, alike) if alike else None
    if noise is None or not noise.sd > 0:
        own = read_arm(baseline.losses)
        choice = f"own: the baseline's {own.n} seeds alone, unpaired"
        noise = NoiseModel(sd=own.sd, df=own.n - 1, method="own", choice=choice)
    if not noise.sd > 0:
        raise AuditionError(
            f"baseline {baseline.config_hash} has {len(baseline.losses)} finished seed(s) that "
            "vary: the noise needs at least two"
        )
    return noise


def baseline_in(
    records: Iterable[Record],
    wanted: str | None,
    metric: str | None = None,
    plans: Iterable[Registration] = (),
) -> tuple[Mapping[str, ArmRuns], ArmRuns]:
    """All arms of a ledger and the baseline that is meant, all by one metric.

    It is `metric`, else that of the baseline's newest plan (`plans`, the oldest first), else its
    task's primary one. Raises AuditionError where no run has the metric, or no baseline is meant.
    """
    arms = arms_of(records, metric)
    baseline = choose_baseline(arms, wanted)
    key = baseline.config_hash
    named = [p.metric for p in plans if p.baseline_hash == key and not p.screening]
    by = metric or (named[-1] if named else baseline.primary)
    same = {key: arm.by(by) for key, arm in arms.items()}
    return same, same[baseline.config_hash]
