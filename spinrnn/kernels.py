"""All compiled code: one block of samples through the network, forward and backward, written as pairs.

Every ``x_forward`` is followed by its ``x_backward``, the exact adjoint of the discrete step (not of the differential equation).
`run_block` strings the pieces together; everything else in the package sees only `run_block`. All kernels are in this one file
because Numba's cache does not notice an edit in another file.

Reduced units: time in relaxation times (gamma = 1), drive in damping rates (I = 1 is the threshold). Equation numbers (1) to (5)
are those of docs/MODEL.md.

Sizes, used in every shape comment:
    L layers; n_l neurons of layer l, N of all layers; C input channels; K classes; B samples of the block;
    T input points; S substeps for each of them; M = T S substeps in all; D time levels that an array of the cache keeps.

A time level is a flat array of N B values, (neuron, sample) row by row, layers one below the other, so the rows of layers l-1 and
l are adjacent and A_l [W_ext,l | W_int,l] acts on them in one product. Because the extrapolation of the drive to the middle of the substep
is linear, it is applied to the neurons' outputs before the product: z(k) = 3/2 y(k) - 1/2 y(k-1), with y(-1) = y(0); for Euler z = y.

Kernels do not allocate for each step and do not raise: `run_block` returns 0, or 1 + the first sample with a non-finite state.
"""

from typing import NamedTuple

import numpy as np
from numba.extending import overload, register_jitable

from spinrnn.compiling import kernel, piece

OSCILLATOR_EULER, OSCILLATOR_EXPONENTIAL, CTRNN = 0, 1, 2
"""Values of `Constants.model`. The CTRNN's two schemes differ by constants only."""


class Constants(NamedTuple):
    """What the steps need besides weights and states; floats in the network's dtype, reduced units."""

    model: int  # OSCILLATOR_EULER, OSCILLATOR_EXPONENTIAL or CTRNN
    step: float  # h, length of a substep
    blend: float  # kappa: share of the way to its target that the filter's mean (CTRNN: the state) goes in one substep
    nonlinear_damping: float  # Q
    floor: float  # smallest power; -inf switches it off
    bias: float  # xi_0, the fixed bias; 0 for the CTRNN
    now: float  # weight of y(k) in z(k): 3/2, or 1 for Euler
    before: float  # weight of y(k-1) in z(k): -1/2, or 0 for Euler
    substeps: int  # S
    window: int  # substeps that the readout averages over; 0 reads the value at the end
    output_gain: float  # A_out


class Weights(NamedTuple):
    """The parameters as the products want them: masks and amplification applied, [external | internal] side by side."""

    sizes: np.ndarray  # (L,) int64, n_l
    couplings: np.ndarray  # flat: for each l the matrix A_l [W_ext,l | W_int,l], (n_l, n_{l-1} + n_l); A_0 W_int,0 for l = 0
    transposed: np.ndarray  # flat: for each l [A_l W_int,l^T | A_{l+1} W_ext,l+1^T], (n_l, n_l + n_{l+1})
    w_in: np.ndarray  # (n_0, C), A_0 W_ext,0
    bias: np.ndarray  # (N,), trainable bias
    w_out: np.ndarray  # (K, n_{L-1})
    b_out: np.ndarray  # (K,)


class Cache(NamedTuple):
    """What the forward pass writes. Time level k is kept at k modulo the depth D: M + 1 keeps all, 2 what the next substep needs."""

    state: np.ndarray  # (D, N B) power p (CTRNN: s)
    blended: np.ndarray  # (D, N B) z, what the couplings act on
    mean: np.ndarray  # (D_m, N B) the filter's mean m; the backward pass does not need it, so D_m = 2 unless it is asked for
    drive: np.ndarray  # (D, N B) I held over substep k
    base: np.ndarray  # (N B,) part of the drive that is constant over an input interval
    readout: np.ndarray  # (n_{L-1}, B) what W_out acts on
    logits: np.ndarray  # (K, B)
    losses: np.ndarray  # (B,) float64, cross-entropy of each sample; written if labels are given


