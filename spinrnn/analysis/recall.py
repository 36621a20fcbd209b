"""Memory: how well past inputs can be read from present states by a linear readout.

The sum of the scores over the delays is the linear memory capacity, where the inputs
are independent in time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinrnn.analysis.answer import Answer, Settings
from spinrnn.analysis.readout import held_out
from spinrnn.arrays import array_of
from spinrnn.errors import DataError
from spinrnn.recordings.recording import Recording

FOLDS = 5
CENTRED = 20
"""Cases from which on inputs and states are taken about their means over the cases at
each point: what all cases share is no memory."""
BYTES = 64e6
"""Of the trajectories that are kept at a time."""


@dataclass(frozen=True, eq=False)
class Memory:
    """Linear readout of the input of some time ago.

    Attributes:
        delay: (d,) s, 0 is the input that has just ended.
        score: (channel, d) share of the input's variance that the readout predicts in
            cases it has not seen, from 0 to 1.
        reach: (channel,) s, the longest delay up to which the score stays at or above
            `limit`; NaN if it never is.
        capacity: (channel,) sum of the score over the delays, dimensionless. It is the
            linear memory capacity if the inputs are independent in time; then the
            channels' sum is at most the number of neurons.
        correlation: largest magnitude of the inputs' autocorrelation at a delay other
            than 0.
        limit: as given; rows: number of states that were read.
    """

    delay: np.ndarray
    score: np.ndarray
    reach: np.ndarray
    capacity: np.ndarray
    correlation: float
    limit: float
    rows: int

    @property
    def independent(self) -> bool:
        """True if the inputs' autocorrelation is what chance makes of independent ones
        (five standard deviations), so that `capacity` is one."""
        return self.correlation < 5 / np.sqrt(self.rows)


def input_memory(
    states: np.ndarray,
    inputs: np.ndarray,
    interval: float,
    longest: int | None = None,
    limit: float = 0.1,
) -> Memory:
    """How long an input is decodable from the states.

    The readout is a ridge regression, tested on cases that it has not seen; of fewer
    cases than 5, on stretches of time.

    Args:
        states: (case, neuron, point) at the ends of the input intervals; inputs: (case,
            channel, point). What is not finite ends a case.
        interval: s, of one input.
        longest: largest delay in input intervals, by default half of the points.
        limit: of the score, for `reach`.
    Raises:
        DataError: shapes differ, or there are too few points or cases.
    """
    states = np.asarray(array_of(states, "states", missing=True), dtype=np.float64)
    inputs = np.asarray(array_of(inputs, "inputs", missing=True), dtype=np.float64)
    last = _checked_delay(states, inputs, longest)
    cases, channels, points = inputs.shape
    block = _block(cases, points, last)
    case, point = _readable(states, inputs, block, last)
    delays = range(last + 1)
    # (row, channel, delay)
    targets = np.stack([inputs[case, :, point - delay] for delay in delays], axis=2)
    strata = point if cases >= CENTRED else np.zeros_like(point)
    groups = case if cases >= FOLDS else case * (points // block + 1) + point // block
    flat = targets.reshape(len(case), -1)
    prediction, baseline = held_out(states[case, :, point], flat, groups, strata, FOLDS)
    score = _score(flat, prediction, baseline).reshape(channels, last + 1)
    good = np.logical_and.accumulate(score >= limit, axis=1).sum(axis=1)
    return Memory(
        delay=interval * np.arange(last + 1),
        score=score,
        reach=np.where(good > 0, interval * (good - 1), np.nan),
        capacity=score.sum(axis=1),
        correlation=_correlation(targets, baseline.reshape(targets.shape)),
        limit=limit,
        rows=len(case),
    )


def _checked_delay(states, inputs, longest):
    """The longest delay, in points; DataError if arrays or delay do not fit."""
    if (
        states.ndim != 3
        or inputs.ndim != 3
        or (states.shape[0], states.shape[2]) != (inputs.shape[0], inputs.shape[2])
    ):
        raise DataError(
            f"states and inputs must agree in cases and points, got the shapes {states.shape} and "
            f"{inputs.shape}"
        )
    points = inputs.shape[2]
    longest = points // 2 if longest is None else longest
    if not 1 <= longest < points:
        raise DataError(f"longest: must be from 1 to {points - 1} input intervals, got {longest}")
    return longest


def _block(cases, points, longest):
    """Points of a stretch that stays together: a case, or a part of it if there are
    few."""
    block = points if cases >= FOLDS else -(-points * cases // (4 * FOLDS))
    if block <= longest:
        raise DataError(
            f"{cases} cases of {points} points are too few for delays of up to {longest}"
        )
    return block


def _readable(states, inputs, block, longest):
    """(case, point) of the states whose inputs of all delays are there, (row,) each."""
    finite = np.isfinite(states).all(axis=1) & np.isfinite(inputs).all(axis=1)
    present = np.logical_and.accumulate(finite, axis=1)
    # the first points of a stretch would have inputs of the one before
    present &= (np.arange(states.shape[2]) % block >= longest)[None, :]
    case, point = np.nonzero(present)
    if not len(case):
        raise DataError("no case is long enough")
    return case, point


def _score(targets, prediction, baseline):
    """(target,) share of the variance of targets (row, target) that is predicted."""
    total = ((targets - baseline) ** 2).sum(axis=0)
    wrong = ((targets - prediction) ** 2).sum(axis=0)
    score = np.clip(1 - wrong / np.where(total > 0, total, np.inf), 0, 1)
    score[total <= 0] = 0
    return score


def _correlation(targets, baseline):
    """Largest magnitude of the autocorrelation of targets (row, channel, delay) at
    delays other than 0."""
    x = targets - baseline
    norm = np.sqrt((x**2).sum(axis=0))
    products = np.abs((x * x[:, :, :1]).sum(axis=0)) / np.maximum(norm * norm[:, :1], 1e-300)
    return float(products[:, 1:].max())


def network_memory(
    net: Any,
    low: float = 0.0,
    high: float = 1.0,
    cases: int = 60,
    longest: int = 48,
    layers: Iterable[int] | None = None,
    seed: int = 0,
) -> dict[int | str, Memory]:
    """Linear memory capacity of a network: its states while it reads inputs that are
    independent and uniform between low and high.

    The network is simulated; the readout starts after as many points as the longest
    delay.

    Args:
        net: `Network`; cases: at least 5.
        longest: largest delay in input intervals, a case has twice as many points.
        layers: numbers of the layers, None for all; seed: of the inputs.
    Returns:
        {layer number, and "all" if there are several: `Memory`}.
    Raises:
        DivergenceError; MemoryLimitError: a few cases do not fit; DataError: there are
        too few cases.
    """
    config, points = net.config, 2 * longest
    layers = list(range(len(config.layers)) if layers is None else layers)
    rng = np.random.default_rng(seed)
    inputs = rng.uniform(low, high, (cases, config.inputs, points)).astype(config.dtype)
    states = _states_at_ends(net, inputs, layers)
    memories: dict[int | str, Memory] = {
        layer: input_memory(values, inputs, config.input_interval, longest)
        for layer, values in states.items()
    }
    if len(states) > 1:
        together = np.concatenate(list(states.values()), axis=1)
        memories["all"] = input_memory(together, inputs, config.input_interval, longest)
    return memories


def _states_at_ends(net, inputs, layers):
    """{layer: (case, neuron, point)} states at the ends of the input intervals,
    simulated a few cases at a time."""
    config, substeps = net.config, net.config.resolved_substeps
    row = 3 * inputs.itemsize * sum(config.layers) * inputs.shape[2] * substeps
    chunk, states = max(1, int(BYTES / row)), {layer: [] for layer in layers}
    for first in range(0, len(inputs), chunk):
        found = net.simulate(inputs[first : first + chunk])
        for layer in layers:
            states[layer].append(found.state[layer][:, :, substeps::substeps].copy())
    return {layer: np.concatenate(parts) for layer, parts in states.items()}


# ---- the measures ----


def measure_memory(recording: Recording, settings: Settings) -> Answer:
    """Memory of the inputs."""
    inputs = recording.taken_inputs()
    if inputs is None:
        raise DataError("it needs the inputs, which are not in the file")
    ends, interval = recording.point_ends(), float(recording.input_interval or 0.0)
    points = min(len(ends), inputs.shape[2])
    inputs = inputs[:, :, :points]
    states = {f"layer {k}": recording.powers(k)[:, :, ends[:points]] for k in recording.layers}
    if len(states) > 1:
        states["all"] = np.concatenate(list(states.values()), axis=1)
    found = {name: input_memory(values, inputs, interval) for name, values in states.items()}
    lines = [
        _reach_line(name, channel, m, reach)
        for name, m in found.items()
        for channel, reach in enumerate(m.reach)
    ]
    first = next(iter(found.values()))
    if first.independent:
        lines += [
            f"{name}: linear memory capacity {m.capacity.sum():.2f}" for name, m in found.items()
        ]
    else:
        lines.append(
            f"the inputs are correlated in time (up to {first.correlation:.2f}), so that the sum "
            "over the delays is no memory capacity"
        )
    reach = [m.reach for m in found.values()], "s", "longest delay up to which it is decoded"
    numbers = _memory_numbers(found) | {
        "reach": reach,
        "limit": (first.limit, "1", "share of the variance that counts as decoded"),
    }
    return Answer(_memory_rows(found), lines, numbers, (found,))


def measure_capacity(recording: Recording, settings: Settings) -> Answer:
    """Linear memory capacity."""
    if recording.network is None:
        raise DataError(
            "it needs the network, which trajectories of spinrnn hold; with inputs that are "
            "independent in time the measure memory gives it, too"
        )
    low, high = _input_range(recording)
    found = network_memory(recording.network, low, high, layers=recording.layers)
    found = {name if name == "all" else f"layer {name}": m for name, m in found.items()}
    lines = [
        f"{name}: {m.capacity.sum():.2f}, up to a delay of {m.delay[-1]:.4g} s"
        for name, m in found.items()
    ]
    lines.append(
        f"from a simulation of its own, with inputs independent and uniform from {low:.3g} to "
        f"{high:.3g}"
    )
    numbers = _memory_numbers(found) | {
        "input_low": (low, "1", "lowest of the inputs"),
        "input_high": (high, "1", "highest of the inputs"),
    }
    return Answer(_memory_rows(found), lines, numbers, (found,))


def _input_range(recording):
    """(lowest, highest) of the recorded inputs, from 0 to 1 if there are none."""
    values = recording.taken_inputs()
    if values is None:
        return 0.0, 1.0
    values = values.astype(float)
    values = values[np.isfinite(values)]
    low, high = float(np.min(values)), float(np.max(values))
    return (low, high) if low < high else (low - 0.5, low + 0.5)


def _reach_line(name, channel, m, reach):
    limit = f"{100 * m.limit:g} %"
    if np.isfinite(reach):
        return (
            f"{name}, channel {channel}: at least {limit} of the variance decoded up to a delay "
            f"of {reach:.4g} s"
        )
    return (
        f"{name}, channel {channel}: less than {limit} of the variance decoded even without delay"
    )


def _memory_rows(found):
    return [
        {"states": name, "channel": channel, "delay_s": float(delay), "score": float(score)}
        for name, m in found.items()
        for channel, scores in enumerate(m.score)
        for delay, score in zip(m.delay, scores, strict=True)
    ]


def _memory_numbers(found):
    """For machines; of inputs that are correlated in time there is no capacity."""
    capacity = [m.capacity if m.independent else None for m in found.values()]
    first = next(iter(found.values()))
    return {
        "states": (list(found), "", "names of the states, in the order of the lists"),
        "capacity": (capacity, "1", "linear memory capacity of each channel, null if none is"),
        "longest_delay": (first.delay[-1], "s", "largest delay that was tried"),
        "input_correlation": (first.correlation, "1", "largest autocorrelation of the inputs"),
    }
