"""From the bytes of a JPEG or PNG file to an array in colour."""

import warnings
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audition.errors import AuditionError

COLOUR = "RGB"
ENDING = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}
"""What a file is that has such a name."""


def decoded(
    content: bytes, name: str, repaired: Counter[str], side: int | None = None
) -> NDArray[np.uint8]:
    """A picture [3, H, W]; its short side scaled to `side` and the middle cut, where that is given.

    Grey, CMYK and other pictures are converted to colour, and a file may be of another format than
    its name says; each such is counted in `repaired`.

    Raises AuditionError, naming the file, for what is no picture, or is cut short.
    """
    try:
        from PIL import Image
    except ImportError:
        raise AuditionError(
            "pictures are decoded by a package that is not installed: pip install "
            "'audition[images]'"
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged tags beside the picture
            image = Image.open(BytesIO(content))
            image.load()
            if image.mode != COLOUR:
                repaired[f"in {image.mode} converted to {COLOUR}"] += 1
            if ENDING.get(Path(name).suffix.lower(), image.format) != image.format:
                repaired[f"of the format {image.format} under another's name"] += 1
            picture = image.convert(COLOUR)
            if side is not None:
                wide, tall = picture.size
                short = min(wide, tall)
                left, top = (wide - short) // 2, (tall - short) // 2
                # Cut first: a filter over a box of the whole would see what is beside the box.
                middle = picture.crop((left, top, left + short, top + short))
                picture = middle.resize((side, side), Image.Resampling.BILINEAR)
    except Exception as error:  # of the codec
        said = " ".join(str(error).split()) or type(error).__name__
        raise AuditionError(f"the picture {name} cannot be read: {said[:200]}") from error
    return np.ascontiguousarray(np.asarray(picture).transpose(2, 0, 1))