class Gradients(NamedTuple):
    """What the backward pass writes: gradients, which accumulate (zero them before), and its work arrays."""

    couplings: np.ndarray  # flat, like Weights.couplings
    w_in: np.ndarray  # (n_0, C)
    bias: np.ndarray  # (N,)
    w_out: np.ndarray  # (K, n_{L-1})
    b_out: np.ndarray  # (K,)
    logits: np.ndarray  # (K, B) dLoss/dlogits
    readout: np.ndarray  # (n_{L-1}, B)
    state: np.ndarray  # (N B,) dLoss/dp at the current time
    mean: np.ndarray  # (N B,) dLoss/dm
    drive: np.ndarray  # (N B,) dLoss/dI of the current substep
    blended: np.ndarray  # (2, N B) dLoss/dz at times k and k + 1, at k modulo 2
    base: np.ndarray  # (N B,) dLoss/dbase of the current input interval
    base_total: np.ndarray  # (N B,) the same summed over the intervals
    product: np.ndarray  # flat, as long as the largest matrix of weights


# ---- exp(-x) and what the exponential step needs of it, vectorised by the compiler because it is plain arithmetic ----

_LOG2E, _LN2_HIGH, _LN2_LOW = 1.4426950408889634, 0.693145751953125, 1.4286068203094172e-06
_ROUND32, _ROUND64 = 1.5 * 2.0**23, 1.5 * 2.0**52  # adding it rounds to an integer that stands in the lowest bits
_BITS32 = np.int32(np.float32(_ROUND32).view(np.int32) - 127)
_BITS64 = np.int64(np.float64(_ROUND64).view(np.int64) - 1023)
_LOG2E_32, _LN2_HIGH_32, _LN2_LOW_32 = np.float32(_LOG2E), np.float32(_LN2_HIGH), np.float32(_LN2_LOW)
_LN2_HIGH_64, _LN2_LOW_64 = 0.693147180369123816490, 1.90821492927058770002e-10
_ROUND_32 = np.float32(_ROUND32)
_LARGEST_32, _LARGEST_64 = np.float32(87.0), 708.0  # exp(-x) stays a normal number
_SMALLEST_32, _SMALLEST_64 = np.float32(1e-30), 1e-300  # keeps the quotients at x = 0 defined
_ONE_32 = np.float32(1.0)
_Q0, _Q1, _Q2, _Q3 = (np.float32(1 / f) for f in (2, 6, 24, 120))
_Q4, _Q5, _Q6 = (np.float32(1 / f) for f in (720, 5040, 40320))
_R0, _R1, _R2, _R3, _R4, _R5 = 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040
_R6, _R7, _R8, _R9, _R10, _R11 = 1 / 40320, 1 / 362880, 1 / 3628800, 1 / 39916800, 1 / 479001600, 1 / 6227020800


def _decay32(x):
    """`decay` in float32. exp(-x) = 2^n exp(r), exp(r) = 1 + r + r^2 q(r), |r| <= ln 2 / 2, q by its Taylor series."""
    x = _SMALLEST_32 if x < _SMALLEST_32 else x
    clipped = _LARGEST_32 if x > _LARGEST_32 else x  # in this order a NaN stays one
    shifted = _ROUND_32 - clipped * _LOG2E_32
    n = shifted - _ROUND_32
    power = np.int32((np.float32(shifted).view(np.int32) - _BITS32) << 23).view(np.float32)  # 2^n; Numba widens int32
    r = (-clipped - n * _LN2_HIGH_32) - n * _LN2_LOW_32
    q = _Q0 + r * (_Q1 + r * (_Q2 + r * (_Q3 + r * (_Q4 + r * (_Q5 + r * _Q6)))))
    t = r + r * r * q
    mean = -((power - _ONE_32) + power * t) / x
    # without range reduction (n = 0) q is (exp(-x) - 1 + x) / x^2 itself; the difference below would cancel there
    return power + power * t, mean, q if n == 0 else (_ONE_32 - mean) / x


