"""Records of runs that were never trained, for tests of what is made of records."""

from typing import Any

from audition.records.record import Record


def made(arm: str, seed: int, loss: float, **facts: Any) -> Record:
    """A finished run of `arm` that came to `loss`; `facts` are further fields, or other ones."""
    plain = {
        "key": f"{arm}{seed}",
        "config_hash": arm,
        "baseline_hash": "baseline",
        "arm": arm,
        "ideas": (),
        "seed": seed,
        "status": "finished",
        "metrics": {"val_loss": loss},
    }
    return Record(**{**plain, **facts})
