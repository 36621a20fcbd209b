"""Devices that differ: factors of gamma, Q, bias and gain of each neuron, drawn once,
and what follows of them for the kernels.
"""

import math
from dataclasses import dataclass

import numpy as np

from spinrnn.arrays import array_of
from spinrnn.config.run import LARGEST_NUMBER, NetworkConfig
from spinrnn.errors import DataError

SPREADS = {
    "gamma": "spread_gamma",
    "nonlinear_damping": "spread_nonlinear_damping",
    "bias": "spread_bias",
    "gain": "spread_gain",
}
"""{quantity: key of `NetworkConfig` with its relative standard deviation}."""
_PURPOSE = 4
"""Of these random numbers.

a generator of the bare seed would give those of the initial weights, of 1 to 3 those of
`training`.
"""


@dataclass(eq=False)
class Devices:
    """How each neuron differs from the nominal one: factors, 1 is the nominal value.

    All are (N,) float64, layers one after the other.

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

    def copy(self) -> "Devices":
        factors = {name: np.array(getattr(self, name), dtype=np.float64) for name in SPREADS}
        return Devices(**factors)

    def same(self, other: "Devices | None") -> bool:
        """Whether all factors are those of the other one."""
        return other is not None and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in SPREADS
        )

    def by_layer(self, config: NetworkConfig) -> dict[str, list[np.ndarray]]:
        """{quantity: [(n_l,) factors of layer l]}."""
        cuts = np.cumsum(config.layers)[:-1]
        return {name: np.split(getattr(self, name), cuts) for name in SPREADS}

    def named(self) -> dict[str, np.ndarray]:
        """{"devices/gamma": array, ...}, as files hold them."""
        return {f"devices/{name}": getattr(self, name) for name in SPREADS}


def check_devices(devices, config: NetworkConfig) -> None:
    """Raises DataError unless it is None, or `Devices` that fit a network of
    oscillators.
    """
    if devices is None:
        return
    if not isinstance(devices, Devices):
        raise DataError(
            "devices: expected spinrnn.Devices, or None for neurons that do not differ;"
            f" got {type(devices).__name__}"
        )
    if config.neuron != "oscillator":
        raise DataError(
            "devices: the CTRNN has none; take away net.devices,"
            " or network.neuron must be oscillator"
        )
    neurons = sum(config.layers)
    wrong = [name for name in SPREADS if not _are_factors(getattr(devices, name), neurons)]
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
    """The devices of a network, a function of its spreads and device_seed.

    None where nothing is spread. Factors are log-normal with mean 1 and the asked
    relative standard deviation, so never negative. Each quantity has its own random
    numbers: the same seed gives the same devices, with any spread more or less far from
    the nominal ones.
    """
    spreads = {name: getattr(config, key) for name, key in SPREADS.items()}
    if config.neuron != "oscillator" or not any(spreads.values()):
        return None
    neurons, factors = sum(config.layers), {}
    for number, (name, spread) in enumerate(spreads.items()):
        rng = np.random.default_rng([config.device_seed, _PURPOSE, number])
        variance = math.log1p(spread**2)
        logarithm = math.sqrt(variance) * rng.standard_normal(neurons) - variance / 2
        factors[name] = np.exp(logarithm) if variance else np.ones(neurons)
    return Devices(**factors)


def devices_of(arrays: dict[str, np.ndarray], config: NetworkConfig) -> Devices | None:
    """Those of a file, named as by `Devices.named`; DataError if they do not fit."""
    found = {name: arrays[f"devices/{name}"] for name in SPREADS if f"devices/{name}" in arrays}
    missing = [name for name in SPREADS if name not in found]
    if missing:
        if found or draw_devices(config) is not None:
            raise DataError(
                f"devices: {', '.join(missing)} missing, though the configuration has a spread"
            )
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
