"""What an arm costs before it runs: composed, checked and named, against Hydra's own composition."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from audition.config.root import conf_dir
from audition.frozen import freeze
from audition.sweep.arms import Arm, Question
from audition.sweep.compose import Composer
from audition.sweep.plan import make_plan
from audition.sweep.resolve_auto import settled
from scripts.bench.pairs import Row, paired

ARMS = 20
COMMON = ("model=tiny",)


@dataclass(frozen=True)
class Plain:
    """Hydra's composition, each time anew."""

    def __call__(self, overrides: Sequence[str]) -> Mapping[str, Any]:
        plain = OmegaConf.to_container(compose("audition", list(overrides)), resolve=True)
        assert isinstance(plain, dict)
        return settled({str(key): value for key, value in plain.items()})


def rows() -> Iterator[Row]:
    """Milliseconds an arm, of arms that differ in a value and of arms that differ in a choice."""
    freeze()
    values = [(f"optimizer.lr={1e-4 * (1 + i):.4g}",) for i in range(ARMS)]
    ideas = [("+idea=spectral_gate", f"ideas.spectral_gate.rho={i / ARMS}") for i in range(ARMS)]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        ours, theirs = Composer("audition"), Plain()
        for what, typed in (("value", values), ("idea", ideas)):
            arms = tuple(Arm(str(i), (*COMMON, *each)) for i, each in enumerate(typed))
            question = Question(COMMON, arms, (1,))
            yield paired(
                f"an arm planned, by its {what}",
                lambda question=question: make_plan(question, ours),  # type: ignore[misc]
                lambda question=question: make_plan(question, theirs),  # type: ignore[misc]
                pairs=3,
                unit="ms",
                per=1e-3 * ARMS,
                bound="20 ms",
            )
