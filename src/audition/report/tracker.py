"""A ledger as one SQLite file, to be asked by anything that reads SQL; made anew, never changed.

It is derived: no verdict reads it, and to delete it loses nothing. The same ledger makes the same
bytes.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from audition.answers.lab.experiments import Experiment
from audition.answers.lab.outlook import Lab
from audition.errors import writing
from audition.records.record import Record
from audition.records.registration import Registration
from audition.stats.claim import Claimed
from audition.stats.comparison import json_ready

FILE = "lab.sqlite"
VERSION = 1
"""`pragma user_version`: another one has other tables."""

SCHEMA = """
CREATE TABLE run (
  key TEXT PRIMARY KEY, arm TEXT, config_hash TEXT, baseline_hash TEXT, seed INTEGER, status TEXT,
  metric TEXT, value REAL, loss REAL, unit TEXT, units INTEGER, steps INTEGER, seconds REAL,
  train_seconds REAL, joules REAL, energy_method TEXT, peak_mb REAL, parameters INTEGER,
  evaluation TEXT, device TEXT, plan TEXT, started TEXT, record TEXT
) WITHOUT ROWID;
CREATE TABLE metric (
  key TEXT, name TEXT, value REAL, PRIMARY KEY (key, name)
) WITHOUT ROWID;
CREATE TABLE cost (
  key TEXT, name TEXT, value REAL, unit TEXT, method TEXT, PRIMARY KEY (key, name)
) WITHOUT ROWID;
CREATE TABLE derived (
  key TEXT PRIMARY KEY, parent TEXT, weights TEXT
) WITHOUT ROWID;
CREATE TABLE plan (
  digest TEXT PRIMARY KEY, experiment TEXT, number INTEGER, written TEXT, baseline_hash TEXT,
  metric TEXT, alpha REAL, sides TEXT, sesoi REAL, terms TEXT, sprint REAL, screening INTEGER,
  command TEXT, arms TEXT
) WITHOUT ROWID;
CREATE TABLE verdict (
  plan TEXT, config_hash TEXT, arm TEXT, verdict TEXT, kind TEXT, improvement REAL, low REAL,
  high REAL, p_adjusted REAL, n INTEGER, n_baseline INTEGER, standing TEXT,
  PRIMARY KEY (plan, config_hash)
) WITHOUT ROWID;
CREATE TABLE claim (
  plan TEXT, config_hash TEXT, cost TEXT, k REAL, delta REAL, word TEXT, factor REAL,
  factor_low REAL, score REAL, method TEXT, p_adjusted REAL, is_control INTEGER,
  PRIMARY KEY (plan, config_hash, cost)
) WITHOUT ROWID;
CREATE TABLE rating (
  plan TEXT, config_hash TEXT, experiment TEXT, arm TEXT, total INTEGER, band TEXT, reasons TEXT,
  PRIMARY KEY (plan, config_hash)
) WITHOUT ROWID;
CREATE TABLE sprint (
  began TEXT PRIMARY KEY, ended TEXT, minutes REAL, plan TEXT, seeds INTEGER, complete INTEGER,
  trained INTEGER, ended_by TEXT
) WITHOUT ROWID;
CREATE VIEW arm AS
  SELECT config_hash, min(arm) AS arm, min(baseline_hash) AS baseline_hash, count(*) AS runs,
    sum(status = 'finished') AS finished, sum(status = 'diverged') AS diverged,
    min(metric) AS metric, avg(value) AS value, avg(loss) AS loss, avg(parameters) AS parameters,
    avg(units) AS units, avg(train_seconds) AS train_seconds, avg(joules) AS joules
  FROM run GROUP BY config_hash;
CREATE VIEW arm_cost AS
  SELECT r.config_hash, r.baseline_hash, r.arm, r.metric, avg(r.loss) AS loss,
    c.name AS cost, c.method, avg(c.value) AS value, count(*) AS n
  FROM run r JOIN cost c USING (key) WHERE r.status = 'finished'
  GROUP BY r.config_hash, c.name, c.method;
CREATE VIEW frontier AS
  SELECT * FROM arm_cost a WHERE NOT EXISTS (
    SELECT 1 FROM arm_cost b
    WHERE b.baseline_hash = a.baseline_hash AND b.metric = a.metric AND b.cost = a.cost
      AND b.method = a.method AND b.loss <= a.loss AND b.value <= a.value
      AND (b.loss < a.loss OR b.value < a.value));
"""

_ENCODE = msgspec.json.Encoder()


def write_tracker(
    path: Path, records: Sequence[Record], plans: Sequence[Registration], lab: Lab
) -> None:
    """Write the file whole, in place of an earlier one. Raises AuditionError where it cannot be."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        try:
            with closing(sqlite3.connect(part, isolation_level=None)) as base:
                base.executescript(
                    "PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                    f"PRAGMA user_version = {VERSION};{SCHEMA}BEGIN;"
                )
                fill(base, records, plans, lab)
                base.execute("COMMIT")
            os.replace(part, path)
        except sqlite3.Error as error:
            raise OSError(str(error)) from error
        finally:
            part.unlink(missing_ok=True)


