"""From settings to a recipe: the fold over ideas, and what conflicts."""

from dataclasses import dataclass, replace

import pytest
from recipes import replaced

from audition.errors import AuditionError
from audition.recipe.effect import Effect
from audition.sweep.check import check_claims
from audition.training.build import build, fold, named


@dataclass(frozen=True)
class Claims:
    """An idea that replaces the schedule, and says so."""

    claims: tuple[str, ...] = ("schedule",)

    def __call__(self, recipe):
        return replace(recipe, schedule=self)


def adds(name):
    return lambda recipe: recipe.with_effect(name, Effect())


def test_no_ideas_is_the_identity(job_of):
    recipe = job_of().recipe
    assert fold(recipe, {}) is recipe
    assert replaced(recipe, recipe) == set()


def test_ideas_are_folded_in_the_order_written(job_of):
    recipe = job_of("preset=saturation_limiter").recipe
    after = fold(recipe, {"a": adds("a"), "b": adds("b")})
    assert list(after.effects.members) == ["saturation", "limiter", "a", "b"]
    assert replaced(recipe, after) == {"effects"}


def test_two_ideas_may_wrap_but_not_claim_one_part(job_of):
    recipe = job_of().recipe
    assert isinstance(fold(recipe, {"a": Claims(), "b": adds("b")}).schedule, Claims)
    with pytest.raises(AuditionError, match="ideas 'a' and 'b' both replace the schedule"):
        fold(recipe, {"a": Claims(), "b": Claims()})
    fold(recipe, {"a": Claims(), "b": Claims(("loss",))})


def test_replaced_names_parts_of_the_model(job_of):
    recipe = job_of().recipe
    assert replaced(recipe, recipe.with_model(attention=max)) == {"attention"}
    assert replaced(recipe, replace(recipe, loss=max)) == {"loss"}
    both = replace(recipe.with_model(norm=max, layers=9), schedule=max)
    assert replaced(recipe, both) == {"norm", "layers", "schedule"}


def test_named_parts_keep_their_order(settings_of):
    settings = settings_of("preset=saturation_limiter")
    assert list(named(settings["effects"])) == ["saturation", "limiter"]
    backwards = dict(reversed(settings["effects"].items()))
    assert list(build({**settings, "effects": backwards}).recipe.effects.members) == [
        "limiter",
        "saturation",
    ]
    assert named(None) == named({}) == {}


def test_settings_of_the_chain_as_they_are_typed(job_of):
    set_one = job_of("preset=saturation_limiter", "effects.limiter.ceiling=4").recipe.effects
    assert set_one.members["limiter"].ceiling == 4.0
    assert list(
        job_of("preset=saturation_limiter", "~effects.saturation").recipe.effects.members
    ) == ["limiter"]
    added = job_of(
        "preset=saturation_limiter", "+effects.hard._target_=audition.effects.limiter.Limiter"
    ).recipe.effects
    assert list(added.members) == ["saturation", "limiter", "hard"]


def test_ideas_on_one_command_line_may_be_composed(settings_of):
    settings = settings_of("+idea=[placebo,spectral_gate]")
    assert list(settings["ideas"]) == ["placebo", "spectral_gate"]
    assert set(settings["cards"]) == {"placebo", "spectral_gate"}


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A package of ideas, and the conf/ that names them: a and b claim the gradient, c muon."""
    package = tmp_path / "guests"
    package.mkdir()
    classes = "class A:\n    claims = ('gradient',)\nclass B(A):\n    pass\nclass C:\n    pass\n"
    (package / "__init__.py").write_text(classes)
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "conf"
    (folder / "idea").mkdir(parents=True)
    (folder / "idea" / "c.yaml").write_text("defaults:\n  - override /optimizer: muon\n")

    def checked(*names, **choices):
        ideas = {name: {"_target_": f"guests.{name.upper()}"} for name in names}
        check_claims(ideas, choices, [folder])

    return checked


def test_claims_are_read_before_anything_is_imported(room):
    room("a", "c", optimizer="muon")
    with pytest.raises(AuditionError, match=r"ideas 'a' and 'b' both .* the gradient"):
        room("a", "b", optimizer="adamw")


def test_an_override_that_undoes_an_idea_is_refused(room):
    with pytest.raises(AuditionError, match=r"idea 'c' .*optimizer=muon.*optimizer=sgd"):
        room("c", optimizer="sgd")
