"""Why a macrospin does not oscillate: the sentence and its numbers; `spinrnn check`."""

import re

import numpy as np
import pytest

import spinrnn
from spinrnn.networks.scaling import Scaling
from spinrnn.neurons.excitation import excitation
from spinrnn.runs.checking import check_run
from spinrnn.runs.excitation import drives_of, excitations

LAYER = spinrnn.Macrospin(polariser_x=0.0, polariser_z=-1.0)
# of docs/macrospin.md
THRESHOLD = 2.7877e-4


@pytest.mark.parametrize(
    ("current", "oscillates", "words"),
    [
        (1.5 * THRESHOLD, True, "1.5 times the threshold of 0.0002788 A"),
        (0.8 * THRESHOLD, False, r"1\.25 times as much: a factor of 2 would do \(hbar/e"),
        (1.5e-3 * THRESHOLD, False, r"667 times as much: a factor of 1000 would do \(mA as A"),
        (THRESHOLD / 100, False, "100 times as much: no usual slip of units"),
        (-1.5 * THRESHOLD, False, "its sign is wrong, m rests nearer to antiparallel"),
        (0.0, False, "no current flows"),
        (5e10, False, r"density in A/m2, times the area it is 0\.000393 A"),
        (0.4, False, r"a factor of 1000 too much"),
        (20 * THRESHOLD, False, r"more than the 0\.00\d+ A .* m turns over"),
        ((-1.0, 0.5 * THRESHOLD), False, "2 times as much"),
        ((0.0, 2 * THRESHOLD), True, "0 to 0.000558 A is 2 times"),
    ],
)
def test_the_sentence_says_what_is_missing(current, oscillates, words):
    ok, text = excitation(LAYER, current)
    assert ok == oscillates
    assert re.search(words, text), text


def test_a_rest_without_orbits_is_told():
    """On a cone, along which no energy holds m."""
    ok, text = excitation(spinrnn.Macrospin(field_z=0.8, damping=0.02), (0.0, 1e-3))
    assert ok
    assert text.endswith("; there are no orbits about its rest to say more from")


@pytest.mark.parametrize("area", [LAYER.area * 1e-3, 7854.0])
def test_the_threshold_goes_with_the_area_whatever_its_unit(area):
    """Of 7854 m2, which are nm2, the torque of 0.1 mA is nothing beside the damping."""
    why = "a factor of 1000 would do (mA as A, or nm as um)"
    why = "area is far from what is usual, see to that first" if area > 1 else why
    large = spinrnn.Macrospin(polariser_x=0.0, polariser_z=-1.0, area=area)
    wanted = spinrnn.threshold_current(LAYER) * area / LAYER.area
    assert spinrnn.threshold_current(large) == pytest.approx(wanted, rel=1e-9)
    ok, text = excitation(large, 2e-3 * wanted)
    assert not ok
    assert text.endswith(f"500 times as much: {why}")


@pytest.mark.parametrize(
    ("values", "current", "words"),
    [
        ({"thickness": 3.0, "area": 7854.0}, 3e-4,
         r"times as much: thickness and area are far from what is usual, see to that first$"),
        ({"saturation": 0.8}, 6e-4,
         r"turned to the polariser; saturation is far from what is usual, see to that first$"),
        ({"thickness": 2e-6}, 3.7,
         r"m turns over and stays there; thickness is far from what is usual, see to that first$"),
    ],
)  # fmt: skip
def test_what_is_missing_agrees_with_what_is_unusual(values, current, words):
    ok, text = excitation(spinrnn.Macrospin(polariser_x=0.0, polariser_z=-1.0, **values), current)
    assert not ok
    assert re.search(words, text), text
    assert "slip" not in text


def test_towards_the_polariser_the_threshold_is_negative():
    parallel = spinrnn.Macrospin(polariser_x=0.0, polariser_z=1.0)
    assert excitation(parallel, (-1.5 * THRESHOLD, 1e-5))[0]
    assert not excitation(parallel, (-1e-5, 1.5 * THRESHOLD))[0]


def test_a_torque_that_cancels_is_the_reason():
    ok, text = excitation(spinrnn.Macrospin(polariser_x=1.0, polariser_z=0.0), 1e-3)
    assert not ok
    assert text.startswith("no current excites it, as its polariser is at 90.0 degrees")


def test_a_network_is_told_by_layer_what_inputs_and_weights_bring():
    weak = spinrnn.Macrospin(bias_current=1e-5, current_unit=1e-6)
    config = spinrnn.NetworkConfig(layers=(2, 1), inputs=1, neuron=(LAYER, weak))
    net = spinrnn.Network(config, seed=0)
    net.parameters[:] = 0
    net.parameters[net.layout.places("w_ext_0")] = (1.0, -0.5)
    net.parameters[net.layout.places("w_int_0")] = (0, 0, 0.25, 0.25)
    data = spinrnn.Dataset(np.full((2, 1, 2), -3.0), [0, 1])
    notes, warnings = excitations(net, drives_of(net, data))
    # 3 of the unit, or 1.5 and twice 0.25 of m_x up to 1
    assert notes == [
        "macrospin, layer 0: the current of 0 to 0.0006 A is 2.15 times the threshold of"
        " 0.0002788 A"
    ]
    assert len(warnings) == 1
    assert (
        "layer 1: the current of 1e-05 A does not reach the threshold of 0.0003219" in warnings[0]
    )
    assert "32.2 times as much" in warnings[0]


def test_drives_are_of_what_the_network_gets():
    """Inputs as they are scaled, up to a case's end, and weights as synapses make
    them.
    """
    layer = spinrnn.Macrospin(bias_current=0.0, current_unit=1.0)
    synapse = spinrnn.Sign(largest=0.25)
    config = spinrnn.NetworkConfig(
        layers=(1,), inputs=1, neuron=layer, synapse=synapse, input_interval=50e-12
    )
    net = spinrnn.Network(config, seed=0)
    net.parameters[:] = 0.01
    net.parameters[net.layout.places("bias_0")] = 0
    data = spinrnn.Dataset(np.array([[[1006.0, 1e9]], [[998.0, 1000.0]]]), [0, 1], lengths=[1, 2])
    net.scaling = Scaling(np.array([1000.0]), np.array([2.0]))
    # 3 of the unit and m_x up to 1
    scale = net.effective()[net.layout.places("w_ext_0")].item()
    assert scale != pytest.approx(0.01)
    assert drives_of(net, data) == [(pytest.approx(-4 * scale), pytest.approx(4 * scale))]


@pytest.mark.slow
def test_the_check_of_a_configuration_warns():
    settings = ["network.layers=[2]", "network.input_interval=2e-11", "neuron.kind=macrospin"]
    quiet = check_run(None, [*settings, "neuron.bias_current=1e-7", "neuron.current_unit=1e-7"])
    (text,) = (text for text in quiet.warnings if text.startswith("macrospin, layer 0"))
    assert "does not reach the threshold of 0.0003219 A" in text
    assert re.search(r"a factor of 1000 \(mA as A, or nm as um\) gives 0\.\d+ of it", text)
    driven = check_run(None, [*settings, "neuron.bias_current=4e-4"])
    assert any(note.startswith("macrospin, layer 0") for note in driven.notes)
    assert not driven.warnings
