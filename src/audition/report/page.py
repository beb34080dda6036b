"""The report: one self-contained page, the same in Markdown, and the figures as files."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import filterfalse
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from audition.answers import Judgement, arms_of, judge_arms
from audition.answers.benchmark import Benchmark, benchmark
from audition.answers.curves import read_curves, read_meters
from audition.answers.judgement import best_first
from audition.answers.provenance import Origin, origins
from audition.answers.race_stages import race_stages
from audition.answers.seen_pictures import arm_pictures
from audition.answers.spikes import arm_spikes
from audition.answers.verdict import verdicts
from audition.errors import AuditionError, writing
from audition.plain_file import write_whole
from audition.records.contents import contents_of
from audition.records.record import now
from audition.records.registration import ALPHA, Registration, registrations
from audition.records.store import Contents, Ledger
from audition.records.studies import STUDIES, Account
from audition.records.tuned import tuned_for
from audition.report.benchmark_table import headings, lines
from audition.report.facts import (
    REGISTERED_COLUMNS,
    SUMMARY_COLUMNS,
    IdeaFacts,
    facts_of,
    run_columns,
    search_facts,
)
from audition.report.gallery import TESTS, Picture, draw, embedded
from audition.report.lineage import unit_facts
from audition.report.registered import (
    CONFIRMATORY,
    EXPLORATORY,
    NONE_LEFT,
    is_confirmatory,
    of_report,
)
from audition.report.style import THEME
from audition.stats.distributions import Sides
from audition.text import axis, count, direction


@dataclass(frozen=True)
class Campaign:
    """One baseline, the ideas compared with it by one metric, and their figures."""

    baseline: str  # its config hash
    metric: str  # the metric, its unit and which direction is better, in words
    benchmark: Benchmark  # the five measures of every arm
    run_columns: tuple[str, ...]
    registered: tuple[str, ...]  # what a report registered, in sentences; none without a report
    confirmed: tuple[IdeaFacts, ...]  # its tests that were made as planned
    ideas: tuple[IdeaFacts, ...]  # all others
    test_pictures: tuple[Picture, ...]  # of the tests alone
    test_figures: tuple[Markup, ...]  # the same, as elements of the page
    pictures: tuple[Picture, ...]  # all others
    figures: tuple[Markup, ...]
    plans: tuple[Registration, ...]
    origins: tuple[Origin, ...]


@dataclass(frozen=True)
class Written:
    """Where the report is."""

    page: Path
    markdown: Path
    figures: tuple[Path, ...]


def write_report(
    ledger: Ledger,
    folder: Path,
    ideas: Sequence[str] = (),
    *,
    metric: str | None = None,
    sesoi: float | None = None,
    alpha: float | None = None,
    sides: Sides | None = None,
    studies: Sequence[Account] | None = None,
    contents: Contents | None = None,
) -> Written:
    """Judge the ledger (the arms named, or all) and write the report into `folder`.

    Arms are judged by `metric`, and on `sides`, or each as its plan and its task say.

    Where all arms are judged, searches are included: `studies`, or the accounts in the ledger.
    contents: of the ledger, where it was read already.
    Raises AuditionError where there is nothing to judge or the folder cannot be written.
    """
    contents = contents or contents_of(ledger)
    judgements = judge_arms(
        contents.records,
        ideas,
        plans=registrations(ledger.root),
        metric=metric,
        sesoi=sesoi,
        alpha=alpha,
        sides=sides,
    )
    accounts, _ = STUDIES.read(ledger.root)
    shown = () if ideas else accounts if studies is None else studies
    if not judgements and not shown:
        raise AuditionError(
            f"nothing to report in {ledger.root}: no arm there has an outcome beside one of its "
            "baseline"
        )
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    groups: dict[tuple[str, str], list[Judgement]] = {}
    for judgement in judgements:
        key = (judgement.baseline.config_hash, judgement.arm.metric)
        groups.setdefault(key, []).append(judgement)
    campaigns = [
        _campaign(ledger, contents, folder, group, f"-{i}" if i > 1 else "")
        for i, group in enumerate(groups.values(), start=1)
    ]
    searches = [search_facts(account, folder) for account in shown]
    arms = {a.config_hash: a for j in judgements for a in (j.baseline, j.arm)}
    lineages = unit_facts(ledger, arms.values(), folder)
    facts = {
        "campaigns": campaigns,
        "lineages": lineages,
        "searches": searches,
        "counted": _counted(judgements, len(searches)),
        "written": now()[:16].replace("T", " "),
        "alpha": _alpha(judgements),
        "unreadable": [str(each) for each in contents.unreadable],
        "confirmatory": CONFIRMATORY,
        "exploratory": EXPLORATORY,
        "none_left": NONE_LEFT,
        "summary_columns": SUMMARY_COLUMNS,
        "registered_columns": REGISTERED_COLUMNS,
        "headings": headings,
        "lines": lines,
        "theme": THEME,
    }
    page, markdown = folder / "report.html", folder / "report.md"
    with writing(f"in {folder}"):
        write_whole(page, _templates(html=True).get_template("page.html").render(facts))
        write_whole(markdown, _templates(html=False).get_template("page.md").render(facts))
    filed = [
        *(campaign.test_pictures + campaign.pictures for campaign in campaigns),
        *(search.pictures for search in searches),
        *(lineage.pictures for lineage in lineages),
    ]
    names = [picture.name for pictures in filed for picture in pictures]
    files = tuple(folder / f"{name}.{kind}" for name in names for kind in ("png", "svg"))
    return Written(page, markdown, files)


def _campaign(
    ledger: Ledger,
    contents: Contents,
    folder: Path,
    group: Sequence[Judgement],
    suffix: str,
) -> Campaign:
    judgements = best_first(group)
    baseline = judgements[0].baseline
    arms = [baseline, *(j.arm for j in judgements)]
    plans = registrations(ledger.root)
    known = arms_of(contents.records, baseline.metric)
    race = race_stages(ledger.root, baseline.config_hash, known)
    tuned = tuned_for(ledger.root, baseline.config_hash)
    curves = read_curves(ledger, arms)
    readings = read_meters(ledger, arms)
    spikes = arm_spikes(ledger, arms)
    shown = arm_pictures(ledger, arms[:2])
    pictures = draw(folder, judgements, curves, race, tuned, readings, spikes, shown, suffix=suffix)
    tests = tuple(each for each in pictures if each.name == f"{TESTS}{suffix}")
    others = tuple(each for each in pictures if each not in tests)
    return Campaign(
        baseline=baseline.config_hash,
        metric=f"{axis(baseline.measure)}, {direction(baseline.measure)}",
        benchmark=benchmark(ledger, known, baseline, plans),
        run_columns=run_columns(baseline),
        registered=of_report(judgements),
        confirmed=_facts(ledger, filter(is_confirmatory, judgements)),
        ideas=_facts(ledger, filterfalse(is_confirmatory, judgements)),
        test_pictures=tests,
        test_figures=embedded(folder, tests),
        pictures=others,
        figures=embedded(folder, others),
        plans=tuple(plan for plan in plans if plan.baseline_hash == baseline.config_hash),
        origins=origins(ledger, arms),
    )


def _facts(ledger: Ledger, judgements: Iterable[Judgement]) -> tuple[IdeaFacts, ...]:
    return tuple(facts_of(verdict, ledger) for verdict in verdicts(ledger, judgements))


def _alpha(judgements: Sequence[Judgement]) -> str:
    """`0.05, two-sided`: the error of the intervals, each way once."""
    ways = (f"{j.comparison.alpha:g}, {j.comparison.sides}-sided" for j in judgements)
    return " or ".join(dict.fromkeys(ways)) or f"{ALPHA:g}"


def _counted(judgements: Sequence[Judgement], searches: int) -> str:
    """`2 ideas: 1 supported, 1 inconclusive`; `; 1 search` where there was one."""
    verdicts = [j.comparison.verdict for j in judgements]
    order = ("supported", "refuted", "inconclusive", "invalid")
    each = ", ".join(f"{verdicts.count(v)} {v}" for v in order if v in verdicts)
    ideas = f"{count(len(judgements), 'idea')}: {each}" if judgements else "No verdict yet"
    many = "1 search" if searches == 1 else f"{searches} searches"
    return f"{ideas}; {many}" if searches else ideas


def _templates(*, html: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("audition.report", "templates"),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"plain": plain, "fenced": fenced}
    return environment


def plain(text: object) -> str:
    """Text on one line, with Markdown's markup characters escaped."""
    line = " ".join(str(text).split()).replace("&", "&amp;").replace("<", "&lt;")
    line = re.sub(r"([\\`*|~]|\](?=[(\[:]))", r"\\\1", line)
    # Within a word an underscore is a letter; elsewhere it could begin emphasis.
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", line)


def fenced(text: object, language: str = "") -> str:
    """A code block whose fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", str(text))), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
