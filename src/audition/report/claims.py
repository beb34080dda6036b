"""Claims in the terminal, and a page of each in Markdown, written from its file and its evidence."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rich.text import Text

from audition.answers.claim_evidence import Found
from audition.answers.claims import Claim, Evidence, Test, Tested, too_few
from audition.console import console, table
from audition.errors import writing
from audition.plain_file import write_whole
from audition.report.figures import forest
from audition.report.registered import is_confirmatory
from audition.report.style import save
from audition.text import (
    axis,
    bounds,
    count,
    direction,
    gain,
    in_unit,
    level,
    plain_level,
)

PAGES = Path("docs/claims")
"""Where the pages are written."""
SAYS = {
    "for": "for the claim",
    "against": "against the claim",
    "open": "decides nothing",
    None: "exploratory",
}


def show_claims(claims: Sequence[Claim]) -> None:
    """A line each: what is claimed, what its tests say, on how many seeds."""
    rows = ((claim.name, claim.stand, seeds_of(claim), claim.claim) for claim in claims)
    console(120).print(table(("claim", "tests say", "seeds", "its words"), rows))


def seeds_of(claim: Claim) -> str:
    """The seeds of its tests, the fewest and the most; a dash where none was made."""
    many = sorted(arm.seeds for each in claim.evidence for arm in each.arms)
    return "–" if not many else "–".join(map(str, dict.fromkeys((many[0], many[-1]))))


def show_claim(claim: Claim) -> None:
    """One claim whole."""
    out = console(130)
    out.print(Text.assemble((claim.name, "bold"), ": ", (claim.stand, "bold"), ". ", claim.claim))
    for line in _said(claim):
        out.print(Text(line))
    for test in claim.tests:
        found = claim.of(test)
        out.print(Text(f"\n{test.asks}", "bold"))
        out.print(Text(f"    {test.command}"), soft_wrap=True)
        if found is None:
            out.print("Not made yet.")
            continue
        out.print(Text(summary(test, found)))
        out.print(table(HEADINGS, map(lambda arm: cells(arm, found), (*found.arms, *found.others))))
    if claim.reading:
        out.print(Text(f"\n{claim.reading}"))


def _said(claim: Claim) -> Iterator[str]:
    yield f"Source: {claim.source}"
    yield f"How it was found: {claim.found}"
    for what, why in claim.controls.items():
        yield f"Control, {what}: {why}"
    for page, known in claim.elsewhere.items():
        yield f"Elsewhere, {page}: {known}"
    if claim.repeat:
        yield f"Again: {claim.repeat}"


HEADINGS = ("arm", ">seeds", ">mean", ">gain, interval", "part", "says")


def cells(arm: Tested, of: Evidence) -> tuple[str, ...]:
    """The row of an arm."""
    how = of.measure
    said = f"{arm.verdict}, {arm.kind}" if arm.kind else arm.verdict
    return (
        arm.arm,
        f"{arm.seeds} : {arm.of_baseline}",
        plain_level(arm.mean, how),
        f"{gain(arm.gain, how)} ({bounds((arm.low, arm.high), how)})",
        "exploratory" if arm.weight is None else "confirmatory",
        said if arm.weight is None else f"{SAYS[arm.weight]} ({said})",
    )


def summary(test: Test, found: Evidence) -> str:
    """What was registered, and under which conditions, in sentences."""
    how = found.measure
    names = ", ".join(arm.arm for arm in found.arms)
    baseline = next((a.baseline for a in (*found.arms, *found.others)), float("nan"))
    interval = next((f"{100 * a.level:.4g} %" for a in found.arms), "")
    few = too_few(test, found)
    left = tuple(dict.fromkeys(why for arm in found.arms for why in arm.why_exploratory))
    return " ".join(
        filter(
            None,
            (
                f"Registered {found.written[:16].replace('T', ' ')} UTC (plan {found.plan}), before "
                f"the first run: {names} expected {found.expects}, by {axis(how)}, {direction(how)}; "
                f"a difference counts from {in_unit(plain_level(found.margin, how), how)} on.",
                f"Baseline {level(baseline, how)}. A positive gain is better; intervals are "
                f"simultaneous, {interval}.",
                f"{found.terms[:1].upper()}{found.terms[1:]}." if found.terms else "",
                f"{few[:1].upper()}{few[1:]}." if few else "",
                f"Exploratory, though it was registered: {'; '.join(left)}." if left else "",
            ),
        )
    )


def filed(found: Sequence[Found], claim: Claim, pages: Path) -> tuple[Evidence, ...]:
    """The evidence of a claim with `found` in the place of the same tests, its figures drawn.

    Raises AuditionError where a figure cannot be written.
    """
    evidence = {each.command: each for each in claim.evidence}
    for each in found:
        number = 1 + [test.command for test in claim.tests].index(each.test.command)
        name = f"{claim.name}-{number}.png"
        path = pages / "figures" / name
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            save(forest(list(filter(is_confirmatory, each.judgements)) or each.judgements), path)
        evidence[each.test.command] = replace(each.evidence, figure=f"figures/{name}")
    return tuple(evidence[t.command] for t in claim.tests if t.command in evidence)


def write_pages(claims: Sequence[Claim], pages: Path) -> tuple[Path, ...]:
    """A page for each claim, and one that lists them; AuditionError where one cannot be written."""
    texts = {f"{claim.name}.md": page_of(claim) for claim in claims}
    texts["index.md"] = index_of(claims)
    with writing(pages):
        pages.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_whole(pages / name, text)
    return tuple(pages / name for name in texts)


def index_of(claims: Sequence[Claim]) -> str:
    """The page that lists the claims."""
    rows = "\n".join(
        f"| [{cell(claim.claim)}]({claim.name}.md) | {claim.stand} | {seeds_of(claim)} |"
        for claim in claims
    )
    return f"{INDEX}\n| claim | the tests say | seeds |\n|---|---|---|\n{rows}\n"


INDEX = """# Claims, tested

