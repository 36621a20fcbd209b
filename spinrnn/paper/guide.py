"""Advice for a given input time scale, read off the reproduced sweeps: relaxation time, substeps, learning rate, amplification, and what accuracy to expect.

In reduced units the network knows its input interval only as Delta t / tau, if the
high-pass filter keeps its ratio to tau. So results are kept against that ratio, as one
curve for each way of training (learning rate, amplification, noise), and interpolated
in its logarithm.
"""

import dataclasses
import math
from pathlib import Path

import numpy as np

from spinrnn.config.run import LARGEST_RATIO, NetworkConfig
from spinrnn.errors import ConfigError, StoreError
from spinrnn.files.atomic import packaged
from spinrnn.paper.curves import chosen, conditions, medians, same
from spinrnn.paper.numbers import POINTS
from spinrnn.sweep.cube import load_cube

SWEEPS = ("intervals", "noise", "rates", "amplification")
"""Sweeps that the advice rests on; all have the filter at ten relaxation times."""
FILTER = 10.0
"""tau_hp / tau of these sweeps."""
SLACK = 0.01
"""Loss of accuracy up to which other relaxation times are told as well."""
BETWEEN = (0.021, 0.055)
"""Mean and largest distance of trained medians from the expected ones at ratios between the measured ones: the findings of the recipe "guideline"."""
FEWEST_SUBSTEPS = 4
EDGE = 1e-6
"""Relative distance by which a ratio may pass the measured range: rounding."""


@dataclasses.dataclass(frozen=True)
class Advice:
    """Recommended values for an input interval; times in seconds.

    Attributes:
        interval, points: what was asked; relaxation_time, highpass_time, substeps,
            learning_rate, amplification, noise: recommended.
        epochs, batch: of the training that the expectation holds for.
        expected: (25th percentile, median, 75th percentile) of the test accuracy, 0 to
            1, or None where nothing like it was measured.
        tolerated: (from, to) relaxation times around the recommended one whose expected
            median is within `SLACK` of its, or None where the relaxation time was
            given.
        interpolated: the ratio lies between measured ones, where expectations are off
            by `BETWEEN`.
        runs: trainings behind the expectation; outside: list of reasons why the
            question lies outside what was measured.
    """

    interval: float
    points: int
    relaxation_time: float
    highpass_time: float
    substeps: int
    learning_rate: float
    amplification: float
    noise: float
    epochs: int
    batch: int
    expected: tuple | None
    tolerated: tuple | None
    interpolated: bool
    runs: int
    outside: list


