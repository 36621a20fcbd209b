"""Values far from what is usual: which unit they may be in, and what is to be written."""

import pytest

import spinrnn
from spinrnn.config.quantity import quantities
from spinrnn.config.slips import UNITS, time_in

AREA = 7.853981633974483e-15


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"field_x": 3e5}, "T is far from what is usual, up to 20 T; write 0.377 if it is A/m"),
        ({"field_y": -4000}, "write -0.005027 if it is A/m, -5.027 if it is kA/m, -0.4 if it is Oe,"
         " -4 if it is mT"),
        ({"saturation": 0.8}, "to 3e+06 A/m; write 8e+05 if it is MA/m, 6.366e+05 if it is T"),
        ({"saturation": 800}, "write 8e+05 if it is kA/m or emu/cm3"),
        ({"saturation": 8e11}, "8e+11 A/m is far from what is usual, 10000 to 3e+06 A/m"),
        ({"bias_current": 6e10}, f"0.1 A; write {6e10 * AREA:.4g} if it is a density in A/m2"),
        ({"current_unit": 5e6}, f"{5e10 * AREA:.4g} if it is a density in A/cm2"),
        ({"bias_current": -0.6}, "write -0.0006 if it is mA, -6e-07 if it is uA"),
        ({"thickness": 3}, "write 3e-09 if it is nm, 3e-10 if it is Angstrom"),
        ({"area": 7854}, "write 7.854e-15 if it is nm2"),
        ({"anisotropy": -0.8}, "write -8e+05 if it is MJ/m3, -800 if it is kJ/m3"),
        ({"gyromagnetic_ratio": 2.21e5}, "write 1.759e+11 if it is m/(A s)"),
        ({"gyromagnetic_ratio": 28.0}, "write 1.759e+11 if it is GHz/T"),
    ],
)  # fmt: skip
def test_a_slip_of_units_is_named(values, told):
    (text,) = spinrnn.Macrospin(**values).unusual()
    assert text.startswith(f"{next(iter(values))}: ")
    assert told in text


def test_nothing_is_said_of_usual_values():
    for one in (spinrnn.Macrospin(), spinrnn.Macrospin.example(), spinrnn.Oscillator()):
        assert one.unusual() == []
    assert spinrnn.Macrospin(field_z=0, field_x=0.3, bias_current=0.0).unusual() == []


def test_what_is_usual_is_in_the_unit_that_is_declared():
    for kind in (spinrnn.Macrospin, spinrnn.StuartLandau):
        usual = [one for one in quantities(kind).values() if one.usual is not None]
        assert usual
        for declared in usual:
            low, high = declared.usual
            assert declared.unit in UNITS or declared.unit == "K"
            assert low <= abs(declared.default) <= high or declared.default == 0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"field_z": 1e6}, "neuron.field_z: 1e+06 T is far from what is usual"),
        ({"bias_current": 6e10}, "neuron.bias_current: 6e+10 A is far from what is usual"),
    ],
)
def test_a_wrong_value_is_named_and_not_the_time_that_follows_from_it(changes, told):
    neuron = spinrnn.Macrospin(**changes)
    with pytest.raises(spinrnn.ConfigError) as caught:
        spinrnn.NetworkConfig(neuron=neuron, input_interval=50e-12)
    (text,) = caught.value.problems
    assert text.startswith(told)


STIFF = spinrnn.Macrospin(
    field_z=1e6,
    bias_current=0.09,
    current_unit=0.09,
    area=1e-17,
    thickness=1e-10,
    damping=0.9,
)
"""Its steps must be short, whatever the field."""


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"input_interval": 50.0}, "input_interval: 50 s is out of all proportion to the neuron's "
         "time, 2.57517e-12 s; times are in seconds, 50 ps are 5e-11; 5e-11 s suits it"),
        ({"input_interval": 50e-12, "highpass_time": 3.0}, "highpass_time: 3 s is out of all"),
        ({"input_interval": 2.5e-10, "substeps": 1, "neuron": STIFF}, "substeps: a substep of 2"),
    ],
)  # fmt: skip
def test_a_wrong_time_besides_is_named_too(changes, told):
    """By neurons that have usual values in place of the wrong one."""
    with pytest.raises(spinrnn.ConfigError) as caught:
        spinrnn.NetworkConfig(**{"neuron": spinrnn.Macrospin(field_z=1e6), **changes})
    value, time = caught.value.problems
    assert value.startswith("neuron.field_z: 1e+06 T is far from what is usual")
    assert time.startswith(told)


def test_of_layers_the_wrong_one_is_named():
    neurons = (spinrnn.Macrospin(), spinrnn.Macrospin(field_z=1e6))
    with pytest.raises(spinrnn.ConfigError, match=r"^neuron\[1\]\.field_z: 1e\+06 T"):
        spinrnn.NetworkConfig(layers=(2, 2), neuron=neurons, input_interval=50e-12)


@pytest.mark.parametrize(
    ("value", "usual", "told"),
    [
        (50.0, 2.6e-12, "50 ps are 5e-11"),
        (10.0, 1e-8, "10 ns are 1e-08"),
        (5.0, 1e-3, "5 ms are 0.005"),
        (0.01, 1e-8, "as in 10e-9"),
        (1e9, 1e-12, "as in 10e-9"),
        (1e-320, 1e-8, "as in 10e-9"),
    ],
)
def test_times(value, usual, told):
    assert time_in(value, usual) == told
