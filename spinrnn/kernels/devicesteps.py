"""One substep of oscillators that are real devices: each with its own damping, and
thermal noise.

With g = gamma_n / gamma and gq = g Q_n of neuron n, in the units of the nominal gamma,
eq. (1) reads dp/dt = -(g + gq p) p + I p (1 - p): the steps of `stepping` with a row's
own g and gq. Noise is a kick K of the complex amplitude (see `random`) between two
deterministic half steps F, p' = F(K(F(p))), or for Euler after the whole step.
Derivatives follow by the chain rule for the kick that was drawn, so the backward step
of `stepping` serves here too.
"""

from typing import NamedTuple

import numpy as np

from spinrnn.kernels.arithmetic import decay, ordered, square_root
from spinrnn.kernels.compiling import inlined, loop
from spinrnn.kernels.random import kicks, scramble
from spinrnn.kernels.stepping import (
    OSCILLATOR_EXPONENTIAL,
    STRONG,
    euler_step,
    exponential_step,
    filtered,
    limits_of,
    strong_step,
)
from spinrnn.kernels.tiles import row_length


class DeviceConstants(NamedTuple):
    """What differs from neuron to neuron besides weights.

    (N,), units of the nominal gamma.
    """

    # g
    damping: np.ndarray
    # gq
    saturation: np.ndarray
    # power at the start, the fixed point of each device's own bias
    rest: np.ndarray


class Noise(NamedTuple):
    """Thermal noise of one call."""

    # (N,) 2 s^2, s the standard deviation of each quadrature of a substep's kick
    scale: np.ndarray
    # of the call's seed
    key_first: np.uint32
    key_second: np.uint32
    # number of the case that the call's first sample is
    first_case: int


@inlined
def kicked(p, length, cosine, zero, one):
    """(p', dp'/dp) of a kick with r^2 = length: p' = p + 2 r sqrt(p) cos(theta) + r^2.

    Where rounding takes p' below zero, it is zero and so is the derivative.
    """
    mixed = square_root(length * p) * cosine
    p_next = (p + length) + (mixed + mixed)
    slope = one + (mixed / p if p > zero else zero)
    return (zero if p_next < zero else p_next), (zero if p_next < zero else slope)


