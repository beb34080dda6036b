"""What a model of pictures asks of the rows that it is to read."""

from audition.errors import AuditionError
from audition.recipe.batches import Shape


def check_pictures(shape: Shape, least: int) -> None:
    """Raise AuditionError for rows that are no pictures, or have fewer than `least` pixels a side."""
    if len(shape.inputs) != 3:
        raise AuditionError(
            f"this model reads pictures, and the data's rows are of shape {shape.inputs}: "
            "choose a model for them, e.g. model=nano for text, model=mlp for any"
        )
    _, tall, wide = shape.inputs
    if min(tall, wide) < least:
        raise AuditionError(
            f"this model reads pictures of {least} x {least} pixels or more, and these have {tall} x "
            f"{wide}: choose another model, e.g. model=convnet"
        )
