"""`python -m launching WHAT FILE`: runs of two ranks, started by a process that `warm` has forked.

What they come to is printed as JSON, and so is what they are refused with. The ranks are forks, too.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import parallel_entries

from audition.errors import AuditionError
from audition.parallel.launch import launch
from audition.sweep.arms import Arm
from audition.sweep.plan import PlannedRun, identify
from audition.training.run import perform
from audition.training.run_spec import RunSpec


def ranks(entry: str, payload: Mapping[str, Any]) -> Any:
    """An entry of `parallel_entries`, to its end."""
    found = getattr(parallel_entries, entry)
    return launch(found, payload, 2, lambda report: None, lambda step: False)


def on_file(settings: Mapping[str, Any]) -> Any:
    """A shared run that is stopped after its first step, and what it comes to when it is taken up."""
    run = PlannedRun(Arm("baseline", ()), 42, dict(settings), identify(settings), "word")
    spec = RunSpec(run.record, dict(settings), {})
    reports: list[Mapping[str, Any]] = []
    first = perform(spec, reports.append, lambda step: step > 0)
    second = perform(spec, reports.append)
    return [json.loads(first.to_json()), json.loads(second.to_json()), reports]


if __name__ == "__main__":
    what, payload = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
    try:
        print(json.dumps(on_file(payload) if what == "on_file" else ranks(what, payload)))
    except AuditionError as error:
        print(json.dumps({"refused": str(error)}))
