"""What `audition` offers by name: one `from a.b import C as C` a name, in the order of the alphabet."""

from audition.errors import AuditionError as AuditionError
from audition.recipe.effect import Effect as Effect
from audition.recipe.recipe import Recipe as Recipe
from audition.recipe.signals import View as View
