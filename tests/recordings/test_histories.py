"""From blocks to trajectories: each number has its layer, neuron, case, time, unit."""

import numpy as np
import pytest

import spinrnn
from spinrnn.recordings.histories import taker

LAYERS = (2, 3)


class Collected:
    """A sink that keeps what it is given, in arrays as long as the longest case."""

    def __init__(self, times, dtype):
        self.times, self.dtype, self.arrays, self.logits = times, dtype, {}, {}

    def array(self, variable, layer, cases):
        shape = (cases.stop - cases.start, LAYERS[layer], self.times[variable])
        return np.full(shape, -7, self.dtype)

    def put(self, variable, layer, cases, filled):
        self.arrays[variable, layer, cases.start] = filled

    def end(self, cases, logits):
        self.logits[cases.start] = logits


def block(levels, cases, offset):
    """(time, neuron, case) whose number says time, neuron and case: 100 t + 10 n + c +
    offset.
    """
    t, n, c = np.meshgrid(np.arange(levels), np.arange(5), np.arange(cases), indexing="ij")
    return 100.0 * t + 10 * n + c + offset


def taken(every, dtype=np.float64, lengths=(3, 2), **changes):
    """What a sink gets of cases 4 and 5, whose block is 6 substeps long, of a longest
    of 8.
    """
    settings = {"layers": LAYERS, "substeps": 2, "relaxation_time": 4e-9, "dtype": "float64"}
    config = spinrnn.NetworkConfig(**settings | changes)
    every_length = np.array([4, 4, 4, 4, *lengths])
    times = {
        "p": 8 // every + 1,
        "m": 8 // every + 1,
        "output": 8 // every + 1,
        "drive": 8 // every,
    }
    sink = Collected(times, dtype)
    take = taker(sink, config, every_length, ("p", "m", "drive", "output"), (1, 0), every)
    state, mean, drive = block(7, 2, 0.0), block(7, 2, 0.25) / 2, block(7, 2, 0.5)
    take(slice(4, 6), (state,), mean, drive, np.array([[1.0], [2.0]]))
    return sink


@pytest.mark.parametrize("every", [1, 2, 3])
def test_each_number_is_that_of_its_layer_neuron_case_and_time(every):
    sink = taken(every)
    for layer, first in ((0, 0), (1, 2)):
        for case, substeps in ((0, 6), (1, 4)):
            for neuron in range(LAYERS[layer]):
                known = [t for t in range(0, 7, every) if t <= substeps]
                held = [t for t in range(0, 6, every) if t < substeps][: 8 // every]
                p = np.array([100 * t + 10 * (first + neuron) + case for t in known])
                drive = [(100 * t + 10 * (first + neuron) + case + 0.5) / 4e-9 for t in held]
                expected = {"p": p, "m": (p + 0.25) / 2, "output": p - (p + 0.25) / 2}
                for variable, values in (expected | {"drive": drive}).items():
                    found = sink.arrays[variable, layer, 4][case, neuron]
                    np.testing.assert_allclose(found[: len(values)], values, rtol=1e-15)
                    assert np.isnan(found[len(values) :]).all()
    assert sink.logits[4].tolist() == [[1.0], [2.0]]


def test_numbers_are_rounded_once_where_the_sink_has_a_smaller_kind():
    exact, rounded = taken(1), taken(1, np.float32)
    for key, array in exact.arrays.items():
        np.testing.assert_array_equal(rounded.arrays[key], array.astype(np.float32))


def test_the_drive_of_a_ctrnn_has_no_unit():
    sink = taken(1, neuron="ctrnn")
    assert sink.arrays["drive", 1, 4][1, 2, :4].tolist() == [41.5, 141.5, 241.5, 341.5]


def test_the_drive_is_that_of_the_substep_it_is_held_for():
    """Steps of equation (1) by hand, from the states and drives that are stored."""
    config = spinrnn.NetworkConfig(
        layers=(1,), inputs=1, outputs=1, substeps=1, scheme="euler", dtype="float64"
    )
    trajectory = spinrnn.Network(config, seed=3).simulate(np.array([[[0.5, -1.0, 2.0]]]))
    p, drive = trajectory.state[0][0, 0], trajectory.drive[0][0, 0]
    gamma, q, h = 1 / config.relaxation_time, config.nonlinear_damping, config.input_interval
    expected = p[:-1] + h * p[:-1] * (drive * (1 - p[:-1]) - gamma * (1 + q * p[:-1]))
    np.testing.assert_allclose(p[1:], np.maximum(expected, config.power_floor), rtol=1e-12)
    assert np.ptp(drive) > 0.01 * gamma
