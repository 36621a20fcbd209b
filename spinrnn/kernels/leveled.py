"""A compiled level called from Python for one neuron, as a step is: for checks."""

import numpy as np

from spinrnn.kernels.levels import level_function
from spinrnn.kernels.stepping import Constants, Form, Level, Noise, Places
from spinrnn.kernels.tiles import aligned, lanes


def called_level(functions, numbers, states, kind, dtype="float64", seed=None):
    """(q, shared, h, s, I, one) -> s', J, b, P, as of a kind's `step`, for the first
    sample of a row, from a kind's own level.

    Args:
        numbers, states: how many a neuron has.
        seed: of the noise, two words of 32 bits, and P is not asked for; None: there is
            no noise.
    """
    chosen = tuple(range(numbers)) if seed is None else ()
    form = Form(states, numbers, chosen, seed is not None, False)
    function, d, v = level_function(functions, form, dtype, kind), states, lanes(dtype)
    parts = (1, 1, 1, d, d * d, 1, d - 1, d * numbers, functions.scratch)
    starts = np.cumsum([0, *parts]).tolist()
    words = (np.uint32(0), np.uint32(0)) if seed is None else tuple(map(np.uint32, seed))

    def step(q, shared, h, s, current, one):
        kind = np.dtype(dtype).type
        memory = aligned((starts[-1] * v, np.dtype(dtype)))
        rows = memory.reshape(-1, v)
        # what is not written must not be taken for a derivative
        rows[starts[4] :] = np.nan
        rows[0], rows[starts[3] : starts[4]] = current, np.array(s)[:, None]
        c = Constants(
            kind(h), kind(0), kind(0.5), kind(1), kind(0), 1, np.ones(1, dtype), 1, 0, kind(0)
        )
        level = Level(v, d, numbers, 0, 1, 1, 0, 0, 0, len(shared), True, 0, 0)
        places = Places(*(start * v for start in starts[:-1]))
        given = np.array(q, dtype=dtype), np.array(shared, dtype=dtype)
        function(c, *given, Noise(*words, 0, 0), memory, places, level)
        first = rows[:, 0]
        after, square, by_numbers = (
            first[starts[i] : starts[i + 1]].reshape(d, -1) for i in (3, 4, 7)
        )
        by_drive = [*first[starts[5] : starts[6]], *first[starts[6] : starts[7]]]
        return tuple(after[:, 0]), tuple(map(tuple, square)), tuple(by_drive), by_numbers

    return step
