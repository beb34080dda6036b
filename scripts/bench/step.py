"""One training step at nanoGPT's CPU configuration: ours against a bare loop over the same model."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from torch.nn import functional as F

from audition.config.root import conf_dir
from audition.recipe.batches import Clock
from audition.session import begin
from audition.sweep.compose import settings_of
from audition.training.build import build
from audition.training.job import Job
from audition.training.step import advance
from scripts.bench.pairs import Row, paired

STEPS = 20
TOKENS = 12 * 64
"""Of a step."""
FP32 = "precision=fp32"
ONE_PASS = (
    "preset=compressor",
    "preset=compressor effects.compressor.acts_on=updates",
    "preset=equalizer",
    "preset=loss_equalizer",
    "preset=biquad",
    "preset=adaptive_clip",
    "preset=reverb",
    "preset=delay",
    "preset=phaser",
    "preset=flanger",
    "preset=flanger effects.flanger.form=comb",
    "preset=gradient_noise",
)
"""Effects that ask for no pass more than the plain step: bound 1.05 each."""


def job(output_dir: Path, *overrides: str) -> Job:
    """The job that a command line would make."""
    words = ["experiment=nanogpt_cpu", f"paths.output_dir={output_dir}", *overrides]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return build(settings_of(compose("audition", words), words))


def steps(made: Job, many: int) -> Callable[[], None]:
    """`many` steps in the middle of a run."""
    session = begin(made.recipe, made.seed, "cpu")

    def run() -> None:
        for _ in range(many):
            advance(made, session, Clock(session.step, 10**6, 0.5))

    return run


def bare(made: Job):  # type: ignore[no-untyped-def]
    """What anyone would write: the same model, data and optimizer, and nothing around them."""
    session = begin(made.recipe, made.seed, "cpu")
    model, optimizer = session.model, session.optimizer
    step = 0

    def run() -> None:
        nonlocal step
        for _ in range(STEPS):
            batch = session.batches.train(Clock(step))
            loss = F.cross_entropy(model(batch.inputs).flatten(0, 1), batch.targets.flatten())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1

    return run


def ours(made: Job):  # type: ignore[no-untyped-def]
    """The trainer's own step."""
    session = begin(made.recipe, made.seed, "cpu")

    def run() -> None:
        for _ in range(STEPS):
            advance(made, session, Clock(session.step, 2000, session.step / 2000))

    return run


def faster(row: Row) -> Row:
    """A row of seconds per token as one of tokens per second, its ratio ours over theirs."""
    assert row.theirs is not None
    assert row.ratio is not None
    return replace(row, ours=1 / row.ours, theirs=1 / row.theirs, ratio=1 / row.ratio)


def rows(output_dir: Path, *, pairs: int = 15) -> list[Row]:
    """Our steps against a bare loop, and steps with each preset against the step without."""
    torch.set_num_threads(1)
    plain = job(output_dir, FP32)
    table = [
        paired(
            "training step in fp32, against a bare loop",
            ours(plain),
            bare(plain),
            pairs=pairs,
            unit="ms",
            per=STEPS / 1000,
            bound="≤ 1.03",
        ),
        faster(
            paired(
                "training in precision=auto, against a bare loop in fp32",
                ours(job(output_dir, "precision=auto")),
                bare(plain),
                pairs=pairs,
                unit="tokens/s",
                per=STEPS * TOKENS,
                bound="≥ 2.2",
            )
        ),
    ]
    for name, *override in (
        ("preset=saturation_limiter", "preset=saturation_limiter", FP32),
        *((name, *name.split(), FP32) for name in ONE_PASS),
        ("+idea=spectral_gate", "+idea=spectral_gate", FP32),
        ("precision=bf16", "precision=bf16"),
    ):
        table.append(
            paired(
                f"step with {name}, against the plain step",
                ours(job(output_dir, *override)),
                ours(plain),
                pairs=pairs,
                unit="ms",
                per=STEPS / 1000,
                bound="≤ 1.05" if name in ONE_PASS else "",
            )
        )
    return table
