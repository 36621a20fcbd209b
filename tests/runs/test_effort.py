"""How long a batch takes, told without running one: counted steps, some points measured, and
what `spinrnn check` says before and after.
"""

import sys

import numpy as np
import pytest
from conftest import here

import spinrnn
from spinrnn.cli import check
from spinrnn.config.toml import load_config
from spinrnn.learning.divergence import advice
from spinrnn.learning.trainer import Trainer
from spinrnn.networks.making import network_of
from spinrnn.runs import checking, effort
from spinrnn.runs import run as run_module
from spinrnn.runs.checking import check_run
from spinrnn.runs.effort import cut_problems, cuts_of, effort_of, interval_warnings
from spinrnn.runs.excitation import drives_of
from spinrnn.runs.suspicions import Suspicions, suspicions

SPINS = ["network.layers=[2]", "neuron.kind=macrospin", "network.input_interval=5e-11"]
INPUTS = np.zeros((4, 1, 10), np.float32)


def data_of(inputs):
    return spinrnn.Dataset(inputs, np.arange(len(inputs)) % 2)


def cuts(net, inputs=INPUTS):
    return cuts_of(net, drives_of(net, data_of(inputs)))


def net_of(neuron, **others):
    config = spinrnn.NetworkConfig(layers=(2,), inputs=1, outputs=2, neuron=neuron, **others)
    net = spinrnn.Network(config, seed=0)
    net.parameters[:] = 0
    return net


@pytest.mark.parametrize("current", [-6.0, 600.0])
def test_a_cut_is_a_step_over_half_a_radian_of_field_and_torque(current):
    layer = spinrnn.Macrospin(bias_current=current)
    net = net_of(layer, input_interval=50e-12, substeps=100_000 if current > 0 else 1000)
    torque = 1.054571817e-34 / 1.602176634e-19 / 2 * 0.4 * abs(current)
    torque /= layer.saturation * layer.volume
    step = net.config.input_interval / net.config.resolved_substeps
    half = 2 * step * 1.76085963e11 * (layer.field_scale + torque)
    assert cuts(net) == [pytest.approx(half, rel=1e-6)]


def test_the_largest_drive_counts():
    layer = spinrnn.Macrospin(bias_current=0.0, current_unit=1.0)
    net = net_of(layer, input_interval=50e-12, substeps=100)
    net.parameters[net.layout.places("w_ext_0")] = (3.0, -6.0)
    (cut,) = cuts(net, np.full((2, 1, 2), -10.0))
    alone = cuts(net_of(spinrnn.Macrospin(bias_current=60.0), input_interval=50e-12))
    assert cut == pytest.approx(
        alone[0] * net_of(layer, input_interval=50e-12).config.resolved_substeps / 100
    )


def test_other_kinds_cut_none():
    assert cuts(net_of(spinrnn.Oscillator(bias_ratio=1e6))) == [1.0]


def test_too_many_steps_are_a_problem_and_many_a_warning():
    fast = net_of(spinrnn.Macrospin(current_unit=1e8), input_interval=50e-12)
    fast.parameters[fast.layout.places("w_ext_0")] = 1.0
    problems, warnings = cut_problems(fast, drives_of(fast, data_of(INPUTS + 1)))
    assert "layer 0: at the largest drive a substep would be cut into" in problems[0]
    assert warnings == []
    slow = net_of(spinrnn.Macrospin(bias_current=300.0), input_interval=50e-12)
    problems, warnings = cut_problems(slow, drives_of(slow, data_of(INPUTS)))
    assert problems == []
    assert warnings[0].startswith("macrospin, layer 0: at the largest drive a substep is cut into")


# ---- times ----


def test_what_is_short_is_not_looked_at(monkeypatch):
    monkeypatch.setattr(effort, "_seconds", None)
    net = net_of(spinrnn.Macrospin(), input_interval=50e-12)
    assert effort_of(net, INPUTS, 4, drives_of(net, data_of(INPUTS))) is None


def test_what_cannot_be_measured_is_counted(monkeypatch):
    monkeypatch.setattr(effort, "_seconds", None)
    net = net_of(spinrnn.Macrospin(bias_current=6000.0), input_interval=50e-12)
    inputs = np.zeros((100, 1, 1000), np.float32)
    drives = drives_of(net, data_of(inputs))
    found = effort_of(net, inputs, 100, drives)
    (cut,), substeps = cuts_of(net, drives), net.config.resolved_substeps
    assert found.case == pytest.approx(1000 * substeps * 2 * cut * effort.OF_CUTS)
    assert found.step == pytest.approx(effort.GRADIENT * 100 * found.case)
    assert (found.compiling, found.measured) == (0.0, False)


def test_some_points_stand_for_all(monkeypatch):
    """Each case and point takes 2 ms, so 10,000 points of 100 cases 2000 s."""
    asked = []

    def seconds(net, inputs):
        asked.append(inputs.shape)
        return 2e-3 * inputs.shape[0] * inputs.shape[2]

    monkeypatch.setattr(effort, "_seconds", seconds)
    net = net_of(spinrnn.Macrospin(), input_interval=50e-12)
    inputs = np.zeros((100, 1, 10_000), np.float32)
    drives = drives_of(net, data_of(inputs))
    found = effort_of(net, inputs, 100, drives)
    assert found.case == pytest.approx(20.0)
    assert found.step == pytest.approx(effort.GRADIENT * 2000.0)
    assert (found.compiling, found.measured) == (pytest.approx(2e-3), True)
    first, second = asked
    assert first == (1, 1, 1)
    assert second[0] == 100
    unit = net.config.resolved_substeps * 2 * effort.EACH
    assert second[0] * second[2] * unit == pytest.approx(effort.BUDGET, rel=0.05)
    monkeypatch.setattr(effort, "PATIENCE", 9000.0)
    assert effort_of(net, inputs, 100, drives) is None