def _decay64(x):
    """`decay` in float64."""
    x = _SMALLEST_64 if x < _SMALLEST_64 else x
    clipped = _LARGEST_64 if x > _LARGEST_64 else x
    shifted = _ROUND64 - clipped * _LOG2E
    n = shifted - _ROUND64
    power = np.int64((np.float64(shifted).view(np.int64) - _BITS64) << 52).view(np.float64)
    r = (-clipped - n * _LN2_HIGH_64) - n * _LN2_LOW_64
    q = _R6 + r * (_R7 + r * (_R8 + r * (_R9 + r * (_R10 + r * _R11))))
    q = _R0 + r * (_R1 + r * (_R2 + r * (_R3 + r * (_R4 + r * (_R5 + r * q)))))
    t = r + r * r * q
    mean = -((power - 1.0) + power * t) / x
    return power + power * t, mean, q if n == 0 else (1.0 - mean) / x


def decay(x):
    """For x >= 0: exp(-x), (1 - exp(-x)) / x and (exp(-x) - 1 + x) / x^2, without cancellation; NaN gives NaN."""
    return _decay32(x) if isinstance(x, np.float32) else _decay64(x)


_decay32_compiled = register_jitable(_decay32)
_decay64_compiled = register_jitable(_decay64)


@overload(decay, inline="always")
def _decay_overload(x):
    from numba import types

    if x == types.float32:
        return lambda x: _decay32_compiled(x)
    return lambda x: _decay64_compiled(x)


# ---- small pieces ----


@piece
def fill(values, number):
    """values[:] = number, flat; the array expression takes ten times as long to compile."""
    for i in range(values.size):
        values[i] = number


@piece
def add(total, values):
    """total += values, flat."""
    for i in range(values.size):
        total[i] += values[i]


@piece
def rows(level, samples, start, stop):
    """Rows start to stop of a time level, as (stop - start, B)."""
    return level[start * samples : stop * samples].reshape(stop - start, samples)


@piece
def matrix(flat, start, height, width):
    return flat[start : start + height * width].reshape(height, width)


@piece
def product(a, b, out):
    """out (i, j) = a (i, k) b (k, j)."""
    np.dot(a, b, out)


@piece
def outer_product(a, b, total, work):
    """total (flat, i j values) += a (i, k) b (j, k)^T."""
    np.dot(a, b.T, matrix(work, 0, a.shape[0], b.shape[0]))
    add(total, work[: total.size])


# ---- one substep of all neurons, on flat time levels; no two arguments share memory ----
# On entry of a forward step `drive` holds the products of the couplings, on exit the whole drive I.
# On entry of a backward step g_state and g_mean hold dLoss/dp' and dLoss/dm' but for what comes through z, on exit dLoss/dp and dLoss/dm.
# Each loop writes one or two arrays and reads few: with more, the compiler gives up proving that they do not overlap, and does not vectorise.


@piece
def filter_forward(c, state, mean, state_next, mean_next, blended_next, ahead):
    """Eq. (2): m' = m + kappa (p_mean - m), p_mean = (1 - ahead) p + ahead p'; z' from y' = p' - m' and y = p - m."""
    behind = state.dtype.type(1) - ahead
    for j in range(state.size):
        mean_next[j] = mean[j] + c.blend * ((behind * state[j] + ahead * state_next[j]) - mean[j])
    for j in range(state.size):
        blended_next[j] = c.now * (state_next[j] - mean_next[j]) + c.before * (state[j] - mean[j])


@piece
def filter_backward_before(c, state_next, g_blended, g_blended_after, g_state, g_mean, g_drive, ahead):
    """Adds what comes through z and m' to dLoss/dp'; g_drive becomes dLoss/dp' where the floor lets it through, else 0."""
    zero = g_state.dtype.type(0)
    for j in range(g_state.size):
        g_y = c.now * g_blended[j] + c.before * g_blended_after[j]
        g_state[j] += g_y
        g_mean[j] -= g_y
    share = ahead * c.blend
    for j in range(g_state.size):
        g_drive[j] = zero if state_next[j] <= c.floor else g_state[j] + share * g_mean[j]


@piece
def filter_backward_after(c, g_state, g_mean, ahead):
    """Adds what comes directly through m' to dLoss/dp, and takes dLoss/dm' to dLoss/dm."""
    one = g_state.dtype.type(1)
    share, rest = (one - ahead) * c.blend, one - c.blend
    for j in range(g_state.size):
        g_state[j] += share * g_mean[j]
        g_mean[j] *= rest


