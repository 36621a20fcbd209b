"""Advice for a given input time scale, read off the reproduced sweeps.

It recommends relaxation time, substeps, learning rate and amplification, and says what
accuracy to expect.

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
from spinrnn.paper.curves import Condition, chosen, conditions, medians, same
from spinrnn.paper.numbers import INPUT_POINTS
from spinrnn.sweep.cube import load_cube

SWEEPS = ("intervals", "noise", "rates", "amplification")
"""Sweeps that the advice rests on; all have the filter at ten relaxation times."""
FILTER = 10.0
"""tau_hp / tau of these sweeps."""
SLACK = 0.01
"""Loss of accuracy up to which other relaxation times are told as well."""
BETWEEN = (0.021, 0.055)
"""Mean and largest distance of trained from expected medians between measured ratios.

These are the findings of the recipe "guideline".
"""
FEWEST_SUBSTEPS = 4
EDGE = 1e-6
"""Relative distance by which a ratio may pass the measured range: rounding."""


@dataclasses.dataclass(frozen=True)
class Advice:
    """Recommended values for an input interval; times in seconds.

    Attributes:
        interval, points: what was asked.
        relaxation_time, highpass_time, substeps, learning_rate, amplification, noise:
            recommended.
        epochs, batch: of the training that the expectation holds for.
        expected: (25th percentile, median, 75th percentile) of the test accuracy, 0 to
            1, or None where nothing like it was measured.
        tolerated: (from, to) relaxation times around the recommended one whose expected
            median is within `SLACK` of its, or None where the relaxation time was
            given.
        interpolated: the ratio lies between measured ones, where expectations are off
            by `BETWEEN`.
        runs: trainings behind the expectation.
        outside: reasons why the question lies outside what was measured.
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
    expected: tuple[float, float, float] | None
    tolerated: tuple[float, float] | None
    interpolated: bool
    runs: int
    outside: list[str]


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

    def __init__(self, every: list[Condition]):
        self.curves = {}
        whole = {"neuron": "oscillator", "density_int": 1.0, "density_ext": 1.0}
        for condition in chosen(every, **whole):
            network, train = condition.config.network, condition.config.train
            if condition.runs and same(network.filter_time, FILTER * network.time_unit):
                key = train.learning_rate, network.amplifications[0], train.noise
                self.curves.setdefault(key, []).append(condition)
        if not self.curves:
            raise StoreError("advice: there are no results of oscillators")

    @property
    def range(self) -> tuple[float, float]:
        """(smallest, largest) Delta t / tau of any curve."""
        ends = [(found[0].ratio, found[-1].ratio) for found in self.curves.values()]
        return min(low for low, _ in ends), max(high for _, high in ends)

    def expect(
        self, ratio: float, learning_rate: float, amplification: float, noise: float
    ) -> tuple[float, float, float] | None:
        """Quartiles (25, 50, 75 %) of the test accuracy at a ratio Delta t / tau.

        None where that was not measured.
        """
        wanted = learning_rate, amplification, noise
        for key, found in self.curves.items():
            if all(same(a, float(b)) for a, b in zip(key, wanted, strict=True)):
                return _between(found, ratio)
        return None

    def best(self, ratio: float) -> tuple[tuple, tuple, list[Condition]] | None:
        """The way of training with the highest expected median at a ratio.

        Returns:
            (quartiles, key of `curves`, conditions), None where nothing was measured.
        """
        choice = None
        for key, found in self.curves.items():
            expected = _between(found, ratio)
            if expected is not None and (choice is None or expected[1] > choice[0][1]):
                choice = expected, key, found
        return choice

    def advise(
        self, interval: float, points: int = INPUT_POINTS, relaxation_time: float | None = None
    ) -> Advice:
        """`Advice` for an input interval.

        Args:
            interval: time for which an input value is held (s); points: of one case;
                relaxation_time: of the device (s) where it is given.
        Raises:
            ConfigError: a time is not positive, points are no whole number from 1, or
                times out of all proportion.
        """
        _check(interval, points, relaxation_time)
        given = relaxation_time is not None
        if relaxation_time is None:
            relaxation_time = float(f"{interval / self._best_ratio():.6g}")
            ratio = self._best_ratio()
        else:
            ratio = interval / relaxation_time
        outside = self._outside(interval, points, ratio)
        choice = self.best(min(max(ratio, self.range[0]), self.range[1]))
        if choice is None:
            # between curves of which each covers a part
            outside.append(f"no run at or around {ratio:.3g} relaxation times has a result")
            choice = self.best(min(self._ratios(), key=lambda r: abs(math.log(r / ratio))))
        assert choice is not None, "at a measured ratio something was measured"
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
            tolerated=None if given else _tolerated(interval, ratio, found),
            interpolated=not any(math.isclose(c.ratio, ratio, rel_tol=EDGE) for c in found),
            runs=min(c.runs for c in found),
            outside=outside,
        )

    def _ratios(self):
        """All measured Delta t / tau, rising."""
        return sorted({c.ratio for found in self.curves.values() for c in found})

    def _best_ratio(self):
        def median(ratio):
            choice = self.best(ratio)
            return -math.inf if choice is None else choice[0][1]

        return max(self._ratios(), key=median)

    def _outside(self, interval, points, ratio):
        """Reasons why a question lies outside what was measured."""
        low, high = self.range
        reasons = []
        if not low * (1 - EDGE) <= ratio <= high * (1 + EDGE):
            reasons.append(
                f"the input interval is {ratio:.3g} relaxation times, measured were {low:g} to "
                f"{high:g}; a relaxation time from {interval / high:.3g} to "
                f"{interval / low:.3g} s would lie inside"
            )
        if points != INPUT_POINTS:
            reasons.append(f"cases of {points} input points, measured were {INPUT_POINTS}")
        return reasons


