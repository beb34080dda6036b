"""The paper and its slides as documents: what is said, in which order, of the texts that there are."""

from collections.abc import Iterator, Mapping, Sequence

from audition.report.paper.content import Judged, numbered
from audition.report.paper.document import (
    Block,
    Break,
    Document,
    Figure,
    Items,
    Listing,
    Numbers,
    Paragraph,
    Section,
    Table,
)

FIGURES = {
    "forest": "Gain of each arm over the baseline, with its interval.",
    "slopes": "The same seeds with the baseline and with each arm.",
    "learning": "Held-out results over the course of training.",
    "detectable": "The gain that so many seeds can show.",
}
"""What a paper draws, and the words under it; each drawing has its own caption with its numbers."""

FRONTIER = (
    "The result over a cost that is claimed to be less, with what no other arm beats in both."
)
"""The words under a frontier, of which there is one for each claimed cost."""

DESIGNS = {
    "paired": "from the differences of runs with the same seed [@student1908]",
    "welch": "without pairing of seeds [@welch1947]",
}

ADJUSTED = {
    how: "{family.count} arms were ever announced or tried against this baseline, and p values and "
    f"intervals are adjusted for all of them ({{family.adjustment}}) [@{cite}]."
    for how, cite in (("bonferroni", "dunn1961"), ("dunnett", "dunnett1955"))
}


def paper(of: Judged, numbers: Numbers, figures: Sequence[str]) -> Document:
    """The paper: what was asked, how, what came out, what did not, and how to repeat it."""
    texts, arms = numbers.texts, range(1, len(of.facts) + 1)
    abstract = " ".join(
        (
            f"{{arms.count}} against one baseline, by {{metric.label}}{as_planned(of)}: "
            "{arms.outcomes}.",
            *(f"{{{name}}}" for i in arms for name in _answers(texts, i)),
        )
    )
    return Document(
        "{title}",
        abstract,
        (
            Section("What was asked"),
            *_question(of, texts),
            Section("How it was judged"),
            *_methods(of),
            Section("Results"),
            Table("verdicts", "Every arm of the plan. Gains are positive where the arm is better."),
            *(Figure(name, FIGURES.get(name, FRONTIER)) for name in figures),
            *(block for i in arms for block in _result(texts, i)),
            *_nulls(of),
            Section("Costs"),
            Paragraph(
                "Seconds are means over runs, of one worker of the machine below; passes are counted, "
                "those of an idea's own looks included. {energy}"
            ),
            Table("costs", "What an arm costs beside the baseline."),
            Break(),
            *_appendix(of, texts),
        ),
    )


def _answers(texts: Mapping[str, str], arm: int) -> Iterator[str]:
    """The names of an arm's answer, and of what its runs say of each claim."""
    yield f"arm.{arm}.said"
    yield from numbered(texts, f"arm.{arm}.claim")


def as_planned(of: Judged) -> str:
    """Whether everything happened as the plan said, in words that follow the question."""
    departed = any(judgement.standing.departures for judgement in of.judgements)
    return ", with deviations from their plan" if departed else ", as planned before the first run"


def _question(of: Judged, texts: Mapping[str, str]) -> Iterator[Block]:
    yield Paragraph(
        "The plan {plan.digest} was written on {plan.written}. It names {arms.count} and a baseline, "
        "the metric ({metric}), the seeds ({plan.seeds}; of the baseline {plan.baseline.seeds}), and "
        "the smallest gain that counts, {plan.worth}. A plan that is fixed before its results are "
        "known is what makes a test of it [@nosek2018]; what departed from this one is in the appendix."
    )
    said = [
        f"{{{card}.name}}: {{{card}.pitch}}"
        for i in range(1, len(of.facts) + 1)
        for card in _cards(texts, i)
    ]
    if said:
        yield Paragraph("What the ideas claim, in the words of their cards:")
        yield Items(tuple(dict.fromkeys(said)))


def _cards(texts: Mapping[str, str], arm: int) -> Iterator[str]:
    i = 1
    while f"arm.{arm}.card.{i}.pitch" in texts:
        yield f"arm.{arm}.card.{i}"
        i += 1


def _methods(of: Judged) -> Iterator[Block]:
    designs = dict.fromkeys(j.comparison.design for j in of.judgements)
    found = [DESIGNS[design] for design in designs if design in DESIGNS]
    how = f", {' or '.join(found)}" if found else ""
    family = ADJUSTED.get(of.judgements[0].comparison.adjustment, "No other arm was tried.")
    yield Paragraph(
        "Baseline and arms are trained on the same seeds, with the same data in the same order, and "
        "evaluated on the same held-out rows: what seeds bring is larger than many gains "
        f"[@bouthillier2021]. The interval of a gain holds at {{plan.level}}{how}, and α is "
        f"{{plan.alpha}} ({{plan.sides}}-sided). {family} An arm is supported where the "
        "interval lies above zero and the gain counts, refuted where it can only be "
        "smaller, and otherwise nothing was decided: equivalence takes an interval within the bounds "
        "[@schuirmann1987]."
    )
    if any(j.claims for j in of.judgements):
        yield Paragraph(
            "A claim of the same for less is supported where the result is not worse by δ and the cost "
            "is certainly less by the factor that was claimed: both tests must hold, each at its full "
            "level [@berger1996], and all claims of the plan are one family [@holm1979]. How a cost "
            "was come by stands beside it."
        )
    yield Paragraph(
        "Arms were compared at {plan.terms}. Runs are made with Audition, whose settings are Hydra's "
        "[@yadan2019], and PyTorch [@paszke2019]."
    )


