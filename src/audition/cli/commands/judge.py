"""`audition judge`: the verdict on runs that were made elsewhere, from a table of them."""

from argparse import Namespace
from pathlib import Path

from audition.cli.command import ALPHA, JSON, SESOI, SIDES, command, emit, option


@command(
    "the verdict on runs made elsewhere, from a table of them",
    option(
        "file",
        type=Path,
        metavar="FILE",
        help="CSV, JSON lines or Parquet, an export of W&B or MLflow, or an mlruns folder",
    ),
    option("--metric", required=True, metavar="COLUMN", help="that arms are judged by"),
    option("--baseline", required=True, metavar="ARM", help="that the others are compared with"),
    option("--arm", metavar="COLUMN", help="that says what was tried"),
    option("--seed", metavar="COLUMN", help="runs of the same seed are compared in pairs"),
    option("--name", metavar="PATTERN", help="of runs' names instead, e.g. {arm}-seed{seed}"),
    option("--step", metavar="COLUMN", help="of several rows of a run, its largest one counts"),
    option(
        "--higher-is-better",
        action="store_const",
        const=True,
        help="as with an accuracy",
    ),
    option(
        "--lower-is-better",
        action="store_const",
        const=False,
        dest="higher_is_better",
        help="whatever the metric is called",
    ),
    *(SESOI, ALPHA, SIDES, JSON),
)
def judge(options: Namespace) -> None:
    """`audition judge`"""
    from audition.answers.elsewhere import judge_losses
    from audition.console import say
    from audition.report.terminal import show_verdicts
    from audition.run_tables import losses_of, read_rows
    from audition.text import count

    asked = {name: getattr(options, name) for name in ("arm", "seed", "name", "step")}
    losses = losses_of(read_rows(options.file), metric=options.metric, **asked)
    for reason, rows in losses.left_out.items():
        hint = "; write nan for a run that diverged" if reason.startswith("without ") else ""
        say(f"{count(rows, 'row')} left out: {reason}{hint}")
    found = judge_losses(
        losses.arms,
        options.baseline,
        metric=options.metric,
        higher_is_better=options.higher_is_better,
        sesoi=options.sesoi,
        alpha=options.alpha,
        sides=options.sides or "two",
    )
    emit(options, [verdict.to_dict() for verdict in found], lambda: show_verdicts(found))
