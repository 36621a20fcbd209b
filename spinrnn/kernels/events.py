"""Spiking networks, event by event: one presentation of a case to a layer of
leaky integrate-and-fire neurons of which the first to fire silences the others; eq.
(S1) to (S6) of docs/MODEL.md.

Time goes in steps. The inputs are neurons whose current does not change while a case is
shown, so their potentials are known in closed form and the steps in which they fire are
found by bisection: to the bit those of a loop over all steps. Between two of them the
outputs only decay. Synapses are touched when an output fires, and then those of that
output only.
"""

from typing import NamedTuple

import numpy as np

from spinrnn.kernels.arithmetic import decay, polar, square_root
from spinrnn.kernels.compiling import rounded, rounded_kernel
from spinrnn.kernels.random import scramble

MOST = 500.0
"""Exponent of a change beyond which it does not grow any more."""


class Timing(NamedTuple):
    """Numbers of a presentation.

    Attributes:
        steps: of the presentation; pause: steps without input after it, in which
            nothing fires.
        input_wait, output_wait, silence: steps for which an input that fired, the
            output that fired and all other outputs stay where they are.
        threshold, reset: of the inputs; firing, floor: of the outputs.
        keep: share of an output's potential that is left after a step; filtered: the
            same of its current, 0 without a filter; forget: of what a threshold has
            grown.
        growth: what a threshold grows by when its output fires.
        base, gain: an input that fires gives an output base + gain weight.
    """

    steps: int
    pause: int
    input_wait: int
    output_wait: int
    silence: int
    threshold: float
    reset: float
    firing: float
    floor: float
    keep: float
    filtered: float
    forget: float
    growth: float
    base: float
    gain: float


class Window(NamedTuple):
    """What a potential does to a synapse; (S5). Of pairs the first is upwards.

    Attributes:
        volts: of the device for the potential 1.
        exponents: gamma of the state; slopes: alpha, 1/V; thresholds: theta, V.
        scatters: deviation of an event, of the state.
        low, span: a weight is low + span x of the state x.
    """

    volts: float
    exponents: tuple[float, float]
    slopes: tuple[float, float]
    thresholds: tuple[float, float]
    scatters: tuple[float, float]
    low: float
    span: float


class Devices(NamedTuple):
    """What a learning rule needs of the synapses.

    Attributes:
        window: `Window`; factors: (2, input, output) of devices that differ, up first,
            or (2, 0, 0); curves: (2, knot) of measured ones in place of powers, or
            (2, 0); key: two uint32 of what chance does.
    """

    window: Window
    factors: np.ndarray
    curves: np.ndarray
    key: tuple


class State(NamedTuple):
    """What goes on from one presentation to the next; changed in place.

    Attributes:
        potential: (input,); waiting: (input,) steps that are left; level: (output,)
            potentials; current: (output,); silent: (output,) steps that are left;
            raised: (output,) what the thresholds have grown.
        events: (2,) spikes of outputs from which synapses have learned, and synapses
            that were moved by them.
    """

    potential: np.ndarray
    waiting: np.ndarray
    level: np.ndarray
    current: np.ndarray
    silent: np.ndarray
    raised: np.ndarray
    events: np.ndarray


class Scratch(NamedTuple):
    """Memory of a thread.

    Attributes:
        last: (input,) step of the last spike; period: (input,) steps between two;
        starts: (steps + 2,) where the spikes of a step begin in `fired`.
        fired: (input * steps,) the inputs that fire, step by step; seen: (input,)
            potentials when an output fires; arriving: (output,) of a step.
    """

    last: np.ndarray
    period: np.ndarray
    starts: np.ndarray
    fired: np.ndarray
    seen: np.ndarray
    other: np.ndarray
    amounts: np.ndarray
    arriving: np.ndarray


def scratch_of(inputs, outputs, steps, dtype):
    """A `Scratch` for cases of so many steps; dtype: of the weights."""
    return Scratch(
        np.empty(inputs, np.int64),
        np.empty(inputs, np.int64),
        np.empty(steps + 2, np.int64),
        np.empty(inputs * steps, np.int32),
        np.empty(inputs),
        np.empty(inputs),
        np.empty(inputs),
        np.empty(outputs, dtype),
    )


