"""The rows that observers look at a run's model with: few, always the same, and never trained on."""

from audition.recipe.batches import Batch
from audition.session import Session


def fixed_rows(session: Session, units: int) -> Batch | None:
    """About `units` predictions' worth of training data that no step trains on, a batch at most.

    None where the weights are parted among processes (`parallel=fsdp`), so that no one of them can
    look alone.
    """
    if any(hasattr(weight, "full_tensor") for weight in session.model.parameters()):
        return None
    batch = session.batches.probe(0)
    rows = max(1, min(batch.rows, units * batch.rows // batch.units))
    device = next(session.model.parameters()).device.type
    return batch.cut(slice(0, rows)).to(device)
