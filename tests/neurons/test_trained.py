"""Trained quantities of the built-in neurons: gradients against the complex step on a
twin in NumPy and against differences.
"""

import dataclasses

import numpy as np
import owntwin
import pytest
import twin

import spinrnn
from spinrnn.config.run import LARGEST_NUMBER
from spinrnn.networks import planning

SEED = 7
OSCILLATOR = ("relaxation_time", "bias_ratio", "nonlinear_damping")
DAMPED = spinrnn.Oscillator(nonlinear_damping=0.4)
FLOORLESS = spinrnn.Oscillator(nonlinear_damping=0.4, power_floor=0.0)
NOISY = spinrnn.Oscillator(nonlinear_damping=0.4, thermal_power=3e-3)
SPREAD = spinrnn.Spread(gamma=0.2, nonlinear_damping=0.3, bias=0.1, gain=0.4, seed=3)
MASKED = {"density_int": 0.5, "density_ext": 0.6, "layers": (4, 3)}
NEURON, EULER = {"trained_per": "neuron"}, {"scheme": "euler"}
CASES = {
    "exponential": (DAMPED, {}),
    "euler": (DAMPED, EULER | NEURON),
    "undamped": (spinrnn.Oscillator(), NEURON),
    "spread": (DAMPED, {"spread": SPREAD, "readout_window": 2}),
    "spread euler": (FLOORLESS, {"spread": SPREAD} | EULER | MASKED),
    "noise": (NOISY, MASKED | NEURON),
    "noise euler": (NOISY, {"spread": SPREAD} | EULER),
    "filter": (DAMPED, {"highpass_time": 15e-9, "readout_window": 1} | NEURON),
    "no filter": (DAMPED, {"highpass_time": 0.0}),
    "strong": (DAMPED, {"amplification": 40.0, "spread": SPREAD}),
    "ctrnn exponential": (spinrnn.CTRNN(), MASKED),
    "ctrnn euler": (spinrnn.CTRNN(), EULER | NEURON),
    "ctrnn filter": (spinrnn.CTRNN(), {"highpass_time": 15e-9, "readout_window": 2}),
}


def problem(neuron, seed=1, **changes):
    """(network, inputs, labels, lengths), its trained quantities away from nominal."""
    own = OSCILLATOR if neuron.kind == "oscillator" else ("relaxation_time",)
    known = {"layers": (3, 2), "inputs": 2, "outputs": 3, "substeps": 3, "dtype": "float64"}
    changes = {**known, "neuron": neuron, "trained": own, **changes}
    net = spinrnn.Network(spinrnn.NetworkConfig(**changes), seed=seed)
    rng = np.random.default_rng(seed)
    net.parameters += 0.3 * rng.normal(size=net.parameters.size)
    for place in places(net):
        net.parameters[place] = rng.uniform(0.05, 0.3) * rng.choice([-1, 1])
    if "nonlinear_damping" in net.config.trained and neuron.nonlinear_damping == 0:
        for layer in range(2):
            net.parameters[net.layout.places(f"neuron_nonlinear_damping_{layer}")] = 0.2
    u = rng.normal(size=(4, 2, 5))
    return net, u, rng.integers(0, 3, 4), np.array([5, 2, 4, 5])


def places(net):
    """Of all trained quantities in the flat vectors."""
    blocks = net.layout.blocks.items()
    own = [where for name, (where, _) in blocks if name.startswith("neuron_")]
    return [place for where in own for place in range(where.start, where.stop)]


def advance(config, q, states, drive, where):
    """A substep of a layer of built-in neurons, as `twin` writes it."""
    (p,), (substep, case, first) = states, where
    if config.neuron.kind == "ctrnn":
        x = q["rate"] * config.reduced().step
        kappa = x if config.scheme == "euler" else 1 - np.exp(-x)
        return [p + kappa * (np.tanh(drive) - p)]
    g, damping = q["damping"], q["saturation"] / q["damping"]
    if config.neuron.noisy:
        neurons = range(first, first + len(p))
        noise = np.transpose([twin.normals(SEED, substep, case, n) for n in neurons])
        after = twin.noisy_step(config, p, drive, g, damping, noise)
    else:
        after = twin.step_oscillator(config, p, drive, g, damping)
    held = (np.real(after) < q["floor"]) & (q["floor"] > 0)
    return [np.where(held, q["floor"], after)]


def differences(net, u, labels, lengths, place):
    """dLoss/dx of one parameter by central differences, extrapolated to steps of 0."""
    start, table = net.parameters[place], []
    for h in (4e-3, 2e-3, 1e-3):
        losses = []
        for x in (start + h, start - h):
            net.parameters[place] = x
            losses.append(net.loss(u, labels, lengths, SEED))
        row = [(losses[0] - losses[1]) / (2 * h)]
        for i, coarser in enumerate(table[-1] if table else ()):
            row.append(row[i] + (row[i] - coarser) / (4 ** (i + 1) - 1))
        table.append(row)
    net.parameters[place] = start
    return table[-1][-1]


@pytest.mark.parametrize("name", CASES)
def test_the_gradient_is_that_of_the_twin_and_of_differences(name):
    neuron, changes = CASES[name]
    net, u, labels, lengths = problem(neuron, **changes)
    mask = 1 if net.mask is None else net.mask
    views = net.layout.grouped(net.parameters * mask)
    expected = owntwin.logits(net.config, views, u, lengths, net.devices, advance=advance)
    logits, _, gradient = net.logits_loss_grad(u, labels, lengths, SEED)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-11)
    directions = np.eye(net.layout.size)[places(net)]
    exact = owntwin.slopes(net, u, labels, lengths, directions, advance=advance)
    found, largest = gradient[places(net)], np.abs(exact).max()
    np.testing.assert_allclose(found, exact, rtol=1e-11, atol=1e-12 * largest)
    assert np.abs(exact).min() > 1e-7 * largest
    if name == "strong":
        # many neurons are at their floor, whose edge a difference steps over
        return
    measured = [differences(net, u, labels, lengths, place) for place in places(net)]
    np.testing.assert_allclose(found, measured, rtol=1e-8, atol=1e-9 * largest)


