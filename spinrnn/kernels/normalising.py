"""Batch normalisation (Ioffe & Szegedy 2015, arXiv:1502.03167) of some columns of the
sums (case, neuron), forward and backward.

All sums go over the cases of one column in their order, so columns may be shared out
among threads in any way.
"""

import numpy as np

from spinrnn.kernels.compiling import kernel

EPSILON = 1e-5
"""Added to the variance, so that a constant column stays finite."""


def _moments(a, first, last, mean, variance):
    """mean and variance (neuron,) over the cases of the columns from first to last.

    The mean is subtracted before squares are summed, as they would cancel else.
    """
    cases = a.shape[0]
    count = a.dtype.type(cases)
    for j in range(first, last):
        mean[j] = 0
        variance[j] = 0
    for i in range(cases):
        for j in range(first, last):
            mean[j] += a[i, j]
    for j in range(first, last):
        mean[j] /= count
    for i in range(cases):
        for j in range(first, last):
            variance[j] += (a[i, j] - mean[j]) * (a[i, j] - mean[j])
    for j in range(first, last):
        variance[j] /= count


def _normalise(a, first, last, mean, inverse, gain, shift, normal, z):
    """normal = (a - mean) inverse and z = gain normal + shift, all (case, neuron)."""
    for i in range(a.shape[0]):
        for j in range(first, last):
            normal[i, j] = (a[i, j] - mean[j]) * inverse[j]
            z[i, j] = gain[j] * normal[i, j] + shift[j]


def _normalise_backward(g, first, last, normal, inverse, gain, g_gain, g_shift, fixed):
    """Adjoint of moments and `normalise`: g (case, neuron) is dLoss/dz before and
    dLoss/da after.

    With d = dLoss/dz gain: dLoss/da = inverse (d - mean d - normal mean(d normal)).
    fixed: whether mean and variance were given, and not those of the cases.
    """
    cases = g.shape[0]
    count = g.dtype.type(cases)
    for j in range(first, last):
        g_gain[j] = 0
        g_shift[j] = 0
    for i in range(cases):
        for j in range(first, last):
            g_shift[j] += g[i, j]
            g_gain[j] += g[i, j] * normal[i, j]
    for i in range(cases):
        for j in range(first, last):
            own = g[i, j]
            if not fixed:
                own -= (g_shift[j] + normal[i, j] * g_gain[j]) / count
            g[i, j] = inverse[j] * gain[j] * own


moments = kernel(_moments)
normalise = kernel(_normalise)
normalise_backward = kernel(_normalise_backward)


def inverse_deviation(variance: np.ndarray) -> np.ndarray:
    """1 / sqrt(variance + EPSILON), (neuron,); NaN of an infinite variance, which a 0
    would hide.
    """
    return 1 / np.sqrt(variance + variance.dtype.type(EPSILON)) + (variance - variance)