@rounded
def _crossing(powers, rest, start, threshold):
    """The first step n >= 1 with rest + (start - rest) powers[n] above a threshold;
    powers.size where there is none.

    Rounding keeps order, so what is found by bisection is what a loop would find.
    """
    low, high = 0, powers.shape[0]
    if rest <= threshold:
        # it falls from above, if it ever is there
        return 1 if high > 1 and rest + (start - rest) * powers[1] > threshold else high
    while high - low > 1:
        middle = (low + high) // 2
        if rest + (start - rest) * powers[middle] > threshold:
            high = middle
        else:
            low = middle
    return high


@rounded
def _first_and_period(i, timing, powers, rest, state, scratch):
    """The step in which input i fires first, and the steps between two of its spikes;
    any number beyond the presentation where there is none.
    """
    never = timing.steps + 1
    n = _crossing(powers, rest, state.potential[i], timing.threshold)
    first = state.waiting[i] + n if n < powers.shape[0] else never
    if first > timing.steps:
        scratch.period[i] = never
        return never
    n = _crossing(powers, rest, timing.reset, timing.threshold)
    scratch.period[i] = timing.input_wait + n if n < powers.shape[0] else never
    return first


@rounded
def _schedule(timing, powers, rests, state, scratch):
    """Writes all spikes of the inputs, ordered by step and then by input, to
    scratch.fired; `last` becomes the step of an input's first spike.
    """
    steps, starts = timing.steps, scratch.starts
    starts[:] = 0
    for i in range(rests.shape[0]):
        scratch.last[i] = _first_and_period(i, timing, powers, rests[i], state, scratch)
        step = scratch.last[i]
        while step <= steps:
            starts[step + 1] += 1
            step += scratch.period[i]
    for step in range(steps + 1):
        starts[step + 1] += starts[step]
    # each entry of `starts` runs on to where the next step's begin
    for i in range(rests.shape[0]):
        step = scratch.last[i]
        while step <= steps:
            scratch.fired[starts[step]] = i
            starts[step] += 1
            step += scratch.period[i]
    for step in range(steps + 1, 0, -1):
        starts[step] = starts[step - 1]
    starts[0] = 0


@rounded
def _potentials(step, timing, powers, rests, state, scratch):
    """Potentials (input,) of the inputs after a step, to scratch.seen; scratch.last
    holds the step of the last spike, or a negative number before the first.
    """
    for i in range(rests.shape[0]):
        since, wait, start = step - scratch.last[i], timing.input_wait, timing.reset
        if scratch.last[i] < 0:
            since, wait, start = step, state.waiting[i], state.potential[i]
        n = since - wait
        # one that waits is where it started, which is what powers[0] = 1 must give
        moved = rests[i] + (start - rests[i]) * powers[n if n > 0 else 0]
        scratch.seen[i] = moved if n > 0 else start


@rounded
def _growth(x):
    """exp(x) - 1 for x >= 0, without cancellation; finite of any x, as an infinite
    change of a full synapse would be NaN.
    """
    x = min(x, MOST)
    kept, mean, _ = decay(x)
    return x * mean / kept


@rounded
def _asked(rate, window, seen, amounts):
    """(S4) without the state: what potentials (input,) ask of the synapses, positive
    upwards, to amounts (input,); returns how many are not 0.
    """
    up, down = window.slopes
    low, high = window.thresholds
    moved = 0
    for i in range(seen.shape[0]):
        volts = seen[i] * window.volts
        over = -volts - low if volts < 0 else volts - high
        over = over if over > 0 else 0.0
        size = rate * _growth((up if volts < 0 else down) * over)
        amounts[i] = size if volts < 0 else -size
        moved += size > 0
    return moved


@rounded
def _move(j, amounts, weights):
    """(S4) with the plain window: the synapses (input, output) of output j. They stay
    in [0, 1] of themselves where amounts are at most 1; an input that is driven far
    below its reset asks for more, and leads to the end of the window.
    """
    for i in range(amounts.shape[0]):
        w, amount = float(weights[i, j]), amounts[i]
        amount = 1.0 if amount > 1 else (-1.0 if amount < -1 else amount)
        moved = w + amount * (1.0 - w if amount > 0 else w)
        weights[i, j] = moved


