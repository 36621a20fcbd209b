"""What may be meant otherwise in networks that settle: values far from what is usual, steps
that do not suit the neurons, drives that cut a step; `check` and a training tell it.
"""

import dataclasses

import numpy as np
import pytest

import spinrnn
from spinrnn.networks.scaling import Scaling
from spinrnn.runs import effort, excitation
from spinrnn.runs import run as run_module
from spinrnn.runs.checking import Checked, _describe
from spinrnn.runs.effort import effort_of
from spinrnn.runs.excitation import drives_of
from spinrnn.runs.suspicions import suspicions

DATA = spinrnn.Dataset(np.zeros((4, 1, 6)), [0, 1, 0, 1])
SPIN = spinrnn.Macrospin()


def net_of(neuron, **others):
    given = {"layers": (2,), "inputs": 6, "outputs": 2, "neuron": neuron, "dtype": "float64"}
    return spinrnn.network_of(spinrnn.SymmetricConfig(**given | others), seed=0)


def told(neuron, **others):
    return suspicions(net_of(neuron, **others), DATA).warnings


@pytest.mark.parametrize(
    ("neuron", "changes", "text"),
    [
        (spinrnn.StuartLandau(), {"step": 10.0},
         "network.step: 10 s is 1e+09 times the time of stuart_landau: the neurons jump, and "
         "layers may drive each other to and fro; times are in seconds, 10 ns are 1e-08; left out "
         "it is 1e-08 s"),
        (spinrnn.Rate(), {"step": 21e-9},
         "network.step: 2.1e-08 s is 2.1 times the time of rate: by Euler's steps the neurons "
         "diverge; left out it is 1e-08 s"),
        (spinrnn.Macrospin(field_z=0.8), {},
         "neuron: nothing holds it where it rests without a current, so no free phase settles; a "
         "field or an anisotropy does"),
        # the time that follows from a wrong value is not named
        (spinrnn.StuartLandau(relaxation_time=10.0), {"step": 1e-7},
         "neuron.relaxation_time: 10 s is far from what is usual, 1e-11 to 0.001 s; write 1e-08 "
         "if it is ns, 1e-11 if it is ps, 1e-05 if it is us"),
        (spinrnn.StuartLandau(relaxation_time=1e-13), {"step": 1e-8},
         "neuron.relaxation_time: 1e-13 s is far from what is usual, 1e-11 to 0.001 s"),
        (spinrnn.StuartLandau(frequency=0.1), {},
         "neuron.frequency: 0.1 Hz is far from what is usual, 100000 to 1e+12 Hz; write 1e+08 if "
         "it is GHz, 1e+05 if it is MHz"),
        (spinrnn.Macrospin(thickness=3.0), {},
         "neuron.thickness: 3 m is far from what is usual, 1e-10 to 1e-06 m; write 3e-09 if it is "
         "nm, 3e-10 if it is Angstrom"),
    ],
)  # fmt: skip
def test_what_does_not_suit_is_told(neuron, changes, text):
    assert told(neuron, **changes) == [text]


@pytest.mark.parametrize(
    ("neuron", "changes"),
    [
        (spinrnn.Rate(), {"step": 20e-9}),
        (spinrnn.BinaryRate(), {"step": 5e-9, "steps": 40}),
        (spinrnn.Oscillator(bias_ratio=3.0), {"step": 3e-7, "levels": (0.4, 0.8)}),
        (spinrnn.StuartLandau(reference=0.5), {"steps": 3}),
        (SPIN, {"step": 1e-11, "steps": 1000}),
    ],
)
def test_what_suits_is_not(neuron, changes):
    assert told(neuron, **changes) == []


def test_by_eulers_steps_neurons_diverge_from_twice_their_time_on():
    for step, most in ((19e-9, 20.0), (21e-9, np.inf)):
        net = net_of(spinrnn.Rate(), step=step, start=3.0)
        (first, _), found = net.settle(DATA.inputs, 200), abs(net.settle(DATA.inputs, 201)[0])
        assert (found < most).all()
        if most == np.inf:
            assert (found > 1.05 * abs(first)).all()
            assert found.min() > 1e3


