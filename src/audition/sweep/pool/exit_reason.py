"""From what a process left behind to how its job ended, in a sentence."""

import os
import signal

from audition.sweep.pool.job import End

BUSY = os.EX_TEMPFAIL
"""Exit code 75: another process holds this run."""


def end_of(exit_code: int, seconds: float, *, word: str = "", stopped: str = "") -> End:
    """The end of a child that left `exit_code` (-n for signal n) after `seconds` [s].

    word: what the child itself said of its failure. stopped: why the pool ended it, which
    outweighs whatever it left but 0: that run is whole.
    """
    if exit_code == 0:
        return End(status="ok", seconds=seconds, exit_code=0)
    if stopped:
        return End(status="failed", seconds=seconds, exit_code=exit_code, reason=stopped)
    if exit_code == BUSY and not word:
        reason = "another process holds this run"
        return End(status="busy", seconds=seconds, exit_code=exit_code, reason=reason)
    reason = word or (_killed(-exit_code) if exit_code < 0 else f"exited with code {exit_code}")
    return End(status="failed", seconds=seconds, exit_code=exit_code, reason=reason)


def interrupted(exit_code: int | None, seconds: float) -> End:
    """The end of a child that the sweep's own end stopped; None where it was not seen to go."""
    if exit_code == 0:
        return End(status="ok", seconds=seconds, exit_code=0)
    reason = (
        "interrupted"
        if exit_code is None or exit_code >= 0
        else f"interrupted by signal {-exit_code}"
    )
    return End(status="interrupted", seconds=seconds, exit_code=exit_code, reason=reason)


def _killed(number: int) -> str:
    if number == signal.SIGKILL:
        return "killed by signal 9 (out of memory?)"
    try:
        return f"killed by signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"killed by signal {number}"
