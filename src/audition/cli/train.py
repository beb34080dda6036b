"""The training door: check, then one run here, or (with -m) a sweep that ends in a verdict."""

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from audition.cli.sentences import one_sentence
from audition.config import conf_dir


def main() -> None:
    """Train what the command line asks for; a mistake ends in one sentence and exit code 2."""
    with one_sentence():
        hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="audition")(task)()


def task(config: DictConfig) -> None:
    """One run: in this process, or as a job of one of Hydra's own launchers."""
    from audition.sweep.compose import Composer, settings_of
    from audition.sweep.single import plan_single, train_single

    hydra_node = HydraConfig.get()
    alone = hydra_node.mode == RunMode.RUN
    with one_sentence(exit_on_error=alone):
        run = plan_single(
            settings_of(config), list(hydra_node.overrides.task), Composer.of_hydra(hydra_node)
        )
        train_single(run, alone=alone)
