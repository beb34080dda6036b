"""The training command: checks, then one run here, or with -m a sweep that ends in a verdict."""

import sys
from contextlib import nullcontext
from typing import Any, cast

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from audition.cli.sentences import one_sentence, past_hydra
from audition.cli.streams import degrade, flushed
from audition.cli.typed import read_typed
from audition.config.root import conf_dir
from audition.errors import AuditionError
from audition.frozen import freeze
from audition.sweep.quick_hydra import hurry
from audition.sweep.signals import interrupt_on_signals


def main() -> None:
    """Train what the command line asks for; a mistake ends in one sentence and exit code 2."""
    degrade()
    with one_sentence(), interrupt_on_signals(), flushed():
        sys.argv[1:] = read_typed(sys.argv[1:])
        hurry()
        if {"--help", "-h"} & {*sys.argv[1:]}:
            read_conf_once()
        hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="audition")(task)()


def read_conf_once() -> None:
    """Let Hydra's help read the folders of `conf/` once, and not anew for each of its groups.

    It copies the whole root config for every group that it lists, twice over: two thirds of the time
    of `--help`. A Hydra without that function takes its time.
    """
    from hydra._internal.config_loader_impl import ConfigLoaderImpl

    name = "_parse_overrides_and_create_caching_repo"
    own = getattr(ConfigLoaderImpl, name, None)
    if own is None:
        return
    made: dict[tuple[str, ...], Any] = {}

    def once(self: Any, config_name: str | None, overrides: list[str]) -> Any:
        asked = (str(config_name), *overrides)
        if asked not in made:
            made[asked] = own(self, config_name, overrides)
        return made[asked]

    setattr(ConfigLoaderImpl, name, once)


def task(config: DictConfig) -> None:
    """One run: in this process, or as a job of one of Hydra's own launchers."""
    from audition.report.runs import show_runs
    from audition.report.terminal import show_judgements
    from audition.sweep.compose import Composer, settings_of
    from audition.sweep.keys import check_hydra
    from audition.sweep.show import Show
    from audition.sweep.single import plan_single, train_single

    freeze()
    hydra_node = HydraConfig.get()
    alone = hydra_node.mode == RunMode.RUN
    with past_hydra() if alone else nullcontext():
        check_hydra(cast(DictConfig, hydra_node))
        if alone:
            _check_single(config, cast(DictConfig, hydra_node))
        # As they were typed: an interpolation is the config's to resolve.
        words = cast(list[str], OmegaConf.to_container(hydra_node.overrides.task, resolve=False))
        run = plan_single(settings_of(config, words), words, Composer.of_hydra(hydra_node))
        train_single(run, Show(show_judgements, show_runs), alone=alone)


def _check_single(config: DictConfig, hydra_node: DictConfig) -> None:
    """Raise AuditionError where what is asked for is a sweep."""
    sweeper = hydra_node.runtime.choices.get("hydra/sweeper")
    if not isinstance(hydra_node.sweeper, DictConfig):
        raise AuditionError(
            f"hydra.sweeper={hydra_node.sweeper} is no sweeper: name one, hydra/sweeper=NAME"
        )
    if hydra_node.sweeper.get("space"):
        raise AuditionError("a search is a sweep: add -m")
    if config.tune is not None:
        raise AuditionError("tune= compares arms, which is a sweep: add -m")
    if config.sprint is not None:
        raise AuditionError("sprint= takes whole seeds of a sweep: add -m")
    if hydra_node.sweeper.get("params") or hydra_node.sweeper.get("arms"):
        raise AuditionError("a campaign is a sweep: add -m")
    if sweeper not in (None, "audition", "basic"):
        raise AuditionError(f"hydra/sweeper={sweeper} is for sweeps: add -m")
