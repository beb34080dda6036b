"""The answer as an experiment: the file makes the very runs that were judged."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import initialize_config_dir

from audition.config.root import conf_dir
from audition.errors import AuditionError
from audition.sweep.compose import Composer
from audition.sweep.search import write
from audition.sweep.search.search import last_words
from audition.sweep.search.write import experiment, path_of, write_experiment

ANSWER = ("model=tiny", "optimizer=adamw", "optimizer.lr=0.003", "optimizer.betas=[0.9,0.95]")
GROUPS = frozenset({"model", "optimizer"})


@pytest.fixture
def compose() -> Iterator[Composer]:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        yield Composer("audition", ("hydra.sweeper.trials=6",))


def test_a_later_word_on_a_key_is_the_one_that_counts() -> None:
    assert last_words(("optimizer.lr=1", "model=tiny", "optimizer.lr=2")) == (
        "model=tiny",
        "optimizer.lr=2",
    )


def test_groups_are_overridden_and_keys_are_set() -> None:
    assert experiment(ANSWER, ["Why."], GROUPS) == (
        "# @package _global_\n"
        "# Why.\n"
        "defaults:\n"
        "  - override /model: tiny\n"
        "  - override /optimizer: adamw\n"
        "optimizer:\n"
        "  lr: 0.003\n"
        "  betas: [0.9,0.95]\n"
    )


def test_a_name_that_is_taken_or_is_none_is_refused() -> None:
    with pytest.raises(AuditionError, match="choose another"):
        path_of("nanogpt_cpu")
    with pytest.raises(AuditionError, match="is no name"):
        path_of("../elsewhere")


def test_a_file_that_would_make_other_runs_is_not_left_behind(
    compose: Composer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = conf_dir() / "experiment" / "written_by_a_test.yaml"
    monkeypatch.setattr(write, "experiment", lambda *given: "# @package _global_\nseed: 1\n")
    plain = Composer("audition")
    try:
        with pytest.raises(AuditionError, match="would make another run"):
            write_experiment(path, ANSWER, [], plain)
        assert not path.exists()
    finally:
        path.unlink(missing_ok=True)


def test_the_file_makes_the_same_runs(compose: Composer) -> None:
    path = conf_dir() / "experiment" / "written_by_a_test.yaml"
    typed = ("hydra/sweeper=search", *ANSWER)
    try:
        write_experiment(path, typed, ["The answer."], compose)
        assert path.read_text().startswith("# @package _global_\n# The answer.\n")
    finally:
        path.unlink(missing_ok=True)
