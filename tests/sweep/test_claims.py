"""Ideas that want one part: of two, one would silently undo the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import initialize_config_dir

from audition.config.root import conf_dir
from audition.errors import AuditionError
from audition.sweep.compose import Composer


@pytest.fixture
def compose(own_ideas: Path) -> Iterator[Composer]:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        yield Composer("audition", (f"hydra.searchpath=[file://{own_ideas}]",))


CONFLICTS = [
    (["+idea=[momentum,rotation]"], "'momentum' and 'rotation' both change the optimizer"),
    (["+idea=[rotation,momentum]"], "'rotation' and 'momentum' both change the optimizer"),
    (["+idea=[slow,rotation]"], "'slow' and 'rotation' both change the optimizer: run them as"),
    (["+idea=[ear,other_ear]"], "'ear' and 'other_ear' both change the attention"),
    (["+idea=momentum", "optimizer=adamw"], "'momentum' needs optimizer=sgd, and optimizer=adamw"),
    (["optimizer=muon", "+idea=momentum"], "'momentum' needs optimizer=sgd, and optimizer=muon"),
]


@pytest.mark.parametrize(("overrides", "said"), CONFLICTS)
def test_a_conflict_is_told(compose: Composer, overrides: list[str], said: str) -> None:
    with pytest.raises(AuditionError, match=said) as mistake:
        compose(overrides)
    assert "\n" not in str(mistake.value)


@pytest.mark.parametrize(
    ("overrides", "optimizer"),
    [
        (["+idea=momentum"], "SGD"),
        (["+idea=[momentum,ear,voice]"], "SGD"),
        (["+idea=momentum", "optimizer=sgd"], "SGD"),
        (["+idea=ear", "attention=sliding"], "AdamW"),
        (["+idea=[slow,ear]"], "AdamW"),
    ],
)
def test_what_is_compatible_composes(
    compose: Composer, overrides: list[str], optimizer: str
) -> None:
    assert compose(overrides)["optimizer"]["_target_"].endswith(optimizer)
