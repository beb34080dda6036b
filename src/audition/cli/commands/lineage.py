"""`audition lineage`: which units of a run died, and which descend from which."""

from argparse import Namespace
from pathlib import Path

from audition.cli.command import JSON, LEDGER, command, emit, option
from audition.cli.opening import open_ledger
from audition.errors import writing


@command(
    "the units of a run that died, their descendants, with figures and trees",
    option("run", metavar="RUN", help="the beginning of its key, its folder, or ARM/SEED"),
    option("--to", metavar="FOLDER", type=Path, help="of the figures (report/ beside the runs)"),
    option(
        "--export",
        metavar="FORMAT",
        choices=("json", "newick", "dot"),
        help="also write the whole family there: json, newick or dot (Graphviz)",
    ),
    *(LEDGER, JSON),
)
def lineage(options: Namespace) -> None:
    """`audition lineage`"""
    from audition.answers.lineage.measures import summary
    from audition.answers.lineage.read import family_of
    from audition.answers.lineage.trees import write_tree
    from audition.records.find import find_run
    from audition.report.gallery import draw_lineage
    from audition.report.lineage import show_lineage

    ledger, contents = open_ledger(options)
    record = find_run(ledger, contents, options.run)
    family = family_of(ledger, record)
    found, name = summary(family), f"{record.arm}/{record.seed}"
    if not options.json:
        show_lineage(name, found)
    folder = options.output_dir / "report" if options.to is None else options.to
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    pictures = draw_lineage(folder, name, family)
    files = [str(folder / f"{p.name}.{kind}") for p in pictures for kind in ("png", "svg")]
    if options.export:
        files.append(str(write_tree(folder, name, family, options.export)))
    said = f"{files[0]} (and {len(files) - 1} files more)"
    emit(options, {"run": name, **found, "files": files}, lambda: print(said))
