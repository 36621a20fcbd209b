"""Check of the exact gradient of networks that settle against central differences.

A block is compared where its synapse has a derivative.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from spinrnn.checks.gradient import BOUND, BlockError, difference, largest_error
from spinrnn.config.symmetric import SymmetricConfig
from spinrnn.networks.symmetric import SymmetricNetwork
from spinrnn.synapses.layout import layer_of

CASES, ENTRIES = 7, 8
"""Cases, and entries that are drawn from each block."""


def check_symmetric(
    config: SymmetricConfig, entries: int = ENTRIES, seed: int = 0, bound: float = BOUND
) -> Iterator[BlockError]:
    """Compares gradients in float64 on random inputs, through all steps.

    Args:
        config: its dtype is replaced; entries: number of those drawn from each block.
        seed: of weights, inputs and the draw; bound: on the relative error.
    Yields:
        One for each block, of one without a derivative with 0 entries.
    """
    config = dataclasses.replace(config, dtype="float64")
    rng, net = np.random.default_rng([seed, 1]), SymmetricNetwork(config, seed=seed)
    for bias in net.views()["bias"]:
        bias += 0.1 * rng.standard_normal(bias.shape)
    u = rng.uniform(-1, 1, (CASES, config.inputs, 1))
    labels = rng.integers(0, config.outputs, CASES)
    gradient, slope = net.loss_and_grad(u, labels)[1], _slope(net, u, labels)
    rounding = 4 * np.finfo(float).eps * float(np.abs(slope * np.real(net.settle(u)[-1])).sum())
    kind, scheme, last = config.neuron.kind, config.resolved_scheme, len(config.layers)
    for block in net.layout.blocks:
        if block.startswith("w_") and not config.synapses[layer_of(block, last)].exact:
            yield BlockError(kind, scheme, block, 0, 0.0, True)
            continue
        where = net.layout.places(block)
        chosen = where.start + rng.permutation(where.stop - where.start)[:entries]
        scale = np.abs(gradient[where]).max()
        wanted = scale * bound / 20 if 0 < scale < np.inf else 1e-9
        size = max(float(np.abs(net.parameters[where]).mean()), 0.1)
        found = [_difference(net, u, slope, i, wanted, rounding, size) for i in chosen]
        right, unknown = np.array(found).T
        unknown = np.where(unknown > 5 * wanted, unknown, 0)
        error = largest_error(gradient[chosen], right, unknown, scale)
        # a NaN is not <= anything
        yield BlockError(kind, scheme, block, len(chosen), error, bool(error <= bound))


def _slope(net, u, labels):
    """(case, n) of the mean loss by what the outputs' neurons emit."""
    prepared = net.prepared()
    batch = prepared.batch_of(u, labels, None)
    free = prepared.free(batch.u[:, :, 0])
    return prepared.losses(free, batch.targets)[1][:, : len(u)].T


def _difference(net, u, slope, index, wanted, rounding, size):
    """(derivative of the mean loss by a parameter, its error): with the slope as it is
    now that of a sum which is linear in what is emitted.
    """
    other = net.replace()

    def projected(value):
        other.parameters[index] = value
        return float((slope * np.real(other.settle(u)[-1])).sum())

    return difference(projected, net.parameters[index], wanted, rounding, size)