def _result(texts: Mapping[str, str], arm: int) -> Iterator[Block]:
    head = f"arm.{arm}"
    yield Section(f"{{{head}.name}}", 2)
    yield Paragraph(f"{{{head}.verdict}}, {{{head}.stamp}}. {{{head}.sentence}}")
    lines = tuple(f"{{{name}}}" for name in numbered(texts, f"{head}.line"))
    if lines:
        yield Items(lines)
    notes = tuple(f"{{{name}}}" for name in numbered(texts, f"{head}.note"))
    if notes:
        yield Paragraph("To be read with it:")
        yield Items(notes)


def _nulls(of: Judged) -> Iterator[Block]:
    yield Section("What did not come out")
    said = tuple(_left(of, "{{arm.{i}.name}}: {{arm.{i}.verdict}}. {{arm.{i}.sentence}}"))
    if said:
        yield Paragraph("Reported like all others, since they were planned like all others.")
        yield Items(said)
    else:
        yield Paragraph("All that the plan asked was supported, so there is no null to report.")


def _left(of: Judged, arm: str) -> Iterator[str]:
    """What was not supported: of an arm with claims those of them, of any other the arm, as `arm`."""
    for i, (facts, judgement) in enumerate(zip(of.facts, of.judgements, strict=True), start=1):
        own = [(n, c) for n, c in enumerate(judgement.claims, start=1) if not c.is_control]
        if own:
            yield from (f"{{arm.{i}.claim.{n}}}" for n, c in own if c.word != "supported")
        elif facts.verdict != "supported":
            yield arm.format(i=i)


def _appendix(of: Judged, texts: Mapping[str, str]) -> Iterator[Block]:
    yield Section("Appendix: the plan")
    yield Paragraph("The plan {plan.digest} ({plan.written}) was made by the command")
    yield Listing("plan.command")
    yield Section("Appendix: deviations from the plan")
    left = tuple(
        f"{{arm.{i}.name}}: {{{name}}}"
        for i in range(1, len(of.facts) + 1)
        for name in numbered(texts, f"arm.{i}.departure")
    )
    yield Items(left) if left else Paragraph("There are none: all happened as planned.")
    yield Section("Appendix: ratings")
    yield Table("ratings", "How good the evidence of each arm is, whatever came out.", small=True)
    yield Section("Appendix: every seed")
    yield Table("runs", "{runs.count}, each with its outcome.", small=True)
    yield Section("Appendix: commands")
    yield Paragraph("They train the same runs again, in a ledger of their own:")
    yield Listing("commands")
    yield Section("Appendix: environment")
    yield Table("environment", "Where the runs were made.", small=True)
    yield Section("Appendix: digests")
    yield Paragraph(
        "Of each run: its key, its settings without the seed, the code that it used, and the weights "
        "that it ended with. The same command on the same machine gives the same digests."
    )
    yield Table("hashes", "Digests of every run.", small=True)


def _claims(texts: Mapping[str, str], arm: int) -> Iterator[Block]:
    """What the runs say of each claim about an arm."""
    if names := tuple(f"{{{name}}}" for name in numbered(texts, f"arm.{arm}.claim")):
        yield Items(names)


def slides(of: Judged, numbers: Numbers, figures: Sequence[str]) -> Document:
    """A talk: the question, the answer in a picture and in sentences, what did not come out."""
    arms = range(1, len(of.facts) + 1)
    left = tuple(_left(of, "{{arm.{i}.name}}: {{arm.{i}.verdict}}"))
    blocks: list[Block] = [
        Section("The question"),
        Items(
            (
                "{arms.count} against one baseline, by {metric}",
                "plan {plan.digest}, written {plan.written}",
                "seeds {plan.seeds}; a gain counts from {plan.worth} on",
                "{arms.outcomes}",
            )
        ),
    ]
    for name in figures[:2]:
        words = FIGURES.get(name, FRONTIER)
        blocks += [Break(), Section(words.rstrip(".")), Figure(name, words)]
    blocks += [Break(), Section("The verdicts"), Table("verdicts", "Every arm.")]
    for i in arms:
        blocks += [
            Break(),
            Section(f"{{arm.{i}.name}}"),
            Paragraph(f"{{arm.{i}.verdict}}, {{arm.{i}.stamp}}"),
            Paragraph(f"{{arm.{i}.sentence}}"),
            *_claims(numbers.texts, i),
        ]
    if left:
        blocks += [Break(), Section("What did not come out"), Items(left)]
    blocks += [Break(), Section("To repeat it"), Listing("commands")]
    return Document("{title}", "", blocks)
