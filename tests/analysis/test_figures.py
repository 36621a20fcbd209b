"""What the pictures of measures show: values, error bars, bands and units."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from spinrnn import analysis
from spinrnn.analysis import figures
from spinrnn.analysis.classes import ClassAccuracy, ClassVariance
from spinrnn.analysis.drive import CumulativeDrive
from spinrnn.analysis.recall import Memory
from spinrnn.analysis.steady import SteadyStates


def bars(ax, number=0):
    """(low, high) of the error bars of the axes' so-manieth plot with some."""
    (collection,) = [c for c in ax.containers[number][2] if isinstance(c, LineCollection)]
    segments = np.array(collection.get_segments())
    return segments[:, 0, 1], segments[:, 1, 1]


def states(**changes):
    given = {
        "case": np.zeros(3, int),
        "neuron": np.arange(3),
        "drive": np.array([1e8, 2e8, 4e8]),
        "power": np.array([0.0, 0.3, 0.5]),
        "spread": np.array([0.01, 0.02, 0.03]),
        "expected": np.array([0.0, 1 / 2.7, 3 / 4.7]),
        "threshold": np.full(3, 1e8),
        "nonlinear_damping": np.full(3, 0.7),
        "unsettled": 0,
        "passed": 0,
    }
    return SteadyStates(**given | changes)


def test_steady_states_have_their_spread_as_error_bars():
    ax = figures.steady_states(states())
    low, high = bars(ax)
    np.testing.assert_allclose(low, [-0.01, 0.28, 0.47])
    np.testing.assert_allclose(high, [0.01, 0.32, 0.53])
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [100, 200, 400])
    assert ax.get_xlabel() == "drive $I$ ($10^{6}$/s)"
    differ = figures.steady_states(states(threshold=np.array([1e8, 1e8, 2e8])))
    np.testing.assert_allclose(differ.lines[-1].get_ydata(), [0.0, 1 / 2.7, 3 / 4.7])
    np.testing.assert_allclose(differ.lines[-1].get_xdata(), [100, 200, 400])


def test_transfer_curves_have_error_bars_a_curve_a_threshold_and_its_interval():
    drive = np.array([0.5, 1, 2, 3, 4, 5]) * 1e8
    power = analysis.steady_power(drive, 1.5e8, 0.5)
    spread = np.linspace(0.01, 0.06, 6)
    noise = np.array([0, 0, 0.01, -0.01, 0.01, -0.01])
    curve = analysis.transfer_curve(drive[::-1], (power + noise)[::-1], spread=spread[::-1])
    ax = figures.transfer_curve({"one": curve})
    low, high = bars(ax)
    np.testing.assert_allclose((high + low) / 2, power + noise)
    np.testing.assert_allclose((high - low) / 2, spread)
    x, y = ax.lines[-2].get_data()
    assert y == pytest.approx(
        analysis.steady_power(x * 1e6, curve.threshold, curve.nonlinear_damping)
    )
    assert ax.lines[-1].get_xdata()[0] == pytest.approx(curve.threshold / 1e6)
    (band,) = ax.patches
    edges = band.get_x(), band.get_x() + band.get_width()
    assert edges == pytest.approx((curve.threshold_low / 1e6, curve.threshold_high / 1e6))
    assert edges[0] < edges[1]


def test_relaxation_rates_have_their_intervals():
    time = 1e-9 * np.arange(300)
    rates = np.array([5e7, 1e8, 2e8])
    power = 0.6 - 0.2 * np.exp(-rates[:, None] * time)
    power = power + 0.01 * np.random.default_rng(0).normal(size=power.shape)
    found = analysis.step_responses(time, power, np.full((3, 299), 3e8), 1e-8, form="exponential")
    ax = figures.step_responses(found)
    low, high = bars(ax)
    np.testing.assert_allclose(low, found.rate_low / 1e6)
    np.testing.assert_allclose(high, found.rate_high / 1e6)
    assert ax.get_ylabel() == "relaxation rate ($10^{6}$/s)"
    np.testing.assert_allclose(ax.lines[-1].get_ydata(), [200, 200, 200])
    assert ax.get_ylim()[1] == pytest.approx(1.3 * max(found.rate.max() / 1e6, 200))


