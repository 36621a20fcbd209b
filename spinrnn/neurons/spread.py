"""Devices that differ: factors of gamma, Q, bias and gain of each neuron, drawn once,
and what follows of them for the kernels.
"""

import math
from dataclasses import dataclass

import numpy as np

from spinrnn.config.run import LARGEST_NUMBER
from spinrnn.errors import DataError
from spinrnn.kernels.devicesteps import DeviceConstants, Noise
from spinrnn.kernels.random import seed_key

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
    """How each neuron differs from the nominal one: factors, all (N,) float64, layers
    one after the other; 1 is the nominal value.

    Attributes:
        gamma: of the damping rate; nonlinear_damping: of Q; bias: of the fixed bias
            xi_0; gain: of the amplification A of what reaches the neuron.
    """

    gamma: np.ndarray
    nonlinear_damping: np.ndarray
    bias: np.ndarray
    gain: np.ndarray

    def copy(self):
        return Devices(
            **{name: np.array(getattr(self, name), dtype=np.float64) for name in SPREADS}
        )

    def same(self, other):
        """Whether all factors are those of the other `Devices`."""
        return other is not None and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in SPREADS
        )

    def by_layer(self, config):
        """{quantity: [(n_l,) factors of layer l]}."""
        cuts = np.cumsum(config.layers)[:-1]
        return {name: np.split(getattr(self, name), cuts) for name in SPREADS}

    def named(self):
        """{"devices/gamma": array, ...}, as files hold them."""
        return {f"devices/{name}": getattr(self, name) for name in SPREADS}


def check_devices(devices, config):
    """Raises DataError unless it is None, or `Devices` with a positive factor for each
    neuron of a `NetworkConfig`, whose neurons are oscillators.
    """
    if devices is None:
        return
    if not isinstance(devices, Devices):
        raise DataError(
            f"devices: expected spinrnn.Devices, or None for neurons that do not differ; got {type(devices).__name__}"
        )
    neurons = sum(config.layers)
    if config.neuron != "oscillator":
        raise DataError(
            "devices: the CTRNN has none; take away net.devices, or network.neuron must be oscillator"
        )
    for name in SPREADS:
        try:
            factor = np.asarray(getattr(devices, name))
            right = factor.shape == (neurons,) and factor.dtype.kind == "f"
        except ValueError:  # lists of different lengths
            right = False
        if not right or not ((factor >= 1 / LARGEST_NUMBER) & (factor <= LARGEST_NUMBER)).all():
            raise DataError(
                f"devices.{name}: expected {neurons} positive numbers (floats up to {LARGEST_NUMBER:g}), a factor of the nominal value for each neuron"
            )


def draw_devices(config):
    """`Devices` of a `NetworkConfig`, or None where nothing is spread: a function of
    its spreads and device_seed.

    Factors are log-normal with mean 1 and the asked relative standard deviation, so
    never negative. Each quantity has its own random numbers: the same seed gives the
    same devices, with any spread more or less far from the nominal ones.
    """
    if config.neuron != "oscillator" or not any(getattr(config, key) for key in SPREADS.values()):
        return None
    factors = {}
    for number, (name, key) in enumerate(SPREADS.items()):
        deviates = np.random.default_rng([config.device_seed, _PURPOSE, number]).standard_normal(
            sum(config.layers)
        )
        variance = math.log1p(getattr(config, key) ** 2)
        factors[name] = (
            np.exp(math.sqrt(variance) * deviates - variance / 2)
            if variance
            else np.ones(len(deviates))
        )
    return Devices(**factors)


def devices_of(arrays, config):
    """`Devices` that files hold under the names of `Devices.named`, or None.

    DataError if they do not fit the network.
    """
    found = {name: arrays[f"devices/{name}"] for name in SPREADS if f"devices/{name}" in arrays}
    if len(found) != len(SPREADS):
        if found or draw_devices(config) is not None:
            raise DataError(
                f"devices: {', '.join(name for name in SPREADS if name not in found)} missing, though the configuration has a spread"
            )
        return None
    devices = Devices(**found)
    check_devices(devices, config)
    return devices


# ---- for the kernels ----


def device_constants(config, devices):
    """`devicesteps.DeviceConstants` of `Devices` or of nominal ones (None).

    None where the kernels of ideal neurons serve.
    """
    if config.neuron != "oscillator" or (devices is None and config.thermal_power == 0):
        return None
    real, nominal = np.dtype(config.dtype).type, np.ones(sum(config.layers))
    damping, factor, bias = (
        (nominal, nominal, nominal)
        if devices is None
        else (devices.gamma, devices.nonlinear_damping, devices.bias)
    )
    saturation = damping * factor * config.nonlinear_damping
    drive = bias * config.bias_ratio
    # a device whose own threshold is above its bias is silent but for the floor
    rest = np.maximum((drive - damping) / (drive + saturation), config.power_floor)
    return DeviceConstants(*(values.astype(real) for values in (damping, saturation, rest)))


def thermal_noise(config, devices, seed):
    """`devicesteps.Noise` of a call, or None without noise.

    2 s^2 = gamma_n eta h: see docs/MODEL.md, eq. (6).
    """
    if config.neuron != "oscillator" or config.thermal_power == 0:
        return None
    damping = np.ones(sum(config.layers)) if devices is None else devices.gamma
    scale = (damping * config.thermal_power * config.reduced().step).astype(config.dtype)
    return Noise(scale, *seed_key(seed), 0)


def checked_seed(seed):
    """The seed, if `thermal.seed_key` takes it, else DataError."""
    numbers = seed if isinstance(seed, (list, tuple)) else [seed]
    if not numbers or not all(
        isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n >= 0 for n in numbers
    ):
        raise DataError(
            f"noise_seed: must be a whole number from 0 or a list of them, got {seed!r}"
        )
    return seed
