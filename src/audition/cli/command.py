"""A command of `audition` as a value: its help, its options, and the function that carries it out."""

import json
import re
import traceback
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from audition.config.schema.kinds import Bound, Number, TypeMismatch
from audition.errors import AuditionError, choices

REWORDED = (
    (r"argument (.+): expected .*one argument", r"\1 needs a value"),
    (r"argument (.+): ignored explicit argument '(.*)'", r"\1 takes no value, and '\2' was given"),
    (r"the following arguments are required: (.+)", r"\1 must be given"),
    (r"ambiguous option: (\S+) could match (.+)", r"\1 may be \2: type more of it"),
    (r"argument (.+?): (.+)", r"\1 \2"),
)
"""Argparse's wording of a mistake, and ours."""

Run = Callable[[Namespace], None]


@dataclass(frozen=True)
class Option:
    """One argument, as `ArgumentParser.add_argument` takes it."""

    names: tuple[str, ...]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Command:
    """A function of the options that it names."""

    name: str
    help: str
    run: Run
    options: tuple[Option, ...]

    @property
    def reads_ledger(self) -> bool:
        """Whether it needs the root of a ledger in `options.output_dir`."""
        return LEDGER in self.options

    def __call__(self, options: Namespace) -> None:
        """Carry it out. Raises AuditionError where it cannot be.

        The statistics raise ValueError for numbers that they cannot judge: `alpha=2 is not a
        probability`. What else raises one is a mistake in the code, and keeps its traceback.
        """
        try:
            self.run(options)
        except ValueError as error:
            *_, (frame, _) = traceback.walk_tb(error.__traceback__)
            if not str(frame.f_globals["__name__"]).startswith("audition.stats."):
                raise
            raise AuditionError(str(error)) from None

    def fill(self, parser: ArgumentParser) -> None:
        """Let `parser` read its options."""
        for option in self.options:
            parser.add_argument(*option.names, **option.settings)
        parser.set_defaults(command=self)


def option(*names: str, **settings: Any) -> Option:
    """An argument of `ArgumentParser.add_argument`, to be shared among commands."""
    return Option(names, settings)


def command(help: str, *options: Option) -> Callable[[Run], Command]:
    """Make a function a command of its name."""
    return lambda run: Command(run.__name__, help, run, options)


class Parser(ArgumentParser):
    """Argparse, which says a mistake in one sentence: no usage over many lines."""

    def error(self, message: str) -> NoReturn:
        """Raises AuditionError."""
        for theirs, ours in REWORDED:
            if found := re.fullmatch(theirs, message):
                message = found.expand(ours)
                break
        raise AuditionError(f"{message} (`{self.prog} --help` lists what there is)")

    def _check_value(self, action: Any, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            what = (action.metavar or action.dest).lower()
            raise AuditionError(f"there is no {what} '{value}'{choices(value, action.choices)}")


def number(*bounds: Bound, whole: bool = False) -> Callable[[str], object]:
    """The type of an option that is a number, refused in the words that settings are refused in."""
    kind = Number(whole, bounds)

    def read(text: str) -> object:
        try:
            value = int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
        except ValueError:
            raise ArgumentTypeError(f"'{text}' is not {kind.noun}") from None
        try:
            return kind.fit(value)
        except TypeMismatch as mismatch:
            raise ArgumentTypeError(f"{text} {mismatch.text}") from None

    return read


def emit(options: Namespace, answer: object, show: Callable[[], None]) -> None:
    """Print `answer` as JSON where `--json` asks for it; otherwise let `show` print it for a reader."""
    if options.json:
        from audition.stats.comparison import json_ready

        print(json.dumps(answer, indent=1, allow_nan=False, default=json_ready))
    else:
        show()


LEDGER = option(
    "--output-dir",
    type=Path,
    default=SUPPRESS,
    metavar="FOLDER",
    help="the ledger (outputs, here or in a folder above); paths.output_dir=FOLDER says the same",
)
JSON = option("--json", action="store_true", default=SUPPRESS, help="print the answer as data")
METRIC = option(
    "--metric", metavar="NAME", help="any metric of the records (the plan's, or the task's own)"
)
POSITIVE = number(Bound(">", 0))
CHANCE = number(Bound(">", 0), Bound("<", 1))
COUNT = number(Bound(">=", 1), whole=True)
FROM_ZERO = number(Bound(">=", 0), whole=True)
SESOI = option(
    "--sesoi", type=POSITIVE, metavar="X", help="smallest gain that counts, in the metric's unit"
)
ALPHA = option(
    "--alpha", type=CHANCE, metavar="P", help="error of the interval (the plan's, or 0.05)"
)
SIDES = option(
    "--sides", choices=("two", "one"), help="whom α is shared by: both directions, or better alone"
)
ALLOW = option(
    "--allow",
    action="append",
    default=[],
    metavar="PREFIX",
    help="of code that the run's settings may name: mylab., found from here",
)
BASELINE = option("--baseline", metavar="HASH", help="beginning of its hash (the newest baseline)")
ARMS = option("arms", nargs="*", metavar="ARM", help="all of them by default")
PLAN = option("plan", nargs="?", metavar="PLAN", help="beginning of its digest; the latest plan")
