"""Weights that a run kept, put back into its model and evaluated."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import torch

from audition.apoptosis.surgery import Weights, resize
from audition.measure import recorded
from audition.recipe.problem import Predict
from audition.session import begin
from audition.training.build import build
from audition.training.evaluation import HeldOutRows, measured


def evaluate_weights(settings: Mapping[str, Any], content: bytes) -> dict[str, float]:
    """Every metric, as records name it, of the kept weights of the run of checked `settings`."""
    kept = torch.load(BytesIO(content), weights_only=True)
    job = build(settings)
    job.execution.enter()
    session = begin(job.recipe, job.seed, job.execution.device)
    for site, count in kept["widths"].items():
        resize(Weights(session.model, session.params, session.optimizer), site, count)
    session.model.load_state_dict(kept["model"])
    if session.loss is not None:
        session.loss.load_state_dict(kept["loss"])
    predict = Predict(session.model, session.loss)
    rows = HeldOutRows(predict, session.batches, job.execution)
    return {recorded(n): value for n, value in measured(job.evaluators, rows).items()}
