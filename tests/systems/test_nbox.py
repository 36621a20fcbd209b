"""The thermal memristor's study: what closed forms and eigenvalues say, and that the
simulated neuron does it.
"""

import dataclasses
import json

import numpy as np
import pytest
from conftest import here

from spinrnn.neurons.memristor import equilibrium
from spinrnn.systems import nbox, nbox_figures, nbox_vo2
from spinrnn.systems import nbox_theory as theory
from spinrnn.systems.studies import STUDIES
from spinrnn.systems.trials import study

A, B = nbox.SETS["A"], nbox.SETS["B"]


# ---- known beforehand ----


def test_the_threshold_has_a_closed_form_without_series_resistance():
    bare = dataclasses.replace(B, series_resistance=0.0)
    closed, found = theory.closed_threshold(bare), theory.threshold(bare)
    assert closed == pytest.approx(found, rel=1e-9)
    assert closed.voltage == pytest.approx(1.011, abs=5e-4)
    assert closed.temperature == pytest.approx(371.8, abs=0.05)


def test_without_lowering_it_follows_from_the_temperatures_alone():
    flat = dataclasses.replace(B, permittivity=1e6, thickness=1.0, series_resistance=0.0)
    assert theory.closed_threshold(flat).temperature == pytest.approx(345.976, abs=1e-3)


def test_where_the_barrier_is_low_there_is_no_threshold():
    low = dataclasses.replace(B, activation_energy=0.102, permittivity=1e6, thickness=1.0)
    with pytest.raises(ValueError, match="no threshold"):
        theory.closed_threshold(low)


def test_threshold_and_hold_point_of_both_sets():
    for neuron in (A, B):
        on, off = theory.threshold(neuron), theory.hold(neuron)
        assert on.voltage == pytest.approx(1.0389, abs=1e-4)
        assert on.temperature == pytest.approx(384.0, abs=0.2)
        assert on.current == pytest.approx(82.8e-6, abs=0.2e-6)
        assert off.voltage == pytest.approx(0.964, abs=5e-4)
        assert off.temperature == pytest.approx(638, abs=0.5)
        assert off.current == pytest.approx(0.352e-3, abs=1e-6)


def test_the_jacobian_is_that_of_the_equations():
    point, h = theory.point_at(A, 420.0), 1e-6

    def rates(v, t):
        current = v / theory.resistance(A, v, t)
        dv = ((2.3 - v) / A.load_resistance - current) / A.capacitance
        heat = v * current - (t - A.ambient) / A.thermal_resistance
        return np.array([dv, heat / A.thermal_capacitance])

    v, t = point.voltage, point.temperature
    by_v = (rates(v + h, t) - rates(v - h, t)) / (2 * h)
    by_t = (rates(v, t + t * h) - rates(v, t - t * h)) / (2 * t * h)
    np.testing.assert_allclose(theory.jacobian(A, v, t), np.array([by_v, by_t]).T, rtol=1e-6)


def test_edges_are_where_the_trace_is_zero():
    assert theory.edges(A) == pytest.approx((2.2314, 3.0493), abs=1e-4)
    assert theory.edges(B) == pytest.approx((1.8699, 4.4579), abs=1e-4)
    for neuron in (A, B):
        for drive in theory.edges(neuron):
            v, t = equilibrium(neuron.nominal_numbers(1e-9), drive)
            matrix = theory.jacobian(neuron, float(v), float(t))
            assert abs(np.trace(matrix)) < 1e-6 * abs(matrix).max()
            assert np.linalg.det(matrix) > 0


# ---- simulated ----


def test_two_pulses_make_a_spike_where_one_does_not():
    found = nbox._integration()
    assert dict(zip(found["gap"], found["spikes"][1:], strict=True)) == {
        0.5e-6: 1, 1e-6: 1, 2e-6: 1, 3e-6: 1, 5e-6: 0, 8e-6: 0,
    }  # fmt: skip
    assert found["spikes"][0] == 0


def test_below_the_edge_it_is_a_leaky_integrator():
    found = nbox._passive()
    assert found["spikes"] == [0] * 4
    assert found["deviation"][0] < 0.02
    assert np.all(np.diff(found["deviation"]) > 0)


def test_set_a_rings_as_its_eigenvalue_says():
    found = nbox._ringing()
    assert found["spikes"] >= 3
    assert found["measured"] == pytest.approx(found["decay"], rel=0.01)


