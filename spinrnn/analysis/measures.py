"""The measures of a recording: what each needs of it, its rows for a table, its findings in words and its picture.

A measure that the recording does not allow raises DataError with the reason.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np

from spinrnn.analysis import figures, powers
from spinrnn.analysis.activity import DEAD, SATURATED, SHARE, STILL, neuron_activity
from spinrnn.analysis.classes import class_accuracy, class_variance
from spinrnn.analysis.dimension import effective_dimension
from spinrnn.analysis.drive import drive_integrals
from spinrnn.analysis.plateaus import evenly
from spinrnn.analysis.powers import NEURON_POWER, SYNAPSE_POWER, synapses
from spinrnn.analysis.recall import input_memory, network_memory
from spinrnn.analysis.relaxation import step_responses
from spinrnn.analysis.spectra import autocorrelation, power_spectrum
from spinrnn.analysis.steady import steady_states
from spinrnn.analysis.transfer import transfer_curve
from spinrnn.errors import DataError

FEW = 4
"""Steady states at different drives from which on each neuron has a transfer curve of its own."""

UNLIKE = 0.05
"""Residual of a transfer curve, as a share of its largest power, from which on it is said that the model does not describe it, if the powers' own
noise is smaller [ours]."""

MOST = 10_000
"""Times of which a table or a picture of one value for each time consists; of more evenly chosen ones."""


@dataclass(frozen=True)
class Settings:
    """What can be chosen.

    Attributes:
        start: s, what comes before it is left out of spectra, correlations, activity and dimension; tolerance: as in `find_plateaus`.
        neuron_power, synapse_power: W, assumed; None for that of the paper's neurons, which says nothing of another device.
    """

    start: float = 0.0
    tolerance: float = 1e-3
    neuron_power: float | None = None
    synapse_power: float = SYNAPSE_POWER


@dataclass
class Finding:
    """What a measure found.

    Attributes:
        rows: list of {column with its unit: value}; lines: list of str; draw: function (ax=None) that draws the picture and returns its axes.
    """

    rows: list
    lines: list
    draw: object


def steady(recording, settings):
    """Steady states against theory"""
    found, layers = _steady(recording, settings)
    if (
        recording.nonlinear_damping is None
    ):  # theory for a Q that nobody has said would make a perfect device look wrong
        found = dataclasses.replace(found, expected=np.full(len(found.power), np.nan))
    rows = [
        {
            "layer": layer,
            "case": int(case),
            "neuron": int(neuron),
            "drive_per_s": drive,
            "power": power,
            "spread": spread,
            "expected": expected,
        }
        for layer, *(case, neuron, drive, power, spread, expected) in _zip(
            layers, found.case, found.neuron, found.drive, found.power, found.spread, found.expected
        )
    ]
    lines = [
        f"{len(rows)} steady states, {found.unsettled} plateaus of the drive ended before the power had come to rest, or its noise is too slow to tell"
        + (f"; {found.passed} more than were looked at" if found.passed else "")
    ]
    if not rows:
        raise DataError(lines[0])
    if np.isfinite(found.expected).all():
        off = found.power - found.expected
        worst = np.abs(off).argmax()
        lines.append(
            f"measured - (xi - 1)/(xi + Q): root mean square {_rms(off):.2g}, largest {off[worst]:+.2g} at a drive of {found.drive[worst]:.4g} / s "
            f"(layer {layers[worst]}, neuron {found.neuron[worst]})"
        )
    else:
        unknown = [
            text
            for text, value in (
                ("the relaxation time (--relaxation-time)", recording.relaxation_time),
                ("Q (--nonlinear-damping)", recording.nonlinear_damping),
            )
            if value is None
        ]
        lines.append(f"not compared with theory, without {' and '.join(unknown)}")
    return Finding(rows, lines, lambda ax=None: figures.steady_states(found, ax))


def relaxation(recording, settings):
    """Relaxation after steps of the drive"""
    oscillator = recording.neuron == "oscillator"
    found, layers = _device(
        recording,
        step_responses,
        settings,
        lambda _: {"form": "logistic" if oscillator else "exponential"},
    )
    if not oscillator:
        found = dataclasses.replace(
            found, expected=np.full(len(found.rate), 1 / recording.relaxation_time)
        )
    columns = {
        "layer": layers, "case": found.case, "neuron": found.neuron, "drive_per_s": found.drive, "drive_before_per_s": found.before,
        "rate_per_s": found.rate, "rate_low_per_s": found.rate_low, "rate_high_per_s": found.rate_high,
        "relaxation_time_s": found.time, "relaxation_time_low_s": found.time_low, "relaxation_time_high_s": found.time_high,
        "expected_rate_per_s": found.expected, "first_power": found.first, "last_power": found.last, "rms_residual": found.residual,
    }  # fmt: skip
    rows = _rows(columns)
    aside = [
        (found.unchanged, "without a response beyond the noise"),
        (found.failed, "that no fit describes"),
        (found.passed, "more than were fitted"),
    ]
    lines = [
        f"{len(rows)} step responses, {found.form} fit with {100 * found.confidence:g} % intervals"
        + "".join(f"; {n} {what}" for n, what in aside if n)
    ]
    if not rows:
        raise DataError(lines[0])
    known = found.rate_low > 0
    if not known.all():
        lines.append(
            f"{len(rows) - known.sum()} of them do not tell the rate, their intervals hold 0; they are in the table only"
        )
    if not known.any():
        return Finding(rows, lines, lambda ax=None: figures.step_responses(found, ax))
    low, middle, high = np.quantile(found.time[known], [0, 0.5, 1])
    lines.append(
        f"relaxation time after a step {middle:.4g} s (median; it changes with the drive), from {low:.4g} to {high:.4g} s; residual {_rms(found.residual):.2g}"
    )
    if np.isfinite(found.expected).all():
        inside = np.mean((found.rate_low <= found.expected) & (found.expected <= found.rate_high))
        off = np.nanmedian(
            np.abs(found.rate / np.where(known & (found.expected > 0), found.expected, np.nan) - 1)
        )
        lines.append(
            f"against the expected rate: {100 * off:.2g} % apart (median), {100 * inside:.0f} % of the intervals hold it"
        )
    return Finding(rows, lines, lambda ax=None: figures.step_responses(found, ax))


def transfer(recording, settings):
    """Transfer curve and threshold"""
    found, layers = _steady(recording, settings)
    places = sorted(
        {(layer, int(neuron)) for layer, neuron in zip(layers, found.neuron, strict=True)}
    )
    parts = {
        f"layer {layer}, neuron {neuron}": (layers == layer) & (found.neuron == neuron)
        for layer, neuron in places
    }
    digits = 3 - int(np.floor(np.log10(np.abs(found.drive).max(initial=0) or 1)))
    enough = {
        name: part
        for name, part in parts.items()
        if len(np.unique(found.drive[part].round(digits))) >= FEW
    }
    # neurons that are alike give more points together; those that differ only a curve of no device
    if not enough or (len(enough) < len(parts) and recording.devices is None):
        enough = {"all neurons": np.full(len(found.drive), True)}
    curves = {}
    for name, part in enough.items():
        try:
            curves[name] = transfer_curve(found.drive[part], found.power[part])
        except DataError as error:
            reason = error
    if not curves:
        raise reason
    theory = {name: _device_of(recording, found, enough[name]) for name in curves}
    unlike = {
        name: max(UNLIKE * c.power.max(), float(np.median(found.spread[enough[name]])))
        for name, c in curves.items()
    }
    rows = [
        {
            "curve": name, "threshold_per_s": c.threshold, "threshold_low_per_s": c.threshold_low, "threshold_high_per_s": c.threshold_high,
            "nonlinear_damping": c.nonlinear_damping, "nonlinear_damping_low": c.nonlinear_damping_low,
            "nonlinear_damping_high": c.nonlinear_damping_high, "rms_residual": c.residual, "points": len(c.drive),
            "expected_threshold_per_s": theory[name][0], "expected_nonlinear_damping": theory[name][1],
        }
        for name, c in curves.items()
    ]  # fmt: skip
    lines = []
    for name, c in list(curves.items())[: figures.MANY]:
        lines.append(
            f"{name}: threshold {c.threshold:.4g} / s [{c.threshold_low:.4g}, {c.threshold_high:.4g}], Q {c.nonlinear_damping:.3g} "
            f"[{c.nonlinear_damping_low:.3g}, {c.nonlinear_damping_high:.3g}], residual {c.residual:.2g}, {len(c.drive)} points"
            + (f", without {c.silent} at which it had not turned on" if c.silent else "")
            + (
                "; does NOT follow (xi - 1)/(xi + Q), so the intervals cannot be trusted"
                if c.residual > unlike[name]
                else ""
            )
        )
    if len(curves) > figures.MANY:
        lines.append(f"and {len(curves) - figures.MANY} more in the table")
    beside = ""
    if recording.devices is not None:
        beside = (
            "; the devices differ, so that one curve is that of none"
            if "all neurons" in curves
            else "; that of each device in theory is in the table"
        )
    elif recording.relaxation_time is not None:
        beside = f"; the threshold in theory is {1 / recording.relaxation_time:.4g} / s"
    lines.append(f"{100 * c.confidence:g} % intervals{beside}")
    return Finding(rows, lines, lambda ax=None: figures.transfer_curve(curves, ax))


def spectrum(recording, settings):
    """Power spectrum"""
    time = recording.time[recording.first(settings.start) :]
    found = {
        f"layer {k}": power_spectrum(time, recording.powers(k, settings.start))
        for k in recording.layers
    }
    rows = [
        {
            "layer": layer,
            "frequency_hz": f,
            "density_median_per_hz": m,
            "density_lowest_per_hz": low,
            "density_highest_per_hz": high,
        }
        for layer, s in zip(recording.layers, found.values(), strict=True)
        for f, m, low, high in zip(
            s.frequency,
            np.nanmedian(s.density, axis=0),
            np.nanmin(s.density, axis=0),
            np.nanmax(s.density, axis=0),
            strict=True,
        )
    ]
    lines = [
        f"{name}: half of the variance lies below {_middle(s.half, 'Hz')}, {s.segments} segments of {1 / s.frequency[1]:.4g} s"
        + (
            ", which is the resolution: record longer"
            if (s.half < s.frequency[1]).mean() > 0.5
            else ""
        )
        for name, s in found.items()
    ]
    return Finding(rows, lines, lambda ax=None: figures.power_spectrum(found, ax))


def correlation(recording, settings):
    """Autocorrelation time"""
    time = recording.time[recording.first(settings.start) :]
    found = {
        f"layer {k}": autocorrelation(time, recording.powers(k, settings.start))
        for k in recording.layers
    }
    rows = [
        {
            "layer": layer,
            "neuron": neuron,
            "integrated_time_s": float(integrated),
            "efold_time_s": float(efold),
        }
        for layer, a in zip(recording.layers, found.values(), strict=True)
        for neuron, (integrated, efold) in enumerate(zip(a.integrated, a.efold, strict=True))
    ]
    lines = [
        f"{name}: integrated {_middle(a.integrated, 's')}, to 1/e {_middle(a.efold, 's')}"
        for name, a in found.items()
    ]
    if any((a.efold < time[1] - time[0]).mean() > 0.5 for a in found.values()):
        lines.append("shorter than the time between two samples, so no more than noise")
    return Finding(rows, lines, lambda ax=None: figures.autocorrelation(found, ax))


def memory(recording, settings):
    """Memory of the inputs"""
    if recording.inputs is None:
        raise DataError("it needs the inputs, which are not in the file")
    ends = recording.point_ends()
    points = min(len(ends), recording.inputs.shape[2])
    inputs = np.asarray(recording.inputs[:: recording.stride, :, :points])
    states = {f"layer {k}": recording.powers(k)[:, :, ends[:points]] for k in recording.layers}
    if len(states) > 1:
        states["all"] = np.concatenate(list(states.values()), axis=1)
    found = {name: input_memory(s, inputs, recording.input_interval) for name, s in states.items()}
    lines = [
        f"{name}, channel {channel}: at least {100 * m.limit:g} % of the variance decoded up to a delay of {reach:.4g} s"
        if np.isfinite(reach)
        else f"{name}, channel {channel}: less than {100 * m.limit:g} % of the variance decoded even without delay"
        for name, m in found.items()
        for channel, reach in enumerate(m.reach)
    ]
    if next(iter(found.values())).independent:
        lines += [
            f"{name}: linear memory capacity {m.capacity.sum():.2f}" for name, m in found.items()
        ]
    else:
        largest = next(iter(found.values())).correlation
        lines.append(
            f"the inputs are correlated in time (up to {largest:.2f}), so that the sum over the delays is no memory capacity"
        )
    return Finding(_memory_rows(found), lines, lambda ax=None: figures.memory(found, ax))


def capacity(recording, settings):
    """Linear memory capacity"""
    if recording.network is None:
        raise DataError(
            "it needs the network, which trajectories of spinrnn hold; with inputs that are independent in time the measure memory gives it, too"
        )
    low, high = 0.0, 1.0
    if recording.inputs is not None:
        finite = np.asarray(recording.inputs[:: recording.stride], dtype=float)
        low, high = (float(edge(finite[np.isfinite(finite)])) for edge in (np.min, np.max))
        low, high = (low, high) if low < high else (low - 0.5, low + 0.5)
    found = network_memory(recording.network, low, high, layers=recording.layers)
    found = {f"layer {name}" if name != "all" else name: m for name, m in found.items()}
    lines = [
        f"{name}: {m.capacity.sum():.2f}, up to a delay of {m.delay[-1]:.4g} s"
        for name, m in found.items()
    ]
    lines.append(
        f"from a simulation of its own, with inputs independent and uniform from {low:.3g} to {high:.3g}"
    )
    return Finding(_memory_rows(found), lines, lambda ax=None: figures.memory(found, ax))


def drive(recording, settings):
    """Cumulative drive"""
    if recording.input_interval is None:
        raise DataError("it needs the input interval (--input-interval)")
    oscillator = recording.neuron == "oscillator"
    if oscillator and recording.rests(recording.layers[0]) is None:
        raise DataError(
            "it needs the drive at rest: the relaxation time and bias_ratio, the supercriticality without input"
        )
    scale = 1.0 if oscillator else 1 / recording.relaxation_time
    found = {
        f"layer {k}": drive_integrals(
            recording.time,
            scale * recording.drives(k),
            recording.input_interval,
            recording.rests(k) if oscillator else 0.0,
        )
        for k in recording.layers
    }
    rows = [
        {"layer": layer, "neuron": neuron, "cumulative_drive": float(value)}
        for layer, d in zip(recording.layers, found.values(), strict=True)
        for neuron, value in enumerate(d.neuron)
    ]
    lines = [
        f"{name}: {d.value:.4g}, neurons from {np.nanmin(d.neuron):.3g} to {np.nanmax(d.neuron):.3g}"
        for name, d in found.items()
    ]
    lines.append(
        f"all: {np.nanmean(np.concatenate([d.neuron for d in found.values()])):.4g}; far below 1 a neuron cannot follow its input"
    )
    return Finding(rows, lines, lambda ax=None: figures.cumulative_drive(found, ax))


def activity(recording, settings):
    """Dead and saturated neurons"""
    sign = np.abs if recording.neuron == "ctrnn" else np.asarray
    found = {
        f"layer {k}": neuron_activity(sign(recording.powers(k, settings.start)))
        for k in recording.layers
    }
    rows = [
        {
            "layer": layer, "neuron": neuron, "mean": float(a.mean[neuron]), "deviation": float(a.deviation[neuron]), "share_below": float(a.below[neuron]),
            "share_above": float(a.above[neuron]), "dead": int(a.dead[neuron]), "saturated": int(a.saturated[neuron]), "still": int(a.still[neuron]),
        }
        for layer, a in zip(recording.layers, found.values(), strict=True)
        for neuron in range(len(a.mean))
    ]  # fmt: skip
    lines = [
        f"{name}: {a.dead.sum()} dead, {a.saturated.sum()} saturated, {a.still.sum()} still, of {len(a.mean)}"
        for name, a in found.items()
    ]
    share = 100 * SHARE
    lines.append(
        f"dead: below {DEAD:g} for {share:g} % of the times; saturated: above {SATURATED:g}; still: deviation below {STILL:g}"
    )
    return Finding(rows, lines, lambda ax=None: figures.neuron_activity(found, ax))


def dimension(recording, settings):
    """Effective dimension of the states"""
    found = {
        f"layer {k}": effective_dimension(recording.powers(k, settings.start))
        for k in recording.layers
    }
    rows = [
        {"layer": layer, "axis": axis, "variance": float(value)}
        for layer, d in zip(recording.layers, found.values(), strict=True)
        for axis, value in enumerate(d.variances)
    ]
    lines = [
        f"{name}: {f'{d.dimension:.2f}' if np.isfinite(d.dimension) else 'unknown, as nothing changes,'} of {len(d.variances)}"
        + (
            f"; over the cases at single times up to {_largest(d.over_time)}"
            if np.isfinite(d.over_time).any()
            else ""
        )
        for name, d in found.items()
    ]
    return Finding(rows, lines, lambda ax=None: figures.effective_dimension(found, ax))


def variance(recording, settings):
    """Share of the variance between the classes"""
    labels, some = _labels(recording), _some(recording.time)
    found = {f"layer {k}": class_variance(recording.powers(k), labels) for k in recording.layers}
    rows = [
        {"layer": layer, "time_s": float(t), "share_between_classes": float(share)}
        for layer, c in zip(recording.layers, found.values(), strict=True)
        for t, share in zip(recording.time[some], c.over_time[some], strict=True)
    ]
    lines = [
        f"{name}: {c.share:.4f}, largest {_largest(c.over_time)} at a time"
        for name, c in found.items()
    ]
    count = len(np.unique(labels))
    lines.append(
        f"without any difference between the {count} classes, {len(labels)} cases would give about {(count - 1) / max(1, len(labels) - 1):.3f}"
    )
    return Finding(rows, lines, lambda ax=None: figures.class_variance(recording.time, found, ax))


def classifier(recording, settings):
    """Linear classifier on held-out cases"""
    labels = _labels(recording)
    found = {
        f"layer {k}": class_accuracy(recording.time, recording.powers(k), labels)
        for k in recording.layers
    }
    rows = [
        {
            "layer": layer,
            "time_s": float(t),
            "accuracy": float(a),
            "low": float(low),
            "high": float(high),
            "cases": int(n),
        }
        for layer, c in zip(recording.layers, found.values(), strict=True)
        for t, a, low, high, n in zip(c.time, c.accuracy, c.low, c.high, c.cases, strict=True)
    ]
    lines = [
        f"{name}: {100 * c.accuracy[-1]:.1f} % [{100 * c.low[-1]:.1f}, {100 * c.high[-1]:.1f}] at {c.time[-1]:.4g} s, "
        f"best {100 * c.accuracy.max():.1f} % at {c.time[c.accuracy.argmax()]:.4g} s"
        for name, c in found.items()
    ]
    lines.append(
        f"the largest class has {100 * found[f'layer {recording.layers[0]}'].chance:.1f} % of the cases; 95 % intervals"
    )
    return Finding(rows, lines, lambda ax=None: figures.class_accuracy(found, ax))


def energy(recording, settings):
    """Energy of a case"""
    power = settings.neuron_power
    if power is None and recording.network is None:
        raise DataError("it needs the power that a neuron of yours takes (--neuron-power)")
    power = NEURON_POWER if power is None else power
    neurons = sum(p.shape[1] for p in recording.power.values())
    weights = 0
    if recording.network is not None:
        neurons, weights = sum(recording.network.config.layers), synapses(recording.network.config)
    found = powers.energy(
        recording.time[_some(recording.time)], neurons, weights, power, settings.synapse_power
    )
    rows = _rows(
        {
            "time_s": found.time,
            "neurons_j": found.neurons,
            "synapses_j": found.synapses,
            "total_j": found.total,
        }
    )
    lines = [
        f"{found.total[-1]:.4g} J in {found.time[-1]:.4g} s, assuming {found.neuron_power:.3g} W for each of {neurons} neurons "
        f"and {found.synapse_power:.3g} W for each of {weights} synapses"
    ]
    return Finding(rows, lines, lambda ax=None: figures.energy(found, ax))


MEASURES = {
    "steady": steady, "relaxation": relaxation, "transfer": transfer, "spectrum": spectrum, "correlation": correlation, "memory": memory,
    "capacity": capacity, "drive": drive, "activity": activity, "dimension": dimension, "variance": variance, "classifier": classifier, "energy": energy,
}  # fmt: skip
"""{name, which is that of its files, too: function (recording, settings) -> `Finding`}; docstrings are titles."""


# ---- parts ----


def _steady(recording, settings):
    """(`SteadyStates` of all layers, (k,) layer of each)."""
    if recording.neuron != "oscillator":
        raise DataError("the CTRNN has no threshold")
    known = recording.nonlinear_damping is not None
    return _device(
        recording,
        steady_states,
        settings,
        lambda layer: {"nonlinear_damping": recording.dampings(layer)} if known else {},
    )


def _device(recording, measure, settings, further):
    """(a measure of single devices over all layers, (k,) layer of each result). Layers without plateaus are passed over if others have some.

    further: function of the layer that gives more arguments of the measure.
    """
    results, reason = {}, None
    for layer in recording.layers:
        try:
            results[layer] = measure(
                recording.time,
                recording.powers(layer),
                recording.drives(layer),
                recording.relaxation_times(layer),
                tolerance=settings.tolerance,
                **further(layer),
            )
        except DataError as error:
            reason = error
    if not results:
        raise reason
    fields = {}
    for field in dataclasses.fields(next(iter(results.values()))):
        values = [getattr(r, field.name) for r in results.values()]
        fields[field.name] = (
            np.concatenate(values)
            if isinstance(values[0], np.ndarray)
            else sum(values)
            if isinstance(values[0], int)
            else values[0]
        )
    layers = np.repeat(list(results), [len(r.case) for r in results.values()])
    return type(next(iter(results.values())))(**fields), layers


def _device_of(recording, states, part):
    """(threshold in 1/s, Q) of the device of some steady states, NaN where it is not known or they are of devices that differ."""
    known = (
        states.threshold[part],
        states.nonlinear_damping[part]
        if recording.nonlinear_damping is not None
        else np.array([np.nan]),
    )
    return tuple(float(values[0]) if np.ptp(values) == 0 else np.nan for values in known)


def _labels(recording):
    if recording.labels is None:
        raise DataError("it needs labels, which are not in the file")
    return np.asarray(recording.labels)[:: recording.stride]


def _some(times):
    """Numbers of the times that a table lists: all, or `MOST` evenly chosen ones."""
    return evenly(len(times), MOST)


def _zip(*columns):
    return ([v.item() for v in row] for row in zip(*columns, strict=True))


def _rows(columns):
    return [dict(zip(columns, row, strict=True)) for row in _zip(*columns.values())]


def _memory_rows(found):
    return [
        {"states": name, "channel": channel, "delay_s": float(delay), "score": float(score)}
        for name, m in found.items()
        for channel, delay_scores in enumerate(m.score)
        for delay, score in zip(m.delay, delay_scores, strict=True)
    ]


def _rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


def _middle(values, unit):
    """Median and range of what is finite, as text."""
    finite = values[np.isfinite(values)]
    missing = (
        f", not of {len(values) - len(finite)} of {len(values)} neurons"
        if len(finite) < len(values)
        else ""
    )
    if len(values) == 1 and len(finite):
        return f"{finite[0]:.4g} {unit}"
    return (
        f"{np.median(finite):.4g} {unit} (median; {finite.min():.3g} to {finite.max():.3g}{missing})"
        if len(finite)
        else "unknown"
    )


def _largest(values):
    return f"{np.nanmax(values):.3g}" if np.isfinite(values).any() else "unknown"
