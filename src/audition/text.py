"""Numbers as text: times, values of a measure, probabilities, intervals, counts, tables of them."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from audition.measure import Measure

UNDEFINED = "–"


def places(measure: Measure) -> int:
    """Decimals that values of a measure and gains in it are shown with."""
    return 2 if measure.unit == "%" else 4


def plain_level(value: float, measure: Measure) -> str:
    """`97.40`, `1.8213`: a value of the measure without its unit."""
    return number(value, f"z.{places(measure)}f")


def level(value: float, measure: Measure) -> str:
    """`97.40 %`, `1.8213 nats/token`."""
    return in_unit(plain_level(value, measure), measure)


def gain(value: float, measure: Measure) -> str:
    """`+0.19`, `−0.0042`: an improvement, in the measure's unit."""
    return signed(value, places(measure))


def gain_interval(bounds: tuple[float, float] | None, measure: Measure) -> str:
    """The interval of an improvement, in the measure's unit."""
    return interval(bounds, places(measure))


def bounds(interval: tuple[float, float], measure: Measure) -> str:
    """`+0.0084 to +0.0325`: an interval of an improvement within a sentence."""
    if interval[0] != interval[0]:
        return "no interval"
    return " to ".join(gain(bound, measure) for bound in interval)


def in_unit(text: str, measure: Measure) -> str:
    """The text followed by the measure's unit, where it has one."""
    return f"{text} {measure.unit}" if measure.unit else text


def levels(before: float, after: float, measure: Measure) -> str:
    """`96.20 → 97.40 % (higher is better)`, `1.8213 → 1.8190 nats/token`."""
    said = in_unit(f"{plain_level(before, measure)} → {plain_level(after, measure)}", measure)
    return f"{said} ({direction(measure)})" if measure.better == "higher" else said


def axis(measure: Measure) -> str:
    """`validation accuracy [%]`."""
    return f"{measure.label} [{measure.unit}]" if measure.unit else measure.label


def capital(text: str) -> str:
    """The text as a sentence begins."""
    return text[:1].upper() + text[1:]


def direction(measure: Measure) -> str:
    """`higher is better`."""
    return f"{measure.better} is better"


def one(unit: str) -> str:
    """`token` for tokens, `example` for examples."""
    return unit.removesuffix("s")


def duration(seconds: float) -> str:
    """`48 s`, `2 min 05 s`, `3 h 12 min`."""
    if seconds != seconds:
        return UNDEFINED
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def roughly(seconds: float) -> str:
    """For an estimate, no finer than it is: `7.3 s`, `61 s`, `12 min`, `3 h 05 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def signed(value: float, digits: int = 4) -> str:
    """With its sign always, and a real minus; what rounds to zero is +0."""
    return number(value, f"+z.{digits}f").replace("-", "−")


def number(value: float, form: str = ".4f") -> str:
    """`value` in a format of Python's, or a dash where it is not a number."""
    return UNDEFINED if value != value else f"{value:{form}}"


def interval(bounds: tuple[float, float] | None, digits: int = 4) -> str:
    """`[−0.0021, +0.0243]`, or `[no interval]` where there is too little to say."""
    if bounds is None or any(bound != bound for bound in bounds):
        return "[no interval]"
    return f"[{signed(bounds[0], digits)}, {signed(bounds[1], digits)}]"


def probability(value: float | None) -> str:
    """Three digits, never a rounded zero."""
    if value is None or value != value:
        return UNDEFINED
    return "< .001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def count(many: float, noun: str) -> str:
    """`1 run`, `3 runs`."""
    return f"{many:,} {noun}" + ("" if many == 1 else "s")


def energy(joules: float) -> str:
    """`950 J`, `3.60 kJ`, `1.20 MJ`, and for one unit `4.2 mJ`; three digits."""
    if joules != joules:
        return UNDEFINED
    for unit, size in (("MJ", 1e6), ("kJ", 1e3), ("J", 1.0), ("mJ", 1e-3), ("µJ", 1e-6)):
        if joules >= size * 0.9995:
            value = joules / size
            return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {unit}"
    return f"{joules:.3g} J"


def interval_of_ratio(bounds: tuple[float, float]) -> str:
    """`[0.801, 0.864]`, or `[no interval]`."""
    if any(bound != bound for bound in bounds):
        return "[no interval]"
    return f"[{number(bounds[0], '.3f')}, {number(bounds[1], '.3f')}]"


def html_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as a table of HTML, for a notebook."""
    if not rows:
        return "<p>none</p>"
    head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row.values())}</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
