"""Law 10: every file of conf/ composes, passes the check, and trains three steps."""

import ast
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from scripts import stand_ins
from standins import fashion, few_documents
from tests.laws.table import ROWS

from audition.config.groups import GROUPS
from audition.config.members import Member, defaults, members, names, shelves
from audition.config.root import ABSENT, check, conf_dir
from audition.config.schema.lookup import find
from audition.errors import AuditionError
from audition.observers.metrics import Metrics
from audition.observers.watching import watching
from audition.shelf.new import TELL
from audition.trackers import background
from audition.training.build import build
from audition.training.loop import train

FILES = {f"{member.group}/{member.name}": member for member in members()}
NEEDS = {
    "attention/full": ("model=vit", "model.width=32", "model.layers=2"),
    "apoptosis/layerwise": ("model.layers=3",),
    "apoptosis/timetable/periodic": ("apoptosis.timetable.interval=1",),
    "attention/grouped": ("attention.kv_heads=1",),
    "data/shakespeare_bpe": ("data.vocab_size=300",),
    "data/quadrants": ("model=mlp",),
    "data/stdlib": ("data.vocab_size=300",),
    "data/tinystories": ("data.vocab_size=300",),
    "data/two_domains": ("data.vocab_size=300",),
    "data/wikipedia": ("data.vocab_size=300",),
    "data/wikitext103": ("data.vocab_size=300",),
    "experiment/document002": ("data.batch_size=2",),
    "experiment/document003": ("data.evaluation_tokens=full",),
    "experiment/nanogpt_cpu": ("schedule.warmup_steps=1",),
    "logger/wandb": ("logger.wandb.mode=offline",),
    "model/vit_ti": ("model.layers=2", "model.width=48"),
    "model/resnet20": ("model.width=4",),
    "model/airbench94": ("data=mnist_5k", "model.width=4"),
    "experiment/cifar10": ("model.width=4",),
    "experiment/imagenet": ("model.layers=2", "model.width=48", "data.side=16"),
    "model/gpt88m": ("data.evaluation_tokens=full",),
    "task/mixture_text": ("data.vocab_size=300",),
    "task/stream_text": ("data.vocab_size=300",),
    "skip/gated": ("model.layers=3",),
    "skip/sparse_fitness": ("model.layers=3",),
    "parallel/ddp": ("parallel.processes=1",),
    "parallel/fsdp": ("parallel.processes=1",),
    "preset/delay": ("effects.delay.steps=2",),
    "preset/reverb": ("effects.reverb.delays=[1,2]",),
}
TOO_LARGE = {"model/gpt88m", "experiment/document003"}
FASHION = {"data/fashion", "experiment/fashion"}
DECODED = {
    "data/cifar10": "cifar10",
    "experiment/cifar10": "cifar10",
    "data/imagenet": "imagenet",
    "data/imagenette": "imagenet",
    "experiment/imagenet": "imagenet",
}
"""Sets of pictures that are on the hub -> the stand-in that takes their path."""
FEW = ("data.validation=8", "data.probe=2", "data.revision=null", "data.inside=null")
PICTURES = FASHION | {
    "data/digits",
    "data/mnist_5k",
    "data/quadrants",
    "model/mlp",
    "model/convnet",
    "task/classification",
    "experiment/digits",
}
PICTURES |= {"model/vit", "attention/full", "model/vit_ti", "model/resnet20", "model/airbench94"}
PICTURES |= {"attention/none", "norm/none", "feedforward/none"}
THREE_PICTURES = ("experiment=digits", "data.batch_size=16", "budget.steps=3")
THREE_STEPS = ("model=tiny", "data.evaluation_tokens=512", "budget.steps=3")


def overrides(name: str) -> tuple[str, ...]:
    """What chooses a file on a command line, after all that makes a run small."""
    group, _, choice = name.rpartition("/")
    if name == "task/permuted":
        return (*THREE_PICTURES[1:], "task=permuted", "task.phases=3")
    if "task=stream" in (FILES[name].chosen, *FILES[name].needs):
        chosen = dict.fromkeys(("task=stream", *FILES[name].needs, FILES[name].chosen))
        return (*THREE_PICTURES[1:], *chosen, "task.phases=3")
    if name in ("task/mixture", "data/two_sets"):
        return (*THREE_PICTURES[1:], "task=mixture", "data=two_sets")
    if name == "task/episodes":
        return (*THREE_PICTURES[1:], "task=episodes", "task.count=3")
    if name == "task/test_time":
        few = ("task.documents=1", "task.windows=2", "data.evaluation_tokens=full")
        return ("model=tiny", "budget.steps=3", "task=test_time", *few)
    if name in DECODED:
        chosen = "task=classification", FILES[name].chosen
        return (*THREE_PICTURES[1:], *chosen, *FEW, *NEEDS.get(name, ()))
    if name in PICTURES:
        return (*THREE_PICTURES, f"{group}={choice}", *NEEDS.get(name, ()))
    small = [o for o in THREE_STEPS if not (group == "model" and o.startswith("model="))]
    if group == "experiment" and choice != "none":
        small.remove("model=tiny")
    host = FILES[name].host
    small += [host.chosen] if host else []
    return (*small, FILES[name].chosen, *FILES[name].needs, *NEEDS.get(name, ()))


def stood_in(name: str, folder: Path) -> tuple[str, ...]:
    """What makes a set that cannot be had everywhere read a stand-in, which is made in `folder`."""
    if name in FASHION:
        return fashion(folder / "fashion")
    if name not in DECODED:
        return ()
    stand_ins.make(DECODED[name], folder / "stand_in")
    return f"data.path={folder / 'stand_in'}", f"data.cache_dir={folder}"


