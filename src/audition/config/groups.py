"""The keys of a config: what each one holds, what it decides, and which folder of `conf/` fills it.

This is the only list of them. To add a key is to add a row here, its folder or its section, and its
value in `conf/audition.yaml`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Holds = Literal["part", "named parts", "section", "value", "choices"]

Decides = Literal["numbers", "seed", "deploying", "filing", "sweep", "watching", "words"]
"""What changes with a key: the numbers of a run, its random draws, what is made of its weights, where
it is filed, which runs are made and compared, how they are watched, or only what is said of them or
allowed."""

Workload = Literal["settings", "code", "nothing"]


@dataclass(frozen=True)
class Group:
    """One key at the root of a config.

    Args:
        name: the key.
        says: what it is, in a sentence.
        holds: one part with a `_target_`; any number of them, each under a name of its own; a
            section, whose settings are the fields of one class; a plain value; or nothing of its
            own: `choices` are files that set other keys.
        decides: what changes with it; keys that decide numbers make up a run's identity.
        workload: what of it decides how long a step takes: every setting, its code alone, nothing.
        of: the class of a section.
        folder: the folder of `conf/` whose files may be chosen for it; by default its own name.
        of_model: whether it is a part of models, which a model may take or do without.
        nothing: the class of its `none`, where that is also a choice for models that take it.
        younger: whether there are runs from before it, which keep their identity: it is no part of
            that where it is `nothing`.
        of_machine: whether it describes the machine, and not what is trained there.
        local: its settings that say where a file lies; what is in the file is in a fingerprint.
        checks: its settings that only check or watch what a run does, or check what a file holds.
        unmeasured: its settings that do not change the time of a step, or that a measurement of it
            is filed under.
    """

    name: str
    says: str
    holds: Holds
    decides: Decides = "numbers"
    workload: Workload = "nothing"
    of: str = ""
    folder: str = ""
    of_model: bool = False
    nothing: str = ""
    younger: bool = False
    of_machine: bool = False
    local: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    unmeasured: tuple[str, ...] = ()

    @property
    def choices(self) -> str:
        """The folder of `conf/` that it is chosen from; empty for sections and values."""
        return self.folder or ("" if self.holds in ("section", "value") else self.name)


GROUPS: Mapping[str, Group] = {
    group.name: group
    for group in (
        Group("model", "The network that is trained.", "part", workload="settings"),
        Group(
            "attention",
            "How tokens look at each other.",
            "part",
            workload="settings",
            of_model=True,
        ),
        Group(
            "positional",
            "How a model knows where a token stands.",
            "part",
            workload="settings",
            of_model=True,
            nothing="audition.parts.positional.none.NoPosition",
        ),
        Group(
            "norm",
            "How activations are scaled, and where in a block.",
            "part",
            workload="settings",
            of_model=True,
        ),
        Group(
            "feedforward",
            "What a block does to each token by itself.",
            "part",
            workload="settings",
            of_model=True,
        ),
        Group(
            "skip",
            "Which blocks are read past the next one.",
            "part",
            workload="settings",
            of_model=True,
            nothing="audition.parts.skip.none.NoSkip",
            younger=True,
        ),
        Group("optimizer", "How gradients become updates.", "part", workload="code"),
        Group("schedule", "The gain on the learning rate over the run.", "part"),
        Group("loss", "What training minimises.", "part", workload="code", checks=("weights",)),
        Group(
            "data",
            "What is trained on and validated on.",
            "part",
            workload="settings",
            local=("cache_dir", "path"),
            checks=("sha256",),
            unmeasured=("evaluation_tokens",),
        ),
        Group(
            "task",
            "What runs are judged by, and the unit that they are counted in.",
            "part",
            workload="code",
        ),
        Group(
            "apoptosis",
            "Which units die during training, and what replaces them.",
            "part",
            workload="code",
        ),
        Group("precision", "The numbers that a run computes in.", "part", workload="settings"),
        Group("parallel", "How many processes train one run.", "part", workload="settings"),
        Group("energy", "What measures the joules of a run.", "part", "watching"),
        Group(
            "memory", "Which weights of a run are kept beside its checkpoints.", "part", "watching"
        ),
        Group(
            "effects",
            "Plug-ins on the training dynamics, chained in the order written.",
            "named parts",
            workload="code",
            folder="preset",
        ),
        Group(
            "ideas",
            "What is tried: each makes an arm, and has a card that says what it claims.",
            "named parts",
            workload="code",
            folder="idea",
        ),
        Group(
            "deploy",
            "What is made of the trained weights, step by step, before they are judged.",
            "named parts",
            "deploying",
        ),
        Group("evaluator", "Metrics beside those of the task.", "named parts"),
        Group("logger", "Where the lines of metrics.jsonl go as well.", "named parts", "watching"),
        Group("budget", "How long a run trains.", "section", of="audition.budget.Budget"),
        Group(
            "training",
            "Settings of the loop.",
            "section",
            of="audition.training.job.Training",
            checks=("check_every", "looks"),
        ),
        Group(
            "execution",
            "What a run computes on.",
            "section",
            of="audition.execution.Execution",
            workload="settings",
            of_machine=True,
            unmeasured=("device", "threads"),
        ),
        Group("paths", "Where results go.", "section", "filing", of="audition.config.root.Paths"),
        Group(
            "checkpoint",
            "How often a run is saved.",
            "section",
            "watching",
            of="audition.observers.checkpoint.Checkpoint",
        ),
        Group(
            "keep",
            "What stays of a run besides its record.",
            "section",
            "watching",
            of="audition.config.root.Keep",
        ),
        Group(
            "tuning",
            "How arms are tuned before they are compared.",
            "section",
            "sweep",
            of="audition.sweep.tune.settings.Tuning",
        ),
        Group(
            "analysis",
            "How a sweep's arms are judged.",
            "section",
            "sweep",
            of="audition.config.root.Analysis",
        ),
        Group(
            "claim",
            "What a sweep claims: the same loss for at most 1/k of a cost.",
            "section",
            "sweep",
            of="audition.config.claim.Claim",
        ),
        Group("seed", "The number that every random draw follows from.", "value", "seed"),
        Group("arm", "Under which name a run is filed; a sweep sets it.", "value", "filing"),
        Group("baseline", "The overrides that make the baseline arm.", "value", "sweep"),
        Group("baseline_seeds", "How many seeds the baseline has.", "value", "sweep"),
        Group("metric", "What a sweep is judged by.", "value", "sweep"),
        Group("tune", "What arms are tuned in before they are compared.", "value", "sweep"),
        Group("sprint", "Minutes that a sweep may take.", "value", "sweep"),
        Group("submit", "Whether a sweep waits for a cluster.", "value", "sweep"),
        Group("allowed_targets", "Prefixes of code that a config may name.", "value", "words"),
        Group("cards", "What ideas claim, and what would prove them wrong.", "value", "words"),
        Group("experiment", "Whole experiments, which may choose anything.", "choices"),
        Group("debug", "Ways to look for a fault.", "choices"),
        Group("hparams_search", "Searches: which settings are tried, and how.", "choices", "sweep"),
    )
}


def holding(*kinds: Holds) -> tuple[Group, ...]:
    """The groups that hold one of `kinds`, in the order of the table."""
    return tuple(group for group in GROUPS.values() if group.holds in kinds)


def root_keys() -> frozenset[str]:
    """Every key that the root of a config may have."""
    return frozenset(group.name for group in GROUPS.values() if group.holds != "choices")


def deciding(*what: Decides) -> tuple[Group, ...]:
    """The groups that decide one of `what`, in the order of the table."""
    return tuple(group for group in GROUPS.values() if group.decides in what)


def root_of(override: str) -> str:
    """The root key or the group that an override changes: `optimizer` of `+optimizer.lr=1`."""
    return override.lstrip("+~").partition("=")[0].partition(".")[0].partition("/")[0]
