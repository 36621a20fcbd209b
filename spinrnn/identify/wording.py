"""Sentences that the command line prints about results."""

import math

SLOWEST = 1e3
"""Damping rate in 1/s, below which the time is more probably in another unit than s: oscillators relax within some ns."""


def rounded(value, error):
    """The value with two digits of its error."""
    digits = (
        5
        if not error or not value
        else max(1, min(15, math.floor(math.log10(abs(value))) - math.floor(math.log10(error)) + 2))
    )
    return f"{value:.{digits}g}"


def lines_of(report):
    """Text of a report, line by line."""
    counts = (
        f"{report['samples']} samples in {report['cases']} case{'s' if report['cases'] > 1 else ''}"
    )
    missing = f", {report['missing']} missing" if report["missing"] else ""
    yield f"{report['file']}: {counts}{missing}; drive {report['drive_between']} between them"
    for name, found in report["parameters"].items():
        value, error = found["value"], found["error"]
        text = f"{name:<17}{rounded(value, error):>14}"
        unit = "" if found["unit"] == "1" else f" {found['unit']}"
        if found["fixed"]:
            yield text + (f" ± {error:.2g}" if error else "") + f"{unit}   fixed"
            continue
        low, high = (rounded(found[end], error) for end in ("low", "high"))
        yield f"{text} ± {error:.2g}{unit}   {100 * report['level']:g} %: {low} to {high}"
    gamma = report["parameters"]["gamma"]
    if gamma["value"] < SLOWEST and gamma["fixed"]:
        yield f"gamma is fixed at {gamma['value']:.2g} 1/s, which is that of no oscillator: it is a rate, 1e8 for a relaxation time of 10 ns"
    elif gamma["value"] < SLOWEST:
        text = f"A damping rate of {gamma['value']:.2g} 1/s is that of no oscillator; is the time in s?"
        if report["parameters"]["bias"]["fixed"]:
            text += " And is the drive the whole drive? If it counts from a working point, the bias is not 0: fix gamma or Q in its place (--fix Q=0)."
        yield text
    if report["highest"] < 1e-3 and report["parameters"]["scale"]["fixed"]:
        yield f"The power is at most {report['highest']:.2g}; is it normalised? --free-scale lets its scale be fitted."
    noise = f"noise            {report['noise']:>14.4g}"
    if report["chi_square"] is not None:
        noise += (
            f"   chi-square {report['chi_square']:.1f} with {report['freedom']} degrees of freedom"
        )
    yield noise
    if report["overstated"]:
        yield "The residuals are smaller than the noise that was said, so the intervals are wider than need be."
    if report["rounding"]:
        yield "The model describes the data to the rounding of their numbers."
    elif report["describes"]:
        yield f"The model describes the data: {len(report['checks'])} tests of the residuals found nothing."
    else:
        yield "The model does NOT describe the data, so the intervals cannot be trusted. What the residuals show:"
        failed = [check for check in report["checks"] if not check["passed"]]
        for check in sorted(failed, key=lambda c: -(c["share"] or -1)):
            text = f"  {check['name']}   p = {check['p']:.1g}"
            if check["share"] is not None:
                unit = "" if check["unit"] == "1" else f" {check['unit']}"
                text += f", would explain {100 * check['share']:.2g} % of them, to first order {check['estimate']:.2g}{unit}"
            yield text
        if len(failed) > 1 and "correlation in time" in [check["name"] for check in failed]:
            yield "  the residuals are correlated, so the p of the others are too small: where the device has thermal noise, which correlates them, none need be real"
        if report["cases"] > 1 and report["neuron"] is None:
            yield f"  the {report['cases']} cases were fitted as one device; where they are several, fit each alone (--cases 0:1)"
        if [check["name"] for check in failed] == ["size against the noise"]:
            yield "  nothing but its size: the noise is probably larger than was said"
        elif all(check["share"] is None for check in failed):
            yield "  none of the known suspects: noise that is not independent between samples, thermal noise of the device, or a device unlike eq. (1)"
