"""What is known of a machine and of a command line, where it could be too much or too little."""

import os
import sys

import pytest

from audition.machine import cores
from audition.provenance import typed


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("hydra.sweeper.storage=postgresql://me:s3@cret@host/db", "postgresql://me:…@host/db"),
        (
            "hydra.sweeper.storage=postgresql://host/db?user=me&password=s3cret",
            "user=me&password=…",
        ),
        ("hydra.sweeper.storage=postgresql://me@host:5432/db", "//me@host:5432/db"),
        ("paths.output_dir=/data/me@home", "/data/me@home"),
    ],
)
def test_no_password_is_kept(monkeypatch: pytest.MonkeyPatch, word: str, kept: str) -> None:
    monkeypatch.setattr(sys, "argv", ["train", word])
    assert kept in typed()[1]
    assert "cret" not in typed()[1]


@pytest.mark.parametrize(
    ("granted", "cores_then"),
    [({"SLURM_CPUS_PER_TASK": "2"}, 2), ({"SLURM_CPUS_ON_NODE": "1"}, 1), ({}, 3)],
)
def test_a_job_keeps_to_what_it_was_granted(
    monkeypatch: pytest.MonkeyPatch, granted: dict[str, str], cores_then: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2})
    for name in ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in granted.items():
        monkeypatch.setenv(name, value)
    assert cores() == cores_then
