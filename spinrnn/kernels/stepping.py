"""One substep of all neurons, forward and backward: plain arithmetic on flat arrays, which the compiler turns into vector instructions.

A forward step also writes the two numbers that its adjoint needs, dp'/dp and dp'/dI, while the exponentials are at hand: the backward
step is then the same few multiplications for every model. Reduced units; equation numbers of docs/MODEL.md. Time levels as in `kernels`.
"""

from typing import NamedTuple

import numpy as np

from spinrnn.kernels.arithmetic import decay
from spinrnn.kernels.compiling import inlined, loop

OSCILLATOR_EULER, OSCILLATOR_EXPONENTIAL, CTRNN = 0, 1, 2
"""Values of `Constants.model`. The CTRNN's two schemes differ by constants only."""


class Constants(NamedTuple):
    """What the steps need besides weights and states; floats in the network's dtype, reduced units."""

    model: int  # OSCILLATOR_EULER, OSCILLATOR_EXPONENTIAL or CTRNN
    step: float  # h, length of a substep
    blend: float  # kappa: share of the way to its target that the filter's mean goes in one substep; 0 for the CTRNN, which has none
    approach: float  # the same for the state of the CTRNN
    ahead: (
        float  # share of p' in the power that the filter sees, the rest is p: 1/2, or 0 for Euler
    )
    nonlinear_damping: float  # Q
    floor: float  # smallest power; -inf switches it off
    bias: float  # xi_0, the fixed bias; 0 for the CTRNN
    now: float  # weight of y(k) in z(k): 3/2, or 1 for Euler
    before: float  # weight of y(k-1) in z(k): -1/2, or 0 for Euler
    substeps: int  # S
    readout: np.ndarray  # (window + 1,) weight of y at so many substeps before a sample's end: [1], or the trapezoidal rule, so that it is an
    #   integral and not a mean of S values
    chunk: int  # substeps whose gradients of the weights are summed together


# ---- forward: drive holds the whole drive I; state and mean are modified in place; blended_next is z' ----


@inlined
def filtered(c, p, m, p_next):
    """(m', z'): eq. (2) as m' = m + kappa (p_mean - m), p_mean between p and p'; z' from y' = p' - m' and y = p - m."""
    m_next = m + c.blend * ((p + c.ahead * (p_next - p)) - m)
    return m_next, c.now * (p_next - m_next) + c.before * (p - m)


@loop
def oscillator_euler_forward(c, drive, state, mean, blended_next, by_state, by_drive):
    """p' = p + h (-(1 + Q p) p + I p (1 - p)), never below the floor; its derivatives are zero where the floor holds it."""
    zero, one = (
        state.dtype.type(0),
        state.dtype.type(1),
    )  # typed, as float32 with a literal would become float64
    for j in range(state.size):
        p, m, current = state[j], mean[j], drive[j]
        saturation = p * (c.step * (current + c.nonlinear_damping))
        growth = c.step * (current - one) - saturation
        p_next = p + p * growth
        p_next += p_next - p_next  # an infinite power becomes NaN, which no floor hides
        held = p_next <= c.floor
        p_next = c.floor if held else p_next
        state[j] = p_next
        m_next = m + c.blend * (p - m)  # `filtered` with the numbers of the Euler scheme
        mean[j] = m_next
        blended_next[j] = p_next - m_next
        by_state[j] = zero if held else one + growth - saturation
        by_drive[j] = zero if held else c.step * p * (one - p)


@loop
def oscillator_exponential_forward(c, drive, state, mean, blended_next, by_state, by_drive):
    """Eq. (5) with E = exp(-|a h|): p' = p / D, D = E + k p psi, for a >= 0, else p E / D, D = 1 + k p psi; a = I - 1, k = I + Q.

    dp'/dp = E / D^2 and dp'/dI = p' (h - p (psi + k chi) / D) with chi = dphi/da (times E for a >= 0); zero where the floor holds p'.
    """
    zero, one = state.dtype.type(0), state.dtype.type(1)
    for j in range(state.size):
        p, m, current = state[j], mean[j], drive[j]
        a, k = current - one, current + c.nonlinear_damping
        kept, lost, curved = decay(abs(a) * c.step)
        psi = c.step * lost
        chi = c.step * c.step * (curved if a >= 0 else lost - curved)
        inverse = one / ((kept if a >= 0 else one) + k * p * psi)
        p_next = (p if a >= 0 else p * kept) * inverse
        held = p_next <= c.floor
        by_state[j] = zero if held else kept * inverse * inverse
        by_drive[j] = zero if held else p_next * (c.step - p * (psi + k * chi) * inverse)
        p_next = c.floor if held else p_next
        state[j] = p_next
        mean[j], blended_next[j] = filtered(c, p, m, p_next)


@loop
def ctrnn_forward(c, drive, state, mean, blended_next, by_state, by_drive):
    """s' = s + kappa (tanh(I) - s); kappa is h (Euler) or 1 - exp(-h), the exact relaxation for a held drive. 1 - tanh(I)^2 = 4 E / (1 + E)^2."""
    one, two = state.dtype.type(1), state.dtype.type(2)
    for j in range(state.size):
        s, m, current = state[j], mean[j], drive[j]
        x = two * abs(current)
        kept, lost, _ = decay(x)
        inverse = one / (one + kept)
        target = lost * x * inverse
        s_next = s + c.approach * ((target if current >= 0 else -target) - s)
        state[j] = s_next
        mean[j], blended_next[j] = filtered(c, s, m, s_next)
        by_state[j] = one - c.approach
        by_drive[j] = c.approach * kept * (two * inverse) * (two * inverse)


@inlined
def neurons_forward(c, drive, state, mean, blended_next, by_state, by_drive):
    """One substep of neurons whose arguments are flat and do not overlap."""
    if c.model == OSCILLATOR_EXPONENTIAL:
        oscillator_exponential_forward(c, drive, state, mean, blended_next, by_state, by_drive)
    elif c.model == OSCILLATOR_EULER:
        oscillator_euler_forward(c, drive, state, mean, blended_next, by_state, by_drive)
    else:
        ctrnn_forward(c, drive, state, mean, blended_next, by_state, by_drive)


@loop
def neurons_backward(c, by_state, by_drive, g_blended, g_blended_after, g_state, g_mean, g_base):
    """On entry g_state and g_mean are dLoss/dp' and dLoss/dm' but for what comes through z; on exit dLoss/dp and dLoss/dm.

    g_blended and g_blended_after are dLoss/dz at the times of p' and one later. by_drive becomes dLoss/dI, as
    nobody needs it afterwards; g_base sums it over time.
    """
    one = g_state.dtype.type(1)
    share, rest = (
        c.ahead * c.blend,
        (one - c.ahead) * c.blend,
    )  # of dLoss/dm' that go to p' and to p
    for j in range(g_state.size):
        g_y = c.now * g_blended[j] + c.before * g_blended_after[j]
        g_m = g_mean[j] - g_y
        g_p_next = (g_state[j] + g_y) + share * g_m
        g_state[j] = g_p_next * by_state[j] + rest * g_m
        g_mean[j] = (one - c.blend) * g_m
        g_drive = by_drive[j] * g_p_next
        by_drive[j] = g_drive
        g_base[j] += g_drive
