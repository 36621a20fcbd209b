"""How long a batch takes, told before one is run: what a network does in one point of
its inputs, counted, then measured where that is short.

A strong drive has some kinds cut a substep into many steps (`Functions.strong`), of
which a slip of units makes a million: so many that not one point can be measured.
"""

import math
import time
from typing import Any, NamedTuple

import numpy as np

from spinrnn.config import neurons
from spinrnn.config.slips import LEAST, time_in
from spinrnn.kernels.tiles import lanes
from spinrnn.networks.recurrent import Network
from spinrnn.runs.excitation import Drives

BUDGET = 1.5
"""Seconds that are spent on finding it out, as far as they can be counted."""
EACH, OF_CUTS = 30e-9, 400e-9
"""Seconds of a step of a neuron and of one of those into which a step is cut: of a
macrospin on one thread."""
SHORT, PATIENCE = 1.0, 10.0
"""Seconds of a batch up to which nothing is found out; above which it is not run."""
ENDLESS = 1e6
"""Steps into which no kind cuts a substep: its state would become NaN."""
MANY = 100
"""Of them are told."""
UNUSUAL = 30
"""By which an input interval, or a step of a network that settles, may be off what
suits the neurons."""
EULER = 2
"""Of the unit of time, from which on Euler's step turns a decay into growth."""
GRADIENT = 4.0
"""A training step over the forward pass."""


class Effort(NamedTuple):
    """What a batch takes.

    Attributes:
        case: seconds of a case's forward pass; step: of a batch with its gradient;
            compiling: seconds.
        measured: whether some points were run, else it is a guess of their number.
    """

    case: float
    step: float
    compiling: float
    measured: bool = True


def effort_of(net: Any, inputs: np.ndarray, batch: int, drives: Drives) -> Effort | None:
    """The `Effort` of a batch of so many cases of inputs (case, channel, time); None
    where it is so short that it can be measured as it is.

    drives: of the layers, none of a network without steps.
    """
    if not drives or not len(inputs):
        return None
    if "time" not in net.config.abilities:
        return _of_settling(net, inputs, batch, drives)
    points, panel, unit = inputs.shape[2], lanes(net.config.dtype), _seconds_of_point(net, drives)
    if GRADIENT * batch * points * unit < SHORT:
        return None
    # a readout over a window asks for so many points
    least = min(points, max(1, net.config.readout_window))
    if panel * least * unit > BUDGET:
        return Effort(points * unit, GRADIENT * batch * points * unit, 0.0, False)
    cases = int(np.clip(BUDGET / (least * unit), 1, batch))
    some = int(np.clip(BUDGET / (cases * unit), least, points))
    compiling = _seconds(net, inputs[:1, :, :least])
    case = _seconds(net, inputs[:cases, :, :some]) * points / some / cases
    step = GRADIENT * batch * case
    return None if step < PATIENCE else Effort(case, step, compiling)


def _of_settling(net, inputs, batch, drives):
    """The `Effort` of relaxations whose steps are cut into many."""
    c, cuts = net.config, cuts_of(net, drives)
    each = sum(n * OF_CUTS * cut for n, cut in zip(c.populations, cuts, strict=True))
    if max(cuts) <= 1 or GRADIENT * batch * c.steps * each < SHORT:
        return None
    if lanes(c.dtype) * each > BUDGET:
        return Effort(c.steps * each, GRADIENT * batch * c.steps * each, 0.0, False)
    cases = int(np.clip(BUDGET / each, 1, batch))
    some = int(np.clip(BUDGET / (cases * each), 1, c.steps))
    compiling = _seconds_of_steps(net, inputs[:1], 1)
    case = _seconds_of_steps(net, inputs[:cases], some) * c.steps / some / cases
    step = GRADIENT * batch * case
    return None if step < PATIENCE else Effort(case, step, compiling)


def _seconds_of_steps(net, inputs, steps):
    before = time.perf_counter()
    net.settle(inputs, steps)
    return time.perf_counter() - before