@rounded
def _room(x, up, window, curves):
    """How far a state x in [0, 1] can be moved: its power, or the value of a measured
    curve, straight between evenly spaced knots.
    """
    way = 0 if up else 1
    if curves.shape[1] == 0:
        left = 1.0 - x if up else x
        return left ** window.exponents[way] if left > 0 else 0.0
    place = x * (curves.shape[1] - 1)
    k = min(int(place), curves.shape[1] - 2)
    return curves[way, k] + (place - k) * (curves[way, k + 1] - curves[way, k])


@rounded
def _chance(device, event, key):
    """A standard normal number; a function of its arguments."""
    first, second = scramble(np.uint32(device), np.uint32(event), key[0], key[1])
    length, cosine = polar(2.0, first, second)
    return square_root(length) * cosine


@rounded
def _move_devices(j, event, amounts, weights, devices):
    """(S5): as `_move`, of devices; states that would leave [0, 1] stay at its end.

    event: number of the output spike, for chance.
    """
    window, outputs = devices.window, weights.shape[1]
    for i in range(amounts.shape[0]):
        amount = amounts[i]
        if amount == 0:
            continue
        up = amount > 0
        way = 0 if up else 1
        if devices.factors.shape[1] > 0:
            amount *= devices.factors[way, i, j]
        x = (float(weights[i, j]) - window.low) / window.span
        x += amount * _room(x, up, window, devices.curves)
        if window.scatters[way] > 0:
            x += window.scatters[way] * _chance(i * outputs + j, event, devices.key)
        x = 0.0 if x < 0 else x
        x = 1.0 if x > 1 else x
        weights[i, j] = window.low + window.span * x


@rounded
def _plain(devices):
    """Whether devices are those of the rule itself."""
    window = devices.window
    same = window.exponents[0] == 1 and window.exponents[1] == 1
    same = same and window.low == 0 and window.span == 1
    same = same and window.scatters[0] == 0 and window.scatters[1] == 0
    return same and devices.factors.shape[1] == 0 and devices.curves.shape[1] == 0


@rounded
def _learn(j, rate, step, timing, powers, rests, devices, order, state, weights, scratch):
    """Output j has fired: its synapses (input, output) see the potentials of the
    inputs. Returns how many of them are moved.
    """
    _potentials(step, timing, powers, rests, state, scratch)
    seen = scratch.seen
    if order.shape[0] > 0:
        for i in range(order.shape[0]):
            scratch.other[i] = seen[order[i]]
        seen = scratch.other
    moved = _asked(rate, devices.window, seen, scratch.amounts)
    if _plain(devices):
        _move(j, scratch.amounts, weights)
    else:
        _move_devices(j, state.events[0], scratch.amounts, weights, devices)
    return moved


@rounded
def _winner(timing, state):
    """The output that is furthest above its threshold, the first of equals; -1: none
    is.
    """
    best, where = 0.0, -1
    for j in range(state.level.shape[0]):
        over = state.level[j] - (timing.firing + state.raised[j])
        if state.silent[j] == 0 and over > best:
            best, where = over, j
    return where


@rounded
def _add(row, arriving):
    for j in range(arriving.shape[0]):
        arriving[j] += row[j]


@rounded
def _arrive(step, weights, scratch):
    """Adds up the synapses (input, output) of the inputs that fire in a step, to
    scratch.arriving; returns how many do.
    """
    first, last = scratch.starts[step], scratch.starts[step + 1]
    scratch.arriving[:] = 0
    for k in range(first, last):
        i = scratch.fired[k]
        scratch.last[i] = step
        _add(weights[i], scratch.arriving)
    return last - first


@rounded
def _relax(common, timing, forget, arriving, level, current, silent, raised):
    """(S2), (S3): a step of the outputs (output,); common: what all of them are given.
    Returns how far the one that is furthest above its threshold is.
    """
    for j in range(level.shape[0]):
        current[j] = timing.filtered * current[j] + (common + timing.gain * float(arriving[j]))
        moved = timing.keep * level[j] + current[j]
        level[j] = level[j] if silent[j] > 0 else moved
        raised[j] *= forget


