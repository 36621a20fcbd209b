"""Sentences for people about synapses that were fitted to pulses, and about lines."""

import math

import numpy as np

from spinrnn.identify.lines import Lines
from spinrnn.identify.responses import Estimate, SynapseFit
from spinrnn.notebook import plural

_NAMES = {
    "potentiation_scatter": "scatter of a pulse upwards",
    "depression_scatter": "scatter of a pulse downwards",
    "potentiation_spread": "devices differ upwards by",
    "depression_spread": "devices differ downwards by",
    "read_noise": "noise of reading",
}


def synapse_told(fit: SynapseFit, source: str) -> list[str]:
    """What was found, a sentence each."""
    low, high = fit.window
    told = [
        f"{source}: {fit.pulses} readings of {plural(fit.devices, 'device')} in "
        f"{plural(fit.cycles, 'cycle')}" + "".join(f"; {note}" for note in fit.notes),
        f"window {low:.4g} to {high:.4g} S, {100 * fit.outside:.1f} % of the readings outside",
        f"steps upwards {_range(fit.potentiation)} of the window, downwards "
        f"{_range(fit.depression)}",
    ]
    told += [_number(name, fit.numbers[name], fit) for name in _NAMES]
    unknown = int(np.isnan([fit.potentiation_interval[0], fit.depression_interval[0]]).sum())
    if unknown:
        told.append(
            f"{unknown} of {2 * len(fit.states)} knots have too few pulses near them for an "
            "interval; there a curve goes on straight"
        )
    return [*told, *_resting(fit), _verdict(fit)]


def _resting(fit):
    """Sentences on states at which a pulse moves nothing its way."""
    for name, curve in (("upwards", fit.potentiation), ("downwards", fit.depression)):
        states = fit.states[curve <= 0]
        if len(states):
            at = ", ".join(f"{state:.2g}" for state in states)
            yield f"steps {name} are not above 0 at state {at}; there the synapse stays as it is"


def _range(curve):
    return f"{curve.min():.3g} to {curve.max():.3g}"


def _number(name, number: Estimate, fit):
    percent = f"{100 * fit.level:g} %"
    if math.isnan(number.value):
        return f"{_NAMES[name]}: cannot be known of {plural(fit.devices, 'device')}, 3 are needed"
    unit = "" if name.endswith("spread") else " of the window"
    text = f"{_NAMES[name]} {number.value:.3g}{unit} ({percent}: {number.low:.3g} to "
    text += f"{number.high:.3g})"
    if name == "read_noise" and not fit.told_apart:
        text += "; not told apart from the scatter of pulses, it may be none"
    return text


def _verdict(fit):
    failed = [test for test in fit.tests if not test.holds]
    if not failed:
        count = len(fit.tests)
        return f"The model describes the data: {count} tests of the residuals found nothing."
    told = ", and ".join(
        f"that {test.asks} is not so (deviations of {100 * test.size:.0f} % of the mean step, "
        f"probability {max(test.probability, 1e-12):.1g})"
        for test in failed
    )
    return f"The model does not describe the data: it says {told}."


def lines_told(lines: Lines, source: str) -> list[str]:
    """What was found, and what eq. (R1) leaves out, a sentence each."""
    good, unit, percent = lines.good, lines.unit, f"{100 * lines.level:g} %"
    f, width, share = lines.frequency[good], lines.width[good], lines.share[good]
    k, offset, damping = lines.slope, lines.offset, lines.damping[good]
    left_out = [f"{x / 1e9:g}" for x in lines.frequency[~good]]
    told = [
        f"{source}: {good.sum()} lines from {f.min() / 1e9:g} to {f.max() / 1e9:g} GHz"
        + (
            f"; left out, badly fitted or off the straight line of the others: "
            f"{', '.join(left_out)} GHz"
            if left_out
            else ""
        ),
        f"f = {k[0] / 1e6:.4g} MHz/{unit} (H - {offset[0]:.5g} {unit}); {percent}: "
        f"{k[1] / 1e6:.4g} to {k[2] / 1e6:.4g}, {offset[1]:.5g} to {offset[2]:.5g}; "
        f"R^2 {lines.straight:.5f}",
        f"half width {width.min():.4g} to {width.max():.4g} {unit}; R^2 of the lines "
        f"{lines.fitted[good].min():.3f} to {lines.fitted[good].max():.3f}",
        f"dispersive share |a|/|s| {share.min():.2f} to {share.max():.2f}, median "
        f"{np.median(share):.2f}",
    ]
    return [*told, *_left_out(lines, good, damping)]


def _left_out(lines, good, damping):
    """What eq. (R1) gets wrong about the lines."""
    pure = float(np.median(lines.fitted_dispersive[good]))
    mostly = "dispersive" if np.median(lines.share[good]) > 1 else "symmetric"
    told = [
        f"The lines are mostly {mostly}. The resonator of the RF network, eq. (R1), is "
        f"antisymmetric; with that part alone R^2 is {pure:.2f} (median)."
    ]
    ratio = damping.max() / damping.min()
    if ratio > 1.2:
        f, constant = lines.frequency[good], lines.width_constant
        told.append(
            f"Eq. (R1) has a width of alpha f; here k w / f goes from {damping.max():.3f} at "
            f"{f[damping.argmax()] / 1e9:g} GHz to {damping.min():.3f} at "
            f"{f[damping.argmin()] / 1e9:g} GHz: {constant[0]:.4g} {lines.unit} of the width "
            f"({constant[1]:.4g} to {constant[2]:.4g}) do not depend on f."
        )
    return told
