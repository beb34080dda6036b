"""`audition edge`: an ONNX bundle with its own bench, and what devices said of it."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from audition.cli.command import ALLOW, JSON, LEDGER, command, emit, option
from audition.cli.opening import find_own_code, open_ledger
from audition.errors import AuditionError

if TYPE_CHECKING:
    from audition.records.store import Ledger

ADD = "add"


@command(
    "an ONNX bundle with its own bench, and what devices said of it",
    option(
        "words",
        nargs="*",
        metavar="RUN",
        help="a trained run, ARM/SEED, to bundle; `add FILE` files a device.json; nothing lists them",
    ),
    option("--deploy", default="fp32", metavar="WAY", help="fp32, int8 or int4 (fp32)"),
    option("--to", type=Path, metavar="DIR", help="the bundle (bundles/ beside the runs)"),
    *(ALLOW, LEDGER, JSON),
)
def edge(options: Namespace) -> None:
    """`audition edge`"""
    ledger, _ = open_ledger(options)
    if not options.words:
        return _list(options, ledger)
    if options.words[0] == ADD:
        return _add(options, ledger, [Path(word) for word in options.words[1:]])
    if len(options.words) > 1:
        raise AuditionError(f"one run makes a bundle: leave out {options.words[1]}")
    return _bundle(options)


def _list(options: Namespace, ledger: "Ledger") -> None:
    from audition.records.devices import DEVICES, plain
    from audition.report.devices import show_devices

    rows, _ = DEVICES.read(ledger.root)
    emit(options, [plain(row) for row in rows], lambda: show_devices(rows))


def _add(options: Namespace, ledger: "Ledger", paths: list[Path]) -> None:
    from audition.records.devices import file_row, plain
    from audition.report.devices import show_devices

    if not paths:
        raise AuditionError("audition edge add needs the device.json that bench.py wrote")
    rows = [file_row(ledger.root, path)[0] for path in paths]
    emit(options, [plain(row) for row in rows], lambda: show_devices(rows))


def _bundle(options: Namespace) -> None:
    from audition.errors import choices

    if options.deploy not in ("fp32", "int8", "int4"):
        raise AuditionError(
            f"--deploy {options.deploy} is no way to bundle"
            f"{choices(options.deploy, ('fp32', 'int8', 'int4'))}"
        )
    from audition.edge.bundle import check_edge, write_bundle
    from audition.records.devices import plain
    from audition.zoo.published import published, trained_run

    check_edge()
    find_own_code(options.allow)
    ledger, contents = open_ledger(options)
    record = trained_run(ledger, contents, options.words[0])
    name = f"{record.arm}_{record.seed}_{options.deploy}"
    folder = options.to or options.output_dir / "bundles" / name
    run = published(ledger, record, ("audition.", *options.allow))
    made = write_bundle(run, options.deploy, contents.records, folder)
    how = "as its deployed run was judged" if made.judged else "evaluated now"
    measured = ", ".join(f"{name} {value:.4f}" for name, value in made.measures.items())
    facts = {
        "folder": str(made.folder),
        "measures": dict(made.measures),
        "judged": made.judged,
        "host": plain(made.host),
    }
    said = (
        f"{made.folder}: {run.name}, {options.deploy} ({how}: {measured}); copy it to a device, there "
        "`python bench.py`, and here `audition edge add device.json`"
    )
    emit(options, facts, lambda: print(said))
