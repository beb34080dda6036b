"""`python -m audition.parallel.rank`: one process of a shared run, as torchrun or srun starts it."""

import json
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from select import POLLHUP, poll, select
from typing import Any

from audition.config.instantiate import construct, find
from audition.errors import AuditionError
from audition.machine import VISIBLE, offered
from audition.parallel.launch import WORK
from audition.parallel.messages import say
from audition.parallel.nodes import as_torchrun
from audition.reasons import cut

STDIN, STDOUT, STDERR = 0, 1, 2


def main() -> int:
    """Do this rank's part and report how it ended."""
    pipe = os.dup(STDOUT)
    os.dup2(STDERR, STDOUT)  # what a library prints must not be taken for a message
    threading.Thread(target=follow, name="lifeline", daemon=True).start()
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):  # a cluster's warnings
        signal.signal(number, lambda number, frame: stopping.append(number))
    as_torchrun(os.environ)
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    try:
        answer = work(json.loads(os.environ.pop(WORK)), pipe, stopping)
    except AuditionError as error:
        say(pipe, failed=cut(str(error)))
        return 1
    except BaseException as error:
        traceback.print_exc()
        last = traceback.format_exception_only(error)[-1].strip()
        say(pipe, failed=cut(f"process {rank} of {size} raised {last}"))
        return 1
    if rank == 0:
        say(pipe, answer=answer)
    return 0


def work(asked: Mapping[str, Any], pipe: int, stopping: Sequence[int]) -> Mapping[str, Any]:
    """Join the others, and call what is to be called; `stopping` holds the signals so far."""
    payload = asked["payload"]
    settings = payload["settings"]
    device, parallel = settings["execution"]["device"], construct(settings["parallel"])
    # Of the cards it sees one alone: `cuda` is then the right one, as in a run of one process.
    os.environ[VISIBLE] = card(int(os.environ["LOCAL_RANK"])) if device == "cuda" else ""

    from audition.parallel.ranks import joined

    entry = find(asked["entry"])
    with joined(device, parallel.nodes):
        team = parallel.team(device)
        return entry(  # type: ignore[no-any-return]
            payload,
            team,
            lambda report: say(pipe, report=dict(report)) if team.rank == 0 else None,
            lambda step: team.any(bool(stopping or select([STDIN], [], [], 0)[0])),
        )


def card(number: int) -> str:
    """What the card is called in CUDA_VISIBLE_DEVICES.

    Raises AuditionError where another process of this node would have the same one.
    """
    names = offered(os.environ.get(VISIBLE))
    if names is None:
        return str(number)
    if number >= len(names):
        raise AuditionError(
            f"processes {number % max(len(names), 1)} and {number} of {socket.gethostname()} would "
            f"share a card: {VISIBLE}={','.join(names)} has {len(names)}, and each needs one of its own"
        )
    return names[number]


def follow() -> None:
    """Exit once the worker has died: another may have taken the run over, and only one may write."""
    lifeline = poll()
    lifeline.register(STDIN, 0)  # POLLHUP is reported without being asked for
    while not any(event & POLLHUP for _, event in lifeline.poll()):
        pass
    os._exit(1)


if __name__ == "__main__":
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    # A process group that has lost a member cannot always be taken apart.
    os._exit(code)
