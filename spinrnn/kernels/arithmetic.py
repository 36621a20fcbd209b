"""Exponentials, logarithms, roots and a cosine as plain arithmetic.

Where these lines stand in a loop the compiler turns them into vector instructions,
which it cannot do with a call of a library. Constants are numbers of the arrays' type,
as float32 with a literal would become float64.
"""

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

# ---- exp(-x) and what the exponential step needs of it ----

_LOG2E = 1.4426950408889634
_LOG2E_32 = np.float32(_LOG2E)
# ln 2 in two parts, the first of so few bits that its product with a small integer is
# exact
_LN2_HIGH_32, _LN2_LOW_32 = np.float32(0.693145751953125), np.float32(1.4286068203094172e-06)
_LN2_HIGH_64, _LN2_LOW_64 = 0.693147180369123816490, 1.90821492927058770002e-10
# adding it rounds to an integer, which then stands in the lowest bits
_ROUND_32, _ROUND_64 = np.float32(1.5 * 2.0**23), 1.5 * 2.0**52
_BITS_32 = np.int32(_ROUND_32.view(np.int32) - 127)
_BITS_64 = np.int64(np.float64(_ROUND_64).view(np.int64) - 1023)
# exp(-x) stays a normal number
_LARGEST_32, _LARGEST_64 = np.float32(87.0), 708.0
# keeps the quotients at x = 0 defined
_SMALLEST_32, _SMALLEST_64 = np.float32(1e-30), 1e-300
_E2, _E3, _E4, _E5, _E6, _E7, _E8 = (np.float32(1 / math.factorial(n)) for n in range(2, 9))
_F2, _F3, _F4, _F5, _F6, _F7 = (1 / math.factorial(n) for n in range(2, 8))
_F8, _F9, _F10, _F11, _F12, _F13 = (1 / math.factorial(n) for n in range(8, 14))


def _decay32(x):
    """`decay` in float32: exp(-x) = 2^n exp(r), exp(r) = 1 + r + r^2 q(r), |r| <= ln 2
    / 2.
    """
    # comparisons with NaN are false, so NaN passes both
    x = _SMALLEST_32 if x < _SMALLEST_32 else x
    clipped = _LARGEST_32 if x > _LARGEST_32 else x
    shifted = _ROUND_32 - clipped * _LOG2E_32
    n = shifted - _ROUND_32
    # 2^n; without the outer type Numba would widen it
    power = np.int32((np.float32(shifted).view(np.int32) - _BITS_32) << 23).view(np.float32)
    r = (-clipped - n * _LN2_HIGH_32) - n * _LN2_LOW_32
    # Taylor's series in pairs: the processor would wait for each of a chain of seven
    # steps
    r2 = r * r
    q = ((_E2 + r * _E3) + r2 * (_E4 + r * _E5)) + (r2 * r2) * ((_E6 + r * _E7) + r2 * _E8)
    t = r + r2 * q
    inverse = _ONE_32 / x
    mean = -((power - _ONE_32) + power * t) * inverse
    # for n = 0 q is (exp(-x) - 1 + x) / x^2 itself, of which the difference would
    # cancel
    return power + power * t, mean, q if n == 0 else (_ONE_32 - mean) * inverse


def _decay64(x):
    """`decay` in float64."""
    x = _SMALLEST_64 if x < _SMALLEST_64 else x
    clipped = _LARGEST_64 if x > _LARGEST_64 else x
    shifted = _ROUND_64 - clipped * _LOG2E
    n = shifted - _ROUND_64
    power = np.int64((np.float64(shifted).view(np.int64) - _BITS_64) << 52).view(np.float64)
    r = (-clipped - n * _LN2_HIGH_64) - n * _LN2_LOW_64
    r2 = r * r
    r4 = r2 * r2
    q = ((_F6 + r * _F7) + r2 * (_F8 + r * _F9)) + r4 * ((_F10 + r * _F11) + r2 * (_F12 + r * _F13))
    q = ((_F2 + r * _F3) + r2 * (_F4 + r * _F5)) + r4 * q
    t = r + r2 * q
    inverse = 1.0 / x
    mean = -((power - 1.0) + power * t) * inverse
    return power + power * t, mean, q if n == 0 else (1.0 - mean) * inverse


