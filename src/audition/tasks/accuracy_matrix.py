"""What the matrix R of a stream says: average, forgetting, transfer and learning.

R[i, j] is a measure on phase j after phase i, both from 1; row 0 is the untrained model.
"""

from collections.abc import Sequence
from statistics import fmean

from audition.measure import Measure

Matrix = tuple[tuple[float, ...], ...]
"""K columns, and K + 1 rows once a stream is over."""


def of_evaluations(values: Sequence[Sequence[float]], per_phase: int) -> Matrix:
    """R so far, of the values on each phase of every evaluation: the first is of an untrained model.

    per_phase: evaluations in each phase, of which the last is at its end. A phase that has not ended
    has its latest.
    """
    last = len(values) - 1
    return tuple(tuple(row) for i, row in enumerate(values) if i % per_phase == 0 or i == last)


def summary(matrix: Matrix, measure: Measure) -> dict[str, float]:
    """The summary of R after its last row n; nothing before the first phase.

    * `average`: mean of R[n, j] over the phases j ≤ n that were trained on.
    * `learning`: mean of R[j, j], how well each was learned.
    * `forgetting`: mean over j < n of the best R[l, j], l < n, less R[n, j] (Chaudhry et al. 2018).
      The last row is not among those that the best is taken of, so a gain is negative.
    * `backward_transfer`: mean over j < n of R[n, j] - R[j, j] (Lopez-Paz & Ranzato 2017).
    * `forward_transfer`: mean over 1 < j ≤ n of R[j - 1, j] - R[0, j].

    Differences are turned so that transfer is positive where it helps, and forgetting where it harms,
    whatever direction of `measure` is better.

    Examples:
        >>> accuracy = Measure("accuracy", "%", "higher")
        >>> summary(((50, 50), (90, 10), (60, 80)), accuracy)["forgetting"]
        30.0
    """
    trained = len(matrix) - 1
    if not trained:
        return {}
    last, sign = matrix[-1], 1.0 if measure.better == "higher" else -1.0
    learned = [matrix[j + 1][j] for j in range(trained)]
    found = {"average": fmean(last[:trained]), "learning": fmean(learned)}
    if trained == 1:
        return found
    earlier = range(trained - 1)
    best = [max(sign * row[j] for row in matrix[1:-1]) for j in earlier]
    return found | {
        "forgetting": fmean(best[j] - sign * last[j] for j in earlier),
        "backward_transfer": fmean(sign * (last[j] - learned[j]) for j in earlier),
        "forward_transfer": fmean(sign * (matrix[j][j] - matrix[0][j]) for j in range(1, trained)),
    }
