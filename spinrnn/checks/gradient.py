"""Check of the hand-derived gradient against central differences whose step comes with
an error estimate (scipy.differentiate).
"""

import dataclasses
import itertools

import numpy as np
from scipy.differentiate import derivative

from spinrnn.config.run import NetworkConfig
from spinrnn.networks.recurrent import Network

BOUND = 1e-8
"""Largest error allowed, relative to the largest entry of the block's gradient."""

AWKWARD = NetworkConfig(
    layers=(4, 3, 5),
    inputs=2,
    outputs=3,
    substeps=3,
    nonlinear_damping=0.4,
    amplification=(1.0, 1.5, 0.8),
    output_amplification=2.0,
    readout_window=2,
    density_int=0.6,
    density_ext=0.7,
)
"""The network that is checked unless another is given.

masks, Q > 0, layers of different sizes, a readout window.
"""


@dataclasses.dataclass
class BlockError:
    """Outcome for one block of parameters.

    Attributes:
        neuron, scheme, block: what was checked, as in "oscillator", "exponential",
            "w_int_0".
        entries: number of entries compared; error: their largest difference over the
            block's largest gradient; ok: error <= bound.
    """

    neuron: str
    scheme: str
    block: str
    entries: int
    error: float
    ok: bool


def check_gradient(config=None, entries=None, seed=0, bound=BOUND):
    """Compares gradients for both neurons and both schemes, in float64, on random
    inputs of unequal lengths.

    Args:
        config: `NetworkConfig`, its neuron, scheme and dtype are replaced; None means
            `AWKWARD`.
        entries: number of entries drawn from each block; None means all of AWKWARD, 8
            of another network.
        seed: of weights, inputs and the draw; bound: on the relative error.
    Yields:
        A `BlockError` for each neuron, scheme and block.
    """
    if entries is None:
        entries = 8 if config else 10**9
    for neuron in ("oscillator", "ctrnn"):
        for scheme in ("exponential", "euler"):
            checked = dataclasses.replace(
                config or AWKWARD, neuron=neuron, scheme=scheme, dtype="float64"
            )
            yield from _check_one(checked, entries, seed, bound)


def _check_one(config, entries, seed, bound):
    rng = np.random.default_rng(seed)
    net = Network(config, seed=seed)
    net.parameters += 0.2 * rng.standard_normal(net.parameters.size)  # so that biases take part
    shortest = max(config.readout_window, 2)
    lengths = np.array([shortest + 3, shortest, shortest + 1])
    u = rng.uniform(-1, 1, (3, config.inputs, lengths.max()))
    labels = rng.integers(0, config.outputs, 3)
    _, gradient = net.loss_and_grad(u, labels, lengths)
    for block, (where, _) in net.layout.blocks.items():
        exists = (
            np.arange(where.start, where.stop)
            if net.mask is None
            else where.start + np.flatnonzero(net.mask[where])
        )
        chosen = rng.permutation(exists)[:entries]
        scale = np.abs(gradient[where]).max()
        numeric = np.array(
            [_central_difference(net, i, u, labels, lengths, scale * bound / 20) for i in chosen]
        )
        error = (
            float(np.abs(gradient[chosen] - numeric).max() / scale)
            if scale > 0
            else float(np.abs(numeric).max())
        )
        yield BlockError(
            config.neuron, config.scheme, block, len(chosen), error, error <= bound
        )  # a NaN is not <= anything


def _central_difference(net, index, u, labels, lengths, wanted):
    """Derivative of the loss by parameter `index`; starts from several steps until the
    error estimate is below `wanted`.

    Where scipy halves the step too often two estimates may agree by chance, to their
    rounding: what that makes of a derivative counts as error, too. Halving often is
    also what a small `wanted` does where the block's gradient is small against the
    loss, so five times that much is tried as well.
    """
    kept = net.parameters[index]

    @np.vectorize
    def loss(value):
        net.parameters[index] = value
        return net.loss(u, labels, lengths)

    try:
        rounding, best, least = 2 * np.finfo(float).eps * abs(loss(kept)), None, np.inf
        for tolerance, initial_step in itertools.product(
            (wanted, 5 * wanted), (0.4, 0.2, 0.1, 0.02, 0.004)
        ):
            result = derivative(
                loss,
                kept,
                initial_step=initial_step,
                order=8,
                tolerances={"atol": tolerance, "rtol": 0},
            )
            error = max(result.error, rounding * 2**result.nit / initial_step)
            if error < least or best is None:
                best, least = result.df, error
            if least <= wanted:
                break
        return best
    finally:
        net.parameters[index] = kept
