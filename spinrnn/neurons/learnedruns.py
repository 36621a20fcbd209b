"""Runs of a learned device over time: without noise, or repeated with it; beside a
known equation or alone."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinrnn.config.kinds import make
from spinrnn.errors import DataError, DivergenceError
from spinrnn.kernels import odes
from spinrnn.kernels.tiles import lanes
from spinrnn.machine.threads import ordered_map
from spinrnn.neurons.protocol import Neuron

CHUNK = 4096
"""Steps for which random numbers are drawn at once."""
NO_NOISE = np.empty(0)
SETTLING = 4000
"""Steps, at most, in which a device comes to rest at its first drive."""
STILL = 1e-9
"""Share of its spread by which a device at rest moves in a step."""
MOST_BEYOND = 0.01
"""Share of the range that was seen by which a drive may leave it without a warning."""


# ---- a known equation ----


@dataclass(frozen=True, eq=False)
class KnownEquation:
    """An equation beside which f acts: a kind of neuron of one state.

    Attributes:
        table: what `LearnedDevice.base` holds: the neuron's table under `neuron`, and
            `gain`, `offset` and `scale`: its drive is offset + gain times the first
            recorded drive, in SI; the recorded output is scale times its state.
        base: step, limit and count of numbers, as `odes.entry` takes them.
        numbers: `odes.Known`, in the channels of a device.
    """

    table: Mapping[str, Any]
    base: tuple
    numbers: odes.Known


def known_equation(
    neuron: Neuron,
    output: Any,
    drive: Any,
    sampling_step: float,
    gain: float = 1.0,
    offset: float = 0.0,
    scale: float = 1.0,
) -> KnownEquation:
    """A neuron as the known part of a learned device.

    Args:
        output, drive: channels of the recording; sampling_step: D in s.
        gain, offset, scale: as in `KnownEquation.table`.
    Raises:
        DataError: the neuron has several states, of which the recording shows one.
    """
    if len(neuron.states) != 1:
        raise DataError(
            f"known: the {neuron.kind} has {len(neuron.states)} states, of which a recording"
            " shows one; a known equation beside a learned one has one state"
        )
    unit = neuron.time_unit
    per = unit if neuron.rate_driven() else 1 / neuron.drive_unit
    q = neuron.nominal_numbers(unit)
    functions = neuron.functions(neuron.schemes[0])
    constant = float(neuron.bias(q)) + per * (offset + gain * drive.offset)
    numbers = odes.Known(
        np.array([float(number) for number in q.values()] or [0.0]),
        np.asarray(neuron.shared(), dtype=np.float64),
        unit=1 / (output.scale * scale),
        offset=output.offset / scale,
        bias=constant,
        gain=per * gain / drive.scale,
        step=sampling_step / unit,
    )
    base = functions.strong or functions.step, functions.limit, len(q)
    table = {"neuron": {"kind": neuron.kind, **neuron.table()}}
    table |= {"gain": gain, "offset": offset, "scale": scale}
    return KnownEquation(table, base, numbers)


def known_of(device: Any) -> KnownEquation | None:
    """The known equation of a `LearnedDevice`; None where all was learned."""
    if not device.base:
        return None
    neuron = make("neuron", device.base["neuron"])
    own = {name: device.base[name] for name in ("gain", "offset", "scale")}
    return known_equation(neuron, device.output, device.drives[0], device.sampling_step, **own)


# ---- weights ----


def weights_of(layout: odes.Layout, flat: np.ndarray) -> tuple:
    """((matrix, bias) of each layer) of flat weights."""
    ends = np.cumsum([rows * depth for rows, depth in layout.shapes])[:-1]
    parts = zip(np.split(flat, ends), layout.shapes, strict=True)
    wide = [part.reshape(shape) for part, shape in parts]
    return tuple((matrix[:, :-1].copy(), matrix[:, -1].copy()) for matrix in wide)


def widths(weights: Sequence) -> list[int]:
    """Inputs of the first layer and outputs of all, of ((matrix, bias) of each)."""
    return [weights[0][0].shape[1], *(len(bias) for _, bias in weights)]


def flat_of(weights: Sequence, states: int) -> tuple[odes.Layout, np.ndarray]:
    """(layout, flat weights) of ((matrix, bias) of each layer)."""
    layers = [np.column_stack([matrix, bias]).ravel() for matrix, bias in weights]
    return odes.Layout(widths(weights), states), np.concatenate(layers)


# ---- runs ----


def free_runs(
    layout: odes.Layout,
    flat: np.ndarray,
    rule: odes.Rule,
    step: float,
    drives: np.ndarray,
    starts: np.ndarray,
    z: np.ndarray,
    steps: int,
    known: KnownEquation | None = None,
    noise: tuple[odes.Layout, np.ndarray] | None = None,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """(run, steps + 1, k) scaled states of runs that go on by themselves.

    Args:
        step: h; drives: (drive, time) scaled; starts: (run,) sample at which each
            begins.
        z: (run, k) at their starts; noise: (layout, flat weights) of its network, whose
            normal numbers come from rng.
    """
    v, count = lanes(np.float64), len(starts)
    panels = -(-count // v)
    lane = np.minimum(np.arange(panels * v), count - 1)
    short = int(np.max(starts)) + steps + layout.states + 1 - drives.shape[1]
    if short > 0:
        drives = np.concatenate([drives, np.repeat(drives[:, -1:], short, axis=1)], axis=1)
    # a generator for each panel, so that no number depends on the threads
    draws = (np.random.default_rng() if rng is None else rng).spawn(panels)
    first = np.asarray(starts, dtype=np.int64)[lane].reshape(panels, v)
    found = np.empty((panels, steps + 1, layout.states, v))
    found[:, 0] = z[lane].reshape(panels, v, -1).transpose(0, 2, 1)
    own = layout, layout.net(flat), rule, step, drives, known, noise
    ordered_map(lambda p: _run_panel(own, first[p], found[p], draws[p]), range(panels))
    whole = found.transpose(0, 3, 1, 2).reshape(panels * v, steps + 1, layout.states)
    return np.ascontiguousarray(whole[:count])


def _run_panel(own, first, path, draws):
    """Fills the path (steps + 1, k, V) of V runs from its first line on."""
    layout, net, rule, step, drives, known, noise = own
    memory, places = layout.memory(1, noise and noise[0])
    kicks = noise[0].net(noise[1]) if noise is not None else net
    entry = odes.entry("free_run", known and known.base)
    numbers = odes.NOTHING if known is None else known.numbers
    for done in range(0, len(path) - 1, CHUNK):
        part = path[done : done + CHUNK + 1].reshape(-1)
        now = part.size // path[0].size - 1
        drawn = draws.standard_normal(now * path[0].size) if noise is not None else NO_NOISE
        series = odes.Series(NO_NOISE, drives, first + done)
        entry(
            net, rule, step, numbers, series, kicks, np.sqrt(step), drawn, now, 0, 1, memory,
            places, part,
        )  # fmt: skip


def one_steps(layout, flat, rule, step, drives, starts, z, known=None) -> np.ndarray:
    """(start, k) states one sampling step after z (start, k)."""
    return free_runs(layout, flat, rule, step, drives, starts, z, 1, known)[:, 1]


# ---- a device over a drive ----


def simulated(
    device: Any,
    time: np.ndarray,
    drive: Any,
    start: np.ndarray | None,
    seed: int | None,
    runs: int | None,
) -> np.ndarray:
    """What `LearnedDevice.simulate` gives."""
    drives = _checked_drives(device, time, drive)
    _warn_beyond(device, drives)
    scaled = np.array([c.scaled(row) for c, row in zip(device.drives, drives, strict=True)])
    layout, flat = flat_of(device.weights, device.delays)
    rule = odes.rule_of("3/8", device.held)
    known, noise, count = known_of(device), None, 1 if runs is None else runs
    if seed is not None and device.diffusion is not None:
        noise = flat_of(device.diffusion, device.delays)
    settings = layout, flat, rule, device.unit_step
    z = _first_state(device, settings, scaled, start, known)
    first, states = np.zeros(count, dtype=np.int64), np.tile(z, (count, 1))
    rng, steps, h = np.random.default_rng(seed), len(time) - 1, device.unit_step
    found = free_runs(layout, flat, rule, h, scaled, first, states, steps, known, noise, rng)
    found = found[:, :, 0]
    if not np.isfinite(found).all():
        sample = int(np.argmin(np.isfinite(found).all(axis=0)))
        raise DivergenceError(f"the learned device runs away at {time[sample]:.6g} s")
    output = device.output.unscaled(found)
    return output[0] if runs is None else output


def _checked_drives(device, time, drive):
    """(drive, time) of an array, a list of arrays or {name: array}."""
    names = [channel.name for channel in device.drives]
    if isinstance(drive, Mapping):
        missing = [name for name in names if name not in drive]
        if missing:
            raise DataError(f"drive: has no {', '.join(missing)}; the device has these drives")
        drive = [drive[name] for name in names]
    rows = np.atleast_2d(np.asarray(drive, dtype=np.float64))
    problems = []
    if rows.shape != (len(names), len(time)):
        wanted = f"({len(names)}, {len(time)})" if len(names) > 1 else f"({len(time)},)"
        problems.append(f"drive: must have the shape {wanted}, got {np.shape(drive)}")
    elif not np.isfinite(rows).all():
        problems.append("drive: holds values that are not finite")
    steps = np.diff(np.asarray(time, dtype=np.float64))
    own = device.sampling_step
    if len(time) < 2 or not (np.abs(steps - own) <= 0.05 * own).all():
        problems.append(f"time: must go in steps of {own:.6g} s, at which the device was learned")
    if problems:
        raise DataError("; ".join(problems))
    return rows


def _warn_beyond(device, drives):
    """Warns of drives outside what the device was learned from."""
    for channel, row in zip(device.drives, drives, strict=True):
        room = MOST_BEYOND * (channel.high - channel.low)
        beyond = (row < channel.low - room) | (row > channel.high + room)
        if beyond.any():
            away = np.maximum(channel.low - row, row - channel.high)
            warnings.warn(
                f"{channel.name}: {100 * beyond.mean():.3g} % of the samples, at most"
                f" {row[away.argmax()]:.4g}, are beyond what the device was learned from,"
                f" {channel.low:.4g} to {channel.high:.4g} {channel.unit}; the weights say"
                " nothing there",
                stacklevel=4,
            )


def _first_state(device, settings, drives, start, known):
    """z (k,) of the first k outputs; None: at rest under the first drive."""
    k = device.delays
    if start is not None:
        values = np.atleast_1d(np.asarray(start, dtype=np.float64))
        if values.shape != (k,) or not np.isfinite(values).all():
            raise DataError(f"start: give the first {k} outputs of the device, got {start!r}")
        return device.output.scaled(values)
    held = np.repeat(drives[:, :1], 2, axis=1)
    first = np.zeros(1, dtype=np.int64)
    layout, flat, rule, step = settings
    path = free_runs(layout, flat, rule, step, held, first, np.zeros((1, k)), SETTLING, known)[0]
    last = path[-1]
    if not (np.isfinite(last).all() and np.abs(path[-1] - path[-2]).max() < STILL**0.5):
        warnings.warn(
            "the device does not come to rest at its first drive; give start, its first outputs",
            stacklevel=4,
        )
    return np.where(np.isfinite(last), last, 0.0)
