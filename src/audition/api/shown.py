"""Answers as Python has them: tuples that print as lines, show as tables, and turn into DataFrames."""

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audition.answers.arm_curves import ArmCurves
from audition.answers.verdict import Verdict
from audition.errors import AuditionError
from audition.text import html_table

if TYPE_CHECKING:
    from pandas import DataFrame

Row = Mapping[str, Any]


def frame(rows: Sequence[Row]) -> "DataFrame":
    """The rows as a DataFrame. Raises AuditionError where pandas is not installed."""
    try:
        pandas = import_module("pandas")
    except ImportError:
        raise AuditionError("a DataFrame needs pandas: pip install 'audition[export]'") from None
    made: DataFrame = pandas.DataFrame(rows)
    return made


class Verdicts(tuple[Verdict, ...]):
    """Verdicts, each with its `judgement`, `next`, `joules` and `equal_time`."""

    def __new__(cls, verdicts: Iterable[Verdict] = ()) -> "Verdicts":
        return super().__new__(cls, verdicts)

    def frame(self) -> "DataFrame":
        """A row a verdict, with the numbers whole. Raises AuditionError without pandas."""
        rows = []
        for verdict in self:
            plain = verdict.to_dict()
            low, high = plain["ci"]
            flat = {k: v for k, v in plain.items() if v is None or isinstance(v, str | int | float)}
            rows.append({"arm": plain["idea"], **flat, "ci_low": low, "ci_high": high})
        return frame(rows)

    def __repr__(self) -> str:
        lines = (f"{row['arm']}: {row['verdict']}. {row['answer']}" for row in self._rows())
        return "\n".join(lines) or "no verdict"

    def _repr_html_(self) -> str:
        return html_table(self._rows())

    def _rows(self) -> list[Row]:
        from audition.report.verdict_text import headline

        return [
            {
                "arm": c.idea,
                "verdict": f"{c.verdict} ({c.kind})" if c.kind else c.verdict,
                "answer": headline(verdict.judgement),
                "standing": verdict.judgement.standing.word,
                "next": verdict.next.text,
            }
            for verdict in self
            for c in (verdict.judgement.comparison,)
        ]


class Curves(tuple[ArmCurves, ...]):
    """Learning curves, an entry an arm; the last line of a notebook's cell draws them."""

    def __new__(cls, curves: Iterable[ArmCurves] = ()) -> "Curves":
        return super().__new__(cls, curves)

    def frame(self) -> "DataFrame":
        """A row a point: arm, seed, metric, units, value. Raises AuditionError without pandas."""
        return frame(
            [
                {"arm": a.arm, "seed": seed, "metric": a.metric, "units": units, "value": value}
                for a in self
                for seed, curve in a.curves.items()
                for units, value in zip(curve.units, curve.values, strict=True)
            ]
        )

    def save(self, path: str | Path) -> None:
        """Draw them all in one figure, as .png or .svg. Raises AuditionError for another kind."""
        from audition.report.curves import write_curves

        write_curves(self, Path(path))

    def __repr__(self) -> str:
        from audition.report.curves import curves_text

        return curves_text(self)

    def _repr_png_(self) -> bytes:
        from audition.report.figures.learning import arm_curves_figure

        drawn = BytesIO()
        arm_curves_figure(self).savefig(drawn, format="png", dpi=110)
        return drawn.getvalue()
