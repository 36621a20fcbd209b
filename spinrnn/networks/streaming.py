"""A network that reads one input point after the other and keeps its state.

Each point is a call of the kernels that starts where the last one ended, so outputs are
those of one call for the whole sequence: to the bit, or where the network is read over
its whole time but for the rounding of that average.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from spinrnn.arrays import array_of
from spinrnn.errors import DataError, DivergenceError
from spinrnn.kernels import blocks, stepping
from spinrnn.kernels.random import seed_key
from spinrnn.kernels.tiles import aligned, lanes
from spinrnn.kernels.workspace import Memory
from spinrnn.networks.planning import plan
from spinrnn.networks.running import NONE, constants_of

NO_TOTAL = np.zeros((0, 0))
"""Of a network that is not read over its whole time."""


class StreamState(NamedTuple):
    """Where a stream stands; it can be kept and put back.

    Attributes:
        points: input points that were read.
        levels: states, mean and what the couplings act on, as the kernels keep them.
        recent: (points, case, channel) the last input points, as far as the readout's
            window reaches; starts: as levels, before each of them.
        total: (case, K) sum over the points of what the average over the whole time
            says, where it is read.
    """

    points: int
    levels: np.ndarray
    recent: tuple[np.ndarray, ...] = ()
    starts: tuple[np.ndarray, ...] = ()
    total: np.ndarray = NO_TOTAL

    def copy(self) -> "StreamState":
        return StreamState(
            self.points,
            self.levels.copy(),
            tuple(u.copy() for u in self.recent),
            tuple(levels.copy() for levels in self.starts),
            self.total.copy(),
        )


class Stream:
    """Runs a network point by point, with the weights and devices of its making.

    ``stream = net.stream(); outputs = stream(u)`` for each input point.

    Args:
        net: `Network`; cases: how many are run side by side.
        noise_seed: of thermal noise, as in `Network.forward`; first_case: number of the
            first of them, of which it is a function.
    """

    def __init__(
        self, net: Any, packing: Any, cases: int, noise_seed: Any, first_case: int = 0
    ) -> None:
        config, self._packing, self._first_case = packing.config, packing, first_case
        self._config, self._cases, self._lanes = config, cases, lanes(config.dtype)
        self._panels = -(-cases // self._lanes)
        flat = net.effective()
        self._scaling = net.scaling
        self._weights, self._neurons = packing.pack(flat), packing.neurons(flat)
        p = plan(config, packing, cases, 1, False)
        self._width = p.block
        # the output after the points so far is that at their end
        constants = constants_of(config, p.chunk)
        self._averages = config.readout in ("mean", "both")
        self._own_reading = constants.reading
        self._constants = constants._replace(reading=blocks.END)
        self._work = Memory().work(p.shape(packing, 0, 1), config.dtype)
        self._states = packing.population.states
        self._key = seed_key(noise_seed)
        self._window = config.readout_window
        self._logits = np.empty((cases, config.outputs, 1), config.dtype)
        self._losses = np.empty(0)
        self._gradients = np.empty((0, 0), config.dtype)
        self._inputs: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self._pieces: dict[int, tuple[Any, Any, np.ndarray]] = {}
        # the last panel is filled up with copies of the last case
        self._rows = np.minimum(np.arange(self._panels * self._lanes), cases - 1)
        self.reset()

    def reset(self) -> None:
        """Goes back to the start: neurons at rest, no input read."""
        size = (self._states + 2) * self._panels * sum(self._config.layers) * self._lanes
        self._points, self._levels = 0, np.zeros(size, self._config.dtype)
        self._recent, self._starts = (), ()
        self._total = NO_TOTAL
        if self._averages:
            self._total = np.zeros((self._cases, self._config.outputs))

    @property
    def state(self) -> StreamState:
        """A copy of where the stream stands; set it to go on from there."""
        parts = self._points, self._levels, self._recent, self._starts, self._total
        return StreamState(*parts).copy()

    @state.setter
    def state(self, state: StreamState) -> None:
        if not isinstance(state, StreamState) or state.levels.shape != self._levels.shape:
            raise DataError("state: expected what stream.state of the same network gave")
        self._points, self._levels, self._recent, self._starts, self._total = state.copy()

    @property
    def points(self) -> int:
        """Input points that were read so far."""
        return self._points

    def __call__(self, u: Any) -> np.ndarray:
        """Reads one input point and gives the outputs (case, class) after it; of a
        single case (class,) where u is (channel,).

        Args:
            u: (case, channel), or (channel,) of a single case; finite.
        Raises:
            DataError: u does not fit; DivergenceError: a state became infinite or NaN.
        """
        values, single = self._checked(u)
        if self._averages:
            outputs = self._with_average(values)
        elif self._window:
            outputs = self._with_window(values)
        else:
            outputs = self._last((values,), self._levels, self._points)
        self._points += 1
        if self._scaling is not None:
            outputs = self._scaling.said(outputs)
        return outputs[0] if single else outputs

    def run(self, u: np.ndarray) -> np.ndarray:
        """Reads several input points at once and gives the outputs (case, K, time)
        after each; of a network that is read at points.

        u: (case, channel, time) checked and scaled; the outputs are not in the units of
        scaled targets. DivergenceError: as for a single point.
        """
        count = u.shape[2]
        constants, work, outputs = self._piece(count)
        points, by_case = np.moveaxis(u, 2, 0), self._buffers(count)[1]
        by_case[:] = points[:, self._rows].reshape(by_case.shape)
        self._run(count, self._levels, self._points, constants, work, outputs)
        self._points += count
        return outputs.copy()

    def _piece(self, count):
        """(constants, work memory, outputs) of a call with so many points."""
        if count not in self._pieces:
            config = self._config
            p = plan(config, self._packing, self._cases, count, False)
            work = Memory().work(p.shape(self._packing, 0, 1), config.dtype)
            outputs = np.empty((self._cases, config.outputs, count), config.dtype)
            self._pieces[count] = constants_of(config, p.chunk), work, outputs
        return self._pieces[count]

    def _checked(self, u):
        values = array_of(u, "u")
        single = values.ndim == 1 and self._cases == 1
        values = values[None] if single else values
        shape = (self._cases, self._config.inputs)
        if values.shape != shape or values.dtype.kind not in "fiub":
            raise DataError(
                f"u: expected numbers of the shape {shape}, one input point of each case; got "
                f"{values.dtype} of shape {np.shape(u)}"
            )
        if self._scaling is not None:
            values = self._scaling.read(values)
        values = values.astype(self._config.dtype)
        if not np.isfinite(values).all():
            raise DataError("u: must be finite")
        return values, single

    def _with_average(self, values):
        """Outputs that follow from the average over all points so far.

        Outputs are linear in it, and the trapezoidal rule over the whole time is the
        mean of those over the points. So what a point's own average says is summed. A
        network that is read at the end too says it in the difference of two calls.
        """
        first, levels = self._points, self._levels.copy()
        own = self._last((values,), levels, first, self._own_reading).astype(np.float64)
        at_end = 0.0
        if self._own_reading == blocks.BOTH:
            at_end = self._last((values,), self._levels.copy(), first)
            own -= at_end
            if self._window:
                at_end = self._with_window(values)
        self._levels = levels
        self._total += own
        return (at_end + self._total / (first + 1)).astype(self._config.dtype)

    def _with_window(self, values):
        """Outputs of the last points of the readout's window, from the state before
        them.
        """
        recent = (*self._recent, values)[-self._window :]
        starts = (*self._starts, self._levels.copy())[-self._window :]
        levels = starts[0].copy()
        outputs = self._last(recent, levels, self._points + 1 - len(recent))
        self._levels, self._recent, self._starts = levels, recent, starts
        return outputs

    def _last(self, points, levels, first, reading=blocks.END):
        """Outputs (case, K) after some points, from `levels` on, which go along; first:
        number of the first point.
        """
        by_case = self._buffers(len(points))[1]
        for place, values in zip(by_case, points, strict=True):
            place[:] = values if self._cases == 1 else values[self._rows].reshape(place.shape)
        constants = self._constants._replace(reading=reading)
        self._run(len(points), levels, first, constants, self._work, self._logits)
        return self._logits[:, :, 0].copy()

    def _run(self, count, levels, first, constants, work, outputs):
        """Runs the points that are in the buffers of so many from `levels` on, which go
        along, and writes the outputs; first: number of the first point. At point 0 the
        neurons are at rest.
        """
        flat, _, ends = self._buffers(count)
        start = first * constants.substeps
        noise = stepping.Noise(self._key[0], self._key[1], self._first_case, start)
        bad = blocks.run_blocks(
            constants, self._weights, self._neurons, noise, flat, ends, NONE, 0.0, self._width,
            count * constants.substeps, False, work, outputs, self._losses,
            self._gradients, levels, first > 0,
        )  # fmt: skip
        if bad:
            raise DivergenceError(
                f"the state of case {self._first_case + bad - 1} became infinite or NaN at input"
                f" point {first + count - 1}"
            )

    def _buffers(self, count):
        """(inputs, a view of them as (point, panel, case, channel), ends) of a call
        with so many points.
        """
        if count not in self._inputs:
            v = self._lanes
            shape = count, self._panels, self._config.inputs, v
            flat = aligned((math.prod(shape) + v * v, np.dtype(self._config.dtype)))
            by_case = flat[: -v * v].reshape(shape).transpose(0, 1, 3, 2)
            ends = np.full(self._panels * v, count * self._constants.substeps)
            self._inputs[count] = flat, by_case, ends
        return self._inputs[count]
