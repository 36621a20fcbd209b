"""The memristor of vanadium dioxide: derivatives on every way through its hysteresis, its
rest, and that it is silent, spikes and bursts.
"""

import numpy as np
import pytest
from test_memristor import derivatives, single

import spinrnn
from spinrnn.kernels.authors import uncompiled
from spinrnn.neurons import memristor_vo2
from spinrnn.neurons.memristor_vo2 import VO2, heating_equilibrium
from spinrnn.systems import nbox, nbox_vo2

KIND = VO2()
NUMBERS = KIND.nominal_numbers(KIND.time_unit)
STEP = uncompiled(memristor_vo2.step)
WAYS = {
    "heats": (7.0, 333.0, 325.0, 0.0, 1.0, 332.9),
    "hotter than the limit": (5.0, 375.0, 325.0, 0.0, 1.0, 345.0),
    "colder than the limit": (2.2, 300.0, 325.0, 3.0, 1.0, 300.5),
    "cools on a loop": (2.0, 345.0, 386.0, -7.0, -1.0, 346.0),
    "turns to heating": (5.5, 329.0, 384.0, -7.19, -1.0, 328.0),
    "turns to cooling": (0.5, 345.0, 330.0, 6.8, 1.0, 345.6),
    "heats on a loop": (6.0, 331.0, 327.5, 7.1, 1.0, 330.0),
    "is not looked at": (2.0, 338.0, 339.5, -5.0, -1.0, 337.73),
}
"""{what the step does: the six states before it}."""


@pytest.mark.parametrize("way", WAYS)
def test_derivatives_are_exact_on_each_way(way):
    state, q = WAYS[way], tuple(NUMBERS.values())
    after, jacobian, by_drive, by_numbers = STEP(q, None, 0.2, state, 14.0, 1.0)
    found = np.hstack([jacobian, np.array(by_drive)[:, None]])
    wanted = derivatives(STEP, q, 0.2, state, 14.0)[:, :7]
    scale = np.abs(wanted).max(axis=1, keepdims=True)
    np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-14 * scale.max())
    assert by_numbers == ()
    assert (after[4] != state[4]) == way.startswith("turns")
    assert (after[5] == state[5]) == (way == "is not looked at")


@pytest.mark.parametrize("way", ["turns to heating", "turns to cooling"])
def test_the_resistance_does_not_jump_where_it_turns(way):
    state, q = WAYS[way], tuple(NUMBERS.values())
    after = STEP(q, None, 0.2, state, 14.0, 1.0)[0]
    resistance = uncompiled(memristor_vo2.resistance)
    before = resistance(q, after[1], state[2:5], 1.0)[0]
    # P(0) is 1 but for 3e-9
    assert resistance(q, after[1], after[2:5], 1.0)[0] == pytest.approx(before, rel=1e-7)


def test_the_resistance_is_that_of_the_study():
    q, resistance = tuple(NUMBERS.values()), uncompiled(memristor_vo2.resistance)
    for state in WAYS.values():
        memory = nbox_vo2.Memory(*(np.array([x]) for x in (state[4], state[2], state[3], state[5])))
        wanted = nbox_vo2.resistance(np.array([state[1]]), memory)[0]
        found = resistance(q, state[1], state[2:5], 1.0)[0] * KIND.load_resistance
        assert found == pytest.approx(wanted, rel=1e-7)
    hot, cold = (nbox_vo2.resistance(np.array([t]), nbox_vo2.branch(1))[0] for t in (400.0, 290.0))
    # beyond its limits only the share that is metallic knows the temperature
    assert hot == pytest.approx(nbox_vo2.RM, rel=1e-3)
    assert cold == pytest.approx(5.35883e-3 * np.exp(5220.474 / 305) + nbox_vo2.RM, rel=1e-6)


@pytest.mark.parametrize("drive", [0.0, 5.0, 9.5, -9.5])
def test_nothing_changes_at_rest(drive):
    kind = VO2(bias_voltage=drive)
    q = kind.nominal_numbers(kind.time_unit)
    rest = tuple(float(x) for x in kind.rest(q))
    after = STEP(tuple(q.values()), None, 0.2, rest, drive, 1.0)[0]
    np.testing.assert_allclose(after, rest, rtol=1e-12)


def test_the_rest_carries_derivatives():
    moved = NUMBERS | {"prefactor": np.array([NUMBERS["prefactor"] * (1 + 1e-30j)])}
    found = np.imag(heating_equilibrium(moved, 9.0)) / 1e-30
    near = [
        np.array(heating_equilibrium(NUMBERS | {"prefactor": NUMBERS["prefactor"] * x}, 9.0))
        for x in (1 - 1e-6, 1 + 1e-6)
    ]
    np.testing.assert_allclose(found[:, 0], (near[1] - near[0]) / 2e-6, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_it_is_silent_spikes_and_bursts(dtype):
    net = single(KIND, input_interval=100e-9, substeps=10, dtype=dtype)
    drives = np.repeat(np.array([10.0, 12.0, 16.0])[:, None, None], 300, axis=2)
    temperature = net.simulate(drives).states["temperature"][0][:, 0]
    times = nbox.crossings(temperature, nbox.SPIKE["VO2"], 10e-9)
    assert [len(own) for own in times] == [0, 9, 2]
    assert np.diff(times[1]).mean() == pytest.approx(1 / 0.328e6, rel=0.01)


def test_a_step_beyond_its_times_is_refused():
    """The midpoint rule would be unstable, and come to 1e200 V without a word."""
    said = "a substep of 4e-07 s is too long for neuron, a vo2, of at most 1.69e-07 s; set 3"
    with pytest.raises(spinrnn.ConfigError, match=said):
        spinrnn.NetworkConfig(layers=(1,), neuron=VO2(), input_interval=4e-7, substeps=1)


def test_its_quantities_are_not_trained():
    with pytest.raises(spinrnn.ConfigError, match="capacitance of vo2 cannot be; there is none"):
        spinrnn.NetworkConfig(layers=(2,), outputs=2, neuron=KIND, trained=("capacitance",))
