"""Check of the hand-derived gradient against central differences with an error
estimate.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.differentiate import derivative
from scipy.special import softmax

from spinrnn.config import kinds
from spinrnn.config.neurons import common_schemes, name_of
from spinrnn.config.run import NetworkConfig
from spinrnn.errors import DivergenceError
from spinrnn.networks.recurrent import Network
from spinrnn.neurons.oscillator import Oscillator
from spinrnn.synapses.layout import layer_of

BOUND = 1e-8
"""Largest error allowed, relative to the largest entry of the block's gradient."""

STEPS = (0.4, 0.1, 4.0, 0.02, 40.0, 0.004, 400.0)
"""First steps of a difference, tried in this order.

Large ones for parameters of little effect, which small ones drown in rounding.
"""

FINEST = 256
"""Times as many substeps that a scheme may have which was not asked for."""

AWKWARD = NetworkConfig(
    layers=(4, 3, 5),
    inputs=2,
    outputs=3,
    substeps=3,
    neuron=Oscillator(nonlinear_damping=0.4),
    amplification=(1.0, 1.5, 0.8),
    output_amplification=2.0,
    readout_window=2,
    density_int=0.6,
    density_ext=0.7,
)
"""The network that is checked unless another is given.

It has masks, Q > 0, layers of different sizes and a readout window.
"""


@dataclasses.dataclass
class BlockError:
    """Outcome for one block of parameters.

    Attributes:
        neuron, scheme, block: what was checked, as in "oscillator", "exponential",
            "w_int_0"; of layers of different neurons, as in "oscillator-ctrnn".
        entries: number of entries compared; 0 of a block whose gradient is a stand-in,
            as of weights with few values, which has no differences to be compared with.
        error: their largest difference over the block's largest gradient, beyond what
            rounding makes of the difference itself.
        ok: error <= bound.
    """

    neuron: str
    scheme: str
    block: str
    entries: int
    error: float
    ok: bool


@dataclasses.dataclass
class Problem:
    """A network in float64 and what it is checked with."""

    net: Network
    # (case, channel, time), (case,) or (case, time), (case,) of unequal lengths
    u: np.ndarray
    labels: np.ndarray
    lengths: np.ndarray

    @functools.cached_property
    def slope(self) -> np.ndarray:
        """softmax(o) - [label] of (case, class), or of (case, class, time) over the
        number of a case's points, 0 after its end.
        """
        slope = softmax(self.net.forward(self.u, self.lengths), axis=1)
        classes = np.arange(slope.shape[1]).reshape(1, -1, *(1,) * (slope.ndim - 2))
        slope -= np.expand_dims(self.labels, 1) == classes
        counts = self.lengths if slope.ndim == 3 else np.ones(len(slope))
        return np.nan_to_num(slope) / counts.reshape(-1, *(1,) * (slope.ndim - 1))

    @functools.cached_property
    def largest(self) -> float:
        """Largest state of the last layer."""
        return float(np.nanmax(np.abs(self.net.simulate(self.u, self.lengths).state[-1])))


def check_gradient(
    config: NetworkConfig | None = None,
    entries: int | None = None,
    seed: int = 0,
    bound: float = BOUND,
) -> Iterator[BlockError]:
    """Compares gradients in float64 on random inputs: of a configuration's neurons, or
    of all kinds, in all of their schemes.

    A scheme that is not the configuration's own has more substeps where it would
    diverge with as many.

    Args:
        config: its scheme and dtype are replaced; None means `AWKWARD`, with each kind
            of neuron.
        entries: number of entries drawn from each block; None means all of AWKWARD, 8
            of another network.
        seed: of weights, inputs and the draw; bound: on the relative error.
    Yields:
        One for each neuron, scheme and block.
    Raises:
        DivergenceError: the network diverges.
    """
    if entries is None:
        entries = 8 if config else 10**9
    asked = config or AWKWARD
    known: list[tuple[Any, Any]] = [(asked.neuron, common_schemes(asked.neurons))]
    if config is None:
        every = [cls for cls in kinds.kinds_of("neuron").values() if cls.quadratures == 1]
        known = [(cls.example(), cls.schemes) for cls in every]
    for neuron, schemes in known:
        for scheme in schemes:
            kind = _with_neuron(asked, neuron, scheme)
            yield from check_one(kind, entries, seed, bound, finest=scheme != asked.scheme)


def _with_neuron(asked, neuron, scheme):
    """A configuration with another neuron, in float64; an input point lasts as many
    times of the other as it lasted of the first.
    """
    changed = dataclasses.replace(asked, neuron=neuron, scheme=scheme, dtype="float64")
    if changed.neuron == asked.neuron:
        return changed
    interval = asked.input_interval / asked.time_unit * changed.time_unit
    return dataclasses.replace(changed, input_interval=interval)