class Guide:
    """Accuracy against Delta t / tau for each way of training.

    Args:
        every: list of `Condition`s; those of oscillators with all connections and the
            filter at ten relaxation times count.
    Attributes:
        curves: {(learning rate, amplification, noise): list of `Condition` by rising
            ratio}.
    Raises:
        StoreError: there is no such condition.
    """

    def __init__(self, every):
        self.curves = {}
        whole = {"neuron": "oscillator", "density_int": 1.0, "density_ext": 1.0}
        for condition in chosen(every, **whole):
            network, train = condition.config.network, condition.config.train
            if condition.runs and same(network.highpass_time, FILTER * network.relaxation_time):
                key = train.learning_rate, network.amplifications[0], train.noise
                self.curves.setdefault(key, []).append(condition)
        if not self.curves:
            raise StoreError("advice: there are no results of oscillators")

    @property
    def range(self):
        """(smallest, largest) Delta t / tau of any curve."""
        ends = [(found[0].ratio, found[-1].ratio) for found in self.curves.values()]
        return min(low for low, _ in ends), max(high for _, high in ends)

    def expect(self, ratio, learning_rate, amplification, noise):
        """(25th percentile, median, 75th percentile) of the test accuracy at Delta t / tau, or None where that was not measured."""
        for key, found in self.curves.items():
            if all(
                same(a, float(b))
                for a, b in zip(key, (learning_rate, amplification, noise), strict=True)
            ):
                return _between(found, ratio)
        return None

    def best(self, ratio):
        """(accuracies, key, conditions) of the way of training with the highest expected median at a ratio; None where nothing was measured."""
        choice = None
        for key, found in self.curves.items():
            expected = _between(found, ratio)
            if expected is not None and (choice is None or expected[1] > choice[0][1]):
                choice = expected, key, found
        return choice

    def advise(self, interval, points=POINTS, relaxation_time=None):
        """`Advice` for an input interval.

        Args:
            interval: time for which an input value is held (s); points: of one case;
                relaxation_time: of the device (s) where it is given.
        Raises:
            ConfigError: a time is not positive, points are no whole number from 1, or
                times out of all proportion.
        """
        _check(interval, points, relaxation_time)
        low, high = self.range
        measured = sorted({c.ratio for found in self.curves.values() for c in found})
        free = relaxation_time is None
        if free:
            ratio = max(measured, key=lambda r: self.best(r)[0][1])
            relaxation_time = float(f"{interval / ratio:.6g}")
        else:
            ratio = interval / relaxation_time
        outside = []
        if not low * (1 - EDGE) <= ratio <= high * (1 + EDGE):
            outside.append(
                f"the input interval is {ratio:.3g} relaxation times, measured were {low:g} to "
                f"{high:g}; "
                f"a relaxation time from {interval / high:.3g} to {interval / low:.3g} s would "
                "lie inside"
            )
        if points != POINTS:
            outside.append(f"cases of {points} input points, measured were {POINTS}")
        choice = self.best(min(max(ratio, low), high))
        if choice is None:  # between curves of which each covers a part
            outside.append(f"no run at or around {ratio:.3g} relaxation times has a result")
            choice = self.best(min(measured, key=lambda r: abs(math.log(r / ratio))))
        expected, (rate, amplification, noise), found = choice
        train = found[0].config.train
        return Advice(
            interval=interval,
            points=points,
            relaxation_time=relaxation_time,
            highpass_time=FILTER * relaxation_time,
            substeps=max(FEWEST_SUBSTEPS, math.ceil(4 * ratio - EDGE)),
            learning_rate=rate,
            amplification=amplification,
            noise=noise,
            epochs=train.epochs,
            batch=train.batch,
            expected=None if outside else expected,
            tolerated=_tolerated(interval, ratio, found) if free else None,
            interpolated=not any(math.isclose(c.ratio, ratio, rel_tol=EDGE) for c in found),
            runs=min(c.runs for c in found),
            outside=outside,
        )


def advise(interval, points=POINTS, relaxation_time=None, folder=None):
    """`Advice` for an input interval from the reproduced sweeps; as `Guide.advise`.

    Args:
        folder: with the cubes of the sweeps, as `spinrnn reproduce` leaves them; None
            means those that come with the package.
    Raises:
        ConfigError: as `Guide.advise`; StoreError: the cubes cannot be read.
    """
    _check(interval, points, relaxation_time)  # before the cubes are looked for
    return load_guide(folder).advise(interval, points, relaxation_time)


def load_guide(folder=None):
    """`Guide` of the cubes in a folder; None means those that come with the package."""
    folder = packaged("reproduction") if folder is None else Path(folder)
    if not folder.is_dir():
        raise StoreError(
            f"{folder}: no such folder; give the one in which `spinrnn reproduce guideline` has "
            "left its cubes"
        )
    missing = [name for name in SWEEPS if not (folder / f"{name}.h5").is_file()]
    if missing:
        raise StoreError(
            f"{folder} lacks the cubes {', '.join(missing)} of those that advice needs; `spinrnn "
            f"reproduce guideline --out {folder}` makes them"
        )
    cubes = {name: load_cube(folder / f"{name}.h5") for name in SWEEPS}
    for name, cube in cubes.items():
        if cube.sweep().name != name:
            raise StoreError(
                f"{folder / name}.h5: is the cube of the sweep {cube.sweep().name}; advice needs "
                f"that of {name}, as `spinrnn reproduce` makes it"
            )
    return Guide([condition for cube in cubes.values() for condition in conditions(cube)])


