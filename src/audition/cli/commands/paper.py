"""`audition paper`: a plan as a paper, a post and slides, whose every number is from one file."""

from argparse import Namespace
from pathlib import Path

from audition.cli.command import JSON, LEDGER, PLAN, command, emit, option
from audition.cli.opening import open_ledger
from audition.errors import AuditionError


@command(
    "a plan as paper, post and slides, every number from one file",
    PLAN,
    option("--to", type=Path, metavar="DIR", help="the folder, which is made"),
    option("--title", metavar="TEXT", help="of the paper (its arms and its metric)"),
    option("--author", metavar="TEXT", help="under the title"),
    option(
        "--check",
        type=Path,
        metavar="DIR",
        help="only see that the prose of a folder has no number of its own, after an edit",
    ),
    *(LEDGER, JSON),
)
def paper(options: Namespace) -> None:
    """`audition paper`"""
    from audition.report.paper.write import check, figures_of

    if options.check is not None:
        check(options.check)
        facts = {"checked": str(options.check)}
        return emit(
            options, facts, lambda: print(f"{options.check}: every number is from numbers.json")
        )
    if options.to is None:
        raise AuditionError("audition paper needs a folder: --to DIR")
    from audition.console import say
    from audition.records.registration import plan_named, registrations
    from audition.report.paper.content import judged
    from audition.report.paper.write import write_paper

    ledger, contents = open_ledger(options)
    plans = registrations(ledger.root)
    plan = plan_named(plans, options.plan or "latest")
    written = write_paper(
        judged(ledger, contents, plan, plans),
        options.to,
        title=options.title,
        author=options.author,
    )
    for name in written.kept:
        say(f"{written.folder / name} was edited and is kept; its numbers are those of today")
    told: dict[str, object] = {
        "folder": str(written.folder),
        "pdf": str(written.pdf),
        "slides": str(written.slides),
        "kept": list(written.kept),
        "figures": figures_of(written.figures),
    }
    beside = "main.typ, main.tex, main.md, slides.pdf, numbers.json, figures/"
    return emit(options, told, lambda: print(f"{written.pdf} (and {beside})"))
