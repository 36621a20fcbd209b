"""What may help where a learned device does not describe what was held out, by what is
known of its fit; and what is unusual about a recording.
"""

from collections.abc import Iterator

import numpy as np

from spinrnn.identify.learn import MOST_STATES, LearnedFit
from spinrnn.identify.learnrecords import Records, held_for
from spinrnn.identify.learntraining import Settings

USUAL = Settings()
COARSE, FINE = 0.7, 0.005
"""Change of the output from sample to sample, over its spread, above which it is
recorded too coarsely, and below which samples are left out."""
GAP = 1.5
"""Held-out over training error, above which too little was recorded for the weights."""
BEYOND = 0.02
"""Share of held-out samples beyond those that were learned from, that is told."""
FALLING = 0.8
"""Share of the checks after which the best weights show that the error still fell."""
SLOW = 0.01
"""Sampling step in s above which the time is more probably in another unit."""


def advice_lines(fit: LearnedFit) -> Iterator[str]:
    """One or two lines: why it is not described, as far as that is seen, and options to
    try; nothing where it is described.
    """
    if fit.describes:
        return
    reason = _reason(fit)
    if reason:
        yield f"Probably {reason}."
    tries = "; ".join(_tries(fit))
    yield f"Try {tries} (docs/learned.md, Where it does not describe)."


def change_of(fit: LearnedFit) -> float:
    """Root mean square change of the output from sample to sample of the training part,
    over its spread.
    """
    parts = [fit.records.output[a:b] for a, b in fit.parts.training]
    steps = np.concatenate([np.diff(part) for part in parts])
    spread = np.nanstd(np.concatenate(parts))
    return float(np.sqrt(np.nanmean(steps**2)) / spread)


def _reason(fit):
    """What is seen to be wrong, a phrase, or None."""
    change = change_of(fit)
    if change > COARSE:
        return (
            f"the sampling is too coarse: from sample to sample the output changes by"
            f" {100 * change:.0f} % of its spread, or all of that is noise"
        )
    share, name = max((_beyond(fit, row), name) for row, name in enumerate(fit.records.names))
    if share > BEYOND:
        return (
            f"it was asked for what it has not seen: {100 * share:.0f} % of the held-out {name}"
            " are beyond the training part; let --train hold them, or record more"
        )
    if fit.held_out_error > GAP * fit.training_error:
        return (
            "the recording is too short for so many weights, as the training part is"
            f" described to {100 * fit.training_error:.2g} %"
        )
    return None


def _beyond(fit, row):
    """Share of held-out samples of a channel beyond those of the training part."""
    values = np.vstack([fit.records.output, fit.records.drives])[row]
    own, held = (np.concatenate([values[a:b] for a, b in part]) for part in fit.parts)
    margin = 0.01 * (np.nanmax(own) - np.nanmin(own))
    low, high = np.nanmin(own) - margin, np.nanmax(own) + margin
    return float(np.mean((held < low) | (held > high)))


def _tries(fit):
    """Options, the likely ones first."""
    settings, k = fit.device.provenance["settings"], fit.device.delays
    hidden, iterations, points = (settings[key] for key in ("hidden", "iterations", "points"))
    change = change_of(fit)
    if change > COARSE:
        return ["a finer sampling step, without --every"]
    if fit.held_out_error > GAP * fit.training_error:
        return ["a longer recording", f"fewer --hidden ({max(1, hidden // 2)})"]
    found = []
    if fit.device.base:
        found.append(f"--known-drive, that leads from the drive's {_unit(fit)} to the equation's")
    best = [error for _, _, error in fit.history]
    falls = len(best) < 2 or int(np.argmin(best)) >= FALLING * (len(best) - 1)
    if falls or iterations < USUAL.iterations:
        why = ", as the error still fell" if falls else ""
        found.append(f"more --iterations ({max(2 * iterations, USUAL.iterations)}){why}")
    more = [f"more --states ({k + 1})"] if k < MOST_STATES else []
    wider = [f"more --hidden ({max(2 * hidden, USUAL.hidden)})"]
    # how many there are was compared already
    found += wider + more if fit.scouted else more + wider
    if fit.device.held and held_for(fit.records) == 1:
        found.append("--linear, if the drive is not held between samples")
    elif change < FINE:
        found.append(f"--every {max(2, round(4 * FINE / change))}, as samples differ by little")
    else:
        found.append(f"more --points ({max(2 * points, USUAL.points)})")
    return found


def _unit(fit):
    unit = fit.device.drives[0].unit
    return "unit" if unit == "1" else unit


def doubts(records: Records) -> Iterator[str]:
    """What is unusual about a recording."""
    if records.sampling_step >= SLOW:
        step = f"{records.sampling_step:.4g} s"
        yield f"Samples are {step} apart: is the time in s? --units time=ns says that it is not."
