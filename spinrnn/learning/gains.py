"""Initial weights of a size that is chosen by the drive that they cause.

Weights are drawn for inputs of order 1 and an input interval of about a relaxation
time. Of other data and time scales the drive is far from what neurons can follow: the
accuracies of the paper's fig. 3 saturate near a cumulative drive of 1.
"""

import numpy as np

from spinrnn.networks.driving import layer_drives
from spinrnn.networks.recurrent import Network

WANTED = 1.0
"""Mean cumulative drive of each layer."""
TOLERANCE = 0.02
LEAST = 1e-5
"""A drive below it is rounding of the drive at rest in float32."""
CASES = 64
"""Training cases on which the drive is measured, evenly spread."""
ROUNDS = 16
LARGEST_STEP = 10.0
"""Factor of a round."""


def choose_gains(net: Network, training) -> tuple[np.ndarray, np.ndarray]:
    """Scales W_ext and W_int of each layer, in the order of the layers, in place, until
    their neurons have the wanted drive.

    A layer whose drive saturates below it, or that has none, keeps what it has after
    `ROUNDS`.

    Args:
        training: `Dataset` of the training part.
    Returns:
        (L,) cumulative drives before, and after.
    Raises:
        DivergenceError: a state became infinite or NaN.
    """
    cases = np.linspace(0, len(training) - 1, min(CASES, len(training))).astype(int)
    part, views = training.take(np.unique(cases)), net.views()

    def drives():
        return layer_drives(net, part.inputs, part.lengths)

    before = found = drives()
    for layer in range(len(net.config.layers)):
        for _ in range(ROUNDS):
            if found[layer] < LEAST or abs(found[layer] / WANTED - 1) <= TOLERANCE:
                break
            # the root, as a drive that feeds back grows faster than its weights
            factor = np.sqrt(WANTED / found[layer])
            factor = np.clip(factor, 1 / LARGEST_STEP, LARGEST_STEP)
            views["w_ext"][layer][...] *= factor
            views["w_int"][layer][...] *= factor
            found = drives()
    return before, found
