"""One substep of oscillators that are real devices: each with its own damping, and with thermal noise. The rest of a step is in `steps`.

With g = gamma_n / gamma and Q_n of neuron n, in the units of the nominal gamma: dp/dt = -g (1 + Q_n p) p + I p (1 - p), so eq. (5) holds with
a = I - g and c = I + g Q_n. Noise is a kick K of the complex amplitude (see `thermal`) between two deterministic half steps F, p' = F(K(F(p))), or for
Euler after the whole step. Derivatives follow by the chain rule for the kick that was drawn, so the backward step of `steps` serves here too.
"""

from typing import NamedTuple

import numpy as np

from spinrnn.kernels.arithmetic import decay, square_root
from spinrnn.kernels.compiling import inlined, loop
from spinrnn.kernels.random import kicks, scramble
from spinrnn.kernels.stepping import OSCILLATOR_EXPONENTIAL, filtered
from spinrnn.kernels.tiles import row_length


class DeviceConstants(NamedTuple):
    """What differs from neuron to neuron besides weights; (N,) in the network's dtype, reduced units of the nominal gamma."""

    damping: np.ndarray  # g
    saturation: np.ndarray  # g Q
    rest: np.ndarray  # power at the start, the fixed point of each device's own bias


class Noise(NamedTuple):
    """Thermal noise of one call."""

    scale: np.ndarray  # (N,) 2 s^2, s the standard deviation of each quadrature of a substep's kick
    key_first: np.uint32  # of the call's seed
    key_second: np.uint32
    first_case: int  # number of the case that the call's first sample is


@inlined
def relaxed(a, k, kept, psi, chi, length, p, one):
    """(p', dp'/dp, dp'/dI) of eq. (5) over `length`; the arguments as in `steps.oscillator_exponential_forward`."""
    inverse = one / ((kept if a >= 0 else one) + k * p * psi)
    p_next = (p if a >= 0 else p * kept) * inverse
    return p_next, kept * inverse * inverse, p_next * (length - p * (psi + k * chi) * inverse)


@inlined
def kicked(p, length, cosine, zero, one):
    """(p', dp'/dp) of a kick with r^2 = length: p' = p + 2 r sqrt(p) cos(theta) + r^2; rounding may not take it below zero."""
    mixed = square_root(length * p) * cosine
    p_next = (p + length) + (mixed + mixed)
    slope = one + (mixed / p if p > zero else zero)
    return (zero if p_next < zero else p_next), (zero if p_next < zero else slope)


