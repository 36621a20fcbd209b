"""The synapse of a measured device: steps, scatter, ends of the window, events, energy."""

import dataclasses

import numpy as np
import pytest

import spinrnn
from spinrnn.checks.synapse import check_synapse
from spinrnn.errors import ConfigError
from spinrnn.synapses.protocol import Request

KIND = spinrnn.Measured(
    (0.3, 0.1, 0.0), (0.0, 0.05, 0.2), largest=2.0,
    lowest_conductance=1e-6, highest_conductance=5e-6, pulse_voltage=1.5, pulse_length=1e-7,
)  # fmt: skip


def programmed(kind, states, pulses, devices=None, exists=None, seed=0):
    """(states afterwards, events) of weights at some states."""
    states = np.array([states], dtype=float)
    weights = kind.largest_of(states.shape[1]) * (2 * states - 1)
    if devices is None:
        devices = kind.make(weights.copy(), np.random.default_rng(seed))
    request = Request(np.array([pulses], dtype=float), 1.0, "pulses", exists)
    events = kind.program(weights, devices, request, np.random.default_rng(seed))
    return ((weights / kind.largest_of(states.shape[1]) + 1) / 2)[0], events


def test_pulses_follow_the_curves():
    """By hand: 0.25 -> +0.2 -> 0.45 -> +0.12; downwards 0.75 -> -0.125."""
    states, events = programmed(KIND, [0.25, 0.75, 0.5, 0.0], [2, -1, 0, -1])
    assert states == pytest.approx([0.57, 0.625, 0.5, 0.0], abs=1e-12)
    assert events.count == 3
    assert events.refused == events.saturated == 1
    conductances = 1e-6 + 4e-6 * np.array([0.25, 0.45, 0.75, 0.0])
    assert events.energy == pytest.approx(1.5**2 * 1e-7 * conductances.sum(), rel=1e-12, abs=0)


def test_the_ends_of_the_window_hold():
    kind = dataclasses.replace(KIND, potentiation=(0.3, 0.3), depression=(0.3, 0.3))
    states, events = programmed(kind, [0.9, 0.1, 1.0, 1.0], [1, -1, 1, -1])
    assert states == pytest.approx([1, 0, 1, 0.7])
    assert (events.count, events.refused, events.saturated) == (4, 1, 3)
    # at an end in float32, too
    weights = np.full((1, 3), 10.0, "float32")
    own = dataclasses.replace(kind, largest=None)
    devices = own.make(weights, np.random.default_rng(0))
    assert weights[0, 0] == np.float32(1.0)
    events = own.program(
        weights, devices, Request(np.ones((1, 3)), 1.0, "pulses"), np.random.default_rng(0)
    )
    assert events.refused == events.saturated == 3


def test_devices_have_their_own_step_and_pulses_scatter():
    kind = dataclasses.replace(
        KIND, potentiation=(0.1, 0.1), depression=(0.2, 0.2), potentiation_spread=0.3,
        depression_spread=0.1, potentiation_scatter=0.01, depression_scatter=0.03,
    )  # fmt: skip
    weights = np.zeros((1, 20000))
    devices = kind.make(weights, np.random.default_rng(1))
    factors = devices["potentiation_factor"], devices["depression_factor"]
    assert [f.std() for f in factors] == pytest.approx([0.3, 0.1], rel=0.03)
    assert [f.mean() for f in factors] == pytest.approx([1, 1], abs=0.01)
    for pulses, factor, step, scatter in ((1, factors[0], 0.1, 0.01), (-2, factors[1], -0.4, 0.03)):
        states, _ = programmed(kind, np.full(20000, 0.5), np.full(20000, pulses), devices)
        left = states - 0.5 - step * factor[0]
        inside = (states > 0) & (states < 1)
        assert inside.mean() > 0.95
        assert left[inside].mean() == pytest.approx(0, abs=3e-3)
        assert left[inside].std() == pytest.approx(scatter * abs(pulses) ** 0.5, rel=0.05)
    twin = kind.nominal(devices)
    assert all((array == 1).all() for array in twin.values())


def test_bits_do_not_depend_on_threads():
    kind = dataclasses.replace(KIND, potentiation_scatter=0.05, depression_scatter=0.02)
    rng = np.random.default_rng(0)
    start = rng.normal(size=(300, 500)).astype("float32")
    pulses, found = np.rint(2 * rng.normal(size=start.shape)), []
    for count in (1, 3):
        spinrnn.set_threads(count)
        weights = start.copy()
        devices = kind.make(weights, np.random.default_rng(1))
        request = Request(pulses, 1.0, "pulses")
        events = kind.program(weights, devices, request, np.random.default_rng(2))
        found.append((weights, events))
    spinrnn.set_threads(None)
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]
    assert found[0][1].count == (pulses != 0).sum()


def test_pulses_of_a_device_scatter_independently():
    """Between devices, and from one pulse to the next."""
    kind = dataclasses.replace(
        KIND, potentiation=(0.05, 0.05), potentiation_scatter=0.01, largest=0.5
    )
    ends = [programmed(kind, np.full(4000, 0.4), np.full(4000, n))[0] for n in (1, 2)]
    first, second = ends[0] - 0.45, ends[1] - ends[0] - 0.05
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.05
    assert np.mean(first**3) / 0.01**3 == pytest.approx(0, abs=0.2)
    assert np.mean(first**4) / 0.01**4 == pytest.approx(3, abs=0.4)


def test_what_does_not_exist_gets_no_pulse():
    exists = np.array([[True, False]])
    states, events = programmed(KIND, [0.25, 0.25], [1, 1], exists=exists)
    assert states == pytest.approx([0.45, 0.25])
    assert events.count == 1


def test_a_number_of_pulses_that_is_none_is_noticed():
    states, _ = programmed(KIND, [0.25, 0.25], [np.nan, 1])
    assert np.isnan(states).tolist() == [True, False]


def test_it_keeps_its_promises():
    rows = list(check_synapse(KIND))
    assert [row.text for row in rows if not row.ok] == []
    assert sum(row.promise.endswith("pulses") for row in rows) == 3


def test_pulses_without_a_model_are_refused_in_a_line():
    with pytest.raises(ConfigError) as error:
        spinrnn.NetworkConfig(synapse={"kind": "measured"})
    (told,) = [text for text in error.value.problems if "synapse" in text]
    assert told.startswith("synapse.potentiation and depression: pulses without a model; give")
    with pytest.raises(ConfigError) as error:
        spinrnn.Measured((0.1,), (0.0, -0.1), largest=-1.0, lowest_conductance=2e-6)
    told = "; ".join(error.value.problems)
    for part in ("potentiation: needs at least 2", "depression: steps must be from 0 to 1",
                 "largest:", "highest_conductance: must be above lowest"):  # fmt: skip
        assert part in told
