"""A recorded run trained again from its own settings, in a temporary ledger."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from audition.answers.run_diff import RunResult
from audition.config.identity import Identity, identify
from audition.config.root import OURS, check
from audition.config.shape import check_shape
from audition.config.trust import KEY, trusted
from audition.errors import AuditionError
from audition.frozen import freeze
from audition.plain_file import read_text
from audition.records.record import Record
from audition.records.store import Ledger
from audition.sweep.arms import Arm
from audition.sweep.compose import Compose
from audition.sweep.local import pool_settings, train_all
from audition.sweep.plan import PlannedRun
from audition.sweep.pool import warm


def plan_reproduction(
    ledger: Ledger, record: Record, compose: Compose, allow: Sequence[str] = ()
) -> PlannedRun:
    """The run of `record` as its own `config.yaml` describes it, under the name it has today.

    Trackers and meters are left out. Raises AuditionError for a run without an outcome, one whose
    settings are lost or no longer fit the code, and one that was given minutes, which no machine
    repeats.

    allow: prefixes of code beside the checkout's that its settings may name.
    """
    label = f"{record.arm} seed {record.seed}"
    if not record.settled:
        raise AuditionError(f"{label} has no outcome to compare with: it is {record.status}")
    if record.parent:
        raise AuditionError(
            f"{label} was made of a trained run: reproduce that one, {record.parent['place']}, and "
            "deploy it in another ledger"
        )
    freeze()
    settings = settings_of(ledger, record, compose, allow)
    if settings["budget"]["minutes"] is not None:
        raise AuditionError(
            f"{label} was given {settings['budget']['minutes']:g} minutes: how far they lead is the "
            "machine's, so it cannot come out the same to the bit"
        )
    arm = Arm(record.arm, tuple(o for o in record.overrides if not o.startswith("seed=")))
    identity = identify(settings)
    return PlannedRun(arm, record.seed, settings, identity, record.baseline_hash)


def settings_of(
    ledger: Ledger, record: Record, compose: Compose, allow: Sequence[str] = ()
) -> dict[str, Any]:
    """The checked settings of `record` as its own `config.yaml` has them, watched by nothing.

    What that file says of the code that it may name is not believed.

    Raises AuditionError where they are lost or no longer fit the code.
    """
    path = ledger.folder_of(record) / "config.yaml"
    try:
        written = OmegaConf.to_container(OmegaConf.create(read_text(path)))
    except (OSError, UnicodeDecodeError, YAMLError, OmegaConfBaseException) as error:
        raise AuditionError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    if not isinstance(written, dict):
        raise AuditionError(f"{path} holds no settings")
    recorded: dict[str, Any] = {str(key): value for key, value in written.items()}
    # A section that did not exist when the run was made is as it is by default.
    default = compose(())
    watched = {"logger": {}, **{key: default[key] for key in ("energy", "memory", "keep")}}
    settings = {**default, **recorded, **watched}
    try:
        check_shape(settings)
        believed = trusted((f"{KEY}=[{','.join(allow)}]",))
        settings[KEY] = [p for p in settings[KEY] if p.startswith(believed)] or list(believed)
        return check(settings)
    except AuditionError as error:
        raise AuditionError(
            f"{record.arm} seed {record.seed} cannot be made again: its settings no longer fit the "
            f"code, {error}{_own_code(recorded, allow)}"
        ) from None


def _own_code(recorded: Mapping[str, Any], allow: Sequence[str]) -> str:
    """How to allow the code that a run's own settings say they need."""
    packages = recorded.get(KEY)
    own = [p for p in packages if p not in (OURS, *allow)] if isinstance(packages, list) else []
    if not own:
        return ""
    words = " ".join(f"--allow {prefix}" for prefix in own)
    return f" (it was made with code of {', '.join(own)}: if you trust it, add {words})"


def drift(record: Record, identity: Identity) -> str:
    """What has changed since `record` that makes it another run today; empty where nothing has."""
    if identity.key == record.key:
        return ""
    if identity.code != record.code:
        return f"the code has changed since (digest {record.code[:8]}, now {identity.code[:8]})"
    if identity.evaluation != record.evaluation:
        return "the held-out text has changed since"
    return "the text, or what its settings mean, has changed since"


def reproduce(run: PlannedRun, ledger: Ledger) -> RunResult:
    """Train `run`, and leave nothing behind.

    Raises AuditionError where it fails, or its device is not here.
    """
    with TemporaryDirectory(prefix="audition-") as root:
        moved = relocated(run.settings, Path(root), ledger.root)
        again = PlannedRun(run.arm, run.seed, moved, run.identity, run.baseline_hash)
        settings = pool_settings(moved["execution"], workers=1)
        with warm(settings) as server:
            train_all([again], settings, server)
        elsewhere = Ledger(Path(root))
        folder = elsewhere.folder_of(again.record)
        record = elsewhere.get(folder)
        if record is None or not record.settled:
            why = record.reason if record else "it was not started"
            raise AuditionError(f"{run.label} could not be made again: {why}")
        return RunResult.read(record, folder)


def relocated(settings: Mapping[str, Any], root: Path, ledger: Path) -> dict[str, Any]:
    """`settings` for a ledger at `root`, with the tokenised text where it lies already."""
    recorded = settings["paths"]["cache_dir"]
    cache = recorded if Path(recorded).is_dir() else str(ledger / "cache")
    data = dict(settings["data"])
    if "cache_dir" in data:
        data["cache_dir"] = cache
    return {**settings, "data": data, "paths": {"output_dir": str(root), "cache_dir": cache}}
