"""The bits of the Bayesian machine: exact facts of its registers, and words of 64 bits
against a plain loop over cycles.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import twin

from spinrnn.kernels import bitstreams


def sequence(start=1, cycles=255):
    states = np.empty(cycles, dtype=np.int64)
    bitstreams.sequence(start, states)
    return states


def words_of(memory, states):
    rows, columns, bins = memory.shape
    words = np.empty((columns, bins, rows, -(-states.shape[1] // 64)), dtype=np.uint64)
    bitstreams.lay_down(memory, states, words)
    return words


def bits_of(words, cycles=255):
    """(..., cycle) 0 and 1 of words."""
    bits = np.unpackbits(words.view(np.uint8), axis=-1, bitorder="little")
    assert not bits[..., cycles:].any()
    return bits[..., :cycles].astype(int)


BYTES = np.arange(256, dtype=np.uint8).reshape(1, 1, 256)
"""A memory with one column, whose bins hold all bytes."""


def test_a_register_runs_through_all_states_but_0():
    states = sequence(1, 256)
    assert sorted(states[:255].tolist()) == list(range(1, 256))
    assert states[255] == states[0] == 1
    # ((r << 1) & 255) | (r7 ^ r5 ^ r4 ^ r3), by hand: from 0001 0000 a 1 comes in
    assert states[:6].tolist() == [1, 2, 4, 8, 17, 35]
    assert bitstreams.advanced.py_func(0b10110000) == 0b01100001
    assert bitstreams.advanced.py_func(0b10100000) == 0b01000000


def test_the_highest_1_selects_a_bit():
    assert bitstreams.selected.py_func(0b00010111, 0b00010000) == 1
    assert bitstreams.selected.py_func(0b00010111, 0b11101111) == 0
    assert bitstreams.selected.py_func(1, 0b11111110) == 0


@pytest.mark.parametrize("start", [1, 77, 255])
def test_in_one_period_a_byte_gives_as_many_ones_as_it_is(start):
    bits = bits_of(words_of(BYTES, sequence(start)[None]))[0, :, 0]
    np.testing.assert_array_equal(bits.sum(axis=1), np.arange(256))


def test_errors_of_two_columns_by_the_shift_between_their_registers():
    """Over all pairs of bytes; sampled pairs gave 25.6, 12.4, 1.8, 0.7, 1.6, 0.9."""
    bits = bits_of(words_of(BYTES, sequence()[None]))[0, :, 0]
    exact, found = np.outer(np.arange(256), np.arange(256)) / 255, []
    for shift in (0, 1, 7, 64, 100, 127):
        error = bits @ np.roll(bits, -shift, axis=1).T - exact
        found.append(np.sqrt((error**2).mean()))
    np.testing.assert_allclose(
        found, [25.4777, 12.7388, 1.7715, 0.6685, 1.6388, 0.8976], rtol=0, atol=1e-4
    )
    np.testing.assert_allclose(found, [25.6, 12.4, 1.8, 0.7, 1.6, 0.9], rtol=0, atol=0.35)
    # at the same place the AND is nearly the minimum
    both = bits @ bits.T
    least = np.minimum.outer(np.arange(256), np.arange(256))
    assert (both <= least).all()
    assert both[64 - 1, 128] == 0
    assert np.mean(least - both) < 30


@pytest.mark.parametrize(("cycles", "columns", "with_prior"), [(255, 3, True), (70, 1, False)])
def test_words_count_as_a_plain_loop_over_cycles(cycles, columns, with_prior):
    rng = np.random.default_rng(cycles)
    memory = rng.integers(0, 256, (3, columns, 4)).astype(np.uint8)
    memory[0, 0, 0], memory[1, 0, 0] = 255, 0
    bins = rng.integers(0, 4, (20, columns)).astype(np.uint8)
    prior = rng.integers(1, 256, 3).astype(np.uint8) if with_prior else None
    starts = rng.integers(1, 256, columns + 1).tolist()
    states = np.array([sequence(start, cycles) for start in starts])
    byte = np.full(3, 255, dtype=np.uint8) if prior is None else prior
    of_prior = words_of(np.ascontiguousarray(byte[:, None, None]), states[-1:])[0, 0]
    counters = np.full((20, 3), -1)
    words = words_of(memory, states[:columns])
    bitstreams.count(words, of_prior, bins, 0, 12, counters)
    assert (counters[12:] == -1).all()
    bitstreams.count(words, of_prior, bins, 12, 20, counters)
    expected = twin.bayesian_counters(memory, bins, starts, cycles, prior)
    np.testing.assert_array_equal(counters, expected)
    assert counters.max() > cycles / 10


@pytest.mark.slow
def test_the_kernels_run_as_plain_python():
    """Without a compiler an index out of range is an error."""
    code = """
import numpy as np, spinrnn, twin
for mode, cycles in (("stochastic", 70), ("logarithmic", 255)):
    c = spinrnn.BayesianConfig(inputs=3, outputs=2, bins=4, mode=mode, cycles=cycles)
    net, rng = spinrnn.BayesianNetwork(c), np.random.default_rng(0)
    net.parameters = rng.integers(0, 256, net.layout.size)
    u, memory = rng.normal(size=(5, 3, 1)), net.memory()[0]
    if mode == "stochastic":
        starts = net.registers()[:, 0]
        expected = twin.bayesian_counters(memory, net.observed(u), starts, cycles)
        assert (net.counters(u) == expected).all()
    else:
        assert net.counters(u).max() <= 255
"""
    folder = Path(__file__).parent.parent
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(folder)}
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        timeout=100,
    )
    assert found.returncode == 0, found.stderr


def test_ones_are_counted():
    for word, count in ((0, 0), (1, 1), (2**64 - 1, 64), (0xF0F0F0F0F0F0F0F1, 33), (2**63, 1)):
        assert bitstreams.ones.py_func(np.uint64(word)) == count


def test_sums_are_held_at_255():
    memory = np.array([[[100, 1], [155, 2]], [[100, 200], [156, 200]]], dtype=np.uint8)
    bins = np.array([[0, 0], [1, 1], [1, 0]], dtype=np.uint8)
    sums = np.empty((3, 2), dtype=np.int64)
    bitstreams.add_up(memory, np.zeros(2, np.uint8), bins, 0, 3, sums)
    np.testing.assert_array_equal(sums, [[255, 255], [3, 255], [156, 255]])
    bitstreams.add_up(memory, np.array([5, 0], np.uint8), bins, 0, 3, sums)
    np.testing.assert_array_equal(sums, [[255, 255], [8, 255], [161, 255]])


def test_a_number_at_an_edge_belongs_to_the_bin_above():
    u = np.array([[-1.0, 3.0], [0.0, 1.9], [0.5, 2.0], [1.0, 9.0]])
    bins = np.empty(u.shape, dtype=np.uint8)
    bitstreams.observe(u, np.array([[0.0, 1.0], [2.0, 2.0]]), 0, 4, bins)
    np.testing.assert_array_equal(bins, [[0, 2], [1, 0], [1, 2], [2, 2]])
