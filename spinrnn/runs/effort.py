"""How long a batch takes, told before one is run: what a network does in one point of
its inputs, counted, then measured where that is short.

A strong drive has some kinds cut a substep into many steps (`Functions.strong`), of
which a slip of units makes a million: so many that not one point can be measured.
"""

import time
from typing import Any, NamedTuple

import numpy as np

from spinrnn.config import neurons
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
"""By which an input interval may be off what suits the neurons."""
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

    drives: of the layers, none of a network without time.
    """
    if not drives or not len(inputs):
        return None
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
    config, found = net.config, []
    for neuron, ends in zip(config.neurons, drives, strict=True):
        functions, cut = neuron.functions(config.scheme), 1.0
        # what cuts a step keeps the roundings of the step that is not cut
        if functions.strength is not None and functions.rounded:
            numbers = neuron.nominal_numbers(config.time_unit).values()
            q, step = tuple(float(value) for value in numbers), config.reduced().step
            cut = max(float(np.real(functions.strength(q, step, end, 1.0))) for end in ends)
        found.append(cut)
    return found


def cut_problems(net: Network, drives: Drives) -> tuple[list[str], list[str]]:
    """(problems, warnings) about substeps that are cut into too many steps."""
    problems, warnings = [], []
    for layer, cut in enumerate(cuts_of(net, drives)):
        head = f"{net.config.neurons[layer].name}, layer {layer}: at the largest drive a substep"
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
