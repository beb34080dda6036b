"""Between two signals of one kind: controls, gradients, and the rules that make them.

At weight 0 each is the first and at 1 the second, bit for bit; so it is where the two are equal.
Trees of tensors are blended by `tree.lerp`.
"""

from dataclasses import replace

from audition.recipe import tree
from audition.recipe.problem import Gradient, GradientRule, Problem
from audition.recipe.signals import Controls


def controls(first: Controls, second: Controls, weight: float) -> Controls:
    """Each gain between its two values."""
    if weight in (0.0, 1.0):
        return second if weight else first
    dry, wet = vars(first), vars(second)
    return Controls(**{name: dry[name] + weight * (wet[name] - dry[name]) for name in dry})


def gradients(first: Gradient, second: Gradient, weight: float) -> Gradient:
    """`second` with its gradients blended; one that is missing on either side counts as zero.

    A step that one of the two closes is made, with gradients of zero on that side; one that both
    close stays closed.
    """
    if weight in (0.0, 1.0):
        return second if weight else first
    if second is first or (first.closed and second.closed):
        return second
    shared = {name: grad for name, grad in first.grads.items() if name in second.grads}
    grads = {
        **tree.scale({n: g for n, g in first.grads.items() if n not in shared}, 1.0 - weight),
        **tree.scale({n: g for n, g in second.grads.items() if n not in shared}, weight),
        **tree.lerp(shared, second.grads, weight),
    }
    order = [*first.grads, *(name for name in second.grads if name not in first.grads)]
    return replace(second, grads={name: grads[name] for name in order}, closed=False)


def rules(first: GradientRule, second: GradientRule, weight: float) -> GradientRule:
    """Both rules asked, `first` first; gradients and terms blended, the passes of both counted."""
    if first is second or weight in (0.0, 1.0):
        return second if weight else first

    def both(problem: Problem) -> Gradient:
        dry, wet = first(problem), second(problem)
        terms = {n: t.lerp(wet.terms.get(n, t), weight) for n, t in dry.terms.items()}
        return replace(gradients(dry, wet, weight), terms=terms, cost=dry.cost + wet.cost)

    return both
