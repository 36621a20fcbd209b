"""Steps of learning, and of programming simple devices, in one pass over the memory.
Entry by entry they are the lines of NumPy that stand in their docstrings, to the bit.

Vectors and blocks are given in parts, so that threads may share them out. A loop begins
at the first entry of its part, and roots and exponentials are plain arithmetic: so all
of them become vector instructions.
"""

import numpy as np

from spinrnn.kernels.arithmetic import decay, square_root
from spinrnn.kernels.compiling import rounded_kernel


def _adam(gradient, first, second, decay1, decay2, scale, divisor, epsilon):
    """Algorithm 1 of Kingma & Ba 2015, arXiv:1412.6980: the running means (n,) in
    place, and what is to be added in place of the gradient (n,).

    first += decay1 (gradient - first); second += decay2 (gradient^2 - second);
    gradient = scale first / (sqrt(second / divisor) + epsilon).
    """
    for i in range(gradient.shape[0]):
        g = gradient[i]
        first[i] += decay1 * (g - first[i])
        second[i] += decay2 * (g * g - second[i])
        gradient[i] = scale * first[i] / (square_root(second[i] / divisor) + epsilon)


def _gate(change, trained, weights, strength):
    """Makes changes (n,) of weights towards zero smaller by sech^2(m |trained|), in
    place; strength: 2 m.

    e = exp(-strength |trained|); change *= 4 e / (1 + e)^2, which is 1 for m = 0, and
    where it is small has no difference that cancels.
    """
    one = change.dtype.type(1)
    for i in range(change.shape[0]):
        asked, own = change[i], trained[i]
        e, _, _ = decay(strength * abs(own))
        kept = (e + e + e + e) / ((one + e) * (one + e))
        # the product of two small numbers may be zero, their signs are not
        towards = (asked < 0) & (own > 0) | (asked > 0) & (own < 0)
        change[i] = asked * kept if weights[i] & towards else asked


def _whole(change, weights, scale, most, share):
    """change (n,) in place: clip(rint(scale change), -most, most) of weights, and share
    change of all else.
    """
    for i in range(change.shape[0]):
        pulses = np.rint(scale * change[i])
        # comparisons with NaN are false, so NaN passes
        pulses = -most if pulses < -most else pulses
        pulses = most if pulses > most else pulses
        change[i] = pulses if weights[i] else share * change[i]


def _want_flips(gradient, mean, trained, weights, numbers):
    """The running mean of the negative gradient (n,) in place, and what it asks for in
    place of the gradient (n,).

    mean -= gamma (mean + gradient); gradient = 1 where -sign(trained) mean > tau, of
    weights, else 0; of all else -rate gradient. numbers: (gamma, tau, rate), of the
    arrays' type.
    """
    gamma, tau, rate = numbers
    one = mean.dtype.type(1)
    for i in range(gradient.shape[0]):
        g = gradient[i]
        own = mean[i] - gamma * (mean[i] + g)
        mean[i] = own
        against = -own if trained[i] >= 0 else own
        asked = one if against > tau else one - one
        gradient[i] = asked if weights[i] else -rate * g


def _signs(trained, size, weights):
    """weights (targets, sources) = size where trained >= 0, else -size; returns whether
    all trained numbers are finite.
    """
    every = True
    for i in range(trained.shape[0]):
        for j in range(trained.shape[1]):
            own = trained[i, j]
            weights[i, j] = size if own >= 0 else -size
            every &= own - own == 0
    return every


def _move_signs(trained, change, keep):
    """trained *= keep; trained += change, both (targets, sources); returns how many
    change their sign, where zero counts as positive.
    """
    count = 0
    for i in range(trained.shape[0]):
        for j in range(trained.shape[1]):
            before = trained[i, j]
            after = before * keep + change[i, j]
            trained[i, j] = after
            count += (before >= 0) != (after >= 0)
    return count


def _flip_signs(trained, flips, smallest):
    """trained (targets, sources) = -trained where flips is not 0, and -smallest of a
    zero, whose sign is positive; returns how many.
    """
    count = 0
    for i in range(trained.shape[0]):
        found = 0
        for j in range(trained.shape[1]):
            found += flips[i, j] != 0
        # most signs stay: a row without one that is turned is neither read nor written
        if found == 0:
            continue
        count += found
        for j in range(trained.shape[1]):
            before = trained[i, j]
            turned = -smallest if before == 0 else -before
            trained[i, j] = turned if flips[i, j] != 0 else before
    return count


def _want_levels(trained, change, position, numbers, levels, far):
    """trained = clip(keep trained + change, -size, size), the levels next to it, and
    which walls are too far from them; all (targets, sources).

    levels = clip(rint(trained scale + middle), 0, last);
    far = |position - (levels distance - 1)| > margin.
    numbers: (keep, size, scale, middle, last, distance, margin), of the arrays' type.
    """
    keep, size, scale, middle, last, distance, margin = numbers
    zero, one = last - last, trained.dtype.type(1)
    for i in range(trained.shape[0]):
        for j in range(trained.shape[1]):
            wanted = trained[i, j] * keep + change[i, j]
            # comparisons with NaN are false, so NaN passes
            wanted = -size if wanted < -size else wanted
            wanted = size if wanted > size else wanted
            trained[i, j] = wanted
            level = np.rint(wanted * scale + middle)
            level = zero if level < zero else level
            level = last if level > last else level
            levels[i, j] = level
            far[i, j] = abs(position[i, j] - (level * distance - one)) > margin


def _finite(numbers):
    """Whether all numbers (n,) are finite: others less themselves are NaN."""
    every = True
    for i in range(numbers.shape[0]):
        every &= numbers[i] - numbers[i] == 0
    return every


LANES = 64
"""Sums that `square_sum` makes side by side: one waits for itself."""


def _square_sum(numbers, sums):
    """sums (LANES,) float64 in place: sums[i % LANES] += numbers[i]^2, one after the
    other. Its order is its own, so a processor with longer vectors gives no other bits.
    """
    whole = numbers.shape[0] - numbers.shape[0] % LANES
    for start in range(0, whole, LANES):
        for j in range(LANES):
            number = np.float64(numbers[start + j])
            sums[j] += number * number
    for i in range(whole, numbers.shape[0]):
        number = np.float64(numbers[i])
        sums[i - whole] += number * number


adam = rounded_kernel(_adam)
square_sum = rounded_kernel(_square_sum)
finite = rounded_kernel(_finite)
gate = rounded_kernel(_gate)
whole = rounded_kernel(_whole)
want_flips = rounded_kernel(_want_flips)
signs = rounded_kernel(_signs)
move_signs = rounded_kernel(_move_signs)
flip_signs = rounded_kernel(_flip_signs)
want_levels = rounded_kernel(_want_levels)