def absent(member: Member) -> bool:
    """Whether it says that a model has no such part, which the default model has."""
    return any(node["_target_"] == ABSENT for node in member.nodes.values())


GIVEN = {name for name, member in FILES.items() if "???" in member.plain.values()}
"""What is nothing until something is named for it, a file for instance."""
APART = GIVEN | {name for name, member in FILES.items() if absent(member)}
DEPLOYED = {name for name in FILES if name.startswith("deploy/")}
"""What becomes of trained weights: tests/deploy applies each to a small model."""


def trained() -> Iterator[ParameterSet]:
    """The files that train by themselves; slow are those that every law trains for longer."""
    for name, member in FILES.items():
        if name not in APART | DEPLOYED:
            yield pytest.param(name, marks=(pytest.mark.slow,) * (member.chosen in ROWS))


@pytest.mark.parametrize("name", [*trained()])
def test_every_file_trains_three_steps(name, settings_of, tmp_path, monkeypatch):
    if "data.vocab_size=300" in NEEDS.get(name, ()):
        few_documents(monkeypatch)
        own = [f"data.cache_dir={tmp_path}"]
        if FILES[name].name in stand_ins.SETS:
            stand_ins.make(FILES[name].name, tmp_path / "stand_in")
            own += [f"data.path={tmp_path / 'stand_in'}", "data.revision=null"]
        settings = settings_of(*overrides(name), *own, base=())
    else:
        settings = settings_of(*overrides(name), *stood_in(name, tmp_path), base=())
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
    # MLflow and W&B take seconds to come up, and longer beside the other workers of the tests.
    monkeypatch.setattr(background, "Patience", partial(background.Patience, seconds=120.0))
    with watching(settings.get("logger", {}), folder, said.append) as trackers:
        outcome = train(job, [Metrics(folder, trackers.copies), *trackers.others])
    assert not said
    assert outcome.status == "finished"
    assert outcome.session.step == 3
    measured = "val/loss" if "val/loss" in outcome.final else "val/bpb"
    assert 0.1 < outcome.final[measured] < 10.0
    assert len(list(folder.iterdir())) == 1 + len(trackers.copies) + len(trackers.others)


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_a_member_that_needs_a_path_says_so(name, settings_of):
    with pytest.raises(AuditionError, match=r"data\.path=/nowhere cannot be read"):
        build(settings_of(FILES[name].chosen, "data.path=/nowhere")).recipe.data(None)


@pytest.mark.parametrize("name", [name for name, member in FILES.items() if absent(member)])
def test_a_part_that_the_model_names_is_not_left_out(settings_of, name):
    member = FILES[name]
    others = ", ".join(name for name in names(member.group) if name != member.name)
    with pytest.raises(AuditionError, match=f"GPT needs .* {member.group}: choose from: {others}"):
        settings_of(member.chosen)


def test_a_part_that_the_model_does_not_name_is_left_out(settings_of):
    plain = {**settings_of(), "model": {"_target_": "audition.parts.mlp.MLP"}}
    with pytest.raises(AuditionError, match="MLP has no attention: choose attention=none"):
        check(plain)
    groups = [group for group in GROUPS.values() if group.of_model]
    for group in groups:
        plain[group.name] = {"_target_": group.nothing or ABSENT}
    assert check(plain)["positional"] != check(plain)["attention"]


def test_every_file_has_a_group_and_every_group_a_file():
    """A folder of conf/ that the table of groups does not name would be checked by nothing."""
    folders = {
        path.parent.relative_to(conf_dir()).as_posix() for path in conf_dir().rglob("*.yaml")
    }
    assert {f for f in folders if f != "." and f.split("/")[0] != "hydra"} == set(shelves())
    assert set(defaults()) <= set(shelves())


MAKES = [
    pytest.param(target, member, id=f"{name} {target.rpartition('.')[2]}")
    for name, member in FILES.items()
    for target in dict.fromkeys(str(node["_target_"]) for node in member.nodes.values())
    if "." in target
]


@pytest.mark.parametrize(("target", "member"), MAKES)
def test_every_class_does_something_of_its_own_and_says_what(target, member):
    """`audition new` writes a class that is still its base, with places where words are wanted."""
    definition = find(target)
    said = {"neutral", "active"}
    own = [
        statement
        for statement in definition.node.body
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        and not (isinstance(statement, ast.AnnAssign) and statement.target.id in said)
    ]
    bases = definition.node.bases if isinstance(definition.node, ast.ClassDef) else [definition]
    is_name = len(bases) != 1  # a name alone, or two things put together
    is_neutral = member.name in ("none", "off")  # a base class may be the neutral element
    assert own or is_name or is_neutral, f"{target} is still its base: it overrides nothing"
    for path in (definition.source.path, member.path):
        assert TELL not in path.read_text(encoding="utf-8"), f"{path} is to be filled in"


def test_every_member_that_acts_is_held_to_the_laws():
    """Each of them by its own row: these are the groups in which every other choice is an arm."""
    choices = {group.choices: group for group in GROUPS.values()}
    for member in members():
        top = choices[member.group.split("/")[0]]
        acts = not absent(member) and not member.is_default and member.name != "none"
        if acts and (top.of_model or top.name in ("optimizer", "schedule", "apoptosis", "effects")):
            assert member.chosen in ROWS


def test_the_default_root_composes_whole(settings_of):
    settings = settings_of(base=())
    assert {"seed", "model", "optimizer"} <= settings.keys()
    assert settings["execution"]["device"] == "cpu"
    assert Path(settings["paths"]["cache_dir"]).is_absolute()
