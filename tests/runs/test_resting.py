"""Whether a network that settles comes to rest, measured: the advice that is given is
true, and what settles is silent.
"""

import re

import numpy as np
import pytest

import spinrnn
from spinrnn.runs import checking, resting
from spinrnn.runs import run as run_module
from spinrnn.runs.excitation import drives_of
from spinrnn.runs.resting import Walk, rest_warnings
from spinrnn.runs.suspicions import Suspicions, measured, suspicions

INPUTS = np.random.default_rng(0).uniform(size=(40, 1, 6))
DATA = spinrnn.Dataset(INPUTS, np.arange(40) % 2)
VO2 = spinrnn.VO2()


def net_of(neuron, **others):
    given = {"layers": (8, 8), "inputs": 6, "outputs": 2, "neuron": neuron, "dtype": "float64"}
    return spinrnn.network_of(spinrnn.SymmetricConfig(**given | others), seed=0)


def told(neuron, **others):
    net = net_of(neuron, **others)
    return rest_warnings(net, DATA, drives_of(net, DATA))


def left(net, steps):
    """The largest share of its way that a layer still has to go after so many steps, by
    a relaxation that is long.
    """
    start, now, rest = (net.settle(INPUTS[:8], n) for n in (0, steps, 100_000))
    return max(
        np.linalg.norm(c - b) / np.linalg.norm(c - a)
        for a, b, c in zip(start, now, rest, strict=True)
    )


@pytest.mark.parametrize("neuron", [VO2, spinrnn.Oscillator(), spinrnn.StuartLandau()])
def test_the_advice_is_true(neuron):
    """Steps that are advised bring the network to rest, longer ones too; then nothing
    is told.
    """
    given = {"steps": 3, "step": neuron.time_unit / 8}
    (text,) = told(neuron, **given)
    assert text.startswith(f"network.step: 3 steps of {given['step']:.3g} s do not bring")
    assert left(net_of(neuron, **given), 3) > 0.3
    ways = dict(re.findall(r"network\.(steps?) = ([\d.e+-]+)", text))
    steps = int(ways["steps"])
    assert left(net_of(neuron, **given | {"steps": steps}), steps) < 0.2
    assert told(neuron, **given | {"steps": steps}) == []
    if "step" in ways:
        longer = given | {"step": float(ways["step"])}
        assert left(net_of(neuron, **longer), 3) < 0.2
        assert told(neuron, **longer) == []


def test_coupled_layers_wait_for_each_other():
    """Three times of a single neuron are not enough, though of one 1/20 is left."""
    steps = int(3 * VO2.settling_time / VO2.time_unit)
    assert left(net_of(VO2, steps=steps), steps) > 0.4
    (text,) = told(VO2, steps=steps)
    assert text.startswith("network.steps: 108 steps of 4.83e-08 s do not bring vo2 to rest: as ")


def test_what_never_rests_is_driven_less():
    """By what they emit to each other; hardly coupled it rests, and nothing is told."""
    neuron, others = spinrnn.VO2(bias_voltage=8.0), {"steps": 100, "layers": (8,)}
    (text,) = told(neuron, **others)
    assert text.endswith(
        "are not enough; hardly coupled it comes to rest: lower network.amplification or "
        "network.start_gain"
    )
    assert told(neuron, **others | {"amplification": 1e-3, "steps": 400}) == []


def test_neurons_that_move_by_themselves_are_named():
    """A bias that makes VO2 oscillate alone."""
    (text,) = told(spinrnn.VO2(bias_voltage=14.0), steps=50)
    assert text.endswith("its own numbers keep it moving, as its bias; see [neuron]")


def test_a_step_in_which_nothing_moves():
    assert told(spinrnn.Oscillator(), step=2e-17, dtype="float32") == [
        "network.step: 2e-17 s is so short for oscillator, which comes to rest in some 1e-08 s, "
        "that in float32 nothing moves in 50 steps; set 1e-08"
    ]
    # of zeros rates do not move at all, and have had the time
    net = net_of(spinrnn.Rate())
    assert rest_warnings(net, spinrnn.Dataset(0 * INPUTS, DATA.labels), [(0, 0)] * 3) == []


def test_a_search_ends():
    net = net_of(VO2, steps=3, step=VO2.time_unit / 100)
    (text,) = rest_warnings(net, DATA, drives_of(net, DATA), 1e-6)
    assert text.endswith(
        "and it takes some 1.74e-06 s for that even alone; set network.steps = 21676 or more, or "
        "longer ones"
    )


def test_what_would_take_too_long_is_not_run(monkeypatch):
    net = net_of(VO2, steps=3)
    assert len(rest_warnings(net, DATA, drives_of(net, DATA))) == 1
    monkeypatch.setattr(resting, "PATIENCE", 1e-9)
    assert rest_warnings(net, DATA, drives_of(net, DATA)) == []


def test_a_walk_goes_on_as_one_relaxation():
    net = net_of(spinrnn.StuartLandau())
    walk = Walk(net, INPUTS[:8])
    for steps in (1, 3, 7):
        found, wanted = walk.to(steps), net.settle(INPUTS[:8], steps)
        for own, layer in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(own.T, layer)
    ways = [np.linalg.norm(a - b) for a, b in zip(walk.to(7), walk.start, strict=True)]
    np.testing.assert_array_equal(walk.way, ways)
    # what is rounding of what it emits is no way
    walk.start = [(1 + 1e-14) * layer for layer in walk.to(7)]
    walk.to(7)
    assert not walk.way.any()


def test_it_is_measured_only_where_nothing_speaks_against_it():
    net = net_of(VO2, steps=3)
    assert len(measured(net, DATA, suspicions(net, DATA))) == 1
    assert measured(net, DATA, Suspicions(slow=["a step is cut"])) == []
    recurrent = spinrnn.NetworkConfig(layers=(2,), outputs=2)
    assert measured(spinrnn.network_of(recurrent, seed=0), DATA, Suspicions()) == []


def test_a_check_and_a_training_tell_it():
    config = spinrnn.RunConfig(
        spinrnn.SymmetricConfig(
            layers=(4,), inputs=6, outputs=2, neuron=VO2, steps=3, dtype="float64"
        ),
        spinrnn.TrainConfig(estimator=spinrnn.Equilibrium(nudge="drive"), epochs=1),
    )
    trainer, found = run_module.Trainer(config, DATA), checking.Checked()
    with pytest.warns(UserWarning, match=r"^network\.steps: 3 steps of 4\.83e-08 s do not"):
        spinrnn.train(config, data=DATA)
    suspected = checking._describe(trainer, found)
    checking.measure(found, checking.Planned(trainer, suspected))
    assert [text.partition(":")[0] for text in found.warnings] == ["network.steps"]
