"""The network that settles: its steps against plain ones, its adjoint, its two
relaxations against the adjoint, bits for any number of threads, and what it refuses.
"""

import dataclasses
import re

import numpy as np
import pytest

import spinrnn
from spinrnn.config.run import from_tables, to_tables
from spinrnn.config.toml import from_toml, to_toml
from spinrnn.learning.trainer import Trainer
from spinrnn.machine.threads import using

CONFIG = spinrnn.SymmetricConfig(
    layers=(7, 5),
    inputs=6,
    outputs=3,
    units=2,
    steps=8,
    bias_deviation=0.5,
    amplification=(1.0, 1.5, 0.8),
    output_amplification=2.0,
    spread=spinrnn.Spread(gain=0.2, seed=3),
    dtype="float64",
)
KINDS = {
    "rate": spinrnn.Rate(),
    "oscillator": spinrnn.Oscillator(bias_ratio=3.0),
    "ctrnn": spinrnn.CTRNN(),
    "memristor": spinrnn.Memristor(),
    "stuart_landau": spinrnn.StuartLandau(nonlinear_damping=0.5, nonlinear_shift=1.0),
}


def made(cases=11, seed=0, **changes):
    """A network, inputs (case, 2, 3), labels."""
    net = spinrnn.network_of(dataclasses.replace(CONFIG, **changes), seed=seed)
    rng = np.random.default_rng(seed)
    return net, rng.normal(size=(cases, 2, 3)), rng.integers(0, 3, cases)


@pytest.mark.parametrize(
    ("neuron", "start", "text"),
    [
        (spinrnn.Macrospin(), 0.0, "start: 0 would be of macrospin all components of a magnet"),
        (spinrnn.Macrospin(), 1e9, "start: 1e+09 would be of macrospin all components of a mag"),
        (spinrnn.Memristor(), 0.0, "start: 0 would be of memristor its temperature in K, too, "),
    ],
)
def test_a_start_that_no_neuron_can_have_is_refused(neuron, start, text):
    with pytest.raises(spinrnn.ConfigError, match=re.escape(text)):
        made(neuron=neuron, start=start)
    for other in (1.0, 0.05, 20.0):
        assert made(neuron=neuron, start=other)[0].config.start == other


def moved(neuron, h, s, drive):
    """States (d, case, n) after a step of length h in units of time; drive: (case, n),
    complex of neurons of two quadratures.
    """
    if neuron.kind == "stuart_landau":
        return turned(neuron, h, s, drive)
    if neuron.kind == "rate":
        return (1 - h) * s + h * np.clip(drive, 0, 1)[None]
    if neuron.kind == "ctrnn":
        return s + (1 - np.exp(-h)) * (np.tanh(drive) - s)
    if neuron.kind == "binary_rate":
        free = np.clip((1 - h) * s[1] + h * drive, 0, 1)
        return np.stack([(free >= 0.5) * 1.0, free])
    a, p = drive - 1, s[0]
    grown = np.exp(a * h)
    return np.maximum(p * grown / (1 + drive * p * (grown - 1) / a), neuron.power_floor)[None]


def turned(neuron, h, s, field):
    """The step of eq. (E9), whose cubic is solved by its roots."""
    xi, q, c = neuron.bias_ratio, neuron.nonlinear_damping, s[0] + 1j * s[1]
    shift = neuron.nonlinear_shift * (xi + q) / 2
    t = h / 2 * shift * (abs(c) ** 2 - (xi - 1) / (xi + q))
    n = (1 + h / 2 * xi + 1j * t) * c + h * (field + 1j * neuron.reference)
    a, b = 1 + h / 2, h / 2 * (xi + q)
    cubic = [
        np.roots([b * b, 2 * a * b, a * a + own**2, -(abs(goal) ** 2)])
        for own, goal in zip(t.ravel(), n.ravel(), strict=True)
    ]
    power = np.array([roots[abs(roots.imag).argmin()].real for roots in cubic]).reshape(t.shape)
    found = n / (a + b * power - 1j * t)
    return np.stack([found.real, found.imag])


