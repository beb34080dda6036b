"""`python -m audition.parallel.rank`: one process of a shared run, as torchrun starts it."""

import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from select import POLLHUP, poll, select
from typing import Any

from audition.errors import AuditionError
from audition.machine import VISIBLE, offered
from audition.parallel.launch import WORK
from audition.parallel.messages import say
from audition.reasons import cut

STDIN, STDOUT, STDERR = 0, 1, 2


def main() -> int:
    """Do this rank's part and report how it ended."""
    pipe = os.dup(STDOUT)
    os.dup2(STDERR, STDOUT)  # what a library prints must not be taken for a message
    threading.Thread(target=follow, name="lifeline", daemon=True).start()
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopping.append(number))
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
    device = payload["settings"]["execution"]["device"]
    # Of the cards it sees one alone: `cuda` is then the right one, as in a run of one process.
    os.environ[VISIBLE] = card(int(os.environ["LOCAL_RANK"])) if device == "cuda" else ""

    from audition.config.instantiate import find
    from audition.parallel.ranks import joined

    entry = find(asked["entry"])
    with joined(device) as team:
        return entry(  # type: ignore[no-any-return]
            payload,
            team,
            lambda report: say(pipe, report=dict(report)) if team.rank == 0 else None,
            lambda step: team.any(bool(stopping or select([STDIN], [], [], 0)[0])),
        )


def card(number: int) -> str:
    """What the card is called in CUDA_VISIBLE_DEVICES."""
    names = offered(os.environ.get(VISIBLE))
    return str(number) if names is None else names[number]


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