def to_toml(advice):
    """The advice as a configuration file, what it rests on in comments."""
    network = NetworkConfig()
    lines = [
        f"# Advice for an input interval of {advice.interval:g} s and {advice.points} input points."
    ]
    if advice.expected:
        low, middle, high = (100 * value for value in advice.expected)
        lines += [
            f"# Expected test accuracy: {middle:.1f} %, half of the runs from {low:.1f} to "
            f"{high:.1f} %; of {advice.runs} or more trainings of",
            f"# {' - '.join(map(str, network.layers))} oscillators on the sequential digits with "
            "these settings. Other tasks have other accuracies.",
        ]
        if advice.interpolated:
            mean, largest = (100 * value for value in BETWEEN)
            lines.append(
                f"# Read off between measured ratios: there trained medians were {mean:.1f} "
                f"points off on average, at most {largest:.1f}."
            )
    lines += [
        f"# OUTSIDE WHAT WAS MEASURED, so without an expected accuracy: {reason}."
        for reason in advice.outside
    ]
    if advice.tolerated:
        low, high = advice.tolerated
        lines.append(
            f"# Relaxation times from {low:.2g} to {high:.2g} s are expected to be within "
            f"{100 * SLACK:g} point of this accuracy."
        )
    lines += [
        "",
        "[network]",
        f"input_interval = {advice.interval:.9g}",
        f"relaxation_time = {advice.relaxation_time:.9g}",
        f"highpass_time = {advice.highpass_time:.9g}",
        f"substeps = {advice.substeps}",
        f"amplification = {advice.amplification:g}",
        "",
        "[train]",
        f"learning_rate = {advice.learning_rate:g}",
        f"noise = {advice.noise:g}",
        f"epochs = {advice.epochs}",
        f"batch = {advice.batch}",
    ]
    return "\n".join(lines) + "\n"


def _between(found, ratio):
    """Quartiles at a ratio between measured ones, interpolated in its logarithm; None outside."""
    if not found[0].ratio * (1 - EDGE) <= ratio <= found[-1].ratio * (1 + EDGE):
        return None
    places = np.log([c.ratio for c in found])
    return tuple(
        float(np.interp(math.log(ratio), places, values))
        for values in np.transpose([c.band() for c in found])
    )


def _tolerated(interval, ratio, found):
    """Relaxation times, in one range around the best one, with which the same way of training is expected to be nearly as good."""
    least, ends = _between(found, ratio)[1] - SLACK, []
    for end in (found[-1].ratio, found[0].ratio):
        places = np.geomspace(ratio, end, 200)
        expected = np.interp(
            np.log(places), np.log([c.ratio for c in found]), medians(found, scale=1)
        )
        bad = np.flatnonzero(expected < least)
        ends.append(interval / places[bad[0] - 1 if len(bad) else -1])
    return tuple(float(end) for end in ends)


def _check(interval, points, relaxation_time):
    problems = []
    for name, value in (("interval", interval), ("relaxation_time", relaxation_time)):
        if value is not None and not (isinstance(value, (int, float)) and 0 < value < math.inf):
            problems.append(f"{name}: must be a positive time in seconds, as in 10e-9, got {value}")
    if isinstance(points, bool) or not isinstance(points, int) or points < 1:
        problems.append(f"points: must be a whole number of at least 1, got {points}")
    if (
        not problems
        and relaxation_time is not None
        and not 1 / LARGEST_RATIO < interval / relaxation_time < LARGEST_RATIO
    ):
        problems.append(
            f"relaxation_time: {relaxation_time:g} s is out of all proportion to the interval, "
            f"{interval:g} s; times are in seconds"
        )
    if problems:
        raise ConfigError(problems)
