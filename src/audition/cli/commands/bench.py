"""`audition bench`: how fast this machine trains, its best pool, and what a sweep will cost."""

import sys
from argparse import Namespace
from pathlib import Path

from audition.cli.command import JSON, POSITIVE, command, emit, option
from audition.command_line import output_dir
from audition.errors import AuditionError


@command(
    "speed of this machine, best pool, cost of a sweep",
    option(
        "overrides",
        nargs="*",
        metavar="OVERRIDE",
        help="a sweep, as it will be typed: +idea=NAME seed=42,137,256; the defaults without any",
    ),
    option("--seconds", type=POSITIVE, default=2.0, metavar="S", help="of each measurement (2)"),
    option("--config-dir", type=Path, metavar="DIR", help="a conf/ of your own, as in training"),
    option("-m", "--multirun", action="store_true", help="may be left standing; changes nothing"),
    JSON,
)
def bench(options: Namespace) -> None:
    """`audition bench`"""
    from hydra import initialize_config_dir

    from audition.bench.plan import plan_sweep
    from audition.bench.rig import progress, rig
    from audition.bench.show import show_findings
    from audition.bench.survey import survey
    from audition.cli.sentences import one_sentence
    from audition.cli.typed import quoted
    from audition.config.root import conf_dir
    from audition.machine import cores, gpus
    from audition.measured import remember

    folder = options.output_dir
    words = [*([output_dir(folder)] if folder else []), *map(quoted, options.overrides)]
    if options.config_dir:
        if not options.config_dir.is_dir():
            raise AuditionError(f"--config-dir {options.config_dir} is not a folder")
        words.append(f"hydra.searchpath=['file://{options.config_dir.resolve()}']")
    with one_sentence():
        with (
            initialize_config_dir(str(conf_dir()), version_base="1.3"),
            rig(options.seconds) as timer,
        ):
            sweep = plan_sweep(words)
            with progress(sys.stderr) as announce:
                found = survey(sweep, timer, announce, cores=cores(), cards=gpus())
        emit(options, found.to_dict(), lambda: show_findings(found))
        if not found.disturbed:
            remember(
                sweep.settings["paths"]["cache_dir"], found.pool(), found.to_dict(), found.ways
            )
