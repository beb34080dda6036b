"""`audition benchmark`: loss, seconds, updates, memory and forgetting of every arm, a table a set."""

from argparse import Namespace

from audition.cli.command import JSON, LEDGER, METRIC, command, emit, option
from audition.cli.opening import open_baseline, open_ledger


@command(
    "loss, seconds, updates, memory and forgetting of every arm, a table a set",
    option("--baseline", metavar="HASH", help="beginning of its hash (every baseline)"),
    *(METRIC, LEDGER, JSON),
)
def benchmark(options: Namespace) -> None:
    """`audition benchmark`"""
    from audition.answers import arms_of
    from audition.answers.benchmark import benchmarks
    from audition.records.registration import registrations
    from audition.report.benchmark_table import show_benchmarks

    if options.baseline is None:
        ledger, contents = open_ledger(options)
        plans = registrations(ledger.root)
        found = benchmarks(ledger, arms_of(contents.records, options.metric, plans), plans)
    else:
        ledger, arms, baseline = open_baseline(options)
        found = benchmarks(ledger, arms, registrations(ledger.root), baseline.config_hash)
    emit(options, [each.to_dict() for each in found], lambda: show_benchmarks(found))
