"""An average of the last weights, which is validated and kept in their place.

Steps of a finite rate leave weights that wander about a minimum; their mean is nearer
to it (Polyak & Juditsky 1992, doi:10.1137/0330046). The mean is exponential, so that it
is at hand in every epoch, also where the training ends early.
"""

import math

import numpy as np


def add_to_average(average: np.ndarray, weights: np.ndarray, step: int, span: float) -> None:
    """Moves an average to what it is after a further step, in place.

    m_k = m_{k-1} + max(1 - exp(-1 / span), 1 / k) (w_k - m_{k-1}): the plain mean of
    the first steps, and from then on one that forgets in `span` steps.

    Args:
        average, weights: (size,); step: k, from 1; span: in steps.
    """
    share = max(-math.expm1(-1 / span), 1 / step)
    average += share * (weights - average)
