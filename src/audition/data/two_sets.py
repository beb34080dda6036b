"""Two picture sets at once: trained on in fixed shares, each with classes of its own."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Gt, Lt

from audition.data.fingerprint import fingerprint
from audition.data.pictures import PictureSource
from audition.errors import AuditionError

if TYPE_CHECKING:  # torch comes with the first batch, not with the settings
    from audition.data.images import Pictures, Splits
    from audition.data.mixture import Mixture
    from audition.recipe.streams import Streams

PARTS = ("first", "second")


@dataclass(frozen=True, kw_only=True)
class TwoSets:
    """Pictures of the smaller set are enlarged by a whole factor and centred on the larger frame.

    Classes of the second are numbered behind those of the first. Each set is scaled by its own mean
    and standard deviation.
    """

    first: PictureSource
    """A picture set. The size of a batch is set for both."""
    second: PictureSource
    """Another one."""
    share: Annotated[float, Gt(0), Lt(1)] = 0.5
    """Share of the training pictures that are of the first, the same over every stretch of steps."""
    batch_size: Annotated[int, Ge(2)] = 64
    """Pictures of an optimizer step, of both sets together."""

    def __post_init__(self) -> None:
        default = next(f.default for f in fields(PictureSource) if f.name == "batch_size")
        for name, source in zip(PARTS, self._sources, strict=True):
            if source.batch_size != default:
                raise AuditionError(
                    f"data.{name}.batch_size has no meaning where a batch has pictures of both sets: "
                    "set data.batch_size"
                )

    @property
    def units_per_step(self) -> int:
        """Examples of an optimizer step."""
        return self.batch_size

    @property
    def classes(self) -> int:
        """Of both sets together."""
        return self.first.classes + self.second.classes

    @property
    def domains(self) -> tuple[str, ...]:
        one, other = (type(s).__module__.rpartition(".")[2] for s in self._sources)
        return (one, other) if one != other else (f"{one}_1", f"{other}_2")

    @property
    def domain_classes(self) -> tuple[tuple[int, ...], ...]:
        """The classes of each domain."""
        whole = range(self.classes)
        return tuple(whole[: self.first.classes]), tuple(whole[self.first.classes :])

    @property
    def corpus_fingerprint(self) -> str:
        return fingerprint({"sets": [source.corpus_fingerprint for source in self._sources]})

    @property
    def evaluation_fingerprint(self) -> str:
        return fingerprint({"sets": [source.evaluation_fingerprint for source in self._sources]})

    def check(self) -> None:
        """Raises AuditionError where a set is missing, or smaller than a batch."""
        for name, source in zip(PARTS, self._sources, strict=True):
            source.check()
            if self.batch_size > source.training:
                raise AuditionError(
                    f"data.batch_size={self.batch_size} is more than the {source.training} pictures "
                    f"of data.{name} to train on"
                )

    def open(self, streams: "Streams") -> "Mixture":
        """The batches of a run."""
        from audition.data.augment import Augment
        from audition.data.images import Images
        from audition.data.mixture import Mixture

        both = [source.splits() for source in self._sources]
        shapes = [each.training.pixels.shape[1:] for each in both]
        frame = tuple(max(sizes) for sizes in zip(*shapes, strict=True))
        first, second = (
            Images(
                _placed(splits, frame, behind),
                streams.child("domain", str(i)),
                batch_size=self.batch_size,
                classes=self.classes,
                augment=Augment(source.flip, source.shift, source.fill, source.crop),
            )
            for i, (source, splits, behind) in enumerate(
                zip(self._sources, both, (0, self.first.classes), strict=True)
            )
        )
        many = 1 + max(
            int(part.numbers.max())
            for part in (both[0].training, both[0].probe, both[0].validation)
        )
        return Mixture(
            (first, second),
            domains=self.domains,
            share=self.share,
            batch_size=self.batch_size,
            behind=(many, many),
        )

    @property
    def _sources(self) -> tuple[PictureSource, PictureSource]:
        return self.first, self.second


def _placed(splits: "Splits", frame: tuple[Any, ...], behind: int) -> "Splits":
    """Pictures on a `frame` of [C, H, W], their classes numbered from `behind`."""
    from audition.data.images import Splits

    parts = (splits.training, splits.probe, splits.validation)
    return Splits(*(_framed(part, frame, behind) for part in parts))


def _framed(pictures: "Pictures", frame: tuple[Any, ...], behind: int) -> "Pictures":
    import numpy as np

    from audition.data.images import Pictures

    pixels = pictures.pixels
    factor = min(frame[1] // pixels.shape[2], frame[2] // pixels.shape[3])
    pixels = pixels.repeat(factor, axis=2).repeat(factor, axis=3)
    left = [size - many for size, many in zip(frame[1:], pixels.shape[2:], strict=True)]
    around = [(each // 2, each - each // 2) for each in left]
    pixels = np.pad(pixels, ((0, 0), (0, 0), *around))
    if pixels.shape[1] < frame[0]:  # grey beside colour
        pixels = pixels.repeat(frame[0] // pixels.shape[1], axis=1)
    return Pictures(np.ascontiguousarray(pixels), pictures.classes + behind, pictures.numbers)
