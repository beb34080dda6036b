"""A bundle: the ONNX file of a trained run, a test vector, its bench, and a digest of each.

What `deploy=onnx…` made of the run is taken as it was judged; otherwise it is made and evaluated.
"""

import json
import runpy
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from audition.config.instantiate import construct
from audition.deploy.model import Deployed
from audition.deploy.onnx import Onnx, Runtime
from audition.deploy.settle import Settle
from audition.errors import AuditionError, writing
from audition.execution import Float32
from audition.measure import recorded
from audition.plain_file import write_whole
from audition.recipe.batches import Clock
from audition.recipe.problem import Predict
from audition.records.devices import DeviceRow, file_row
from audition.records.record import Record
from audition.training.evaluation import HeldOutRows, measured
from audition.training.parents import settings_at
from audition.zoo.published import Published

Way = Literal["fp32", "int8", "int4"]
WAYS: Mapping[Way, Literal["float32", "int8", "int4"]] = {
    "fp32": "float32",
    "int8": "int8",
    "int4": "int4",
}
"""What `--deploy` may say, and what the matrices are computed with."""
NEEDED = (
    "audition edge writes for ONNX Runtime, and {} is not installed: pip install 'audition[edge]'"
)
SHAPES = ((32, 64), (1, 64), (1, 1))
"""Rows and tokens of the prompts that are timed, as in `audition costs`."""
SMALLEST = 1e-4
"""The difference in logits that another processor's rounding explains, in float32."""
REPEATS = 20
"""Answers of each size that the host's own bench times."""


@dataclass(frozen=True)
class Bundle:
    """A folder that can be copied to a device, and what its host measured of it."""

    folder: Path
    measures: Mapping[str, float]
    judged: bool  # whether the file is that of a deployed run of the ledger
    host: DeviceRow


def check_edge() -> None:
    """Raise AuditionError, naming it, where a package is missing."""
    from importlib.util import find_spec

    for name in Onnx.requires:
        if find_spec(name) is None:
            raise AuditionError(NEEDED.format(name))


def write_bundle(run: Published, way: Way, records: Sequence[Record], folder: Path) -> Bundle:
    """Write the bundle of `run` into `folder`, time it on this machine, and file that as its host's.

    records: the ledger's, among which may be what `deploy=` made of the run. Raises AuditionError
    where a package is missing, and where the folder holds other things or cannot be written.
    """
    check_edge()
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "bundle.json").is_file():
        raise AuditionError(f"{folder} holds other things: choose an empty folder for --to")
    package = Onnx(weights=WAYS[way])
    batches, whole = run.batches, run.model
    context = int(getattr(whole, "context", 1))
    inputs = batches.train(Clock(0)).inputs[:2]
    with writing(f"in {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / package.file
        found = deployed_run(run, package, records)
        if found is None:
            deployed = Settle()(Deployed.of(run.model))
            package.write(deployed, folder, inputs)
            measures = _evaluated(run, Runtime(path))
        else:
            shutil.copyfile(run.ledger.folder_of(found) / package.file, path)
            measures = {n: found.metrics[n] for n in found.measures if n in found.metrics}
        write_whole(folder / "vector.npz", _vector(inputs, Runtime(path)))
        bench = files("audition.edge").joinpath("bench.txt").read_text(encoding="utf-8")
        write_whole(folder / "bench.py", bench)
        own = ("model.onnx", "vector.npz", "bench.py")
        told = {
            "arm": run.record.arm,
            "seed": run.record.seed,
            "run": run.record.key,
            "weights": run.record.weights,
            "deploy": way,
            "parameters": run.record.parameters,
            "vocabulary": batches.shape.outputs,
            "context": context,
            "shapes": _shapes(context),
            "measures": measures,
            "tolerance": _tolerance(run, inputs, Runtime(path)),
            "made_with": {name: version(name) for name in ("audition", *Onnx.runtime)},
            "made_on": runpy.run_path(str(folder / "bench.py"))["machine"](),
            "digests": {name: sha256((folder / name).read_bytes()).hexdigest() for name in own},
        }
        write_whole(folder / "bundle.json", json.dumps(told, indent=1) + "\n")
    return Bundle(folder, measures, found is not None, _host(run, folder))


def deployed_run(run: Published, package: Onnx, records: Sequence[Record]) -> Record | None:
    """The run of `deploy=onnx…` that was made of `run` in that package, if the ledger has it."""
    place = f"{run.record.arm}/{run.record.config_hash}/seed_{run.record.seed}"
    own = {"place": place, "weights": run.record.weights}
    for record in records:
        if record.status == "finished" and dict(record.parent) == own:
            chain = settings_at(run.ledger, record, ("audition.",))["deploy"]
            there = (run.ledger.folder_of(record) / package.file).is_file()
            if there and list(chain) == ["package"]:
                made = construct(chain["package"])
                if isinstance(made, Onnx) and replace(made, threads=package.threads) == package:
                    return record
    return None


def _evaluated(run: Published, runtime: torch.nn.Module) -> dict[str, float]:
    """The run's measures on its held-out rows, by that runtime, as a deployed run's are taken."""
    execution = replace(run.job.execution, precision=Float32(), device="cpu", compile=False)
    rows = HeldOutRows(Predict(runtime), run.batches, execution)
    return {recorded(n): float(x) for n, x in measured(run.job.evaluators, rows).items()}


def _vector(inputs: torch.Tensor, runtime: Runtime) -> bytes:
    """Token ids and the logits that the file gives for them on this machine, as `.npz`."""
    held = BytesIO()
    np.savez(held, tokens=inputs.numpy(), logits=runtime(inputs).numpy())
    return held.getvalue()


def _tolerance(run: Published, inputs: torch.Tensor, runtime: Runtime) -> float:
    """How far another processor's logits may lie from the vector's: half as far as the trained
    model's lie, where fewer bits moved them, and by rounding at least."""
    with torch.inference_mode():
        moved = float((run.model(inputs) - runtime(inputs)).abs().max())
    return max(SMALLEST, moved / 2)


def _shapes(context: int) -> list[list[int]]:
    shapes = [(rows, min(tokens, context)) for rows, tokens in SHAPES]
    return [list(shape) for shape in dict.fromkeys(shapes)]


def _host(run: Published, folder: Path) -> DeviceRow:
    """What the bundle's bench says on this machine, filed as its host's."""
    out = folder / "host.json"
    words: list[Any] = [sys.executable, "bench.py", "--repeats", REPEATS, "--out", out.name]
    ended = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if ended.returncode:
        said = (ended.stderr or ended.stdout).strip().splitlines()
        raise AuditionError(
            f"the bench of {folder} failed: {said[-1] if said else 'it said nothing'}"
        )
    row, _ = file_row(run.ledger.root, out)
    return row