def plain(net, u, steps, wanted=None, beta=0.0, on="state", start=None):
    """[(d, case, n_l)] states after so many steps, one sum after the other: eq. (E1),
    (E4), (E5).
    """
    c, p = net.config, net.layout.named(net.effective())
    numbers = c.neuron.nominal_numbers(c.neuron.time_unit)
    xi, rest = c.neuron.bias(numbers), c.neuron.rest(numbers)
    rest = rest if c.start is None else [c.start] * len(rest)
    gains = np.split(net.buffers.get("devices/gain", np.ones(sum(c.populations))), _tops(c))
    x = u.reshape(len(u), -1)
    s = [np.array([np.full((len(u), n), r) for r in rest]) for n in c.populations]
    s = s if start is None else [own.copy() for own in start]
    h = c.resolved_step / c.neuron.time_unit
    for _ in range(steps):
        two = len(s[0]) if c.neuron.quadratures == 2 else 1
        old = [own[0] + 1j * own[1] if two == 2 else own[0] for own in s]
        for i, own in enumerate(s):
            total = np.einsum("ij,cj->ci", p[f"w_{i}"], x if i == 0 else old[i - 1])
            if i + 1 < len(s):
                total = total + np.einsum("ij,ci->cj", p[f"w_{i + 1}"], old[i + 1])
            last = i + 1 == len(s) and wanted is not None
            if last and on == "drive":
                total = total + beta * (wanted - old[i].real)
            drive = xi + p[f"bias_{i}"] + c.amplifications[i] * gains[i] * total
            s[i] = moved(c.neuron, h, own, drive)
            if last and on == "state":
                pull = beta * h * c.amplifications[i] * gains[i]
                s[i][0] = np.clip(s[i][0] + pull * (wanted - old[i]), 0, 1)
    return s


def _tops(config):
    return np.cumsum(config.populations)[:-1]


SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("ctrnn", "memristor")]
"""Kinds whose kernels nothing else here compiles."""


@pytest.mark.parametrize("kind", ["rate", "oscillator", "stuart_landau", SLOW[0]])
def test_steps_are_those_of_the_formulas(kind):
    net, u, _ = made(neuron=KINDS[kind])
    found = plain(net, u, 8)
    for own, wanted in zip(net.settle(u), found, strict=True):
        shown = wanted[0] + 1j * wanted[1] if kind == "stuart_landau" else wanted[0]
        np.testing.assert_allclose(own, shown, rtol=1e-11, atol=1e-12)
    mean = found[-1][0].reshape(11, 3, 2).mean(axis=2)
    np.testing.assert_allclose(net.forward(u), 2 * (mean - 0.5), rtol=1e-11, atol=1e-11)


def test_a_relaxation_goes_on_while_any_neuron_moves():
    """Here those of the first layer but its last one alone."""
    net, u, _ = made(neuron=KINDS["rate"], step=3e-9)
    views = net.layout.named(net.parameters)
    for name, view in views.items():
        view[...] = view if name == "w_0" else 0
    views["w_0"][-1] = 0
    found = net.settle(u)
    assert 0 < found[0][:, :-1].max() < 1
    np.testing.assert_allclose(found[0], plain(net, u, 8)[0][0], rtol=1e-11, atol=1e-12)
    assert not any(own.any() for own in (found[0][:, -1], *found[1:]))


def test_binary_units_show_on_which_side_of_a_half_they_are():
    """Published with h = tau / 2 and all states 1 at the start."""
    changes = {"step": 5e-9, "start": 1.0, "amplification": 1.0, "layers": (9,)}
    net, u, _ = made(neuron=spinrnn.BinaryRate(), **changes)
    found = plain(net, u, 8)
    emitted = net.settle(u)
    assert {0.0, 1.0} == set(np.concatenate([own.ravel() for own in emitted]))
    for own, wanted in zip(emitted, found, strict=True):
        np.testing.assert_array_equal(own, wanted[0])


@pytest.mark.parametrize("on", ["state", "drive"])
def test_nudged_steps_are_those_of_the_formulas(on):
    net, u, labels = made(step=6e-9)
    prepared = net.prepared()
    batch = prepared.batch_of(u, labels, None)
    free = prepared.free(batch.u[:, :, 0])
    wanted = prepared.wanted(batch.targets, 11)
    goal = np.repeat(np.eye(3)[labels], 2, axis=1)
    np.testing.assert_array_equal(wanted[:, :11], goal.T)
    phase = prepared.nudged(free, wanted, -0.3, 4, on)
    found = plain(net, u, 4, goal, -0.3, on, plain(net, u, 8))
    np.testing.assert_allclose(
        phase.emitted[:, :11].T, np.concatenate([own[0] for own in found], axis=1), atol=1e-12
    )


