"""Pulses on devices whose mean response is a curve of the state: (P1) of
docs/pulses.md.

What chance gives a pulse is a function of (key, device, number of the pulse), so
threads that share the devices out do not change a bit.
"""

import numpy as np

from spinrnn.kernels.arithmetic import polar, square_root
from spinrnn.kernels.compiling import kernel, piece
from spinrnn.kernels.random import scramble

NEAR = 1e-6
"""Within this of an end of the window a state is there: float32 holds it to 1e-7."""


@piece
def _response(curve, x):
    """The curve's value at x in [0, 1], straight between evenly spaced knots."""
    place = x * (curve.shape[0] - 1)
    k = min(int(place), curve.shape[0] - 2)
    return curve[k] + (place - k) * (curve[k + 1] - curve[k])


@piece
def _normal(device, number, key):
    """A standard normal number."""
    first, second = scramble(np.uint32(device), np.uint32(number), key[0], key[1])
    length, cosine = polar(2.0, first, second)
    return square_root(length) * cosine


@piece
def _moved(x, number, curve, factor, scatter, sign, device, key):
    """The state in [0, 1] after a pulse; number: of the pulse."""
    step = factor * _response(curve, x)
    if scatter > 0:
        step += scatter * _normal(device, number, key)
    x += sign * step
    x = 0.0 if x < 0 else x
    return 1.0 if x > 1 else x


@kernel
def give_pulses(weights, pulses, factors, curves, scatters, largest, key, first, last, sums):
    """Changes the weights (n,) of the devices from `first` to `last` - 1, in place.

    Args:
        pulses: (n,) whole numbers, positive ones go up; factors, curves, scatters: of
            both directions, up first: pairs of (n,), of (knot,), of numbers.
        largest: the weight of state 1; key: two uint32.
        sums: (5,) devices with pulses, those that could not move, those that stand at
            an end afterwards, pulses, and the sum of the states before them.
    """
    for n in range(first, last):
        asked = pulses[n]
        if asked == 0:
            continue
        sums[0] += 1
        x = (weights[n] / largest + 1) / 2
        if asked - asked != 0 or x != x:
            # a number of pulses that is none must not go unnoticed
            weights[n] = np.nan
            continue
        up = asked > 0
        curve, scatter = (curves[0], scatters[0]) if up else (curves[1], scatters[1])
        factor, sign = (factors[0][n], 1.0) if up else (factors[1][n], -1.0)
        sums[1] += (x > 1 - NEAR) if up else (x < NEAR)
        for number in range(int(abs(asked))):
            sums[3] += 1
            sums[4] += x
            x = _moved(x, number, curve, factor, scatter, sign, n, key)
        sums[2] += x <= 0 or x >= 1
        weights[n] = largest * (2 * x - 1)
