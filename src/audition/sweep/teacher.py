"""Which runs of the ledger an arm of `loss=distill` learns from: those of one arm, seed by seed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audition.command_line import train_command
from audition.config.identity import Identity
from audition.errors import AuditionError, choices
from audition.records.record import Record
from audition.records.store import Ledger


def teachers(settings: Mapping[str, Any], besides: str = "") -> Sequence[Record] | None:
    """The finished runs of the arm that `loss.teacher` names; None where there is no teacher.

    besides: config hash of the baseline of the comparison, which is meant only where no other arm
    has that name: what is typed as `baseline` is mostly that of another one.

    Raises AuditionError where the ledger has none, or several arms of that name.
    """
    name = settings["loss"].get("teacher")
    if name is None:
        return None
    ledger = Ledger(Path(settings["paths"]["output_dir"]))
    finished = [r for r in ledger.read().records if r.status == "finished" and r.weights]
    arm, _, prefix = str(name).partition("/")
    own = [r for r in finished if r.arm == arm and r.config_hash.startswith(prefix)]
    own = [r for r in own if r.config_hash != besides] or own
    if not own:
        known = {record.arm for record in finished}
        raise AuditionError(
            f"loss.teacher={name}: no run of that arm has finished in {ledger.root}"
            f"{choices(arm, known)}"
        )
    found = sorted({record.config_hash for record in own})
    if len(found) > 1:
        named = ", ".join(f"{arm}/{each[:8]}" for each in found)
        raise AuditionError(f"loss.teacher={name} names {len(found)} arms: choose one of {named}")
    return own


def with_teacher(settings: Mapping[str, Any], besides: str = "") -> Mapping[str, Any]:
    """The settings with the teacher's folder in the place of its name; as they are without one."""
    found = teachers(settings, besides)
    if found is None:
        return settings
    place = f"{found[0].arm}/{found[0].config_hash}"
    return {**settings, "loss": {**settings["loss"], "teacher": place}}


def seeded(identity: Identity, settings: Mapping[str, Any]) -> Identity:
    """`identity` at the seed and with the teacher of `settings`, as `at_seed` makes them."""
    return identity.of_seed(settings["seed"], settings["loss"].get("weights", ""))


def at_seed(settings: Mapping[str, Any], seed: int) -> Mapping[str, Any]:
    """The settings of one run, with the digest of its teacher's weights where it has a teacher.

    Raises AuditionError where the teacher has no run of that seed: one teacher for all seeds would
    hide its own luck.
    """
    own = {**settings, "seed": seed}
    found = teachers(settings)
    if found is None:
        return own
    record = next((record for record in found if record.seed == seed), None)
    if record is None:
        words = (word for word in found[0].overrides if not word.startswith("seed="))
        raise AuditionError(
            f"loss.teacher={settings['loss']['teacher']} has no finished run of seed {seed}: train it "
            f"first, {train_command(*words, f'seed={seed}', 'keep.weights=true')}"
        )
    return {**own, "loss": {**own["loss"], "weights": record.weights}}