def test_a_nudged_state_stays_between_0_and_1():
    net, u, labels = made()
    prepared = net.prepared()
    batch = prepared.batch_of(u, labels, None)
    free = prepared.free(batch.u[:, :, 0])
    phase = prepared.nudged(free, prepared.wanted(batch.targets, 11), -5.0, 4)
    goal = np.repeat(np.eye(3)[labels], 2, axis=1)
    found = np.concatenate(
        [own[0] for own in plain(net, u, 4, goal, -5.0, "state", plain(net, u, 8))], axis=1
    )
    np.testing.assert_allclose(phase.emitted[:, :11].T, found, atol=1e-12)
    assert found[:, -6:].min() == 0
    assert found[:, -6:].max() == 1


@pytest.mark.parametrize("kind", ["rate", "oscillator", "stuart_landau", *SLOW])
def test_the_adjoint_is_the_derivative(kind):
    """Of all steps, against central differences, of neurons of one and two states, and
    of two quadratures.
    """
    amplification = 1e2 if kind == "memristor" else (1.0, 1.5, 0.8)
    net, u, labels = made(neuron=KINDS[kind], amplification=amplification)
    _, gradient = net.loss_and_grad(u, labels)
    rng, start = np.random.default_rng(1), net.parameters.copy()
    assert np.abs(gradient).max() > 1e-3
    for i in rng.permutation(len(start))[:25]:
        losses = []
        for step in (-2e-5, -1e-5, 1e-5, 2e-5):
            net.parameters[:] = start
            net.parameters[i] += step
            losses.append(net.loss(u, labels))
        far, near = losses[3] - losses[0], losses[2] - losses[1]
        assert (8 * near - far) / 12e-5 == pytest.approx(gradient[i], rel=1e-8, abs=1e-9)


def test_a_part_of_the_adjoint_is_of_the_last_steps():
    """At the fixed point the gradient through the last K steps is that of K steps from
    there.
    """
    net, u, labels = made(steps=60, amplification=0.6)
    prepared = net.prepared()
    batch = prepared.batch_of(u, labels, None)
    part = prepared.run(batch, 3)[2]
    # all of 3 steps that begin at the fixed point
    short = net.replace(steps=3).prepared()
    short._population.start = None
    states = prepared.free(batch.u[:, :, 0]).phase.states
    settling = short._settling(batch.u[:, :, 0])
    slopes = prepared.losses(prepared.free(batch.u[:, :, 0]), batch.targets)[1]
    g_base, _ = settling.adjoint(states.copy(), 3, slopes, short._wiring.gradient_size)
    np.testing.assert_allclose(
        net.layout.named(part)["bias_2"], g_base[-6:, :11].sum(axis=1), rtol=1e-9, atol=1e-15
    )
    assert np.linalg.norm(part - prepared.run(batch)[2]) > 1e-4 * np.linalg.norm(part)


def interior(kind="rate", layers=(12, 9), cases=9, **changes):
    """A network whose units stay strictly inside (0, 1), after many steps."""
    neuron = KINDS[kind]
    given = {"amplification": 1.0, "start_gain": 0.2, "bias_deviation": 0.0, "steps": 300}
    net, u, labels = made(cases, neuron=neuron, layers=layers, **{**given, **changes})
    for bias in net.views()["bias"]:
        bias[:] = 0.5 if kind == "rate" else 0.0
    return net, 0.2 * u, labels


