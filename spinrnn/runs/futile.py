"""What leaves a network that settles at chance, though it runs: emitted values that no
neuron reaches, a nudge that drowns in rounding, neurons that nothing moves, and while
it learns outputs that are stuck.
"""

from typing import Any

import numpy as np

from spinrnn.config.symmetric import SymmetricConfig
from spinrnn.errors import DivergenceError, listed
from spinrnn.learning.bptt import BPTT
from spinrnn.learning.equilibrium import Equilibrium
from spinrnn.networks.symmetric import SymmetricNetwork
from spinrnn.runs.excitation import Drives

FALLS = 0.25
"""Of the largest value that it emits, below which a neuron with a threshold that is
pulled there falls silent."""
DROWNS, HIDES = 10, 1e5
"""Roundings that a nudge must be; a nudge over which no difference is large enough."""
CASES = 32
"""That are looked at."""
BATCHES, EACH = 8, 16
"""Of cases, and cases of each, in which nothing moves an output that is stuck."""


def futile(net: SymmetricNetwork, estimator: Any, drives: Drives, classes: bool) -> list[str]:
    """Sentences about what can be told of numbers alone.

    estimator: of the training; drives: of the layers; classes: whether it is a
    classification, in which outputs have `levels`.
    """
    c, found = net.config, _of_levels(net.config) if classes else []
    if isinstance(estimator, Equilibrium):
        found += _of_nudge(c, estimator.beta) + c.neuron.energyless()
    middle = float(c.neuron.bias(c.neuron.nominal_numbers(c.neuron.time_unit)))
    return found + c.neuron.unmoved(min(high - middle for _, high in drives))


def unreached(net: SymmetricNetwork, data: Any) -> list[str]:
    """A sentence where `levels` are far beyond what outputs emit, of neurons that have
    no limits: measured of some cases with the first weights. A state that is not finite
    is left to the training.
    """
    c = net.config
    if c.neuron.span is not None:
        return []
    try:
        last = np.real(net.settle(data.inputs[:CASES])[-1])
    except DivergenceError:
        return []
    (no, yes), low, high = c.levels, float(last.min()), float(last.max())
    if max(low - no, yes - high) <= high - low:
        return []
    about = f"network.levels: {list(c.levels)}, and with its first weights outputs of"
    about += f" {c.neuron.kind} emit {low:.2g} to {high:.2g}: what is never reached pulls all"
    return [f"{about} alike; set levels within"]


def stuck(net: Any, estimator: Any, task: Any, data: Any) -> list[str]:
    """A sentence where nothing moves outputs of a network that learns: silent, or at
    another end of what they emit, they have no gradient, and a nudge of the drive does
    not reach them. A nudge of the state pulls what is emitted, and brings most back.

    estimator, task: of the training; data: a `Dataset` of it. None of other networks; a
    state that is not finite is left to the training.
    """
    if not isinstance(net, SymmetricNetwork) or not isinstance(estimator, BPTT | Equilibrium):
        return []
    try:
        outputs = np.flatnonzero(_unmoved(net, estimator, task, data)).tolist()
    except DivergenceError:
        return []
    if not outputs:
        return []
    names, many = data.classes or data.target_names or (), "s" if len(outputs) > 1 else ""
    told = listed([names[k] if k < len(names) else str(k) for k in outputs])
    about = f"output{many} {told}: {net.config.neuron.kind} is stuck at an end of what it emits,"
    sized = any(getattr(one, "largest", None) for one in net.config.synapses)
    about += " where no gradient moves it; begin anew with a lower train.learning_rate or "
    about += "synapse.largest" if sized else "network.start_gain"
    settles = isinstance(estimator, Equilibrium)
    back = 'estimator.nudge = "state"' if settles else 'estimator.kind = "equilibrium"'
    able = getattr(estimator, "nudge", "") != "state" and not net.config.unpulled("state")
    return [f"{about}{f', or {back}, which can bring it back' if able else ''}"]


def silent(net: Any) -> list[str]:
    """A sentence where no neuron of a network of spikes answers to any class, as none
    has fired while it was given the classes of the training cases.
    """
    if "events" not in net.config.abilities or (net.labels >= 0).any():
        return []
    c, about = net.config, "no neuron fires in any training case, so nothing is learned; lower"
    inputs = "an input fires where network.rest + network.gain times it is above 1"
    return [f"network.threshold: {about} {c.firing:g}, or drive more inputs: {inputs}"]


def _unmoved(net, estimator, task, data):
    """(output,) whether an output is the same in all cases, though not all ask for the
    same, and the estimator changes none of its biases in any batch: in one alone what
    the cases ask for may be 0 in sum.
    """
    c, prepared, data = net.config, net.prepared(), data.take(slice(0, EACH * BATCHES))
    eps = DROWNS * float(np.finfo(c.dtype).eps)
    moved, outputs = np.zeros(c.populations[-1], bool), []
    for start in range(0, len(data), EACH):
        part = data.take(slice(start, start + EACH))
        targets = task.targets(net, part)
        found = estimator.estimate(prepared, part.inputs, targets, part.lengths, 0)
        biases = net.layout.grouped(found.gradient)["bias"][-1]
        moved |= np.abs(biases) > eps / getattr(estimator, "beta", 1.0)
        outputs.append(found.outputs)
    said, wanted = np.concatenate(outputs), task.wanted(data, int(c.outputs))
    same = np.ptp(said, axis=0) <= eps * np.abs(said).max()
    asked = np.fmax.reduce(wanted, axis=0) > np.fmin.reduce(wanted, axis=0)
    return same & asked & ~moved.reshape(int(c.outputs), -1).any(axis=1)


def _of_levels(c: SymmetricConfig) -> list[str]:
    """A sentence where outputs cannot emit what stands for no and yes, or fall silent
    on the way.
    """
    span, (no, yes), kind = c.neuron.span, c.levels, c.neuron.kind
    if span is None:
        return []
    low, high = span
    if no < low or yes > high:
        about = f"network.levels: {list(c.levels)}, and {kind} emits {low:g} to {high:g}"
        what = "outputs are pulled to an end, where nothing is learned"
        within = [max(low, min(no, high)), max(low, min(yes, high))]
        within = within if within[0] < within[1] else [low, high]
        return [f"{about}: {what}; set {_usual(c, within)}"]
    if c.neuron.threshold and no < FALLS * high:
        about = f"network.levels: {no:g} for no is near silence, into which all outputs of {kind}"
        return [f"{about} are pulled, and none comes back; set {_usual(c, [no, yes])}"]
    return []


def _usual(c, levels):
    """Levels between which neurons learn, as near as can be to those asked for."""
    return "[0.4, 0.8]" if c.neuron.threshold else f"{[float(level) for level in levels]}"


def _of_nudge(c, beta):
    """A sentence where two steady states do not differ by a nudge, or not by more the
    more it pulls.
    """
    least = DROWNS * float(np.finfo(c.dtype).eps)
    if beta > HIDES:
        about = f"estimator.beta: {beta:g} pulls outputs as far as they go, and the gradient, a"
        return [f"{about} difference over it, is as good as 0; {Equilibrium.beta:g} is usual"]
    if beta >= least:
        return []
    about = f"estimator.beta: {beta:g} drowns in the rounding of {c.dtype}, which needs"
    return [f"{about} {least:.1g} or more: a nudge changes nothing; {Equilibrium.beta:g} is usual"]
