"""Keeps what the precisions are worth beside each other, where `precision=auto` finds it."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median

from audition.answers import ArmRuns
from audition.answers.pairing import PRECISIONS, PairTable
from audition.answers.provenance import mapping_in
from audition.config.root import normalised
from audition.errors import AuditionError, writing
from audition.measured import Pairing, remember_pairing, shape
from audition.records.record import now
from audition.records.store import Ledger


def keep_pairing(ledger: Ledger, found: PairTable, arms: Mapping[str, ArmRuns]) -> Path:
    """Remember `found` for runs of those steps, of that device, on this machine; returns the file.

    Raises AuditionError where there is one precision alone, or the file cannot be written.
    """
    if len(found.contrasts) < 2:
        raise AuditionError("--keep needs two changes or more that were run in fp32 and in bf16")
    baseline = arms[found.pairs[0].baseline_hash]
    newest = max(baseline.records, key=lambda record: record.started)
    settings = mapping_in(ledger.folder_of(newest) / "config.yaml")
    whole = normalised(settings, None)
    targets = {name: f"audition.execution.{kind}" for kind, name in PRECISIONS.items()}
    pairing = Pairing(
        device=newest.device,
        shape=shape(whole),
        steps=round(median(record.steps for record in baseline.records)),
        precision=targets[found.first],
        beside=targets[found.second],
        ratio=found.variance,
        low=found.variance_ci[0],
        high=found.variance_ci[1],
        changes=len(found.contrasts),
        seeds=min(each.n for each in found.contrasts),
        date=now(),
    )
    cache = Path(str(whole["paths"]["cache_dir"]))
    with writing(cache):
        return remember_pairing(cache, pairing)
