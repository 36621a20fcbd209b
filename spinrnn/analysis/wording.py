"""Sentences for people about a recording: what it is, what is known, what looks
wrong."""

from collections.abc import Iterator

import numpy as np

from spinrnn.errors import listed
from spinrnn.recordings.recording import Recording


def heading(recording: Recording) -> str:
    """The first lines of a report."""
    return "\n".join(
        [
            _size(recording),
            *_taken(recording),
            _known(recording),
            *_measured_states(recording),
            *_doubtful_powers(recording),
            *_doubtful_times(recording),
            *_doubtful_drives(recording),
        ]
    )


def _count(number, what):
    return f"{number} {what}{'' if number == 1 else 's'}"


def _size(recording):
    times = recording.time
    layers = ", ".join(
        f"{_count(recording.power[k].shape[1], 'neuron')} in layer {k}" for k in recording.layers
    )
    cases = _count(recording.cases, "case")
    span = times[-1] - times[0]
    return f"{recording.name}: {cases}, {len(times)} times over {span:.4g} s, {layers}"


def _taken(recording):
    """What was left out for want of memory."""
    if recording.stride > 1:
        yield f"taken: one case of {recording.stride}, as many as memory allows"
    if len(recording.time) < recording.all_times:
        yield (
            f"taken: the first {len(recording.time)} of {recording.all_times} times, as many as "
            "memory allows (--memory)"
        )


def _known(recording):
    quantities = {
        "relaxation time": (recording.relaxation_time, " s"),
        "Q": (recording.nonlinear_damping, ""),
        "bias ratio": (recording.bias_ratio, ""),
        "input interval": (recording.input_interval, " s"),
    }
    known = [
        f"{name} {value:.4g}{unit}"
        for name, (value, unit) in quantities.items()
        if value is not None
    ]
    return f"known: {', '.join(known) or 'times and powers'}"


def _measured_states(recording: Recording) -> Iterator[str]:
    """What is measured of neurons with several states."""
    for kind in dict.fromkeys(recording.kind_of(layer) for layer in recording.layers):
        first, *others = kind.states
        if others:
            names = listed(f"{one.name} ({one.unit})" for one in others)
            yield f"of {kind.kind}: measured is {first.name} ({first.unit}); left out is {names}"


def _doubtful_powers(recording: Recording) -> Iterator[str]:
    """Warnings where powers are not normalised."""
    layers = [layer for layer in recording.layers if recording.kind_of(layer).threshold]
    if not layers:
        return
    sample = recording.powers(layers[0])
    low, high = np.nanmin(sample), np.nanmax(sample)
    if low < -0.5 or high > 1.5:
        yield (
            f"warning: powers from {low:.3g} to {high:.3g}; eq. (1) is for powers normalised to "
            "[0, 1)"
        )
    elif recording.network is None and 0 < high < 1e-3:
        yield (
            f"warning: powers up to {high:.3g} only; are they normalised? eq. (1) is for powers "
            "in units of the largest possible one"
        )


def _doubtful_times(recording: Recording) -> Iterator[str]:
    """Warnings where times are so far from the relaxation time that their unit must be
    another than s."""
    if recording.relaxation_time is None:
        return
    step, span = _steps(recording)
    relaxation = recording.relaxation_time
    if not 1e-3 * relaxation <= span <= 1e9 * relaxation:
        ratio = f"{span / relaxation:.2g} relaxation times"
        yield f"warning: {span:.3g} s are {ratio}; is the time in s?"
    elif step > 1e3 * relaxation:
        ratio = f"{step / relaxation:.2g} relaxation times"
        yield f"warning: steps of {step:.3g} s are {ratio}; is the time in s?"


def _doubtful_drives(recording: Recording) -> Iterator[str]:
    """Warnings where times and drives are so far apart that a unit must be another than
    s or 1/s. Trajectories of ours have their units."""
    if recording.drive is None or recording.network is not None:
        return
    step, span = _steps(recording)
    drive = np.abs(recording.drives(next(iter(recording.drive))))
    largest = float(np.max(drive[np.isfinite(drive)], initial=0.0))
    if largest * step > 1e3 or 0 < largest * span < 1e-3:
        yield (
            f"warning: drives up to {largest:.3g} do not fit steps of {step:.3g} s over "
            f"{span:.3g} s; are they in 1/s, and the time in s?"
        )


def _steps(recording):
    """(usual time between two times, span of all), s."""
    time = recording.time
    return float(np.median(np.diff(time))), float(time[-1] - time[0])
