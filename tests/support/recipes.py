"""What differs between two recipes, for tests of ideas."""

from dataclasses import fields

from audition.recipe.recipe import Recipe


def replaced(before: Recipe, after: Recipe) -> set[str]:
    """The parts that differ between two recipes, those of the model by their own names.

    A model that is changed once it is made is `model`.
    """
    parts = {
        f.name for f in fields(Recipe) if getattr(before, f.name) is not getattr(after, f.name)
    }
    if "model" in parts:
        old, new = before.model.keywords, after.model.keywords
        same = before.model.func is after.model.func
        parts -= {"model"} if same else set()
        parts |= {k for k in new if new[k] is not old.get(k)}
    return parts