@pytest.mark.parametrize("nudge", ["state", "drive"])
def test_the_estimate_differs_from_the_adjoint_as_beta_and_its_square(nudge):
    net, u, labels = interior()
    emitted = np.concatenate(net.settle(u), axis=1)
    assert 0 < emitted.min() < emitted.max() < 1
    prepared, exact = net.prepared(), net.loss_and_grad(u, labels)[1]
    betas, errors = np.geomspace(1e-4, 1e-1, 7), {"plus": [], "symmetric": []}
    for sign, found in errors.items():
        for beta in betas:
            estimator = spinrnn.Equilibrium(beta=beta, steps=300, sign=sign, nudge=nudge)
            own = estimator.estimate(prepared, u, labels, None, 0).gradient
            found.append(np.linalg.norm(own - exact) / np.linalg.norm(exact))
    slopes = {n: np.polyfit(np.log(betas), np.log(e), 1)[0] for n, e in errors.items()}
    assert slopes["plus"] == pytest.approx(1, abs=0.02)
    assert slopes["symmetric"] == pytest.approx(2, abs=0.05)
    assert errors["symmetric"][0] < 1e-7


def test_oscillators_nudged_on_their_drive_give_the_adjoint():
    """By the theorem of Scellier & Bengio, for any transfer that grows."""
    net, u, labels = interior("oscillator", amplification=(1.0, 2.0, 1.5))
    exact, prepared = net.loss_and_grad(u, labels)[1], net.prepared()
    for nudge, least, most in (("drive", 0.999999, 1), ("state", 0.5, 0.9999)):
        estimator = spinrnn.Equilibrium(beta=1e-3, steps=300, sign="symmetric", nudge=nudge)
        own = estimator.estimate(prepared, u, labels, None, 0).gradient
        cosine = own @ exact / np.linalg.norm(own) / np.linalg.norm(exact)
        assert least < cosine <= most + 1e-12


def test_weights_of_cases_and_missing_targets_count_as_in_the_adjoint():
    net, u, _ = interior()
    rng = np.random.default_rng(4)
    values, weights = rng.normal(size=(9, 3)), rng.uniform(0.5, 2, 9)
    values[2, 1] = np.nan
    targets = net._batch(u, None, 0, None, values, weights).targets
    exact = net.loss_and_grad(u, targets=values, weights=weights)
    found = spinrnn.Equilibrium(beta=1e-4, steps=300, sign="symmetric").estimate(
        net.prepared(), u, targets, None, 0
    )
    np.testing.assert_allclose(found.gradient, exact[1], atol=1e-7 * np.abs(exact[1]).max())
    mean = np.array(net.settle(u)[-1])
    off = np.repeat(values / 2 + 0.5, 2, axis=1) - mean
    assert found.loss == pytest.approx((weights * np.nansum(off**2, axis=1)).mean() / 2)
    assert exact[0] == found.loss


def test_what_is_learned_and_not_moved_by_a_nudge_adds_nothing():
    """Here cases that emit what they should, at an end of their range."""
    net, u, _ = made(cases=9, amplification=6.0, units=1)
    values = np.random.default_rng(4).normal(size=(9, 3))
    still = [0, 4, 5]
    values[still] = 2 * (net.settle(u[still])[-1] - 0.5)
    estimator, prepared, rest = spinrnn.Equilibrium(sign="plus"), net.prepared(), [1, 2, 3, 6, 7, 8]

    def found(cases):
        targets = net._batch(u[cases], None, 0, None, values[cases], None).targets
        return estimator.estimate(prepared, u[cases], targets, None, 0).gradient

    np.testing.assert_allclose(9 * found(range(9)), 6 * found(rest), rtol=1e-12, atol=1e-13)
    assert np.count_nonzero(found(rest)) > 30
    assert not found(still).any()


@pytest.mark.parametrize("layers", [(7,), (40, 30)])
def test_bits_do_not_depend_on_threads_or_other_cases(layers):
    net, u, labels = made(cases=50, layers=layers, amplification=1.0)
    estimator, found = spinrnn.Equilibrium(), []
    for count in (1, 2, 5):
        with using(count):
            outputs = net.forward(u)
            estimate = estimator.estimate(net.prepared(), u, labels, None, (1, 2))
            found.append((outputs, estimate.gradient, net.loss_and_grad(u, labels)[1]))
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


def test_a_relaxation_that_changes_nothing_ends():
    """What follows would be the same bits."""
    net, u, _ = made(steps=500, amplification=0.5)
    prepared = net.prepared()
    x = np.ascontiguousarray(prepared.batch_of(u, np.zeros(11, int), None).u[:, :, 0])
    free = prepared.free(x)
    assert free.phase.taken.max() < 400
    again = prepared.free(x, 5000)
    np.testing.assert_array_equal(free.phase.emitted, again.phase.emitted)
    np.testing.assert_array_equal(free.phase.taken, again.phase.taken)


