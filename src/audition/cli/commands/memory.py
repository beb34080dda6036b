"""`audition memory`: the weights that a run kept since no other beats them: list, plot, restore."""

import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audition.cli.command import ALLOW, COUNT, JSON, LEDGER, command, emit, number, option
from audition.cli.opening import find_own_code, open_ledger
from audition.errors import AuditionError, writing
from audition.records.store import Ledger

if TYPE_CHECKING:
    from audition.records.archive import Archive, Point
    from audition.records.record import Record

SELECTORS = ("knee", "loss", "complexity")


@command(
    "weights that a run kept by complexity and loss: list, plot, restore",
    option("run", metavar="RUN", help="the beginning of its key, its folder, or ARM/SEED"),
    option(
        "--select",
        choices=SELECTORS,
        metavar="WHICH",
        help="knee, the best loss, or the least complexity (knee)",
    ),
    option("--bound", type=number(), metavar="X", help="the least complex that is X or better"),
    option("--step", type=COUNT, metavar="N", help="those of step N"),
    option("--to", type=Path, metavar="FILE", help="evaluate the chosen weights, and write them"),
    option("--out", type=Path, metavar="FIGURE", help="draw the archive: .png or .svg"),
    *(ALLOW, LEDGER, JSON),
)
def memory(options: Namespace) -> None:
    """`audition memory`; exit code 1 where restored weights do not come to what was stored."""
    from audition.console import say
    from audition.records.archive import read_archive
    from audition.records.find import find_run
    from audition.report.memory import draw_archive, show_archive

    ledger, contents = open_ledger(options)
    run = find_run(ledger, contents, options.run)
    folder = ledger.folder_of(run)
    archive = read_archive(folder)
    chosen = _chosen(archive, options)
    restored = None
    if options.to is not None:
        if chosen is None:
            raise AuditionError(f"{folder} keeps no weights to restore")
        restored = _restored(options.to, ledger, run, archive, chosen, options.allow)
    if options.out is not None:
        draw_archive(archive, options.out, f"{run.arm} seed {run.seed}", chosen)
        say(f"drawn in {options.out}")
    facts = {
        **archive.to_dict(),
        "chosen": None if chosen is None else chosen.step,
        **({} if restored is None else {"restored": str(options.to), "value": restored}),
    }
    emit(options, facts, lambda: show_archive(archive, chosen, run.unit))
    if chosen is not None and restored is not None:
        _compare(archive, chosen, restored, options.to)


def _chosen(archive: "Archive", options: Namespace) -> "Point | None":
    """The point that the options name, the knee without any; None where no weights are kept."""
    asked = {"--select": options.select, "--bound": options.bound, "--step": options.step}
    given = [name for name, value in asked.items() if value is not None]
    if len(given) > 1:
        raise AuditionError(f"{' and '.join(given)} each choose weights: give one of them")
    if options.bound is not None:
        return archive.least(options.bound)
    if options.step is not None:
        return archive.at(options.step)
    if not archive.stored:
        return None
    if options.select == "complexity":
        return archive.stored[0]
    return archive.best() if options.select == "loss" else archive.knee()


def _restored(
    path: Path,
    ledger: Ledger,
    run: "Record",
    archive: "Archive",
    chosen: "Point",
    allow: Sequence[str],
) -> float:
    """The value that the chosen weights come to today; they are then in the file `path`."""
    from hydra import initialize_config_dir

    from audition.cli.sentences import one_sentence
    from audition.config.root import conf_dir
    from audition.plain_file import write_whole
    from audition.records.archive import read_weights
    from audition.sweep.check import check_machine
    from audition.sweep.compose import Composer
    from audition.sweep.reproduce import relocated, settings_of
    from audition.training.restored import evaluate_weights

    find_own_code(allow)
    content = read_weights(ledger.folder_of(run), chosen)
    with one_sentence(), initialize_config_dir(str(conf_dir()), version_base="1.3"):
        settings = relocated(
            settings_of(ledger, run, Composer("audition"), allow), ledger.root, ledger.root
        )
        alone: Mapping[str, object] = {"_target_": "audition.parallel.alone.Alone"}
        check_machine(settings)
        values = evaluate_weights({**settings, "parallel": alone}, content)
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
    return values[archive.metric]


def _compare(archive: "Archive", chosen: "Point", restored: float, path: Path) -> None:
    from audition.console import say

    what = f"{path}: the weights of step {chosen.step} come to {archive.metric} {restored:.6g}"
    if restored == chosen.value:
        say(f"{what}, as stored, to the bit")
        return
    say(f"{what}, stored was {chosen.value:.6g}")
    near = abs(restored - chosen.value) <= 1e-3 * max(1.0, abs(chosen.value))
    if not near:
        sys.exit(1)