@piece
def oscillator_euler_forward(c, base, drive, state, state_next):
    """p' = p + h (-(1 + Q p) p + I p (1 - p)), never below the floor."""
    one = state.dtype.type(1)
    add(drive, base)
    for j in range(state.size):
        p, current = state[j], drive[j]
        p_next = p + c.step * (p * ((current - one) - p * (current + c.nonlinear_damping)))
        p_next += p_next - p_next  # an infinite power becomes NaN, which no floor hides
        state_next[j] = c.floor if p_next < c.floor else p_next


@piece
def oscillator_euler_backward(c, drive, state, g_state, g_drive):
    """On entry g_drive is dLoss/dp', on exit dLoss/dI; g_state becomes dLoss/dp but for the direct way through m'."""
    one, two = state.dtype.type(1), state.dtype.type(2)
    for j in range(state.size):
        p, current, g_next = state[j], drive[j], g_drive[j]
        slope = one + c.step * ((current - one) - two * p * (current + c.nonlinear_damping))
        g_state[j] = g_next * slope
        g_drive[j] = g_next * c.step * (p - p * p)


@piece
def oscillator_exponential_forward(c, base, drive, state, state_next):
    """Eq. (5) with exp(-|a h|): p' = p / (E + k p psi) for a >= 0, p E / (1 + k p psi) else; a = I - 1, k = I + Q; never below the floor."""
    one = state.dtype.type(1)
    add(drive, base)
    for j in range(state.size):
        p, current = state[j], drive[j]
        a, k = current - one, current + c.nonlinear_damping
        kept, lost, _ = decay(abs(a) * c.step)
        psi = c.step * lost
        above = p if a >= 0 else p * kept
        below = (kept if a >= 0 else one) + k * p * psi
        p_next = above / below
        state_next[j] = c.floor if p_next < c.floor else p_next


@piece
def oscillator_exponential_backward(c, drive, state, state_next, g_state, g_drive):
    """dp'/dp = E / D^2 and dp'/dI = p' (h - p (psi + k chi) / D), with D the denominator above, chi = dphi/da (times E for a >= 0).

    On entry g_drive is dLoss/dp', on exit dLoss/dI; g_state becomes dLoss/dp but for the direct way through m'.
    """
    one = state.dtype.type(1)
    for j in range(state.size):
        p, current, g_next = state[j], drive[j], g_drive[j]
        a, k = current - one, current + c.nonlinear_damping
        kept, lost, curved = decay(abs(a) * c.step)
        psi = c.step * lost
        chi = c.step * c.step * (curved if a >= 0 else lost - curved)
        inverse = one / ((kept if a >= 0 else one) + k * p * psi)
        g_state[j] = g_next * kept * inverse * inverse
        g_drive[j] = g_next * state_next[j] * (c.step - p * (psi + k * chi) * inverse)


@piece
def ctrnn_forward(c, base, drive, state, state_next, blended_next):
    """s' = s + kappa (tanh(I) - s); kappa is h (Euler) or 1 - exp(-h), the exact relaxation for a held drive. No filter: y = s."""
    one, two = state.dtype.type(1), state.dtype.type(2)
    add(drive, base)
    for j in range(state.size):
        s, current = state[j], drive[j]
        x = two * abs(current)
        kept, lost, _ = decay(x)
        target = lost * x / (one + kept)
        state_next[j] = s + c.blend * ((target if current >= 0 else -target) - s)
    for j in range(state.size):
        blended_next[j] = c.now * state_next[j] + c.before * state[j]


@piece
def ctrnn_backward(c, drive, g_blended, g_blended_after, g_state, g_drive):
    """1 - tanh(I)^2 = 4 E / (1 + E)^2 with E = exp(-2 |I|)."""
    one, two = g_state.dtype.type(1), g_state.dtype.type(2)
    for j in range(g_state.size):
        g_state[j] += c.now * g_blended[j] + c.before * g_blended_after[j]
    for j in range(g_state.size):
        kept, _, _ = decay(two * abs(drive[j]))
        half_slope = two / (one + kept)
        g_drive[j] = g_state[j] * c.blend * kept * half_slope * half_slope
    for j in range(g_state.size):
        g_state[j] -= c.blend * g_state[j]


