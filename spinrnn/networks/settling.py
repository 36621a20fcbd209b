"""How a network that settles meets its kernels: couplings as a table of matrices, cases
as panels, neurons as arrays of numbers; and the threads that call them.

Host arrays are (neuron, case): the V cases of a panel lie together in them, as in the
kernels. Cases do not depend on each other and panels are added in order, so results are
the same to the bit for any number of threads.
"""

from typing import Any, NamedTuple

import numpy as np

from spinrnn.config.quantity import spread_names
from spinrnn.config.spread import GAIN
from spinrnn.config.symmetric import SymmetricConfig
from spinrnn.kernels.couplings import Weights
from spinrnn.kernels.levels import check_authored
from spinrnn.kernels.settling import Form, Neurons, Nudge, entry, memory_of
from spinrnn.kernels.tiles import aligned, lanes, tile_heights
from spinrnn.machine.threads import ordered_map
from spinrnn.neurons.spread import draw_devices
from spinrnn.synapses.layout import Layout


class Wiring:
    """Maps the couplings between layers to `couplings.Weights`, and gradients back.

    Args:
        config: of the network; layout: where its blocks stand.
    Attributes:
        gradient_size: length of a flat vector of gradients as the kernels sum it.
    """

    def __init__(self, config: SymmetricConfig, layout: Layout) -> None:
        tops = np.cumsum([0, *config.populations]).tolist()
        places = layout.named(np.arange(layout.size))
        v, sources, lines = lanes(config.dtype), [], []
        self._gradients, start, self.gradient_size = [], 0, 0
        targets_so_far: set[int] = set()
        for i in range(1, len(config.populations)):
            for block, target, source in (
                (places[f"w_{i}"], i, i - 1),
                (places[f"w_{i}"].T, i - 1, i),
            ):
                rows, depth = block.shape
                later, line = target in targets_so_far, [0, tops[target], rows, tops[source]]
                targets_so_far.add(target)
                line += [depth, start, 0, self.gradient_size, later, *tile_heights(rows)]
                lines.append(line)
                sources.append(_tiled(block))
                self._gradients.append((block, self.gradient_size))
                start += block.size
                self.gradient_size += -(-depth // v) * v * rows
        self._sources, self._lanes = np.concatenate(sources), v
        none = np.empty(0, config.dtype)
        columns, pointers = np.empty(0, np.int32), np.empty(0, np.int64)
        table = np.array(lines, dtype=np.int64)
        self._weights = Weights(table, len(lines), 0, none, columns, pointers, *[0] * 10)

    def pack(self, flat: np.ndarray) -> Weights:
        """`couplings.Weights` of effective weights (size,)."""
        values = aligned((len(self._sources), flat.dtype))
        np.take(flat, self._sources, out=values)
        return self._weights._replace(values=values)

    def unpack(self, packed: np.ndarray, flat: np.ndarray) -> None:
        """Adds to a gradient (size,) what the kernels have summed, both ways."""
        v = self._lanes
        for block, start in self._gradients:
            rows, depth = block.shape
            row, column = np.arange(rows)[:, None], np.arange(depth)
            flat[block] += packed[start + (column // v * rows + row) * v + column % v]


def _tiled(places):
    """Places of a matrix's values in the order of its tiles, each column by column."""
    height, cut = tile_heights(len(places))
    tiles = [
        part.reshape(-1, h, part.shape[1]).transpose(0, 2, 1).ravel()
        for part, h in ((places[:cut], height), (places[cut:], height - 1))
        if len(part)
    ]
    return np.concatenate(tiles)


# ---- neurons ----


class _Layers(NamedTuple):
    """What `draw_devices` asks for: all neurons, those of the outputs too."""

    spread: Any
    layers: tuple[int, ...]
    neurons: tuple[Any, ...]


def factors_of(config: SymmetricConfig) -> dict[str, np.ndarray]:
    """{"devices/NAME": (N,)} by which neurons differ, drawn once; none without
    spread.
    """
    populations = config.populations
    layers = _Layers(config.spread, populations, (config.neuron,) * len(populations))
    devices: Any = draw_devices(layers)  # type: ignore[arg-type]
    return {} if devices is None else devices.named()


class Population:
    """The N neurons as the kernels take them.

    Args:
        config: of the network; factors: as of `factors_of`.
    Attributes:
        neurons: `kernels.settling.Neurons`; start: (d, N) states before the first step;
            bias: (N,) constant part of the drive, of the first of two; form:
            `kernels.settling.Form`.
    """

    def __init__(self, config: SymmetricConfig, factors: dict[str, np.ndarray]) -> None:
        neuron, n, dtype = config.neuron, sum(config.populations), config.dtype
        known = {name.partition("/")[2]: own for name, own in factors.items()}
        gain = known.pop(GAIN, np.ones(n))
        unit = neuron.time_unit
        one = dict.fromkeys(spread_names(neuron), 1.0)
        q = neuron.numbers(unit, {**one, **known})
        numbers = np.array([np.broadcast_to(value, n) for value in q.values()])
        rest = np.array([np.broadcast_to(value, n) for value in neuron.rest(q)], dtype=dtype)
        scale = np.repeat(config.amplifications, config.populations) * gain
        self.neurons = Neurons(
            np.ascontiguousarray(numbers, dtype=dtype).ravel(),
            np.asarray(neuron.shared(), dtype=dtype),
            scale.astype(dtype),
        )
        self.bias = np.broadcast_to(neuron.bias(q), n).astype(dtype)
        self.start = rest if config.start is None else np.full_like(rest, config.start)
        self.form = Form(len(neuron.states), len(q), neuron.quadratures)
        self._functions = neuron.functions(config.resolved_scheme)
        self._kind = neuron.kind
        # an author's mistakes are told before a run begins
        check_authored(neuron, self._functions.strong or self._functions.step, len(q), dtype)

    def entry(self, name: str) -> Any:
        """The compiled kernel of this name."""
        return entry(name, self._functions, self.form, self._kind)


# ---- cases as panels ----


def padded(count: int, dtype: str) -> int:
    """Cases of so many in whole panels."""
    v = lanes(dtype)
    return -(-count // v) * v


def panels(columns: np.ndarray) -> np.ndarray:
    """(panel, rows, V) of (rows, cases in whole panels)."""
    v = lanes(columns.dtype)
    rows, cases = columns.shape
    return np.ascontiguousarray(columns.reshape(rows, cases // v, v).transpose(1, 0, 2))


def columns(own: np.ndarray) -> np.ndarray:
    """(rows, cases in whole panels) of (panel, rows, V)."""
    count, rows, v = own.shape
    return own.transpose(1, 0, 2).reshape(rows, count * v)


class Phase(NamedTuple):
    """Where a relaxation has led.

    Attributes:
        states: (panel, d, N, V); emitted: (m N, cases in whole panels), the first of
            the emitted states of all neurons, then the second; taken: (panel,) steps
            that were made, fewer than asked for where further ones lead nowhere else.
    """

    states: np.ndarray
    emitted: np.ndarray
    taken: np.ndarray


class Settling:
    """Relaxes some cases with given weights.

    Args:
        population, wiring: of the network; weights: as of `Wiring.pack`; base: (panel,
            m N, V) part of the drives that does not change; step: h in units of time.
    """

    def __init__(
        self, population: Population, weights: Weights, base: np.ndarray, step: float
    ) -> None:
        self._population, self._weights, self._base = population, weights, base
        self._step = step

    def started(self) -> np.ndarray:
        """(panel, d, N, V) states before the first step."""
        count, v, start = len(self._base), self._base.shape[2], self._population.start
        states = np.empty((count, *start.shape, v), dtype=start.dtype)
        states[...] = start[:, :, None]
        return states

    def nudge(self, beta: float = 0.0, pull: float = 0.0, span: Any = None) -> Nudge:
        """`Nudge` in the precision of the network; span: in which an emitted value that
        is pulled stays.
        """
        real = self._base.dtype.type
        low, high = (-np.inf, np.inf) if span is None or pull == 0 else span
        return Nudge(real(self._step), real(beta), real(pull), real(low), real(high))

    def relaxed(self, states: np.ndarray, wanted: np.ndarray, steps: int, nudge: Nudge) -> Phase:
        """Relaxes states in place.

        Args:
            states: (panel, d, N, V); wanted: (n, cases in whole panels) emitted values
                that the last n neurons should have, NaN for any.
        """
        own, base, goal = states.ravel(), self._base.ravel(), panels(wanted).ravel()
        taken = np.zeros(len(states), dtype=np.int64)
        kernel, neurons = self._population.entry("relax"), self._population.neurons

        def run(panel: int) -> None:
            # all of it is written before it is read
            sums, earlier = np.empty_like(self._base[0]), np.empty_like(states[0])
            kernel(
                *(self._weights, nudge, neurons, own, base, goal, steps),
                *(sums.ravel(), earlier.ravel(), taken, panel, panel + 1),
            )

        ordered_map(run, range(len(states)))
        emitted = states[:, : self._population.form.emits]
        return Phase(states, columns(emitted.reshape(self._base.shape)), taken)

    def adjoint(
        self, states: np.ndarray, steps: int, slopes: np.ndarray, packed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """(dLoss/dbase (m N, cases in whole panels), gradient (packed,) of the
        couplings as the kernels sum it) through the next so many steps, without nudge.

        Args:
            states: (panel, d, N, V) before these steps, which become those after them.
            slopes: (n, cases in whole panels) dLoss/demitted of the last n neurons
                after these steps.
            packed: `Wiring.gradient_size`.
        """
        own, base, goal = states.ravel(), self._base.ravel(), panels(slopes).ravel()
        g_base, nudge = np.zeros_like(base), self.nudge()
        kernel, p = self._population.entry("adjoint"), self._population
        count, v = len(states), states.shape[3]
        numbers, places = memory_of(len(p.bias), p.form, steps, v)

        def run(panel: int) -> np.ndarray:
            memory = aligned((numbers, own.dtype))
            gradient = aligned((packed, own.dtype))
            kernel(
                *(self._weights, nudge, p.neurons, own, base, steps, goal, g_base, gradient),
                *(memory, places, panel, panel + 1),
            )
            return gradient

        found = ordered_map(run, range(count))
        total = found[0]
        for gradient in found[1:]:
            total += gradient
        return columns(g_base.reshape(self._base.shape)), total
