"""The bits of a memristor Bayesian machine: registers, selection, AND and counters, eq.
(B2) to (B4) of docs/MODEL.md, and the sums of its logarithmic mode, (B5).

A register runs through 255 states, whatever is in memory. So the bits that a byte gives
in so many cycles are known when it is programmed: they are laid down as words of 64
bits, and a decision is one AND and one count of ones for each word. Each case is
computed whole by one call, so no result depends on how cases are shared out.
"""

import numpy as np

from spinrnn.kernels.compiling import kernel, piece

PERIOD = 255
"""Cycles after which a register is where it was."""
WORD = 64
"""Bits of a word."""
LARGEST = 255
"""Of a byte, in memory and in a sum."""


@piece
def advanced(r):
    """State of a register after r: shifted to the left, with the exclusive or of bits
    7, 5, 4 and 3 behind it.
    """
    return ((r << 1) & 255) | (((r >> 7) ^ (r >> 5) ^ (r >> 4) ^ (r >> 3)) & 1)


@piece
def selected(r, byte):
    """Bit of a byte at the place of the highest 1 of r, which is never 0."""
    place = 7
    while (r >> place) & 1 == 0:
        place -= 1
    return (byte >> place) & 1


@piece
def ones(bits):
    """Number of ones of a word: sums of neighbours, in pairs, fours and bytes."""
    one, two, four = np.uint64(1), np.uint64(2), np.uint64(4)
    bits -= (bits >> one) & np.uint64(0x5555555555555555)
    pairs = np.uint64(0x3333333333333333)
    bits = (bits & pairs) + ((bits >> two) & pairs)
    bits = (bits + (bits >> four)) & np.uint64(0x0F0F0F0F0F0F0F0F)
    bits += bits >> np.uint64(8)
    bits += bits >> np.uint64(16)
    bits += bits >> np.uint64(32)
    return np.int64(bits & np.uint64(127))


@kernel
def sequence(start, states):
    """Fills states (cycle,) int64 with those of a register from `start` on."""
    r = start
    for cycle in range(states.shape[0]):
        states[cycle] = r
        r = advanced(r)


@kernel
def lay_down(memory, states, words):
    """Fills words (column, bin, row, word) uint64 with the bits that memory gives.

    memory: (row, column, bin) bytes; states: (column, cycle) int64 of the registers.
    Cycle c is bit c % 64 of word c // 64; what lies behind the last cycle is 0.
    """
    for j in range(memory.shape[1]):
        for o in range(memory.shape[2]):
            for i in range(memory.shape[0]):
                byte = np.int64(memory[i, j, o])
                for w in range(words.shape[3]):
                    word = np.uint64(0)
                    for b in range(min(WORD, states.shape[1] - w * WORD)):
                        bit = np.uint64(selected(states[j, w * WORD + b], byte))
                        word |= bit << np.uint64(b)
                    words[j, o, i, w] = word


@kernel
def observe(u, edges, first, last, bins):
    """Fills bins (case, column) uint8 of the cases from `first` to `last` - 1: how many
    of the edges (column, bin - 1) the numbers u (case, column) reach.
    """
    for n in range(first, last):
        for j in range(u.shape[1]):
            reached = 0
            for e in range(edges.shape[1]):
                reached += u[n, j] >= edges[j, e]
            bins[n, j] = reached


@kernel
def count(words, prior, bins, first, last, counters):
    """Fills counters (case, row) int64 of the cases from `first` to `last` - 1.

    words: as of `lay_down`; prior: (row, word) uint64 of the classes themselves, ones
    in all cycles where they count alike; bins: (case, column) uint8.
    """
    for n in range(first, last):
        for i in range(words.shape[2]):
            total = 0
            for w in range(words.shape[3]):
                bits = prior[i, w]
                for j in range(words.shape[0]):
                    bits &= words[j, bins[n, j], i, w]
                total += ones(bits)
            counters[n, i] = total


@kernel
def add_up(memory, prior, bins, first, last, sums):
    """Fills sums (case, row) int64 of the cases from `first` to `last` - 1 in the
    logarithmic mode: of a row's bytes, held at 255 after each addition.

    memory: (row, column, bin) bytes; prior: (row,) bytes of the classes themselves;
    bins: (case, column) uint8.
    """
    for n in range(first, last):
        for i in range(memory.shape[0]):
            total = np.int64(prior[i])
            for j in range(memory.shape[1]):
                total = min(total + np.int64(memory[i, j, bins[n, j]]), LARGEST)
            sums[n, i] = total
