"""Errors of Hydra's and OmegaConf's, as one sentence each."""

import os
from collections.abc import Iterator

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from audition.cli.sentences import MISTAKES, one_sentence, past_hydra, sentence
from audition.config.members import names
from audition.config.root import conf_dir
from audition.errors import AuditionError

OVERRIDES = [
    ("optimizer.lr.x=1", "unknown key 'optimizer.lr.x'"),
    ("skip.gain=1", "unknown key 'skip.gain': skip has no settings as it is chosen"),
    ("optimizer=sam", "unknown optimizer 'sam': it is in another group, preset=sam;"),
    ("schedule=placebo", "unknown schedule 'placebo': it is in another group, +idea=placebo;"),
    ("norm=zzz", "unknown norm 'zzz'; choose from"),
    ("modle.layers=3", "unknown key 'modle'; did you mean 'model'?"),
    ("model.layer=3", "unknown key 'model.layer'; did you mean 'layers'?"),
    ("idea=placebo", "unknown key 'idea': an idea is added with a plus: +idea=NAME"),
    ("ideas.placebo.dose=x", "unknown key 'ideas': an idea is added with a plus: +idea=NAME"),
    ("hydra.launcher.worker=2", "did you mean 'workers'? choose from: runs_per_gpu, timeout_"),
    ("hydra/launcher=pol", "unknown hydra/launcher 'pol'; did you mean 'pool'?"),
    ("+optimizer=muon", "optimizer is chosen already: choose another with optimizer=NAME"),
    ("+optimizer.lr=2", "optimizer.lr has a value already: set it without the plus"),
    ("~optimizer.lrr", "there is no optimizer.lrr to take out"),
    ("seed=1,2", "seed=1,2 names several values"),
    ("seed=[1", "cannot read 'seed=[1': [ and ] are not as many"),
    ("seed", "cannot read 'seed': it must be KEY=VALUE"),
    ("data=tiny_shakespeare", "data.path is missing: give it as data.path=..."),
    ("data.context=${nope}", "data.context: its value is taken from nope, which"),
    ("data.context=${oc.env:NO_SUCH}", "data.context: there is no environment variable NO_SUCH"),
    ("experiment=[a,b]", f"unknown experiment 'b'; choose from: {', '.join(names('experiment'))}"),
    ("~logger", "there is no logger to take out"),
]


@pytest.fixture
def hydra() -> Iterator[None]:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        yield


@pytest.mark.usefixtures("hydra")
@pytest.mark.parametrize(("override", "said"), OVERRIDES)
def test_an_override_that_cannot_be_carried_out(override: str, said: str) -> None:
    with pytest.raises(MISTAKES) as mistake:  # noqa: PT012 (some only show when resolved)
        config = compose("audition", [override])
        OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    told = sentence(mistake.value)
    assert said in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (AuditionError("a sentence"), "a sentence"),
        (
            FileNotFoundError(2, "No such file or directory", "x/y"),
            "x/y: No such file or directory",
        ),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_errors_of_the_machine(error: Exception, said: str) -> None:
    assert sentence(error) == said


def test_a_mistake_ends_in_a_sentence_and_code_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    with pytest.raises(SystemExit) as left, one_sentence(), past_hydra():
        raise AuditionError("no such thing")
    assert left.value.code == 2
    assert capsys.readouterr().err == "audition: no such thing\n"
    assert "HYDRA_FULL_ERROR" not in os.environ


def test_ctrl_c_ends_in_130_and_a_fault_of_ours_is_not_hidden() -> None:
    with pytest.raises(SystemExit) as left, one_sentence():
        raise KeyboardInterrupt
    assert left.value.code == 130
    with pytest.raises(ZeroDivisionError), one_sentence():
        raise ZeroDivisionError


def test_the_error_itself_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(AuditionError), one_sentence():
        raise AuditionError("no such thing")
    assert os.environ["HYDRA_FULL_ERROR"] == "1"