@pytest.mark.parametrize(("kind", "amplification"), [("rate", 6.0), ("ctrnn", 0.5)])
def test_states_that_go_round_are_where_single_steps_lead(kind, amplification):
    """Rate units that are coupled so strongly jump to and fro; rounding lets others go
    round their steady state, in rounds of 2 to 66 steps here.
    """
    left_out = 0
    for seed in range(6):
        net, u, labels = made(seed=seed, neuron=KINDS[kind], amplification=amplification, steps=151)
        prepared = net.prepared()
        x = np.ascontiguousarray(prepared.batch_of(u, labels, None).u[:, :, 0])
        single, wanted = prepared.free(x, 0), prepared._no_target(len(x))
        settling, states = single.settling, single.phase.states
        for _ in range(149):
            settling.relaxed(states, wanted, 1, settling.nudge())
        for steps in (150, 151):
            before = states.copy()
            settling.relaxed(states, wanted, 1, settling.nudge())
            free = prepared.free(x, steps).phase
            np.testing.assert_array_equal(free.states, states)
        still = (before == states).all(axis=(1, 2, 3))
        left_out += np.count_nonzero(free.taken[~still] < 151)
    assert left_out > 3


def test_the_sign_of_beta_is_random_from_batch_to_batch_and_known():
    estimator = spinrnn.Equilibrium(beta=0.2)
    signs = [estimator._beta((3, 1, batch)) for batch in range(40)]
    assert signs == [estimator._beta((3, 1, batch)) for batch in range(40)]
    assert set(signs) == {0.2, -0.2}
    assert 8 < signs.count(0.2) < 32
    assert spinrnn.Equilibrium(beta=0.2, sign="plus")._beta((3, 1, 0)) == 0.2


def test_spread_and_neuron_belong_to_the_network():
    net, u, _ = made(neuron=KINDS["oscillator"], spread=spinrnn.Spread(gamma=0.1, gain=0.1))
    assert net.buffers["devices/gamma"].shape == (18,)
    other = net.replace(steps=9)
    np.testing.assert_array_equal(other.buffers["devices/gamma"], net.buffers["devices/gamma"])
    same = net.replace(spread=spinrnn.Spread())
    assert same.buffers == {}
    assert not np.allclose(same.forward(u), net.forward(u))


def test_nan_does_not_pass_silently():
    net, u, labels = made()
    net.parameters[net.layout.places("w_2")] = np.nan
    with pytest.raises(spinrnn.DivergenceError, match="layer"):
        net.forward(u)
    with pytest.raises(spinrnn.DivergenceError, match="not finite"):
        spinrnn.Equilibrium().estimate(net.prepared(), u, labels, None, 0)


def test_what_does_not_fit_is_told_in_one_line():
    net, u, _ = made()
    with pytest.raises(spinrnn.DataError, match=r"channel \* time = 6"):
        net.forward(u[:, :, :2])
    with pytest.raises(spinrnn.DataError, match="whole cases"):
        net.forward(u, np.full(11, 2))
    with pytest.raises(spinrnn.ConfigError, match="units: fixed"):
        net.replace(units=3)
    for method in (net.stream, lambda: net.simulate(u)):
        with pytest.raises(spinrnn.DataError, match="settles"):
            method()


@pytest.mark.parametrize(
    ("table", "key", "wanted", "sentence"),
    [
        ("network", "layers", [], "at least one hidden layer"),
        ("network", "steps", 0, "from 1 to"),
        ("network", "units", 0, "at least 1"),
        ("network", "levels", [1.0, 0.0], "two numbers"),
        ("network", "step", -1e-9, "positive"),
        ("network", "scheme", "rk4", 'must be "exponential" or "euler"'),
        ("network", "amplification", [1.0, 1.0], "one for each of the 2 layers"),
        ("network", "start_gain", -1.0, "from 0 to"),
        ("spread", "gamma", 0.1, "unknown key"),
        ("estimator", "steps", 0, "at least 1"),
        ("estimator", "beta", 0.0, "above 0"),
        ("neuron", "kind", "learned", "learned"),
        ("neuron", "kind", "binary_rate", 'set it to "drive"'),
    ],
)
def test_impossible_values_are_told(table, key, wanted, sentence):
    tables = {"network": {"kind": "symmetric", "layers": [5]}, "estimator": {"kind": "equilibrium"}}
    tables[table] = {**tables.get(table, {}), key: wanted}
    if key == "amplification":
        wanted = tables["network"]["amplification"] = [1.0, 1.0, 1.0]
    with pytest.raises(spinrnn.ConfigError, match=sentence):
        from_tables(tables)


