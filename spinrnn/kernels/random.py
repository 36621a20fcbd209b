"""Random numbers for thermal noise: functions of (seed, substep, case, neuron).

So blocks, threads and segments do not change a bit.

A counter-based generator, Threefry-2x32 with 20 rounds (Salmon et al., SC11), gives two
words for each neuron, case and substep; a transform in plain arithmetic, which the
compiler turns into vector instructions, makes of them what a kick of the complex
amplitude needs.

The amplitude c = sqrt(p) exp(i phi) receives s (n1 + i n2), n1 and n2 standard normal,
hence p' = |c + s (n1 + i n2)|^2 = p + 2 sqrt(p) s n1 + s^2 (n1^2 + n2^2). In polar
coordinates n1 + i n2 = r exp(i theta), r^2 = -2 ln(u), theta uniform: only r^2 and
cos(theta) are needed.
"""

import numpy as np
from numba import config, types
from numba.extending import intrinsic

from spinrnn.kernels.arithmetic import polar
from spinrnn.kernels.compiling import loop
from spinrnn.kernels.tiles import row_length

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def scramble(first, second, key_first, key_second):
    """Threefry-2x32-20: two words of a counter under a key of two words, all uint32."""
    mask = 0xFFFFFFFF
    keys = [int(key_first), int(key_second)]
    keys.append(keys[0] ^ keys[1] ^ _PARITY)
    x, y = (int(first) + keys[0]) & mask, (int(second) + keys[1]) & mask
    for group in range(5):
        for turn in _ROTATIONS[group % 2]:
            x = (x + y) & mask
            y = ((y << turn | y >> 32 - turn) & mask) ^ x
        x = (x + keys[(group + 1) % 3]) & mask
        y = (y + keys[(group + 2) % 3] + group + 1) & mask
    return np.uint32(x), np.uint32(y)


@intrinsic
def _scramble(typing, first, second, key_first, key_second):
    word = types.uint32
    signature = types.UniTuple(word, 2)(word, word, word, word)

    def generate(context, builder, signature, arguments):
        x, y, *keys = arguments
        number = keys[0].type
        keys.append(builder.xor(builder.xor(keys[0], keys[1]), number(_PARITY)))
        x, y = builder.add(x, keys[0]), builder.add(y, keys[1])
        for group in range(5):
            for turn in _ROTATIONS[group % 2]:
                x = builder.add(x, y)
                y = builder.or_(builder.shl(y, number(turn)), builder.lshr(y, number(32 - turn)))
                y = builder.xor(y, x)
            x = builder.add(x, keys[(group + 1) % 3])
            y = builder.add(builder.add(y, keys[(group + 2) % 3]), number(group + 1))
        return context.make_tuple(builder, signature.return_type, [x, y])

    return signature, generate


@loop
def kicks(first, neurons, first_case, key_first, key_second, lengths, cosines):
    """Fills two flat levels (P, N, V) with -2 ln(u) and cos(theta) of each neuron and
    case.

    first: number of the level's first neuron, neurons: how many there are;
    first_case: number of the case at the level's start; the key is that of the substep.
    """
    v, two = row_length(lengths), lengths.dtype.type(2)
    for row in range(lengths.size // v):
        neuron = first + row % neurons
        case = first_case + row // neurons * v
        for j in range(v):
            x, y = scramble(np.uint32(case + j), np.uint32(neuron), key_first, key_second)
            lengths[row * v + j], cosines[row * v + j] = polar(two, x, y)


def seed_key(seed):
    """Two uint32 of a seed, a whole number or a list of them.

    They are the same everywhere and for ever, and different for different seeds.

    Zeros at the end of a list do not count, for NumPy: 7 and [7, 0] are one seed.
    """
    first, second = np.random.SeedSequence(seed).generate_state(2, np.uint32)
    return first, second


if not config.DISABLE_JIT:
    scramble = _scramble
