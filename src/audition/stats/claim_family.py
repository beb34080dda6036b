"""Claims of several arms and costs as one family: Holm over ladders, a fixed sequence inside each."""

from collections.abc import Sequence
from dataclasses import replace

from audition.stats.claim import Claimed


def as_family(claims: Sequence[Claimed]) -> list[Claimed]:
    """The same claims as one family, in the given order: Holm over ladders, and a ladder ends at its
    first rung that fails.

    What the cost alone decides, as it is counted and too much, is no question to the losses, and costs
    the others nothing. A claim outside a ladder is a ladder of one rung, so without ladders this is
    Holm's procedure. A ladder hands its share of the error on once all of its rungs have held.

    Source: Holm (1979), Scand. J. Stat. 6, 65; a fixed sequence, Maurer et al. (1995); both at once,
    Bretz et al. (2009), Stat. Med. 28, 586.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    asked = [claim for claim in claims if claim.ladder or not claim.decided]
    for i, claim in enumerate(claims):
        if not claim.ladder and claim.decided:
            continue
        own = (claim.cost, f"ladder {claim.ladder}" if claim.ladder else f"arm {i}")
        groups.setdefault(own, []).append(i)
    climbed: list[dict[int, float]] = []
    for rungs in groups.values():
        worst, each = 0.0, {}
        for i in sorted(rungs, key=lambda i: claims[i].less.value):
            # Of a rung, the loss is in question; its cost was set, and may be more than was claimed.
            own_p = claims[i].p_loss if claims[i].ladder and not claims[i].fault else claims[i].p
            each[i] = worst = max(worst, own_p)
        climbed.append(each)
    climbed.sort(key=lambda each: max(each.values()))
    many, before = len(climbed), [0.0]  # the p at which all ladders before a stage have held
    adjusted = {}
    for stage, each in enumerate(climbed):
        for i, p in each.items():
            ways = (max(held, (many - s) * p) for s, held in enumerate(before))
            adjusted[i] = min(1.0, *ways)
        before.append(max(before[-1], (many - stage) * max(each.values())))
    return [
        replace(claim, p_of_family=max(adjusted.get(i, 1.0), claim.p), family_size=len(asked))
        for i, claim in enumerate(claims)
    ]
