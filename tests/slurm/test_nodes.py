"""One run on two nodes of a real Slurm: the run of one process, whatever happens on the way."""

import json
import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.slurm.conftest import box
from warm import PATIENCE_S

pytestmark = [pytest.mark.slurm, pytest.mark.xdist_group("slurm two")]

SLURM = ("hydra/launcher=slurm_cpu", "hydra.launcher.mem_gb=1")
SPREAD = ("parallel.nodes=2", "parallel.processes=2")
TWO = ("parallel=ddp", *SPREAD)
LASTING = (
    "budget.steps=400",
    "training.evaluations=1",
    "training.clip=null",
    "data.batch_size=8",
    "seed=1",
)
OFTEN = ("checkpoint.minutes=0.02", "checkpoint.share=0.99")


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Any]:
    """A box of its own, with a second slurmd."""
    with box(SLURM_BOX_NODES="2") as running:
        yield running


@pytest.fixture(scope="module")
def alone(at_home: Any) -> Any:
    """The record of the same run, made here by one process in two pieces."""
    assert at_home.train(*LASTING, "execution.accumulate=2").returncode == 0
    return at_home.records()["baseline 1"]


def test_warned_of_its_end_and_put_back_it_is_the_run_of_one_process(
    two_nodes: Any, door: Any, alone: Any
) -> None:
    """Without dropout, its weights are those of one process in two pieces, to the bit."""
    with door.begin(*SLURM, *TWO, *LASTING, environment=two_nodes.environment) as sweep:
        door.await_step(100)
        (job,) = (job for job, state in two_nodes.jobs().items() if state == "RUNNING")
        steps = two_nodes.ask("squeue", "--noheader", "--steps", "--format=%N").split()
        # As Slurm does when the time is nearly up: to every process of every step.
        two_nodes.ask("scancel", "--signal=USR2", job)
        _, said = sweep.communicate(timeout=PATIENCE_S)
    assert sweep.returncode == 0, said
    assert any("," in nodes for nodes in steps), steps
    record = door.records()["baseline 1"]
    assert (record.status, record.weights) == ("finished", alone.weights)
    assert record.metrics == pytest.approx(alone.metrics, rel=1e-9)
    (folder,) = (door.output / "runs" / "baseline").glob("*/seed_1")
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    assert_all_steps(lines)
    assert not list(folder.glob("checkpoint*"))


def test_a_process_that_is_killed_on_the_other_node_ends_the_run_which_then_goes_on(
    two_nodes: Any, door: Any, alone: Any
) -> None:
    """Each process holds a part of the weights, and writes that part of a checkpoint."""
    words = (*SLURM, "parallel=fsdp", *SPREAD, *LASTING, *OFTEN)
    with door.begin(*words, environment=two_nodes.environment) as sweep:
        door.await_step(150)
        (folder,) = (door.output / "runs" / "baseline").glob("*/seed_1")
        assert list(folder.glob("checkpoint.*shards"))
        os.kill(second_rank(), signal.SIGKILL)
        _, said = sweep.communicate(timeout=PATIENCE_S)
    assert sweep.returncode == 1, said
    record = door.records()["baseline 1"]
    assert record.status == "failed"
    assert record.reason.startswith("process 1 of 2 on ")
    assert record.reason.endswith("was ended by SIGKILL (the machine was out of memory, perhaps)")
    until = time.monotonic() + PATIENCE_S
    while "RUNNING" in two_nodes.jobs().values():  # nothing is left of it on either node
        assert time.monotonic() < until
        time.sleep(0.2)
    again = door.train(*words, environment=two_nodes.environment)
    assert again.returncode == 0, again.stderr
    record = door.records()["baseline 1"]
    assert (record.status, record.weights) == ("finished", alone.weights)
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    assert_all_steps(lines)


def assert_all_steps(lines: Iterable[dict[str, Any]]) -> None:
    """Every tenth step once, and none twice; a look at held-out rows has a line of its own."""
    steps = [line["step"] for line in lines if "train/loss" in line]
    assert steps == sorted(set(steps))
    assert [step for step in steps if step % 10 == 0] == list(range(10, 401, 10))


def second_rank() -> int:
    """The process that runs as rank 1."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"audition.parallel.rank" in command and b"SLURM_PROCID=1" in environment:
            return int(folder.name)
    raise AssertionError("no rank 1")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((*TWO, "hydra.launcher.runs_per_job=2"), "choose runs_per_job=1, or one node"),
        (("parallel=ddp", "parallel.nodes=1,2"), "cannot be jobs of one array"),
    ],
)
def test_what_nodes_cannot_do_is_one_sentence(
    two_nodes: Any, door: Any, words: tuple[str, ...], sentence: str
) -> None:
    ended = door.train(
        *SLURM, "data.batch_size=10", *words, "seed=1,2", environment=two_nodes.environment
    )
    assert ended.returncode == 2, ended.stderr
    assert sentence in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
    assert not door.records()
