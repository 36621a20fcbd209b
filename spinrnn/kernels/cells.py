"""Pulses on pairs of resistive cells: the logarithm of each resistance after them.

Nothing of the past is stored but numbers of pulses: what chance gave at a pulse is a
function of (key, cell, number of the pulse), so it can be had again, and threads that
share the cells out do not change a bit.
"""

from typing import NamedTuple

import numpy as np

from spinrnn.kernels.compiling import kernel, loop, piece
from spinrnn.kernels.random import scramble

LANES = 64
"""Cells whose pink noise is summed side by side, so that the compiler makes vector
instructions of it."""
GROUP = 4
"""Numbers of 16 bits that one call of the generator gives."""


class Cells(NamedTuple):
    """Of both cells of all pairs, the first ones before the others: (2 pairs,) each."""

    # drawn once: ln(R_0) + c1, m1, t*, m2 and the amplitude of the telegraph noise
    start: np.ndarray
    slope: np.ndarray
    turn: np.ndarray
    late_slope: np.ndarray
    amplitude: np.ndarray
    # pulses since the last SET, and ever
    pulses: np.ndarray
    given: np.ndarray
    # state of the telegraph noise, 0 or 1; alpha w_pink; ln R
    high: np.ndarray
    pink: np.ndarray
    log_resistance: np.ndarray


class Noise(NamedTuple):
    """What is the same for all cells of a block."""

    # (2,) uint32 of the cells' pink noise, and of this step
    key: np.ndarray
    step_key: np.ndarray
    # (4, groups, 4) float32 of `weights_of`, and what each number is less
    weights: np.ndarray
    centre: np.float32
    # probabilities per pulse, of telegraph noise from low to high and back
    rise: float
    fall: float
    # pulses that a cell can take in its life
    endurance: int


class Room(NamedTuple):
    """Memory of a thread."""

    # cells whose pink noise waits, by the place of their newest pulse in its group, and
    # these groups: (GROUP, LANES) uint32; how many there are: (GROUP,) int64
    cells: np.ndarray
    groups: np.ndarray
    filled: np.ndarray
    # (LANES,) float32 of one place; (2, LANES) float32, chances of cells side by side
    sums: np.ndarray
    chances: np.ndarray


def room_for():
    """A `Room`."""
    return Room(
        np.zeros((GROUP, LANES), np.uint32),
        np.zeros((GROUP, LANES), np.uint32),
        np.zeros(GROUP, np.int64),
        np.zeros(LANES, np.float32),
        np.zeros((2, LANES), np.float32),
    )


def weights_of(coefficients):
    """(GROUP, groups, GROUP) float32 of the weights (n,) of the newest number, the one
    before it, ...: that of the number at a place in a group, so many groups back, where
    the newest number has a place in its own.
    """
    groups = (len(coefficients) + GROUP - 2) // GROUP + 1
    newest, back, place = np.indices((GROUP, groups, GROUP))
    age = newest + GROUP * back - place
    there = (age >= 0) & (age < len(coefficients))
    return np.where(there, np.asarray(coefficients)[age * there], 0).astype(np.float32)


@loop
def pink_of(cells, groups, weights, key_first, key_second, centre, sums):
    """Sums (LANES,) of the weighted numbers of cells whose newest pulses have the same
    place in their groups of pulses.

    cells, groups: (LANES,) uint32, the cells and the groups of their newest pulses;
    weights: (groups, GROUP).
    """
    scale = np.float32(1 / 65536)
    for j in range(sums.size):
        sums[j] = 0
    for back in range(weights.shape[0]):
        w0, w1 = weights[back, 0], weights[back, 1]
        w2, w3 = weights[back, 2], weights[back, 3]
        for j in range(sums.size):
            group = np.uint32((np.int64(groups[j]) - back) & 0xFFFFFFFF)
            x, y = scramble(group, cells[j], key_first, key_second)
            a, b = np.float32(x & np.uint32(0xFFFF)), np.float32(x >> np.uint32(16))
            c, d = np.float32(y & np.uint32(0xFFFF)), np.float32(y >> np.uint32(16))
            sums[j] += (a * scale - centre) * w0 + (b * scale - centre) * w1
            sums[j] += (c * scale - centre) * w2 + (d * scale - centre) * w3


