"""What every idea owes: a short file, a whole card, and hands off what it does not claim."""

import inspect
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from recipes import replaced

from audition.config.card import ASPECTS, check_card
from audition.config.instantiate import find
from audition.config.members import members
from audition.config.root import conf_dir
from audition.training.build import build, fold, named
from audition.training.loop import train

IDEAS = {member.name: member for member in members("idea")}
CALLED = ("data", "loss", "gradient", "optimizer", "schedule")
"""Parts that are functions of a recipe; those of the model are found by their keywords."""


def typed(name: str) -> tuple[str, ...]:
    """What chooses an idea, and all that it needs."""
    return (IDEAS[name].chosen, *IDEAS[name].needs)


def idea_file(settings, name: str) -> Path:
    return Path(inspect.getfile(find(settings["ideas"][name]["_target_"])))


def test_every_module_is_an_idea_of_conf(settings_of):
    room = conf_dir().parent / "src" / "audition" / "ideas"
    modules = sorted(path.stem for path in room.glob("*.py") if path.stem != "__init__")
    assert modules == sorted(IDEAS)


@pytest.mark.parametrize("name", IDEAS)
def test_card_is_complete(name, settings_of):
    settings = settings_of(*typed(name))
    card = check_card(name, settings["cards"][name])
    assert card.aspect in ASPECTS
    assert card.flag.startswith(f"+idea={name}")
    assert card.test.get("tokens") == 1_000_000 or card.test["examples"] == 60_000
    assert card.test["seeds"] == [42, 137, 256]
    for field, value in vars(card).items():
        assert str(value) in card.markdown() or field in {
            *("aspect", "mechanism", "math", "symbols", "nearest_known", "controls"),
            *("test", "success", "cost"),
        }


def test_mechanisms_are_distinct():
    plain = [OmegaConf.load(conf_dir() / "idea" / f"{name}.yaml").cards[name] for name in IDEAS]
    assert len({card.mechanism for card in plain}) == len(IDEAS)


@pytest.mark.parametrize("name", IDEAS)
def test_file_is_under_two_hundred_lines(name, settings_of):
    assert len(idea_file(settings_of(*typed(name)), name).read_text().splitlines()) < 200


@pytest.mark.parametrize("name", IDEAS)
def test_replaces_only_what_it_claims(name, settings_of):
    """Whatever of the baseline an idea does not claim must still be at work under it."""
    settings = settings_of(*typed(name))
    baseline = build({**settings, "ideas": {}})
    used: set[str] = set()

    def spied(part, what):
        def spy(*given, **settings):
            used.add(part)
            return what(*given, **settings)

        for asked in ("init", "beside"):  # of a loss: its parameters, and its passes of others
            setattr(spy, asked, getattr(what, asked, None))
        return spy

    recipe = replace(
        baseline.recipe,
        **{part: spied(part, getattr(baseline.recipe, part)) for part in CALLED},
    )
    keywords = recipe.model.keywords
    parts = {part: spied(part, what) for part, what in keywords.items() if callable(what)}
    model = partial(spied("model", recipe.model.func), **{**keywords, **parts})
    recipe = replace(recipe, model=model)
    text = settings["task"]["_target_"].startswith("audition.tasks.language")
    assert {"attention", "positional", "feedforward"} <= parts.keys() or not text

    idea = named(settings["ideas"])[name]
    changed = fold(recipe, {name: idea})
    assert replaced(recipe, changed)
    assert train(replace(baseline, recipe=changed)).status == "finished"
    claims = set(getattr(idea, "claims", ()))
    assert {*CALLED, "model", *parts} - used <= claims
    assert claims <= replaced(recipe, changed)
    members = list(changed.effects.members)
    assert members[: len(recipe.effects.members)] == list(recipe.effects.members)
    assert recipe.evaluators.items() <= changed.evaluators.items()
    assert changed.apoptosis is recipe.apoptosis or "apoptosis" in claims


@pytest.mark.parametrize("name", IDEAS)
def test_does_not_change_the_recipe_it_is_given(name, settings_of):
    settings = settings_of(*typed(name))
    recipe = build({**settings, "ideas": {}}).recipe
    before = vars(recipe).copy(), dict(recipe.effects.members), dict(recipe.model.keywords)
    named(settings["ideas"])[name](recipe)
    assert before == (vars(recipe), dict(recipe.effects.members), dict(recipe.model.keywords))
