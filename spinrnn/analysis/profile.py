"""Intervals of two numbers by the profile of the squares that a fit of both leaves.

A number belongs to its interval where the other one can be chosen so that the squares
stay below a limit. That holds where the squares are no paraboloid, as those of a curve
with a corner.
"""

from collections.abc import Callable

import numpy as np

VALUES = 81
"""Values of a number that are tried at a time."""
FINER = 31, 7
"""Values of the other one around its best one, and how often."""
ROUNDS = 14

Ends = tuple[float, float]


def profile(
    squares: Callable[[np.ndarray, np.ndarray], np.ndarray],
    box: tuple[Ends, Ends],
    best: Ends,
    limit: float,
) -> tuple[Ends, Ends]:
    """Intervals of two numbers.

    Args:
        squares: function of both, arrays of one shape, elementwise.
        box: ((low, high) of the first, of the second), beyond which nothing is tried.
        best: of which the squares are smallest, within the box.
        limit: of the squares.
    Returns:
        (low, high) of both; -inf or inf where the box ends before the interval does.
    """
    first = _interval(squares, box[0], box[1], best[0], limit)
    turned = _interval(lambda y, x: squares(x, y), box[1], box[0], best[1], limit)
    return first, turned


def _interval(squares, ends, others, best, limit):
    """(low, high) of the first argument of a function of two."""
    low, high = ends
    for _ in range(ROUNDS):
        axis = np.linspace(low, high, VALUES)
        least = _least(squares, axis, others)
        places = np.flatnonzero(least <= limit)
        step = axis[1] - axis[0]
        if len(places):
            first, last = places[0], places[-1]
            found = (
                _crossing(axis, least, first, -1, limit),
                _crossing(axis, least, last, 1, limit),
            )
        else:
            # the interval is finer than these values
            first = last = 0
            found = max(best - step, ends[0]), min(best + step, ends[1])
        if last - first > VALUES / 2:
            break
        # the curve between two values is not known yet: with the next one
        low, high = max(found[0] - step, ends[0]), min(found[1] + step, ends[1])
    below, above = found[0] <= ends[0], found[1] >= ends[1]
    return -np.inf if below else float(found[0]), np.inf if above else float(found[1])


def _crossing(axis, least, place, way, limit):
    """Where the squares reach the limit, between a value and the next one outside; the
    end of the axis where there is none."""
    if not 0 <= place + way < len(axis):
        return axis[place]
    inner, outer = least[place], least[place + way]
    share = (limit - inner) / (outer - inner) if outer > inner else 0.5
    return axis[place] + np.clip(share, 0, 1) * (axis[place + way] - axis[place])


def _least(squares, axis, others):
    """(value,) squares with the best other number for each value of an axis."""
    low, high = np.full(len(axis), others[0]), np.full(len(axis), others[1])
    count, rounds = VALUES, FINER[1]
    for _ in range(rounds):
        tried = np.linspace(low, high, count, axis=1)
        found = squares(axis[:, None], tried)
        place = found.argmin(axis=1)
        step, rows = (high - low) / (count - 1), np.arange(len(axis))
        middle = tried[rows, place]
        low, high = np.maximum(middle - step, others[0]), np.minimum(middle + step, others[1])
        count = FINER[0]
    return found.min(axis=1)
