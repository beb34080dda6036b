"""Small runs for the pool's tests; `work` does what its payload says."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from audition.errors import AuditionError

Report = Callable[[dict[str, Any]], None]


prepared: list[str] = []


def prepare(payload: dict[str, Any]) -> None:
    prepared.append(payload["name"])
    if payload.get("unready"):
        raise ValueError("not yet")


def was_prepared(payload: dict[str, Any], report: Report) -> None:
    report({"prepared": list(prepared)})


def work(payload: dict[str, Any], report: Report) -> int:
    return int(globals()[payload["do"]](payload, report) or 0)


def square(payload: dict[str, Any], report: Report) -> None:
    report({"step": 1, "steps": 2})
    Path(payload["out"]).write_text(str(payload["n"] ** 2))
    report({"step": 2, "steps": 2, "loss": payload["n"] / 2})


def nothing(payload: dict[str, Any], report: Report) -> None:
    print("hello from", payload["name"])


def code(payload: dict[str, Any], report: Report) -> int:
    return int(payload["code"])


def leave(payload: dict[str, Any], report: Report) -> None:
    sys.exit(payload["code"])


def die(payload: dict[str, Any], report: Report) -> None:
    print("last words")
    os.kill(os.getpid(), payload["signal"])
    time.sleep(30)


def trip(payload: dict[str, Any], report: Report) -> None:
    raise ValueError("the loss\nis odd")


def user_mistake(payload: dict[str, Any], report: Report) -> None:
    raise AuditionError("there is no optimizer 'muno'.")


def hang(payload: dict[str, Any], report: Report) -> None:
    """Write my pid and my server's; on SIGTERM leave a mark and go."""

    def marked(*_: object) -> None:
        Path(payload["out"] + ".term").write_text("SIGTERM")
        sys.exit(143)

    signal.signal(signal.SIGTERM, marked)
    _introduce(payload, [os.getpid(), os.getppid()])
    time.sleep(600)


def finish(payload: dict[str, Any], report: Report) -> None:
    """Be whole just as SIGTERM comes."""
    whole: list[object] = []
    signal.signal(signal.SIGTERM, lambda *_: whole.append(1))
    _introduce(payload, [os.getpid(), os.getppid()])
    while not whole:
        time.sleep(0.01)


def stubborn(payload: dict[str, Any], report: Report) -> None:
    """Ignore SIGTERM, with a child process of my own."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "600"])
    _introduce(payload, [os.getpid(), os.getppid(), child.pid])
    child.wait()


def kill_server(payload: dict[str, Any], report: Report) -> None:
    while not Path(payload["wait_for"]).exists():
        time.sleep(0.01)
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)


def span(payload: dict[str, Any], report: Report) -> None:
    began = time.monotonic()
    time.sleep(0.03)
    Path(payload["out"]).write_text(json.dumps([began, time.monotonic()]))


def held(payload: dict[str, Any], report: Report) -> int:
    with Path(payload["out"]).open("a") as attempts:
        attempts.write("x")
    return 0 if Path(payload["free"]).exists() else 75


def free(payload: dict[str, Any], report: Report) -> None:
    time.sleep(0.2)
    Path(payload["out"]).touch()


def environment(payload: dict[str, Any], report: Report) -> None:
    names = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "PYTHONPATH")
    report({name: os.environ.get(name) for name in names} | {"folder": os.getcwd()})
    time.sleep(payload.get("sleep", 0.0))


def signals(payload: dict[str, Any], report: Report) -> None:
    """Which handlers a run meets, and whether anything else of the server is open in it."""
    report(
        {
            "term": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
            "int": signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
            "open": len(os.listdir("/dev/fd")),
        }
    )


def torch_threads(payload: dict[str, Any], report: Report) -> None:
    preloaded = "torch" in sys.modules
    import torch

    server_threads = len(os.listdir(f"/proc/{os.getppid()}/task")) if os.path.exists("/proc") else 1
    total = float((torch.ones(300, 300) @ torch.ones(300, 300)).sum())
    report(
        {
            "preloaded": preloaded,
            "threads": torch.get_num_threads(),
            "server_threads": server_threads,
            "total": total,
        }
    )


def chatter(payload: dict[str, Any], report: Report) -> None:
    for step in range(20_000):
        report({"step": step, "steps": 20_000})


def _introduce(payload: dict[str, Any], pids: list[int]) -> None:
    whole = Path(payload["out"])
    part = whole.with_suffix(".part")
    part.write_text(json.dumps(pids))
    part.rename(whole)


def step_for_ever(payload: dict[str, Any], report: Report) -> None:
    report({"step": 1, "steps": 9})
    time.sleep(600)
