"""`audition bench`: how fast this machine trains, its best pool, and what a sweep will cost."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from audition.errors import AuditionError

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(subcommands: "Subcommands", common: argparse.ArgumentParser) -> None:
    """Add the command and its options."""
    command = subcommands.add_parser(
        "bench", parents=[common], help="speed of this machine, best pool, cost of a sweep"
    )
    command.add_argument(
        "overrides",
        nargs="*",
        metavar="OVERRIDE",
        help="a sweep, as it will be typed: +idea=NAME seed=42,137,256; the defaults without any",
    )
    command.add_argument(
        "--seconds", type=float, default=2.0, metavar="S", help="of each measurement (2)"
    )
    command.add_argument(
        "-m", "--multirun", action="store_true", help="may be left standing; changes nothing"
    )
    command.set_defaults(command=show)


def show(options: argparse.Namespace) -> None:
    """`audition bench`"""
    from hydra import initialize_config_dir

    from audition.bench.asked import ask
    from audition.bench.progress import Progress
    from audition.bench.rig import rig
    from audition.bench.show import show_findings
    from audition.bench.survey import survey
    from audition.cli.sentences import one_sentence
    from audition.config.root import conf_dir
    from audition.machine import cores, gpus
    from audition.measured import remember

    with one_sentence():
        if not options.seconds > 0:
            raise AuditionError(f"--seconds {options.seconds:g} is no time: it must be above 0")
        with (
            initialize_config_dir(str(conf_dir()), version_base="1.3"),
            rig(options.seconds) as timer,
        ):
            asked = ask(words(options.overrides, options.output_dir))
            with Progress(sys.stderr) as progress:
                found = survey(asked, timer, progress.of, cores=cores(), cards=gpus())
        if options.json:
            print(json.dumps(found.to_dict(), indent=1))
        else:
            show_findings(found)
        if not found.disturbed:
            remember(asked.settings["paths"]["cache_dir"], found.pool(), found.to_dict())


def words(typed: list[str], output_dir: Path) -> list[str]:
    """The overrides as Hydra can read them, with the ledger that `--output-dir` names."""
    from audition.cli.typed import quoted

    own = "paths.output_dir="
    named = output_dir != Path("outputs") and not any(word.startswith(own) for word in typed)
    return [*([f"{own}'{output_dir}'"] if named else []), *map(quoted, typed)]
