"""What docs/tasks.md says of a task and an evaluator in two files each is tried, word for word."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

GUIDE = (Path(__file__).parents[1] / "docs" / "tasks.md").read_text(encoding="utf-8")


def test_a_task_and_an_evaluator_of_two_files_each_end_in_a_verdict(tmp_path: Path) -> None:
    code = dict(
        zip(("entropy", "parity"), re.findall(r"```python\n(.*?)```", GUIDE, re.S), strict=True)
    )
    yaml = dict(
        zip(("entropy", "parity"), re.findall(r"```yaml\n(.*?)```", GUIDE, re.S), strict=True)
    )
    (tmp_path / "mylab").mkdir()
    (tmp_path / "mylab" / "__init__.py").write_text("")
    for name, group in (("entropy", "evaluator"), ("parity", "task")):
        (tmp_path / "mylab" / f"{name}.py").write_text(code[name], encoding="utf-8")
        place = tmp_path / "conf" / group
        place.mkdir(parents=True)
        text = re.sub(r"audition\.(evaluators|tasks)\.", "mylab.", yaml[name])
        (place / f"{name}.yaml").write_text(text, encoding="utf-8")
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "audition", "train", "--config-dir", str(tmp_path / "conf")),
            *("task=parity", "evaluator=[entropy]", "metric=entropy_nats", "optimizer=adamw,sgd"),
            *("budget.examples=640", "allowed_targets=[audition.,mylab.]", "seed=1,2,3"),
            *(f"paths.output_dir={tmp_path / 'ledger'}", "hydra.launcher.workers=2", "-m"),
        ],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"^optimizer=sgd +(supported|refuted|inconclusive)", ran.stdout, re.M)
    records = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in (tmp_path / "ledger").glob("runs/*/*/*/record.json")
    ]
    assert len(records) == 6
    for record in records:
        assert 0.0 < record["metrics"]["entropy_nats"] < 0.7  # of two answers: at most log 2
        assert record["metrics"]["val_accuracy"] > 40.0
        assert record["unit"] == "examples"
    (plan,) = (tmp_path / "ledger" / "plans").glob("*.json")
    assert json.loads(plan.read_text(encoding="utf-8"))["metric"] == "entropy_nats"