def fill(
    base: sqlite3.Connection, records: Sequence[Record], plans: Sequence[Registration], lab: Lab
) -> None:
    """Put everything into empty tables, each in the order of its key."""
    ordered = sorted(records, key=lambda record: record.key)
    _insert(base, "run", 23, map(_run, ordered))
    _insert(
        base,
        "metric",
        3,
        ((r.key, name, r.metrics[name]) for r in ordered for name in sorted(r.metrics)),
    )
    _insert(base, "cost", 5, (row for record in ordered for row in _costs(record)))
    _insert(
        base,
        "derived",
        3,
        ((r.key, r.parent["place"], r.parent["weights"]) for r in ordered if r.parent),
    )
    names = {plan.digest(): each.name for each in lab.experiments for plan in each.plans}
    for plan in sorted(plans, key=Registration.digest):
        _insert(base, "plan", 14, [_plan(plan, names.get(plan.digest(), ""))])
    for experiment in lab.experiments:
        _results(base, experiment)
    _insert(
        base,
        "sprint",
        8,
        (
            (s.began, s.ended, s.minutes, s.plan, len(s.seeds), len(s.complete), s.trained, s.end)
            for s in sorted(lab.sprints, key=lambda sprint: sprint.began)
        ),
    )


def _insert(base: sqlite3.Connection, table: str, columns: int, rows: Any) -> None:
    base.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * columns)})", rows)


def _run(r: Record) -> tuple[Any, ...]:
    value = r.metrics.get(r.primary)
    loss = None if value is None else r.measure(r.primary).as_loss(value)
    return (
        r.key, r.arm, r.config_hash, r.baseline_hash, r.seed, r.status, r.primary, value, loss, r.unit,
        r.units, r.steps, r.seconds, r.train_seconds, r.joules if r.energy_meter else None,
        r.energy_method, r.peak_mb, r.parameters, r.evaluation, r.device, r.plan, r.started,
        _ENCODE.encode(r).decode(),
    )  # fmt: skip


def _costs(r: Record) -> Iterator[tuple[Any, ...]]:
    """What a run cost: what its record lists, and what every record has."""
    found = {
        "parameters": (r.parameters, "parameters", "exact"),
        "training_units": (r.units, r.unit, "exact"),
        "train_seconds": (r.train_seconds, "s", "measured"),
        **({"joules": (r.joules, "J", r.energy_method)} if r.energy_meter else {}),
        **{name: (a.value, a.unit, a.method) for name, a in r.costs.items()},
    }
    if r.status == "finished":
        yield from ((r.key, name, *found[name]) for name in sorted(found))


def _plan(plan: Registration, experiment: str) -> tuple[Any, ...]:
    arms = [{"name": a.name, "config_hash": a.config_hash, "seeds": a.seeds} for a in plan.arms]
    return (
        plan.digest(), experiment, plan.number, plan.written, plan.baseline_hash, plan.metric,
        plan.alpha, plan.sides, plan.sesoi, plan.terms, plan.sprint, int(plan.screening),
        plan.command, json.dumps(arms),
    )  # fmt: skip


def _results(base: sqlite3.Connection, experiment: Experiment) -> None:
    for result in experiment.results:
        judgement, digest = result.judgement, result.plan.digest()
        c, arm = judgement.comparison, judgement.arm
        low, high = c.ci
        numbers = json_ready((c.improvement, low, high, c.p_adjusted))
        _insert(
            base,
            "verdict",
            12,
            [
                (digest, arm.config_hash, arm.name, c.verdict, c.kind, *numbers, c.n, c.n_baseline,
                 judgement.standing.word)
            ],
        )  # fmt: skip
        claims = sorted(judgement.claims, key=lambda claim: claim.cost)
        told = ([digest, arm.config_hash, *_claim(claim)] for claim in claims)
        _insert(base, "claim", 12, told)
        reasons = "\n".join(result.rating.reasons)
        rated = (result.rating.total, result.rating.band, reasons)
        own = (digest, arm.config_hash, experiment.name, arm.name, *rated)
        _insert(base, "rating", 7, [own])


def _claim(claim: Claimed) -> tuple[Any, ...]:
    numbers = (claim.factor, claim.factor_ci[0], claim.score)
    factor, low, score = json_ready(numbers)
    return (
        claim.cost, claim.k, claim.delta, claim.word, factor, low, score, claim.method,
        json_ready(claim.p_adjusted), int(claim.is_control),
    )  # fmt: skip