@piece
def neurons_forward(c, base, drive, state, mean, state_next, mean_next, blended_next):
    half, zero = state.dtype.type(0.5), state.dtype.type(0)  # typed, as float32 with a literal would be computed in float64
    if c.model == OSCILLATOR_EXPONENTIAL:
        oscillator_exponential_forward(c, base, drive, state, state_next)
        filter_forward(c, state, mean, state_next, mean_next, blended_next, half)
    elif c.model == OSCILLATOR_EULER:
        oscillator_euler_forward(c, base, drive, state, state_next)
        filter_forward(c, state, mean, state_next, mean_next, blended_next, zero)
    else:
        ctrnn_forward(c, base, drive, state, state_next, blended_next)


@piece
def neurons_backward(c, drive, state, state_next, g_blended, g_blended_after, g_state, g_mean, g_drive):
    half, zero = state.dtype.type(0.5), state.dtype.type(0)
    if c.model == OSCILLATOR_EXPONENTIAL:
        filter_backward_before(c, state_next, g_blended, g_blended_after, g_state, g_mean, g_drive, half)
        oscillator_exponential_backward(c, drive, state, state_next, g_state, g_drive)
        filter_backward_after(c, g_state, g_mean, half)
    elif c.model == OSCILLATOR_EULER:
        filter_backward_before(c, state_next, g_blended, g_blended_after, g_state, g_mean, g_drive, zero)
        oscillator_euler_backward(c, drive, state, g_state, g_drive)
        filter_backward_after(c, g_state, g_mean, zero)
    else:
        ctrnn_backward(c, drive, g_blended, g_blended_after, g_state, g_drive)


# ---- the couplings: one product for each layer ----


@piece
def couplings_forward(sizes, couplings, samples, blended, products):
    """products_l (n_l, B) = A_l [W_ext,l | W_int,l] [z_{l-1}; z_l]; blended and products are time levels."""
    start, top, row = 0, 0, 0  # of the layer's matrix in couplings; first row of layer l-1; first row of layer l
    for n in sizes:
        width = row - top + n
        product(matrix(couplings, start, n, width), rows(blended, samples, top, row + n), rows(products, samples, row, row + n))
        start, top, row = start + n * width, row, row + n


@piece
def couplings_backward(sizes, transposed, samples, blended, g_products, g_blended, g_couplings, work):
    """g_blended_l = A_l W_int,l^T g_l + A_{l+1} W_ext,l+1^T g_{l+1}; g_couplings += g_products_l [z_{l-1}; z_l]^T."""
    start, back, top, row = 0, 0, 0, 0
    for layer in range(sizes.size):
        n = sizes[layer]
        bottom = row + n + (sizes[layer + 1] if layer + 1 < sizes.size else 0)
        g_below = rows(g_products, samples, row, bottom)
        product(matrix(transposed, back, n, bottom - row), g_below, rows(g_blended, samples, row, row + n))
        width = row - top + n
        g_own, sources = rows(g_products, samples, row, row + n), rows(blended, samples, top, row + n)
        outer_product(g_own, sources, g_couplings[start : start + n * width], work)
        start, back, top, row = start + n * width, back + n * (bottom - row), row, row + n


# ---- the part of the drive that is constant over an input interval ----


@piece
def input_forward(fixed_bias, w_in, bias, u, base):
    """base_l (n_l, B) = xi_0 + b_l, and in layer 0 A_0 W_ext,0 u, with u (C, B) of this interval."""
    samples = u.shape[1]
    product(w_in, u, rows(base, samples, 0, w_in.shape[0]))
    for i in range(bias.size):
        constant, row = fixed_bias + bias[i], base[i * samples : (i + 1) * samples]
        if i >= w_in.shape[0]:
            fill(row, constant)
        else:
            for j in range(samples):
                row[j] += constant


@piece
def input_backward(u, g_base, g_w_in, g_base_total, work):
    """Adds g_base to the gradient of w_in and to g_base_total (whose row sums are the gradient of the biases), and clears it."""
    outer_product(rows(g_base, u.shape[1], 0, g_w_in.shape[0]), u, g_w_in.reshape(g_w_in.size), work)
    add(g_base_total, g_base)
    fill(g_base, 0)