def check_one(
    config: NetworkConfig, entries: int, seed: int, bound: float, finest: bool = False
) -> Iterator[BlockError]:
    """`check_gradient` for the neuron and the scheme of the configuration.

    finest: whether it may have more substeps.
    """
    problem = _problem(config, seed)
    while finest and _diverges(problem):
        substeps = 2 * problem.net.config.resolved_substeps
        if substeps > FINEST * config.resolved_substeps:
            break
        problem.net = problem.net.replace(substeps=substeps)
    net = problem.net
    _, gradient = net.loss_and_grad(problem.u, problem.labels, problem.lengths)
    # not the seed's own numbers, which the parameters are
    rng = np.random.default_rng([seed, 1])
    last = len(config.layers)
    for block, (where, _) in net.layout.blocks.items():
        if block.startswith("w_") and not config.synapses[layer_of(block, last)].exact:
            yield BlockError(name_of(config), config.scheme, block, 0, 0.0, True)
            continue
        places = np.arange(where.start, where.stop)
        exists = places if net.mask is None else places[net.mask[where]]
        chosen = rng.permutation(exists)[:entries]
        scale = np.abs(gradient[where]).max()
        wanted = scale * bound / 20 if np.isfinite(scale) else 1.0
        differences = np.array([_of_entry(problem, i, wanted) for i in chosen])
        right, unknown = differences.T
        # an error that was wanted is in the bound
        unknown = np.where(unknown > 5 * wanted, unknown, 0)
        error = largest_error(gradient[chosen], right, unknown, scale)
        # a NaN is not <= anything
        ok = bool(error <= bound)
        yield BlockError(name_of(config), config.scheme, block, len(chosen), error, ok)


def largest_error(
    gradient: np.ndarray, right: np.ndarray, unknown: np.ndarray, scale: float
) -> float:
    """Largest distance of two arrays over `scale`, or as it is where the scale is 0.

    unknown: the error of `right`, which may explain a distance.
    """
    distance = float(np.maximum(np.abs(gradient - right) - unknown, 0).max())
    return distance / scale if scale > 0 else distance


def _problem(config, seed):
    rng = np.random.default_rng(seed)
    net = Network(config, seed=seed)
    # so that biases take part
    net.parameters += 0.2 * rng.standard_normal(net.parameters.size)
    shortest = max(config.readout_window, 2)
    lengths = np.array([shortest + 3, shortest, shortest + 1])
    u = rng.uniform(-1, 1, (3, config.inputs, lengths.max()))
    shape = (3, u.shape[2]) if config.readout == "points" else 3
    return Problem(net, u, rng.integers(0, config.outputs, shape), lengths)


def _diverges(problem):
    try:
        problem.net.forward(problem.u, problem.lengths)
    except DivergenceError:
        return True
    return False


def _of_entry(problem, index, wanted):
    """(derivative of the mean loss by parameter `index`, its error)."""
    projected, rounding = _projected_logits(problem, index)
    return difference(projected, problem.net.parameters[index], wanted, rounding)


def difference(
    projected: Callable[[float], float],
    at: float,
    wanted: float,
    rounding: float,
    size: float = 1.0,
) -> tuple[float, float]:
    """(derivative of a function at a place, its error), by central differences.

    size: order of the numbers of the kind of `at`, by which steps are multiplied.

    Starts from several steps until the error is below `wanted`. The error is scipy's
    estimate, or what rounding makes of it where that is more: where scipy halves the
    step too often, two estimates may agree by chance.
    """
    best, least = np.nan, np.inf
    for relative, tolerance in itertools.product(STEPS, (wanted, 5 * wanted)):
        step = relative * size
        with np.errstate(all="ignore"):
            result = derivative(
                np.vectorize(projected),
                at,
                initial_step=step,
                order=8,
                tolerances={"atol": tolerance, "rtol": 0},
            )
        error = max(result.error, rounding * 2**result.nit / step)
        if error < least:
            best, least = result.df, error
        if least <= wanted:
            break
    return best, least


def _projected_logits(problem: Problem, index: int) -> tuple[Callable[[float], float], float]:
    """(function of a parameter's value, rounding of its results).

    With e = softmax(o) - [label] at the present parameters, the loss's derivative is
    that of the mean of e o: a linear function of the logits, so a small effect does not
    drown in the rounding of a loss of order 1. b_out is left out where it is not what
    is changed.
    """
    net, cases = problem.net, len(problem.u)
    slope = problem.slope
    other, b_out = net.replace(), net.layout.blocks["b_out"][0]
    own = b_out.start <= index < b_out.stop
    if not own:
        other.parameters[b_out] = 0

    def projected(value):
        other.parameters[index] = value
        try:
            outputs = np.nan_to_num(other.forward(problem.u, problem.lengths))
            return float((slope * outputs).sum() / cases)
        except DivergenceError:
            # of a step that was too large; another one is tried
            return np.nan

    w_out, biases = np.abs(other.views()["w_out"]), np.abs(other.views()["b_out"])
    # what is read, then where they are taken its squares
    read, features = net.config.read, net.config.features
    terms = w_out @ np.repeat(problem.largest ** np.array([1, 2]), (read, features - read)) + biases
    size = (
        np.abs(slope).reshape(*slope.shape[:2], -1).sum(axis=(0, 2))
        @ terms
        * net.config.output_amplification
        / cases
    )
    return projected, 2 * np.finfo(float).eps * size
