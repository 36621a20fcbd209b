"""Check of the gradient of networks without time against central differences.

A block is compared where the way from it to the loss has a derivative: behind the last
neuron with a stand-in for one, as a sign, and if its synapse's is exact.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
from scipy.special import softmax

from spinrnn.checks.gradient import BOUND, BlockError, difference, largest_error
from spinrnn.config import kinds
from spinrnn.config.feedforward import FeedforwardConfig
from spinrnn.networks.feedforward import FeedforwardNetwork
from spinrnn.networks.running import Batch
from spinrnn.synapses.layout import layer_of

CASES = 7
AWKWARD = FeedforwardConfig(
    layers=(5, 4),
    inputs=6,
    outputs=3,
    amplification=(1.0, 1.5, 0.8),
    output_amplification=2.0,
)
"""The network that is checked unless another is given, with and without batch
normalisation."""


def check_feedforward(
    config: FeedforwardConfig | None = None,
    entries: int | None = None,
    seed: int = 0,
    bound: float = BOUND,
) -> Iterator[BlockError]:
    """Compares gradients in float64 on random inputs, with the statistics of the batch.

    Args:
        config: its dtype is replaced; None means `AWKWARD` with all kinds of
            activations, amplified to their usual drives, with batch normalisation and
            without.
        entries: number of entries drawn from each block; None means all of AWKWARD, 8
            of another network.
        seed: of weights, inputs and the draw; bound: on the relative error.
    Yields:
        One for each block, of one without a derivative with 0 entries; its `neuron` is
        the activation, its `scheme` the normalisation.
    """
    if config is not None:
        given = dataclasses.replace(config, dtype="float64")
        yield from check_one(given, 8 if entries is None else entries, seed, bound)
        return
    for activation, kind in kinds.kinds_of("activation").items():
        for normalisation in ("none", "batch"):
            first, second, last = AWKWARD.amplifications
            between = second * kind.usual_drive / kind.usual_value
            gains = first * kind.usual_drive, between, last / kind.usual_value
            own = dataclasses.replace(
                AWKWARD,
                activation=activation,
                normalisation=normalisation,
                amplification=gains,
                dtype="float64",
            )
            yield from check_one(own, 10**9 if entries is None else entries, seed, bound)


def check_one(
    config: FeedforwardConfig, entries: int, seed: int, bound: float
) -> Iterator[BlockError]:
    """`check_feedforward` of a configuration."""
    rng = np.random.default_rng([seed, 1])
    net = FeedforwardNetwork(config, seed=seed)
    # so that biases, gains and shifts take part
    for block, view in net.layout.named(net.parameters).items():
        if not block.startswith("w_"):
            hidden = layer_of(block, 0) < len(config.layers)
            view += 0.1 * rng.standard_normal(view.shape)
            view *= config.activation.usual_drive if hidden else 1.0
    u = rng.uniform(-1, 1, (CASES, config.inputs, 1))
    labels = rng.integers(0, config.outputs, CASES)
    gradient = net.loss_and_grad(u, labels)[1]
    outputs = _outputs(net, u)
    slope = (softmax(outputs, axis=1) - np.eye(config.outputs)[labels]) / CASES
    rounding = 4 * np.finfo(float).eps * float(np.abs(slope * outputs).sum())
    kind, normal = config.activation.kind, config.normalisation
    exact = compared(config, net)
    for block in net.layout.blocks:
        if block not in exact:
            yield BlockError(kind, normal, block, 0, 0.0, True)
            continue
        where = net.layout.places(block)
        chosen = where.start + rng.permutation(where.stop - where.start)[:entries]
        scale = np.abs(gradient[where]).max()
        wanted = scale * bound / 20 if np.isfinite(scale) else 1.0
        size = float(np.abs(net.parameters[where]).mean())
        found = [_difference(net, u, slope, i, wanted, rounding, size) for i in chosen]
        right, unknown = np.array(found).T
        unknown = np.where(unknown > 5 * wanted, unknown, 0)
        error = largest_error(gradient[chosen], right, unknown, scale)
        # a NaN is not <= anything
        yield BlockError(kind, normal, block, len(chosen), error, bool(error <= bound))


def compared(config: FeedforwardConfig, net: FeedforwardNetwork) -> list[str]:
    """Names of the blocks whose gradient is a derivative."""
    last, found = len(config.layers), []
    for block in net.layout.blocks:
        layer = layer_of(block, last)
        exact = config.activation.exact or layer == last
        own = not block.startswith("w_") or config.synapses[layer].exact
        found += [block] if exact and own else []
    return found


def _outputs(net, u):
    """(case, K) with the statistics of the batch, as in training."""
    lengths = np.ones(len(u), dtype=np.int64)
    return net.run_batch(Batch(u, lengths))[:, :, 0]


def _difference(net, u, slope, index, wanted, rounding, size):
    """(derivative of the mean loss by a parameter, its error).

    With e = softmax(o) - [label] at the present parameters, it is that of the sum of e
    o, which is linear in the outputs.
    """
    other = net.replace()

    def projected(value):
        other.parameters[index] = value
        return float((slope * _outputs(other, u)).sum())

    return difference(projected, net.parameters[index], wanted, rounding, size)
