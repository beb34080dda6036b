"""The soak as a page of Markdown: what was done, what it met, and what was left."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass
class StageReport:
    """What became of one stage."""

    name: str
    runs: int
    done: dict[str, Counter[str]] = field(default_factory=dict)  # disturbance -> what it met
    ends: list[int] = field(default_factory=list)  # exit codes of the command, one a repeat
    seconds: float = 0.0

    def note(self, disturbance: str, met: str) -> None:
        """One more of them."""
        self.done.setdefault(disturbance, Counter())[met] += 1


ENDS = {
    0: "complete",
    1: "ended with runs missing",
    2: "stopped with a sentence",
    -9: "was killed",
}
"""Exit code of the command -> what the table calls it."""


def lines(reports: Sequence[StageReport]) -> Iterator[str]:
    """Both tables: the disturbances, and the commands that were needed."""
    yield "| stage | disturbance | times | what it met |"
    yield "|---|---|---:|---|"
    for report in reports:
        for what, met in report.done.items():
            yield f"| {report.name} | {what} | {met.total()} | {counted(met)} |"
    yield ""
    yield "| stage | runs | commands until nothing was missing | how they ended | time |"
    yield "|---|---:|---:|---|---:|"
    for report in reports:
        ends = Counter(ENDS.get(code, f"exit code {code}") for code in report.ends)
        yield (
            f"| {report.name} | {report.runs} | {len(report.ends)} | {counted(ends)} | "
            f"{report.seconds:.0f} s |"
        )


def counted(what: Counter[str]) -> str:
    """`2 × this, that`."""
    return ", ".join(f"{n} × {name}" if n > 1 else name for name, n in what.most_common())
