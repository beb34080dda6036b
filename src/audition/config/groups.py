"""The keys of a config: what each one holds, what it decides, and which folder of `conf/` fills it.

This is the only list of them. To add a key is to add a row here, its folder or its section, and its
value in `conf/audition.yaml`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Holds = Literal["part", "named parts", "section", "value", "choices"]

Decides = Literal["numbers", "seed", "filing", "sweep", "watching", "words"]
"""What changes with a key: the numbers of a run, its random draws, where it is filed, which runs
are made and compared, how they are watched, or only what is said of them or allowed."""

Workload = Literal["settings", "code", "nothing"]


@dataclass(frozen=True)
class Group:
    """One key at the root of a config.

    Args:
        name: the key.
        holds: one part with a `_target_`; any number of them, each under a name of its own; a
            section, whose settings are the fields of one class; a plain value; or nothing of its
            own: `choices` are files that set other keys.
        decides: what changes with it; keys that decide numbers make up a run's identity.
        workload: what of it decides how long a step takes: every setting, its code alone, nothing.
        of: the class of a section.
        folder: the folder of `conf/` whose files may be chosen for it; by default its own name.
        of_model: whether it is a part of models, which a model may take or do without.
        nothing: the class of its `none`, where that is also a choice for models that take it.
        of_machine: whether it describes the machine, and not what is trained there.
        local: its settings that say where a file lies; what is in the file is in a fingerprint.
        checks: its settings that only hold against a file what its fingerprint says.
        unmeasured: its settings that do not change the time of a step, or that a measurement of it
            is filed under.
    """

    name: str
    holds: Holds
    decides: Decides = "numbers"
    workload: Workload = "nothing"
    of: str = ""
    folder: str = ""
    of_model: bool = False
    nothing: str = ""
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
        Group("model", "part", workload="settings"),
        Group("attention", "part", workload="settings", of_model=True),
        Group(
            "positional",
            "part",
            workload="settings",
            of_model=True,
            nothing="audition.parts.positional.none.NoPosition",
        ),
        Group("norm", "part", workload="settings", of_model=True),
        Group("feedforward", "part", workload="settings", of_model=True),
        Group("optimizer", "part", workload="code"),
        Group("schedule", "part"),
        Group("loss", "part", workload="code"),
        Group(
            "data",
            "part",
            workload="settings",
            local=("cache_dir", "path"),
            checks=("sha256",),
            unmeasured=("evaluation_tokens",),
        ),
        Group("apoptosis", "part", workload="code"),
        Group("precision", "part", workload="settings"),
        Group("parallel", "part", workload="settings"),
        Group("energy", "part", "watching"),
        Group("effects", "named parts", workload="code", folder="preset"),
        Group("ideas", "named parts", workload="code", folder="idea"),
        Group("logger", "named parts", "watching"),
        Group("budget", "section", of="audition.budget.Budget"),
        Group("training", "section", of="audition.trainer.Training"),
        Group(
            "execution",
            "section",
            of="audition.execution.Execution",
            workload="settings",
            of_machine=True,
            unmeasured=("device", "threads"),
        ),
        Group("paths", "section", "filing", of="audition.config.root.Paths"),
        Group("checkpoint", "section", "watching", of="audition.observers.checkpoint.Checkpoint"),
        Group("tuning", "section", "sweep", of="audition.sweep.tune.settings.Tuning"),
        Group("seed", "value", "seed"),
        Group("arm", "value", "filing"),
        Group("baseline", "value", "sweep"),
        Group("baseline_seeds", "value", "sweep"),
        Group("tune", "value", "sweep"),
        Group("submit", "value", "sweep"),
        Group("allowed_targets", "value", "words"),
        Group("cards", "value", "words"),
        Group("experiment", "choices"),
        Group("debug", "choices"),
        Group("hparams_search", "choices", "sweep"),
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
