"""The parameters of one oscillator and the numbers that follow from them: names, units, gradients."""

import numpy as np

NAMES = ("gamma", "Q", "bias", "gain", "scale")


UNITS = {
    "gamma": "1/s",
    "Q": "1",
    "bias": "1",
    "gain": "1/s per unit of drive",
    "scale": "unit of power",
}


DERIVED_UNITS = {"gamma (1 + Q)": "1/s", "gamma (bias - 1)": "1/s", "threshold": "unit of drive"}


def with_derived(v):
    """(values with the derived ones, {name: gradient by `NAMES`})."""
    slopes = {name: np.eye(len(NAMES))[i] for i, name in enumerate(NAMES)}
    gamma, q, bias, gain = (v[name] for name in ("gamma", "Q", "bias", "gain"))
    found = {name: float(v[name]) for name in NAMES}
    found |= {"gamma (1 + Q)": gamma * (1 + q), "gamma (bias - 1)": gamma * (bias - 1)}
    slopes["gamma (1 + Q)"] = np.array([1 + q, gamma, 0, 0, 0])
    slopes["gamma (bias - 1)"] = np.array([bias - 1, 0, gamma, 0, 0])
    if gain:
        found["threshold"] = gamma * (1 - bias) / gain
        slopes["threshold"] = np.array(
            [(1 - bias) / gain, 0, -gamma / gain, -gamma * (1 - bias) / gain**2, 0]
        )
    return found, slopes
