"""What CONTRIBUTING says of adding an idea in two files is tried, word for word, from outside."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def test_the_idea_of_the_guide_works_from_another_package(tmp_path: Path) -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    code = re.search(r"```python\n(.*?)```", guide, re.S)
    assert code is not None
    (tmp_path / "mylab").mkdir()
    (tmp_path / "mylab" / "__init__.py").write_text("")
    (tmp_path / "mylab" / "cooling.py").write_text(code[1])
    placebo = yaml.safe_load((ROOT / "conf" / "idea" / "placebo.yaml").read_text())
    card = placebo["cards"]["placebo"] | {"name": "cooling", "mechanism": "rate cycle"}
    idea = {"_target_": "mylab.cooling.Cooling", "depth": 0.3, "period": 50}
    (tmp_path / "conf" / "idea").mkdir(parents=True)
    text = yaml.safe_dump({"ideas": {"cooling": idea}, "cards": {"cooling": card}})
    (tmp_path / "conf" / "idea" / "cooling.yaml").write_text(f"# @package _global_\n{text}")

    ran = subprocess.run(
        [
            *(sys.executable, "-m", "audition", "train", "--config-dir", str(tmp_path / "conf")),
            *("+idea=cooling", "debug=smoke", "allowed_targets=[audition.,mylab.]"),
            f"paths.output_dir={tmp_path / 'ledger'}",
        ],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"^cooling .* finished ", ran.stdout, re.M)


def test_the_fitness_of_the_guide_works_from_another_package(tmp_path: Path) -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    code = next(c for c in re.findall(r"```python\n(.*?)```", guide, re.S) if "Fitness" in c)
    (tmp_path / "mylab").mkdir()
    (tmp_path / "mylab" / "__init__.py").write_text("")
    (tmp_path / "mylab" / "loudness.py").write_text(code, encoding="utf-8")
    group = tmp_path / "conf" / "apoptosis" / "fitness"
    group.mkdir(parents=True)
    (group / "loudness.yaml").write_text("_target_: mylab.loudness.Loudness\ntext: 3\n")
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "audition", "train", "--config-dir", str(tmp_path / "conf")),
            *("apoptosis=functional_preservation", "apoptosis/fitness=loudness", "debug=smoke"),
            *("apoptosis.timetable.interval=1", "apoptosis.timetable.warmup=0"),
            *("allowed_targets=[audition.,mylab.]", f"paths.output_dir={tmp_path / 'ledger'}"),
        ],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    (record,) = (tmp_path / "ledger").glob("runs/*/*/*/record.json")
    facts = json.loads(record.read_text(encoding="utf-8"))
    assert facts["forward_passes"] > facts["backward_passes"] == facts["steps"]