# ---- readout: the last layer's output at each sample's end, or its average over the window before it ----


@piece
def readout_weight(k, end, window):
    """Weight of time k: 1 at the end, or the trapezoidal rule over `window` substeps, so that it is an integral and not a mean of S values."""
    if window == 0:
        return 1.0 if k == end else 0.0
    if k < end - window or k > end:
        return 0.0
    return 0.5 / window if k == end - window or k == end else 1.0 / window


@piece
def readout_forward(k, window, ends, state, mean, readout):
    """readout (n, B) += weight y(k); state and mean (n, B) of the last layer."""
    real = state.dtype.type
    for i in range(readout.shape[0]):
        for j in range(readout.shape[1]):
            weight = real(readout_weight(k, ends[j], window))
            if weight != 0:
                readout[i, j] += weight * (state[i, j] - mean[i, j])


@piece
def readout_backward(k, window, ends, g_readout, g_state, g_mean):
    real = g_state.dtype.type
    for i in range(g_readout.shape[0]):
        for j in range(g_readout.shape[1]):
            g_y = real(readout_weight(k, ends[j], window)) * g_readout[i, j]
            g_state[i, j] += g_y
            g_mean[i, j] -= g_y


@piece
def logits_forward(gain, w_out, b_out, readout, logits):
    """Eq. (4): logits (K, B) = A_out (W_out readout + b_out)."""
    product(w_out, readout, logits)
    for i in range(logits.shape[0]):
        for j in range(logits.shape[1]):
            logits[i, j] = gain * (logits[i, j] + b_out[i])


@piece
def logits_backward(gain, w_out, readout, g_logits, g_readout, g_w_out, g_b_out, work):
    """On exit g_logits is dLoss/d(logits / A_out)."""
    classes, samples = g_logits.shape
    for i in range(classes):
        for j in range(samples):
            g_logits[i, j] *= gain
            g_b_out[i] += g_logits[i, j]
    outer_product(g_logits, readout, g_w_out.reshape(g_w_out.size), work)
    for i in range(g_readout.shape[0]):
        fill(g_readout[i], 0)
        for o in range(classes):
            for j in range(samples):
                g_readout[i, j] += w_out[o, i] * g_logits[o, j]


@piece
def cross_entropy_forward(logits, labels, losses):
    """losses (B,) = log(sum_i exp(o_i)) - o_label, in float64."""
    for j in range(labels.size):
        top = np.float64(logits[0, j])
        for i in range(1, logits.shape[0]):
            if logits[i, j] > top:
                top = np.float64(logits[i, j])
        total = 0.0
        for i in range(logits.shape[0]):
            total += np.exp(np.float64(logits[i, j]) - top)
        losses[j] = np.log(total) + top - np.float64(logits[labels[j], j])


@piece
def cross_entropy_backward(logits, labels, losses, scale, g_logits):
    """dLoss/do_i = scale (softmax(o)_i - [i = label]); the softmax follows from the loss already computed."""
    for j in range(labels.size):
        normaliser = losses[j] + np.float64(logits[labels[j], j])  # log(sum_i exp(o_i))
        for i in range(logits.shape[0]):
            share = np.exp(np.float64(logits[i, j]) - normaliser)
            g_logits[i, j] = scale * (share - 1.0 if i == labels[j] else share)


# ---- the whole block ----


@piece
def hold_finished(k, ends, state, mean, state_next, mean_next):
    """Samples past their own end keep their state, so that what follows the end can neither diverge nor carry a gradient."""
    samples = ends.size
    for i in range(state.size):
        if k >= ends[i % samples]:
            state_next[i] = state[i]
            mean_next[i] = mean[i]


