"""Speed of every attention, feed-forward map and optimizer of the shelf, against the default's.

`make bench-parts` has every row, `python -m scripts.bench.parts --only attention= swiglu` some, and
`--write docs/results/speed.md` puts the table into that page.

A part that does more products of matrices may take more time by as much; a row says how much of its
time they explain, as torch counts them. Decompositions and what is done entry by entry are not
counted. Where more than twice the time is left, the part's own page has to say why: the row shows it.
"""

import argparse
import ast
import platform
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from audition.config.members import Member, members
from audition.config.schema.lookup import find
from audition.errors import AuditionError
from audition.provenance import provenance
from audition.recipe.batches import Clock
from audition.session import begin
from audition.training.job import Job
from audition.training.step import advance
from scripts.bench.pairs import paired
from scripts.bench.step import job

GROUPS = ("attention", "feedforward", "optimizer")
DEFAULT = ("experiment=none",)
"""The model, data and batch of a command that chooses nothing."""
UNEXPLAINED = 2.0
"""How many times longer than its products explain a part may take without a word of it."""
PERIOD = 10
"""Steps whose products are counted: some optimizers do more in every tenth."""
SPEAKS = re.compile(
    r"\b(times? (?:as|the)|slow\w*|costs?|CPU time|takes? (?:about|as long))\b", re.I
)
SECTION = "## Every part of the shelf"
HEAD = (
    "| part | tokens/s | the default's | time | products | time over products | what its page says |"
    "\n|" + "---|" * 7
)


@dataclass(frozen=True)
class Compared:
    """A part against the default of its group, in training steps of the same model and batch."""

    name: str
    ours: float  # tokens/s
    theirs: float
    time: float  # of a step, as a multiple of the default's
    products: float  # so too
    page: str = ""

    @property
    def unexplained(self) -> bool:
        return self.time / self.products > UNEXPLAINED

    def __str__(self) -> str:
        said = (self.page or "**nothing**") if self.unexplained else ""
        return (
            f"| `{self.name}` | {self.ours:,.0f} | {self.theirs:,.0f} | {self.time:.2f} "
            f"| {self.products:.2f} | {self.time / self.products:.2f} | {said} |"
        )


def shelf() -> Iterator[Member]:
    """Every part that can be compared: all files of the groups but what is default or no part."""
    for member in (member for group in GROUPS for member in members(group)):
        if not member.is_default and member.name != "none":
            yield member


def table(
    folder: Path,
    *,
    only: Sequence[str] = (),
    words: Sequence[str] = DEFAULT,
    pairs: int = 7,
    steps: int = 5,
) -> Iterator[Compared | str]:
    """A row for each part whose override holds one of `only`, or why it has none in this model."""
    torch.set_num_threads(1)
    plain = job(folder, *words)
    for member in shelf():
        if only and not any(word in member.chosen for word in only):
            continue
        try:
            yield compared(member, job(folder, *words, member.chosen), plain, pairs, steps)
        except AuditionError as error:
            yield f"| `{member.chosen}` | not in this model: {error} | | | | | |"


def compared(member: Member, made: Job, plain: Job, pairs: int, steps: int) -> Compared:
    """Steps with the part and steps with the default, timed in turn."""
    units = plain.recipe.data(begin(plain.recipe, plain.seed, "cpu").streams).train(Clock(0)).units
    row = paired(
        member.chosen,
        taking(made, steps),
        taking(plain, steps),
        pairs=pairs,
        unit="s",
        per=steps * units,
    )
    assert row.theirs is not None
    assert row.ratio is not None
    times = products(made) / products(plain)
    return Compared(member.chosen, 1 / row.ours, 1 / row.theirs, row.ratio, times, page(member))


def taking(made: Job, steps: int):  # type: ignore[no-untyped-def]
    """Steps of a run, a few each time it is called."""
    session = begin(made.recipe, made.seed, "cpu")

    def run() -> None:
        for _ in range(steps):
            advance(made, session, Clock(session.step, 2000, session.step / 2000))

    return run


def products(made: Job) -> float:
    """Floating-point operations in the products of a step, its optimizer's among them."""
    session = begin(made.recipe, made.seed, "cpu")
    advance(made, session, Clock(0, 2000, 0.0))  # what is done at the first step alone
    with FlopCounterMode(display=False) as counted:
        for step in range(1, 1 + PERIOD):
            advance(made, session, Clock(step, 2000, step / 2000))
    return counted.get_total_flops() / PERIOD


def page(member: Member) -> str:
    """The first sentence of the part's page in `docs/parts.md` that speaks of its time."""
    targets = [str(node["_target_"]) for node in member.nodes.values()]
    texts = [member.sentence, *(ast.get_docstring(find(t).node) or "" for t in targets[:1])]
    sentences = (" ".join(s.split()) for text in texts for s in re.split(r"(?<=[.:])\s+", text))
    return next((sentence for sentence in sentences if SPEAKS.search(sentence)), "")


def written(text: str, lines: Sequence[str]) -> str:
    """A page with the table in its section, which is put last where there is none."""
    facts = provenance()
    where = f"{facts['hardware']['processor']}, {facts['hardware']['cores']} cores"
    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    section = "\n".join(
        [
            f"{SECTION}\n\n`make bench-parts`, {where}, one thread, {versions}: training steps in turn",
            "with those of the default; medians of the pairs.\n",
            HEAD,
            *lines,
        ]
    )
    before, found, after = text.partition(SECTION)
    rest = re.search(r"^## ", after, re.M)
    below = f"\n\n{after[rest.start() :]}" if found and rest else "\n"
    return f"{before.rstrip()}\n\n{section}{below}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--only", nargs="+", default=(), metavar="PART", help="rows whose names hold one of these"
    )
    parser.add_argument(
        "--with", nargs="+", default=DEFAULT, dest="words", help="overrides of both sides"
    )
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--write", type=Path, metavar="FILE", help="a page that gets the table")
    arguments = parser.parse_args()
    lines = []
    print(HEAD)
    with tempfile.TemporaryDirectory() as folder:
        rows = table(
            Path(folder), only=arguments.only, words=arguments.words, pairs=arguments.pairs
        )
        for row in rows:
            lines.append(str(row))
            print(row, flush=True)
    if arguments.write:
        page_text = arguments.write.read_text(encoding="utf-8")
        arguments.write.write_text(written(page_text, lines), encoding="utf-8")


if __name__ == "__main__":
    main()
