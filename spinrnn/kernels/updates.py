"""Steps of learning on flat vectors, in one pass over the memory. Entry by entry they
are the lines of NumPy that stand beside them, to the bit.
"""

import math

from spinrnn.kernels.compiling import rounded_kernel


def _adam(gradient, first, second, change, start, stop, decay1, decay2, scale, divisor, epsilon):
    """Algorithm 1 of Kingma & Ba 2015, arXiv:1412.6980, for the entries from start to
    stop: the running means in place, and what is to be added.

    first += decay1 (gradient - first); second += decay2 (gradient^2 - second);
    change = scale first / (sqrt(second / divisor) + epsilon).
    """
    for i in range(start, stop):
        g = gradient[i]
        first[i] += decay1 * (g - first[i])
        second[i] += decay2 * (g * g - second[i])
        change[i] = scale * first[i] / (math.sqrt(second[i] / divisor) + epsilon)


adam = rounded_kernel(_adam)