def test_thermal_noise_is_refused():
    with pytest.raises(spinrnn.ConfigError, match="thermal_power"):
        spinrnn.SymmetricConfig(neuron=spinrnn.Oscillator(thermal_power=1e-3))


def test_a_configuration_comes_back_from_its_file():
    tables = {
        "network": {"kind": "symmetric", "layers": [5], "levels": [0.2, 0.8], "step": 2e-9},
        "neuron": {"kind": "oscillator", "bias_ratio": 3.0},
        "spread": {"gamma": 0.1, "seed": 4},
        "estimator": {"kind": "equilibrium", "sign": "symmetric", "nudge": "drive"},
    }
    config = from_tables(tables)
    assert from_toml(to_toml(config)) == config
    assert from_tables(to_tables(config)) == config
    assert config.network.spread.get("gamma") == 0.1
    assert config.network.resolved_scheme == "exponential"
    assert spinrnn.SymmetricConfig().resolved_scheme == "euler"


def test_a_network_comes_back_from_its_file(tmp_path):
    net, u, _ = made(neuron=KINDS["oscillator"], spread=spinrnn.Spread(gamma=0.1, gain=0.1))
    net.save(tmp_path / "net.h5")
    np.testing.assert_array_equal(spinrnn.load(tmp_path / "net.h5").forward(u), net.forward(u))


def test_the_spread_of_every_neuron_is_its_own():
    """Damping and gain of each oscillator, against one that stands alone."""
    spread = spinrnn.Spread(gamma=0.2, bias=0.1, nonlinear_damping=0.2, seed=1)
    neuron = spinrnn.Oscillator(bias_ratio=3.0, nonlinear_damping=0.5)
    net, u, _ = made(neuron=neuron, spread=spread, steps=400)
    net.parameters[:] = 0
    factors = {name.partition("/")[2]: own for name, own in net.buffers.items()}
    drive, damping = 3 * factors["bias"], factors["gamma"]
    rest = (drive - damping) / (drive + damping * 0.5 * factors["nonlinear_damping"])
    emitted = np.concatenate(net.settle(u), axis=1)
    np.testing.assert_allclose(emitted, np.broadcast_to(rest, emitted.shape), rtol=1e-9)
    assert np.ptp(rest) > 0.1


def test_binary_nan_does_not_pass_silently():
    net, u, _ = made(neuron=spinrnn.BinaryRate(), steps=1)
    net.parameters[net.layout.places("bias_1")] = np.nan
    with pytest.raises(spinrnn.DivergenceError, match="layer 1, neuron 0"):
        net.forward(u)


def test_levels_are_what_outputs_of_classes_should_emit():
    net, u, labels = made(levels=(0.2, 0.7))
    prepared = net.prepared()
    batch = prepared.batch_of(u, labels, None)
    wanted = prepared.wanted(batch.targets, 11)[:, :11]
    np.testing.assert_allclose(wanted, np.repeat(0.2 + 0.5 * np.eye(3)[labels].T, 2, axis=0))
    mean = net.settle(u)[-1].reshape(11, 3, 2).mean(axis=2)
    np.testing.assert_allclose(net.forward(u), 2 * (mean - 0.45), atol=1e-14)


def test_an_adjoint_that_does_not_fit_is_told():
    """Its memory grows with the steps, which that of the two phases does not."""
    net, u, labels = made(steps=20000)
    spinrnn.set_memory_limit(20 * 2**20)
    try:
        with pytest.raises(spinrnn.MemoryLimitError, match=r"through 20000 steps takes .*iB"):
            net.loss_and_grad(u, labels)
        spinrnn.Equilibrium(steps=2).estimate(net.prepared(), u, labels, None, 0)
    finally:
        spinrnn.set_memory_limit(None)


