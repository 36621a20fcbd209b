"""Sentences for people about a fitted device."""

import math
from collections.abc import Iterator

import numpy as np

from spinrnn.identify.entries import missing_samples, named
from spinrnn.identify.outliers import FEW, SHARE
from spinrnn.identify.residuals import CORRELATION, OUTLIERS, SIZE
from spinrnn.identify.result import DeviceFit

SLOWEST = 1e3
"""Damping rate in 1/s, below which the time is more probably in another unit than s:
oscillators relax within some ns."""


def lines_of(
    fit: DeviceFit, source: str, one_neuron: bool = False, files: int = 1
) -> Iterator[str]:
    """Text about a fit, line by line.

    Args:
        source: what was fitted; one_neuron: its cases are known to be of one device;
            files: number of them.
    """
    yield _heading(fit, source)
    hidden = (set(fit.fixed) | set(fit.free)) - set(fit.shown)
    for name in fit.values:
        if name not in hidden:
            yield _parameter(fit, name)
    yield from _doubts(fit)
    yield _noise(fit)
    left_out = [one for one in fit.outliers if one.left_out]
    if left_out:
        yield f"left out: {_listed(fit, left_out)}"
    yield from _verdict(fit)
    if not fit.diagnosis.describes:
        yield from _faults(fit)
        yield from _several(fit, 1 if one_neuron else len(fit.measurement.power), files)
        yield from _unexplained(fit)


def rounded(value: float, error: float) -> str:
    """The value with two digits of its error; five digits where there is none, or no
    error is known (NaN)."""
    if not 0 < error < math.inf or not value or not math.isfinite(value):
        return f"{value:.5g}"
    digits = math.floor(math.log10(abs(value))) - math.floor(math.log10(error)) + 2
    return f"{value:.{max(1, min(15, digits))}g}"


def _heading(fit, source):
    present = fit.measurement.present
    cases = f"{len(present)} case{'s' if len(present) > 1 else ''}"
    missing = missing_samples(fit)
    more = f", {missing} missing" if missing else ""
    between = f"drive {fit.drive_between} between them"
    return f"{source}: {present.sum()} samples in {cases}{more}; {between}"


def _parameter(fit, name):
    value, error = fit.values[name], fit.errors[name]
    unit = fit.unit(name)
    unit = "" if unit == "1" else f" {unit}"
    text = f"{name:<17}{rounded(value, error):>14}"
    if name in fit.reasons:
        return f"{text}{unit}   no interval: {fit.reasons[name]}"
    if name in fit.fixed:
        return text + (f" ± {error:.2g}" if error else "") + f"{unit}   fixed"
    low, high = (rounded(end, error) for end in fit.intervals[name])
    return f"{text} ± {error:.2g}{unit}   {100 * fit.level:g} %: {low} to {high}"


def _doubts(fit):
    """Values that no device has, and what may be wrong then."""
    faint = fit.model.unnormalised(float(np.nanmax(fit.measurement.power)))
    if faint is not None:
        yield f"T{faint[1:]}."
    yield from _rate_doubts(fit)
    if fit.held:
        one = len(fit.held) == 1
        yield (
            f"{' and '.join(fit.held)} {'ends at a bound' if one else 'end at bounds'}: all other "
            f"intervals hold only if {'that is its true value' if one else 'those are true'}."
        )
    yield from _turned(fit)
    name = fit.model.drive_gain
    if name not in fit.fixed and name in fit.intervals:
        low, high = fit.intervals[name]
        if low <= 0 <= high:
            yield (
                f"The {name.replace('_', ' ')} may be 0: the {fit.model.whole} does not tell of "
                "this drive, and any model without an input would describe it as well."
            )


def _turned(fit):
    """Signs that the data do not tell."""
    for turned in fit.mirrors:
        *more, last = [name for name in fit.model.names if name in turned]
        signs = f"signs of {', '.join(more)} and {last}" if more else f"sign of {last}"
        yield (
            f"The data fit as well with the {signs} turned; --bounds {fit.model.drive_gain}=0:inf "
            "chooses."
        )


