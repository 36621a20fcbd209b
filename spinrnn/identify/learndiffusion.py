"""What a learned device leaves unexplained from one sample to the next: noise of the
device, noise of the readout, or its own error.

The innovation e_n is the recorded y(t + k D) less its prediction from z(t). White noise
of the device makes them white. Noise r of the readout is in z too, which gives

    e_n = r_(n+k) - sum_i a_i r_(n+i) ,  a_i = d(prediction) / dz_i ,

and so correlations of known form at 1 to k samples; they tell the two apart as far as
the device forgets slowly between samples. Any other correlation is error of the model,
and then no noise is claimed. The noise of the device, as it depends on state and drive,
is learned by maximum likelihood: e_n is normal with the variance of the readout plus
g([z, v])^2 h, log g a small network.
"""

from typing import Any, NamedTuple

import numpy as np

from spinrnn.identify.learnrecords import window_starts
from spinrnn.identify.learntraining import Training
from spinrnn.neurons.learned import Weights, applied
from spinrnn.neurons.learnedruns import flat_of, free_runs, one_steps

LAGS = 10
"""Distances in samples at which innovations are compared with white ones."""
COLOURED = 0.1
"""Unexplained correlation of innovations from which on no noise is claimed."""
SIGNS = 3.0
"""Standard errors from which on a variance or a gain in likelihood counts."""
APART = 0.1
"""Correlation that readout noise would make, below which the two are not told apart."""
SILENT = -50.0
"""Logarithm of the noise of the states that only hand on what the newest one got."""
HIDDEN, STEPS, RATE, MOST = 12, 800, 0.02, 20_000
"""Units, steps and rate of the network's training, and innovations that it sees."""
REPEATS = 16
"""Runs from which the spread of repeated ones is taken."""


class Innovations(NamedTuple):
    """Of a part: (n,) first samples, (n,) errors, (n, columns) [z, v], all scaled."""

    starts: np.ndarray
    errors: np.ndarray
    inputs: np.ndarray


class Diffusion(NamedTuple):
    """What was found.

    Attributes:
        weights: as `LearnedDevice.diffusion`, None for no noise of the device.
        varies: whether the noise depends on state and drive.
        process: root mean square of g sqrt(h), of a sampling step; readout: standard
            deviation of the readout's noise; both scaled.
        coloured: largest correlation of innovations that nothing explains, and its
            distance in samples.
        told_apart: whether noise of the readout would be seen.
        sentence: for people.
    """

    weights: Weights | None
    varies: bool
    process: float
    readout: float
    coloured: tuple[float, int]
    told_apart: bool
    sentence: str


def innovations_of(training: Training, stretches: Any) -> Innovations:
    """One-step errors of all samples of stretches."""
    k, data = training.states, training.data
    starts = window_starts(training.records, stretches, k, 1)
    starts = starts[np.isfinite(data.output[starts + k])]
    z = np.stack([data.output[starts + i] for i in range(k)], axis=1)
    drives = [row[starts + i] for row in data.drives for i in range(k)]
    after = _after(training, starts, z)
    errors = data.output[starts + k] - after
    return Innovations(starts, errors, np.column_stack([z, *drives]))


def _after(training, starts, z):
    """(n,) predicted newest value, one step after z."""
    return one_steps(
        training.layout, training.best[0], training.rule, training.data.step,
        training.data.drives, starts, z, training.known,
    )[:, -1]  # fmt: skip


def found_diffusion(training: Training, stretches: Any, kind: str = "auto") -> Diffusion:
    """The noise in a recording.

    Args:
        stretches: those that were learned from.
        kind: "auto", "constant" (it depends on nothing) or "none".
    """
    own = innovations_of(training, stretches)
    if kind == "none":
        return _none(own, (0.0, 0), True, "no noise was looked for")
    moments = _moments(training, own)
    if moments.coloured[0] > max(COLOURED, 4 / np.sqrt(len(own.errors))):
        size, lag = moments.coloured
        text = (
            f"the one-step errors are correlated, {size:.2g} at {lag} samples: they are the"
            " model's, and no noise is learned from them"
        )
        return _none(own, moments.coloured, moments.told_apart, text)
    if moments.process <= 0:
        text = f"the noise is that of the readout, {np.sqrt(moments.readout):.3g} of the spread"
        return _none(own, moments.coloured, True, text, np.sqrt(moments.readout))
    return _learned(training, own, moments, kind)


