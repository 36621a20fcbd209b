"""Devices that differ: factors of a kind's quantities and of the gain of each neuron,
drawn once, and what follows of them for the kernels.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from spinrnn.arrays import array_of
from spinrnn.config.run import LARGEST_NUMBER, NetworkConfig
from spinrnn.config.spread import GAIN, spreads_of
from spinrnn.errors import DataError

_PURPOSE = 4
"""Of these random numbers.

A generator of the bare seed would give those of the initial weights, of 1 to 3 those of
`learning.trainer`.
"""
_FIRST = ("gamma", "nonlinear_damping", "bias", GAIN)
"""Names of 0.1, which numbered its random numbers in this order."""


class Devices:
    """How each neuron differs from the nominal one: factors, 1 is the nominal value.

    ``Devices(gamma=..., gain=...)``: under the names of the kind's spread, each (N,)
    float64, layers one after the other; they are attributes of these names. What is not
    given is nominal. Positional arguments are those of the oscillator: gamma,
    nonlinear_damping, bias and gain.

    Attributes:
        gamma: of the damping rate.
        nonlinear_damping: of Q.
        bias: of the fixed bias xi_0.
        gain: of the amplification A of what reaches the neuron.
    """

    gamma: np.ndarray
    nonlinear_damping: np.ndarray
    bias: np.ndarray
    gain: np.ndarray

    def __init__(self, *factors: Any, **named: Any) -> None:
        vars(self).update(zip(_FIRST, factors, strict=False), **named)

    def __repr__(self) -> str:
        return f"Devices({', '.join(self.factors)})"

    @property
    def factors(self) -> Mapping[str, Any]:
        """{name: (N,)} of those that are given."""
        return vars(self)

    def copy(self) -> "Devices":
        factors = {name: np.array(own, dtype=np.float64) for name, own in self.factors.items()}
        return Devices(**factors)

    def same(self, other: "Devices | None") -> bool:
        """Whether all factors are those of the other one."""
        if other is None or self.factors.keys() != other.factors.keys():
            return False
        return all(np.array_equal(own, other.factors[name]) for name, own in self.factors.items())

    def by_layer(self, config: NetworkConfig) -> dict[str, list[np.ndarray]]:
        """{quantity: [(n_l,) factors of layer l]}."""
        cuts = np.cumsum(config.layers)[:-1]
        return {name: np.split(own, cuts) for name, own in self.factors.items()}

    def named(self) -> dict[str, np.ndarray]:
        """{"devices/gamma": array, ...}, as files hold them."""
        return {f"devices/{name}": own for name, own in self.factors.items()}


def check_devices(devices, config: NetworkConfig) -> None:
    """Raises DataError unless it is None, or `Devices` that fit the neurons."""
    if devices is None:
        return
    if not isinstance(devices, Devices):
        raise DataError(
            "devices: expected spinrnn.Devices, or None for neurons that do not differ;"
            f" got {type(devices).__name__}"
        )
    known = spreads_of(*config.neurons)
    foreign = [name for name in devices.factors if name not in known]
    if foreign:
        names = " or the ".join(dict.fromkeys(neuron.name for neuron in config.neurons))
        raise DataError(
            f"devices: {', '.join(foreign)}: the {names} has none; take away"
            f" net.devices, or give {' and '.join(known)} alone"
        )
    neurons = sum(config.layers)
    wrong = [name for name, own in devices.factors.items() if not _are_factors(own, neurons)]
    if wrong:
        raise DataError(
            f"{', '.join(f'devices.{name}' for name in wrong)}: expected {neurons} positive"
            f" numbers (floats up to {LARGEST_NUMBER:g}), a factor of the nominal value for"
            " each neuron"
        )


def _are_factors(values, neurons):
    """Whether these are so many positive floats, none of them masked."""
    try:
        factor = array_of(values, "devices")
    except DataError:
        return False
    if factor.shape != (neurons,) or factor.dtype.kind != "f":
        return False
    return bool(((factor >= 1 / LARGEST_NUMBER) & (factor <= LARGEST_NUMBER)).all())


def draw_devices(config: NetworkConfig) -> Devices | None:
    """The devices of a network, a function of its spread.

    None where nothing is spread. Factors are log-normal with mean 1 and the asked
    relative standard deviation, so never negative. Each quantity has its own random
    numbers: the same seed gives the same devices, with any spread more or less far from
    the nominal ones. In a layer whose kind does not have a quantity its factor is 1.
    """
    if not config.spread:
        return None
    neurons, factors, seed = sum(config.layers), {}, config.spread.seed
    for name in _in_order(config):
        # a name of later versions has no letter with a code below 4
        number = [_FIRST.index(name)] if name in _FIRST else list(name.encode())
        rng = np.random.default_rng([seed, _PURPOSE, *number])
        variance = math.log1p(config.spread.get(name) ** 2)
        logarithm = math.sqrt(variance) * rng.standard_normal(neurons) - variance / 2
        has = np.repeat([name in spreads_of(neuron) for neuron in config.neurons], config.layers)
        factors[name] = np.exp(logarithm * has) if variance else np.ones(neurons)
    return Devices(**factors)


def _in_order(config):
    """Names of what may be spread, those of 0.1 first and in their order."""
    known = spreads_of(*config.neurons)
    return [name for name in _FIRST if name in known] + [n for n in known if n not in _FIRST]


def devices_of(arrays: Mapping[str, np.ndarray], config: NetworkConfig) -> Devices | None:
    """Those of a file, named as by `Devices.named`; DataError if they do not fit."""
    found = {
        name: arrays[f"devices/{name}"] for name in _in_order(config) if f"devices/{name}" in arrays
    }
    drawn = draw_devices(config)
    missing = [name for name in (drawn.factors if drawn else found) if name not in found]
    if missing:
        raise DataError(
            f"devices: {', '.join(missing)} missing, though the configuration has a spread"
        )
    if not found:
        return None
    devices = Devices(**found)
    check_devices(devices, config)
    return devices


def checked_seed(seed):
    """The seed, if `random.seed_key` takes it, else DataError."""
    numbers = seed if isinstance(seed, (list, tuple)) else [seed]
    if not numbers or not all(
        isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n >= 0 for n in numbers
    ):
        raise DataError(
            f"noise_seed: must be a whole number from 0 or a list of them, got {seed!r}"
        )
    return seed
