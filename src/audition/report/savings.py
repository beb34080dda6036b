"""Claims of the same for less: in the words of a verdict, and as tables, one a method of costs."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from audition.amount import COSTS
from audition.answers import Judgement
from audition.console import console, table
from audition.stats.claim import LACKING, Claimed
from audition.text import UNDEFINED, number, signed

COLOURS = {
    "supported": "bold green",
    "traded": "bold yellow",
    "refuted": "bold red",
    "inconclusive": "bold yellow",
    "invalid": "bold magenta",
}
HEADINGS = ("arm", "claim", "answer", ">times less", ">at least", ">worse by", "why")


def claimed(judgement: Judgement) -> Iterator[tuple[str, str]]:
    """What the runs say of each claim of their plan, with how the cost was come by."""
    for claim in judgement.claims:
        cost = COSTS[claim.cost].says + (f" ({claim.method})" if claim.method else "")
        asked = f"the same for at most 1/{claim.k:g} of the {cost}"
        yield (
            "control" if claim.is_control else "claim",
            f"{claim.word}: {asked}; {'; '.join(claim.reasons)}",
        )


def show_claims(names: Sequence[str], judgements: Sequence[Judgement], width: int) -> None:
    """The claims of arms under these names, a table for each method, and what the controls came to."""
    every = [(name, c) for name, j in zip(names, judgements, strict=True) for c in j.claims]
    out = console(width)
    for method in dict.fromkeys(claim.method for _, claim in every):
        own = [(name, claim) for name, claim in every if claim.method == method]
        how = f"costs {method}" if method else "without a cost"
        out.print(f"Claims, the same for at most 1/k of a cost; {how}:")
        out.print(table(HEADINGS, (_line(name, claim) for name, claim in own)))
    for sentence in _controls(every):
        out.print(Text(sentence, "dim"))


def _line(name: str, claim: Claimed) -> Sequence[str | Text]:
    exact = claim.less.error == 0.0
    low, high = claim.factor_ci
    spread = "" if exact or not low <= high else f" [{low:.3g}, {high:.3g}]"
    return (
        name,
        f"1/{claim.k:g} {claim.cost}",
        Text(f"{'control: ' if claim.is_control else ''}{claim.word}", COLOURS[claim.word]),
        f"{number(claim.factor, '.3g')} ×{spread}" if claim.less.n else UNDEFINED,
        UNDEFINED if claim.score is None else f"{claim.score:.3g} ×",
        signed(0.0 - claim.gain.value),
        _why(claim),
    )


def _why(claim: Claimed) -> str:
    """The reason that is not in the numbers beside it."""
    if claim.fault:
        return claim.fault
    if claim.per_halving is not None:
        return f"{claim.per_halving:.3g} a halving"
    if claim.word == "inconclusive":
        needed = claim.seeds_needed or 0
        return f"about {needed:,} seeds needed" if needed > claim.gain.n > 1 else claim.reasons[2]
    if claim.word == "refuted":
        return f"worse by δ = {claim.delta:.3g}" if claim.worse else f"not {claim.k:g} times less"
    return "the same weights" if claim.same else f"not worse by δ = {claim.delta:.3g}"


def _controls(every: Sequence[tuple[str, Claimed]]) -> Iterator[str]:
    """A sentence for each cost of which something was supported."""
    held = {c.cost: c.control for _, c in every if c.word == "supported" and not c.is_control}
    for cost, word in held.items():
        if word == LACKING:
            yield (
                f"{cost}: no control, a smaller plain model that is trained for longer at as many "
                "operations (claim.control)."
            )
        elif word == "supported":
            yield f"{cost}: and so does a smaller plain model that was trained for longer."
        elif word:
            yield f"{cost}: of a smaller plain model that was trained for longer it is {word}."
