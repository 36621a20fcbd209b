"""First guesses for kinds without guesses of their own: points in the coordinates of
their quantities, of which the best by their cost begin a fit.

Times are looked for between the samples' distance and the length of the recording,
other quantities around the kind's own values, within the user's bounds where there are
some.
"""

import numpy as np

from spinrnn.identify.problem import Problem

POINTS = 240
"""That are tried."""
STARTS = 5
"""That begin a fit."""
SAMPLES = 1500
"""Of each case, of which the guesses are made."""
_WIDE, _NARROW = np.log(30.0), np.log(3.0)
"""How far from the kind's own value logarithms are looked for."""


def starts(problem: Problem) -> list[tuple[str, dict[str, float], np.ndarray]]:
    """[(origin, values by label, (case, d) first states)], the best first."""
    problem = problem.shortened(SAMPLES)
    rated = []
    for origin, values in _points(problem):
        start = _first_states(problem, values)
        spread = problem.spread_out(values)
        with np.errstate(all="ignore"):
            state = problem.predict(spread, start)
            values = _with_readout(problem, values, state)
            spread = problem.spread_out(values)
            start = _first_states(problem, values)
            cost = problem.case_costs(spread, start).sum()
        if np.isfinite(cost):
            rated.append((float(cost), (origin, spread, start)))
    rated.sort(key=lambda entry: entry[0])
    own = [entry for _, entry in rated if entry[0] == "own"]
    # the kind's own values, which may be the user's, are always tried
    return [*own, *(entry for _, entry in rated if entry[0] != "own")][:STARTS]


def _points(problem):
    """Yields (origin, values by name)."""
    model, rng = problem.model, np.random.default_rng(0)
    own = {name: _own(problem, name) for name in model.names}
    yield "own", own
    free = [name for name in model.inner if name not in problem.known]
    boxes = {name: _box(problem, name, own[name]) for name in free}
    count = POINTS if free else 0
    # each coordinate takes evenly spaced values, in an order of its own
    shares = [(rng.permutation(count) + rng.random(count)) / max(count, 1) for _ in free]
    for point in zip(*shares, strict=True):
        found = dict(own)
        for name, share in zip(free, point, strict=True):
            low, high = boxes[name]
            found[name] = model.parameters[name].value(low + share * (high - low))
        yield "grid", found


def _own(problem, name):
    """The kind's own value, or what is known; held between the user's bounds."""
    usual = {"drive_gain": 1.0, "drive_offset": 0.0, "readout_gain": 1.0, "readout_offset": 0.0}
    value = usual[name] if name in usual else float(getattr(problem.model.neuron, name))
    if name in problem.known:
        return problem.known[name][0]
    low, high = problem.bounds.get(name, (-np.inf, np.inf))
    parameter = problem.model.parameters[name]
    if parameter.coordinate == "log" and not value > 0:
        value = 1.0
    return float(min(max(value, low), high))


def _box(problem, name, own):
    """(low, high) coordinates between which a quantity is looked for."""
    parameter = problem.model.parameters[name]
    low, high = problem.bounds.get(name, (-np.inf, np.inf))
    least, most = parameter.coordinates(max(low, parameter.low), min(high, parameter.high))
    if np.isfinite([least, most]).all() and name in problem.bounds:
        return least, most
    middle = parameter.of(own)
    if parameter.coordinate == "log" and parameter.unit in ("s", "1/s"):
        times = np.log([problem.step_time() / 2, 2 * problem.data.durations.sum(axis=1).max()])
        around = times if parameter.unit == "s" else -times[::-1]
        # a kind whose own times are those of the recording is not left far
        if problem.model.given or around[0] < middle < around[1]:
            around = np.clip(around, middle - _WIDE, middle + _WIDE)
    elif parameter.coordinate == "log":
        width = _NARROW if problem.model.given else _WIDE
        around = np.array([middle - width, middle + width])
    else:
        size = 1.0 if parameter.coordinate == "log1p" else max(abs(own), 1e-3)
        around = middle + 2 * size * np.array([-1.0, 1.0])
    return float(max(around[0], least)), float(min(around[1], most))


def _first_states(problem, values):
    """(case, d): at rest, but the measured one as it was measured first."""
    model, data = problem.model, problem.data
    start = np.tile(model.rest(values), (problem.cases, 1))
    power = data.power
    first = np.array([row[keep][0] for row, keep in zip(power, problem.present, strict=True)])
    scale, zero = (values[name] for name in model.readout)
    start[:, model.place] = (first - zero) / scale if scale else 0.0
    return start


def _with_readout(problem, values, state):
    """The values with those of a free readout that fit best: linear least squares."""
    scale, zero = problem.model.readout
    s, y = state[problem.present], problem.data.power[problem.present]
    if not np.isfinite(s).all() or (scale in problem.known and zero in problem.known):
        return values
    if scale in problem.known:
        return values | {zero: float(np.mean(y - values[scale] * s))}
    columns = np.column_stack([s] if zero in problem.known else [s, np.ones_like(s)])
    target = y - values[zero] if zero in problem.known else y
    found = np.linalg.lstsq(columns, target, rcond=None)[0]
    made = {scale: float(found[0]) or 1.0}
    return values | made | ({} if zero in problem.known else {zero: float(found[1])})
