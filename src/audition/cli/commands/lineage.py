"""`audition lineage`: the units of a run: which died, who descends from whom, what they respond to."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from audition.cli.command import JSON, LEDGER, command, emit, option
from audition.cli.opening import open_ledger
from audition.errors import AuditionError, writing


@command(
    "the units of a run: who died, who descends from whom, what each responds to",
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
    from audition.answers.lineage.read import units_of
    from audition.answers.lineage.trees import write_tree
    from audition.answers.specialization import specialization
    from audition.records.codec import finite
    from audition.records.find import find_run
    from audition.report.gallery import draw_careers, draw_lineage
    from audition.report.lineage import show_lineage
    from audition.report.specialization import show_specialization

    ledger, contents = open_ledger(options)
    record = find_run(ledger, contents, options.run)
    units, name = units_of(ledger, record), f"{record.arm}/{record.seed}"
    answer: dict[str, Any] = {"run": name}
    files: list[str] = []
    folder = options.output_dir / "report" if options.to is None else options.to
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if units.family is not None:
        answer |= summary(units.family)
        if not options.json:
            show_lineage(name, answer)
        pictures = draw_lineage(folder, name, units.family)
        files += [str(folder / f"{p.name}.{kind}") for p in pictures for kind in ("png", "svg")]
        if options.export:
            files.append(str(write_tree(folder, name, units.family, options.export)))
    elif options.export:
        raise AuditionError(f"no unit of {name} has died, so there is no family to export")
    if units.careers:
        answer["specialization"] = specialization(units.careers, units.family)
        if not options.json:
            show_specialization(answer["specialization"])
        drawn = draw_careers(folder, name, units.careers)
        files += [str(folder / f"{p.name}.{kind}") for p in drawn for kind in ("png", "svg")]
    said = f"{files[0]} (and {len(files) - 1} files more)" if files else ""
    emit(options, finite({**answer, "files": files}), lambda: print(said) if said else None)
