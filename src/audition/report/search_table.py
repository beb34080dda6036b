"""Searches in the terminal: one in a table of its best trials, or all of them, a line each."""

from collections.abc import Sequence

from rich.text import Text

from audition.answers.searches import (
    FLATTERED,
    columns,
    importance_lines,
    kinds,
    rows,
    sentence,
    trial_value,
)
from audition.console import console, table
from audition.records.studies import Account


def show_search(account: Account) -> None:
    """One search in the terminal."""
    out, trials = console(), rows(account)
    out.print(Text.assemble((account.name, "bold"), "  ", sentence(account)))
    out.print(table(columns(account), trials) if trials else "No trial is whole yet.")
    if len(account.objectives) > 1:
        numbers = ", ".join(str(trial.number) for trial in account.front())
        out.print(f"On the front: {numbers or 'none'}")
    for group, shares in importance_lines(account):
        out.print(Text.assemble(("what mattered ", "dim"), f"{group}: {shares}"))
    if trials:
        out.print(Text(FLATTERED, "dim"))


def show_searches(accounts: Sequence[Account]) -> None:
    """Every search, a line each."""
    lines = (
        (
            account.name,
            f"{len(account.trials)}: {kinds(account)}",
            trial_value(account, next(iter(account.whole), None)),
            trial_value(account, account.default),
        )
        for account in accounts
    )
    console().print(table((">study", "trials", "best", "default"), lines))
