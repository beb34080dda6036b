"""What a server prepares for its runs: after it a run imports no more of the house."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from audition.sweep.local import PRELOAD
from audition.training.run import nodes

SCRIPT = """
import importlib, json, os, sys
several, preload = json.load(sys.stdin)
for module in preload:
    importlib.import_module(module)
from audition.training.build import build
from audition.training.run import prepare
from audition.session import begin
found = []
for settings in several:
    prepare({"settings": settings})
    threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
    before = set(sys.modules)
    job = build(settings)
    begin(job.recipe, job.seed, "cpu")
    new = sorted(m for m in set(sys.modules) - before if "audition" in m)
    found.append([threads, new, "wandb" in before])
print(json.dumps(found))
"""


def test_a_run_finds_all_its_code_imported_and_no_thread_to_lose(
    settings_of: Callable[..., dict[str, Any]],
) -> None:
    pytest.importorskip("wandb")
    plain = settings_of("+idea=spectral_gate", "preset=saturation_limiter")
    tracked = settings_of("preset=compressor", "optimizer=muon", "logger=[wandb,tensorboard]")
    given = json.dumps([[plain, tracked], PRELOAD])
    answer = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=given,
        capture_output=True,
        text=True,
        check=True,
        env={"OMP_NUM_THREADS": "1", "PYTHONPATH": ":".join(filter(None, sys.path))},
    ).stdout
    assert json.loads(answer) == [[1, [], False], [1, [], True]]


def test_nodes_are_found_however_deep() -> None:
    inner = {"_target_": "b"}
    outer = {"_target_": "a", "part": inner}
    assert list(nodes({"x": outer, "y": {"z": inner}, "n": 3})) == [outer, inner, inner]
