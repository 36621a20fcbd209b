"""The drive that a neuron receives over a sequence, summed."""

import numpy as np

from spinrnn.errors import DataError

_BYTES = 64e6
"""Size of the trajectories kept at a time."""


def cumulative_drive(net, u, lengths=None):
    """Mean over cases, input points and neurons of | integral over one input interval of (I(t) - gamma xi_0) dt |, dimensionless.

    Name and reference value 1 are the paper's, the definition is ours: far below 1 a neuron cannot follow its input. In the CTRNN, which has no
    threshold, the argument of tanh takes the place of (I - gamma xi_0) / gamma. Of devices that differ xi_0 is each one's own fixed bias.

    Args:
        net: `Network`; u: (case, channel, time); lengths: (case,) input points of each case, or None, as in `Network.forward`.
    Returns:
        float.
    Raises:
        DataError: inputs do not fit, or there are none; DivergenceError: a state became infinite or NaN.
    """
    u, lengths = net.check_inputs(u, lengths)
    if not len(u):
        raise DataError("inputs: no cases, the cumulative drive is a mean over them")
    config = net.config
    substeps, neurons = config.resolved_substeps, sum(config.layers)
    if config.neuron == "oscillator":
        scale, bias = (
            config.input_interval / substeps,
            config.bias_ratio * config.input_interval / config.relaxation_time,
        )
    else:
        scale, bias = config.input_interval / config.relaxation_time / substeps, 0.0
    # a trajectory has four numbers for each case, neuron and substep, and `simulate` another four while it works
    cases = max(
        1, int(_BYTES / (8 * np.dtype(config.dtype).itemsize * neurons * u.shape[2] * substeps))
    )
    own = (
        [np.ones(n) for n in config.layers]
        if net.devices is None
        else net.devices.by_layer(config)["bias"]
    )
    total = 0.0
    for start in range(0, len(u), cases):
        part = slice(start, start + cases)
        for factor, drive in zip(
            own, net.simulate(u[part], lengths[part], start).drive, strict=True
        ):  # noise of its own for each part
            integral = (
                drive.reshape(*drive.shape[:2], -1, substeps).sum(axis=-1, dtype=np.float64) * scale
                - (bias * factor)[:, None]
            )
            total += float(np.nansum(np.abs(integral)))  # NaN after a case's own end
    return total / (int(lengths.sum()) * neurons)
