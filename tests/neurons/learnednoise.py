"""The noise of a learned device in its compiled level, against the lines of docs."""

import numpy as np
from numba import config

import spinrnn
from spinrnn.kernels.leveled import called_level
from spinrnn.kernels.random import kicks, scramble
from spinrnn.neurons.learnedstep import linearised, of_one_drive, step

NEURON = spinrnn.Learned.example()
SEED = (11, 12)
H = 0.2


def noisy_step(s, drive):
    """s', J, b of the level's first neuron and sample with noise."""
    q = tuple(NEURON.numbers(NEURON.time_unit, UNIT).values())
    functions = NEURON.functions("exponential")
    call = called_level(functions, len(q), 2, "learned", seed=SEED)
    return call(q, NEURON.shared(), H, s, drive, 1.0)


UNIT = dict.fromkeys(("drive_gain", "output_gain", "speed"), 1.0)


def normals():
    """Two standard normal numbers of the first neuron and sample; of compiled code what
    they must be for another state, as they do not depend on it."""
    if not config.DISABLE_JIT:
        s, drive = (-0.7, 0.1), 0.2
        quiet, root = amplitude(s, drive)
        return (np.array(noisy_step(s, drive)[0]) - quiet) / root
    first, second = scramble(*(np.uint32(0),) * 2, *map(np.uint32, SEED))
    lengths, cosines = np.empty(8), np.empty(8)
    kicks(0, 1, 0, first, second, lengths, cosines)
    angle = 2 * np.arccos(cosines[0])
    return np.sqrt(lengths[0]) * np.array([np.cos(angle), np.sin(angle)])


def amplitude(s, drive):
    """(s' of a quiet step, deviation of the noise of its start), s being scaled."""
    q, device = NEURON.numbers(NEURON.time_unit, UNIT), NEURON.device
    quiet = step(tuple(q.values()), NEURON.shared(), H, s, drive, 1.0)[0]
    network = of_one_drive(device, device.diffusion, 0)
    u = q["gain"] * drive + q["shift"]
    logarithm, _ = linearised(network, np.array([*s, u]))
    return np.array(quiet), np.exp(logarithm) * np.sqrt(H * q["rate"])


def wanted(s, drive):
    """s' with noise."""
    quiet, root = amplitude(s, drive)
    return quiet + root * normals()


def distances_of_noise():
    """(of the step, of its derivatives) from these lines and their complex step."""
    x, worst = np.array([0.4, -0.3, 0.8]), []
    after, jacobian, by_drive, _ = noisy_step(tuple(x[:2]), x[2])
    columns = []
    for j in range(3):
        shifted = x.astype(complex)
        shifted[j] += 1e-30j
        columns.append(np.imag(wanted(tuple(shifted[:2]), shifted[2])) / 1e-30)
    found = np.column_stack([np.array(jacobian), by_drive])
    worst = [np.abs(after - wanted(tuple(x[:2]), x[2])), np.abs(found - np.array(columns).T)]
    return [float(np.max(distance)) for distance in worst]
