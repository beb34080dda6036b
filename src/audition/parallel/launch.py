"""The worker's side of a run in several processes: start them, read their messages, ask them to stop.

Stdin protocol: one byte means stop after this step, and is never read, so that every rank sees it;
EOF means that the worker has died, and every rank exits at once.
"""

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from select import select
from subprocess import PIPE, Popen
from types import MappingProxyType
from typing import Any

from audition.errors import AuditionError
from audition.parallel import nodes as of_slurm
from audition.parallel.alone import Entry, StopAsked, Tell
from audition.parallel.checks import check_job
from audition.parallel.messages import RankMessages

WORK = "AUDITION_SHARED_RUN"
"""The environment variable that holds what is to be done."""

LOOK_S = 0.1
"""Time between looks at whether the run is asked to end [s]."""


def launch(
    entry: Entry,
    payload: Mapping[str, Any],
    processes: int,
    tell: Tell,
    interrupted: StopAsked,
    nodes: int = 1,
    more: Mapping[str, str] = MappingProxyType({}),
) -> Mapping[str, Any]:
    """Call `entry` in each of so many processes on so many nodes and return what it answers rank 0.

    Each process has torch's process group, reports of rank 0 go to `tell`, and `interrupted` is
    what any of them is told. `more` is added to their environment, where it has no word of its own.
    Raises AuditionError where there is no answer: the reason is in it.
    """
    work = {"entry": f"{entry.__module__}.{entry.__qualname__}", "payload": dict(payload)}
    environment = {
        **more,
        **os.environ,
        WORK: json.dumps(work),
        "OMP_NUM_THREADS": str(payload["settings"]["execution"]["threads"]),
        # What a rank prints that the terminal cannot show must not end it.
        "PYTHONIOENCODING": os.environ.get("PYTHONIOENCODING", "").partition(":")[0]
        + ":backslashreplace",
        "PYTHONSAFEPATH": "1",  # nothing beside a ledger stands in for a module
        "PYTHONPATH": os.pathsep.join(folder or os.getcwd() for folder in sys.path),
    }
    command = [sys.executable, "-m", "audition.parallel.agent", str(processes)]
    if nodes > 1:
        check_job(nodes)
        threads = payload["settings"]["execution"]["threads"]
        command = of_slurm.command(nodes, processes, threads)
        environment = of_slurm.environment(environment)
    messages = RankMessages()
    # A session of its own: Ctrl-C in a terminal would end it where it is to be asked.
    with Popen(
        command,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE if nodes > 1 else None,
        env=environment,
        start_new_session=True,
    ) as agent:
        _listen(agent, messages, tell, interrupted)
    if messages.answer is None:
        raise AuditionError(
            messages.reason(processes, agent.returncode, "srun" if nodes > 1 else "torchrun")
        )
    return messages.answer


def _listen(
    agent: "Popen[bytes]", messages: RankMessages, tell: Tell, interrupted: StopAsked
) -> None:
    """Read messages until the last of the processes has closed its end of the pipe."""
    assert agent.stdin is not None
    assert agent.stdout is not None
    step, asked, exits = 0, False, of_slurm.Exits(messages)
    rests = {pipe: b"" for pipe in (agent.stdout, agent.stderr) if pipe is not None}
    while rests:
        readable, _, _ = select([*rests], [], [], LOOK_S)
        if not asked and interrupted(step):
            asked = True
            with suppress(OSError):
                agent.stdin.write(b"!")
                agent.stdin.flush()
        for pipe in readable:
            chunk = os.read(pipe.fileno(), 65536)
            if not chunk:
                del rests[pipe]
                continue
            *lines, rests[pipe] = (rests[pipe] + chunk).split(b"\n")
            for line in lines:
                if pipe is agent.stderr:
                    exits.hear(line)
                    continue
                report = messages.hear(line)
                if report is not None:
                    step = report.get("step", step)
                    tell(report)
