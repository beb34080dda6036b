"""The yaml of the parts: each says exactly its class's settings, and the classes' own defaults."""

import importlib
import inspect
from pathlib import Path

import pytest
from omegaconf import OmegaConf

CONF = Path(__file__).parents[2] / "conf"
GROUPS = (
    "model",
    "attention",
    "positional",
    "norm",
    "feedforward",
    "optimizer",
    "schedule",
    "loss",
)
FILES = [p for group in GROUPS for p in sorted((CONF / group).glob("*.yaml"))]
DIFFERS = {"tiny", "gpt88m", "muon_gpt88m", "grouped", "rmsnorm_qk"}
"""Files that are there to differ from the defaults of their class."""


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_yaml_says_every_setting_and_its_default(path):
    node = OmegaConf.to_container(OmegaConf.load(path))
    node = node.get(path.parent.name, node)  # a `_global_` file also sets other groups
    module, name = node.pop("_target_").rsplit(".", 1)
    assert module.startswith("audition.")
    signature = inspect.signature(getattr(importlib.import_module(module), name))
    settings = {
        n: list(p.default) if isinstance(p.default, tuple) else p.default
        for n, p in signature.parameters.items()
        if p.kind is inspect.Parameter.KEYWORD_ONLY
    }
    assert set(node) == set(settings)
    if path.stem not in DIFFERS:
        assert node == settings