What the documents behind this project claim, in their words, each tested as a registered report: arms,
metric, smallest difference that counts and what is expected were sealed before the first run
([how](../verdict.md#a-registered-report)). *holds*: every registered test counts for it; *does not
hold*: every one against it; *divided*: some for, some against; *open*: the tests decide nothing, or
have too few seeds.

```bash
audition claims             # this list
audition claims NAME        # one claim whole
```
"""


def page_of(claim: Claim) -> str:
    """The page of a claim, in Markdown."""
    return "\n".join(_page(claim)).rstrip() + "\n"


def _page(claim: Claim) -> Iterator[str]:
    yield f"# {claim.claim}\n"
    yield f"**The tests say: {claim.stand}.** {claim.reading}".rstrip() + "\n"
    yield f"* **Source**: {claim.source}"
    yield f"* **How it was found**: {claim.found}"
    for what, why in claim.controls.items():
        yield f"* **Control, {what}**: {why}"
    for page, known in claim.elsewhere.items():
        yield f"* [{page.rpartition('/')[2].removesuffix('.md')}]({page}): {known}"
    if claim.repeat:
        yield f"\n```bash\n{claim.repeat}\n```"
    for test in claim.tests:
        yield f"\n## {test.asks}\n"
        yield f"```bash\n{test.command}\n```\n"
        found = claim.of(test)
        if found is None:
            yield f"Not made yet; it takes {count(test.seeds, 'seed')} an arm."
            continue
        yield from _results(test, found)


def _results(test: Test, found: Evidence) -> Iterator[str]:
    yield summary(test, found) + "\n"
    heads = [heading.removeprefix(">") for heading in HEADINGS]
    yield f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}"
    for arm in (*found.arms, *found.others):
        yield f"| {' | '.join(map(cell, cells(arm, found)))} |"
    if found.figure:
        yield f"\n![{cell(test.asks)}]({found.figure})"
    seeds = ", ".join(map(str, found.seeds))
    for facts in found.origins:
        yield f"\nSeeds {seeds}; {found.precision}; {'; '.join(_made(facts))}."


def _made(facts: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Where runs were made: commit, torch, processor."""
    for what, which in facts:
        parts = which.split(", ")
        if what == "versions":
            parts = [part for part in parts if part.startswith(("python", "torch"))]
        if what == "machine":
            parts = [part for part in parts if not part.startswith("Linux")]
        if which not in ("", "none"):
            yield f"{what} {', '.join(parts)}"


def cell(text: str) -> str:
    """Text for a cell of a table, on one line."""
    return " ".join(text.split()).replace("|", "\\|")
