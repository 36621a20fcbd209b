"""The macrospin's study: what was kept says where the power equation holds, and the
thermal field gives each square of the energy k_B T / 2.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from spinrnn.neurons import llg
from spinrnn.neurons.autooscillation import oscillator_from
from spinrnn.neurons.macrospin import BOLTZMANN
from spinrnn.systems import macrospin, macrospin_figures

KEPT = Path(__file__).parents[2] / "data/reproduction/macrospin.trials.jsonl"


@pytest.fixture(scope="module")
def rows():
    lines = KEPT.read_text().splitlines()
    return [{**(row := json.loads(line))["key"], **row["found"]} for line in lines]


def test_orbits_describe_the_simulation_and_the_power_equation_its_beginning(rows):
    table = macrospin.numbers(rows).tables[""]
    for row in table:
        ratio, power = row["current_over_threshold"], row["power"]
        if ratio > 1.1 and row["power_orbits"] != "":
            assert power == pytest.approx(row["power_orbits"], rel=0.005)
        if 1.1 < ratio <= 1.5:
            assert power == pytest.approx(row["power_equation"], rel=0.05)
    far = {row["geometry"]: row for row in table if row["current_over_threshold"] == 5}
    assert all(abs(row["power_equation"] / row["power"] - 1) > 0.25 for row in far.values())


def test_the_fit_of_the_envelope_is_near_the_formulas(rows):
    found = macrospin.numbers(rows).findings
    assert found["fitted_threshold_ratio"][0] == pytest.approx(1, abs=0.03)
    assert found["fitted_gamma_ratio"][0] == pytest.approx(1, abs=0.03)
    # eq. (1) has no term of third order, which Q has to stand for
    assert found["fitted_q_ratio"][0] == pytest.approx(0.85, abs=0.05)
    assert found["thermal_power_ratio_0"][0] == pytest.approx(1, abs=0.08)


def test_its_figure_has_six_panels(rows):
    figure = macrospin_figures.macrospin(macrospin.numbers(rows))
    assert [len(ax.lines) > 0 for ax in figure.axes] == [True] * 6


def test_a_balance_that_more_power_does_not_need_more_current_for_is_none():
    power = [0.1, 0.2, 0.3]
    assert macrospin.orbit_power(1.5, np.array([1.2, 1.4, 1.6]), power) == pytest.approx(0.25)
    assert macrospin.orbit_power(0.5, np.array([1.2, 1.4, 1.6]), power) == 0
    assert macrospin.orbit_power(2.0, np.array([1.2, 1.4, 1.6]), power) == ""
    assert macrospin.orbit_power(1.3, np.array([1.2, 1.1, 1.6]), power) == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["perpendicular", "in-plane"])
def test_each_square_of_the_energy_has_half_k_b_t(name):
    """100 layers at 100 K, 60 ns: of some thousand independent energies."""
    neuron = dataclasses.replace(
        macrospin.GEOMETRIES[name], temperature=100.0, damping=0.05, start_angle=0.0
    )
    m = macrospin.simulated(neuron, np.zeros(100), 60e-9)[:, :, 2500::25]
    q, shared = tuple(neuron.nominal_numbers(1.0).values()), neuron.shared()
    w = np.array(llg.fields(q, shared, tuple(m), 0.0, 1.0)[0])
    # the energy over Ms V / gamma is minus half of the field's own part
    applied = np.array(q[1:4])
    energy = -np.tensordot(applied, m, axes=1) / 2 - (w * m).sum(axis=0) / 2
    least = -np.abs(applied).max()
    least = least + (q[7] / 2 if name == "perpendicular" else 0)
    scale = neuron.saturation * neuron.volume / neuron.gyromagnetic_ratio
    mean = (energy - least).mean() * scale / (BOLTZMANN * 100)
    # two squares
    assert mean == pytest.approx(1, abs=0.06)


@pytest.mark.slow
def test_the_threshold_is_where_a_simulated_layer_begins_to_oscillate():
    neuron = dataclasses.replace(macrospin.GEOMETRIES["in-plane"], start_angle=0.02)
    threshold = oscillator_from(neuron).threshold
    m = macrospin.simulated(neuron, threshold * np.array([0.98, 1.02]), 20e-9)
    power = macrospin.power_of(neuron, m)
    assert power[0, -2000:].mean() < power[0, :2000].mean()
    assert power[1, -2000:].mean() > power[1, :2000].mean()


@pytest.mark.slow
def test_the_linewidth_is_that_of_the_simulated_diffusion_of_the_phase():
    """<(phi - <phi>)^2> = 2 pi (full width) t, 150 layers, 60 ns: to some 10 %."""
    neuron = dataclasses.replace(
        macrospin.GEOMETRIES["perpendicular"], temperature=0.3, start_angle=0.45
    )
    own = oscillator_from(neuron)
    current = 1.5 * own.threshold
    m = macrospin.simulated(neuron, np.full(150, current), 60e-9, seed=3)
    phase = np.unwrap(np.arctan2(m[1], m[0]), axis=1)
    times = np.array([20e-9, 40e-9, 58e-9])
    at = np.rint(times / macrospin.STEP).astype(int)
    spread = (phase[:, at[1:]] - phase[:, at[:1]]).var(axis=0)
    found = np.mean(spread / (times[1:] - times[0])) / (2 * np.pi)
    assert found == pytest.approx(own.linewidth(current), rel=0.3)
