"""Runs made elsewhere: tables of them as files, and the losses of arms and seeds that they hold.

CSV, JSON lines and Parquet; W&B's exports of runs and of a chart's history; what MLflow's
`search_runs` gives, as CSV, and its `mlruns` folder.
"""

import csv
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from audition.errors import AuditionError, choices

Row = Mapping[str, Any]
"""Column -> cell; `None` or an empty text for a cell without a value."""

PREFIXES = ("metrics.", "params.", "tags.", "config.", "summary.", "tags.mlflow.")
"""Beginnings of columns in exports, which may be left out: `--seed seed` finds `params.seed`."""
STATES = ("State", "status", "state")
"""Columns that say how a run ended, in exports of W&B and MLflow."""
FINISHED = frozenset({"finished", "completed", "success"})
NAMES = ("Name", "name", "run", "tags.mlflow.runName", "run_name", "run_id")
"""Columns of a run's name."""
HISTORY = re.compile(r"(?P<run>.+) - (?P<metric>.+)")
"""A column of W&B's export of a chart: `a-seed1 - val_loss`, a run each."""


@dataclass(frozen=True)
class Losses:
    """Arm -> seed -> value of a metric, not-a-number for a run that diverged; what was left out."""

    metric: str
    arms: Mapping[str, Mapping[int, float]]
    left_out: Mapping[str, int]  # reason -> rows


def read_rows(path: Path) -> list[Row]:
    """The rows of a file by its ending, or of an `mlruns` folder.

    Raises AuditionError for another kind of file, one that cannot be read, or one without rows.
    """
    kinds = {
        ".csv": _csv,
        ".tsv": _csv,
        ".jsonl": _json_lines,
        ".ndjson": _json_lines,
        ".parquet": _parquet,
    }
    kind = _mlruns if path.is_dir() else kinds.get(path.suffix.lower())
    if not path.exists():
        raise AuditionError(f"there is no file {path}")
    if kind is None:
        raise AuditionError(
            f"{path} is no table{choices(path.suffix, (*kinds, 'an mlruns folder'))}"
        )
    try:
        rows = kind(path)
    except OSError as error:
        raise AuditionError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise AuditionError(f"{path} cannot be read: it is not text in UTF-8") from None
    except (ValueError, csv.Error) as error:  # JSON that is none, a broken Parquet file
        raise AuditionError(f"{path} cannot be read: {error}") from None
    if not rows and path.is_dir():
        raise AuditionError(
            f"{path} is a folder without runs of MLflow: name a file, {', '.join(kinds)}, or an mlruns "
            "folder"
        )
    if not rows:
        raise AuditionError(f"{path} has no rows")
    return rows


def losses_of(
    rows: Sequence[Row],
    *,
    metric: str,
    arm: str | None = None,
    seed: str | None = None,
    name: str | None = None,
    step: str | None = None,
) -> Losses:
    """The metric of each arm and seed.

    Args:
        metric, arm, seed: columns.
        name: instead of `arm` and `seed`, how the names of runs are made: `{arm}-seed{seed}`.
        step: of rows with the same arm and seed, the one with the largest value of this column
            counts; without it they are a mistake.

    Runs that did not finish, by a column of W&B's or MLflow's, and rows without the metric are left
    out. Raises AuditionError for a column that is not there or holds no numbers, and for two rows of
    one arm and seed.
    """
    rows = _history_as_rows(rows, metric, step) or rows
    columns = list(dict.fromkeys(column for row in rows for column in row))
    if name is None and (arm is None or seed is None):
        raise AuditionError("name the columns --arm and --seed, or --name '{arm}-{seed}'")
    value_of, step_of = _column(columns, metric), step and _column(columns, step)
    state_of = next((column for column in STATES if column in columns), None)
    left_out: Counter[str] = Counter()
    found: dict[tuple[str, str], tuple[float, float, int]] = {}
    for number, row in enumerate(rows, start=1):
        state = str(row.get(state_of) or "").lower() if state_of else ""
        if state and state not in FINISHED:
            left_out[state] += 1
            continue
        if _empty(row.get(value_of)):
            left_out[f"without {value_of}"] += 1
            continue
        run = (
            _named(row, name, columns, number) if name else _placed(row, arm, seed, columns, number)
        )
        value = _number(row, value_of, number, rows)
        at = _number(row, step_of, number, rows) if step_of else 0.0
        before = found.get(run)
        if before and not step_of:
            raise AuditionError(
                f"arm '{run[0]}' has seed {run[1]} in rows {before[2]} and {number}: keep one a run, "
                "or name the column that tells the last of them, --step COLUMN"
            )
        if before is None or at >= before[1]:
            found[run] = (value, at, number)
    seeds = _whole(run[1] for run in found)
    arms: dict[str, dict[int, float]] = {}
    for (of, number_of), (value, _, _) in found.items():
        arms.setdefault(of, {})[seeds[number_of]] = value if math.isfinite(value) else math.nan
    return Losses(metric, arms, dict(left_out))


def _whole(seeds: Iterable[str]) -> dict[str, int]:
    """Each seed as a whole number: its own, or its place among all where some are words."""
    known = sorted(set(seeds))
    try:
        return {seed: int(float(seed)) if float(seed) % 1 == 0 else int(seed) for seed in known}
    except ValueError:
        return {seed: place for place, seed in enumerate(known)}


