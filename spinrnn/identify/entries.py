"""What files for machines say of a `DeviceFit`: findings and tests by short keys."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spinrnn.config.quantity import quantities
from spinrnn.findings import finding, findings, plain
from spinrnn.identify.models import Model


def report_of(fit: Any) -> dict:
    """Findings and tests of a fit as JSON has them; the form is in docs/FILES.md."""
    return {
        "findings": _parameters(fit) | findings(_facts(fit)),
        "tests": {check.key: _test(check) for check in fit.diagnosis.checks},
    }


def unit_of(model: Model, name: str) -> str:
    """Unit of a value; of "gain[1]" that of "gain"."""
    own = _noise_entries(model)
    if name in own:
        return own[name][0]
    units = model.units()
    return units[name if name in units else name.rpartition("[")[0]]


def named(unit: str, units: Mapping[str, str]) -> str:
    """A unit with those of drive and power by their names, as far as they are known."""
    for words, name in (("of drive", "drive"), ("of power", "power"), ("measured", "power")):
        unit = unit.replace(f"unit {words}", units.get(name, f"unit {words}"))
    return unit


def _noise_entries(model):
    """{name: (unit, meaning)} of the unknowns of a fit with thermal noise."""
    found = {
        name: (declared.unit, declared.about)
        for name, declared in quantities(model.neuron).items()
        if name not in model.names
    }
    measured = model.units()[model.readout.zero]
    return found | {"readout_noise": (measured, "standard deviation of the readout's noise")}


def key_of(model: Model, name: str) -> tuple[str, str]:
    """(key, meaning) of a value; the key of "gain[1]" is "gain_1"."""
    own = _noise_entries(model)
    if name in own:
        return name, own[name][1]
    keys = model.keys()
    if name in keys:
        return keys[name]
    own, _, number = name.rpartition("[")
    key, meaning = keys[own]
    return f"{key}_{number[:-1]}", f"{meaning}, of recording {number[:-1]}"


def missing_samples(fit: Any) -> int:
    """Number of samples of which the power is missing, before the ends of the cases."""
    return int((~np.isnan(fit.predicted) & ~fit.measurement.present).sum())


def _parameters(fit):
    """{key: finding, with standard error, interval and whether it was fixed}."""
    found = {}
    for name, value in fit.values.items():
        key, meaning = key_of(fit.model, name)
        low, high = fit.intervals[name]
        more = {"error": fit.errors[name], "low": low, "high": high, "fixed": name in fit.fixed}
        if name in fit.reasons:
            more["reason"] = fit.reasons[name]
        found[key] = finding(value, fit.unit(name), meaning) | plain(more)
    return found


def _facts(fit):
    """{key: (value, unit, meaning)}."""
    data, found = fit.measurement, fit.diagnosis
    power = named(fit.model.units()[fit.model.readout.zero], data.units)
    highest = float(np.nanmax(data.power))
    return {
        "level": (fit.level, "1", "confidence level of low and high"),
        "cases": (len(data.power), "1", "number of cases"),
        "samples": (int(data.present.sum()), "1", "number of samples with a power"),
        "missing": (missing_samples(fit), "1", "samples without a power before a case's end"),
        "drive_between": (fit.drive_between, "", "held or linear between its samples"),
        "kind": (fit.model.kind, "", "kind of neuron that was fitted"),
        "start": (fit.start, _start_unit(fit), "fitted states at the first time of each case"),
        "highest_power": (highest, power, "largest measured power"),
        "noise": (fit.noise, power, "standard deviation of the residuals"),
        "noise_known": (data.noise is not None, "", "the noise of each sample was given"),
        **_further(fit),
        "describes": (found.describes, "", "no test of the residuals failed"),
        "rounding": (found.rounding, "", "the residuals are rounding; nothing was tested"),
        "overstated": (found.overstated, "", "the residuals are smaller than the given noise"),
        "chi_square": (found.chi_square, "1", "sum of squares over the given noise's variance"),
        "degrees_of_freedom": (found.freedom, "1", "samples less unknowns"),
        "outliers": (
            [[one.case, one.sample] for one in fit.outliers],
            "1",
            "case and sample of single outliers",
        ),
        "outliers_left_out": (
            sum(one.left_out for one in fit.outliers),
            "1",
            "how many of these, the first ones, were left out of the fit",
        ),
        "residual_correlation": (
            found.correlation,
            "1",
            "correlation of residuals 1, 2, ... samples apart",
        ),
    }


def _further(fit):
    """What else holds as well: {key: (value, unit, meaning)}."""
    mirrors = [list(names) for names in fit.mirrors]
    return {
        "held": (list(fit.held), "", "parameters at a bound, on which all other intervals depend"),
        "mirrors": (mirrors, "", "sets of parameters that may be of the other signs together"),
    }


def _start_unit(fit):
    """That of the states, where they have one unit."""
    units = {state.unit for state in fit.model.neuron.states}
    return units.pop() if len(units) == 1 else ""


def _test(check):
    """A test of the residuals: its p, and size and share of what it looks for."""
    more = {
        "passed": check.passed,
        "share": check.share,
        "estimate": check.estimate,
        "error": check.error,
        "estimate_unit": check.unit,
    }
    return finding(check.p, "1", f"probability by chance: {check.name}") | plain(more)
