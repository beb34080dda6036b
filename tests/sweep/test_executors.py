"""A launcher of Hydra's kind may fail as it likes: what came of the runs is read from the ledger."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher

from audition.errors import AuditionError
from audition.sweep.arms import Question
from audition.sweep.cluster.settings import Cluster
from audition.sweep.compose import Composer
from audition.sweep.executors import cluster_of, executor_of, filed
from audition.sweep.plan import PlannedRun, make_plan


class Recording(Launcher):
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.jobs: list[list[str]] = []

    def setup(self, **context: Any) -> None:
        """Nothing."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Any:
        self.jobs += map(list, job_overrides)
        if self.error:
            raise self.error
        return []


@pytest.fixture
def runs(ask: Callable[[str], Question], composer: Composer) -> tuple[PlannedRun, ...]:
    return make_plan(ask("model=tiny +idea=placebo seed=1,2"), composer).under("p1").runs


def test_each_run_is_the_overrides_that_make_it(runs: Sequence[PlannedRun]) -> None:
    launcher = Recording()
    with executor_of(launcher) as executor:
        executor.train(())
        assert launcher.jobs == []
        executor.train(runs)
    assert launcher.jobs == [list(filed(run)) for run in runs]
    assert launcher.jobs[-1] == [
        "model=tiny",
        "+idea=placebo",
        "seed=2",
        "arm.name='placebo'",
        f"arm.baseline='{runs[0].identity.config_hash}'",
        "arm.plan='p1'",
        f"arm.config_hash='{runs[-1].identity.config_hash}'",
        f"arm.device={runs[0].settings['execution']['device']}",
        f"arm.precision={runs[0].settings['precision']['_target_']}",
        "arm.compile='false'",
    ]


def test_one_that_gives_up_does_not_end_the_sweep(
    runs: Sequence[PlannedRun], capsys: pytest.CaptureFixture[str]
) -> None:
    with executor_of(Recording(RuntimeError("a worker was lost"))) as executor:
        executor.train(runs)
    assert (
        capsys.readouterr().err
        == "audition: the launcher gave up (RuntimeError: a worker was lost)\n"
    )


@pytest.mark.parametrize("error", [AuditionError("no"), HydraException("no")])
def test_a_mistake_is_passed_on(runs: Sequence[PlannedRun], error: Exception) -> None:
    with executor_of(Recording(error)) as executor, pytest.raises(type(error)):
        executor.train(runs)


def test_runs_can_be_left_only_in_a_queue() -> None:
    with pytest.raises(AuditionError, match="submit=detach needs a cluster's queue"):
        executor_of(Recording(), "detach").__enter__()


def test_hydra_s_own_slurm_launcher_is_read_by_its_own_names() -> None:
    stock = Recording()
    stock._EXECUTOR = "slurm"
    stock.params = {
        "submitit_folder": "jobs",
        "timeout_min": 60,
        "signal_delay_s": 120,
        "max_num_timeout": 3,
        "array_parallelism": 7,
        "partition": None,
        "nodes": 1,
        "tasks_per_node": 1,
    }
    cluster = cluster_of(stock)
    assert cluster is not None
    assert cluster == Cluster(submitit_folder="jobs", max_num_timeout=3, array_parallelism=7)
    assert (cluster.timeout_min, cluster.signal_delay_s) == (60, 120)
    assert "partition" not in cluster.of_a_job()
    stock.params["nodes"] = 2
    with pytest.raises(AuditionError, match="how a run is spread is a setting of the run"):
        cluster_of(stock)
