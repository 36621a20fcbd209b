"""Training of a learned device: windows of a recording, the discrete adjoint, Adam.

Chen et al., Nat. Commun. 13, 1016 (2022): random windows start from the recorded z, the
mean square over all k states is made smaller, and from time to time the whole training
part is run open loop, of which the best weights are kept. Here the rate falls along a
half cosine, which reaches in 2,000 windows' batches what a fixed rate of 1e-3 does in
6,000.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from spinrnn.errors import DivergenceError
from spinrnn.identify.learnrecords import Records, Stretch, pieces_of, window_starts
from spinrnn.kernels import odes
from spinrnn.kernels.tiles import aligned, lanes
from spinrnn.kernels.updates import adam
from spinrnn.learning.schedule import clip_gradient
from spinrnn.machine.threads import get_threads, ordered_map
from spinrnn.neurons.learned import Channel, Weights
from spinrnn.neurons.learnedruns import KnownEquation, free_runs, weights_of

V = lanes(np.float64)


@dataclass(frozen=True)
class Settings:
    """How a device is trained.

    Attributes:
        hidden: H, units of each of the two hidden layers.
        iterations, windows, points: batches; windows in a batch; steps of a window.
        rate, last_rate: of Adam, at first and at last.
        check: iterations between two open-loop runs; goal: NRMSE at which training
            stops.
        longest_gradient: a longer one is shortened to this.
        rule: of the steps, "3/8" or "rk4"; held: whether the drive is held.
        seed: of weights and windows.
    """

    hidden: int = 50
    iterations: int = 6000
    windows: int = 50
    points: int = 20
    rate: float = 1e-2
    last_rate: float = 1e-4
    check: int = 100
    goal: float = 0.0
    longest_gradient: float = 1.0
    rule: str = "3/8"
    held: bool = False
    seed: int = 0


class Scaled(NamedTuple):
    """What the kernels see of records: numbers without unit, and h."""

    output: np.ndarray
    drives: np.ndarray
    step: float
    channels: tuple[Channel, tuple[Channel, ...]]


def scaled(records: Records, stretches: Sequence[Stretch]) -> Scaled:
    """The records in the channels of the stretches. The unit of time is such that z
    moves by h in a sampling step, in the mean square: f is of the order of 1 then."""
    output, drives = records.channels(stretches)
    numbers = output.scaled(records.output)
    moves = np.concatenate([np.diff(numbers[first:last]) for first, last in stretches])
    step = float(np.sqrt(np.nanmean(moves**2)))
    given = np.array([c.scaled(row) for c, row in zip(drives, records.drives, strict=True)])
    # the last sample's drive is asked for, and not used, by a step that ends there
    given = np.concatenate([given, given[:, -1:]], axis=1)
    return Scaled(numbers, np.ascontiguousarray(given), step, (output, drives))


@dataclass(eq=False)
class Training:
    """A network in training for a number of states.

    Attributes:
        flat: the weights, as `odes.Layout` has them; best: those with the smallest
            open-loop error so far, and that error, NRMSE.
        history: [(iteration, mean square of the windows, open-loop NRMSE)].
    """

    records: Records
    data: Scaled
    stretches: tuple[Stretch, ...]
    states: int
    settings: Settings
    known: KnownEquation | None = None
    flat: np.ndarray = field(init=False)
    best: tuple[np.ndarray, float] = field(init=False)
    history: list = field(init=False, default_factory=list)

    def __post_init__(self):
        s, k = self.settings, self.states
        inputs = k * (1 + len(self.data.drives))
        self.layout = odes.Layout((inputs, s.hidden, s.hidden, k), k)
        self.rng = np.random.default_rng([s.seed, k])
        self.flat = first_weights(self.layout, self.rng, self.known is not None)
        self.best = self.flat, np.inf
        self.starts = window_starts(self.records, self.stretches, k, s.points)
        self.rule = odes.rule_of(s.rule, s.held)
        self.memory = {}

    def run(self, done: Callable[[int], None] = lambda iteration: None) -> "Training":
        """Trains; done(iteration) is called after each.

        Raises:
            DivergenceError: no weights were found with a finite open-loop error.
        """
        s = self.settings
        moments = {name: np.zeros_like(self.flat) for name in ("first", "second")}
        for iteration in range(1, s.iterations + 1):
            loss, gradient = self.gradient(self.rng.choice(self.starts, s.windows))
            if not np.isfinite(gradient).all():
                break
            clip_gradient(gradient, s.longest_gradient)
            self._move(gradient, moments, iteration)
            if iteration % s.check == 0 or iteration == s.iterations:
                self._keep(iteration, loss)
                if self.best[1] <= s.goal:
                    break
            done(iteration)
        if not np.isfinite(self.best[1]):
            raise DivergenceError(
                "the learned equation runs away in every open-loop run; are the samples too far"
                " apart for the device? take a smaller rate, or shorter windows (--points)"
            )
        return self

    def _move(self, gradient, moments, iteration):
        """Adam, its rate on a half cosine."""
        s = self.settings
        left = 0.5 * (1 + np.cos(np.pi * (iteration - 1) / s.iterations))
        rate = s.last_rate + (s.rate - s.last_rate) * left
        scale, divisor = -rate / (1 - 0.9**iteration), 1 - 0.999**iteration
        # the gradient becomes the change
        adam(gradient, moments["first"], moments["second"], 0.1, 0.001, scale, divisor, 1e-8)
        self.flat = self.flat + gradient

    def _keep(self, iteration, loss):
        """Runs the training part open loop, in 8 pieces at once; keeps the best."""
        pieces = pieces_of(self.stretches, V, 4 * self.settings.points)
        error = self.open_loop(pieces, self.flat)
        self.history.append((iteration, float(loss), error))
        if error < self.best[1]:
            self.best = self.flat.copy(), error

    # ---- gradients ----

    def gradient(self, starts: np.ndarray) -> tuple[float, np.ndarray]:
        """(mean square, gradient by the flat weights) of windows with these first
        samples."""
        s, k = self.settings, self.states
        panels = -(-len(starts) // V)
        lanes_of = np.zeros(panels * V, dtype=np.int64)
        lanes_of[:] = starts[0]
        lanes_of[: len(starts)] = starts
        scale = np.zeros(panels * V)
        scale[: len(starts)] = 1 / (len(starts) * s.points * k)
        series = odes.Series(self.data.output, self.data.drives, lanes_of)
        gradient = aligned((panels * self.layout.gradient, np.dtype(np.float64)))
        losses, net = np.zeros(panels), self.layout.net(self.flat)
        entry = odes.entry("window_gradient", self.known and self.known.base)
        numbers = odes.NOTHING if self.known is None else self.known.numbers
        cuts = np.linspace(0, panels, min(get_threads(), panels) + 1).astype(int)

        def work(part):
            memory = self._memory(part)
            entry(
                net, self.rule, self.data.step, numbers, series, scale, s.points,
                cuts[part], cuts[part + 1], *memory, gradient, losses,
            )  # fmt: skip

        ordered_map(work, range(len(cuts) - 1))
        total = gradient.reshape(panels, -1).sum(axis=0)
        return float(losses.sum()), total[self.layout.places]

    def _memory(self, part):
        if part not in self.memory:
            self.memory[part] = self.layout.memory(self.settings.points)
        return self.memory[part]

    # ---- open loop ----

    def open_loop(self, stretches: Sequence[Stretch], flat: np.ndarray | None = None) -> float:
        """NRMSE of the output over stretches, each run from its first recorded z; inf
        where it runs away."""
        runs = self.predicted(stretches, flat)
        wanted = [self.data.output[first:last] for first, last in stretches]
        errors = np.concatenate([run - own for run, own in zip(runs, wanted, strict=True)])
        whole = np.concatenate(wanted)
        counted = np.isfinite(whole) & np.concatenate([_begun(run) for run in runs])
        square = float(np.mean(errors[counted] ** 2)) if counted.any() else np.nan
        error = np.sqrt(square / np.nanvar(whole))
        return float(error) if np.isfinite(error) else np.inf

    def predicted(self, stretches: Sequence[Stretch], flat=None) -> list[np.ndarray]:
        """[(time,) scaled output of an open-loop run] of each stretch; NaN before its
        first k recorded values, and after the last z that fits into it."""
        flat = self.best[0] if flat is None else flat
        starts = [self._first(stretch) for stretch in stretches]
        k, own = self.states, self.data.output
        steps = [last - start - k for start, (_, last) in zip(starts, stretches, strict=True)]
        z = np.array([own[start : start + k] for start in starts])
        paths = free_runs(
            self.layout, flat, self.rule, self.data.step, self.data.drives, np.array(starts), z,
            max(steps), self.known,
        )  # fmt: skip
        found = []
        for path, start, n, (first, last) in zip(paths, starts, steps, stretches, strict=True):
            run = np.full(last - first, np.nan)
            run[start - first : start - first + n + 1] = path[: n + 1, 0]
            # the last values are those that the last state holds ahead
            run[last - first - k + 1 :] = path[n, 1:k]
            found.append(run)
        return found

    def _first(self, stretch):
        """The first sample of a stretch with k recorded values."""
        return int(window_starts(self.records, [stretch], self.states, 1)[0])

    def weights(self) -> Weights:
        """The best ones."""
        return weights_of(self.layout, self.best[0])


def _begun(run):
    """Where a run has begun: it may not be NaN later on."""
    there = np.isfinite(run)
    first = int(there.argmax()) if there.any() else 0
    return np.arange(len(run)) >= first


def first_weights(layout: odes.Layout, rng: np.random.Generator, rest: bool = False) -> np.ndarray:
    """Flat weights: normal numbers of variance one over the inputs, biases 0. rest: of
    the last layer a hundredth, as f is what a known equation lacks."""
    parts = []
    for layer, (rows, depth) in enumerate(layout.shapes):
        matrix = rng.standard_normal((rows, depth)) / np.sqrt(depth - 1)
        matrix[:, -1] = 0
        if rest and layer == len(layout.shapes) - 1:
            matrix *= 0.01
        parts.append(matrix.ravel())
    return np.concatenate(parts)


def settings_table(settings: Settings) -> Mapping[str, Any]:
    """For the provenance of a device."""
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__}
