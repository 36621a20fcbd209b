"""Solutions that fit as well with some signs turned.

A kind whose equation is odd, f(-s, -I) = -f(s, I), as tanh makes it, has its states
turned by a turned drive, which a turned readout cannot tell. One whose equation is even
in I does not tell the sign of the drive at all. Whether a kind is so is not asked of it
but tried: the cost of the turned solution is the same to rounding.
"""

from collections.abc import Sequence
from dataclasses import replace

from spinrnn.identify.problem import Problem, Solution

_EQUAL = 1e-9
"""Relative difference up to which two costs are the same."""
_ROUNDING = 1e-24
"""Of a sample's cost, where the residuals are rounding."""


def mirrors_of(problem: Problem, solution: Solution) -> list[tuple[str, ...]]:
    """Sets of names, the one that says which sign is usual last, whose signs can be
    turned together without a change of the fit.
    """
    model = problem.model
    of_drive = model.drive_offset, model.drive_gain
    found = []
    for names, sign in (((*of_drive, model.readout.scale), -1.0), (of_drive, 1.0)):
        turning = [name for name in names if _turns(problem, solution, name)]
        if turning[-1:] != [names[-1]] or model.drive_gain not in turning:
            continue
        turned = _turned(problem, solution, turning, sign)
        if _allowed(problem, solution, turned, names) and _same(problem, solution, turned):
            found.append(tuple(turning))
    return found


def usual_signs(problem: Problem, solution: Solution) -> Solution:
    """The solution with its mirrors, or of two that fit as well the one whose readout
    has a positive gain, or the drive where that alone turns.
    """
    solution = replace(solution, mirrors=tuple(mirrors_of(problem, solution)))
    for names in solution.mirrors:
        first = next(label for label in problem.labels if problem.name_of(label) == names[-1])
        if solution.values[first] < 0:
            sign = -1.0 if names[-1] == problem.model.readout.scale else 1.0
            return _turned(problem, solution, names, sign)
    return solution


def _labels(problem, names):
    return [label for label in problem.labels if problem.name_of(label) in names]


def _turns(problem, solution, name):
    """Whether a sign is one: 0 has none."""
    return any(solution.values[label] for label in _labels(problem, [name]))


def _turned(problem: Problem, solution: Solution, names: Sequence[str], sign: float) -> Solution:
    """With the signs of some parameters turned, and first states times `sign`."""
    turned = {label: -solution.values[label] for label in _labels(problem, names)}
    return replace(solution, values=solution.values | turned, start=sign * solution.start)


def _allowed(problem, solution, turned, names):
    """Whether all turned values are fitted and between their bounds."""
    for label in _labels(problem, names):
        name, value = problem.name_of(label), turned.values[label]
        if value == solution.values[label]:
            continue
        low, high = problem.bounds.get(name, (-float("inf"), float("inf")))
        wrong = problem.model.parameters[name].problem(value) is not None
        if name in problem.known or label in solution.held or wrong or not low <= value <= high:
            return False
    return True


def _same(problem, solution, turned):
    """Whether both fit as well."""
    one, other = (
        float(problem.case_costs(found.values, found.start).sum()) for found in (solution, turned)
    )
    return abs(one - other) <= _EQUAL * one + _ROUNDING * problem.count
