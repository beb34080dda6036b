"""What `tune=` may say, and the values it stands for."""

from collections.abc import Callable

import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser

from audition.errors import AuditionError
from audition.sweep.arms import Question, parse_question
from audition.sweep.compose import Composer
from audition.sweep.tune.lattice import lattice, span
from audition.sweep.tune.settings import tune_of


@pytest.mark.parametrize(
    ("default", "trials", "factor", "values"),
    [
        (0.004, 5, 2.0, (0.001, 0.002, 0.004, 0.008, 0.016)),
        (0.1, 4, 10.0, (0.001, 0.01, 0.1, 1.0)),
        (8, 5, 2.0, (2, 4, 8, 16, 32)),
        (1, 5, 2.0, (1, 2, 4)),
    ],
)
def test_values_are_steps_around_the_default(default, trials, factor, values) -> None:
    assert lattice("k", default, trials, factor) == pytest.approx(values)


def test_a_study_reaches_two_steps_to_either_side() -> None:
    assert span("k", 0.004, 2.0) == {"low": 0.001, "high": 0.016, "log": True}


@pytest.mark.parametrize("default", [0, -1.0, True, "adamw", [0.9, 0.95]])
def test_a_default_that_nothing_multiplies(default: object) -> None:
    with pytest.raises(AuditionError, match="only a number above 0"):
        lattice("k", default, 5, 2.0)


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        ("tune=optimizer.lr", ("optimizer.lr",)),
        ("tune=optimizer.lr,training.clip", ("optimizer.lr", "training.clip")),
        ("tune=[optimizer.lr,training.clip]", ("optimizer.lr", "training.clip")),
        ("tune=null", ()),
        ("seed=1", ()),
    ],
)
def test_keys_are_no_arms(ask: Callable[[str], Question], line: str, keys: tuple[str, ...]) -> None:
    question = ask(line)
    assert question.tune == keys
    assert question.arms == ()
    assert question.common == ()


@pytest.mark.parametrize(
    ("line", "params", "given", "keys"),
    [
        ("seed=1", {}, "optimizer.lr", ("optimizer.lr",)),
        ("seed=1", {}, ["optimizer.lr", "training.clip"], ("optimizer.lr", "training.clip")),
        ("seed=1", {}, None, ()),
        ("tune=training.clip", {}, "optimizer.lr", ("training.clip",)),
        ("tune=null", {}, "optimizer.lr", ()),
        ("seed=1", {"tune": "training.clip"}, "optimizer.lr", ("training.clip",)),
    ],
)
def test_what_the_config_tunes_holds_where_nothing_else_says(
    composer: Composer, line: str, params: dict[str, str], given: object, keys: tuple[str, ...]
) -> None:
    parser = OverridesParser.create(GlobalHydra.instance().config_loader())
    assert parse_question(parser, [line], params, (), given).tune == keys


def test_a_search_lends_its_space_and_what_it_sets(
    composer: Composer, ask: Callable[[str], Question]
) -> None:
    loader = GlobalHydra.instance().config_loader()
    tune = tune_of(("muon_optuna",), loader, "audition")
    assert set(tune.space) >= {"optimizer.lr", "optimizer.adamw_lr"}
    question = tune.of(ask("+idea=placebo"))
    assert question.common == ("optimizer=muon",)
    assert question.arms[0].overrides == ("optimizer=muon", "+idea=placebo")
    assert question.seeds == (42, 137, 256)
    assert tune.of(ask("optimizer=sgd seed=1,2 +idea=placebo")).common == ("optimizer=sgd",)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("muon_optun",), "did you mean 'muon_optuna'"),
        (("none",), "neither a key such as optimizer.lr nor a search"),
        (("muon_optuna", "optimizer.lr"), "names a search beside others"),
    ],
)
def test_words_that_name_nothing(composer: Composer, words, sentence: str) -> None:
    with pytest.raises(AuditionError, match=sentence):
        tune_of(words, GlobalHydra.instance().config_loader(), "audition")


@pytest.mark.parametrize(("trials", "factor"), [(1000, 5.0), (5, 1e200), (9, 1e100)])
def test_values_that_leave_the_numbers_are_refused(trials: int, factor: float) -> None:
    with pytest.raises(AuditionError, match=f"tuning.trials={trials} values .* lead out of the"):
        lattice("optimizer.lr", 1e-3, trials, factor)
