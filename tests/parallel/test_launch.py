"""The worker and its ranks: how a shared run ends, well or badly, and what is then on file."""

import json
import re
import time
from contextlib import suppress
from pathlib import Path

import parallel_entries
import pytest
from tests.parallel.conftest import DDP
from warm import PATIENCE_S

from audition.errors import AuditionError
from audition.parallel.launch import launch
from audition.parallel.messages import RankMessages
from audition.training.loop import train
from audition.training.worker import facts, measures_of

LONG = ("data.batch_size=8", "budget.steps=150", "training.clip=null")


@pytest.mark.parametrize("parallel", ["parallel=ddp", "parallel=fsdp"])
def test_a_run_on_file_stopped_and_taken_up(settings_of, job_of, launched, tmp_path, parallel):
    """Without dropout, its weights are those of one process to the bit."""
    first, second, reports = launched(
        "on_file", settings_of(parallel, *LONG, f"paths.output_dir={tmp_path}")
    )
    assert (first["status"], first["reason"]) == (
        "interrupted",
        f"stopped at step {first['steps']}",
    )
    assert 0 < first["steps"] < 150
    assert {"phase", "step", "loss", "units_per_s"} <= set().union(*reports)
    assert second["status"] == "finished"
    whole_job = job_of("execution.accumulate=2", *LONG)
    whole = facts(train(whole_job), measures_of(whole_job))
    assert second["weights"] == whole["weights"]
    assert second["metrics"] == pytest.approx(whole["metrics"], rel=1e-9)
    folder = next(tmp_path.glob("runs/baseline/*/seed_42"))
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    steps = [json.loads(line)["step"] for line in lines]
    assert sorted({*steps}) == [*range(10, 151, 10)]
    assert not list(folder.glob("checkpoint*"))


def test_where_they_cannot_meet_no_process_is_blamed(settings_of, launched):
    payload = {"settings": settings_of(*DDP)}
    said = launched("wrong", payload, GLOO_SOCKET_IFNAME="nowhere0")["refused"]
    assert said.startswith("the processes of this run cannot meet over GLOO_SOCKET_IFNAME=nowhere0")
    assert "process 1" not in said


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("lost", r"^process 1 of 2 was ended by SIGKILL \(the machine was out of"),
        ("wrong", r"^the moon is full: choose another night$"),
    ],
)
def test_a_rank_that_ends_takes_the_run_with_it(settings_of, launched, entry, said):
    payload = {"settings": settings_of(*DDP, "budget.steps=null", "budget.minutes=5")}
    assert re.search(said, launched(entry, payload)["refused"])


def test_ranks_do_not_outlive_their_worker(settings_of, launching, tmp_path):
    with launching("endless", {"settings": settings_of(*DDP), "folder": str(tmp_path)}) as worker:
        files = [tmp_path / f"{rank}.pid" for rank in (0, 1)]
        wait_for(lambda: all(file.exists() and file.read_text() for file in files))
        ranks = [int(file.read_text()) for file in files]
        worker.kill()
        worker.wait()
    wait_for(lambda: not any(map(lives, ranks)))


@pytest.mark.slow
def test_a_run_of_processes_that_python_started(settings_of, tmp_path):
    """Those of the other tests are forks of one that had imported everything."""
    answer = launch(
        parallel_entries.whole_one,
        {"settings": settings_of(*DDP), "folder": str(tmp_path)},
        2,
        lambda report: None,
        lambda step: False,
    )
    assert answer["status"] == "finished"


def wait_for(happened):
    until = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.05)


def lives(process):
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([{"failed": "connection lost"}, {"ended": {"0": 1, "1": -11}}], "process 1 .* by SIGSEGV"),
        ([{"failed": "first"}, {"failed": "second"}, {"ended": {"1": 1}}], "^first$"),
        ([{"ended": {"1": 3}}], "process 1 of 2 ended with code 3"),
        ([], "torchrun ended with code 9, and none of its 2 processes said why"),
    ],
)
def test_the_cause_is_told_from_what_followed(lines, said):
    heard = RankMessages()
    for line in lines:
        assert heard.hear(json.dumps(line).encode()) is None
    with pytest.raises(AuditionError, match=said):
        raise AuditionError(heard.reason(2, 9))
