"""`audition reproduce`: train one run again, and compare it with its record bit by bit."""

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from audition.cli.command import ALLOW, JSON, LEDGER, command, emit, option
from audition.cli.opening import find_own_code, open_ledger

if TYPE_CHECKING:
    from audition.answers.run_diff import Difference, RunDiff


@command(
    "train a run again and compare it bit for bit",
    option("run", metavar="RUN", help="the beginning of its key, its folder, or ARM/SEED"),
    *(ALLOW, LEDGER, JSON),
)
def reproduce(options: Namespace) -> None:
    """`audition reproduce`; exit code 1 where the run did not come out the same."""
    from hydra import initialize_config_dir

    from audition.answers.run_diff import RunResult, compare
    from audition.cli.sentences import one_sentence
    from audition.config.root import conf_dir
    from audition.console import say
    from audition.records.find import find_run
    from audition.sweep.compose import Composer
    from audition.sweep.reproduce import drift, plan_reproduction, reproduce

    find_own_code(options.allow)
    ledger, contents = open_ledger(options)
    with one_sentence(), initialize_config_dir(str(conf_dir()), version_base="1.3"):
        record = find_run(ledger, contents, options.run)
        run = plan_reproduction(ledger, record, Composer("audition"), options.allow)
        if changed := drift(record, run.identity):
            say(f"{run.label}: {changed}; it is compared nevertheless")
        again = reproduce(run, ledger)
        diff = compare(RunResult.read(record, ledger.folder_of(record)), again)
    facts = {"run": run.label, "key": record.key, "changed": changed, **diff.to_dict()}
    emit(options, facts, lambda: show(run.label, diff))
    sys.exit(0 if diff.same else 1)


def show(label: str, diff: "RunDiff") -> None:
    """The comparison for a person."""
    if diff.same:
        print(f"{label} came out the same to the bit: {len(diff.compared)} facts compared.")
    else:
        print(f"{label} did not come out the same:")
        table(diff.differences)
    if "weights" not in diff.compared:
        print("Its record is older than digests of weights: they were not compared.")
    if diff.surroundings:
        print("Around it, this differs:")
        table(diff.surroundings)
    elif not diff.same:
        print("Nothing that is recorded of its surroundings differs.")


def table(differences: "tuple[Difference, ...]") -> None:
    """A line for each difference."""
    width = max(len(difference.what) for difference in differences)
    for d in differences:
        print(f"  {d.what:<{width}}  {shown(d.recorded)} → {shown(d.again)}")


def shown(value: Any) -> str:
    """A value on one line, every digit of it."""
    text = "–" if value is None or value == "" else str(value).replace("\n", " ")
    return text if len(text) <= 80 else f"{text[:77]}..."