def _seconds(net, inputs):
    before = time.perf_counter()
    net.forward(inputs)
    return time.perf_counter() - before


def _seconds_of_point(net, drives):
    """About, of one case, by the number of steps at the largest drive."""
    every = zip(net.config.layers, cuts_of(net, drives), strict=True)
    return net.config.resolved_substeps * sum(
        size * (EACH if cut <= 1 else OF_CUTS * cut) for size, cut in every
    )


def cuts_of(net: Network, drives: Drives) -> list[float]:
    """Into how many steps each layer cuts a substep at the largest drive; 1 of kinds
    that cut none.
    """
    found = []
    for (neuron, scheme, unit, step), ends in zip(_steps_of(net.config), drives, strict=True):
        functions, cut = neuron.functions(scheme), 1.0
        # what cuts a step keeps the roundings of the step that is not cut
        if functions.strength is not None and functions.rounded:
            numbers = neuron.nominal_numbers(unit).values()
            q = tuple(float(value) for value in numbers)
            cut = max(float(np.real(functions.strength(q, step, end, 1.0))) for end in ends)
        found.append(cut)
    return found


def _steps_of(c):
    """[(neuron, scheme, unit of time in s, step in it)] of each layer."""
    if "time" in c.abilities:
        step = c.reduced().step
        return [(neuron, c.scheme, c.time_unit, step) for neuron in c.neurons]
    unit = c.neuron.time_unit
    return [(c.neuron, c.resolved_scheme, unit, c.resolved_step / unit)] * len(c.populations)


def cut_problems(net: Network, drives: Drives) -> tuple[list[str], list[str]]:
    """(problems, warnings) about substeps that are cut into too many steps."""
    problems, warnings = [], []
    timed, steps = "time" in net.config.abilities, _steps_of(net.config)
    for layer, cut in enumerate(cuts_of(net, drives)):
        of = "a substep" if timed else "a step"
        head = f"{steps[layer][0].name}, layer {layer}: at the largest drive {of}"
        if not cut <= ENDLESS:
            text = f"would be cut into {cut:.2g} steps, of at most {ENDLESS:.0e}"
            problems.append(f"{head} {text}; drive it less, its units may be wrong")
        elif cut > MANY:
            warnings.append(f"{head} is cut into {cut:.3g} steps and takes so many times as long")
    return problems, warnings


def interval_warnings(config: Any) -> list[str]:
    """A sentence where an input is held so long that the neurons forget all before it,
    or so short that they hardly follow.
    """
    interval, usual = config.input_interval, config.usual_interval
    if 1 / UNUSUAL <= interval / usual <= UNUSUAL:
        return []
    about = f"network.input_interval: {interval:g} s is {interval / usual:.3g} times what suits"
    about += f" {neurons.name_of(config)}, {config.resolved_substeps} substeps a point"
    what = "it hardly moves within one"
    if interval > usual:
        what = "it forgets what was before, and gradients through so many vanish or diverge"
    return [f"{about}: {what}; set {usual:.1g}"]


def step_warnings(c: Any) -> list[str]:
    """A sentence where a step of a network that settles is so long that its neurons
    jump or diverge, or where nothing holds them at a rest.
    """
    step, neuron, unit, rest = c.resolved_step, c.neuron, c.neuron.time_unit, c.neuron.settling_time
    euler = c.resolved_scheme == "euler"
    if step > (EULER * unit if euler else UNUSUAL * rest):
        jump = "the neurons jump, and layers may drive each other to and fro"
        what = "by Euler's steps the neurons diverge" if euler else jump
        about = f"network.step: {step:g} s is {step / unit:.3g} times the time of {neuron.kind}"
        seconds = f"; times are in seconds, {time_in(step, unit)}" if step >= LEAST else ""
        return [f"{about}: {what}{seconds}; left out it is {unit:.3g} s"]
    if rest == math.inf:
        lacks = "nothing holds it where it rests without a current, so no free phase settles"
        return [f"neuron: {lacks}; a field or an anisotropy does"]
    return []
