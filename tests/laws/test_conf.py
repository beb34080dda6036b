"""Law 10: every file of conf/ composes, passes the check, and trains three steps."""

from pathlib import Path

import pytest
from tests.laws.table import ROWS

from audition.build import build
from audition.config.groups import GROUPS
from audition.config.root import conf_dir
from audition.data import stdlib
from audition.errors import AuditionError
from audition.observers.metrics import Metrics
from audition.observers.watching import watching
from audition.trainer import train

FILES = sorted(
    path.relative_to(conf_dir()).with_suffix("").as_posix()
    for path in conf_dir().glob("*/**/*.yaml")
    if path.relative_to(conf_dir()).parts[0] != "hydra"
)
WITH_PARTS = {"apoptosis": "apoptosis=functional_preservation"}
"""A choice that is made of parts, for groups that have some: what chooses `apoptosis/fitness`."""
NEEDS = {
    "attention/grouped": ("attention.kv_heads=1",),
    "data/shakespeare_bpe": ("data.vocab_size=300",),
    "data/stdlib": ("data.vocab_size=300",),
    "experiment/document003": ("data.evaluation_tokens=full",),
    "experiment/nanogpt_cpu": ("schedule.warmup_steps=1",),
    "logger/wandb": ("logger.wandb.mode=offline",),
    "model/gpt88m": ("data.evaluation_tokens=full",),
    "parallel/ddp": ("parallel.processes=1",),
}
HELD_TO_THE_LAWS = {"idea", "preset", "apoptosis", "attention", "positional", "norm", "feedforward"}
HELD_TO_THE_LAWS |= {"optimizer", "schedule", "precision"}
DEFAULTS = {"attention/causal", "positional/learned", "norm/layernorm", "feedforward/gelu"}
DEFAULTS |= {"apoptosis/fitness/saliency", "apoptosis/timetable/periodic"}
DEFAULTS |= {"apoptosis/heredity/functional_preservation"}
DEFAULTS |= {"optimizer/adamw", "schedule/cosine", "precision/fp32", "precision/auto"}
TOO_LARGE = {"model/gpt88m", "experiment/document003"}
THREE_STEPS = ("model=tiny", "data.evaluation_tokens=512", "budget.steps=3")


def overrides(name: str) -> tuple[str, ...]:
    """What chooses a file on a command line, after all that makes a run small."""
    group, _, choice = name.rpartition("/")
    choose = {"idea": f"+idea={choice}", "logger": f"logger=[{choice}]"}
    small = [o for o in THREE_STEPS if not (group == "model" and o.startswith("model="))]
    if group == "experiment" and choice != "none":
        small.remove("model=tiny")
    if "/" in group:
        small.append(WITH_PARTS[group.split("/")[0]])
    return (*small, choose.get(group, f"{group}={choice}"), *NEEDS.get(name, ()))


@pytest.mark.parametrize("name", [f for f in FILES if f != "data/tiny_shakespeare"])
def test_every_file_trains_three_steps(name, settings_of, tmp_path, monkeypatch):
    if name == "data/stdlib":  # all ten megabytes of it would take longer than everything else
        few = [(n, path) for n, path in stdlib._files() if n.startswith(("json/", "email/"))]
        monkeypatch.setattr(stdlib, "_files", lambda: few)
        settings = settings_of(*overrides(name), f"data.cache_dir={tmp_path}", base=())
    else:
        settings = settings_of(*overrides(name), base=())
    group = name.split("/")[0]
    if group in GROUPS and GROUPS[group].holds == "part":
        assert settings[group]["_target_"].startswith("audition.")
    job = build(settings)
    assert job.budget.total_steps(1) == 3
    if name in TOO_LARGE:
        return
    folder = tmp_path / "arm" / "0123456789abcdef" / "seed_42"
    folder.mkdir(parents=True)
    said: list[str] = []
    with watching(settings.get("logger", {}), folder, said.append) as trackers:
        outcome = train(job, [Metrics(folder, trackers.copies), *trackers.others])
    assert not said
    assert outcome.status == "finished"
    assert outcome.session.step == 3
    assert 1.0 < outcome.final["val/loss"] < 10.0
    assert len(list(folder.iterdir())) == 1 + len(trackers.copies)


def test_the_file_that_needs_a_path_says_so(settings_of):
    with pytest.raises(AuditionError, match=r"data\.path=/nowhere cannot be read"):
        build(settings_of("data=tiny_shakespeare", "data.path=/nowhere")).recipe.data(None)


def test_every_choice_has_a_row():
    """A new idea, effect, strategy or part is held to the laws by naming it in the table."""
    named = " ".join(word for row in ROWS.values() for word in (*row.common, *row.on))
    for name in FILES:
        group, _, choice = name.rpartition("/")
        if group.split("/")[0] in HELD_TO_THE_LAWS and name not in DEFAULTS and choice != "none":
            assert f"{group}={choice}" in named or f"idea=[{choice}" in named, name


def test_the_default_root_composes_whole(settings_of):
    settings = settings_of(base=())
    assert {"seed", "model", "optimizer"} <= settings.keys()
    assert settings["execution"]["device"] == "cpu"
    assert Path(settings["paths"]["cache_dir"]).is_absolute()
