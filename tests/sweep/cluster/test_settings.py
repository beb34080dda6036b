"""The launcher's settings are written once: the yaml says what the dataclass says."""

from dataclasses import MISSING, fields
from typing import Any

import pytest
import yaml

from audition.config.root import conf_dir
from audition.config.schema.signature import signature
from audition.sweep.cluster.settings import Cluster
from hydra_plugins.audition_launchers import SlurmLauncher


def launcher_yaml(name: str) -> dict[str, Any]:
    text = (conf_dir() / "hydra" / "launcher" / f"{name}.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def test_the_yaml_has_every_setting_with_its_default() -> None:
    written = launcher_yaml("slurm")
    target = written.pop("_target_")
    assert (
        set(written) == {each.name for each in fields(Cluster)} == set(signature(target).settings)
    )
    for each in fields(Cluster):
        if each.default is not MISSING:
            assert written[each.name] == each.default, each.name


@pytest.mark.parametrize("name", ["slurm_cpu", "slurm_gpu"])
def test_what_builds_on_it_has_no_setting_of_its_own(name: str) -> None:
    assert set(launcher_yaml(name)) - {"defaults"} <= {each.name for each in fields(Cluster)}


def test_the_launcher_hands_over_what_it_was_given() -> None:
    launcher = SlurmLauncher(submitit_folder="s", setup=["module load x"], mem_gb=2.0)
    assert launcher.cluster() == Cluster(submitit_folder="s", setup=["module load x"], mem_gb=2.0)
    assert callable(launcher.setup)
    asked = launcher.cluster().of_a_job()
    assert asked["setup"] == ["module load x"]
    assert "partition" not in asked
    assert "submitit_folder" not in asked
    assert "array_parallelism" not in asked
