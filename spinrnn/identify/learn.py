"""Learns a device from a recording: an equation whose right-hand side is a network of
weights, with its noise, beside a known equation or alone; Spin-Neural ODE (Chen et al.,
Nat. Commun. 13, 1016 (2022)).

How many states it has is found by the error on a stretch that was held out: k grows as
long as that falls.
"""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from spinrnn.errors import ConfigError
from spinrnn.identify.learndiffusion import Diffusion, found_diffusion, spread_of
from spinrnn.identify.learnrecords import (
    Parts,
    Records,
    Stretch,
    parts_of,
    records_of,
    records_of_file,
    suited_interval,
)
from spinrnn.identify.learntraining import Settings, Training, scaled, settings_table
from spinrnn.neurons.learned import LearnedDevice
from spinrnn.neurons.learnedruns import known_equation
from spinrnn.neurons.protocol import Neuron
from spinrnn.notebook import card

BOUND = 0.1
"""NRMSE of the held-out part, beyond what noise makes of it, up to which a device is
described."""
SCOUTS, SHARE = 2000, 3
"""Iterations, at most, by which numbers of states are compared: one over `SHARE` of
all."""
MOST_STATES = 6
FALLS, LITTLE = 0.2, 0.005
"""Share by which, and NRMSE by which, the held-out error must fall for one more
state."""
WINDOW, FACTOR = 20, 2.0
"""Samples over which the error is averaged to see model and device part, and by how
much it must be larger than it ever was in training and held-out part."""


class Parting(NamedTuple):
    """Where a recording stops being that of the device.

    Attributes:
        time: s; None where it does not. sample: of all that were read.
        share: of the samples from then on whose error is too large.
        error: NRMSE from then on; threshold: of the running error, in the output's
            unit.
    """

    time: float | None
    sample: int | None
    share: float
    error: float
    threshold: float


@dataclass(frozen=True, eq=False, repr=False)
class LearnedFit:
    """What `learn_device` found.

    Attributes:
        device: the learned device; `device.save(path)` writes it.
        records, parts: what was read, and what of it was learned from and held out.
        scouted: {k: held-out NRMSE of a short training} of the numbers of states that
            were compared.
        training_error, held_out_error: open-loop NRMSE of both parts.
        expected_error: NRMSE that the noise found makes by itself; expected_most: what
            it makes at most of one recording, two standard deviations above.
        bound: see `BOUND`.
        history: [(iteration, mean square of the windows, open-loop NRMSE)].
        noise: the `Diffusion`, scaled; its sentence says what was found.
        predicted: (time,) output of an open-loop run through each case; NaN before its
            start.
        parting: the `Parting` of recording and device.
    """

    device: LearnedDevice
    records: Records
    parts: Parts
    scouted: Mapping[int, float]
    training_error: float
    held_out_error: float
    expected_error: float
    expected_most: float
    bound: float
    history: list
    noise: Diffusion
    predicted: np.ndarray
    parting: Parting

    @property
    def excess(self) -> float:
        """Held-out NRMSE beyond what noise explains."""
        return math.sqrt(max(self.held_out_error**2 - self.expected_most**2, 0.0))

    @property
    def describes(self) -> bool:
        """Whether the device describes what was held out."""
        return self.excess <= self.bound

    def __repr__(self) -> str:
        wrong = "" if self.describes else "; it does not describe the held-out part"
        error = f"held-out NRMSE {100 * self.held_out_error:.2g} %"
        return f"<LearnedFit k = {self.device.delays}, {error}{wrong}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = [
            ("states", str(self.device.delays)),
            ("training NRMSE", f"{100 * self.training_error:.3g} %"),
            ("held-out NRMSE", f"{100 * self.held_out_error:.3g} %"),
            ("noise", self.noise.sentence),
        ]
        return card(f"LearnedFit of {self.device.output.name}", rows)


