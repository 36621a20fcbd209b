"""A substep of a learned device in plain NumPy, and the arrangement of its weights for
the compiled one, `kernels.rows`.

This step bears complex numbers, so it is what checks compare the kernel with; it is
slow.
"""

import itertools
from typing import Any

import numpy as np

from spinrnn.kernels.rows import (
    ALMOST,
    BIAS,
    GAIN,
    NETWORK,
    NOISE,
    RATE,
    SCALE,
    SHIFT,
    STATES,
    STEP,
    ZERO,
    room_rows,
)
from spinrnn.kernels.tiles import tile_heights
from spinrnn.neurons.learned import LearnedDevice, Weights
from spinrnn.neurons.learnedruns import widths

THIRD = 1 / 3


def rows_of(device: LearnedDevice, driven: int) -> int:
    """Scratch rows of a level of such devices."""
    networks = [of_one_drive(device, weights, driven) for weights in _networks(device)]
    return room_rows(device.delays, [widths(weights) for weights in networks])


def arranged(device: LearnedDevice, driven: int) -> np.ndarray:
    """The numbers in common of a level of such devices, see `kernels.rows`.

    Args:
        driven: number of the drive that is the neuron's; others are held in the middle
            of what was seen of them.
    """
    blocks = [_block(of_one_drive(device, weights, driven)) for weights in _networks(device)]
    head = np.zeros(NETWORK)
    head[STATES], head[STEP] = device.delays, device.unit_step
    head[NOISE] = NETWORK + len(blocks[0]) if device.diffusion is not None else 0
    return np.concatenate([head, *blocks])


def _networks(device):
    return [device.weights] if device.diffusion is None else [device.weights, device.diffusion]


def of_one_drive(device: LearnedDevice, weights: Weights, driven: int) -> Weights:
    """A network of [z, v] as one of [z, u], v = (u, ..., u)."""
    (matrix, bias), *others = weights
    k, bias = device.delays, np.array(bias)
    columns = [matrix[:, :k]]
    for number, channel in enumerate(device.drives):
        own = matrix[:, k * (1 + number) : k * (2 + number)].sum(axis=1)
        if number == driven:
            columns.append(own[:, None])
        else:
            bias += own * float(channel.scaled(np.array((channel.low + channel.high) / 2)))
    return ((np.concatenate(columns, axis=1), bias), *others)


def _block(weights):
    """A network's numbers: layers, widths and for each layer [W b] and W^T as tiles."""
    sizes = widths(weights)
    parts = [np.array([len(weights), *sizes], dtype=float)]
    for matrix, bias in weights:
        parts += [_tiled(np.concatenate([matrix, bias[:, None]], axis=1)), _tiled(matrix.T)]
    return np.concatenate(parts)


def _tiled(matrix):
    """A matrix as tiles, each column by column, flat."""
    height, cut = tile_heights(len(matrix))
    tiles = []
    for part, rows in ((matrix[:cut], height), (matrix[cut:], height - 1)):
        if len(part):
            tiles.append(part.reshape(-1, rows, part.shape[1]).transpose(0, 2, 1).ravel())
    return np.concatenate(tiles)


# ---- the other way, and the step ----


def weights_in(shared: np.ndarray, start: int = NETWORK) -> Weights:
    """A network of [z, u] of what `arranged` made."""
    layers = int(shared[start])
    sizes = [int(x) for x in shared[start + 1 : start + 2 + layers]]
    at, found = start + 2 + layers, []
    for inputs, outputs in itertools.pairwise(sizes):
        matrix = _untiled(shared[at:], outputs, inputs + 1)
        found.append((matrix[:, :-1], matrix[:, -1]))
        at += outputs * (2 * inputs + 1)
    return tuple(found)


def _untiled(flat, rows, columns):
    height, cut = tile_heights(rows)
    matrix, row = np.empty((rows, columns), dtype=flat.dtype), 0
    while row < rows:
        height -= row == cut
        tile = flat[row * columns : (row + height) * columns]
        matrix[row : row + height] = tile.reshape(columns, height).T
        row += height
    return matrix


def linearised(weights: Weights, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(..., k) f and its (..., k, len(x)) Jacobian at (..., inputs) x."""
    slopes = np.eye(x.shape[-1])
    for number, (matrix, bias) in enumerate(weights):
        x, slopes = x @ matrix.T + bias, matrix @ slopes
        if number + 1 < len(weights):
            x = np.tanh(x)
            slopes = (1 - x**2)[..., None] * slopes
    return x, slopes


def step(q: Any, shared: Any, h: Any, s: Any, current: Any, one: Any) -> Any:
    """As `neurons.protocol.Functions.step`: the 3/8 rule in internal steps that are not
    longer than the device's own; q as in `kernels.rows`.
    """
    weights, k = weights_in(shared), int(shared[STATES])
    z = (np.array(s) - q[ZERO]) / q[SCALE]
    u, start = q[GAIN] * current + q[SHIFT], z
    tangents = np.eye(k, k + 1, dtype=z.dtype)
    length = h * q[RATE]
    count = max(1, int(np.ceil(np.real(length) / np.real(shared[STEP]) - ALMOST)))
    for _ in range(count):
        z, tangents = _runge_kutta(weights, length / count, z, tangents, u)
    jacobian, by_u = tangents[:, :k], q[SCALE] * tangents[:, k]
    zero = 0 * one
    rows = []
    for i in range(k):
        row = [zero] * (BIAS + 1)
        row[GAIN], row[SHIFT] = by_u[i] * current, by_u[i]
        row[SCALE] = z[i] - jacobian[i] @ start
        row[ZERO] = 1 - jacobian[i].sum()
        rows.append(tuple(row))
    after = tuple(q[ZERO] + q[SCALE] * z)
    return after, tuple(map(tuple, jacobian)), tuple(q[GAIN] * by_u), tuple(rows)


def _runge_kutta(weights, h, z, tangents, u):
    """(z', dz'/d(z0, u)) of a step of length h of the 3/8 rule."""
    k, stages = len(z), []

    def slope(z, tangents):
        f, by = linearised(weights, np.append(z, u))
        own = by[:, :k] @ tangents
        own[:, k] += by[:, k]
        return f, own

    for a in ((), (THIRD,), (-THIRD, 1), (1, -1, 1)):
        moved = [sum(x * s[part] for x, s in zip(a, stages, strict=True)) for part in (0, 1)]
        stages.append(slope(z + h * moved[0], tangents + h * moved[1]))
    sums = [stages[0][p] + 3 * stages[1][p] + 3 * stages[2][p] + stages[3][p] for p in (0, 1)]
    return z + h / 8 * sums[0], tangents + h / 8 * sums[1]
