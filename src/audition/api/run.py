"""`audition.run` and `audition.compare`: train from Python what the command line would train."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from audition import frozen
from audition.api.ledger import LedgerReader
from audition.api.shown import Verdicts
from audition.cli.sentences import MISTAKES, sentence
from audition.cli.typed import read_typed
from audition.errors import AuditionError
from audition.records.record import Record
from audition.records.store import Ledger


def run(overrides: Sequence[str] = (), *, config_dir: str | Path | None = None) -> Record:
    """Train one run in this process, filed as `python -m src.train OVERRIDES` files it.

    Its record is returned whether it finished or diverged (`status`); one that the ledger has is
    returned as it is. Afterwards the process is as before: folder, arguments, handlers of signals,
    Hydra's state, torch's threads and random numbers. Modules that were imported stay imported:
    after an edit, start the process again.

    Args:
        overrides: as they are typed: `["+idea=placebo", "seed=1", "model=tiny"]`.
        config_dir: a folder of your own configs, as `--config-dir` names it.

    Raises AuditionError for a setting that cannot be, and KeyboardInterrupt after Ctrl-C, when the
    run has written its checkpoint: the same call goes on from there.

    Example:
        >>> import tempfile
        >>> small = ["model=tiny", "budget.steps=2", "data.evaluation_tokens=512"]
        >>> record = run([*small, "seed=1", f"paths.output_dir={tempfile.mkdtemp()}"])
        >>> record.status, record.steps
        ('finished', 2)
    """
    words = _overrides(overrides)
    with _as_before([*_own(config_dir), *words]):
        from audition.sweep.compose import Composer
        from audition.sweep.single import plan_single, train_here

        with _composing(config_dir) as hydra_overrides:
            compose = Composer("audition", hydra_overrides)
            planned = plan_single(compose(words), words, compose)
        with _torch_as_before():
            record, _ = train_here(planned, rehearsed=False)
    if record.status == "interrupted":
        raise KeyboardInterrupt
    return record


def compare(overrides: Sequence[str], *, config_dir: str | Path | None = None) -> Verdicts:
    """Train arms and seeds as `python -m src.train OVERRIDES -m` does, and return the verdicts.

    The sweep is a process of its own, whose lines on standard error are passed on; Ctrl-C ends it
    with checkpoints, and the same call goes on.

    Args:
        overrides: as they are typed: `["+idea=placebo,spectral_gate", "seed=1,2,3"]`.
        config_dir: a folder of your own configs.

    Raises AuditionError with what the command said where it could not begin.

    Example:
        >>> audition.compare(["+idea=spectral_gate", "seed=42,137,256"])  # doctest: +SKIP
        spectral_gate: supported. It is better by 0.0312 nats/token ...
    """
    words = _overrides(overrides)
    own = _own(config_dir)
    command = [sys.executable, "-m", "audition", "train", *own, *words, "-m"]
    with _as_before([*own, *words]):
        from audition.bench.plan import plan_sweep

        with _composing(config_dir) as searchpath:
            plan = plan_sweep([*words, *searchpath]).plan
    said = _passed_on(command)
    if said is not None:
        raise AuditionError(said)
    ledger = Ledger(Path(plan.output_dir))
    return LedgerReader(ledger).verdicts(*(name for name, _ in plan.arms()))


def _passed_on(command: Sequence[str]) -> str | None:
    """Run a command, pass its standard error on; what it said last where it could not begin."""
    last = ""
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as child:
        try:
            for line in child.stderr or ():
                last = line.strip()
                print(line, end="", file=sys.stderr)
        except KeyboardInterrupt:
            child.send_signal(signal.SIGINT)
            child.wait()
            raise
    return last.removeprefix("audition: ") if child.returncode == 2 else None


def _overrides(words: Sequence[str]) -> list[str]:
    """The words as Hydra can read them. Raises AuditionError for options of the command line."""
    if isinstance(words, str):
        raise AuditionError(f"give overrides as a list, one text each: [{words!r}, ...]")
    if options := [word for word in words if word.startswith("-")]:
        raise AuditionError(
            f"{options[0]} is of the command line: run trains one run, compare trains a sweep"
        )
    return read_typed(words)


def _own(config_dir: str | Path | None) -> list[str]:
    return [] if config_dir is None else ["--config-dir", str(config_dir)]


@contextmanager
def _composing(config_dir: str | Path | None) -> Iterator[tuple[str, ...]]:
    """Hydra with our configs, beside one that the caller may have begun; mistakes in one sentence."""
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    from audition.config.root import conf_dir

    own: tuple[str, ...] = ()
    if config_dir is not None:
        own = (f"hydra.searchpath=[sweeps://sweeps,'file://{Path(config_dir).resolve()}']",)
    of_caller, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None
    try:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            yield own
    except AuditionError:
        raise
    except MISTAKES as error:
        raise AuditionError(sentence(error)) from error
    finally:
        GlobalHydra.instance().hydra = of_caller


@contextmanager
def _as_before(words: Sequence[str]) -> Iterator[None]:
    """What a command changes in its process, put back; until then it is `audition train WORDS`."""
    folder, arguments, path = Path.cwd(), sys.argv[:], sys.path[:]
    sys.argv = ["audition train", *words]
    if str(folder) not in sys.path and "" not in sys.path:
        sys.path.insert(0, str(folder))  # as python -m has it: a person's own ideas may lie here
    drawn = random.getstate()  # some libraries draw from it as they are imported
    try:
        with frozen.as_before():
            yield
    finally:
        sys.argv, sys.path[:] = arguments, path
        random.setstate(drawn)
        os.chdir(folder)


@contextmanager
def _torch_as_before() -> Iterator[None]:
    """Threads, determinism and random numbers of torch, put back."""
    import torch

    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)