def test_vanadium_dioxide_is_silent_spikes_and_bursts():
    """Acceptance: silent at 10 V, at least six spikes in 30 us at 12 V, fewer than five
    at 16 V."""
    temperature = nbox_vo2.simulated(np.array([10.0, 12.0, 16.0]), 30e-6)[1]
    times = nbox.crossings(temperature, nbox.SPIKE["VO2"], nbox_vo2.STEP)
    assert [len(own) for own in times] == [0, 9, 3]
    assert np.diff(times[1]).mean() == pytest.approx(1 / 0.326e6, rel=0.01)
    # and then it rests
    assert np.ptp(temperature[2, -1000:]) < 0.05


def test_its_window_is_that_of_the_eigenvalues_of_its_branches():
    low, high = nbox_vo2.window()
    assert low == pytest.approx(10.072, abs=2e-3)
    assert high == pytest.approx(15.805, abs=2e-3)
    v, t = nbox_vo2.rest(16.0, -1)
    r = nbox_vo2.resistance(np.array([t]), nbox_vo2.branch(-1))[0]
    assert (16 - v) / nbox_vo2.LOAD == pytest.approx(v / r, rel=1e-8)
    assert v * v / r == pytest.approx(nbox_vo2.COOLING * (t - nbox_vo2.BASE), rel=1e-8)


def test_a_minor_loop_begins_where_the_device_turns_round():
    memory = nbox_vo2.branch(1)._replace(looked=np.array([334.0]))
    cooler = np.array([333.9])
    before = nbox_vo2.semiconducting(cooler, memory)
    after = nbox_vo2.turned(cooler, memory)
    assert after.direction == -1
    assert after.turned == cooler
    # R does not jump but for what is left of P(0), which is 1 to 1e-8
    assert nbox_vo2.semiconducting(cooler, after) == pytest.approx(before, rel=1e-6)
    # too small a move is not looked at
    same = nbox_vo2.turned(np.array([333.995]), memory)
    assert same.direction == 1
    assert same.looked == 334.0


@pytest.mark.slow
def test_the_simulated_threshold_is_the_closed_one():
    closed = theory.closed_threshold(nbox._bare()).voltage
    assert nbox._threshold()["voltage"] == pytest.approx(closed, rel=5e-3)


@pytest.mark.slow
def test_simulated_edges_are_those_of_the_eigenvalues():
    found = nbox._edges(quick=True)
    assert found["A"] == pytest.approx(theory.edges(A), rel=2e-3)
    assert found["B"] == pytest.approx(theory.edges(B), rel=2e-3)
    assert found["spikes_beside"][0] == 0
    assert found["spikes_beside"][1] > 5


@pytest.mark.slow
def test_it_spikes_regularly_and_later_the_weaker_the_drive():
    tonic, late = nbox._tonic(), nbox._latency()["latency"]
    assert tonic["spikes"] > 40
    assert tonic["frequency"] == pytest.approx(0.61e6, rel=0.01)
    assert tonic["variation"] < 0.01
    assert np.all(np.diff(late) < 0)
    # threefold, but for two parts in a thousand
    assert late[0] / late[-1] == pytest.approx(2.998, abs=0.01)
    np.testing.assert_allclose(np.array(late) * 1e6, [10.6, 9.5, 7.3, 5.2, 3.6], rtol=0.02)


@pytest.mark.slow
def test_noise_fires_it_more_often_and_more_regularly_with_the_drive():
    rows = [nbox._noise(ratio, quick=True) for ratio in nbox.NEAR]
    chances = np.array([row["probability"] for row in rows])
    variations = np.array([row["variation"] for row in rows])
    assert np.all(np.diff(chances) >= 0)
    assert chances[0] < 0.5 < chances[-1]
    assert np.all(np.diff(variations) < 0)


# ---- the study ----


@pytest.mark.slow
def test_the_study_draws_what_it_found(tmp_path):
    outcome = study(STUDIES["nbox"], tmp_path, quick=True)
    found = {name: row["value"] for name, row in outcome.findings.items()}
    assert found["edges_error_b"] < 1
    assert found["edges_error_a"] < 2
    assert found["threshold_error"] < 0.5
    assert found["network_accuracy_mean"] > 60
    assert (tmp_path / "nbox.png").stat().st_size > 10_000
    assert set(nbox_figures.TITLES) == set("abcdefghij")
    # and from what is there alone
    done = here("reproduce", "nbox", "--no-run", "--out", str(tmp_path))
    assert done.returncode == 0
    assert json.loads((tmp_path / "nbox.json").read_text())["figure"] == "nbox"