@pytest.mark.parametrize("name", ["exponential", "noise euler", "ctrnn exponential"])
def test_segments_do_not_change_a_bit(name):
    neuron, changes = CASES[name]
    net, u, labels, lengths = problem(neuron, **changes)
    u, lengths = np.tile(u, (1, 1, 4)), lengths + 15
    _, gradient = net.loss_and_grad(u, labels, lengths, SEED)
    least = planning.plan(net.config, net._packing(), 4, 20, True, 1).bytes
    try:
        for limit in (net.plan(4, 20).bytes - 1, least):
            spinrnn.set_memory_limit(limit)
            assert net.plan(4, 20).segments > 1
            again = net.loss_and_grad(u, labels, lengths, SEED)[1]
            np.testing.assert_array_equal(again, gradient)
    finally:
        spinrnn.set_memory_limit(None)


@pytest.mark.parametrize(
    "name", ["ctrnn exponential", pytest.param("exponential", marks=pytest.mark.slow)]
)
def test_single_precision_gives_the_same_but_for_rounding(name):
    neuron, changes = CASES[name]
    net, u, labels, lengths = problem(neuron, **changes)
    exact = net.loss_and_grad(u, labels, lengths)[1]
    single = net.replace(dtype="float32").loss_and_grad(u.astype("f4"), labels, lengths)[1]
    np.testing.assert_allclose(single, exact, rtol=0, atol=1e-5 * np.abs(exact).max())


@pytest.mark.parametrize("scheme", ["exponential", "euler"])
@pytest.mark.parametrize("neuron", [NOISY, spinrnn.CTRNN()])
def test_trained_values_are_those_of_a_network_configured_so(neuron, scheme):
    """But for the unit of time, which stays the configured one's."""
    net, u, _, lengths = problem(neuron, scheme=scheme, highpass_time=30e-9)
    for layer in range(2):
        for name in net.config.trained:
            net.parameters[net.layout.places(f"neuron_{name}_{layer}")] = 0.25
    tau = neuron.relaxation_time * np.exp(0.25)
    changed = {"relaxation_time": tau}
    if neuron.kind == "oscillator":
        q = 1.4 * np.exp(0.25) - 1
        changed |= {"bias_ratio": 2 * np.exp(0.25), "nonlinear_damping": q}
    plain = spinrnn.NetworkConfig(
        layers=(3, 2), inputs=2, outputs=3, substeps=3, dtype="float64", scheme=scheme,
        highpass_time=30e-9, neuron=dataclasses.replace(neuron, **changed),
    )  # fmt: skip
    other = spinrnn.Network(plain, seed=1)
    other.parameters = net.parameters[: other.layout.size]
    if neuron.kind == "oscillator":
        for block in ("w_ext", "w_int", "bias"):
            for weights in other.views()[block]:
                weights *= np.exp(0.25)
    np.testing.assert_allclose(
        net.forward(u, lengths, SEED), other.forward(u, lengths, SEED), rtol=1e-10
    )


def test_a_trained_value_stays_within_its_limits():
    """A supercriticality is above 1, which is none of its values, and at most 1e9."""
    net, u, labels, lengths = problem(spinrnn.Oscillator())
    where = [net.layout.places(f"neuron_bias_ratio_{layer}") for layer in range(2)]
    found = []
    for x in (-2.0, -5.0, 21.0, 30.0):
        net.parameters[where[0]] = net.parameters[where[1]] = x
        assert not net.loss_and_grad(u, labels, lengths)[1][[w.start for w in where]].any()
        found.append(net.forward(u, lengths))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[2], found[3])
    for logits, value in ((found[0], np.nextafter(1, 2)), (found[2], LARGEST_NUMBER)):
        other = net.replace(neuron=spinrnn.Oscillator(bias_ratio=float(value)))
        for w in where:
            other.parameters[w] = 0
        np.testing.assert_allclose(other.forward(u, lengths), logits, rtol=1e-12)


def test_values_are_those_of_the_coordinates():
    """Of layers of different kinds those that have the quantity."""
    config = spinrnn.NetworkConfig(
        layers=(2, 3),
        neuron=(spinrnn.CTRNN(2e-9), spinrnn.Oscillator(nonlinear_damping=0.5)),
        trained=("relaxation_time", "nonlinear_damping"),
        trained_per="neuron",
        highpass_time=0,
    )
    net = spinrnn.Network(config)
    net.views()["neuron_relaxation_time"][0][:] = [0.0, np.log(2)]
    net.views()["neuron_nonlinear_damping"][1][:] = [0.0, np.log(2), -9.0]
    found = net.trained_values()
    assert {name: list(layers) for name, layers in found.items()} == {
        "nonlinear_damping": [1],
        "relaxation_time": [0, 1],
    }
    np.testing.assert_allclose(found["relaxation_time"][0], [2e-9, 4e-9], rtol=1e-6)
    np.testing.assert_allclose(found["relaxation_time"][1], [10e-9] * 3)
    # 1 + Q is what is scaled, and Q has a limit
    np.testing.assert_allclose(found["nonlinear_damping"][1], [0.5, 2.0, 0.0], rtol=1e-6)
    assert spinrnn.Network().trained_values() == {}
