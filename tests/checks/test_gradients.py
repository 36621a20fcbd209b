"""The hand-derived gradient against three independent references: the complex step on a
NumPy twin, central differences, a direction.
"""

import dataclasses
import itertools

import numpy as np
import pytest
import twin

import spinrnn
from spinrnn.config import kinds
from spinrnn.networks import packing

CASES = [
    {"substeps": 3, "nonlinear_damping": 0.4, "readout_window": 2},
    {"substeps": 1, "readout_window": 0},
    {
        "substeps": 2,
        "density_int": 0.5,
        "density_ext": 0.6,
        "readout_window": 1,
        "amplification": (1.0, 2.5, 0.7),
    },
    {
        "substeps": 6,
        "input_interval": 30e-9,
        "readout_window": 3,
        "output_amplification": 3.0,
        "highpass_time": 15e-9,
        "readout_features": "quadratic",
    },
]
KINDS = list(itertools.product(("oscillator", "ctrnn"), ("exponential", "euler")))
SOME = [*KINDS[:3], pytest.param(*KINDS[3], marks=pytest.mark.slow)]
"""For what has many cases: each kind and each scheme is quick once."""


def problem(neuron, scheme, changes, seed=0, layers=(3, 5, 2), scale=1.0):
    """A network with all parameters away from zero, inputs of unequal lengths, labels."""
    config = spinrnn.NetworkConfig(
        layers=layers, inputs=2, outputs=3, neuron=neuron, scheme=scheme, dtype="float64", **changes
    )
    rng = np.random.default_rng(seed)
    net = spinrnn.Network(config, seed=seed)
    net.parameters += 0.3 * rng.normal(size=net.parameters.size)
    lengths = np.array([6, 3, 5, 6])
    return net, scale * rng.normal(size=(4, 2, 6)), rng.integers(0, 3, 4), lengths


def seen(net):
    """The parameters as the network uses them, masked entries zero."""
    return net.layout.grouped(net.parameters * (1 if net.mask is None else net.mask))


@pytest.mark.parametrize("changes", CASES)
@pytest.mark.parametrize(("neuron", "scheme"), SOME)
def test_forward_and_gradient_agree_with_the_twin(neuron, scheme, changes):
    net, u, labels, lengths = problem(neuron, scheme, changes)
    reference = twin.logits(net.config, seen(net), u, lengths)
    np.testing.assert_allclose(
        net.forward(u, lengths), reference, rtol=0, atol=1e-12 * np.abs(reference).max()
    )
    loss, gradient = net.loss_and_grad(u, labels, lengths)
    assert loss == pytest.approx(twin.loss(net.config, seen(net), u, labels, lengths), rel=1e-13)
    exact = twin.complex_step_gradient(
        net.config, net.layout, net.parameters, net.mask, u, labels, lengths
    )
    for block, (where, _) in net.layout.blocks.items():
        assert np.abs(exact[where]).max() > 1e-6, f"{block} takes no part in the test"
        np.testing.assert_allclose(
            gradient[where],
            exact[where],
            rtol=0,
            atol=1e-12 * np.abs(exact[where]).max(),
            err_msg=block,
        )


@pytest.mark.parametrize(("neuron", "scheme"), KINDS)
def test_strong_negative_drive_too(neuron, scheme):
    """Inputs of both signs ten times larger reach both branches of eq. (5), deep decay
    and saturation of tanh.
    """
    net, u, labels, lengths = problem(
        neuron, scheme, {"substeps": 4, "output_amplification": 1.0}, scale=4.0
    )
    if neuron == "oscillator":
        drives = (
            np.concatenate([d[np.isfinite(d)] for d in net.simulate(u, lengths).drive])
            * net.config.relaxation_time
        )
        assert drives.min() < -2 < 4 < drives.max()
    _, gradient = net.loss_and_grad(u, labels, lengths)
    exact = twin.complex_step_gradient(
        net.config, net.layout, net.parameters, net.mask, u, labels, lengths
    )
    np.testing.assert_allclose(gradient, exact, rtol=0, atol=1e-12 * np.abs(exact).max())


