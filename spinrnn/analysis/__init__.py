"""Measures of device and network physics: functions of plain arrays that return small dataclasses of plain arrays, each with one figure.

Times are in s, drives in 1/s (a drive may have another unit where a docstring says so), powers dimensionless, neurons and cases count from 0.
Arrays of powers and drives have the axes (case, neuron, time); NaN stands for what was not measured, such as the times after a case's end.
Names are imported when they are first used.
"""

_HOMES = {
    "Recording": "recordings",
    "open_recording": "recordings",
    "recording_of": "recordings",
    "steady_power": "device",
    "find_plateaus": "device",
    "steady_states": "device",
    "step_responses": "device",
    "transfer_curve": "device",
    "power_spectrum": "spectra",
    "autocorrelation": "spectra",
    "neuron_activity": "populations",
    "effective_dimension": "populations",
    "drive_integrals": "populations",
    "energy": "populations",
    "held_out": "readout",
    "input_memory": "recall",
    "network_memory": "recall",
    "class_variance": "classes",
    "class_accuracy": "classes",
    "analyse": "report",
}

__all__ = [*_HOMES, "figures"]


def __getattr__(name):
    import importlib

    if name == "figures":
        return importlib.import_module("spinrnn.analysis.figures")
    if name not in _HOMES:
        raise AttributeError(f"module 'spinrnn.analysis' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"spinrnn.analysis.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(__all__)
