"""The text of each idea and each search on the page and in its Markdown copy."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from audition.answers import ArmRuns, Judgement
from audition.answers.commands import commands
from audition.answers.next_step import NextStep
from audition.answers.provenance import cards_of
from audition.answers.searches import FLATTERED, columns, importance_lines, rows, sentence
from audition.answers.verdict import Verdict
from audition.command_line import audition_command
from audition.config.card import Card
from audition.plain_file import read_text
from audition.records.contents import SAMPLE
from audition.records.store import Ledger
from audition.records.studies import Account
from audition.report.figures.drawing import SEEDS
from audition.report.figures.gains import gains
from audition.report.gallery import Picture, draw_search, embedded
from audition.report.registered import (
    WEIGHTS,
    further_lines,
    is_confirmatory,
    registered_lines,
    registered_notes,
)
from audition.report.verdict_notes import contradictions, notes
from audition.report.verdict_text import Line, card_rule, headline, lines
from audition.text import duration, gain, gain_interval, plain_level, probability, signed


@dataclass(frozen=True)
class IdeaFacts:
    """One idea's part of the report; every number is text already."""

    name: str
    verdict: str
    kind: str
    stamp: str  # screened or confirmed, as planned or exploratory
    sentence: str  # the answer
    next: NextStep
    summary: tuple[str, ...]  # its row in the table of verdicts, after name and verdict
    weight: str  # what a registered test says of its claim; empty where it is none
    lines: tuple[Line, ...]
    further: tuple[Line, ...]  # beside a registered test: exploratory
    further_notes: tuple[str, ...]
    notes: tuple[str, ...]
    commands: tuple[str, ...]
    cards: tuple[Card, ...]
    samples: tuple[tuple[str, str], ...]  # (whose, the text that it wrote), of one seed
    runs: tuple[tuple[str, ...], ...]  # rows of `run_columns`
    more_runs: str  # what to say of the runs that have no row; empty where all have one


def run_columns(arm: ArmRuns) -> tuple[str, ...]:
    """The heads of the table of runs."""
    return ("arm", "seed", "status", arm.measure.label, "improvement", arm.unit, *TIMES)


TIMES = ("time", "started (UTC)")
REGISTERED_COLUMNS = ("improvement", "interval", "p adjusted", "seeds")
SUMMARY_COLUMNS = ("improvement", "interval", "p adjusted", "Cohen's d", "seeds", "card's rule")


def facts_of(verdict: Verdict, ledger: Ledger) -> IdeaFacts:
    """Put one verdict in words; `ledger` has the runs' folders."""
    judgement = verdict.judgement
    c, arm = judgement.comparison, judgement.arm
    confirms = is_confirmatory(judgement)
    return IdeaFacts(
        name=c.idea,
        verdict=c.verdict,
        kind=c.kind or "",
        stamp=f"{c.tier}, {judgement.standing.word}",
        sentence=headline(judgement),
        next=verdict.next,
        summary=tuple(
            cell
            for column, cell in zip(
                SUMMARY_COLUMNS,
                (
                    gain(c.improvement, judgement.measure),
                    gain_interval(c.ci, judgement.measure),
                    probability(c.p_adjusted),
                    signed(c.cohens_d, 2),
                    f"{c.n} vs {c.n_baseline}",
                    card_rule(judgement),
                ),
                strict=True,
            )
            if not confirms or column in REGISTERED_COLUMNS
        ),
        weight=WEIGHTS[judgement.weight] if judgement.weight else "",
        lines=registered_lines(verdict) if confirms else lines(verdict, every_size=True),
        further=further_lines(verdict, every_size=True) if confirms else (),
        further_notes=contradictions(judgement) if confirms else (),
        notes=registered_notes(judgement)
        if confirms
        else (
            *(f"In the exploratory part: {why}." for why in judgement.standing.why_exploratory[:1]),
            *notes(judgement),
        ),
        commands=commands(judgement, ledger.root),
        cards=cards_of(ledger, arm),
        samples=samples_of(ledger, judgement),
        runs=_runs(judgement),
        more_runs=_more_runs(judgement, ledger),
    )


def samples_of(ledger: Ledger, judgement: Judgement) -> tuple[tuple[str, str], ...]:
    """Whose and which text, of the first seed on which baseline and idea both wrote a sample."""
    sides = (judgement.baseline, judgement.arm)
    runs = [{r.seed: ledger.folder_of(r) / SAMPLE for r in side.records} for side in sides]
    for seed in runs[0].keys() & runs[1].keys():
        try:
            texts = [read_text(own[seed], "replace") for own in runs]
        except OSError:
            continue
        names = (f"{side.name} seed {seed}" for side in sides)
        return tuple(zip(names, texts, strict=True))
    return ()


def _runs(judgement: Judgement) -> tuple[tuple[str, ...], ...]:
    apart, how = gains(judgement), judgement.measure
    return tuple(
        (
            side.name,
            str(r.seed),
            f"{r.status}: {r.reason}" if r.reason else r.status,
            plain_level(r.metrics.get(side.metric, float("nan")), how),
            gain(apart.get(r.seed, float("nan")), how) if side is judgement.arm else "",
            f"{r.units:,}",
            duration(r.seconds),
            r.started[:16].replace("T", " "),
        )
        for side in (judgement.baseline, judgement.arm)
        for r in side.records[:SEEDS]
    )


def _more_runs(judgement: Judgement, ledger: Ledger) -> str:
    most = max(len(side.records) for side in (judgement.baseline, judgement.arm))
    if most <= SEEDS:
        return ""
    listing = audition_command("runs", ledger.root)
    return f"The first {SEEDS} of up to {most:,} runs of each arm; all of them: {listing}"


@dataclass(frozen=True)
class SearchFacts:
    """What the page shows of one search."""

    name: str
    sentence: str  # how many trials and runs it took
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]  # the default and the best trials
    mattered: Sequence[tuple[str, str]]
    note: str
    pictures: tuple[Picture, ...]
    figures: tuple[Markup, ...]  # the same, as elements of the page


def search_facts(account: Account, folder: Path) -> SearchFacts:
    """Draw the search into `folder`. Raises AuditionError where that cannot be written."""
    pictures = draw_search(folder, account)
    return SearchFacts(
        name=account.name,
        sentence=f"{sentence(account)}; as of {account.written[:16].replace('T', ' ')} UTC.",
        columns=columns(account),
        rows=rows(account),
        mattered=importance_lines(account),
        note=FLATTERED,
        pictures=pictures,
        figures=embedded(folder, pictures),
    )