@pytest.mark.parametrize("scheme", ["exponential", "euler"])
def test_an_active_floor_passes_no_gradient(scheme):
    """A high floor is reached by some neurons at some times; the twin clamps with the same rule."""
    net, u, labels, lengths = problem(
        "oscillator", scheme, {"substeps": 4, "power_floor": 0.09}, scale=4.0
    )
    state = net.simulate(u, lengths).state[0]
    assert (state == 0.09).any()
    assert (state > 0.2).any()
    _, gradient = net.loss_and_grad(u, labels, lengths)
    exact = twin.complex_step_gradient(
        net.config, net.layout, net.parameters, net.mask, u, labels, lengths
    )
    np.testing.assert_allclose(gradient, exact, rtol=0, atol=1e-12 * np.abs(exact).max())


SPARSE = [(0.05, 0.1), (0.25, 0.2), (0.2, 1.0), (0.6, 0.15), (0.25, 0.9)]
"""Densities of w_int and w_ext for which the sparse kernel takes part, in some also the
dense one.
"""


@pytest.mark.parametrize(("density_int", "density_ext"), SPARSE)
@pytest.mark.parametrize(("neuron", "scheme"), SOME)
def test_sparse_networks_agree_with_the_twin(neuron, scheme, density_int, density_ext):
    changes = {
        "density_int": density_int,
        "density_ext": density_ext,
        "substeps": 2,
        "readout_window": 1,
        "amplification": (1.0, 2.5, 0.7),
    }
    net, u, labels, lengths = problem(neuron, scheme, changes, layers=(6, 8, 5))
    assert net._packing().sparse
    u, labels, lengths = u[:3, :, :4], labels[:3], np.array([4, 2, 3])
    reference = twin.logits(net.config, seen(net), u, lengths)
    np.testing.assert_allclose(
        net.forward(u, lengths), reference, rtol=0, atol=1e-12 * np.abs(reference).max()
    )
    _, gradient = net.loss_and_grad(u, labels, lengths)
    exact = twin.complex_step_gradient(
        net.config, net.layout, net.parameters, net.mask, u, labels, lengths
    )
    np.testing.assert_allclose(gradient, exact, rtol=0, atol=1e-12 * np.abs(exact).max())
    taking_part = [
        block
        for block, (where, _) in net.layout.blocks.items()
        if np.abs(exact[where]).max() > 1e-6
    ]
    assert set(taking_part) >= {"w_int_2", "bias_0", "w_out", "w_ext_2"}
    for block in taking_part:
        where = net.layout.blocks[block][0]
        np.testing.assert_allclose(
            gradient[where],
            exact[where],
            rtol=0,
            atol=1e-12 * np.abs(exact[where]).max(),
            err_msg=block,
        )
    assert (gradient[~net.mask] == 0).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("neuron", "scheme"), KINDS)
def test_dense_and_sparse_kernels_agree(monkeypatch, neuron, scheme, dtype):
    """On the same masks, whatever is the faster; 70 cases are two wide blocks of the
    one and five narrow ones of the other, or more.
    """
    config = spinrnn.NetworkConfig(
        layers=(21, 34, 18),
        inputs=3,
        outputs=4,
        density_int=0.15,
        density_ext=0.4,
        neuron=neuron,
        scheme=scheme,
        dtype=dtype,
        readout_window=1,
    )
    net = spinrnn.Network(config, seed=4)
    rng = np.random.default_rng(0)
    u, labels, lengths = rng.normal(size=(70, 3, 6)), rng.integers(0, 4, 70), rng.integers(1, 7, 70)
    results = []
    for below in (0.0, 0.3, 1.1):
        monkeypatch.setattr(packing, "SPARSE_BELOW", below)
        own = net.replace()
        logits, loss, gradient = own.logits_loss_grad(u, labels, lengths)
        results.append((logits, loss, gradient))
        assert own._packing().sparse == (below > 0)
        kinds = own._packing().pack(own.parameters).table[:, 0]
        assert len(set(kinds)) == (2 if below == 0.3 else 1)
    few = 256 * float(np.finfo(dtype).eps)
    for logits, loss, gradient in results[1:]:
        np.testing.assert_allclose(logits, results[0][0], rtol=0, atol=few * np.abs(logits).max())
        assert loss == pytest.approx(results[0][1], rel=few)
        for where, _ in net.layout.blocks.values():
            np.testing.assert_allclose(
                gradient[where],
                results[0][2][where],
                rtol=0,
                atol=few * np.abs(gradient[where]).max(),
            )


