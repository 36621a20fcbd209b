"""Neurons without time: values, slopes against differences, precision, NaN, factors; the
RF neuron against the oscillator that it is at rest.
"""

import dataclasses

import numpy as np
import pytest

import spinrnn
from spinrnn.config import kinds
from spinrnn.errors import ConfigError
from spinrnn.neurons.static import Activation

RF = spinrnn.RF()


def drives(kind, rng, n=400):
    """(n,) that reach all parts of a kind's function, none next to a kink."""
    if kind.drive_unit == "V":
        return rng.uniform(-12e-3, 4e-3, n)
    z = rng.uniform(-2, 2, n)
    return z[(np.abs(z) > 0.01) & (np.abs(np.abs(z) - 1) > 0.01)]


@pytest.mark.parametrize("name", kinds.names_of("activation"))
def test_slopes_are_the_derivatives(name):
    kind = kinds.kind_of("activation", name)()
    z = drives(kind, np.random.default_rng(0))
    if not kind.exact:
        np.testing.assert_array_equal(kind.slope(z), np.abs(z) <= 1)
        return
    h = 1e-5 * np.abs(z).max()
    difference = (8 * (kind.value(z + h) - kind.value(z - h))
                  - (kind.value(z + 2 * h) - kind.value(z - 2 * h))) / (12 * h)  # fmt: skip
    slope = kind.slope(z)
    error = np.abs(slope - difference) / np.abs(slope).max()
    # where a difference reaches over a kink it says nothing
    near = np.abs(np.diff([kind.slope(z - 2 * h), kind.slope(z + 2 * h)], axis=0)[0])
    assert error[near < 0.01 * np.abs(slope).max()].max() < 1e-8
    assert len(np.unique(slope)) > (1 if name != "linear" else 0)