def learn_device(
    time: Any,
    drive: Any = None,
    output: np.ndarray | None = None,
    *,
    states: int | None = None,
    hidden: int = 50,
    training: tuple[int, int] | None = None,
    held_out: tuple[int, int] | float = 0.2,
    every: int = 1,
    drive_between: str = "held",
    diffusion: str = "auto",
    known: Neuron | None = None,
    gain: float = 1.0,
    offset: float = 0.0,
    scale: float = 1.0,
    bound: float = BOUND,
    iterations: int = 6000,
    points: int = 20,
    seed: int = 0,
    units: Mapping[str, str] | None = None,
    columns: str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> LearnedFit:
    """Learns a device from recordings of its output under a drive.

    Args:
        time: (sample,) or (case, sample) s, evenly spaced; or a path of a file with
            time, power and drive, perhaps drive2, ...; see `columns`.
        drive: as output, or {name: array} of several.
        output: (sample,) or (case, sample), NaN where missing; any unit.
        states: k; None: as many as the held-out error asks for.
        hidden: units of each of the two hidden layers.
        training, held_out: first sample and the one after the last, counted after
            `every`; held_out may be a share of the samples, or of several cases.
        every: keeps every so many-th sample.
        drive_between: "held" or "linear".
        diffusion: "auto", "constant" or "none": what noise of the device may depend on.
        known: a kind of neuron of one state beside which the rest is learned; its drive
            is offset + gain times the (first) drive, SI, and the output is scale times
            its state.
        bound: see `BOUND`; iterations, points: of the training; steps of a window.
        seed: of weights and windows; units: {name: unit} of output and drives.
        columns: of a file, as in "time=t,power=mz,drive=B_ext".
        progress: called with (what, iteration, iterations).
    Raises:
        ConfigError: all mistakes of the arguments; DataError: of the recording;
        DivergenceError: no stable equation was found.
    """
    held = drive_between == "held"
    settings = Settings(hidden, iterations, points=points, held=held, seed=seed)
    _check(settings, states, held_out, every, drive_between, diffusion, bound)
    records = _records(time, drive, output, columns, units, every)
    parts = parts_of(records, training, held_out)
    learner = _Learner(records, parts, settings, progress)
    if known is not None:
        learner.know(known, gain, offset, scale)
    scouted = {} if states else learner.scouted()
    k = states or best_states(scouted)
    made = learner.trained(k, iterations, f"k = {k}")
    return _fit(made, parts, scouted, bound, diffusion)


def _records(time, drive, output, columns, units, every):
    """`Records` of what `learn_device` was given."""
    if drive is None and output is None:
        return time if isinstance(time, Records) else records_of_file(time, columns, every)
    drives = drive if isinstance(drive, Mapping) else {"drive": drive}
    return records_of(time, drives, output, units=units, every=every)


class _Learner:
    """Trainings of one recording for different numbers of states."""

    def __init__(self, records, parts, settings, progress):
        self.records, self.parts, self.settings = records, parts, settings
        self.data, self.known = scaled(records, parts.training), None
        self.progress = progress or (lambda what, iteration, iterations: None)

    def know(self, neuron, gain, offset, scale):
        """A neuron is the known part from now on."""
        output, drives = self.data.channels
        numbers = self.records.sampling_step, gain, offset, scale
        self.known = known_equation(neuron, output, drives[0], *numbers)

    def trained(self, k, iterations, what):
        """A `Training` with k states."""
        own = dataclasses.replace(self.settings, iterations=iterations)
        made = Training(self.records, self.data, self.parts.training, k, own, self.known)
        return made.run(lambda iteration: self.progress(what, iteration, iterations))

    def scouted(self):
        """{k: held-out NRMSE} of short trainings, until one more does not help."""
        iterations, errors = max(1, min(SCOUTS, self.settings.iterations // SHARE)), {}
        for k in range(1, MOST_STATES + 1):
            made = self.trained(k, iterations, f"comparing, k = {k}")
            errors[k] = made.open_loop(self.parts.held_out)
            if best_states(errors) < k:
                break
        return errors


def _check(settings, states, held_out, every, drive_between, diffusion, bound):
    """ConfigError with all that is wrong with the arguments."""
    whole = {
        "hidden": settings.hidden,
        "iterations": settings.iterations,
        "points": settings.points,
        "every": every,
    } | ({} if states is None else {"states": states})
    problems = [
        f"{name}: must be a whole number from 1, got {value!r}"
        for name, value in whole.items()
        if isinstance(value, bool) or not isinstance(value, int) or value < 1
    ]
    if not isinstance(held_out, tuple) and not 0 < held_out < 1:
        problems.append(f"held_out: must be A:B or a share between 0 and 1, got {held_out}")
    if drive_between not in ("held", "linear"):
        problems.append(f'drive_between: must be "held" or "linear", got {drive_between!r}')
    if diffusion not in ("auto", "constant", "none"):
        problems.append(f'diffusion: must be "auto", "constant" or "none", got {diffusion!r}')
    if not 0 < bound < math.inf:
        problems.append(f"bound: must be a positive number, got {bound}")
    if problems:
        raise ConfigError(problems)


def best_states(errors: Mapping[int, float]) -> int:
    """The first k after which the error does not fall by a share of `FALLS` and by
    `LITTLE`."""
    for k, error in errors.items():
        more = errors.get(k + 1)
        if more is None or more > (1 - FALLS) * error or more > error - LITTLE:
            return k
    return max(errors)


def _fit(made, parts, scouted, bound, diffusion):
    """`LearnedFit` of a training."""
    noise = found_diffusion(made, parts.training, diffusion)
    longest = max(parts.held_out, key=lambda stretch: stretch.size)
    values = np.concatenate([made.data.output[a:b] for a, b in parts.held_out])
    expected = np.array(spread_of(made, noise, longest)) / float(np.nanstd(values))
    errors = made.best[1], made.open_loop(parts.held_out)
    whole = _whole_runs(made, parts)
    output, _ = made.data.channels
    parting = parting_of(made.records, parts, whole, made.data.output, output.scale)
    further = {
        "held_out_nrmse": errors[1],
        "expected_nrmse": float(expected[1]),
        "largest_running_error": parting.threshold / FACTOR,
    }
    device = _device(made, noise, scouted, further)
    return LearnedFit(
        device=device,
        records=made.records,
        parts=parts,
        scouted=scouted,
        training_error=made.open_loop(parts.training),
        held_out_error=errors[1],
        expected_error=float(expected[0]),
        expected_most=float(expected[1]),
        bound=bound,
        history=made.history,
        noise=noise,
        predicted=output.unscaled(whole),
        parting=parting,
    )


def _whole_runs(made, parts):
    """(time,) scaled output of runs through each case, from its training part's start
    where it has one."""
    firsts = {}
    for case in made.records.cases:
        own = [s.first for part in parts for s in part if case.first <= s.first < case.last]
        firsts[case] = min(own, default=case.first)
    stretches = [Stretch(first, case.last) for case, first in firsts.items()]
    found = np.full(len(made.records.output), np.nan)
    for (first, last), run in zip(stretches, made.predicted(stretches), strict=True):
        found[first:last] = run
    return found


def _device(made, noise, scouted, further):
    """The `LearnedDevice` of a training."""
    output, drives = made.data.channels
    digest = hashlib.sha256(made.records.output.tobytes() + made.records.drives.tobytes())
    return LearnedDevice(
        weights=made.weights(),
        output=output,
        drives=drives,
        sampling_step=made.records.sampling_step,
        unit_step=made.data.step,
        delays=made.states,
        held=made.settings.held,
        diffusion=noise.weights,
        base=dict(made.known.table) if made.known is not None else {},
        provenance={
            "source": list(made.records.sources),
            "sha256_of_samples": digest.hexdigest(),
            "training": [list(stretch) for stretch in made.stretches],
            "settings": dict(settings_table(made.settings)),
            "input_interval": suited_interval(made.records),
            "compared_states": {str(k): error for k, error in scouted.items()},
            **further,
            "noise": noise.sentence,
            "readout_noise": noise.readout / output.scale,
        },
    )


# ---- where the recording is no longer that of the device ----


def parting_of(records, parts, predicted, recorded, scale) -> Parting:
    """The first time after the parts at which the running error is beyond anything in
    them, and stays so in most samples.

    predicted, recorded: (time,) scaled; scale: of the output's channel.
    """
    errors = np.abs(predicted - recorded) / scale
    inside = np.zeros(len(errors), dtype=bool)
    for first, last in (stretch for part in parts for stretch in part):
        inside[first:last] = True
    running = _running(errors, records.cases)
    return first_parting(records, errors, inside, float(np.nanmax(running[inside])))


def first_parting(records, errors, inside, usual) -> Parting:
    """`Parting` of errors (time,) in the output's unit; inside: (time,) where none is
    looked for; usual: largest running error that is none."""
    running, threshold = _running(errors, records.cases), FACTOR * usual
    beyond = np.where(inside, False, running > threshold)
    for first in np.flatnonzero(beyond & ~np.concatenate([[False], beyond[:-1]])):
        case = next(case for case in records.cases if case.first <= first < case.last)
        later = beyond[first : case.last]
        # a disturbance that passes is none: at no later time most were within again
        if (np.cumsum(np.where(later, 1, -1)) > 0).all():
            # the running error sees a sample up to WINDOW - 1 samples late
            window = errors[max(first - WINDOW + 1, case.first) : first + 1]
            sample = int(first) - len(window) + 1 + int((window > threshold).argmax())
            error = float(np.sqrt(np.nanmean(errors[sample : case.last] ** 2)))
            error /= float(np.nanstd(records.output[inside if inside.any() else slice(sample)]))
            share = float(np.mean(later))
            return Parting(float(records.time[sample]), sample, share, error, threshold)
    return Parting(None, None, 0.0, 0.0, threshold)


def _running(errors, cases):
    """Root mean square over the `WINDOW` samples that end at each; NaN where too few of
    a case are there."""
    found = np.full(len(errors), np.nan)
    for first, last in cases:
        squares = np.nan_to_num(errors[first:last] ** 2)
        counts = np.isfinite(errors[first:last]).astype(float)
        if last - first < WINDOW:
            continue
        ones = np.ones(WINDOW)
        sums, seen = np.convolve(squares, ones, "valid"), np.convolve(counts, ones, "valid")
        own = np.sqrt(sums / np.maximum(seen, 1))
        found[first + WINDOW - 1 : last] = np.where(seen >= WINDOW / 2, own, np.nan)
    return found