@pytest.mark.parametrize(
    ("measured", "source", "words"),
    [(True, "one point", "a batch takes 3 s"), (False, "count", "too many to measure a single")],
)
def test_the_time_line_says_where_it_comes_from(monkeypatch, measured, source, words):
    found = effort.Effort(0.5, 3.0, 0.1, measured)
    monkeypatch.setattr(checking, "effort_of", lambda *_: found)
    checked = check_run(None, ["train.epochs=3"])
    training, validation, test = (sum(part.values()) for part in checked.parts.values())
    assert checked.expected.training == 3 * (checked.batches * 3.0 + 0.5 * validation)
    assert checked.expected.testing == 9 * 0.5 * test
    assert checked.expected.source == source
    (line,) = check.times_of(checked)
    assert line.startswith("time        some ")
    assert words in line
    fit = check_run(None, ["estimator.kind=reservoir"]).expected
    assert fit.training == 2 * 0.5 * (training + validation)


# ---- what is said at once ----


def test_what_is_known_is_printed_before_anything_is_measured(monkeypatch):
    seen = []
    monkeypatch.setattr(checking, "_measured", lambda *_: seen.append(sys.stdout.getvalue()))
    settings = [f"--set={text}" for text in [*SPINS, "neuron.saturation=0.8"]]
    assert here("check", *settings).returncode == 0
    assert "network     1-2-10 macrospin" in seen[0]
    threshold = spinrnn.threshold_current(spinrnn.Macrospin(saturation=0.8))
    assert f"times the threshold of {threshold:.4g} A, and its torque" in seen[0]
    assert "neuron.saturation: 0.8 A/m is far from what is usual" in seen[0]
    assert "time  " not in seen[0]
    assert seen[0].endswith("\n" + check.MEASURING + "\n")
    assert check.MEASURING.startswith("measuring   the time, by real steps; what they need is comp")
    wrong = here("check", *settings, "--set=neuron.current_unit=2e10").stdout
    assert check.MEASURING not in wrong + here("check", *settings, "--json").stdout


def test_a_unit_that_cannot_be_is_the_problem(monkeypatch):
    monkeypatch.setattr(checking, "_measured", None)
    found = check_run(None, [*SPINS, "neuron.current_unit=2e10"])
    (text,) = found.problems
    assert text.endswith("write 0.0001571 if it is a density in A/m2")
    assert text.startswith("neuron.current_unit: 2e+10 A is far")


# ---- the input interval ----


def test_an_interval_that_does_not_suit_the_neurons():
    def told(neuron, interval):
        config = spinrnn.NetworkConfig(layers=(2,), neuron=neuron, input_interval=interval)
        return interval_warnings(config)

    (long,) = told(spinrnn.Macrospin(), 10e-9)
    assert long.startswith(
        "network.input_interval: 1e-08 s is 194 times what suits macrospin, 15533"
    )
    assert long.endswith("gradients through so many vanish or diverge; set 5e-11")
    assert told(spinrnn.Macrospin(), 5e-11) == []
    assert told(spinrnn.Oscillator(), 10e-9) == []
    (short,) = told(spinrnn.Oscillator(relaxation_time=1e-6), 10e-9)
    assert short.endswith("1 substeps a point: it hardly moves within one; set 1e-06")


@pytest.mark.parametrize("interval", ["1e-8", "5e-11"])
def test_a_divergence_names_the_interval_where_that_is_long(interval):
    settings = [*SPINS[:2], f"network.input_interval={interval}"]
    config = load_config(None, settings)
    found = advice(config.fitted_to(spinrnn.load_dataset("digits")))
    named = found.startswith("network.input_interval = 5e-11, which suits its neurons, or")
    assert named == (interval == "1e-8")
    assert found.endswith("a smaller train.learning_rate or train.clip")


def test_a_training_tells_what_makes_it_endless():
    """And nothing of a short interval, nor of networks without time."""

    def told(net):
        return suspicions(net, data_of(INPUTS), excited=False).endless

    slow = told(net_of(spinrnn.Macrospin(bias_current=300.0)))
    assert [text.partition(":")[0] for text in slow] == [
        "neuron.bias_current", "macrospin, layer 0", "network.input_interval",
    ]  # fmt: skip
    assert told(net_of(spinrnn.Oscillator(relaxation_time=1e-6))) == []
    static = network_of(spinrnn.FeedforwardConfig(layers=(2,), inputs=1, outputs=2), seed=0)
    assert told(static) == []


def test_an_interval_is_not_judged_by_a_field_that_is_wrong():
    """Of 1200 T, which are mT, 50 ps are far too long; a wrong area says nothing of
    times.
    """
    for values, interval, keys in (
        ({"field_z": 1200.0}, 5e-11, ["neuron.field_z"]),
        ({"area": 7854.0}, 5e-9, ["neuron.area", "network.input_interval"]),
    ):
        net = net_of(spinrnn.Macrospin(**values), input_interval=interval)
        found = suspicions(net, data_of(INPUTS), excited=False)
        told = [text.partition(":")[0] for text in found.unusual + found.long]
        assert told == keys
        assert bool(interval_warnings(net.config))


def test_a_training_warns(monkeypatch):
    def suspected(net, data, excited, estimator):
        return Suspicions(slow=[f"{len(data)} of it"])

    monkeypatch.setattr(run_module, "suspicions", suspected)
    config = load_config(None, ["network.layers=[2]", "train.epochs=1"])
    data = spinrnn.load_dataset("digits")
    trainer = Trainer(config.fitted_to(data), data)
    with pytest.warns(UserWarning, match="^1259 of it"):
        run_module._warn_of_data(trainer)
