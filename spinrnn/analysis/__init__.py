"""Measures of device and network physics: functions of plain arrays that return small
dataclasses of plain arrays, each with one figure.

Times are in s, drives in 1/s (a drive may have another unit where a docstring says so),
powers dimensionless, neurons and cases count from 0. Arrays of powers and drives have
the axes (case, neuron, time); NaN stands for what was not measured, such as the times
after a case's end. Names are imported when they are first used.
"""

_HOMES = {
    "Recording": "recordings.recording",
    "open_recording": "recordings.opening",
    "recording_of": "recordings.recording",
    "steady_power": "analysis.steady",
    "find_plateaus": "analysis.plateaus",
    "steady_states": "analysis.steady",
    "step_responses": "analysis.relaxation",
    "transfer_curve": "analysis.transfer",
    "power_spectrum": "analysis.spectra",
    "autocorrelation": "analysis.spectra",
    "neuron_activity": "analysis.activity",
    "effective_dimension": "analysis.dimension",
    "drive_integrals": "analysis.drive",
    "energy": "analysis.consumption",
    "held_out": "analysis.readout",
    "input_memory": "analysis.recall",
    "network_memory": "analysis.recall",
    "class_variance": "analysis.classes",
    "class_accuracy": "analysis.classes",
    "analyse": "analysis.report",
}

__all__ = [*_HOMES, "figures"]


def __getattr__(name):
    import importlib

    if name == "figures":
        return importlib.import_module("spinrnn.analysis.figures")
    if name not in _HOMES:
        raise AttributeError(f"module 'spinrnn.analysis' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"spinrnn.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(__all__)