def test_values_at_kinks_and_ends():
    z = np.array([-3.0, -1.0, -0.5, 0.0, -0.0, 0.5, 1.0, 3.0])
    values = {name: kinds.kind_of("activation", name)().value(z).tolist() for name in
              ("relu", "sign", "hard_tanh", "linear")}  # fmt: skip
    assert values["relu"] == [0, 0, 0, 0, 0, 0.5, 1, 3]
    assert values["sign"] == [-1, -1, -1, 1, 1, 1, 1, 1]
    assert values["hard_tanh"] == [-1, -1, -0.5, 0, 0, 0.5, 1, 1]
    assert values["linear"] == z.tolist()
    slopes = {name: kinds.kind_of("activation", name)().slope(z).tolist() for name in values}
    assert slopes["relu"] == [0, 0, 0, 0, 0, 1, 1, 1]
    assert slopes["sign"] == slopes["hard_tanh"] == [0, 1, 1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("name", kinds.names_of("activation"))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_precision_stays_and_nan_passes(name, dtype):
    kind = kinds.kind_of("activation", name)()
    z = np.array([[0.1, -0.2, np.nan]], dtype)
    for array in (kind.value(z), kind.slope(z)):
        assert array.dtype == dtype
        assert array.shape == (1, 3)
    assert np.isnan(kind.value(z)).tolist() == [[False, False, True]]
    given = drives(kind, np.random.default_rng(1)).astype(dtype)
    exact = kind.value(given.astype("float64"))
    assert np.abs(kind.value(given) - exact).max() <= 1e-6 * np.abs(exact).max()


def test_the_rf_neuron_gives_the_published_powers():
    """1.25 x 0.5 x 1 kOhm x (40 uA)^2 is 1 microwatt; at the threshold it is silent."""
    ends = np.array([-RF.bias_voltage, 40e-6 / RF.transconductance - RF.bias_voltage])
    middle = np.array([20e-6 / RF.transconductance - RF.bias_voltage])
    np.testing.assert_allclose(
        RF.value(ends + np.array([-1e-3, 1e-3])), [0, 1e-6], rtol=1e-13, atol=0
    )
    # p = 1/4 at xi = 2
    np.testing.assert_allclose(RF.value(middle), 1.25 * 0.25 * 1e3 * 400e-12, rtol=1e-13)
    assert RF.slope(ends + np.array([-1e-6, 1e-6])).tolist() == [0, 0]
    by_current = 1.25 * 1e3 * (3 * 400e-12 / (10e-6 * 16) + 2 * 20e-6 / 4)
    np.testing.assert_allclose(RF.slope(middle), RF.transconductance * by_current, rtol=1e-12)


def test_the_rf_neuron_is_the_oscillator_at_rest():
    """Eq. (1), simulated at constant drives for 400 relaxation times, against p."""
    xi = np.linspace(1.2, 3.9, 6)
    neuron = spinrnn.Oscillator(nonlinear_damping=RF.nonlinear_damping, power_floor=0.0)
    config = spinrnn.NetworkConfig(
        layers=(6,), inputs=1, outputs=1, neuron=neuron, dtype="float64",
        input_interval=10e-9, substeps=4,
    )  # fmt: skip
    net = spinrnn.Network(config)
    net.parameters[:] = 0
    net.views()["bias"][0][:] = xi - neuron.bias_ratio
    power = net.simulate(np.zeros((1, 1, 400))).state[0][0, :, -1]
    current = xi * RF.threshold_current
    value = RF.value(current / RF.transconductance - RF.bias_voltage)
    expected = RF.efficiency * power * RF.resistance * current**2
    np.testing.assert_allclose(value, expected, rtol=1e-12)


def test_powers_scatter_by_the_tolerance():
    assert RF.factors(5, np.random.default_rng(0)) is None
    kind = spinrnn.RF(tolerance=0.8)
    factors = kind.factors(4000, np.random.default_rng(0))
    noise = np.random.default_rng(0).standard_normal(4000)
    np.testing.assert_array_equal(factors, np.maximum(0, 1 + 0.8 * noise))
    assert (factors == 0).mean() == pytest.approx(0.106, abs=0.02)
    z = np.full((2, 4000), -4e-3, "float32")
    for method in (kind.value, kind.slope):
        np.testing.assert_allclose(method(z, factors), method(z) * factors, rtol=1e-6)
        assert method(z, factors).dtype == "float32"


def test_impossible_values_are_told_at_once():
    with pytest.raises(ConfigError) as error:
        spinrnn.RF(largest_ratio=1.0, resistance=-1.0, tolerance=2.0)
    assert [text.split(":")[0] for text in error.value.problems] == [
        "largest_ratio", "resistance", "tolerance",
    ]  # fmt: skip


def test_an_activation_of_ones_own(monkeypatch):
    for name in ("_registered", "_sources", "_files"):
        monkeypatch.setattr(kinds, name, {})

    @spinrnn.register
    @dataclasses.dataclass(frozen=True)
    class Softplus(spinrnn.Activation):
        """log(1 + exp(k z)) / k."""

        kind = "softplus"
        sharpness: float = spinrnn.quantity(1.0, about="k", above=0)

        def value(self, z, factors=None):
            return np.logaddexp(0, self.sharpness * z) / self.sharpness

        def slope(self, z, factors=None):
            return 1 / (1 + np.exp(-self.sharpness * z))

    made = kinds.made_of("activation", {"kind": "softplus", "sharpness": 3.0})
    assert isinstance(made, Softplus)
    assert isinstance(made, Activation)
    assert made.table() == {"kind": "softplus", "sharpness": 3.0}
    assert isinstance(kinds.default("activation"), spinrnn.ReLU)
    with pytest.raises(ConfigError, match=r"value: is missing; a method of .*slope: is missing"):
        spinrnn.register(dataclasses.dataclass(frozen=True)(
            type("Half", (spinrnn.Activation,), {"kind": "half"})
        ))  # fmt: skip
    with pytest.raises(ConfigError, match='did you mean "relu"'):
        kinds.made_of("activation", "rellu")
