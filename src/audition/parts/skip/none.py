"""No skip connections beside the residual stream."""

from dataclasses import dataclass

from audition.parts.dims import Dims
from audition.parts.skip.paths import Paths


@dataclass(frozen=True, kw_only=True)
class NoSkip:
    """Blocks read the residual stream, and nothing else."""

    def __call__(self, dims: Dims) -> Paths:
        return Paths()