def decay(x):
    """For x >= 0: exp(-x), (1 - exp(-x)) / x and (exp(-x) - 1 + x) / x^2, without
    cancellation.

    The last two are what the step and its derivative need near threshold. NaN gives
    NaN. Uncompiled it takes complex numbers, whose imaginary part carries a derivative.
    """
    if isinstance(x, complex):
        kept = np.exp(-x)
        return kept, (1 - kept) / x, (kept - 1 + x) / (x * x)
    return _decay32(x) if isinstance(x, np.float32) else _decay64(x)


@overload(decay, inline="always")
def _decay_overload(x):
    return _decay32 if x == types.float32 else _decay64


def vanishing(one):
    """x beyond which `decay` gives no smaller exp(-x), in the type of `one`."""
    return _LARGEST_32 if isinstance(one, np.float32) else _LARGEST_64


@overload(vanishing, inline="always")
def _vanishing_overload(one):
    if one == types.float32:
        return lambda one: _LARGEST_32
    return lambda one: _LARGEST_64


# ---- square root ----


def square_root(x):
    """sqrt(x) of a float, in its type.

    In a loop a vector instruction; Numba's calls a library.
    """
    return np.sqrt(x)


@intrinsic
def _square_root(typing, x):
    def generate(context, builder, signature, arguments):
        kind = arguments[0].type
        function = builder.module.declare_intrinsic(
            "llvm.sqrt", [kind], ir.FunctionType(kind, [kind])
        )
        return builder.call(function, arguments)

    return x(x), generate


@overload(square_root, inline="always")
def _square_root_overload(x):
    return lambda x: _square_root(x)


# ---- the largest of many: of integers it is found with vector instructions ----


def _ordered32(x):
    return np.int32(np.float32(x).view(np.int32))


def _ordered64(x):
    return np.float64(x).view(np.int64)


def ordered(x):
    """An integer of the width of x >= 0 that is larger for a larger x, and largest for
    NaN.
    """
    return _ordered32(x) if isinstance(x, np.float32) else _ordered64(x)


@overload(ordered, inline="always")
def _ordered_overload(x):
    return _ordered32 if x == types.float32 else _ordered64


# ---- from two random words to r^2 and cos(theta) ----
# Only the upper 31 bits of a word count, as signed integers are converted faster.

_HALF_ROOT_32 = np.int32(np.float32(0.5**0.5).view(np.int32))
_HALF_ROOT_64 = np.int64(np.float64(0.5**0.5).view(np.int64))
_UNIT, _HALF, _QUARTER, _ONE, _TWO = 2.0**-31, 0.5, 0.25, 1.0, 2.0
_LN2, _TURN = 0.6931471805599453, 6.283185307179586
_UNIT_32, _HALF_32, _QUARTER_32 = np.float32(_UNIT), np.float32(_HALF), np.float32(_QUARTER)
_ONE_32, _TWO_32 = np.float32(_ONE), np.float32(_TWO)
_LN2_32, _TURN_32 = np.float32(_LN2), np.float32(_TURN)
# artanh(s) / s in powers of s^2
_A3, _A5, _A7, _A9 = (np.float32(1 / n) for n in range(3, 11, 2))
_B3, _B5, _B7, _B9, _B11, _B13, _B15, _B17, _B19, _B21 = (1 / n for n in range(3, 23, 2))
# sin(x) / x in powers of x^2
_T3, _T5, _T7, _T9 = (-1 / 6, 1 / 120, -1 / 5040, 1 / 362880)
_T11, _T13, _T15 = -1 / 39916800, 1 / 6227020800, -1 / 1307674368000
_T17, _T19 = 1 / 355687428096000, -1 / 121645100408832000
_T21, _T23 = 1 / 51090942171709440000, -1 / 25852016738884976640000
_S3, _S5, _S7, _S9 = np.float32(_T3), np.float32(_T5), np.float32(_T7), np.float32(_T9)
_S11, _S13 = np.float32(_T11), np.float32(_T13)


def _polar32(scale, x, y):
    """`polar` in float32, by Taylor's series.

    ln(u) = e ln 2 + 2 artanh((m - 1) / (m + 1)) with u = 2^e m, m from sqrt(1/2) to
    sqrt(2).
    """
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
    """(-scale ln(u), cos(theta)) in the type of `scale` for two random words.

    u and theta / 2 pi are uniform in (0, 1).
    """
    return _polar32(scale, x, y) if isinstance(scale, np.float32) else _polar64(scale, x, y)


@overload(polar, inline="always")
def _polar_overload(scale, x, y):
    return _polar32 if scale == types.float32 else _polar64
