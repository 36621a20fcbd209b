"""The spiking network in plain Python, a loop over all steps, all inputs and all
outputs: what `kernels.events` must give to the bit.
"""

import numpy as np

from spinrnn.kernels.arithmetic import decay


def growth(x):
    """exp(x) - 1 in the arithmetic of the kernels."""
    kept, mean, _ = decay(np.float64(x))
    return x * mean / kept


def power(x, n):
    """x to the power n, by squares."""
    if n == 0:
        return 1.0
    half = power(x * x, n // 2)
    return half * x if n % 2 else half


class Inputs:
    """Leaky neurons of constant current: steps since they were let go, and from where.

    recursive: the potential is multiplied in each step, in place of the closed form.
    """

    def __init__(self, rests, timing, powers, state, recursive=False):
        self.rests, self.timing, self.powers = rests, timing, powers
        self.potential, self.start = state.potential.copy(), state.potential.copy()
        self.waiting = state.waiting.copy()
        self.age = np.zeros(len(rests), dtype=int)
        self.recursive = recursive

    def step(self):
        """The inputs that fire in a step."""
        fired = []
        for i, rest in enumerate(self.rests):
            if self.waiting[i] > 0:
                self.waiting[i] -= 1
                continue
            self.age[i] += 1
            if self.recursive:
                self.potential[i] = rest + (self.potential[i] - rest) * self.powers[1]
            else:
                start = self.start[i]
                self.potential[i] = rest + (start - rest) * self.powers[self.age[i]]
            if self.potential[i] > self.timing.threshold:
                fired.append(i)
                self.potential[i] = self.start[i] = self.timing.reset
                self.age[i], self.waiting[i] = 0, self.timing.input_wait
        return fired


def changed(x, seen, rate, window, factor=(1.0, 1.0)):
    """The state x of a synapse after a spike, by (S4) and (S5)."""
    volts = seen * window.volts
    way = 0 if volts < 0 else 1
    over = max(abs(volts) - window.thresholds[way], 0.0)
    amount = rate * growth(window.slopes[way] * over)
    if amount == 0:
        return x
    room = (1 - x) if way == 0 else x
    power = window.exponents[way]
    room = room if power == 1 else room**power if room > 0 else 0.0
    moved = x + (factor[way] * amount if way == 0 else -factor[way] * amount) * room
    return min(max(moved, 0.0), 1.0)


def present(rests, timing, powers, window, rate, grows, state, weights, factors=None):
    """Shows a case; arguments as of `kernels.events.present`, of one case.

    Returns:
        ([(step, output)] of the spikes, [(step, inputs)] of those of the inputs).
    """
    inputs, spikes, fed = Inputs(rests, timing, powers, state), [], []
    forget = timing.forget if grows else 1.0
    for step in range(1, timing.steps + 1):
        fired = inputs.step()
        fed.append((step, fired))
        arriving = np.zeros(weights.shape[1], dtype=weights.dtype)
        for i in fired:
            arriving += weights[i]
        fresh = timing.base * len(fired) + timing.gain * arriving.astype(float)
        state.current[:] = timing.filtered * state.current + fresh
        free = state.silent == 0
        state.level[:] = np.where(free, timing.keep * state.level + state.current, state.level)
        state.raised[:] *= forget
        over = np.where(free, state.level - (timing.firing + state.raised), -np.inf)
        j = int(over.argmax())
        state.silent[:] -= state.silent > 0
        if over[j] <= 0:
            continue
        spikes.append((step, j))
        state.level[:], state.silent[:] = 0, timing.silence
        state.level[j], state.silent[j] = timing.floor, timing.output_wait
        state.raised[j] += timing.growth if grows else 0
        if rate > 0:
            for i, seen in enumerate(inputs.potential):
                own = (1.0, 1.0) if factors is None else factors[:, i, j]
                weights[i, j] = changed(float(weights[i, j]), seen, rate, window, own)
    pause(timing, powers, inputs, state, forget)
    return spikes, fed


def pause(timing, powers, inputs, state, forget):
    """What is left of everything after the pause; nothing has a current in it."""
    for i in range(len(inputs.rests)):
        steps = max(timing.pause - inputs.waiting[i], 0)
        state.potential[i] = inputs.potential[i] * powers[steps]
        state.waiting[i] = max(inputs.waiting[i] - timing.pause, 0)
    for j in range(len(state.level)):
        state.level[j] *= power(timing.keep, int(max(timing.pause - state.silent[j], 0)))
        state.silent[j] = max(state.silent[j] - timing.pause, 0)
    state.current[:] *= power(timing.filtered, timing.pause)
    state.raised[:] *= power(forget, timing.pause)
