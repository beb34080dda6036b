"""`audition watch`: a sweep or a search under way, in any shell that sees its folder."""

import json
import sys
import time
from argparse import Namespace
from typing import TYPE_CHECKING

from audition.cli.command import JSON, LEDGER, PLAN, command, option

if TYPE_CHECKING:
    from audition.answers.live_runs import LiveRun
    from audition.records.metrics import MetricsCache
    from audition.sweep.cluster.campaigns import Found

EVERY_S = 1.5
PATIENCE = 7
"""Looks at a search without a run under way after which it is taken to be over."""


@command(
    "follow a sweep or a search under way",
    *(PLAN, option("--once", action="store_true", help="one picture, as in a pipe"), LEDGER, JSON),
)
def watch(options: Namespace) -> None:
    """`audition watch`; ends with the sweep's last run, or by Ctrl-C, which stops nothing else."""
    from rich.live import Live

    from audition.answers.campaign import is_over
    from audition.console import console
    from audition.records.metrics import MetricsCache
    from audition.report.progress import progress
    from audition.report.runs import show_problems

    cache, out = MetricsCache(), console(160)
    found, running = look(options, cache)
    show_problems(found.contents)
    if options.json:
        print(json.dumps([run.to_dict() for run in running], indent=1))
        return
    if options.once or not sys.stdout.isatty():
        out.print(progress(found.plan, found.states, running))
        return
    with Live(progress(found.plan, found.states, running), console=out, auto_refresh=False) as live:
        try:
            idle = int(is_over(found.states) and not running)
            # Between two trials of a search there may be no run for a moment.
            while idle < (PATIENCE if found.plan.screening else 1):
                time.sleep(EVERY_S)
                found, running = look(options, cache)
                idle = idle + 1 if is_over(found.states) and not running else 0
                live.update(progress(found.plan, found.states, running), refresh=True)
        except KeyboardInterrupt:
            return


def look(options: Namespace, cache: "MetricsCache") -> "tuple[Found, list[LiveRun]]":
    """The plan now, and the runs under way: its own, then those that no plan has named."""
    from audition.answers.live_runs import live_runs, unplanned_runs
    from audition.records.store import Ledger
    from audition.sweep.cluster.campaigns import find

    found = find(options.output_dir, options.plan)
    ledger = Ledger(options.output_dir)
    others = unplanned_runs(found.plan, ledger)
    return found, live_runs([*found.states, *others], ledger, cache)