def _rate_doubts(fit):
    """Damping rates that no oscillator has."""
    if "gamma" not in fit.values or not fit.model.normalised:
        return
    gamma = fit.values["gamma"]
    if gamma < SLOWEST and "gamma" in fit.fixed:
        yield (
            f"gamma is fixed at {gamma:.2g} 1/s, which is that of no oscillator: it is a rate, "
            "1e8 for a relaxation time of 10 ns"
        )
    elif gamma < SLOWEST:
        text = f"A damping rate of {gamma:.2g} 1/s is that of no oscillator; is the time in s?"
        if "bias" in fit.fixed:
            text += (
                " And is the drive the whole drive? If it counts from a working point, the bias "
                "is not 0: fix gamma or Q in its place (--fix Q=0)."
            )
        yield text


def _listed(fit, spikes, most=5):
    """Outliers in words."""
    texts = [
        f"{fit.measurement.name_of(one.case)}, sample {one.sample} ({one.time:.6g} s), "
        f"{one.size:+.1f} times the noise"
        for one in spikes[:most]
    ]
    more = f"; and {len(spikes) - most} more" if len(spikes) > most else ""
    return "; ".join(texts) + more


def _spikes(fit):
    """What is to be done about outliers."""
    found = [one for one in fit.outliers if not one.left_out]
    count = int(fit.measurement.present.sum())
    if not found or len(found) > max(FEW, SHARE * count):
        yield "  so many samples are outside: noise of another law, or another model"
        return
    yield f"    {_listed(fit, found)}"
    yield "    a fault of the readout is NaN in the file, or left out by --without-outliers"


def _remedy(fit, check):
    """What is to be done about a test that failed."""
    if check.name == OUTLIERS:
        yield from _spikes(fit)
    labels = {key: name for name, (key, _) in fit.model.keys().items()}
    label = labels.get(check.key.removeprefix("fixed_"))
    if check.share is not None and label in fit.fixed:
        yield f"    {fit.model.remedy(label, fit.fixed[label])}"


def _noise(fit):
    unit = fit.measurement.units.get("power", "")
    text = f"noise            {fit.noise:>14.4g}{f' {unit}' if unit else ''}"
    found = fit.diagnosis
    if found.chi_square is None:
        return text
    return f"{text}   chi-square {found.chi_square:.1f} with {found.freedom} degrees of freedom"


def _verdict(fit):
    found = fit.diagnosis
    if found.overstated:
        yield (
            "The residuals are smaller than the noise that was said, so the intervals are wider "
            "than need be."
        )
    if found.rounding:
        yield "The model describes the data to the rounding of their numbers."
    elif found.describes:
        yield (
            f"The model describes the data: {len(found.checks)} tests of the residuals found "
            "nothing."
        )
    else:
        yield (
            "The model does NOT describe the data, so the intervals cannot be trusted. What the "
            "residuals show:"
        )


def _several(fit, cases, files):
    """What may be where the cases are of several devices."""
    if cases > 1 and files > 1:
        gain = fit.model.drive_gain
        may = gain not in fit.model.said and gain in fit.values
        own = f", or give each its own {gain}, say, by --each {gain}" if may else ""
        yield (
            f"  the {files} files were fitted as one device; where they are several, fit each file "
            f"alone{own}"
        )
    elif cases > 1:
        yield (
            f"  the {cases} cases were fitted as one device; where they are several, fit each "
            "alone (--cases 0:1)"
        )


def _faults(fit):
    """The tests that failed, and how they are to be taken."""
    failed = fit.diagnosis.failed
    names = [check.name for check in failed]
    for check in failed:
        text = f"  {check.name}   p = {check.p:.1g}"
        if check.share is not None:
            unit = named(check.unit, fit.measurement.units)
            unit = "" if unit == "1" else f" {unit}"
            text += (
                f", would explain {100 * check.share:.2g} % of them, to first order "
                f"{check.estimate:.2g}{unit}"
            )
        yield text
        yield from _remedy(fit, check)
    if len(failed) > 1 and CORRELATION in names:
        yield (
            "  the residuals are correlated, so the p of the others are too small: where the "
            "device has thermal noise, which correlates them, none need be real"
        )
    if CORRELATION in names and fit.thermal is None and fit.model.functions.kick is not None:
        yield "  where the device has thermal noise, --thermal fits it"


def _unexplained(fit):
    """What is to be thought where no suspect was found."""
    failed = fit.diagnosis.failed
    names = [check.name for check in failed]
    if SIZE in names and set(names) <= {SIZE, OUTLIERS}:
        yield "  nothing but its size: the noise is probably larger than was said"
    elif names != [OUTLIERS] and all(check.share is None for check in failed):
        yield (
            "  none of the known suspects: noise that is not independent between samples, thermal "
            f"noise of the device, or a device unlike {fit.model.equation}"
        )
