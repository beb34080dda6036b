"""What a paper of one plan says: its numbers and texts, gathered once from the ledger."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audition.answers import Judgement, judge_plan
from audition.answers.energy import one_source
from audition.answers.judgement import best_first
from audition.answers.lab import evidence
from audition.answers.provenance import origins
from audition.answers.rating import MOST, Rating
from audition.answers.verdict import Verdict, as_data, verdicts
from audition.command_line import train_door
from audition.errors import AuditionError
from audition.records.record import Record
from audition.records.registration import Registration
from audition.records.store import Contents, Ledger
from audition.report.facts import SUMMARY_COLUMNS, IdeaFacts, facts_of, run_columns
from audition.report.paper.document import Grid, Numbers, joined
from audition.report.savings import claimed
from audition.text import axis, count, direction, in_unit, plain_level

NAMED = 3
"""Arms that a title names at most."""


@dataclass(frozen=True)
class Judged:
    """A plan with its verdicts, the largest gain first, and each in words."""

    ledger: Ledger
    plan: Registration
    verdicts: Sequence[Verdict]
    facts: Sequence[IdeaFacts]
    ratings: Sequence[Rating]

    @property
    def judgements(self) -> list[Judgement]:
        return [verdict.judgement for verdict in self.verdicts]

    @property
    def records(self) -> tuple[Record, ...]:
        """The runs of the baseline, then those of each arm."""
        first = self.judgements[0].baseline.records
        return (*first, *(record for j in self.judgements for record in j.arm.records))


def judged(
    ledger: Ledger, contents: Contents, plan: Registration, plans: Sequence[Registration]
) -> Judged:
    """The verdicts of `plan` on exactly its runs. Raises AuditionError where there are none yet."""
    found = best_first(judge_plan(contents.records, plan, plans))
    if not found:
        raise AuditionError(
            f"the plan {plan.digest()} has no verdict yet: none of its arms has an outcome beside one "
            "of its baseline"
        )
    said = verdicts(ledger, found)
    others = [j for each in plans for j in judge_plan(contents.records, each, plans)]
    unlike = evidence.conflicts_in(contents)
    ratings = [evidence.rating_of(j, plan, others, unlike) for j in found]
    return Judged(ledger, plan, said, [facts_of(verdict, ledger) for verdict in said], ratings)


def numbers_of(of: Judged, title: str | None = None, author: str | None = None) -> Numbers:
    """Every text and table that the paper may use."""
    texts = {
        "title": title or _title(of),
        "author": author or "",
        **_plan(of),
        **_arms(of),
        **_appendix(of),
    }
    return Numbers(texts, _tables(of), as_data(of.verdicts))


def _title(of: Judged) -> str:
    names = [facts.name for facts in of.facts]
    what = joined(names) if len(names) <= NAMED else f"{len(names)} arms"
    return f"{what} against one baseline, by {of.judgements[0].measure.label}"


def _plan(of: Judged) -> dict[str, str]:
    plan, first = of.plan, of.judgements[0]
    how, c = first.measure, first.comparison
    worth = "one pooled σ" if plan.sesoi is None else in_unit(plain_level(plan.sesoi, how), how)
    every = [facts.verdict for facts in of.facts]
    order = ("supported", "refuted", "inconclusive", "invalid")
    claims = [c.word for j in of.judgements for c in j.claims if not c.is_control]
    said = f" as gains; of {count(len(claims), 'claim')} of the same for less, " + _outcomes(
        claims, ("supported", "traded", *order[1:])
    )
    return {
        "plan.digest": plan.digest(),
        "plan.written": plan.written[:16].replace("T", " ") + " UTC" if plan.written else "undated",
        "plan.seeds": ", ".join(map(str, sorted({s for arm in plan.arms for s in arm.seeds}))),
        "plan.baseline.seeds": ", ".join(map(str, plan.baseline_seeds)),
        "plan.alpha": f"{plan.alpha:g}",
        "plan.level": f"{100 * c.level:.4g} %",
        "plan.sides": plan.sides,
        "plan.worth": worth,
        "plan.command": _typed(plan.command),
        "plan.terms": first.standing.terms or "default settings",
        "metric": f"{axis(how)}, {direction(how)}",
        "metric.label": how.label,
        "arms.count": count(len(of.facts), "arm"),
        "arms.outcomes": _outcomes(every, order) + said * bool(claims),
        "family.count": f"{c.family_size:,}",
        "family.adjustment": c.adjustment.capitalize(),
        "runs.count": count(len(of.records), "run"),
        "baseline.mean": in_unit(plain_level(first.levels[0], how), how),
        "baseline.hash": first.baseline.config_hash,
    }


def _outcomes(words: Sequence[str], order: Sequence[str]) -> str:
    """`1 supported and 2 refuted`: how many of each word, in that order."""
    return joined(f"{words.count(word)} {word}" for word in order if word in words)


def _typed(command: str) -> str:
    """What a plan was made by, with the command that trains before it."""
    if not command:
        return "(the plan does not say)"
    whole = command.startswith(("python ", "audition "))
    return command if whole else f"{shlex.join(train_door())} {command}"


def _arms(of: Judged) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, (verdict, facts) in enumerate(zip(of.verdicts, of.facts, strict=True), start=1):
        head = f"arm.{number}"
        kind = f" ({facts.kind})" if facts.kind else ""
        told = {
            "name": facts.name,
            "verdict": f"{facts.verdict}{kind}",
            "stamp": facts.stamp,
            "sentence": facts.sentence,
            "said": f"{facts.name}: {facts.sentence}",
            "hash": verdict.judgement.arm.config_hash,
            "next": facts.next.text,
        }
        found |= {f"{head}.{name}": text for name, text in told.items()}
        for kinds, sentences in (
            ("line", [f"{label}: {text}" for label, text in (*facts.lines, *facts.further)]),
            ("note", [*facts.notes, *facts.further_notes]),
            ("departure", verdict.judgement.standing.departures),
            ("claim", [f"{facts.name} ({n}): {text}." for n, text in claimed(verdict.judgement)]),
        ):
            found |= {f"{head}.{kinds}.{i}": text for i, text in enumerate(sentences, start=1)}
        for i, card in enumerate(facts.cards, start=1):
            found |= {f"{head}.card.{i}.{part}": text for part, text in _card(card).items()}
    return found


def _card(card: Any) -> dict[str, str]:
    return {"name": card.name, "pitch": card.pitch}


def _appendix(of: Judged) -> dict[str, str]:
    again = [line for facts in of.facts for line in facts.commands]
    source, said = one_source(of.records)
    method = {
        "measured": "joules are read from a counter of the machine",
        "modelled": "joules are modelled from time and power, and were not measured",
    }.get(source[0], "no run was metered, so nothing is said of joules")
    return {
        "commands": "\n".join(dict.fromkeys(again))
        or "(the records do not say how they were typed)",
        "energy": f"{said} {method.capitalize()}." if said else f"{method.capitalize()}.",
    }


def _tables(of: Judged) -> dict[str, Grid]:
    judgements = of.judgements
    rows = [(facts.name, facts.kind or facts.verdict, *_summary(facts)) for facts in of.facts]
    runs = [row for facts in of.facts for row in facts.runs]
    arms = {a.config_hash: a for j in judgements for a in (j.baseline, j.arm)}
    hashes = [
        (r.arm, str(r.seed), r.key[:16], r.config_hash, r.code[:12], r.weights[:16])
        for r in of.records
    ]
    rated = [
        (facts.name, f"{rating.total} of {MOST}", rating.band, "; ".join(rating.reasons))
        for facts, rating in zip(of.facts, of.ratings, strict=True)
    ]
    made = [
        (f"{origin.runs:,}", what, which)
        for origin in origins(of.ledger, arms.values())
        for what, which in origin.facts
    ]
    return {
        "verdicts": Grid(("arm", "verdict", *SUMMARY_COLUMNS), rows),
        "costs": Grid(("arm", *COSTS), [_costs(verdict) for verdict in of.verdicts]),
        "ratings": Grid(("arm", "rating", "band", "every point with its reason"), rated),
        "runs": Grid(run_columns(judgements[0].baseline), list(dict.fromkeys(runs))),
        "environment": Grid(("runs", "what", "which"), made),
        "hashes": Grid(("arm", "seed", "run", "settings", "code", "weights"), hashes),
    }


COSTS = ("seconds a run", "baseline's", "forward passes", "backward passes", "joules, ratio")


def _costs(verdict: Verdict) -> tuple[str, ...]:
    arm, baseline = verdict.judgement.arm, verdict.judgement.baseline

    def ratio(fact: str) -> str:
        theirs = baseline.mean(fact)
        return f"{arm.mean(fact) / theirs:.2f} ×" if theirs else "–"

    seconds = [f"{side.mean('seconds'):.1f}" for side in (arm, baseline)]
    found = verdict.joules
    joules = "–" if found.tested is None else f"{found.ratio:.2f} ×"
    passes = (ratio("forward_passes"), ratio("backward_passes"))
    return (verdict.judgement.comparison.idea, *seconds, *passes, joules)


def _summary(facts: IdeaFacts) -> tuple[str, ...]:
    """The cells of SUMMARY_COLUMNS; those of a registered test are fewer."""
    missing = len(SUMMARY_COLUMNS) - len(facts.summary)
    if not missing:
        return facts.summary
    first, interval, p, seeds = facts.summary
    return first, interval, p, "–", seeds, "–"


def numbered(texts: Mapping[str, str], head: str) -> Iterable[str]:
    """The names `head.1`, `head.2`, … that `texts` has."""
    i = 1
    while f"{head}.{i}" in texts:
        yield f"{head}.{i}"
        i += 1
