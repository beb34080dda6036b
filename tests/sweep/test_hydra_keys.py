"""Keys and values below `hydra.`: what nobody reads or takes is refused, and all else passes."""

from collections.abc import Sequence

import pytest
from hydra import compose

from audition.errors import AuditionError
from audition.sweep.compose import Composer
from audition.sweep.keys import check_hydra


def look(*words: str) -> None:
    check_hydra(compose("audition", list(words), return_hydra_config=True).hydra)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("hydra/launcher=slurm_gpu", "hydra.launcher.partition=short"),
        ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2"),
        ("hydra/sweeper=basic",),
        ("hydra/sweeper=race", "hydra.sweeper.fresh_seeds=2"),
        ("hparams_search=adamw_optuna", "hydra.sweeper.objectives=[val_loss,seconds]"),
        ("+sweeps=first_look",),
        (
            "+hydra.job.env_set.OMP_NUM_THREADS=1",
            "+hydra.callbacks.mine._target_=lab.Mine",
            "allowed_targets=[audition.,lab.]",
        ),
    ],
)
def test_what_somebody_reads_passes(words: Sequence[str], composer: Composer) -> None:
    look(*words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("+hydra.launchr.workers=1",), "unknown key 'hydra.launchr'; did you mean 'launcher'"),
        (("+hydra.foo=1",), "unknown key 'hydra.foo'; choose from: callbacks, "),
        (("+hydra.job.nme=x",), r"unknown key 'hydra\.job\.nme'; did you mean 'name'"),
        (
            ("hydra/launcher=joblib", "+hydra.launcher.n_job=2"),
            "launcher.n_job'; did you mean 'n_jobs'",
        ),
        (
            ("hydra/launcher=submitit_local", "+hydra.launcher.foo=2"),
            "'hydra.launcher.foo'; choose",
        ),
        (("+hydra.launcher.worker=1",), r"hydra\.launcher\.worker is not a setting .* 'workers'"),
        (("hydra.launcher.workers=1.5",), "is not a whole number or null"),
        (("hydra.launcher.runs_per_gpu=100000",), "it must be > 0 and <= 64"),
        (("hydra.launcher.timeout_minutes=inf",), "it must be finite"),
        (("hydra.sweeper.params=3",), "is not a mapping of names or null"),
        (("hydra.sweeper.arms=[3]",), r"arms\[0\]=3 is not text"),
        (("hydra.sweeper.arms=abc",), "is not a list or null"),
    ],
)
def test_what_nobody_reads_is_refused(words: Sequence[str], said: str, composer: Composer) -> None:
    with pytest.raises(AuditionError, match=said):
        look(*words)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("fresh_seeds=1", "it must be > 1"),
        ("drop_below=nan", "it must be a number"),
        ("drop_below=inf", "it must be finite"),
        ("drop_below=abc", "is not a number"),
    ],
)
def test_a_race_has_ranges(setting: str, said: str, composer: Composer) -> None:
    with pytest.raises(AuditionError, match=said):
        look("hydra/sweeper=race", f"hydra.sweeper.{setting}")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("trials=0", "it must be > 0"),
        ("trials=1.5", "is not a whole number"),
        ("candidates=-1", "it must be >= 0"),
        ("fresh_seeds=1", "it must be > 1"),
        ("prune_p=2", "it must be > 0 and < 1"),
        ("prune_p=abc", "is not a number"),
        ("sampler=tpee", "did you mean 'tpe'"),
        ("sampler_seed=-1", "it must be >= 0"),
        ("pruner=medium", "did you mean 'median'"),
        ("objectives=val_loss", "is not a list or null"),
        ("known=abc", "is not a list or null"),
        ("space=3", "is not a mapping"),
        ("study=3", "is not text"),
    ],
)
def test_a_search_has_ranges_and_choices(setting: str, said: str, composer: Composer) -> None:
    with pytest.raises(AuditionError, match=said):
        look("hparams_search=adamw_optuna", f"hydra.sweeper.{setting}")
