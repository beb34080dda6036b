"""What a command composes once is what Hydra would have composed each time."""

from collections.abc import Iterator
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal import config_loader_impl
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException
from hydra.types import RunMode
from omegaconf import OmegaConf

from audition.config.root import conf_dir
from audition.sweep.quick_hydra import hurry

RUN, SWEEP = "hydra.mode=RUN", "hydra.mode=MULTIRUN"


@pytest.fixture
def loader() -> Iterator[Any]:
    """What composes in an application."""
    hurry()
    with initialize_config_dir(version_base="1.3", config_dir=str(conf_dir())):
        yield GlobalHydra.instance().config_loader()


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """One entry for each composition that was made anew."""
    made: list[Any] = []
    own = config_loader_impl.create_defaults_list

    def counted(*given: Any, **named: Any) -> Any:
        made.append(named)
        return own(*given, **named)

    monkeypatch.setattr(config_loader_impl, "create_defaults_list", counted)
    return made


@pytest.mark.parametrize(
    "words",
    [
        ["seed=1", "optimizer.lr=0.1", RUN],
        [RUN, "seed=1", "+idea=placebo"],
        ["hydra.job.name=x", "seed=1", "hydra/launcher=joblib", RUN, "hydra.job.num=3"],
        ["optimizer=adamw,muon", "seed=1,2", SWEEP],
        [RUN, "seed=1", SWEEP],
    ],
    ids=str,
)
def test_every_composition_is_hydras_own(loader: Any, lists: list[Any], words: list[str]) -> None:
    own = ConfigLoaderImpl._load_configuration_impl.__wrapped__
    mode = RunMode.MULTIRUN if SWEEP in words else RunMode.RUN
    typed = [word for word in words if word not in (RUN, SWEEP)]
    loader.load_configuration("audition", typed, RunMode.MULTIRUN, validate_sweep_overrides=False)
    assert len(lists) == 1
    ours = loader.load_configuration("audition", words, mode)
    assert len(lists) == (1 if len(words) == len(typed) + 1 else 2)
    theirs = own(loader, "audition", words, mode)
    assert OmegaConf.to_yaml(ours) == OmegaConf.to_yaml(theirs)
    assert ours.hydra.mode is theirs.hydra.mode is mode
    assert OmegaConf.is_struct(ours)


def test_a_composition_is_ones_own_and_a_mistake_is_told_each_time(loader: Any) -> None:
    compose("audition", ["seed=1"]).seed = 7
    assert compose("audition", ["seed=1"]).seed == 1
    for _ in range(2):
        with pytest.raises(ConfigCompositionException, match="sweep"):
            loader.load_configuration("audition", ["seed=1,2"], RunMode.RUN)
