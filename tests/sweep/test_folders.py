"""A checkout may lie in a folder of any name, and behind a link: paths are compared, not names."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ASKED = """
import json, sys
from pathlib import Path
from audition.config.root import conf_dir
from audition.sweep.cluster.code import snapshot
from audition.sweep.search.jobs import door
copy = snapshot(Path(sys.argv[1]), ["audition"], door())
print(json.dumps([str(conf_dir()), str(copy)]))
"""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("audition", marks=pytest.mark.slow),
        "my  audition é",
        pytest.param("link", marks=pytest.mark.slow),
    ],
)
def test_a_job_of_a_search_finds_the_configs(name: str, tmp_path: Path) -> None:
    checkout = tmp_path / ("audition" if name == "link" else name)
    left = shutil.ignore_patterns("__pycache__")
    for folder in ("src", "conf"):
        shutil.copytree(ROOT / folder, checkout / folder, ignore=left)
    if name == "link":
        (tmp_path / name).symlink_to(checkout)
        checkout = tmp_path / name
    ended = subprocess.run(
        [sys.executable, "-c", ASKED, str(tmp_path / "ledger")],
        env={"PYTHONPATH": str(checkout / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    conf, copy = map(Path, json.loads(ended.stdout))
    assert conf == checkout / "conf"
    assert (copy / "audition" / "conf" / "audition.yaml").is_file()
    assert (copy / "audition" / "sweep" / "sweeper.py").is_file()
    assert list((copy / "hydra_plugins").glob("audition_*.py"))