def _none(own, coloured, told_apart, sentence, readout=0.0):
    """No noise of the device."""
    return Diffusion(None, False, 0.0, float(readout), coloured, told_apart, sentence)


class _Moments(NamedTuple):
    """Variances of both noises in a step, and what they leave of the correlations."""

    process: float
    readout: float
    share: float
    coloured: tuple[float, int]
    told_apart: bool


def _moments(training, own):
    """Variances from the innovations' covariances at 0 to `LAGS` samples."""
    k, lags = training.states, max(LAGS, training.states + 1)
    covariance = np.array([_covariance(own, lag) for lag in range(lags + 1)])
    error = covariance[0] / np.sqrt(len(own.errors))
    weights = np.concatenate([[1.0], -_gains(training, own)[::-1]])
    # of unit readout noise, at 0 to k samples
    unit = np.array([(weights[: k + 1 - lag] * weights[lag:]).sum() for lag in range(k + 1)])
    square = (unit[1:] ** 2).sum()
    told_apart = bool(np.sqrt(square) > APART * unit[0])
    readout = 0.0
    if told_apart:
        readout = float((covariance[1 : k + 1] * unit[1:]).sum() / square)
        # more than all of the variance cannot be
        readout = min(readout, covariance[0] / unit[0])
        readout = readout if readout > SIGNS * error / np.sqrt(square) else 0.0
    process = covariance[0] - readout * unit[0]
    if readout and process < SIGNS * error * np.sqrt(2 + unit[0] ** 2 / square):
        process = 0.0
    left = covariance[1:].copy()
    left[:k] -= readout * unit[1:]
    lag = int(np.abs(left).argmax())
    coloured = float(abs(left[lag]) / covariance[0]), lag + 1
    return _Moments(float(process), readout, float(unit[0]), coloured, told_apart)


def _covariance(own, lag):
    """Mean product of innovations so many samples apart."""
    place = np.searchsorted(own.starts, own.starts + lag)
    there = np.minimum(place, len(own.starts) - 1)
    pairs = own.starts[there] == own.starts + lag
    return float(np.mean(own.errors[pairs] * own.errors[there[pairs]])) if pairs.any() else 0.0


def _gains(training, own, moved=1e-4):
    """(k,) mean d(newest value after a step)/dz_i."""
    k = training.states
    picked = np.linspace(0, len(own.starts) - 1, min(len(own.starts), 4000)).astype(int)
    starts, z = own.starts[picked], own.inputs[picked, :k]
    found = []
    for i in range(k):
        shift = np.zeros(k)
        shift[i] = moved
        ends = [_after(training, starts, z + sign * shift) for sign in (1, -1)]
        found.append(np.mean(ends[0] - ends[1]) / (2 * moved))
    return np.array(found)


# ---- maximum likelihood ----


def _learned(training, own, moments, kind):
    """The noise of the device: a network of [z, v] where that is better."""
    k, h = training.states, training.data.step
    fixed = moments.readout * moments.share
    constant = 0.5 * np.log(moments.process / h)
    rng = np.random.default_rng([training.settings.seed, k, 1])
    weights, varies = (
        _whole(((np.zeros((1, own.inputs.shape[1])), np.array([constant])),), k),
        False,
    )
    if kind == "auto":
        order = rng.permutation(len(own.errors))
        cut = len(order) * 3 // 4
        fitted = _most_likely(own, order[:cut][:MOST], fixed, h, constant, rng)
        gain = _gain(own, order[cut:], fixed, h, fitted, constant)
        if gain.mean() > SIGNS * gain.std() / np.sqrt(len(gain)):
            weights, varies = _whole(fitted, k), True
    size = np.sqrt(h * np.mean(np.exp(2 * applied(weights, own.inputs)[:, -1])))
    readout = float(np.sqrt(moments.readout))
    sentence = f"noise of the device {size:.3g} of the spread in a sampling step"
    sentence += ", depends on state and drive" if varies else ", the same everywhere"
    if moments.readout:
        sentence += f"; noise of the readout {readout:.3g}"
    elif not moments.told_apart:
        sentence += "; noise of the readout cannot be told from it, the samples are too far apart"
    else:
        sentence += "; no noise of the readout is seen"
    told = moments.coloured, moments.told_apart, sentence
    return Diffusion(weights, varies, float(size), readout, *told)