@rounded
def _wait(silent):
    for j in range(silent.shape[0]):
        silent[j] -= silent[j] > 0


@rounded
def _silence(j, timing, state):
    """Output j has fired: it is reset, all others begin anew."""
    state.level[:] = 0
    state.silent[:] = timing.silence
    state.level[j] = timing.floor
    state.silent[j] = timing.output_wait


@rounded
def _power(x, n):
    """x to the power of a whole number n >= 0, by squares: the same everywhere."""
    result = 1.0
    while n > 0:
        if n % 2 == 1:
            result *= x
        x *= x
        n //= 2
    return result


@rounded
def _rest(timing, powers, rests, state, scratch):
    """The end of a presentation, and the pause after it: everything decays."""
    _potentials(timing.steps, timing, powers, rests, state, scratch)
    for i in range(rests.shape[0]):
        seen = scratch.last[i] >= 0
        left = timing.input_wait - (timing.steps - scratch.last[i])
        left = left if seen else state.waiting[i] - timing.steps
        left = max(left, 0)
        state.waiting[i] = max(left - timing.pause, 0)
        state.potential[i] = scratch.seen[i] * powers[max(timing.pause - left, 0)]
    for j in range(state.level.shape[0]):
        free = max(timing.pause - state.silent[j], 0)
        state.level[j] *= _power(timing.keep, free)
        state.silent[j] = max(state.silent[j] - timing.pause, 0)
        state.current[j] *= _power(timing.filtered, timing.pause)


@rounded
def _clear(state):
    """Everything but what the thresholds have grown begins anew."""
    state.potential[:] = 0
    state.waiting[:] = 0
    state.level[:] = 0
    state.current[:] = 0
    state.silent[:] = 0


@rounded
def _step(step, timing, forget, weights, state, scratch):
    """A step of all outputs; returns the one that fires, or -1."""
    arrived = _arrive(step, weights, scratch)
    common = timing.base * arrived
    moving = state.level, state.current, state.silent, state.raised
    _relax(common, timing, forget, scratch.arriving, *moving)
    # without arrivals no potential comes above a threshold that falls no faster
    may = arrived > 0 or timing.filtered > 0 or forget < timing.keep
    j = _winner(timing, state) if may else -1
    _wait(state.silent)
    if j >= 0:
        _silence(j, timing, state)
    return j


@rounded
def _present(rests, timing, powers, devices, rate, grows, state, weights, order, counts, scratch):
    """Shows a case; arguments as of `present`, of one case."""
    _schedule(timing, powers, rests, state, scratch)
    # from now on `last` is the last spike that there was
    scratch.last[:] = -1
    forget = timing.forget if grows else 1.0
    for step in range(1, timing.steps + 1):
        j = _step(step, timing, forget, weights, state, scratch)
        if j < 0:
            continue
        counts[j] += 1
        state.raised[j] += timing.growth if grows else 0.0
        if rate > 0:
            moved = _learn(
                j, rate, step, timing, powers, rests, devices, order, state, weights, scratch
            )
            state.events[0] += 1
            state.events[1] += moved
    _rest(timing, powers, rests, state, scratch)
    for j in range(state.raised.shape[0]):
        state.raised[j] *= _power(forget, timing.pause)


@rounded_kernel
def present(
    rests, timing, powers, devices, rate, grows, carries, state, weights, orders, counts, scratch
):
    """Shows cases, one after the other.

    Args:
        rests: (case, input) potentials that the currents would lead to; powers: (n,)
            what is left of a potential after 0, 1, ... steps, for as many as a
            presentation or a pause has, and one more.
        devices: `Devices`.
        rate: learning rate, 0: nothing learns; grows: whether thresholds adapt.
        carries: whether a case begins where the one before has ended, and not at rest.
        state, scratch: `State`, `Scratch`; weights: (input, output), learn in place.
        orders: (case, input) whose potential a synapse sees, of studies that put
            potentials in another order; or (case, 0).
        counts: (case, output) spikes, are added to.
    """
    for case in range(rests.shape[0]):
        if not carries:
            _clear(state)
        _present(
            rests[case],
            timing,
            powers,
            devices,
            rate,
            grows,
            state,
            weights,
            orders[case],
            counts[case],
            scratch,
        )
