"""Numbers drawn from collected sweeps: the seeds of one condition, their quartiles, plateaus of curves, and how far curves lie apart."""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from spinrnn.errors import StoreError

QUARTILES = ("q25", "median", "q75")
"""As the columns of tables name them."""
CLOSE = 1e-9
"""Relative difference of two floats that stand for the same number of a sweep file."""


@dataclass(frozen=True)
class Condition:
    """The runs of one configuration with several seeds.

    Attributes:
        config: `RunConfig` of the first seed; values: {name: (seed,)} and curves:
            {name: (seed, epoch)}, NaN where missing.
    """

    config: object
    values: dict
    curves: dict

    @property
    def interval(self):
        """Input interval Delta t (s)."""
        return self.config.network.input_interval

    @property
    def ratio(self):
        """Delta t / tau."""
        return self.config.network.input_interval / self.config.network.relaxation_time

    @property
    def runs(self):
        """Number of seeds that have a result."""
        return int(np.isfinite(self.values["test_accuracy"]).sum())

    @property
    def diverged(self):
        """Number of seeds that diverged; they have no accuracy and are not in the quartiles."""
        return int(np.nansum(self.values["diverged"]))

    def band(self, name="test_accuracy"):
        """(25th percentile, median, 75th percentile) over the seeds; NaN where no seed has a result."""
        return band(self.values[name])


def band(values):
    """(25th percentile, median, 75th percentile) along the first axis of the values that are no NaN."""
    values = np.asarray(values, dtype=float)
    out = np.full((3, *values.shape[1:]), np.nan)
    for place in np.ndindex(values.shape[1:]):
        found = values[(slice(None), *place)]
        found = found[np.isfinite(found)]
        if len(found):
            out[(slice(None), *place)] = np.percentile(found, (25, 50, 75))
    return out


def conditions(cube):
    """All `Condition`s of a `Cube` that have a result, in the order of its axes; the axis of the seeds must be the last one.

    Raises:
        StoreError: the cube's own description of its sweep is damaged, or its results
            do not fit it.
    """
    sweep = cube.sweep()
    dims = tuple(axis.name for axis in sweep.axes)
    for name in ("test_accuracy", "diverged", "failed"):
        if name not in cube.variables or (cube.variables[name].dims, cube[name].shape) != (
            dims,
            sweep.shape,
        ):
            raise StoreError(
                f"the cube of the sweep {sweep.name} has no {name} for each of its points; "
                "collect the sweep again"
            )
    seeds = len(sweep.axes[-1]) if sweep.axes and sweep.axes[-1].name == "seed" else 1
    values = {
        name: v.values.reshape(-1, seeds)
        for name, v in cube.variables.items()
        if not name.startswith("history_")
    }
    curves = {
        name.removeprefix("history_"): v.values.reshape(-1, seeds, v.values.shape[-1])
        for name, v in cube.variables.items()
        if name.startswith("history_")
    }
    every = []
    for number, point in enumerate(sweep.points[::seeds]):
        found = Condition(
            point.config,
            {k: v[number] for k, v in values.items()},
            {k: v[number] for k, v in curves.items()},
        )
        if found.runs or found.diverged:
            every.append(found)
    return every


def chosen(every, **wanted):
    """The conditions whose configuration has these values, by key of [network] or [train], in order of Delta t / tau."""
    found = []
    for condition in every:
        keys = vars(condition.config.network) | vars(condition.config.train)
        if all(same(keys[name], value) for name, value in wanted.items()):
            found.append(condition)
    return sorted(found, key=lambda condition: condition.ratio)


def same(a, b):
    """Whether two values of a configuration are the same, floats but for rounding."""
    return a == b or (
        isinstance(a, float) and isinstance(b, (int, float)) and math.isclose(a, b, rel_tol=CLOSE)
    )


def plateau(x, y, level):
    """The widest range of x in which a curve stays at or above a level, its ends interpolated in log x.

    Args:
        x: (point,) positive, rising; y: (point,); level: in units of y.
    Returns:
        (from, to), or None where no point reaches the level.
    """
    x, y = (np.asarray(values, dtype=float) for values in (x, y))
    above, best = y >= level, None
    for first in range(len(x)):
        if above[first] and not (first and above[first - 1]):
            last = first
            while last + 1 < len(x) and above[last + 1]:
                last += 1
            ends = _crossing(x, y, first - 1, first, level), _crossing(x, y, last + 1, last, level)
            if best is None or ends[1] / ends[0] > best[1] / best[0]:
                best = ends
    return best


def _crossing(x, y, outside, inside, level):
    """Where the curve crosses the level between two neighbours; the inner one where there is no neighbour."""
    if not 0 <= outside < len(x) or not np.isfinite(y[outside]):
        return float(x[inside])
    share = (y[inside] - level) / (y[inside] - y[outside])
    return float(
        math.exp(math.log(x[inside]) + share * (math.log(x[outside]) - math.log(x[inside])))
    )


def curve_distance(curves, count=50):
    """How far curves lie apart: mean |difference| of two curves over the range of log x that both have, averaged over all pairs.

    Args:
        curves: list of (x, y), (point,) each, x positive; points are sorted by x, those
            with NaN left out; count: of the places that are compared.
    Returns:
        In units of y; NaN where no two curves share a range.
    """
    lines = []
    for curve in curves:
        x, y = (np.asarray(values, dtype=float) for values in curve)
        known = np.isfinite(x) & np.isfinite(y)
        order = np.argsort(x[known])
        if known.any():
            lines.append((np.log(x[known][order]), y[known][order]))
    found = []
    for (xa, ya), (xb, yb) in itertools.combinations(lines, 2):
        low, high = max(xa[0], xb[0]), min(xa[-1], xb[-1])
        if low < high:
            places = np.linspace(low, high, count)
            found.append(np.abs(np.interp(places, xa, ya) - np.interp(places, xb, yb)).mean())
    return float(np.mean(found)) if found else math.nan


def describe(condition):
    """What a table says of a condition: its keys and its quartiles, accuracies in percent.

    Returns:
        {column: value}, the same columns for every condition.
    """
    network, train = condition.config.network, condition.config.train
    row = {
        "neuron": network.neuron,
        "input_interval_s": network.input_interval,
        "relaxation_time_s": network.relaxation_time,
        "interval_over_relaxation_time": condition.ratio,
        "substeps": network.resolved_substeps,
        "learning_rate": train.learning_rate,
        "epochs": train.epochs,
        "amplification": network.amplifications[0],
        "noise": train.noise,
        "density_int": network.density_int,
        "density_ext": network.density_ext,
        "runs": condition.runs,
        "diverged": condition.diverged,
    }
    for name, label, scale in (
        ("test_accuracy", "accuracy_percent", 100),
        ("test_accuracy_fine", "accuracy_8x_finer_percent", 100),
        ("test_loss", "loss", 1),
        ("cumulative_drive", "cumulative_drive", 1),
    ):
        values = condition.values.get(name)
        quartiles = np.full(3, np.nan) if values is None else scale * band(values)
        row |= columns(label, quartiles)
    return row


def columns(label, quartiles):
    """{column: value} of three quartiles."""
    return {f"{label}_{which}": value for which, value in zip(QUARTILES, quartiles, strict=True)}


def medians(found, name="test_accuracy", scale=100):
    """(condition,) medians of a measure, in percent for the accuracy."""
    return scale * np.array([condition.band(name)[1] for condition in found])