def _whole(weights, states):
    """Weights whose last output is the only one: those of all k states."""
    *hidden, (matrix, bias) = weights
    rows, biases = np.zeros((states, matrix.shape[1])), np.full(states, SILENT)
    rows[-1], biases[-1] = matrix[0], bias[0]
    return (*hidden, (rows, biases))


def _likelihood(own, rows, fixed, h, logs):
    """(row,) minus log likelihood."""
    variance = fixed + h * np.exp(2 * logs)
    return 0.5 * (np.log(variance) + own.errors[rows] ** 2 / variance)


def _gain(own, rows, fixed, h, weights, constant):
    """(row,) by how much a network is more likely than the constant."""
    logs = applied(weights, own.inputs[rows])[:, 0]
    flat = np.full(len(rows), constant)
    return _likelihood(own, rows, fixed, h, flat) - _likelihood(own, rows, fixed, h, logs)


def _most_likely(own, rows, fixed, h, constant, rng):
    """((matrix, bias) of two layers) of the largest likelihood of rows, by Adam."""
    inputs, squares = own.inputs[rows], own.errors[rows] ** 2
    values = [
        rng.standard_normal((HIDDEN, inputs.shape[1])) / np.sqrt(inputs.shape[1]),
        np.zeros(HIDDEN),
        np.zeros((1, HIDDEN)),
        np.array([constant]),
    ]
    first, second = ([np.zeros_like(v) for v in values] for _ in range(2))
    for step in range(1, STEPS + 1):
        gradients = likelihood_gradient(values, inputs, squares, fixed, h)
        rate = RATE * 0.5 * (1 + np.cos(np.pi * step / STEPS))
        for value, m, s, g in zip(values, first, second, gradients, strict=True):
            m += 0.1 * (g - m)
            s += 0.01 * (g * g - s)
            value -= rate * (m / (1 - 0.9**step)) / (np.sqrt(s / (1 - 0.99**step)) + 1e-8)
    return (values[0], values[1]), (values[2], values[3])


def likelihood_gradient(values, inputs, squares, fixed, h):
    """Slopes of the mean of minus log likelihood by the two layers' values.

    Args:
        values: matrix, bias, matrix, bias; inputs: (row, columns); squares: (row,) of
            the innovations; fixed: variance that the device has no part in; h: step.
    """
    bent = np.tanh(inputs @ values[0].T + values[1])
    logs = (bent @ values[2].T + values[3])[:, 0]
    own = h * np.exp(2 * logs)
    variance = fixed + own
    by_log = (1 - squares / variance) * own / variance / len(squares)
    inner = by_log[:, None] * values[2] * (1 - bent**2)
    return [inner.T @ inputs, inner.sum(axis=0), (by_log @ bent)[None], by_log.sum()[None]]


# ---- repeated runs ----


def spread_of(training: Training, found: Diffusion, stretch: Any) -> tuple[float, float]:
    """(mean, most) root mean square, scaled, by which a recording of a stretch differs
    from the run without noise through the noises that were found: of the device, from
    repeated runs, and of the readout. most: two standard deviations of the mean square
    of one recording above.
    """
    if found.weights is None:
        return found.readout, found.readout
    start = int(window_starts(training.records, [stretch], training.states, 1)[0])
    own = training.data.output[start : start + training.states]
    arguments = (
        training.layout, training.best[0], training.rule, training.data.step,
        training.data.drives,
    )  # fmt: skip
    steps = stretch.last - start - training.states
    z, first = np.tile(own, (REPEATS, 1)), np.full(REPEATS, start)
    kicks, rng = flat_of(found.weights, training.states), np.random.default_rng(0)
    runs = free_runs(*arguments, first, z, steps, training.known, kicks, rng)[:, :, 0]
    quiet = free_runs(*arguments, first[:1], z[:1], steps, training.known)[0, :, 0]
    squares = np.mean((runs - quiet) ** 2, axis=1) + found.readout**2
    mean, more = float(squares.mean()), float(squares.std(ddof=1))
    return float(np.sqrt(mean)), float(np.sqrt(mean + 2 * more))