@pytest.mark.parametrize(
    ("neuron", "step", "text"),
    [
        (SPIN, 1e-3, r"^step: 0\.001 s is too long for macrospin, of at most 1\.29e-06 s; times"),
        (spinrnn.StuartLandau(relaxation_time=10.0), 1e-9, r"^neuron\.relaxation_time: 10 s is"),
        (spinrnn.StuartLandau(), 100.0, r"^step: must be positive, and at most 1e\+09 of the neur"),
    ],
)  # fmt: skip
def test_a_step_that_cannot_be_is_refused_by_the_value_that_makes_it_so(neuron, step, text):
    with pytest.raises(spinrnn.ConfigError, match=text) as caught:
        net_of(neuron, step=step)
    assert len(caught.value.problems) == 1


def test_drives_reach_a_layer_both_ways(monkeypatch):
    """Of scaled inputs up to 3; a macrospin emits up to 1."""
    net = net_of(dataclasses.replace(SPIN, bias_current=2e-4), layers=(2, 3), amplification=2.0)
    net.parameters[:] = 0
    views = net.layout.named(net.parameters)
    views["w_0"][1, :2], views["bias_0"][0] = (0.5, -0.25), -0.125
    views["w_1"][:, 1], views["w_2"][0, 2] = (1.0, -1.0, 0.5), 4.0
    inputs = np.full((2, 1, 6), 10.0)
    inputs[1] = 16.0
    net.scaling = Scaling(np.full(6, 10.0), np.full(6, 2.0))
    found = drives_of(net, spinrnn.Dataset(inputs, [0, 1]))
    reached = 2 * (3 * 0.75 + 2.5) + 0.125, 2 * (0.5 + 4.0), 2 * 4.0
    assert found == [(pytest.approx(2 - by), pytest.approx(2 + by)) for by in reached]
    # part by part: the largest is in the first
    monkeypatch.setattr(excitation, "CASES", 1)
    assert drives_of(net, spinrnn.Dataset(inputs[::-1].copy(), [0, 1])) == found


def test_a_step_that_is_cut_is_told_and_counted(monkeypatch):
    net = net_of(dataclasses.replace(SPIN, bias_current=0.09), steps=1000, step=2e-10)
    found = suspicions(net, DATA)
    (text, *_) = found.slow
    assert text.startswith("macrospin, layer 0: at the largest drive a step is cut into")
    unit = effort.OF_CUTS * 2 * sum(effort.cuts_of(net, found.drives))
    asked = []

    def seconds(net, inputs, steps):
        asked.append((len(inputs), steps))
        return 1e-2 * len(inputs) * steps

    monkeypatch.setattr(effort, "_seconds_of_steps", seconds)
    inputs = np.zeros((100, 1, 6))
    given = effort_of(net, inputs, 100, found.drives)
    assert asked[0] == (1, 1)
    assert asked[1][0] * asked[1][1] * unit == pytest.approx(effort.BUDGET, rel=0.1)
    assert (given.case, given.measured) == (pytest.approx(10.0), True)
    assert given.step == pytest.approx(effort.GRADIENT * 1000.0)
    monkeypatch.setattr(effort, "BUDGET", 8 * unit / 10)
    counted = effort_of(net, inputs, 100, found.drives)
    assert (counted.case, counted.measured) == (pytest.approx(1000 * unit), False)
    rates = net_of(spinrnn.Rate())
    assert effort_of(rates, inputs, 100, drives_of(rates, DATA)) is None


def test_a_check_and_a_training_tell_it():
    config = spinrnn.RunConfig(
        spinrnn.SymmetricConfig(layers=(2,), inputs=6, outputs=2, step=1e-6),
        spinrnn.TrainConfig(estimator=spinrnn.Equilibrium()),
    )
    rng = np.random.default_rng(0)
    data = spinrnn.Dataset(rng.normal(size=(40, 1, 6)), np.arange(40) % 2)
    trainer, found = run_module.Trainer(config, data), Checked()
    with pytest.warns(UserWarning, match=r"^network\.step: 1e-06 s is 100 times the time of rate"):
        run_module._warn_of_data(trainer)
    _describe(trainer, found)
    assert [text.partition(":")[0] for text in found.warnings] == ["network.step"]
