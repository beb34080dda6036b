"""The wheel: it carries the config and works from any folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    (made,) = folder.glob("*.whl")
    return made


def test_carries_every_config_file(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    conf = ROOT / "conf"
    expected = {f"audition/conf/{p.relative_to(conf)}" for p in conf.rglob("*.yaml")}
    assert len(expected) > 30
    assert expected <= inside
    assert "hydra_plugins/audition_sweepers.py" in inside
    assert {"audition/__init__.pyi", "audition/py.typed"} <= inside  # its names and their types
    assert not [name for name in inside if name.startswith(("tests/", "src/", "scripts/"))]


def test_works_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    ran = subprocess.run(
        [sys.executable, "-m", "audition", "train", "+idea=spectral_gate", "--cfg", "job"],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert "audition.ideas.spectral_gate.SpectralGate" in ran.stdout
    where = subprocess.run(
        [sys.executable, "-c", "from audition.config.root import conf_dir; print(conf_dir())"],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.strip() == str(tmp_path / "site" / "audition" / "conf")
