"""What an effect is handed outside a trainer."""

import pytest

from audition.recipe.batches import Clock
from audition.recipe.problem import Cost, Gradient
from audition.recipe.signals import Controls, View
from audition.recipe.streams import Streams


@pytest.fixture
def view():
    """Parameters -> the view at step 0."""
    return lambda params: View(Clock(0, 10, 0.0), Controls(), params, Streams(0))


@pytest.fixture
def gradient():
    """Gradients by name -> what a rule would have handed over."""
    return lambda grads: Gradient(grads, {}, Cost(1.0, 1.0))
