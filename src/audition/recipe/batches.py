"""Input rows and targets, their source, and the run's clock.

Shape suffixes: B rows of a batch, T tokens of a row, V outputs (vocabulary or classes).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, Self, runtime_checkable

from torch import Tensor

from audition.errors import AuditionError


class Pictures(Protocol):
    """What may be known of a set of pictures besides its batches."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the classes, in their order."""
        ...

    def examples(self, many: int) -> Tensor:
        """At most so many training pictures as a model reads them, [N, C, H, W], for every seed the
        same."""
        ...

    def pixels(self, inputs: Tensor) -> Tensor:
        """The bytes that `inputs` [B, C, H, W] were made from."""
        ...


@dataclass(frozen=True)
class Shape:
    """What a model reads and how many answers it chooses from.

    Examples:
        >>> Shape((64,), 65)  # windows of 64 token ids from a vocabulary of 65
        Shape(inputs=(64,), outputs=65)
        >>> Shape((1, 8, 8), 10)  # grey pictures of 8 x 8 in ten classes
        Shape(inputs=(1, 8, 8), outputs=10)
    """

    inputs: tuple[int, ...]  # of one row: (T,) token ids, or (channels, height, width)
    outputs: int  # V: vocabulary, or classes
    pictures: Pictures | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Batch:
    """Input rows, and their targets.

    Examples:
        Two windows of three tokens each: six predictions.

        >>> import torch
        >>> from audition import Batch
        >>> text = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
        >>> batch = Batch(text[:, :-1], text[:, 1:], ids=torch.arange(2), groups=torch.zeros(2))
        >>> batch.rows, batch.units
        (2, 6)
        >>> [half.inputs.tolist() for half in batch.split(2)]
        [[[1, 2, 3]], [[5, 6, 7]]]
    """

    inputs: Tensor  # [B, T] int64 token ids, or [B, C, H, W] float32
    targets: Tensor  # [B, T] int64, the token after each input, or [B] int64 classes
    ids: Tensor  # [B] int64: which example a row is (of text, the place of its first token)
    groups: Tensor  # [B] int64: which document, domain or stage a row is from
    allowed: Tensor | None = None  # [B, V] bool, the answers that may be given; None: every one

    @property
    def rows(self) -> int:
        return self.inputs.shape[0]

    @property
    def units(self) -> int:
        """Predictions asked for: tokens of text, or examples; what a budget counts."""
        return self.targets.numel()

    def to(self, device: str) -> Self:
        """This batch on `device`; itself where it is there already."""
        if self.inputs.device.type == device:
            return self
        if device != "cuda":
            return self._each(lambda tensor: tensor.to(device))
        # From pageable memory a copy waits for all that the card still has to do.
        return self._each(lambda tensor: tensor.pin_memory().to(device, non_blocking=True))

    def split(self, parts: int) -> Iterator[Self]:
        """`parts` batches of equal size, in order; AuditionError where `parts` does not divide."""
        size, rest = divmod(self.rows, parts)
        if rest:
            raise AuditionError(
                f"a batch of {self.rows} rows cannot be split into {parts} equal parts: "
                f"make data.batch_size a multiple of {parts}"
            )
        for i in range(0, self.rows, size):
            yield self.cut(slice(i, i + size))

    def cut(self, rows: slice | Tensor) -> Self:
        """Some of its rows."""
        return self._each(lambda tensor: tensor[rows])

    def _each(self, change: Callable[[Tensor], Tensor]) -> Self:
        fields = (self.inputs, self.targets, self.ids, self.groups, self.allowed)
        return type(self)(*(None if t is None else change(t) for t in fields))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Clock:
    """Where a run stands: `step` of `steps` (None when the budget is wall time), and the fraction.

    Examples:
        >>> from audition import Clock
        >>> Clock(step=650, steps=1300, fraction=0.5)
        Clock(step=650, steps=1300, fraction=0.5)
    """

    step: int
    steps: int | None = None
    fraction: float = 0.0  # of the budget already spent, in [0, 1)


class Batches(Protocol):
    """Where a run's rows come from. Every method is a pure function of its arguments.

    Examples:
        A source of one repeated row, enough for a test:

        >>> import torch
        >>> from audition import Batch, Batches, Clock, Shape
        >>> class Repeated:
        ...     shape = Shape((4,), 10)
        ...     domains = ()
        ...
        ...     def train(self, clock: Clock) -> Batch:
        ...         row = torch.arange(5).unsqueeze(0)
        ...         return Batch(row[:, :-1], row[:, 1:], torch.zeros(1), torch.zeros(1))
        ...
        ...     def probe(self, step: int) -> Batch:
        ...         return self.train(Clock(step))
        ...
        ...     def held_out(self, at_once: int = 2048):
        ...         yield self.train(Clock(0))
        >>> batches: Batches = Repeated()
        >>> batches.train(Clock(7)).targets
        tensor([[1, 2, 3, 4]])
    """

    shape: Shape
    domains: tuple[str, ...]
    """Names of the groups that are told apart, by the number in `Batch.groups`; () if none are."""

    def train(self, clock: Clock) -> Batch:
        """The whole batch of the optimizer step at `clock`.

        Most read `clock.step` alone; a stream or a curriculum reads how much is spent.
        """
        ...

    def probe(self, step: int) -> Batch:
        """A batch of training data that no step trains on: what an idea may look at."""
        ...

    def held_out(self, at_once: int = 2048) -> Iterator[Batch]:
        """The fixed validation rows, the same for every arm and seed, about `at_once` units each."""
        ...


@runtime_checkable
class Divisible(Batches, Protocol):
    """Batches of which some domains, or some classes, can be had by themselves."""

    def within(self, *names: str) -> Batches:
        """The same, of those domains alone; itself where they are all."""
        ...


def carry_text(whole: Batches, made: object) -> None:
    """Have `made` of `whole` know of its tokens what that knows: nothing, where it is no text.

    Text has `byte_lengths()`, [V] int64, the UTF-8 bytes of each token, and `token_texts()`, the
    characters of each, which an incomplete one is replaced in.
    """
    for name in ("byte_lengths", "token_texts"):
        if hasattr(whole, name):
            setattr(made, name, getattr(whole, name))