@pytest.fixture
def two_kinds(monkeypatch):
    """Only the oscillator and the CTRNN are known, whose kernels most tests need."""
    both = {name: path for name, path in kinds.BUILT_IN["neuron"].items() if name in dict(KINDS)}
    monkeypatch.setitem(kinds.BUILT_IN, "neuron", both)


@pytest.mark.usefixtures("two_kinds")
@pytest.mark.parametrize("entries", [3, pytest.param(None, marks=pytest.mark.slow)])
def test_central_differences_on_every_block(entries):
    check_all(entries, set(KINDS))


@pytest.mark.slow
def test_central_differences_on_every_block_of_every_kind():
    known = {n: cls for n, cls in kinds.kinds_of("neuron").items() if cls.quadratures == 1}
    every = {(n, scheme) for n, cls in known.items() for scheme in cls.schemes}
    check_all(2, every)


def check_all(entries, known):
    rows = list(spinrnn.check_gradient(entries=entries))
    assert {(r.neuron, r.scheme) for r in rows} == known
    assert len(rows) == len(known) * (3 * 3 + 2)
    assert max(r.error for r in rows) < 1e-8
    assert all(r.ok for r in rows)


@pytest.mark.usefixtures("two_kinds")
def test_a_wrong_gradient_is_seen(monkeypatch):
    """The check itself must be able to fail."""
    right = spinrnn.Network.loss_and_grad

    def wrong(self, *arguments):
        loss, gradient = right(self, *arguments)
        gradient[self.layout.blocks["w_int_1"][0]] *= 1 + 1e-6
        return loss, gradient

    monkeypatch.setattr(spinrnn.Network, "loss_and_grad", wrong)
    failed = {r.block for r in spinrnn.check_gradient(entries=2) if not r.ok}
    assert failed == {"w_int_1"}


def test_near_threshold_in_float32():
    """Around a = 0 the exponential step must not cancel: float32 gradients stay close
    to the float64 ones.
    """
    config = spinrnn.NetworkConfig(
        layers=(8, 8), inputs=1, outputs=3, bias_ratio=1.1, dtype="float64"
    )
    net = spinrnn.Network(config, seed=2)
    net.parameters *= 0.1
    u = np.random.default_rng(0).normal(size=(6, 1, 10))
    labels = np.array([0, 0, 1, 0, 2, 0])
    exact = net.loss_and_grad(u, labels)[1]
    single = net.replace(dtype="float32").loss_and_grad(u, labels)[1]
    for block, (where, _) in net.layout.blocks.items():
        np.testing.assert_allclose(
            single[where],
            exact[where],
            rtol=0,
            atol=1e-4 * np.abs(exact[where]).max(),
            err_msg=block,
        )