def _column(columns: Sequence[str], wanted: str) -> str:
    """The column that is called so, its export's prefix perhaps left out."""
    if wanted in columns:
        return wanted
    longer = [f"{prefix}{wanted}" for prefix in PREFIXES if f"{prefix}{wanted}" in columns]
    if len(longer) == 1:
        return longer[0]
    if longer:
        raise AuditionError(f"'{wanted}' is several columns: choose from: {', '.join(longer)}")
    raise AuditionError(f"there is no column '{wanted}'{choices(wanted, columns)}")


def _placed(
    row: Row, arm: str | None, seed: str | None, columns: Sequence[str], number: int
) -> tuple[str, str]:
    """The arm and the seed of a row, from their columns."""
    cells = []
    for wanted in (arm, seed):
        column = _column(columns, wanted or "")
        if _empty(row.get(column)):
            raise AuditionError(f"row {number} has no value in column '{column}'")
        cells.append(str(row[column]))
    return cells[0], cells[1]


def _named(row: Row, pattern: str, columns: Sequence[str], number: int) -> tuple[str, str]:
    """The arm and the seed of a row, from the name of its run."""
    if pattern.count("{arm}") != 1 or pattern.count("{seed}") != 1:
        raise AuditionError(f"--name {pattern} must hold {{arm}} and {{seed}} once each")
    column = next((column for column in NAMES if column in columns), None)
    if column is None:
        raise AuditionError(f"no column holds names of runs{choices('', NAMES)}")
    plain = re.escape(pattern).replace(r"\{arm\}", "(?P<arm>.+)")
    called = str(row.get(column) or "")
    found = re.fullmatch(plain.replace(r"\{seed\}", "(?P<seed>.+?)"), called)
    if found is None:
        raise AuditionError(f"row {number}: '{called}' is not made as --name {pattern} says")
    return found["arm"], found["seed"]


def _number(row: Row, column: str, number: int, rows: Sequence[Row]) -> float:
    cell = row.get(column)
    try:
        return float(cell)  # type: ignore[arg-type] # what is no number raises
    except (TypeError, ValueError):
        known = sorted(name for name, value in rows[0].items() if _is_number(value))
        raise AuditionError(
            f"row {number} has '{cell}' in column '{column}', which is not a number; columns of "
            f"numbers: {', '.join(known) or '(none)'}"
        ) from None


def _is_number(cell: object) -> bool:
    try:
        float(cell)  # type: ignore[arg-type] # what is no number raises
    except (TypeError, ValueError):
        return False
    return True


def _empty(cell: object) -> bool:
    return cell is None or cell == ""


def _history_as_rows(rows: Sequence[Row], metric: str, step: str | None) -> list[Row]:
    """W&B's export of a chart, a column a run, as rows of a run; empty for another table."""
    step_of = step or "Step"
    columns = [found for name in rows[0] if (found := HISTORY.fullmatch(name))]
    wanted = [found for found in columns if found["metric"] == metric]
    if step_of not in rows[0] or not wanted:
        return []
    return [
        {"run": found["run"], metric: row[found[0]], step_of: row[step_of]}
        for found in wanted
        for row in _last(rows, found[0])
    ]


def _last(rows: Sequence[Row], column: str) -> list[Row]:
    return [row for row in rows if not _empty(row.get(column))][-1:]


def _csv(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = file.readline()
        between = max(",;\t", key=header.count)
        file.seek(0)
        reader = csv.DictReader(file, delimiter=between, strict=True)
        rows: list[Row] = []
        for row in reader:
            if None in row:
                raise ValueError(
                    f"line {reader.line_num} has more cells than the {len(reader.fieldnames or ())} "
                    "columns"
                )
            rows.append(row)
        return rows


def _json_lines(path: Path) -> list[Row]:
    texts = path.read_text(encoding="utf-8").splitlines()
    rows: list[Row] = []
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise ValueError(f"line {number} is no JSON object")
        rows.append(row)
    return rows


def _parquet(path: Path) -> list[Row]:
    try:
        table: Any = import_module("pyarrow.parquet")
    except ImportError:
        raise AuditionError(
            f"{path}: parquet needs pyarrow: pip install 'audition[export]'"
        ) from None
    rows: list[Row] = table.read_table(path).to_pylist()
    return rows


def _mlruns(path: Path) -> list[Row]:
    """A row a run: `metrics.NAME` (the last value), `params.NAME`, `status`, the run's name."""
    runs = sorted(
        meta.parent for meta in path.glob("**/meta.yaml") if (meta.parent / "metrics").is_dir()
    )
    return [row for run in runs if (row := _mlflow_run(run))]


def _mlflow_run(run: Path) -> Row:
    meta = dict(re.findall(r"^(\w+): *'?(.*?)'?$", (run / "meta.yaml").read_text("utf-8"), re.M))
    if meta.get("lifecycle_stage") == "deleted":
        return {}
    status = {"1": "running", "2": "scheduled", "3": "finished", "4": "failed", "5": "killed"}
    row = {"status": status.get(meta.get("status", ""), ""), "run_name": meta.get("run_name", "")}
    for kind in ("metrics", "params"):
        for file in sorted((run / kind).rglob("*")) if (run / kind).is_dir() else ():
            if file.is_file():
                lines = file.read_text("utf-8").splitlines() or [""]
                text = lines[-1].split()[1] if kind == "metrics" and lines[-1] else lines[-1]
                row[f"{kind}.{file.relative_to(run / kind).as_posix()}"] = text
    return row
