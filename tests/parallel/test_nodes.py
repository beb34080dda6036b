"""A run on several nodes, as far as no Slurm is needed: what is asked for, refused and understood."""

import os

import pytest

from audition.errors import AuditionError
from audition.parallel import nodes, rank
from audition.parallel.checks import check_cards, check_nodes, check_parallel
from audition.parallel.messages import RankMessages, say
from audition.sweep.arms import Arm
from audition.sweep.cluster import settings as cluster_settings
from audition.sweep.cluster.settings import Cluster
from audition.sweep.plan import PlannedRun, identify
from audition.training.rehearsal import SizedTeam
from audition.training.run_spec import RunSpec
from audition.training.worker import share

TWO = ("parallel=ddp", "parallel.nodes=2", "parallel.processes=4")


class Planned:
    """As much of a planned run as a cluster looks at."""

    def __init__(self, settings, device="cpu"):
        self.settings = {**settings, "execution": {**settings["execution"], "device": device}}


def test_a_cluster_is_asked_for_nodes_and_a_task_for_each_process(settings_of):
    run = Planned(settings_of(*TWO, "execution.threads=3"))
    cluster = Cluster(submitit_folder="x")
    assert cluster.fitting([run]).cpus_per_task == 3
    asked = cluster.on_nodes([run])
    assert (asked["nodes"], asked["tasks_per_node"]) == (2, 2)
    one = Planned(settings_of("parallel=ddp", "execution.threads=3"))
    assert cluster.fitting([one]).cpus_per_task == 6
    assert cluster.on_nodes([one]) == {}


@pytest.mark.parametrize(
    ("jobs", "said"),
    [
        ({"runs_per_job": 2}, r"runs_per_job=2 packs .* parallel\.nodes=2 spreads"),
        (
            {"gpus_per_node": 1},
            r"2 processes .* on each node, .* 1 card .*0 and 1 would share card 0",
        ),
        ({"gres": "gpu:h100:1"}, r"set hydra\.launcher\.gpus_per_node=2"),
        ({"gpus_per_task": 1}, r"set hydra\.launcher\.gpus_per_node=2 instead"),
        ({"gpus_per_node": 2}, None),
        ({"gres": "gpu:2,shard:1"}, None),
    ],
)
def test_what_a_job_cannot_hold_is_refused_before_it_is_submitted(
    settings_of, monkeypatch, jobs, said
):
    monkeypatch.setattr(cluster_settings, "require_slurm", lambda: None)
    jobs = {"gpus_per_node": 2, **jobs} if "runs_per_job" in jobs else jobs
    cluster = Cluster(submitit_folder="x", **jobs)
    run = Planned(settings_of(*TWO), "cuda")
    if said is None:
        cluster.check([run])
        return
    with pytest.raises(AuditionError, match=said):
        cluster.check([run])


def test_runs_of_unlike_spread_are_no_array(settings_of, monkeypatch):
    monkeypatch.setattr(cluster_settings, "require_slurm", lambda: None)
    runs = [Planned(settings_of(*TWO)), Planned(settings_of("parallel=ddp"))]
    with pytest.raises(AuditionError, match=r"jobs of one array: .* parallel\.nodes=2"):
        Cluster(submitit_folder="x").check(runs)


