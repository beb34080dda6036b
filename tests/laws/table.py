"""The rows that every law is held against: to add one is to buy all of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A configuration, as it would be typed, that must obey the laws.

    Args:
        on: overrides that switch the thing on, at settings that act within a few steps.
        neutral: further overrides that make it the exact identity, where it has such a setting.
        common: overrides of the baseline that it is compared with, too.
    """

    on: tuple[str, ...]
    neutral: tuple[str, ...] = ()
    common: tuple[str, ...] = ()

    @property
    def active(self) -> tuple[str, ...]:
        return (*self.common, *self.on)

    @property
    def dynamic(self) -> bool:
        """Whether it acts through ideas, effects or apoptosis, rather than by another part."""
        return any(o.startswith(("+idea=", "preset=", "apoptosis=")) for o in self.on)


GATE = ("+idea=spectral_gate", "ideas.spectral_gate.every=2")
EVEN = ("ideas.spectral_gate.rho=1",)
SOON = ("apoptosis.timetable.interval=2", "apoptosis.timetable.warmup=1")
TURNOVER = ("apoptosis=functional_preservation", *SOON)
IMMORTAL = ("apoptosis.rate=0",)
CEILINGS = ("preset=saturation_limiter",)
INFINITE = ("effects.saturation.drive=inf", "effects.limiter.ceiling=inf")
BF16 = ("precision=bf16",)
MUON = ("optimizer=muon",)

ROWS = {
    "spectral_gate": Row(GATE, EVEN),
    "spectral_gate, in pieces": Row(
        GATE, EVEN, common=("data.batch_size=6", "execution.accumulate=3")
    ),
    "spectral_gate after muon": Row((*GATE, "ideas.spectral_gate.mode=post"), EVEN, common=MUON),
    "spectral_gate, coherence": Row((*GATE, "ideas.spectral_gate.open_on=coherence"), EVEN),
    "spectral_gate, shuffled": Row((*GATE, "ideas.spectral_gate.control=shuffled"), EVEN),
    "spectral_gate, magnitude": Row((*GATE, "ideas.spectral_gate.control=magnitude"), EVEN),
    "placebo": Row(("+idea=placebo",)),
    "two ideas": Row(("+idea=[placebo,spectral_gate]",)),
    "saturation_limiter": Row(CEILINGS, INFINITE),
    "half a chain": Row(
        (*CEILINGS, "effects.saturation.wet=0.5", "effects.limiter.wet=0.5"),
        ("effects.saturation.wet=0", "effects.limiter.bypass=true"),
    ),
    "ema": Row(("preset=ema", "effects.ema.decay=0.5"), ("effects.ema.decay=0",)),
    "turnover": Row(TURNOVER, IMMORTAL),
    "turnover, noisy": Row(
        (*TURNOVER, "apoptosis.heredity.noise=0.1", "apoptosis.rate=0.3"),
        IMMORTAL,
        common=("model.bias=true", "optimizer=sgd"),
    ),
    "turnover, by lot": Row((*TURNOVER, "apoptosis/fitness=random"), IMMORTAL),
    "turnover, reset": Row(
        (*TURNOVER, "apoptosis/heredity=reset"), IMMORTAL, common=("model.bias=true",)
    ),
    "everything at once": Row(
        (*GATE, *CEILINGS, *TURNOVER),
        (*EVEN, *INFINITE, *IMMORTAL),
        common=(*MUON, "norm.query_key=true", "precision=bf16"),
    ),
    "muon": Row(MUON),
    "muon as published": Row(("optimizer=muon_gpt88m",)),
    "sgd": Row(("optimizer=sgd",)),
    "heavy ball": Row(("optimizer=sgd", "optimizer.nesterov=false", "optimizer.weight_decay=0.1")),
    "sliding": Row(("attention=sliding", "attention.window=4")),
    "grouped": Row(("attention=grouped", "attention.kv_heads=1"), ("attention.kv_heads=2",)),
    "fused": Row(("attention.fused_qkv=true",), ("attention.fused_qkv=false",)),
    "rope": Row(("positional=rope",)),
    "no positions": Row(("positional=none",)),
    "rmsnorm": Row(("norm=rmsnorm",)),
    "query-key norm": Row(("norm=rmsnorm_qk",), common=("norm=rmsnorm",)),
    "squared_relu": Row(("feedforward=squared_relu",)),
    "constant": Row(("schedule=constant",)),
    "wsd": Row(("schedule=wsd",)),
    "smoothing": Row(("loss.label_smoothing=0.1",), ("loss.label_smoothing=0",)),
    "dropout": Row(("model.dropout=0.2",), ("model.dropout=0",)),
    "untied": Row(("model.tied_head=false",)),
    "bf16": Row(("precision=bf16",)),
    "dropout, bf16": Row(("model.dropout=0.2",), ("model.dropout=0",), common=BF16),
    "sliding, bf16": Row(("attention=sliding", "attention.window=4"), common=BF16),
    "grouped, bf16": Row(
        ("attention=grouped", "attention.kv_heads=1"), ("attention.kv_heads=2",), common=BF16
    ),
    "accumulate": Row(("execution.accumulate=2",), ("execution.accumulate=1",)),
    "clip": Row(("training.clip=0.1",), ("training.clip=1e9",), common=("training.clip=null",)),
}
