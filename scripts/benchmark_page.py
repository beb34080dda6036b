"""The tables of pages in `docs/results/`, from the ledgers of their sweeps.

    python -m scripts.benchmark_page FOLDER

FOLDER has the ledger of each sweep under its name, as `paths.output_dir=FOLDER/use_case_vision` makes
it. A table stands between `<!-- NAME -->` and `<!-- end -->`; one without a ledger stays as it is.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from audition.answers import Judgement, arms_of
from audition.answers.benchmark import Benchmark, benchmarks
from audition.answers.judging import judge_baseline
from audition.errors import AuditionError
from audition.records.record import Record
from audition.records.registration import registrations
from audition.records.store import Ledger
from audition.report.benchmark_table import headings, lines
from audition.stats.verdict import interval_name
from audition.text import gain, gain_interval

PAGES = Path(__file__).parents[1] / "docs/results"
TABLE = re.compile(r"<!-- (?P<name>\w+) -->\n.*?<!-- end -->", re.DOTALL)


def filled(page: str, folder: Path) -> str:
    """`page` with the tables of all ledgers that `folder` has."""

    def table(place: re.Match[str]) -> str:
        ledger = Ledger(folder / place["name"])
        if not has_runs(ledger):
            return place[0]
        return f"<!-- {place['name']} -->\n{tables(ledger)}\n<!-- end -->"

    return TABLE.sub(table, page)


def has_runs(ledger: Ledger) -> bool:
    """Whether there is such a ledger, with a finished run."""
    return ledger.root.is_dir() and any(r.status == "finished" for r in ledger.read().records)


def tables(ledger: Ledger) -> str:
    """What its runs had in common, and a table of each of its baselines."""
    records = ledger.read().records
    plans = registrations(ledger.root)
    arms = arms_of(records, None, plans)
    parts = [_common(ledger, records)]
    for each in benchmarks(ledger, arms, plans):
        judged = judge_baseline(arms, each.baseline, plans=plans, detail=False)
        parts.append("\n".join(_table(each, judged)))
        # Data of a ledger that was brought here may be elsewhere; the page says what they are.
        told = [remark for remark in each.remarks if "cannot be read" not in remark]
        parts += [f"{remark.rstrip('.')}." for remark in told]
    return "\n\n".join(parts)


def _common(ledger: Ledger, records: Sequence[Record]) -> str:
    """`15 runs, seeds 42, 137; 300,000 tokens each; commit 1a2b3c4; torch 2.13.0, cpu`."""
    first = records[0]
    seeds = ", ".join(str(seed) for seed in sorted({record.seed for record in records}))
    units = " or ".join(f"{u:,}" for u in sorted({r.units for r in records if r.units}))
    path = ledger.folder_of(first) / "repro.json"
    made = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    git = made.get("git", {}).get("audition") or {}
    commit = f"`{git.get('sha', 'not on file')[:7]}`" + (" with changes" if git.get("diff") else "")
    hardware = made.get("hardware", {})
    ended = [f"{len(records)} runs", f"seeds {seeds}"]
    failed = [r for r in records if r.status != "finished"]
    if failed:
        ended.append(f"{len(failed)} of them not finished")
    named = str(made.get("arithmetic", {}).get("precision", "precision not on file"))
    precision = named.rpartition(".")[2].lower()
    where = f"{hardware.get('cores', '?')} cores of an {hardware.get('processor', 'unknown')}"
    return (
        f"{', '.join(ended)}; {units} {first.unit} each; commit {commit}; "
        f"torch {first.arithmetic.get('torch', '?')}, {precision}; {where}."
    )


def _table(found: Benchmark, judged: Sequence[Judgement]) -> Iterator[str]:
    gains = {j.arm.config_hash: j for j in judged}
    name = interval_name(judged[0].comparison) if judged else "interval"
    arm, verdict, n, *columns = headings(found)
    columns = [column.replace("validation ", "") for column in columns]
    yield f"| {' | '.join([arm, n, *columns, f'gain, {name}', verdict])} |"
    yield f"|{'---|' * (len(columns) + 4)}"
    for entry, (named, decided, many, *cells) in zip(found.entries, lines(found), strict=True):
        j = gains.get(entry.config_hash)
        said = "" if j is None else _gain(j)
        shown = named if entry.verdict == "baseline" else f"`{named}`"
        word = "" if entry.verdict == "baseline" else decided
        yield f"| {' | '.join([shown, many, *cells, said, word])} |"


def _gain(judgement: Judgement) -> str:
    c, how = judgement.comparison, judgement.measure
    if c.improvement != c.improvement:
        return "–"
    return f"{gain(c.improvement, how)} {gain_interval(c.ci, how)}"


def main(folder: str) -> None:
    """Write the pages. Raises AuditionError where the folder has none of their ledgers."""
    place, done = Path(folder), []
    for path in sorted(PAGES.glob("*.md")):
        page = path.read_text(encoding="utf-8")
        known = [each["name"] for each in TABLE.finditer(page)]
        there = [name for name in known if has_runs(Ledger(place / name))]
        if there:
            path.write_text(filled(page, place), encoding="utf-8")
        done += there
        if known:
            left = ", ".join(name for name in known if name not in there) or "none"
            print(f"{path.name}: filled {', '.join(there) or 'none'}; as they were: {left}")
    if not done:
        raise AuditionError(f"{folder} has none of these ledgers")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(str(__doc__))
    try:
        main(sys.argv[1])
    except AuditionError as error:
        raise SystemExit(str(error)) from None
