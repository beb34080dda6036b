"""A cost of a run or a model, and how it was come by."""

from dataclasses import dataclass
from typing import Literal

Method = Literal["measured", "exact", "modelled", "simulated"]
"""Read off what happened; counted, by formula or from a file; computed from a model of the machine;
or what it would be in a format that nothing here writes. No table mixes them."""


@dataclass(frozen=True)
class Amount:
    """A number, its unit, and its method.

    Examples:
        >>> Amount(3219456, "bytes", "measured").over(Amount(804864, "bytes", "measured"))
        4.0
    """

    value: float
    unit: str
    method: Method

    def over(self, other: "Amount") -> float:
        """This as a multiple of `other`.

        Raises ValueError for amounts of unlike units or methods.
        """
        if (self.unit, self.method) != (other.unit, other.method):
            raise ValueError(
                f"{self.unit} ({self.method}) and {other.unit} ({other.method}) are not compared"
            )
        return self.value / other.value
