"""A table of what a card does with a step, for docs/results/gpu.md: `make bench-gpu`.

One process measures one row after the other, so the rows compare; peak memory is reset in between.
`python -m scripts.bench.gpu --device cpu --tiny` runs every row on the smallest sizes, to test it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from statistics import median
from unittest.mock import patch

import torch

from audition.execution import Execution, why_uncompiled
from audition.machine import peak_memory
from audition.parts.attention import flex
from audition.recipe.batches import Batch, Clock
from audition.session import Session, begin
from audition.training.job import Job
from audition.training.step import advance
from audition.training.worker import digest
from scripts.bench.step import job

OPEN = 10**6
"""Steps of a budget that does not end."""
TINY = ("model=tiny", "model.context=16", "data.batch_size=4", "data.evaluation_tokens=512")
PACKS = (1, 6, 32, 64, 128)
LARGE, NANO = "experiment=document003", "experiment=nanogpt_cpu"
PLAIN = ("experiment=none", "model=nano")
"""The default model and its own settings, for parts that the experiments have others of."""
COMPILED = "execution.compile=true"
HEAD = (
    "| what | ms a step | tokens/s | first step [s] | peak memory [MB] | weights |\n|" + "---|" * 6
)


def unpinned(batch: Batch, device: str) -> Batch:
    """`Batch.to` from pageable memory, for which the processor waits."""
    return batch._each(lambda tensor: tensor.to(device))


@dataclass(frozen=True)
class Case:
    """One row of training steps: what is typed, and what is done differently around it."""

    name: str
    overrides: tuple[str, ...]
    around: Callable[[], AbstractContextManager[object]] = nullcontext


FAST = "execution.deterministic=false"
CASES = (
    Case("88M, eager", (LARGE,)),
    Case("88M, eager, logits at once (`loss.chunk=off`)", (LARGE, "loss.chunk=off")),
    Case(
        "88M, eager, batches copied from pageable memory",
        (LARGE,),
        lambda: patch.object(Batch, "to", unpinned),
    ),
    Case(f"88M, eager, `{FAST}`", (LARGE, FAST)),
    Case("88M, compiled, nothing compiled before", (LARGE, COMPILED)),
    Case("88M, compiled, from the cache", (LARGE, COMPILED)),
    Case(f"88M, compiled, `{FAST}`", (LARGE, COMPILED, FAST)),
    Case("nano, eager", (NANO,)),
    Case("nano, compiled", (NANO, COMPILED)),
    Case("nano, `+idea=spectral_gate`", (NANO, "+idea=spectral_gate")),
    Case("nano, `preset=saturation_limiter`", (NANO, "preset=saturation_limiter")),
    *(
        Case(f"nano, `{word}`", (*PLAIN, word))
        for word in (
            "optimizer=muon",
            "optimizer=prodigy",
            "optimizer=soap",
            "optimizer=shampoo",
            "feedforward=moe",
            "feedforward=shared_moe",
            "attention=delta",
            "attention=liquid",
        )
    ),
    *(
        Case(
            f"nano, windows of 256 in {context} tokens, {name}",
            (
                *(*PLAIN, "attention=sliding", "attention.window=256"),
                *(f"model.context={context}", f"data.batch_size={16384 // context}"),
            ),
            partial(patch.object, flex, "SHORTEST", shortest),
        )
        for context in (512, 1024, 2048, 4096)
        for name, shortest in (("FlexAttention", 0), ("as written", OPEN))
    ),
)


@dataclass(frozen=True)
class Bench:
    """Where and how long rows are measured."""

    device: str
    seconds: float
    tiny: bool
    folder: Path

    def finish(self) -> None:
        """Wait until the device has done its work."""
        if self.device == "cuda":
            torch.cuda.synchronize()

    def words(self, overrides: Sequence[str]) -> tuple[str, ...]:
        """The overrides of a row, on this device and of this size."""
        precision = () if self.device == "cpu" else ("precision=bf16",)
        return (*overrides, f"execution.device={self.device}", *precision, *self.small)

    @property
    def small(self) -> tuple[str, ...]:
        return TINY if self.tiny else ()

    def chunks(self, work: Callable[[], object]) -> float:
        """The median time of `work` [s] over the seconds of a row."""
        times: list[float] = []
        while not times or sum(times) < self.seconds:
            start = time.perf_counter()
            work()
            self.finish()
            times.append(time.perf_counter() - start)
        return median(times)

    def row(self, case: Case) -> str:
        """Train as `case` says; a row that fails says why in its place."""
        torch.compiler.reset()
        if self.device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        try:
            with case.around():
                return self._trained(case, job(self.folder, *self.words(case.overrides)))
        except (RuntimeError, torch.OutOfMemoryError) as why:
            return f"| {case.name} | not measured: {str(why).splitlines()[0]} | | | | |"

    def _trained(self, case: Case, made: Job) -> str:
        made.execution.enter()
        session = begin(made.recipe, made.seed, self.device)

        def steps(count: int) -> None:
            for _ in range(count):
                advance(made, session, Clock(session.step, OPEN, session.step / OPEN))
            self.finish()

        start = time.perf_counter()
        steps(1)
        first = time.perf_counter() - start
        steps(2 if self.tiny else 19)
        weights = digest(session.params)[:8]
        each = self.chunks(lambda: steps(2 if self.tiny else 10)) / (2 if self.tiny else 10)
        peak = torch.cuda.max_memory_allocated() if self.device == "cuda" else peak_memory()
        units = session.units / session.step
        return (
            f"| {case.name} | {1e3 * each:.2f} | {units / each:,.0f} | {first:.1f} | "
            f"{peak / 1e6:,.0f} | {weights} |{self.muon(case, session)}"
        )

    def muon(self, case: Case, session: Session) -> str:
        """A row of the optimizer's step alone, below the first case, whose gradients it takes."""
        if case is not CASES[0]:
            return ""
        for parameter in session.params.values():
            parameter.grad = torch.ones_like(parameter)
        each = self.chunks(session.optimizer.step)
        return f"\n| 88M, the optimizer's step alone | {1e3 * each:.2f} | | | | |"

    def packed(self) -> Iterator[str]:
        """Sweeps of S seeds, packed, by their command; where this version packs runs."""
        if "pack" not in {field.name for field in fields(Execution)}:
            yield "| packed runs | not measured: this version has no `execution.pack` | | | | |"
            return
        for size in (1, 2) if self.tiny else PACKS:
            steps = 4 if self.tiny else 1302
            folder = self.folder / f"pack{size}"
            pack = f"execution.pack={size if size > 1 else 'off'}"
            words = [NANO, COMPILED, f"budget.steps={steps}", pack]
            where = [f"paths.output_dir={folder}", f"hydra.sweep.dir={folder}"]
            seeds = f"seed=range(1,{size + 1})" if size > 1 else "seed=1"
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "src.train", *self.words(words), seeds, *where, "-m"],
                capture_output=True,
                text=True,
                encoding="utf-8",
                check=False,
            )
            took = time.perf_counter() - start
            if done.returncode:
                last = (done.stderr.strip() or "no reason given").splitlines()[-1]
                yield f"| nano, {size} packed, compiled | not measured: {last} | | | | |"
                continue
            tokens = steps * size * (4 * 16 if self.tiny else 12 * 64)
            yield (
                f"| nano, {size} packed, compiled, from Enter to the end ({took:.1f} s) | "
                f"{1e3 * took / steps:.2f} | {tokens / took:,.0f} | | | |"
            )

    def table(self, only: Sequence[str] = ()) -> Iterator[str]:
        """The table in Markdown, a line at a time: all rows, or those named by a part of theirs."""
        card = torch.cuda.get_device_name() if self.device == "cuda" else "no card (a test)"
        yield f"{card}, {driver()}, torch {torch.__version__}, CUDA {torch.version.cuda}\n\n{HEAD}"
        if why := why_uncompiled(self.device):
            yield f"| compiled rows | not compiled: {why} | | | | |"
        asked = [case for case in CASES if not only or any(word in case.name for word in only)]
        yield from map(self.row, asked)
        if not only or "packed" in only:
            yield from self.packed()


def driver(path: Path = Path("/proc/driver/nvidia/version")) -> str:
    """The version of NVIDIA's driver, in words."""
    if not path.is_file():
        return "no driver"
    words = path.read_text(encoding="utf-8").splitlines()[0].split()
    return "driver " + next((word for word in words if word[:1].isdigit()), "unknown")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--seconds", type=float, default=3.0, help="of steps in each row")
    parser.add_argument(
        "--tiny", action="store_true", help="the smallest sizes, to test the script"
    )
    parser.add_argument(
        "--only", nargs="+", default=(), metavar="PART", help="rows whose names hold one of these"
    )
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit(
            "scripts.bench.gpu: this machine has no CUDA card, so nothing was measured"
        )
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = f"{folder}/compiled"
        bench = Bench(arguments.device, arguments.seconds, arguments.tiny, Path(folder))
        for line in bench.table(arguments.only):
            print(line, flush=True)


if __name__ == "__main__":
    main()
