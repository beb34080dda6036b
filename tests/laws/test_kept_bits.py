"""Language runs have the weights and losses that they had under Audition 0.2, to the bit."""

import json
from pathlib import Path

import pytest
import torch

from audition.training.loop import train
from audition.training.worker import facts, measures_of

KEPT = json.loads(Path(__file__).with_name("kept_bits.json").read_text(encoding="utf-8"))
BASE = (
    *("model=tiny", "model.context=16", "data.batch_size=4", "data.evaluation_tokens=512"),
    *("budget.steps=12", "training.evaluations=3", "seed=42"),
)
SAME_ARITHMETIC = (KEPT["torch"], KEPT["capability"]) == (
    str(torch.__version__),
    torch.backends.cpu.get_cpu_capability(),
)


@pytest.mark.parametrize("name", KEPT["cases"])
def test_a_language_run_keeps_its_bits(name, settings_of, job_of):
    case = KEPT["cases"][name]
    precision = [o for o in case["overrides"] if o.startswith("precision=")]
    rest = [o for o in case["overrides"] if o not in precision]
    job = job_of(*rest, *precision, base=BASE)
    found = facts(train(job), measures_of(job))
    metrics = {name: case[name] for name in ("val_loss", "val_loss_best", "val_bpb")}
    if SAME_ARITHMETIC:
        assert found["weights"] == case["weights"]
        assert {name: found["metrics"][name] for name in metrics} == metrics
    else:  # other instructions round sums in another order
        for name, value in metrics.items():
            assert found["metrics"][name] == pytest.approx(value, rel=5e-3)