def test_the_plan_of_the_exact_gradient_is_what_it_takes():
    """All steps of the panels at work, and the gradient of each panel; the two phases
    of equilibrium propagation keep no steps.
    """
    net, u, labels = made(steps=2000)
    with using(2):
        whole, phases = net.plan(11, 1).bytes, net.plan(11, 1, backward=False).bytes
        # of 18 neurons and 8 cases emitted values, J, by drive, sums in each step, a tile of 8
        # cases, and three levels once; the couplings of 7, 5 and 6 neurons both ways, in
        # whole panels
        steps = 2000 * 8 * (18 * 4 + 8) + 3 * 18 * 8 + 8 * 8
        couplings = 8 * (5 + 7 + 6 + 5)
        assert whole - phases == 8 * (2 * (steps + couplings) + 2 * net.layout.size)
        try:
            spinrnn.set_memory_limit(whole)
            net.loss_and_grad(u, labels)
            spinrnn.set_memory_limit(whole - 1)
            for asked in (lambda: net.loss_and_grad(u, labels), lambda: net.plan(11, 1)):
                with pytest.raises(spinrnn.MemoryLimitError, match="of 11 cases through 2000 st"):
                    asked()
            spinrnn.set_memory_limit(phases)
            spinrnn.Equilibrium(steps=2).estimate(net.prepared(), u, labels, None, 0)
        finally:
            spinrnn.set_memory_limit(None)


def test_a_training_plans_the_gradient_that_it_takes():
    config = dataclasses.replace(CONFIG, steps=2000)
    data = spinrnn.Dataset(np.random.default_rng(0).normal(size=(40, 2, 3)), np.arange(40) % 3)
    found = {}
    for estimator in (spinrnn.BPTT(), spinrnn.Equilibrium()):
        run = spinrnn.RunConfig(config, spinrnn.TrainConfig(batch=11, estimator=estimator))
        found[estimator.kind] = Trainer(run, data).plan.bytes
    net = spinrnn.network_of(config)
    assert found["bptt"] == net.plan(11, 1).bytes
    assert found["equilibrium"] == net.plan(11, 1, backward=False).bytes


def test_a_pull_that_the_neurons_do_not_bear_is_refused_in_a_direct_call_too():
    net, u, labels = made(neuron=spinrnn.BinaryRate())
    told = r'estimator\.nudge: binary_rate has 2 states, .*; set it to "drive"'
    with pytest.raises(spinrnn.ConfigError, match=told):
        spinrnn.Equilibrium(nudge="state").estimate(net.prepared(), u, labels, None, 0)
    found = spinrnn.Equilibrium(nudge="drive").estimate(net.prepared(), u, labels, None, 0)
    assert np.isfinite(found.gradient).all()


def test_no_cases_have_no_states():
    net, u, _ = made()
    assert [own.shape for own in net.settle(u[:0])] == [(0, 7), (0, 5), (0, 6)]
    assert [own.shape for own in net.settle(u)] == [(11, 7), (11, 5), (11, 6)]


NETWORKS = [
    CONFIG,
    spinrnn.FeedforwardConfig(layers=(3,), inputs=6, outputs=2),
    spinrnn.SpikingConfig(layers=(3,), inputs=6, outputs=2),
    spinrnn.BayesianConfig(inputs=6, outputs=2),
]


@pytest.mark.parametrize("config", NETWORKS, ids=lambda config: config.kind)
def test_lengths_of_networks_without_time_are_those_of_whole_cases(config):
    net, u = spinrnn.network_of(config), np.zeros((4, 2, 3))
    np.testing.assert_array_equal(net.forward(u, [3, 3, 3, 3]), net.forward(u))
    for wrong in (3, [3], [3] * 5, [[3] * 4], [3.0] * 4):
        with pytest.raises(spinrnn.DataError, match="lengths: expected 4 whole numbers, one for"):
            net.forward(u, wrong)
    with pytest.raises(spinrnn.DataError, match="lengths: a "):
        net.forward(u, [3, 3, 3, 2])
    assert net.forward(u[:0], np.empty(0, int)).shape == (0, config.outputs)
