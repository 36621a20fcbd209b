"""Numbers drawn from sweeps: quartiles over seeds, plateaus, distances of curves."""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinrnn.config.neurons import name_of
from spinrnn.config.run import RunConfig
from spinrnn.config.versions import attributes
from spinrnn.errors import StoreError
from spinrnn.sweep.cube import Cube

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

    config: RunConfig
    values: dict[str, np.ndarray]
    curves: dict[str, np.ndarray]

    @property
    def interval(self) -> float:
        """Input interval Delta t (s)."""
        return self.config.network.input_interval

    @property
    def ratio(self) -> float:
        """Delta t / tau."""
        return self.config.network.input_interval / self.config.network.time_unit

    @property
    def runs(self) -> int:
        """Number of seeds that have a result."""
        return int(np.isfinite(self.values["test_accuracy"]).sum())

    @property
    def diverged(self) -> int:
        """Number of seeds that diverged; without accuracy they are in no quartile."""
        return int(np.nansum(self.values["diverged"]))

    def band(self, name: str = "test_accuracy") -> np.ndarray:
        """Quartiles (25, 50, 75 %) over the seeds; NaN where none has a result."""
        return band(self.values[name])


def band(values: Any) -> np.ndarray:
    """Quartiles (25, 50, 75 %) along the first axis, NaN left out."""
    values = np.asarray(values, dtype=float)
    out = np.full((3, *values.shape[1:]), np.nan)
    for place in np.ndindex(values.shape[1:]):
        found = values[(slice(None), *place)]
        found = found[np.isfinite(found)]
        if len(found):
            out[(slice(None), *place)] = np.percentile(found, (25, 50, 75))
    return out


def conditions(cube: Cube) -> list[Condition]:
    """All `Condition`s of a `Cube` that have a result, in the order of its axes.

    The axis of the seeds must be the last one.

    Raises:
        StoreError: the cube's own description of its sweep is damaged, or its results
            do not fit it.
    """
    sweep = cube.sweep()
    _check_complete(cube, sweep)
    seeds = len(sweep.axes[-1]) if sweep.axes and sweep.axes[-1].name == "seed" else 1
    values, curves = {}, {}
    for name, array in cube.variables.items():
        if name.startswith("history_"):
            epochs = array.values.shape[-1]
            curves[name.removeprefix("history_")] = array.values.reshape(-1, seeds, epochs)
        else:
            values[name] = array.values.reshape(-1, seeds)
    every = [
        Condition(
            point.config,
            {name: column[number] for name, column in values.items()},
            {name: column[number] for name, column in curves.items()},
        )
        for number, point in enumerate(sweep.points[::seeds])
    ]
    return [condition for condition in every if condition.runs or condition.diverged]


def _check_complete(cube, sweep):
    """StoreError unless the cube has the columns of a result for each of its points."""
    dims = tuple(axis.name for axis in sweep.axes)
    for name in ("test_accuracy", "diverged", "failed"):
        array = cube.variables.get(name)
        if array is None or (array.dims, array.values.shape) != (dims, sweep.shape):
            raise StoreError(
                f"the cube of the sweep {sweep.name} has no {name} for each of its points; "
                "collect the sweep again"
            )


def chosen(every: list[Condition], **wanted: Any) -> list[Condition]:
    """The conditions whose configuration has these values, in order of Delta t / tau.

    Args:
        every: conditions.
        wanted: by key of [network] or [train].
    """
    found = []
    for condition in every:
        keys = attributes(condition.config.network) | vars(condition.config.train)
        if all(same(keys[name], value) for name, value in wanted.items()):
            found.append(condition)
    return sorted(found, key=lambda condition: condition.ratio)


def same(a: Any, b: Any) -> bool:
    """Whether two values of a configuration are the same, floats but for rounding."""
    if isinstance(a, float) and isinstance(b, (int, float)):
        return math.isclose(a, b, rel_tol=CLOSE)
    return a == b


def plateau(x: Any, y: Any, level: float) -> tuple[float, float] | None:
    """The widest range of x, by ratio, in which a curve stays at or above a level.

    Its ends are interpolated in log x.

    Args:
        x: (point,) positive, rising; y: (point,); level: in units of y.
    Returns:
        (from, to), or None where no point reaches the level.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    above, best = y >= level, None
    for first in range(len(x)):
        if not above[first] or (first and above[first - 1]):
            continue
        last = first
        while last + 1 < len(x) and above[last + 1]:
            last += 1
        low = _crossing(x, y, first - 1, first, level)
        high = _crossing(x, y, last + 1, last, level)
        if best is None or high / low > best[1] / best[0]:
            best = low, high
    return best


def _crossing(x, y, outside, inside, level):
    """Where the curve crosses the level between two neighbours, or its last point."""
    if not 0 <= outside < len(x) or not np.isfinite(y[outside]):
        return float(x[inside])
    share = (y[inside] - level) / (y[inside] - y[outside])
    start, end = math.log(x[inside]), math.log(x[outside])
    return math.exp(start + share * (end - start))


def curve_distance(curves: list[tuple[Any, Any]], count: int = 50) -> float:
    """How far curves lie apart: mean |difference|, averaged over all pairs of curves.

    Two curves are compared over the range of log x that both have.

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


def describe(condition: Condition) -> dict[str, Any]:
    """What a table says of a condition: its keys, and quartiles, accuracies in percent.

    Returns:
        {column: value}, the same columns for every condition.
    """
    network, train = condition.config.network, condition.config.train
    row = {
        "neuron": name_of(network),
        "input_interval_s": network.input_interval,
        "relaxation_time_s": network.time_unit,
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


def columns(label: str, quartiles: Any) -> dict[str, float]:
    """{column: value} of three quartiles."""
    return {f"{label}_{which}": value for which, value in zip(QUARTILES, quartiles, strict=True)}


def medians(found: list[Condition], name: str = "test_accuracy", scale: float = 100) -> np.ndarray:
    """(condition,) medians of a column of the results, in percent for the accuracy."""
    return scale * np.array([condition.band(name)[1] for condition in found])