@loop
def spread_euler_forward(
    c, damping, saturation, drive, state, mean, blended_next, by_state, by_drive
):
    """`steps.oscillator_euler_forward` with each neuron's own damping."""
    zero, one, v = state.dtype.type(0), state.dtype.type(1), row_length(state)
    for row in range(state.size // v):
        g, gq = damping[row % damping.size], saturation[row % damping.size]
        for j in range(row * v, row * v + v):
            p, m, current = state[j], mean[j], drive[j]
            lost = p * (c.step * (current + gq))
            growth = c.step * (current - g) - lost
            p_next = p + p * growth
            p_next += p_next - p_next
            held = p_next <= c.floor
            p_next = c.floor if held else p_next
            state[j] = p_next
            m_next = m + c.blend * (p - m)
            mean[j] = m_next
            blended_next[j] = p_next - m_next
            by_state[j] = zero if held else one + growth - lost
            by_drive[j] = zero if held else c.step * p * (one - p)


@loop
def spread_exponential_forward(
    c, damping, saturation, drive, state, mean, blended_next, by_state, by_drive
):
    """`steps.oscillator_exponential_forward` with each neuron's own damping."""
    zero, one, v = state.dtype.type(0), state.dtype.type(1), row_length(state)
    for row in range(state.size // v):
        g, gq = damping[row % damping.size], saturation[row % damping.size]
        for j in range(row * v, row * v + v):
            p, m, current = state[j], mean[j], drive[j]
            a, k = current - g, current + gq
            kept, lost, curved = decay(abs(a) * c.step)
            psi, chi = c.step * lost, c.step * c.step * (curved if a >= 0 else lost - curved)
            p_next, by_p, by_i = relaxed(a, k, kept, psi, chi, c.step, p, one)
            held = p_next <= c.floor
            p_next = c.floor if held else p_next
            state[j] = p_next
            mean[j], blended_next[j] = filtered(c, p, m, p_next)
            by_state[j] = zero if held else by_p
            by_drive[j] = zero if held else by_i


@loop
def noisy_euler_forward(
    c, damping, saturation, drive, state, mean, blended_next, by_state, by_drive
):
    """`spread_euler_forward`, raised to 0, then a kick, whose r^2 and cos(theta) stand in by_state and by_drive on entry; then the floor."""
    zero, one, v = state.dtype.type(0), state.dtype.type(1), row_length(state)
    for row in range(state.size // v):
        g, gq = damping[row % damping.size], saturation[row % damping.size]
        for j in range(row * v, row * v + v):
            p, m, current, length, cosine = state[j], mean[j], drive[j], by_state[j], by_drive[j]
            lost = p * (c.step * (current + gq))
            growth = c.step * (current - g) - lost
            before = p + p * growth
            before += before - before
            below = before < zero
            p_next, slope = kicked(zero if below else before, length, cosine, zero, one)
            held = p_next <= c.floor
            p_next = c.floor if held else p_next
            state[j] = p_next
            m_next = m + c.blend * (p - m)
            mean[j] = m_next
            blended_next[j] = p_next - m_next
            slope = zero if held or below else slope
            by_state[j] = slope * (one + growth - lost)
            by_drive[j] = slope * (c.step * p * (one - p))


@loop
def noisy_exponential_forward(
    c, damping, saturation, drive, state, mean, blended_next, by_state, by_drive
):
    """Half a step, a kick, half a step; r^2 and cos(theta) stand in by_state and by_drive on entry.

    A kicked power is held below 1, beyond which eq. (1) has no meaning and a strong negative drive would make it grow without bound.
    """
    zero, one, v = state.dtype.type(0), state.dtype.type(1), row_length(state)
    half = c.step * state.dtype.type(0.5)
    for row in range(state.size // v):
        g, gq = damping[row % damping.size], saturation[row % damping.size]
        for j in range(row * v, row * v + v):
            p, m, current, length, cosine = state[j], mean[j], drive[j], by_state[j], by_drive[j]
            a, k = current - g, current + gq
            kept, lost, curved = decay(abs(a) * half)
            psi, chi = half * lost, half * half * (curved if a >= 0 else lost - curved)
            before, before_by_p, before_by_i = relaxed(a, k, kept, psi, chi, half, p, one)
            after, slope = kicked(before, length, cosine, zero, one)
            slope = zero if after > one else slope
            after = one if after > one else after
            p_next, by_after, by_i = relaxed(a, k, kept, psi, chi, half, after, one)
            held = p_next <= c.floor
            slope = by_after * slope
            by_state[j] = zero if held else slope * before_by_p
            by_drive[j] = zero if held else by_i + slope * before_by_i
            p_next = c.floor if held else p_next
            state[j] = p_next
            mean[j], blended_next[j] = filtered(c, p, m, p_next)


@inlined
def spread_forward(c, devices, drive, state, mean, blended_next, by_state, by_drive):
    """`steps.neurons_forward` of devices without noise."""
    if c.model == OSCILLATOR_EXPONENTIAL:
        spread_exponential_forward(
            c,
            devices.damping,
            devices.saturation,
            drive,
            state,
            mean,
            blended_next,
            by_state,
            by_drive,
        )
    else:
        spread_euler_forward(
            c,
            devices.damping,
            devices.saturation,
            drive,
            state,
            mean,
            blended_next,
            by_state,
            by_drive,
        )


@inlined
def noisy_forward(
    c, devices, noise, k, sample, drive, state, mean, blended_next, by_state, by_drive
):
    """`steps.neurons_forward` of devices with noise, in substep k of samples from number `sample` of the call on."""
    key_first, key_second = scramble(np.uint32(k), np.uint32(0), noise.key_first, noise.key_second)
    kicks(noise.scale, noise.first_case + sample, key_first, key_second, by_state, by_drive)
    if c.model == OSCILLATOR_EXPONENTIAL:
        noisy_exponential_forward(
            c,
            devices.damping,
            devices.saturation,
            drive,
            state,
            mean,
            blended_next,
            by_state,
            by_drive,
        )
    else:
        noisy_euler_forward(
            c,
            devices.damping,
            devices.saturation,
            drive,
            state,
            mean,
            blended_next,
            by_state,
            by_drive,
        )
