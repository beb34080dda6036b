"""The ledger that a command reads, and the baseline that its question is about."""

import gc
import os
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from audition.records.contents import contents_of
from audition.records.store import Contents, Ledger

if TYPE_CHECKING:
    from audition.answers import ArmRuns

MANY = 1000
"""Records that the collector is told to leave alone: a command is short, and it would look through
all of them again and again."""


def open_ledger(options: Namespace) -> tuple[Ledger, Contents]:
    """The ledger that the options name, and what it holds; files that cannot be read are named.

    Raises AuditionError where there is none.
    """
    from audition.report.runs import show_problems

    ledger = Ledger.found(options.output_dir)
    contents = contents_of(ledger)
    if len(contents.records) >= MANY:
        gc.freeze()
    show_problems(contents)
    return ledger, contents


def find_own_code(allow: Sequence[str]) -> None:
    """Let a person's own packages be imported from this folder, where code of theirs is allowed.

    Last, and not otherwise: the folder may be that of a ledger from elsewhere, and a module beside it
    would stand in for one of Python's.
    """
    if allow and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())


def open_baseline(options: Namespace) -> "tuple[Ledger, Mapping[str, ArmRuns], ArmRuns]":
    """The ledger, its arms by the metric that is asked for, and the baseline that is meant.

    Raises AuditionError where there is none.
    """
    from audition.answers.baselines import baseline_in
    from audition.records.registration import registrations

    ledger, contents = open_ledger(options)
    plans = registrations(ledger.root)
    arms, baseline = baseline_in(contents.records, options.baseline, options.metric, plans)
    return ledger, arms, baseline