@pytest.mark.parametrize(("neuron", "scheme"), KINDS)
def test_many_blocks_add_up(neuron, scheme):
    """150 cases are cut into three blocks; loss and gradient are the mean over single cases."""
    config = spinrnn.NetworkConfig(
        layers=(4, 3), inputs=1, outputs=3, neuron=neuron, scheme=scheme, dtype="float64"
    )
    net = spinrnn.Network(config, seed=1)
    rng = np.random.default_rng(0)
    u, labels, lengths = (
        rng.normal(size=(150, 1, 7)),
        rng.integers(0, 3, 150),
        rng.integers(2, 8, 150),
    )
    loss, gradient = net.loss_and_grad(u, labels, lengths)
    single = [
        net.loss_and_grad(u[i : i + 1], labels[i : i + 1], lengths[i : i + 1]) for i in range(150)
    ]
    assert loss == pytest.approx(np.mean([s[0] for s in single]), rel=1e-13)
    np.testing.assert_allclose(
        gradient, np.mean([s[1] for s in single], axis=0), rtol=0, atol=1e-14
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_do_not_change_a_bit(dtype):
    net = spinrnn.Network(spinrnn.NetworkConfig(dtype=dtype, density_int=0.3), seed=1)
    rng = np.random.default_rng(0)
    u, labels = rng.random((300, 1, 12)), rng.integers(0, 10, 300)
    results = []
    try:
        for threads in (1, 2, 3, 7):
            spinrnn.set_threads(threads)
            results.append(
                (
                    net.forward(u).tobytes(),
                    *(np.asarray(x).tobytes() for x in net.loss_and_grad(u, labels)),
                )
            )
    finally:
        spinrnn.set_threads(None)
    assert len(set(results)) == 1


def test_masked_entries_have_no_effect_and_no_gradient():
    net, u, labels, lengths = problem("oscillator", "exponential", CASES[2])
    before = net.forward(u, lengths)
    net.parameters[~net.mask] = np.nan
    np.testing.assert_array_equal(net.forward(u, lengths), before)
    gradient = net.loss_and_grad(u, labels, lengths)[1]
    assert (gradient[~net.mask] == 0).all()
    assert (gradient[net.mask] != 0).all()


def test_one_layer_one_neuron_many_channels():
    for layers, inputs, outputs in (((1,), 1, 1), ((1, 7), 5, 2), ((70,), 3, 12)):
        config = spinrnn.NetworkConfig(
            layers=layers, inputs=inputs, outputs=outputs, dtype="float64", substeps=2
        )
        net = spinrnn.Network(config, seed=0)
        u = np.random.default_rng(1).normal(size=(3, inputs, 4))
        labels, lengths = np.arange(3) % outputs, np.array([4, 1, 3])
        reference = twin.logits(config, net.views(), u, lengths)
        np.testing.assert_allclose(net.forward(u, lengths), reference, rtol=0, atol=1e-12)
        direction = np.random.default_rng(2).normal(size=net.parameters.size)
        slope = net.loss_and_grad(u, labels, lengths)[1] @ direction
        shifted = net.layout.grouped(net.parameters + 1e-30j * direction)
        assert slope == pytest.approx(
            twin.loss(config, shifted, u, labels, lengths).imag / 1e-30, rel=1e-11, abs=1e-13
        )


def test_padding_after_the_end_is_ignored():
    net, u, labels, lengths = problem("oscillator", "euler", CASES[0])
    loss, gradient = net.loss_and_grad(u, labels, lengths)
    for i, length in enumerate(lengths):
        u[i, :, length:] = 1e6  # would make the Euler step diverge
    again, gradient_again = net.loss_and_grad(u, labels, lengths)
    assert loss == again
    np.testing.assert_array_equal(gradient, gradient_again)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_follows_the_end_cannot_blow_up(dtype):
    """Strong positive feedback: the short case would go on growing after its end, while
    the long one is driven to its floor.
    """
    config = spinrnn.NetworkConfig(
        layers=(2,), inputs=1, outputs=2, scheme="euler", substeps=4, dtype=dtype
    )
    net = spinrnn.Network(config, seed=0)
    net.views()["w_int"][0][:] = 25 * np.eye(2)
    net.views()["w_ext"][0][:] = 1
    u, labels, lengths = np.full((2, 1, 1600), -6.0), np.array([0, 1]), np.array([1, 1600])
    u[0] = 0.05
    loss, gradient = net.loss_and_grad(u, labels, lengths)
    alone = [
        net.loss_and_grad(u[i : i + 1], labels[i : i + 1], lengths[i : i + 1]) for i in range(2)
    ]
    assert loss == pytest.approx((alone[0][0] + alone[1][0]) / 2, rel=1e-6)
    np.testing.assert_allclose(gradient, (alone[0][1] + alone[1][1]) / 2, rtol=1e-5)


def test_replace_changes_the_steps_and_not_the_parameters():
    net, u, _, lengths = problem("oscillator", "exponential", CASES[0])
    finer = net.replace(substeps=24)
    np.testing.assert_array_equal(finer.parameters, net.parameters)
    expected = twin.logits(dataclasses.replace(net.config, substeps=24), seen(net), u, lengths)
    np.testing.assert_allclose(finer.forward(u, lengths), expected, rtol=0, atol=1e-11)
    with pytest.raises(spinrnn.ConfigError, match="layers"):
        net.replace(layers=(3, 5))
