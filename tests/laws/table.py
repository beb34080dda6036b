"""The rows that every law is held against: one for each file of `conf/`, and some combinations."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest
from _pytest.mark import ParameterSet

from audition.config.groups import GROUPS
from audition.config.instantiate import find
from audition.config.members import Member, members
from audition.recipe.recipe import Absent


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


THE_QUESTION = ("model", "data", "task", "evaluator", "parallel")
"""Groups that change what is trained or measured: compared with the default, no member of them is
an arm that acts. Law 10 trains each."""

HELD = tuple(
    group.choices
    for group in GROUPS.values()
    if group.decides == "numbers"
    and group.holds in ("part", "named parts")
    and group.name not in THE_QUESTION
)
"""Groups of which every member is held to every law."""


FP32 = "precision=fp32"
"""What the baseline of every test computes in."""


def said(member: Member, word: str) -> tuple[str, ...]:
    """The overrides that the classes of a member give as `neutral` or `active`.

    Any effect is neutral where none of it is mixed in.
    """
    otherwise = {"wet": 0.0} if (word, member.group) == ("neutral", "preset") else {}
    return tuple(
        f"{place}.{setting}={'null' if value is None else value}"
        for place, node in member.nodes.items()
        for setting, value in getattr(find(node["_target_"]), word, otherwise).items()
    )


PICTURES = ("experiment=digits",)
"""Another task under the same laws."""

MIXTURE = ("task=mixture", "model.width=32")
"""Two sets of pictures at once, a head for each."""

OF_PICTURES = {
    "attention=full": Row(
        ("attention=full", "attention.soft_cap=0.1"),
        ("attention.soft_cap=null",),
        common=(*PICTURES, "model=vit", "model.width=32", "model.layers=2"),
    )
}
"""Members that no model of language takes, within one that does."""


def row_of(member: Member) -> Row:
    """A member at the settings at which it acts within six steps, and at those that make it nothing.

    A part of a part is held to the laws inside the one that it is a part of.
    """
    if member.chosen in OF_PICTURES:
        return OF_PICTURES[member.chosen]
    above = row_of(member.host) if member.host else Row(())
    inside = f"{member.package}."
    kept = (o for o in above.on if not o.startswith(inside))
    return Row(
        (*kept, member.chosen, *said(member, "active")),
        (*above.neutral, *said(member, "neutral")),
        (*above.common, *member.needs),
    )


def arms() -> Iterator[Member]:
    """The members that are something beside the baseline."""
    for member in (member for member in members() if member.group.split("/")[0] in HELD):
        targets = {node["_target_"] for node in member.nodes.values()}
        makes = targets - {"auto", f"{Absent.__module__}.{Absent.__qualname__}"}
        is_baseline = member.is_default or member.chosen == FP32
        # A default part of a part is in the row of the whole.
        if makes and (not is_baseline or (not member.host and said(member, "active"))):
            yield member


def of(group: str, name: str) -> Row:
    """The row of one file, to be combined with others."""
    (member,) = (member for member in members(group) if member.name == name)
    return row_of(member)


GATE = of("idea", "spectral_gate")
CEILINGS = of("preset", "saturation_limiter")
COMPRESSOR = of("preset", "compressor")
CHORUS = of("preset", "chorus")
ONE_VOICE = ("effects.chorus.form=averages", "effects.chorus.betas=[0.0]")
PHASER = of("preset", "phaser")
FLANGER = of("preset", "flanger")
TURNOVER = of("apoptosis", "functional_preservation")
SURPRISE = of("preset", "surprise_gate")
SLIDING = of("attention", "sliding")
GROUPED = of("attention", "grouped")
BF16 = ("precision=bf16",)
MUON = ("optimizer=muon",)


BATCH_NORM = (*PICTURES, "data.batch_size=16", "model=resnet20", "model.width=4", "model.blocks=1")


def gated(*more: str, common: tuple[str, ...] = ()) -> Row:
    """The spectral gate in another of its settings."""
    return Row((*GATE.on, *more), GATE.neutral, common)


COMBINED: Mapping[str, Row] = {
    "spectral_gate, in pieces": gated(common=("data.batch_size=6", "execution.accumulate=3")),
    "spectral_gate after muon": gated("ideas.spectral_gate.mode=post", common=MUON),
    "spectral_gate, coherence": gated("ideas.spectral_gate.open_on=coherence"),
    "spectral_gate, shuffled": gated("ideas.spectral_gate.control=shuffled"),
    "spectral_gate, magnitude": gated("ideas.spectral_gate.control=magnitude"),
    "two ideas": Row(("+idea=[placebo,spectral_gate]",)),
    "surprise_gate, soft z": Row(
        (*SURPRISE.on, *(f"effects.surprise_gate.{s}" for s in ("mode=soft", "rule=z"))),
        SURPRISE.neutral,
    ),
    "surprise_gate, by lot": Row(
        (*SURPRISE.on, "effects.surprise_gate.rule=chance"), SURPRISE.neutral, common=MUON
    ),
    "compressor of surprise": Row(
        (
            *COMPRESSOR.on,
            "effects.compressor.listens_to=surprise",
            "effects.compressor.acts_on=updates",
        ),
        COMPRESSOR.neutral,
    ),
    "compressor of the rate": Row(
        (*COMPRESSOR.on, "effects.compressor.acts_on=rate", "effects.compressor.reference=0.01"),
        COMPRESSOR.neutral,
    ),
    "limiter, look-ahead": Row((*CEILINGS.on, "effects.limiter.lookahead=2"), CEILINGS.neutral),
    "phaser, layers": Row((*PHASER.on, "effects.phaser.form=layers"), PHASER.neutral),
    "chorus of averages": Row(
        (*CHORUS.on, "effects.chorus.form=averages"), (*CHORUS.on, *ONE_VOICE)
    ),
    "flanger, comb": Row((*FLANGER.on, "effects.flanger.form=comb"), FLANGER.neutral),
    "half a chain": Row(
        (*CEILINGS.on, "effects.saturation.wet=0.5", "effects.limiter.wet=0.5"),
        ("effects.saturation.wet=0", "effects.limiter.bypass=true"),
    ),
    "turnover, noisy": Row(
        (
            *TURNOVER.on,
            *("apoptosis.heredity.sigma=0.1", "apoptosis.heredity.moments=copy"),
            "apoptosis.rate=0.3",
        ),
        TURNOVER.neutral,
        common=("model.bias=true", "optimizer=sgd"),
    ),
    "turnover, reset": Row(
        (*TURNOVER.on, "apoptosis/heredity=reset"), TURNOVER.neutral, common=("model.bias=true",)
    ),
    "turnover, gated": Row(
        TURNOVER.on, TURNOVER.neutral, common=("feedforward=swiglu", "model.bias=true")
    ),
    "turnover, folded": Row(
        (*TURNOVER.on, "apoptosis.heredity.fold=ridge"),
        TURNOVER.neutral,
        common=("model.bias=true",),
    ),
    "turnover of experts": Row(TURNOVER.on, TURNOVER.neutral, common=("feedforward=moe",)),
    "everything at once": Row(
        (*GATE.on, *CEILINGS.on, *TURNOVER.on),
        (*GATE.neutral, *CEILINGS.neutral, *TURNOVER.neutral),
        common=(*MUON, "norm.query_key=true", *BF16),
    ),
    "heavy ball": Row(("optimizer=sgd", "optimizer.nesterov=false", "optimizer.weight_decay=0.1")),
    "fused": Row(("attention.fused_qkv=true",), ("attention.fused_qkv=false",)),
    "query-key norm": Row(("norm=rmsnorm_qk",), common=("norm=rmsnorm",)),
    "post-norm": Row(("norm.placement=post",), ("norm.placement=pre",)),
    "sandwich": Row(("norm.placement=sandwich",), ("norm.placement=pre",), common=BF16),
    "smoothing": Row(("loss.label_smoothing=0.1",), ("loss.label_smoothing=0",)),
    "shared layers": Row(
        ("model.share_layers=2",), ("model.share_layers=1",), common=("model.layers=2",)
    ),
    "dropout": Row(("model.dropout=0.2",), ("model.dropout=0",)),
    "untied": Row(("model.tied_head=false",)),
    "dropout, bf16": Row(("model.dropout=0.2",), ("model.dropout=0",), common=BF16),
    "sliding, bf16": Row(SLIDING.on, SLIDING.neutral, common=BF16),
    "grouped, bf16": Row(GROUPED.on, GROUPED.neutral, common=BF16),
    "accumulate": Row(("execution.accumulate=2",), ("execution.accumulate=1",)),
    "pictures, sgd": Row(("optimizer=sgd",), common=PICTURES),
    "pictures, dropout": Row(("model.dropout=0.2",), ("model.dropout=0",), common=PICTURES),
    "pictures, accumulate": Row(
        ("execution.accumulate=2",), ("execution.accumulate=1",), common=PICTURES
    ),
    "pictures, gate and ceilings": Row(
        (*GATE.on, *CEILINGS.on), (*GATE.neutral, *CEILINGS.neutral), common=PICTURES
    ),
    "pictures, placebo": Row(("+idea=placebo",), common=PICTURES),
    "pictures, perceptron": Row(("optimizer=muon",), common=(*PICTURES, "model=mlp")),
    "mixture, gate and ceilings": Row(
        (*GATE.on, *CEILINGS.on), (*GATE.neutral, *CEILINGS.neutral), common=MIXTURE
    ),
    "mixture, accumulate": Row(
        ("execution.accumulate=2",), ("execution.accumulate=1",), common=MIXTURE
    ),
    "pictures, batch norm": Row(("optimizer=sgd",), common=BATCH_NORM),
    "pictures, batch norm, averaged": Row(
        of("preset", "ema").on, of("preset", "ema").neutral, common=BATCH_NORM
    ),
    "pictures, batch norm, closed steps": Row(SURPRISE.on, SURPRISE.neutral, common=BATCH_NORM),
    "pictures, whitened": Row(
        ("optimizer=muon",),
        common=(
            *PICTURES,
            "data=mnist_5k",
            "data.batch_size=16",
            "model=airbench94",
            "model.width=4",
        ),
    ),
    "clip": Row(("training.clip=0.1",), ("training.clip=1e9",), common=("training.clip=null",)),
}
"""What no single file is: two things at once, or a setting of the baseline's own parts."""

ROWS: Mapping[str, Row] = {member.chosen: row_of(member) for member in arms()} | COMBINED

ALWAYS = {
    *("spectral_gate, in pieces", "two ideas", "compressor of the rate", "half a chain"),
    *("turnover, noisy", "turnover of experts", "everything at once", "post-norm"),
    *("shared layers", "dropout, bf16", "accumulate", "clip", "pictures, gate and ceilings"),
    *("pictures, batch norm, averaged", "pictures, batch norm, closed steps"),
    "mixture, gate and ceilings",
}
"""Combinations that CI trains, one of each way in which things meet; the others are slow."""
assert not ALWAYS - COMBINED.keys()


def rows(choose: Callable[[Row], bool] = lambda row: True) -> list[ParameterSet]:
    """Parameters of a test that is held to the rows that `choose` takes: their names."""
    slow = COMBINED.keys() - ALWAYS
    return [
        pytest.param(name, marks=(pytest.mark.slow,) * (name in slow))
        for name, row in ROWS.items()
        if choose(row)
    ]
