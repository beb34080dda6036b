"""A composer inside an initialised Hydra, and a parser of command lines."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from held import held
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser

from audition.config.root import conf_dir
from audition.sweep.arms import Question, read_arms
from audition.sweep.compose import Composer

Ask = Callable[[str], Question]


@pytest.fixture
def composer(session_composer: Composer) -> Iterator[Composer]:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"), held():
        yield session_composer


@pytest.fixture
def ask(composer: Composer) -> Ask:
    """The question that a command line asks, its words separated by spaces."""
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())

    def read(line: str) -> Question:
        return read_arms(parser.parse_overrides(line.split()))

    return read


@pytest.fixture
def own_ideas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config folder with ideas that want the same things, and the module they name."""
    (tmp_path / "claimants.py").write_text(CLAIMANTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "conf" / "idea").mkdir(parents=True)
    for name, target, more in (
        ("slow", "Plain", "optimizer: {lr: 1e-5}"),
        ("momentum", "Plain", "defaults: [override /optimizer: sgd]"),
        ("rotation", "Plain", "defaults: [override /optimizer: muon]"),
        ("ear", "Hearing", ""),
        ("other_ear", "Hearing", ""),
        ("voice", "Plain", ""),
    ):
        yaml = f"# @package _global_\nideas: {{{name}: {{_target_: claimants.{target}}}}}\n{more}\n"
        (tmp_path / "conf" / "idea" / f"{name}.yaml").write_text(yaml)
    return tmp_path / "conf"


CLAIMANTS = '''
from dataclasses import dataclass

@dataclass(frozen=True, kw_only=True)
class Plain:
    """Claims nothing."""

@dataclass(frozen=True, kw_only=True)
class Hearing:
    """Replaces the attention."""
    claims = ("attention",)
'''
