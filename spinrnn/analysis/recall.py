"""Memory: how well past inputs can be read from present states by a linear readout, and the linear memory capacity."""

from dataclasses import dataclass

import numpy as np

from spinrnn.analysis.readout import held_out
from spinrnn.errors import DataError

FOLDS = 5
CENTRED = 20
"""Cases from which on inputs and states are taken about their means over the cases at each point: what all cases share is no memory."""
BYTES = 64e6
"""Of the trajectories that are kept at a time."""


@dataclass(frozen=True, eq=False)
class Memory:
    """Linear readout of the input of some time ago.

    Attributes:
        delay: (d,) s, 0 is the input that has just ended.
        score: (channel, d) share of the input's variance that the readout predicts in cases it has not seen, from 0 to 1.
        reach: (channel,) s, the longest delay up to which the score stays at or above `limit`; NaN if it never is.
        capacity: (channel,) sum of the score over the delays, dimensionless. It is the linear memory capacity if the inputs are independent in time; then the
            channels' sum is at most the number of neurons.
        correlation: largest magnitude of the inputs' autocorrelation at a delay other than 0.
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
    def independent(self):
        """True if the inputs' autocorrelation is what chance makes of independent ones (five standard deviations), so that `capacity` is one."""
        return self.correlation < 5 / np.sqrt(self.rows)


def input_memory(states, inputs, interval, longest=None, limit=0.1):
    """How long an input is decodable from the states.

    The readout is a ridge regression, tested on cases that it has not seen; of fewer cases than 5, on stretches of time.

    Args:
        states: (case, neuron, point) at the ends of the input intervals; inputs: (case, channel, point); interval: s, of one input.
            What is not finite ends a case.
        longest: largest delay in input intervals, by default half of the points; limit: of the score, for `reach`.
    Returns:
        `Memory`.
    Raises:
        DataError: shapes differ, or there are too few points or cases.
    """
    states, inputs = np.asarray(states, dtype=np.float64), np.asarray(inputs, dtype=np.float64)
    if (
        states.ndim != 3
        or inputs.ndim != 3
        or (states.shape[0], states.shape[2]) != (inputs.shape[0], inputs.shape[2])
    ):
        raise DataError(
            f"states and inputs must agree in cases and points, got the shapes {states.shape} and {inputs.shape}"
        )
    cases, channels, points = inputs.shape
    longest = points // 2 if longest is None else longest
    if not 1 <= longest < points:
        raise DataError(f"longest: must be from 1 to {points - 1} input intervals, got {longest}")
    by_case = cases >= FOLDS
    block = (
        points if by_case else -(-points * cases // (4 * FOLDS))
    )  # without enough cases, their stretches of time stand for them
    if block <= longest:
        raise DataError(
            f"{cases} cases of {points} points are too few for delays of up to {longest}"
        )
    finite = np.isfinite(states).all(axis=1) & np.isfinite(inputs).all(axis=1)
    present = np.logical_and.accumulate(finite, axis=1)
    # the first points of a stretch would have inputs of the one before
    present &= (np.arange(points) % block >= longest)[None, :]
    case, point = np.nonzero(present)
    if not len(case):
        raise DataError("no case is long enough")
    targets = np.stack(
        [inputs[case, :, point - delay] for delay in range(longest + 1)], axis=2
    )  # (row, channel, delay)
    strata = point if cases >= CENTRED else np.zeros_like(point)
    groups = case if by_case else case * (points // block + 1) + point // block
    prediction, baseline = held_out(
        states[case, :, point], targets.reshape(len(case), -1), groups, strata, FOLDS
    )
    shape = (channels, longest + 1)
    total = ((targets.reshape(len(case), -1) - baseline) ** 2).sum(axis=0).reshape(shape)
    wrong = ((targets.reshape(len(case), -1) - prediction) ** 2).sum(axis=0).reshape(shape)
    score = np.clip(1 - wrong / np.where(total > 0, total, np.inf), 0, 1)
    score[total <= 0] = 0
    good = np.logical_and.accumulate(score >= limit, axis=1).sum(axis=1)
    reach = np.where(good > 0, interval * (good - 1), np.nan)
    return Memory(
        interval * np.arange(longest + 1), score, reach, score.sum(axis=1), _correlation(targets, baseline.reshape(targets.shape)), limit, len(case)
    )  # fmt: skip


def network_memory(net, low=0.0, high=1.0, cases=60, longest=48, layers=None, seed=0):
    """Linear memory capacity of a network: its states while it reads inputs that are independent and uniform between low and high.

    The network is simulated; the readout starts after as many points as the longest delay.

    Args:
        net: `Network`; cases: at least 5; longest: largest delay in input intervals, a case has twice as many points.
        layers: numbers of the layers, None for all; seed: of the inputs.
    Returns:
        {layer number, and "all" if there are several: `Memory`}.
    Raises:
        DivergenceError; MemoryLimitError: a few cases do not fit; DataError: there are too few cases.
    """
    config, points = net.config, 2 * longest
    layers = range(len(config.layers)) if layers is None else layers
    inputs = (
        np.random.default_rng(seed)
        .uniform(low, high, (cases, config.inputs, points))
        .astype(config.dtype)
    )
    substeps = config.resolved_substeps
    chunk = max(1, int(BYTES / (3 * inputs.itemsize * sum(config.layers) * points * substeps)))
    states = {layer: [] for layer in layers}
    for first in range(0, cases, chunk):
        found = net.simulate(inputs[first : first + chunk])
        for layer in layers:
            states[layer].append(found.state[layer][:, :, substeps::substeps].copy())
    states = {layer: np.concatenate(parts) for layer, parts in states.items()}
    memories = {
        layer: input_memory(values, inputs, config.input_interval, longest)
        for layer, values in states.items()
    }
    if len(states) > 1:
        memories["all"] = input_memory(
            np.concatenate(list(states.values()), axis=1), inputs, config.input_interval, longest
        )
    return memories


def _correlation(targets, baseline):
    """Largest magnitude of the autocorrelation of targets (row, channel, delay) at delays other than 0."""
    x = targets - baseline
    norm = np.sqrt((x**2).sum(axis=0))
    products = np.abs((x * x[:, :, :1]).sum(axis=0)) / np.maximum(norm * norm[:, :1], 1e-300)
    return float(products[:, 1:].max())