def test_spectra_and_correlations_are_medians_with_the_band_of_all_neurons():
    time = 1e-9 * np.arange(400)
    power = np.random.default_rng(1).normal(size=(2, 3, 400))
    s = analysis.power_spectrum(time, power, segment=100)
    ax = figures.power_spectrum({"layer 0": s})
    np.testing.assert_allclose(ax.lines[0].get_xdata(), s.frequency[1:] / 1e6)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), np.median(s.density, axis=0)[1:] * 1e6)
    assert ax.get_ylabel() == "spectral density of $p$ (1/MHz)"
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx(
        (s.density[:, 1:].min() * 1e6, s.density[:, 1:].max() * 1e6)
    )
    a = analysis.autocorrelation(time, power, longest=50e-9)
    ax = figures.autocorrelation({"layer 0": a})
    np.testing.assert_allclose(ax.lines[0].get_xdata(), a.lag * 1e9)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), np.median(a.correlation, axis=0))
    assert [line.get_ydata()[0] for line in ax.lines[1:]] == pytest.approx([0, 1 / np.e])
    assert ax.get_legend_handles_labels()[1] == ["layer 0", "1/e"]


def test_neurons_are_sorted_by_their_power_with_deviations_and_marks():
    deviation = np.array([0.1, 0.0001, 0.2])
    swing = (-1.0) ** np.arange(1000)
    power = np.array([0.5, 0.3, 0.4])[:, None] + deviation[:, None] * swing
    found = analysis.neuron_activity(power[None])
    ax = figures.neuron_activity({"layer 0": found})
    low, high = bars(ax)
    np.testing.assert_allclose((low + high) / 2, [0.3, 0.4, 0.5])
    np.testing.assert_allclose((high - low) / 2, [0.0001, 0.2, 0.1])
    still = next(line for line in ax.lines if line.get_label() == "still")
    assert (still.get_xdata().tolist(), still.get_ydata().tolist()) == ([0], [pytest.approx(0.3)])
    assert {line.get_ydata()[0] for line in ax.lines[-2:]} == {0.01, 0.9}
    assert ax.get_legend_handles_labels()[1].count("limits of dead, saturated") == 1


def test_memory_is_summed_over_the_channels():
    score = np.array([[0.9, 0.4], [0.5, 0.1]])
    found = Memory(np.array([0, 1e-8]), score, np.zeros(2), score.sum(axis=1), 0.0, 0.1, 100)
    ax = figures.memory({"all": found})
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [1.4, 0.5])
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [0, 10])
    assert ax.lines[0].get_label() == "all: sum 1.90"
    assert ax.get_ylabel().endswith("sum of 2 channels")


def test_accuracy_in_per_cent_with_its_interval_and_chance():
    columns = np.array([[0.0, 2e-6], [0.5, 0.75], [0.25, 0.5], [0.75, 0.875]])
    ax = figures.class_accuracy({"layer 0": ClassAccuracy(*columns, 0.4, np.array([9, 9]))})
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [0, 2])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [50, 75])
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (25, 87.5)
    assert ax.lines[-1].get_ydata()[0] == pytest.approx(40)


def test_dimension_cumulative_drive_and_class_variance():
    corners = np.array([[2.0, 0], [-2, 0], [0, 1], [0, -1]])
    found = analysis.effective_dimension(corners[:, :, None])
    ax = figures.effective_dimension({"layer 0": found})
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0, 0.8, 1])
    assert ax.lines[1].get_xdata()[0] == pytest.approx(25 / 17)
    ax = figures.cumulative_drive({"layer 0": CumulativeDrive(2e-5, np.array([3e-5, 1e-5, 2e-5]))})
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [1e-5, 2e-5, 3e-5])
    assert ax.lines[0].get_label() == r"layer 0: mean $2 \times 10^{-5}$"
    assert ax.lines[1].get_ydata()[0] == 1
    time = np.array([5.0, 5.000001, 5.000002])
    ax = figures.class_variance(time, {"layer 0": ClassVariance(0.25, np.array([0.1, 0.2, 0.4]))})
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [0, 1, 2], atol=1e-6)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.1, 0.2, 0.4])
    assert ax.lines[0].get_label() == "layer 0: 0.250"


def test_energy_is_stacked_in_its_unit_and_says_what_was_assumed():
    found = analysis.energy(np.array([0, 1e-6]), 96, 500, 2e-6, 1e-9)
    ax = figures.energy(found)
    neurons, synapses = (c.get_paths()[0].vertices[:, 1] for c in ax.collections)
    assert neurons.max() == pytest.approx(192)
    assert synapses.max() == pytest.approx(192.5)
    assert ax.get_ylabel() == "energy (pJ)"
    assert ax.get_title() == "assumed: 96 neurons of 2 µW, 500 synapses of 1 nW"


def test_legends_stand_beside_the_axes():
    ax = figures.steady_states(states())
    ax.figure.draw_without_rendering()
    legend = ax.get_legend().get_window_extent()
    assert legend.x0 >= ax.get_window_extent().x1
    assert legend.x1 <= ax.figure.bbox.x1 + 1
