"""Runs as they would be published, with weights that were drawn and never trained."""

import pytest

from audition.config.identity import identify
from audition.measure import Measure
from audition.parts.initial import initialise
from audition.recipe.streams import Streams
from audition.recipe.weights import Kept
from audition.records.record import Record
from audition.records.store import Ledger
from audition.training.build import build
from audition.zoo.published import Published


@pytest.fixture
def run_of(settings_of, tmp_path):
    """Overrides -> a run of them, whose every weight and bias is drawn."""

    def made(*overrides, change=lambda model: {}):
        settings = settings_of(*overrides)
        job, identity = build(settings), identify(settings)
        streams = Streams(1)
        model = job.recipe.model(job.recipe.data(streams).shape)
        initialise(model, streams.child("init"))
        widths = change(model)
        generator = streams.generator("drawn")
        for weight in model.parameters():
            weight.data.add_(0.3 * weight.new_empty(weight.shape).normal_(generator=generator))
        record = Record(
            key=identity.key,
            config_hash=identity.config_hash,
            baseline_hash=identity.config_hash,
            arm="baseline",
            ideas=(),
            seed=1,
            status="finished",
            metrics={"val_loss": 4.25},
            measures={"val_loss": Measure("validation loss", "nats/token")},
            steps=6,
            units=384,
        )
        model = model.eval().requires_grad_(False)
        kept = Kept({}, widths)
        return Published(Ledger(tmp_path / "ledger"), record, settings, job, kept, model)

    return made
