"""`audition chain`: its yaml makes the chain again, and its questions are answered or refused."""

import json

import pytest
import yaml
from hydra import initialize_config_dir

from audition.cli.ledger import carry_out
from audition.config.chains import chain
from audition.config.identity import identify
from audition.config.root import conf_dir
from audition.errors import AuditionError
from audition.records.record import Record
from audition.records.store import Ledger
from audition.sweep.check import runnable
from audition.sweep.compose import Composer

SMALL = ("model=tiny", "model.context=16", "data.batch_size=4", "data.evaluation_tokens=512")
STEPS = ("budget.steps=6", "execution.device=cpu", "precision=fp32")


@pytest.fixture
def asked(cache_dir, capsys):
    """Words -> what the command prints."""

    def ask(*words):
        carry_out(["chain", *SMALL, *STEPS, f"paths.cache_dir={cache_dir}", *words])
        return capsys.readouterr().out

    return ask


def test_its_yaml_is_the_chain(asked, settings_of):
    words = (
        "preset=saturation_limiter",
        "+preset@effects.averages=ema",
        "effects.averages.wet=0.5",
        "effects.order=[averages,limiter,saturation]",
    )
    text = asked(*words)
    assert text.startswith("# @package effects\naverages:\n  ema:\n")
    assert chain(yaml.safe_load(text), None) == settings_of(*words)["effects"]
    assert json.loads(asked(*words, "--json"))["averages"]["wet"] == 0.5
    assert "reference" in asked("preset=between", "effects.between.share=0.25")


def test_campaigns_are_printed(asked):
    text = asked("preset=saturation_limiter", "--ablation")
    assert text.startswith("# @package _global_\n")
    sweeper = yaml.safe_load(text)["hydra"]["sweeper"]
    assert sweeper["params"]["preset"] == "saturation_limiter"
    assert "effects.limiter.bypass=true" in sweeper["arms"]
    orders = yaml.safe_load(asked("preset=saturation_limiter", "--orders"))
    assert orders["hydra"]["sweeper"]["arms"] == ["effects.order=[limiter,saturation]"]


def test_conflicts_and_activity(asked):
    words = ("preset=saturation_limiter", "--steps", "3", "--json")
    (pair,) = json.loads(asked(*words, "--conflicts"))
    assert pair == {"first": "saturation", "second": "limiter", "commutator": 0.0}
    assert json.loads(asked(*words, "--activity")).keys() == {"saturation", "limiter"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--conflicts",), "there are no effects: preset=NAME"),
        (("preset=ema", "--conflicts", "--activity"), "are two questions"),
    ],
)
def test_mistakes_are_one_sentence(words, said, asked):
    with pytest.raises(AuditionError, match=said):
        asked(*words)


def test_a_chain_is_pruned_by_the_ledgers_runs(
    asked, session_composer, tmp_path, capsys, cache_dir
):
    """Planted: leaving the limiter out gains, leaving the bypassed ema out changes nothing."""
    words = ("preset=saturation_limiter", "+preset@effects=ema", "effects.ema.bypass=true")
    root = f"--output-dir={tmp_path}"
    Ledger(tmp_path).root.joinpath("runs").mkdir()
    with pytest.raises(AuditionError, match="the ledger has no runs of this chain"):
        asked(*words, "--prune", root)
    with initialize_config_dir(version_base="1.3", config_dir=str(conf_dir())):
        settings = runnable(
            Composer("audition")([*SMALL, *STEPS, f"paths.cache_dir={cache_dir}", *words])
        )
    whole = identify(settings).config_hash
    losses = {"": 3.0, "limiter": 2.5, "saturation": 3.2, "ema": 3.0}
    for name, loss in losses.items():
        for seed, noise in ((1, 0.0), (2, 0.01), (3, -0.01)):
            arm = f"effects.{name}.bypass=true" if name else "baseline"
            Ledger(tmp_path).write(
                Record(
                    key=f"{name or 'whole'}{seed}",
                    config_hash=name or whole,
                    baseline_hash=whole,
                    arm=arm,
                    ideas=(),
                    seed=seed,
                    status="finished",
                    metrics={"val_loss": loss + noise + 0.001 * (seed * len(name) % 3)},
                )
            )
    carry_out(["chain", *SMALL, *STEPS, f"paths.cache_dir={cache_dir}", *words, "--prune", root])
    printed = capsys.readouterr()
    assert list(yaml.safe_load(printed.out)) == ["saturation"]
    assert "limiter is better left out" in printed.err
    assert "ema does nothing" in printed.err