@loop
def spread_euler_forward(c, devices, drive, state, mean, blended_next, by_state, by_drive):
    """`stepping.oscillator_euler_forward` with each neuron's own damping."""
    zero, one, v = state.dtype.type(0), state.dtype.type(1), row_length(state)
    damping, saturation = devices.damping, devices.saturation
    for row in range(state.size // v):
        g, gq = damping[row % damping.size], saturation[row % damping.size]
        for j in range(row * v, row * v + v):
            p, m = state[j], mean[j]
            p_next, by_p, by_i = euler_step(p, drive[j], g, gq, c.step, one)
            held = p_next <= c.floor
            p_next = c.floor if held else p_next
            state[j] = p_next
            m_next = m + c.blend * (p - m)
            mean[j] = m_next
            blended_next[j] = p_next - m_next
            by_state[j] = zero if held else by_p
            by_drive[j] = zero if held else by_i


@loop
def noisy_euler_forward(c, devices, drive, state, mean, blended_next, by_state, by_drive):
    """A step, raised to 0, then a kick, then the floor.

    r^2 and cos(theta) of the kicks stand in by_state and by_drive on entry.
    """
    zero, one, v = state.dtype.type(0), state.dtype.type(1), row_length(state)
    damping, saturation = devices.damping, devices.saturation
    for row in range(state.size // v):
        g, gq = damping[row % damping.size], saturation[row % damping.size]
        for j in range(row * v, row * v + v):
            p, m, length, cosine = state[j], mean[j], by_state[j], by_drive[j]
            before, by_p, by_i = euler_step(p, drive[j], g, gq, c.step, one)
            below = before < zero
            p_next, slope = kicked(zero if below else before, length, cosine, zero, one)
            held = p_next <= c.floor
            p_next = c.floor if held else p_next
            state[j] = p_next
            m_next = m + c.blend * (p - m)
            mean[j] = m_next
            blended_next[j] = p_next - m_next
            slope = zero if held or below else slope
            by_state[j] = slope * by_p
            by_drive[j] = slope * by_i


def spread_forward_with(step):
    """The loop over `exponential_step` or `strong_step`, with each neuron's damping."""

    @loop
    def forward(c, devices, drive, state, mean, blended_next, by_state, by_drive):
        zero, one, v = state.dtype.type(0), state.dtype.type(1), row_length(state)
        damping, saturation, limits = devices.damping, devices.saturation, limits_of(state)
        for row in range(state.size // v):
            g, gq = damping[row % damping.size], saturation[row % damping.size]
            for j in range(row * v, row * v + v):
                p, m = state[j], mean[j]
                a, k = drive[j] - g, drive[j] + gq
                x = abs(a) * c.step
                p_next, by_p, by_i, _ = step(p, a, k, g + gq, c.step, x, decay(x), limits, one)
                held = p_next <= c.floor
                p_next = c.floor if held else p_next
                state[j] = p_next
                mean[j], blended_next[j] = filtered(c, p, m, p_next)
                by_state[j] = zero if held else by_p
                by_drive[j] = zero if held else by_i

    return forward


def noisy_forward_with(step):
    """The loop over half a step, a kick, half a step.

    r^2 and cos(theta) of the kicks stand in by_state and by_drive on entry. A kicked
    power is held below 1: eq. (1) has no meaning beyond, and a strong negative drive
    would let it grow.
    """

    @loop
    def forward(c, devices, drive, state, mean, blended_next, by_state, by_drive):
        zero, one, v = state.dtype.type(0), state.dtype.type(1), row_length(state)
        limits, half = limits_of(state), c.step * state.dtype.type(0.5)
        damping, saturation = devices.damping, devices.saturation
        for row in range(state.size // v):
            g, gq = damping[row % damping.size], saturation[row % damping.size]
            for j in range(row * v, row * v + v):
                p, m, length, cosine = state[j], mean[j], by_state[j], by_drive[j]
                a, k, s = drive[j] - g, drive[j] + gq, g + gq
                x = abs(a) * half
                kept = decay(x)
                before, before_by_p, before_by_i, _ = step(p, a, k, s, half, x, kept, limits, one)
                after, slope = kicked(before, length, cosine, zero, one)
                slope = zero if after > one else slope
                after = one if after > one else after
                p_next, by_after, by_i, _ = step(after, a, k, s, half, x, kept, limits, one)
                held = p_next <= c.floor
                slope = by_after * slope
                by_state[j] = zero if held else slope * before_by_p
                by_drive[j] = zero if held else by_i + slope * before_by_i
                p_next = c.floor if held else p_next
                state[j] = p_next
                mean[j], blended_next[j] = filtered(c, p, m, p_next)

    return forward


spread_exponential_forward = spread_forward_with(exponential_step)
spread_strong_forward = spread_forward_with(strong_step)
noisy_exponential_forward = noisy_forward_with(exponential_step)
noisy_strong_forward = noisy_forward_with(strong_step)


@loop
def largest_of_devices(devices, drive, h):
    """`ordered` number of the largest |I - g| h of a level."""
    v, damping = row_length(drive), devices.damping
    top = ordered(drive.dtype.type(0))
    for row in range(drive.size // v):
        g = damping[row % damping.size]
        for j in range(row * v, row * v + v):
            number = ordered(abs(drive[j] - g) * h)
            top = number if number > top else top
    return top


@inlined
def spread_forward(c, devices, drive, state, mean, blended_next, by_state, by_drive):
    """`stepping.neurons_forward` of devices without noise."""
    if c.model != OSCILLATOR_EXPONENTIAL:
        spread_euler_forward(c, devices, drive, state, mean, blended_next, by_state, by_drive)
    elif largest_of_devices(devices, drive, c.step) > ordered(state.dtype.type(STRONG)):
        spread_strong_forward(c, devices, drive, state, mean, blended_next, by_state, by_drive)
    else:
        spread_exponential_forward(c, devices, drive, state, mean, blended_next, by_state, by_drive)


@inlined
def noisy_forward(
    c, devices, noise, k, sample, drive, state, mean, blended_next, by_state, by_drive
):
    """`stepping.neurons_forward` of devices with noise, in substep k.

    sample: number of the first sample of these levels, counted in the call.
    """
    key_first, key_second = scramble(np.uint32(k), np.uint32(0), noise.key_first, noise.key_second)
    kicks(noise.scale, noise.first_case + sample, key_first, key_second, by_state, by_drive)
    half = c.step * state.dtype.type(0.5)
    if c.model != OSCILLATOR_EXPONENTIAL:
        noisy_euler_forward(c, devices, drive, state, mean, blended_next, by_state, by_drive)
    elif largest_of_devices(devices, drive, half) > ordered(state.dtype.type(STRONG)):
        noisy_strong_forward(c, devices, drive, state, mean, blended_next, by_state, by_drive)
    else:
        noisy_exponential_forward(c, devices, drive, state, mean, blended_next, by_state, by_drive)