def test_nodes_that_are_not_there(settings_of, monkeypatch):
    for name in ("SLURM_JOB_ID", "SLURM_JOB_NUM_NODES"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(AuditionError, match=r"parallel\.nodes=2, and this is one machine: .*slurm"):
        check_nodes(settings_of(*TWO))
    check_nodes(settings_of("parallel=ddp"))
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with pytest.raises(AuditionError, match=r"parallel\.nodes=2, and Slurm job 7 has 1"):
        check_nodes(settings_of(*TWO))
    monkeypatch.setenv("SLURM_JOB_NUM_NODES", "2")
    check_nodes(settings_of(*TWO))


def test_processes_are_spread_evenly(settings_of):
    check_parallel(settings_of(*TWO))
    with pytest.raises(AuditionError, match=r"processes=4 .* parallel\.nodes=3: choose a multiple"):
        check_parallel(settings_of(*TWO, "parallel.nodes=3"))


def test_cards_are_counted_on_a_node(settings_of, monkeypatch):
    monkeypatch.setattr("audition.parallel.checks.gpus", lambda: (0, 1))
    check_cards(Planned(settings_of(*TWO), "cuda").settings)
    with pytest.raises(AuditionError, match="this machine has 2"):
        check_cards(Planned(settings_of("parallel=ddp", "parallel.processes=4"), "cuda").settings)


def test_two_processes_never_share_a_card(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    assert rank.card(0) == "5"
    with pytest.raises(AuditionError, match=r"processes 0 and 1 of .* would share a card: .*=5"):
        rank.card(1)


def test_a_node_that_does_not_see_the_run_says_so(settings_of, tmp_path):
    settings = settings_of("parallel=ddp", f"paths.output_dir={tmp_path}")
    run = PlannedRun(Arm("baseline", ()), 42, settings, identify(settings), "word")
    team = SizedTeam(2)
    team.rank = 1
    payload = RunSpec(run.record, settings, {}).to_dict()
    with pytest.raises(
        AuditionError, match=r"process 1 of 2, on .*, does not see .*seed_42: choose"
    ):
        share(payload, team, print, bool)


def test_srun_is_not_told_what_slurm_said_to_the_worker(monkeypatch):
    monkeypatch.setattr(nodes, "first_host", lambda names: names.partition(",")[0])
    inherited = {
        "SLURM_JOB_ID": "70000",
        "SLURM_JOB_NODELIST": "a,b",
        "SLURM_NTASKS": "1",
        "SLURM_CONF": "/c",
        "RANK": "0",
        "HOME": "/h",
    }
    made = nodes.environment(inherited)
    port = int(made.pop("MASTER_PORT"))
    assert made == {"SLURM_CONF": "/c", "HOME": "/h", "MASTER_ADDR": "a"}
    assert port >= nodes.FIRST_PORT + 70000 % nodes.PORTS
    monkeypatch.setenv("SLURM_JOB_ID", "70000")
    words = nodes.command(2, 4, 3)
    assert {"--nodes=2", "--ntasks=4", "--ntasks-per-node=2", "--cpus-per-task=3"} <= {*words}


def test_a_process_of_srun_has_the_names_that_torch_reads():
    srun = {"SLURM_PROCID": "3", "SLURM_LOCALID": "1", "SLURM_NTASKS": "4"}
    nodes.as_torchrun(environ := dict(srun))
    assert environ == {**srun, "RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4"}
    nodes.as_torchrun(torchrun := {"RANK": "0", "SLURM_PROCID": "3"})
    assert torchrun == {"RANK": "0", "SLURM_PROCID": "3"}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ["srun: error: n2: task 1: Killed", "srun: error: n1: task 0: Exited with exit code 1"],
            "^process 1 of 2 on n2 was ended by SIGKILL",
        ),
        (
            ["srun: error: n1: tasks 0-1: Exited with exit code 3"],
            "^process 0 of 2 on n1 ended with code 3",
        ),
        (["srun: error: n2: task 1: Segmentation fault (core dumped)"], "on n2 .* by SIGSEGV"),
        (["a line of a library"], "^srun ended with code 1, and none of its 2 processes said why"),
    ],
)
def test_how_processes_ended_is_read_from_srun(lines, said):
    exits = nodes.Exits(messages := RankMessages())
    for line in lines:
        exits.hear(line.encode())
    with pytest.raises(AuditionError, match=said):
        raise AuditionError(messages.reason(2, 1, "srun"))


def test_long_messages_go_in_lines_that_srun_leaves_whole():
    long = {"metrics": {f'name \\ " {i}': i / 7 for i in range(200)}}
    reading, writing = os.pipe()
    say(writing, answer=long)
    say(writing, report={"step": 3})
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        lines = pipe.read().splitlines()
    messages = RankMessages()
    reports = [messages.hear(line) for line in lines]
    assert messages.answer == long
    assert reports[-1] == {"step": 3}
    assert max(map(len, lines)) < 1024
