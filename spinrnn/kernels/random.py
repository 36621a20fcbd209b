"""Random numbers for thermal noise: functions of (seed, substep, case, neuron), so that blocks, threads and segments do not change a bit.

A counter-based generator, Threefry-2x32 with 20 rounds (Salmon et al., SC11), gives two words for each neuron, case and substep; a
transform in plain arithmetic, which the compiler turns into vector instructions, makes of them what a kick of the complex amplitude needs.

The amplitude c = sqrt(p) exp(i phi) receives s (n1 + i n2), n1 and n2 standard normal, hence p' = |c + s (n1 + i n2)|^2 = p + 2 sqrt(p) s n1 + s^2 (n1^2 + n2^2).
In polar coordinates s (n1 + i n2) = r exp(i theta), r^2 = -2 s^2 ln(u), theta uniform: only r^2 and cos(theta) are needed.
"""

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic, overload

from spinrnn.kernels.compiling import loop
from spinrnn.kernels.tiles import row_length

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def scramble(first, second, key_first, key_second):
    """Threefry-2x32-20: two words of a counter under a key of two words, all uint32; returns two uint32."""
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


def square_root(x):
    """sqrt(x) of a float, in its type; a vector instruction where it stands in a loop, unlike Numba's, which calls a library."""
    return np.sqrt(x)


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


@intrinsic
def _square_root(typing, x):
    def generate(context, builder, signature, arguments):
        kind = arguments[0].type
        function = builder.module.declare_intrinsic(
            "llvm.sqrt", [kind], ir.FunctionType(kind, [kind])
        )
        return builder.call(function, arguments)

    return x(x), generate


# ---- from two words to r^2 and cos(theta); only the upper 31 bits of a word count, as signed integers are converted faster ----

_HALF_ROOT_32 = np.int32(np.float32(0.5**0.5).view(np.int32))
_HALF_ROOT_64 = np.int64(np.float64(0.5**0.5).view(np.int64))
_UNIT, _HALF, _QUARTER, _ONE, _TWO = 2.0**-31, 0.5, 0.25, 1.0, 2.0
_LN2, _TURN = 0.6931471805599453, 6.283185307179586
_UNIT_32, _HALF_32, _QUARTER_32, _ONE_32, _TWO_32 = (
    np.float32(x) for x in (_UNIT, _HALF, _QUARTER, _ONE, _TWO)
)
_LN2_32, _TURN_32 = np.float32(_LN2), np.float32(_TURN)
_A3, _A5, _A7, _A9 = (np.float32(1 / n) for n in (3, 5, 7, 9))  # artanh(s) / s in powers of s^2
_S3, _S5, _S7 = (
    np.float32(-1 / 6),
    np.float32(1 / 120),
    np.float32(-1 / 5040),
)  # sin(x) / x in powers of x^2
_S9, _S11, _S13 = np.float32(1 / 362880), np.float32(-1 / 39916800), np.float32(1 / 6227020800)
_B3, _B5, _B7, _B9, _B11, _B13, _B15, _B17, _B19, _B21 = (1 / n for n in range(3, 23, 2))
_T3, _T5, _T7, _T9, _T11, _T13 = (
    -1 / 6,
    1 / 120,
    -1 / 5040,
    1 / 362880,
    -1 / 39916800,
    1 / 6227020800,
)
_T15, _T17, _T19 = -1 / 1307674368000, 1 / 355687428096000, -1 / 121645100408832000
_T21, _T23 = 1 / 51090942171709440000, -1 / 25852016738884976640000


def _polar32(scale, x, y):
    """`polar` in float32. ln(u) = e ln 2 + 2 artanh((m - 1)/(m + 1)), u = 2^e m, m from sqrt(1/2) to sqrt(2), by its Taylor series."""
    u = (np.float32(np.int32(x >> np.uint32(1))) + _HALF_32) * _UNIT_32
    bits = np.float32(u).view(np.int32)
    exponent = np.int32((bits - _HALF_ROOT_32) >> 23)
    m = np.int32(bits - (exponent << 23)).view(np.float32)
    s = (m - _ONE_32) / (m + _ONE_32)
    s2 = s * s
    series = _ONE_32 + s2 * (_A3 + s2 * (_A5 + s2 * (_A7 + s2 * _A9)))
    minus_log = -(np.float32(exponent) * _LN2_32 + _TWO_32 * s * series)
    angle = _TURN_32 * (
        abs((np.float32(np.int32(y >> np.uint32(1))) + _HALF_32) * _UNIT_32 - _HALF_32)
        - _QUARTER_32
    )
    z = angle * angle
    cosine = angle * (
        _ONE_32 + z * (_S3 + z * (_S5 + z * (_S7 + z * (_S9 + z * (_S11 + z * _S13)))))
    )
    return scale * minus_log, cosine


def _polar64(scale, x, y):
    """`polar` in float64."""
    u = (np.float64(np.int32(x >> np.uint32(1))) + _HALF) * _UNIT
    bits = np.float64(u).view(np.int64)
    exponent = (bits - _HALF_ROOT_64) >> 52
    m = np.int64(bits - (exponent << 52)).view(np.float64)
    s = (m - _ONE) / (m + _ONE)
    s2 = s * s
    series = _B11 + s2 * (_B13 + s2 * (_B15 + s2 * (_B17 + s2 * (_B19 + s2 * _B21))))
    series = _ONE + s2 * (_B3 + s2 * (_B5 + s2 * (_B7 + s2 * (_B9 + s2 * series))))
    minus_log = -(np.float64(exponent) * _LN2 + _TWO * s * series)
    angle = _TURN * (
        abs((np.float64(np.int32(y >> np.uint32(1))) + _HALF) * _UNIT - _HALF) - _QUARTER
    )
    z = angle * angle
    series = _T13 + z * (_T15 + z * (_T17 + z * (_T19 + z * (_T21 + z * _T23))))
    cosine = angle * (
        _ONE + z * (_T3 + z * (_T5 + z * (_T7 + z * (_T9 + z * (_T11 + z * series)))))
    )
    return scale * minus_log, cosine


def polar(scale, x, y):
    """(-scale ln(u), cos(theta)) in the type of `scale` for two random words, u and theta / 2 pi uniform in (0, 1)."""
    return _polar32(scale, x, y) if isinstance(scale, np.float32) else _polar64(scale, x, y)


@overload(polar, inline="always")
def _polar_overload(scale, x, y):
    return _polar32 if scale == types.float32 else _polar64


@loop
def kicks(scale, first_case, key_first, key_second, lengths, cosines):
    """Fills two levels (P, N, V), flat, with r^2 and cos(theta) of each neuron and case.

    scale: (N,) 2 s^2 of each neuron; first_case: number of the case at the level's start; the key is that of the substep (`substep_key`).
    """
    v, neurons = row_length(lengths), scale.size
    for row in range(lengths.size // v):
        neuron = row % neurons
        case, own = first_case + row // neurons * v, scale[neuron]
        for j in range(v):
            x, y = scramble(np.uint32(case + j), np.uint32(neuron), key_first, key_second)
            lengths[row * v + j], cosines[row * v + j] = polar(own, x, y)


def seed_key(seed):
    """Two uint32 of a seed, a whole number or a list of them: the same everywhere and for ever, different for different seeds.

    Zeros at the end of a list do not count, for NumPy: 7 and [7, 0] are one seed.
    """
    return tuple(np.random.SeedSequence(seed).generate_state(2, np.uint32))


if not config.DISABLE_JIT:
    scramble, square_root = _scramble, _square_root