def advise(
    interval: float,
    points: int = INPUT_POINTS,
    relaxation_time: float | None = None,
    folder: str | Path | None = None,
) -> Advice:
    """`Advice` for an input interval from the reproduced sweeps; as `Guide.advise`.

    Args:
        folder: with the cubes of the sweeps, as `spinrnn reproduce` leaves them; None
            means those that come with the package.
    Raises:
        ConfigError: as `Guide.advise`; StoreError: the cubes cannot be read.
    """
    # before the cubes are looked for
    _check(interval, points, relaxation_time)
    return load_guide(folder).advise(interval, points, relaxation_time)


def load_guide(folder: str | Path | None = None) -> Guide:
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


def to_toml(advice: Advice) -> str:
    """The advice as a configuration file, what it rests on in comments."""
    lines = [
        *_comments(advice),
        "",
        "[network]",
        f"input_interval = {advice.interval:.9g}",
        f"highpass_time = {advice.highpass_time:.9g}",
        f"substeps = {advice.substeps}",
        f"amplification = {advice.amplification:g}",
        "",
        "[neuron]",
        f"relaxation_time = {advice.relaxation_time:.9g}",
        "",
        "[train]",
        f"learning_rate = {advice.learning_rate:g}",
        f"noise = {advice.noise:g}",
        f"epochs = {advice.epochs}",
        f"batch = {advice.batch}",
    ]
    return "\n".join(lines) + "\n"


def _comments(advice):
    """What the advice rests on."""
    lines = [
        f"# Advice for an input interval of {advice.interval:g} s and {advice.points} input points."
    ]
    if advice.expected:
        low, middle, high = (100 * value for value in advice.expected)
        layers = " - ".join(map(str, NetworkConfig().layers))
        lines += [
            f"# Expected test accuracy: {middle:.1f} %, half of the runs from {low:.1f} to "
            f"{high:.1f} %; of {advice.runs} or more trainings of",
            f"# {layers} oscillators on the sequential digits with these settings. Other tasks "
            "have other accuracies.",
        ]
        if advice.interpolated:
            mean, largest = (100 * value for value in BETWEEN)
            lines.append(
                "# Read off between measured ratios: there trained medians were "
                f"{mean:.1f} points off on average, at most {largest:.1f}."
            )
    for reason in advice.outside:
        lines.append(f"# OUTSIDE WHAT WAS MEASURED, so without an expected accuracy: {reason}.")
    if advice.tolerated:
        low, high = advice.tolerated
        lines.append(
            f"# Relaxation times from {low:.2g} to {high:.2g} s are expected to be within "
            f"{100 * SLACK:g} point of this accuracy."
        )
    return lines


def _between(found, ratio):
    """Quartiles at a ratio, interpolated in its logarithm; None outside."""
    if not found[0].ratio * (1 - EDGE) <= ratio <= found[-1].ratio * (1 + EDGE):
        return None
    places = np.log([c.ratio for c in found])
    low, middle, high = (
        float(np.interp(math.log(ratio), places, values))
        for values in np.transpose([c.band() for c in found])
    )
    return low, middle, high


def _tolerated(interval, ratio, found):
    """(from, to) relaxation times around the best one that are nearly as good.

    They are those of one way of training, without a gap.
    """
    measured, accuracies = np.log([c.ratio for c in found]), medians(found, scale=1)
    least = np.interp(math.log(ratio), measured, accuracies) - SLACK

    def reach(end):
        """Relaxation time of the last ratio towards an end that is good enough."""
        places = np.geomspace(ratio, end, 200)
        bad = np.flatnonzero(np.interp(np.log(places), measured, accuracies) < least)
        return float(interval / places[bad[0] - 1 if len(bad) else -1])

    return reach(found[-1].ratio), reach(found[0].ratio)


def _check(interval, points, relaxation_time):
    """ConfigError with all that is wrong with a question."""
    problems = []
    for name, value in (("interval", interval), ("relaxation_time", relaxation_time)):
        if value is not None and not (isinstance(value, (int, float)) and 0 < value < math.inf):
            problems.append(f"{name}: must be a positive time in seconds, as in 10e-9, got {value}")
    if isinstance(points, bool) or not isinstance(points, int) or points < 1:
        problems.append(f"points: must be a whole number of at least 1, got {points}")
    ratio = 1.0 if problems or relaxation_time is None else interval / relaxation_time
    if not 1 / LARGEST_RATIO < ratio < LARGEST_RATIO:
        problems.append(
            f"relaxation_time: {relaxation_time:g} s is out of all proportion to the interval, "
            f"{interval:g} s; times are in seconds"
        )
    if problems:
        raise ConfigError(problems)
