"""What drives a network's neurons: sums of the integrals of drives over input
intervals, by simulation.
"""

from collections.abc import Iterator

import numpy as np

from spinrnn.errors import DataError
from spinrnn.networks.recurrent import Network

_BYTES = 64e6
"""Size of the trajectories kept at a time."""


def drive_sums(
    net: Network, u: np.ndarray, lengths: np.ndarray | None = None
) -> Iterator[tuple[int, float]]:
    """(layer, sum over cases, input points and neurons of | integral over an interval
    of (I - I_rest) dt |), dimensionless; of some cases after the others.

    The drive at rest is gamma xi_0; of devices that differ each one's own fixed bias.
    In the CTRNN, which has no threshold, the argument of tanh takes the place of
    (I - gamma xi_0) / gamma.

    Args:
        u: (case, channel, time); lengths: (case,), or None, as in `Network.forward`.
    Raises:
        DataError: inputs do not fit, or there are none; DivergenceError: a state became
        infinite or NaN.
    """
    inputs, points = net.check_inputs(u, lengths)
    if not len(inputs):
        raise DataError("inputs: no cases, the cumulative drive is a mean over them")
    config, neurons = net.config, sum(net.config.layers)
    substeps, interval = config.resolved_substeps, config.input_interval
    rests, step = _rests(net), interval / substeps
    scales = [
        step if neuron.rate_driven() else step / neuron.time_unit for neuron in config.neurons
    ]
    # a trajectory has four numbers for each case, neuron and substep, `simulate` as
    # many again
    row = 8 * np.dtype(config.dtype).itemsize * neurons * inputs.shape[2] * substeps
    cases = max(1, int(_BYTES / row))
    for start in range(0, len(inputs), cases):
        part = slice(start, start + cases)
        # `start` gives each part noise of its own
        drives = net.simulate(inputs[part], points[part], start).drive
        for layer, (drive, rest, scale) in enumerate(zip(drives, rests, scales, strict=True)):
            sums = drive.reshape(*drive.shape[:2], -1, substeps).sum(axis=-1, dtype=np.float64)
            # NaN after a case's own end
            yield layer, float(np.nansum(np.abs(sums * scale - rest[:, None])))


def layer_drives(net: Network, u: np.ndarray, lengths: np.ndarray | None = None) -> np.ndarray:
    """(L,) mean cumulative drive of each layer's neurons, dimensionless; arguments and
    errors as of `drive_sums`.
    """
    points = int(net.check_inputs(u, lengths)[1].sum())
    totals = np.zeros(len(net.config.layers))
    for layer, total in drive_sums(net, u, lengths):
        totals[layer] += total
    return totals / (points * np.array(net.config.layers))


def _rests(net):
    """[(neuron,) integral of the drive at rest over an input interval] of each
    layer."""
    config = net.config
    scale = config.input_interval / config.time_unit
    return [drive * scale for drive in net.constant_drives()]
