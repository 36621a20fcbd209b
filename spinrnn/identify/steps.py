"""Whether the steps between two samples are fine enough for what a fit says.

A kind's step follows its equation to some order. Its error adds up over a recording,
as a shift of the phase where the device rings, and the parameters take it up: they come
out wrong by more than their intervals.
"""

import numpy as np

from spinrnn.identify.problem import Problem, Solution

MOST_STEPS = 64
"""Between two samples."""
_FINE = 0.3
"""Of the noise of a mean over all samples, by which twice as many steps may change the
prediction."""


def is_coarse(problem: Problem, solution: Solution) -> bool:
    """Whether twice as many steps change the prediction by more than the noise
    hides.
    """
    values, start = solution.values, solution.start
    now, finer = (
        problem.readout(values, one.predict(values, start))
        for one in (problem, problem.remade(2 * problem.steps))
    )
    change = (finer - now)[problem.present]
    noise = np.sqrt(2 * solution.cost) / problem.count * np.mean(problem.sigma)
    allowed = max(_FINE * noise, 1e-9 * float(np.abs(now).max()))
    return bool(np.sqrt(np.mean(change**2)) > allowed)
