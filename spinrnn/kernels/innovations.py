"""How likely measured powers are, of a device with thermal noise read out with noise.

Between two measurements mean m and variance P of the power go forward: half a kick,
eq. (5), half a kick, with the kick of eq. (6), docs/MODEL.md. The kick is exact,

    m' = m + 2 s ,  P' = P + 4 s m + 4 s^2 ,  s = D h / 2 ;

eq. (5) is taken to second order, where the third cumulant is 3/2 P^2 / m: that of the
power of a carrier with little noise, and nearly that at the threshold. A measurement y
with the variance R has the innovation e = y - m of the variance S = P + R, and moves
the mean by P / S of it (Kalman). Its share of the negative logarithm of the likelihood
is (log S + e^2 / S) / 2.

Derivatives by (a, c, D, R, first power) are differences: six lanes go forward together,
the first as given and each of the others with one number changed.
"""

import math

from spinrnn.kernels.compiling import kernel, piece

NUMBERS = ("growth", "crowding", "diffusion", "readout", "first")
"""Order of the numbers of a response: a, c and D in 1/s, R, and the first power."""
LANES = len(NUMBERS) + 1
LONGEST = 0.4
"""Substep, in relaxation times of the power, with thermal noise."""
MOST = 32
"""Substeps between two measurements: after that many the power has forgotten the
first."""
_A, _C, _D, _R, _M, _P, _DECAY, _PSI, _KICK, _E, _S = range(11)
WORK = (11, LANES)
"""Shape of the working memory: a row for each of these."""


@piece
def _begin(own, change, work):
    """Numbers of the lanes of one response, and its first power."""
    for lane in range(LANES):
        for row in range(5):
            work[row, lane] = own[row]
        work[_P, lane] = 0.0
    for row in range(5):
        work[row, row + 1] += change[row]


@piece
def _set_step(h, work):
    """Decay, psi = (1 - decay) / |a| and half a kick of a step h; returns the number of
    substeps that it takes."""
    pieces = 1
    if work[_D, 0] > 0.0:
        rate = abs(work[_A, 0]) + 2.0 * math.sqrt(abs(work[_C, 0]) * work[_D, 0])
        pieces = int(max(1.0, min(float(MOST), math.ceil(rate * h / LONGEST))))
    h = h / pieces
    for lane in range(LANES):
        rate = abs(work[_A, lane])
        work[_DECAY, lane] = math.exp(-rate * h)
        # below, the quotient would lose the digits of its series
        work[_PSI, lane] = -math.expm1(-rate * h) / rate if rate * h > 1e-8 else h
        work[_KICK, lane] = 0.5 * work[_D, lane] * h
    return pieces


@piece
def _forward(a, c, s, decay, psi, m, v):
    """(m, P) after a substep of half a kick, eq. (5) and half a kick."""
    v += 4.0 * s * (m + s)
    m += 2.0 * s
    top = 1.0 if a > 0.0 else decay
    inverse = 1.0 / ((decay if a > 0.0 else 1.0) + c * m * psi)
    # a power that decays to less than any number stays above 0
    f = max(m * top * inverse, 1e-200)
    slope = decay * inverse * inverse
    bend = -2.0 * c * psi * slope * inverse
    new = slope * slope * v + 1.5 * slope * bend * v * v / m + 0.5 * bend * bend * v * v
    # a variance beyond what second order describes stays positive, and so does the mean
    new = max(new, 0.05 * slope * slope * v)
    f += max(0.5 * bend * v, -0.9 * f)
    return f + 2.0 * s, new + 4.0 * s * (f + s)


@piece
def _measure(y, change, work):
    """Innovations of a measurement and their variances, as values and derivatives in
    rows _E and _S, and the state after it; returns its share of -log likelihood."""
    for lane in range(LANES):
        m, v, r = work[_M, lane], work[_P, lane], work[_R, lane]
        s, e = v + r, y - m
        work[_E, lane], work[_S, lane] = e, s
        if v > 0.0:
            # no power is negative, whatever the readout's noise makes of it
            work[_M, lane] = max(m + v / s * e, 1e-3 * m)
            work[_P, lane] = v * r / s
    e, s = work[_E, 0], work[_S, 0]
    for row in range(LANES - 1):
        inverse = 1.0 / change[row] if change[row] != 0.0 else 0.0
        work[_E, row + 1] = (work[_E, row + 1] - e) * inverse
        work[_S, row + 1] = (work[_S, row + 1] - s) * inverse
    return 0.5 * (math.log(s) + e * e / s)


@piece
def _collect(work, slope, info):
    """Adds a measurement to gradient and Fisher information (lower triangle)."""
    e, w = work[_E, 0], 1.0 / work[_S, 0]
    excess = 0.5 * (1.0 - e * e * w)
    for i in range(LANES - 1):
        by_e, by_s = w * work[_E, i + 1], w * work[_S, i + 1]
        slope[i] += e * by_e + excess * by_s
        for j in range(i + 1):
            info[i, j] += by_e * work[_E, j + 1] + 0.5 * by_s * w * work[_S, j + 1]


@kernel
def responses_forward(y, steps, edges, own, changes, work, value, slope, info):
    """-log likelihood of responses, its gradient and Fisher information.

    Args:
        y: (sample,) measured powers; steps: (sample,) time since the one before; edges:
            (response + 1,) where each begins.
        own: (response, 5) in the order of `NUMBERS`; D = 0 is without thermal noise.
        changes: (response, 5) small differences; 0 for a derivative that is not wanted.
        work: of the shape `WORK`.
        value: (response,), without log(2 pi) / 2 of each sample; slope: (response, 5);
            info: (response, 5, 5); all three are overwritten. All float64.
    """
    for r in range(own.shape[0]):
        _begin(own[r], changes[r], work)
        value[r] = 0.0
        slope[r, :] = 0.0
        info[r, :, :] = 0.0
        last, pieces = -1.0, 1
        for k in range(edges[r], edges[r + 1]):
            h = steps[k]
            # equal steps differ by rounding
            if h > 0.0 and abs(h - last) > 1e-9 * last:
                last, pieces = h, _set_step(h, work)
            for _ in range(pieces if h > 0.0 else 0):
                for lane in range(LANES):
                    work[_M, lane], work[_P, lane] = _forward(
                        work[_A, lane], work[_C, lane], work[_KICK, lane],
                        work[_DECAY, lane], work[_PSI, lane], work[_M, lane], work[_P, lane],
                    )  # fmt: skip
            value[r] += _measure(y[k], changes[r], work)
            _collect(work, slope[r], info[r])
        for i in range(LANES - 1):
            for j in range(i):
                info[r, j, i] = info[r, i, j]
