"""The oscillator's own form in a fit: names, units, meanings, coordinates, derived
numbers, suspects, and which data can be its power.

The model is eq. (1) with I(t) = gamma bias + gain drive(t), and power = readout_offset
+ scale p. Derivatives by parameters are in the order of `NAMES`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spinrnn.identify.models import Model, Parameter, Readout, told_together

NAMES: tuple[str, ...] = ("gamma", "Q", "bias", "gain", "scale", "readout_offset")
UNITS: dict[str, str] = {
    "gamma": "1/s",
    "Q": "1",
    "bias": "1",
    "gain": "1/s per unit of drive",
    "scale": "unit of power",
    "readout_offset": "unit of power",
}
DERIVED_UNITS: dict[str, str] = {
    "gamma (1 + Q)": "1/s",
    "gamma (bias - 1)": "1/s",
    "threshold": "unit of drive",
}
LOWEST: dict[str, float] = {"gamma": 0.0, "Q": -1.0, "scale": 0.0}
"""Limits that values must exceed."""
KEYS: dict[str, tuple[str, str]] = {
    "gamma": ("gamma", "damping rate of eq. (1)"),
    "Q": ("q", "nonlinear damping of eq. (1)"),
    "bias": ("bias", "drive at drive = 0, over gamma"),
    "gain": ("gain", "drive of eq. (1) for one unit of the measured drive"),
    "scale": ("scale", "measured power of p = 1, less that of p = 0"),
    "readout_offset": ("readout_offset", "measured power of p = 0"),
    "gamma (1 + Q)": ("saturation_rate", "gamma (1 + Q), which any data fix"),
    "gamma (bias - 1)": ("growth_rate", "gamma (bias - 1), growth of small powers at drive = 0"),
    "threshold": ("threshold", "drive at which the power begins, gamma (1 - bias) / gain"),
}
"""{name: (key, meaning)} in files for machines."""


_COORDINATES = {"gamma": "log", "Q": "log1p", "scale": "log"}
MOST_ABOVE = 0.05
"""Share of the samples that noise may lift above the power of p = 1."""


def with_derived(values: Mapping[str, float]) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """The parameters with the numbers that follow from them, and their gradients.

    Args:
        values: of all `NAMES`.
    Returns:
        {name: value}, {name: (6,) gradient by `NAMES`}. Without gain there is no
        threshold.
    """
    gamma, q, bias, gain = (values[name] for name in ("gamma", "Q", "bias", "gain"))
    found = {name: float(values[name]) for name in NAMES}
    gradients = {name: np.eye(len(NAMES))[i] for i, name in enumerate(NAMES)}
    found["gamma (1 + Q)"] = gamma * (1 + q)
    gradients["gamma (1 + Q)"] = np.array([1 + q, gamma, 0, 0, 0, 0])
    found["gamma (bias - 1)"] = gamma * (bias - 1)
    gradients["gamma (bias - 1)"] = np.array([bias - 1, 0, gamma, 0, 0, 0])
    if gain:
        found["threshold"] = gamma * (1 - bias) / gain
        gradients["threshold"] = np.array(
            [(1 - bias) / gain, 0, -gamma / gain, -gamma * (1 - bias) / gain**2, 0, 0]
        )
    return found, gradients


class OscillatorModel(Model):
    """The oscillator in a fit; floor: smallest p."""

    readout = Readout("scale", "readout_offset")
    drive_gain, drive_offset = "gain", "bias"
    starts_own = True
    normalised = True
    noise_ends = 0.0

    def __init__(self, neuron: Any, given: bool = False, floor: float = 0.0):
        self.floor = floor
        super().__init__(neuron, None, given)
        self.equation = "eq. (1)"

    def _parameters(self):
        lowest = {name: LOWEST.get(name, -math.inf) for name in NAMES}
        return {
            name: Parameter(
                name, UNITS[name], KEYS[name][1], KEYS[name][0], _COORDINATES.get(name, "plain"),
                lowest[name], math.inf, (True, True),
            )
            for name in NAMES
        }  # fmt: skip

    def units(self):
        return UNITS | DERIVED_UNITS

    def keys(self):
        return KEYS

    def defaults(self, known, free):
        """Without gamma, Q or bias the drive is the whole drive; the power is
        normalised."""
        usual = {"scale": 1.0, "readout_offset": 0.0}
        if not {"gamma", "Q", "bias"} & set(known):
            usual["bias"] = 0.0
        return {name: x for name, x in usual.items() if name not in known and name not in free}

    def derived(self, values):
        found, gradients = with_derived(values)
        for name in NAMES:
            del found[name], gradients[name]
        return found, gradients

    def data_problem(self, known, data):
        power = data.power[data.present]
        if not (power > 0).any():
            return "power: no sample is above 0"
        if "scale" not in known:
            return None
        scale = known["scale"][0]
        above = np.mean(power > scale)
        if above <= MOST_ABOVE:
            return None
        remedy = "normalise the power, or let scale be fitted (free_scale, --free-scale)"
        if "scale" in self.said:
            remedy = "the scale that was fixed is too small"
        return (
            f"power: {above:.0%} of the samples are above {scale:g}, where no oscillator of "
            f"eq. (1) goes; {remedy}"
        )

    def drive_problem(self, known, drive):
        """Of p' / p = (I - gamma) - (I + gamma Q) p two numbers are found where I
        stays, and scale p has the same form.
        """
        wrong = super().drive_problem(known, drive)
        free = [name for name in NAMES if name not in known and name != "readout_offset"]
        return wrong or (told_together(drive, free, 2) if len(free) > 2 else None)

    def apart_problem(self, known, values, highest):
        faint = self.unnormalised(highest)
        if faint is not None:
            return faint
        if "bias" not in known or values["bias"] >= 1 or values["Q"] <= 1000:
            return None
        return (
            f"the power grows without drive, which bias = {values['bias']:g} excludes; fix Q or "
            "gamma in its place, as in fixed={'Q': 0.5} or --fix Q=0.5 with its value, or give "
            "the whole drive"
        )

    def _one(self, values):
        """q = (g, g Q, floor, noise, bias) of `neurons.oscillator`, in 1/s."""
        gamma, q, bias, gain = (values[name] for name in ("gamma", "Q", "bias", "gain"))
        found = np.array([gamma, gamma * q, self.floor, 0.0, 0.0, gamma * bias, gain])
        by = np.zeros((7, 4))
        by[0, 0], by[1, 0], by[1, 1] = 1.0, q, gamma
        by[5, 0], by[5, 2], by[6, 3] = bias, gamma, 1.0
        return found, by

    def vector(self, values):
        """With thermal noise, where it is among the values."""
        found = self._one(values)[0]
        found[3] = values["gamma"] * values.get("thermal_power", 0.0)
        return found

    def start_of(self, x):
        """p of its logit: any real number is a possible power."""
        return 1 / (1 + np.exp(-np.clip(x, -600, 600)))

    def start_coordinates(self, start):
        return np.log(start / (1 - start))

    def start_slope(self, start):
        return start * (1 - start)

    def further_suspects(self, rows: Sequence[Mapping[str, float]], middle: np.ndarray):
        gamma = np.array([values["gamma"] for values in rows])[:, None]
        kick = -gamma * middle**2 / (1 - np.minimum(middle, 0.999))
        return [("damping", "damping beyond Q p", kick)]


def model(neuron: Any, observe: str | None, given: bool, floor: float) -> Model:
    """The `Model` of an instance of the kind; observe: None or its one state."""
    made = OscillatorModel(neuron, given, neuron.power_floor if given else floor)
    made._place(observe)
    return made