@piece
def network_forward(c, weights, u, ends, first_end, last_end, cache):
    """Time level 0 of cache.state and cache.mean is the start; fills the cache and cache.logits."""
    samples, last_row = ends.size, weights.bias.size - cache.readout.shape[0]
    first_readout = first_end - c.window
    for j in range(cache.base.size):
        cache.blended[0, j] = cache.state[0, j] - cache.mean[0, j]
    for i in range(cache.readout.shape[0]):
        fill(cache.readout[i], 0)
    for k in range(last_end + 1):
        state, mean = cache.state[k % cache.state.shape[0]], cache.mean[k % cache.mean.shape[0]]
        if k >= first_readout:
            last_state, last_mean = rows(state, samples, last_row, weights.bias.size), rows(mean, samples, last_row, weights.bias.size)
            readout_forward(k, c.window, ends, last_state, last_mean, cache.readout)
        if k == last_end:
            break
        if k % c.substeps == 0:
            input_forward(c.bias, weights.w_in, weights.bias, u[k // c.substeps], cache.base)
        drive, blended = cache.drive[k % cache.drive.shape[0]], cache.blended[k % cache.blended.shape[0]]
        state_next, mean_next = cache.state[(k + 1) % cache.state.shape[0]], cache.mean[(k + 1) % cache.mean.shape[0]]
        couplings_forward(weights.sizes, weights.couplings, samples, blended, drive)
        blended_next = cache.blended[(k + 1) % cache.blended.shape[0]]
        neurons_forward(c, cache.base, drive, state, mean, state_next, mean_next, blended_next)
        if first_end < last_end:
            hold_finished(k, ends, state, mean, state_next, mean_next)
    logits_forward(c.output_gain, weights.w_out, weights.b_out, cache.readout, cache.logits)


@piece
def network_backward(c, weights, u, ends, first_end, last_end, cache, g):
    """`network_forward` read upside down; needs all time levels and g.logits."""
    samples, last_row = ends.size, weights.bias.size - cache.readout.shape[0]
    first_readout = first_end - c.window
    logits_backward(c.output_gain, weights.w_out, cache.readout, g.logits, g.readout, g.w_out, g.b_out, g.product)
    for work in (g.state, g.mean, g.blended[0], g.blended[1], g.base, g.base_total):
        fill(work, 0)
    last_g_state = rows(g.state, samples, last_row, weights.bias.size)
    last_g_mean = rows(g.mean, samples, last_row, weights.bias.size)
    for k in range(last_end - 1, -1, -1):
        if k + 1 >= first_readout:
            readout_backward(k + 1, c.window, ends, g.readout, last_g_state, last_g_mean)
        g_blended, g_blended_after = g.blended[(k + 1) % 2], g.blended[k % 2]
        neurons_backward(c, cache.drive[k], cache.state[k], cache.state[k + 1], g_blended, g_blended_after, g.state, g.mean, g.drive)
        couplings_backward(weights.sizes, weights.transposed, samples, cache.blended[k], g.drive, g_blended_after, g.couplings, g.product)
        add(g.base, g.drive)
        if k % c.substeps == 0:
            input_backward(u[k // c.substeps], g.base, g.w_in, g.base_total, g.product)
    for i in range(g.bias.size):
        for j in range(samples):
            g.bias[i] += g.base_total[i * samples + j]


@piece
def first_bad_sample(state, samples):
    """0, or 1 + the first sample of a time level that is not finite. A NaN stays in a neuron, so looking at the end is enough."""
    bad = 0
    for i in range(state.size):
        if not np.isfinite(state[i]) and (bad == 0 or i % samples < bad - 1):
            bad = i % samples + 1
    return bad


@kernel
def run_block(c, weights, u, ends, first_end, last_end, labels, scale, cache, g, backward):
    """One block of samples: forward, losses if there are labels, gradients of scale times the sum of losses if `backward`.

    u (T, C, B) inputs; ends (B,) int64, each sample's last time in substeps, first_end and last_end their extremes; labels (B,)
    int64, or (0,) for none. Modified in place: cache, g. Returns 0, or 1 + the first sample whose final state is not finite (then
    there are no losses and gradients).
    """
    network_forward(c, weights, u, ends, first_end, last_end, cache)
    bad = first_bad_sample(cache.state[last_end % cache.state.shape[0]], ends.size)
    if bad == 0 and labels.size > 0:
        cross_entropy_forward(cache.logits, labels, cache.losses)
        if backward:
            cross_entropy_backward(cache.logits, labels, cache.losses, scale, g.logits)
            network_backward(c, weights, u, ends, first_end, last_end, cache, g)
    return bad
