"""Cumulative drive against a naive twin, and where it is known in closed form."""

import numpy as np
import pytest

import spinrnn
from spinrnn.networks import driving as drive_


def naive(net, u, lengths):
    """The definition, one neuron and one input point after the other."""
    c, t = net.config, net.simulate(u, lengths)
    h = c.input_interval / c.resolved_substeps
    gamma = 1 / c.relaxation_time
    values = []
    for drive in t.drive:
        for case in range(len(u)):
            for neuron in range(drive.shape[1]):
                for point in range(lengths[case]):
                    steps = drive[
                        case,
                        neuron,
                        point * c.resolved_substeps : (point + 1) * c.resolved_substeps,
                    ].astype(float)
                    if c.neuron.kind == "oscillator":
                        values.append(
                            abs(sum((i - gamma * c.neuron.bias_ratio) * h for i in steps))
                        )
                    else:
                        values.append(abs(sum(gamma * i * h for i in steps)))
    return np.mean(values)


@pytest.mark.parametrize("neuron", ["oscillator", "ctrnn"])
@pytest.mark.parametrize("chunk", [1, 64e6])
def test_it_is_its_definition(neuron, chunk, monkeypatch):
    monkeypatch.setattr(drive_, "_BYTES", chunk)
    rng = np.random.default_rng(1)
    config = spinrnn.NetworkConfig(
        layers=(3, 2),
        inputs=2,
        outputs=2,
        neuron=neuron,
        input_interval=7e-9,
        relaxation_time=3e-9,
        substeps=3,
        dtype="float64",
    )
    net = spinrnn.Network(config, seed=2)
    u, lengths = rng.normal(size=(5, 2, 4)), np.array([4, 1, 3, 4, 2])
    assert spinrnn.cumulative_drive(net, u, lengths) == pytest.approx(
        naive(net, u, lengths), rel=1e-12
    )
    assert spinrnn.cumulative_drive(net, u) == pytest.approx(naive(net, u, [4] * 5), rel=1e-12)


def test_a_bias_alone_has_a_closed_form():
    """Without couplings the drive is gamma (xi_0 + b), so the integral is b Delta t / tau."""
    net = spinrnn.Network(
        spinrnn.NetworkConfig(
            layers=(3,), input_interval=5e-9, relaxation_time=20e-9, bias_ratio=3.0, dtype="float64"
        )
    )
    net.parameters[:] = 0
    net.views()["bias"][0][:] = [0.5, -1.0, 2.0]
    assert spinrnn.cumulative_drive(net, np.ones((4, 1, 6))) == pytest.approx(
        3.5 / 3 / 4, rel=1e-12
    )


def test_devices_count_from_their_own_fixed_bias():
    net = spinrnn.Network(
        spinrnn.NetworkConfig(
            layers=(2, 1),
            input_interval=5e-9,
            relaxation_time=20e-9,
            spread_bias=0.3,
            dtype="float64",
        )
    )
    net.parameters[:] = 0
    assert spinrnn.cumulative_drive(net, np.ones((4, 1, 6))) == pytest.approx(0, abs=1e-12)
    net.views()["bias"][1][:] = 3.0
    assert spinrnn.cumulative_drive(net, np.ones((4, 1, 6))) == pytest.approx(3 / 3 / 4, rel=1e-12)


def test_no_cases():
    with pytest.raises(spinrnn.DataError, match="no cases"):
        spinrnn.cumulative_drive(spinrnn.Network(), np.ones((0, 1, 6)))
