"""The local pool: one child process a job, forked from a warm server that has torch imported."""

from audition.sweep.pool.client import Server, ServerLost, warm
from audition.sweep.pool.display import Display
from audition.sweep.pool.job import End, Job, PoolSettings
from audition.sweep.pool.lines import display_for
from audition.sweep.pool.loop import run_pool
from audition.sweep.pool.queue import Source

__all__ = [
    "Display",
    "End",
    "Job",
    "PoolSettings",
    "Server",
    "ServerLost",
    "Source",
    "display_for",
    "run_pool",
    "warm",
]
