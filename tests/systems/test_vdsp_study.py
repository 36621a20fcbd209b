"""The study of VDSP: pairs of spikes, its tables, and its numbers from made-up rows."""

import math

import numpy as np
import pytest

from spinrnn.config.run import from_tables
from spinrnn.synapses.conductance import WINDOWS, Conductance
from spinrnn.systems import vdsp, vdsp_figures


@pytest.mark.parametrize("window", WINDOWS)
def test_pairs_are_the_closed_form(window):
    """Below -theta and above theta the published window, nothing between."""
    numbers, rest = Conductance(window=window).numbers, 0.7
    found = vdsp.pairing(window, rest)
    for delay in (0, 3, 10, 26, 27, 60, 120):
        v = rest + (-1 - rest) * math.exp(-delay / 30)
        way = 0 if v < 0 else 1
        over = abs(v) * numbers.volts - numbers.thresholds[way]
        size = math.expm1(numbers.slopes[way] * max(over, 0)) * 0.5 ** numbers.exponents[way]
        expected = max(-0.5, min(0.5, 0.1 * size * (1 if v < 0 else -1)))
        assert found[delay] == pytest.approx(expected, rel=1e-11, abs=1e-14)
    # ms, the sign turns at tau ln((rest + 1) / rest)
    turn = 30 * math.log((rest + 1) / rest)
    assert (found[: math.floor(turn)] >= 0).all()
    assert (found[math.ceil(turn) :] <= 0).all()


def test_device_windows_are_the_published_ones():
    """Down over up: the published ratios."""
    own = WINDOWS["TiO2"]
    assert own.exponents == pytest.approx((1.6796, 1.6796 * 0.9439))
    assert own.slopes == pytest.approx((0.6790, 0.6790 * 1.1248))
    assert own.thresholds == pytest.approx((1.4323, 1.4323 * 1.0921))
    assert own.lowest == pytest.approx(1 / 7.5)
    assert WINDOWS["HZO"].exponents[1] == pytest.approx(1.0679 * 1.5798)
    assert WINDOWS["HZO"].slopes[1] == pytest.approx(1.1592 * 0.4741)
    assert WINDOWS["HfO2"].thresholds[1] == pytest.approx(0.8038 * 1.0596)
    assert (1 / WINDOWS["HZO"].lowest, 1 / WINDOWS["HfO2"].lowest) == pytest.approx((2.65, 4))


def test_the_simplified_network_is_that_of_the_authors_program():
    """v <- v exp(-1/30) + 0.032 + 0.00675 x in steps of 1 ms, x from 0 to 255."""
    config = from_tables(vdsp.tables(vdsp.SIMPLE, 100, 0)).network
    left = math.exp(-1 / 30)
    for grey in (0, 100, 255):
        rest = config.rest + config.gain * grey / 255
        v = 0.3
        assert rest + (v - rest) * left == pytest.approx(v * left + 0.032 + 0.00675 * grey)
    assert config.time_step == 1e-3
    assert (config.threshold, config.growth) == (10.0, 0.0)


def test_more_neurons_have_rates_of_as_many_cases():
    few, many = vdsp.of_mnist(100, 0), vdsp.of_mnist(400, 1)
    assert few["network"]["growth"] == 0.03
    assert few["network"]["growth_time"] == 2000.0
    assert many["network"]["growth"] == pytest.approx(0.12)
    assert many["network"]["growth_time"] == 8000.0
    assert many["train"]["learning_rate"] == pytest.approx(0.01)
    assert vdsp.of_mnist(10, 0)["train"]["learning_rate"] == 0.005


def rows():
    fields = {"fields": np.zeros((2, 64), dtype=int).tolist(), "classes": [3, -1]}
    common = {"seed": 0, **fields}
    found = [{"what": "pairing", "delays": [0, 1], "changes": {"vdsp": [0.1, -0.05]}}]
    for control, value in (("learned", 88.0), ("shuffled", 30.0), ("none", 35.0)):
        own = {"what": "digits", "control": control, "accuracy": value, "neurons": 50}
        found += [common | own, common | own | {"seed": 1, "accuracy": value + 2}]
    found += [
        common | {"what": "window", "window": window, "accuracy": 80.0, "neurons": 100}
        for window in vdsp.RATES
    ]
    for seed, value in enumerate((87.0, 88.0)):
        own = {"what": "mnist", "neurons": 100, "cases": 60_000, "accuracy": value}
        found.append(common | own | {"seed": seed})
    found.append(common | {"what": "simplified", "neurons": 100, "cases": 60_000, "accuracy": 72.0})
    return found


def test_numbers_are_means_over_seeds():
    found = vdsp.numbers(rows()).findings
    assert found["digits_learned"][0] == 89.0
    assert found["window_tio2"][0] == 80.0
    assert found["mnist_60000_100"][0] == 87.5
    assert found["mnist_60000_100_deviation"][0] == pytest.approx(math.sqrt(0.5))
    assert found["simplified"][0] == 72.0
    assert "original" not in found


def test_the_figure_shows_paper_and_ours():
    figure = vdsp_figures.vdsp(vdsp.numbers(rows()))
    axes = [ax for part in figure.subfigs for ax in part.axes]
    assert len(axes) == 3 + 20
    bars = [bar.get_height() for bar in axes[1].patches]
    assert bars[:3] == [89.0, 31.0, 36.0]
    (ours,) = [line for line in axes[2].lines if line.get_label() == "ours, 60,000 images"]
    np.testing.assert_array_equal(ours.get_ydata(), [87.5])
    assert axes[3].get_title() == "3"


def test_trials_have_the_data_that_are_there(tmp_path):
    keys = [trial.key for trial in vdsp.trials(False, {})]
    assert [key["what"] for key in keys].count("digits") == 9
    assert not any(key["what"] == "mnist" for key in keys)
    keys = [trial.key for trial in vdsp.trials(False, {"mnist": tmp_path})]
    own = [key for key in keys if key["what"] == "mnist" and key["cases"] == 60_000]
    assert {key["neurons"] for key in own} == set(vdsp.NEURONS)
    assert sum(key["neurons"] == 400 for key in own) == vdsp.SEEDS