@loop
def _draw(first, key_first, key_second, chances):
    """Fills (2, LANES) with two numbers above 0 and below 1 of each cell from the
    first.
    """
    scale = np.float32(1 / 16777216)
    for j in range(chances.shape[1]):
        x, y = scramble(np.uint32(first + j), np.uint32(0), key_first, key_second)
        chances[0, j] = (np.float32(x >> np.uint32(8)) + np.float32(0.5)) * scale
        chances[1, j] = (np.float32(y >> np.uint32(8)) + np.float32(0.5)) * scale


@piece
def _put_pink(cells, noise, place, room):
    """Writes the pink noise of the cells that wait at a place, and empties it."""
    filled = room.filled[place]
    for j in range(filled, room.sums.size):
        room.cells[place, j], room.groups[place, j] = room.cells[place, 0], room.groups[place, 0]
    pink_of(
        room.cells[place],
        room.groups[place],
        noise.weights[place],
        noise.key[0],
        noise.key[1],
        noise.centre,
        room.sums,
    )
    for j in range(filled):
        cells.pink[room.cells[place, j]] = room.sums[j]
    room.filled[place] = 0


@piece
def _await_pink(cells, noise, cell, room):
    """Has the pink noise of a cell made anew, now or with that of others."""
    given = np.int64(cells.given[cell])
    place = given % GROUP
    at = room.filled[place]
    room.cells[place, at], room.groups[place, at] = cell, given // GROUP
    room.filled[place] = at + 1
    if at + 1 == room.sums.size:
        _put_pink(cells, noise, place, room)


@piece
def _pulse(cells, noise, cell, wanted, chance, counts):
    """Gives pulses to a cell; returns how many it took."""
    number = min(wanted, noise.endurance - np.int64(cells.given[cell]))
    counts[2] += number < wanted
    if number <= 0:
        return 0
    cells.given[cell] += number
    cells.pulses[cell] += number
    # after n pulses of a chain of two states
    stationary = noise.rise / (noise.rise + noise.fall)
    memory = 1 - noise.rise - noise.fall
    high = stationary + (cells.high[cell] - stationary) * memory**number
    cells.high[cell] = chance < high
    counts[0] += number
    counts[1] += 1
    counts[3] += cells.pulses[cell] >= cells.turn[cell]
    return number


@loop
def _read(cells, first, last, chances):
    """ln R of neighbouring cells, with the telegraph noise of a read."""
    for cell in range(first, last):
        t, turn = np.float32(cells.pulses[cell]), cells.turn[cell]
        late = max(t - turn, np.float32(0))
        mean = cells.slope[cell] * min(t, turn) + cells.late_slope[cell] * late
        telegraph = np.float32(cells.high[cell]) * cells.amplitude[cell] * chances[cell - first]
        # the pink noise is added when all is known
        cells.log_resistance[cell] = cells.start[cell] + mean + telegraph


@kernel
def give_pulses(cells, asked, noise, start, stop, room, every, counts):
    """Gives pulses to the pairs from start to stop, and reads all their cells once.

    Args:
        cells: `Cells`, changed in place; noise: `Noise`; room: `Room`.
        asked: (pairs,) pulses, positive ones for the first cell of a pair.
        every: whether the pink noise of all cells is made anew.
        counts: (4,) int64, to which pulses, pulsed cells, cells that refused some and
            pulsed cells beyond t* are added.
    """
    for side in range(2):
        for begin in range(start, stop, room.sums.size):
            end = min(begin + room.sums.size, stop)
            first = side * asked.size + begin
            _draw(first, noise.step_key[0], noise.step_key[1], room.chances)
            for pair in range(begin, end):
                wanted = np.int64(asked[pair]) * (1 - 2 * side)
                cell, chance = first + pair - begin, room.chances[0, pair - begin]
                pulsed = wanted > 0 and _pulse(cells, noise, cell, wanted, chance, counts) > 0
                if noise.weights.size and (pulsed or every):
                    _await_pink(cells, noise, cell, room)
            _read(cells, first, first + end - begin, room.chances[1])
    for place in range(GROUP):
        if room.filled[place]:
            _put_pink(cells, noise, place, room)
    for side in range(2):
        for cell in range(side * asked.size + start, side * asked.size + stop):
            cells.log_resistance[cell] += cells.pink[cell]
