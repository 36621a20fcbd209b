"""Exponentials, logarithms, roots and a cosine as plain lines, which the compiler turns into vector instructions where they stand in a loop."""

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic, overload

# ---- exp(-x) and what the exponential step needs of it, vectorised by the compiler because it is plain arithmetic ----

_LOG2E, _LN2_HIGH, _LN2_LOW = 1.4426950408889634, 0.693145751953125, 1.4286068203094172e-06
_ROUND32, _ROUND64 = (
    1.5 * 2.0**23,
    1.5 * 2.0**52,
)  # adding it rounds to an integer that stands in the lowest bits
_BITS32 = np.int32(np.float32(_ROUND32).view(np.int32) - 127)
_BITS64 = np.int64(np.float64(_ROUND64).view(np.int64) - 1023)
_LOG2E_32, _LN2_HIGH_32, _LN2_LOW_32 = (
    np.float32(_LOG2E),
    np.float32(_LN2_HIGH),
    np.float32(_LN2_LOW),
)
_LN2_HIGH_64, _LN2_LOW_64 = 0.693147180369123816490, 1.90821492927058770002e-10
_ROUND_32 = np.float32(_ROUND32)
_LARGEST_32, _LARGEST_64 = np.float32(87.0), 708.0  # exp(-x) stays a normal number
_SMALLEST_32, _SMALLEST_64 = np.float32(1e-30), 1e-300  # keeps the quotients at x = 0 defined
_ONE_32 = np.float32(1.0)
_Q0, _Q1, _Q2, _Q3 = (np.float32(1 / f) for f in (2, 6, 24, 120))
_Q4, _Q5, _Q6 = (np.float32(1 / f) for f in (720, 5040, 40320))
_R0, _R1, _R2, _R3, _R4, _R5 = 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040
_R6, _R7, _R8, _R9, _R10, _R11 = (
    1 / 40320,
    1 / 362880,
    1 / 3628800,
    1 / 39916800,
    1 / 479001600,
    1 / 6227020800,
)


def _decay32(x):
    """`decay` in float32. exp(-x) = 2^n exp(r), exp(r) = 1 + r + r^2 q(r), |r| <= ln 2 / 2, q by its Taylor series."""
    x = _SMALLEST_32 if x < _SMALLEST_32 else x
    clipped = _LARGEST_32 if x > _LARGEST_32 else x  # in this order a NaN stays one
    shifted = _ROUND_32 - clipped * _LOG2E_32
    n = shifted - _ROUND_32
    power = np.int32((np.float32(shifted).view(np.int32) - _BITS32) << 23).view(
        np.float32
    )  # 2^n; Numba widens int32
    r = (-clipped - n * _LN2_HIGH_32) - n * _LN2_LOW_32
    r2 = (
        r * r
    )  # the series in pairs, as a chain of seven steps would be what the processor waits for
    q = ((_Q0 + r * _Q1) + r2 * (_Q2 + r * _Q3)) + (r2 * r2) * ((_Q4 + r * _Q5) + r2 * _Q6)
    t = r + r2 * q
    inverse = _ONE_32 / x
    mean = -((power - _ONE_32) + power * t) * inverse
    # without range reduction (n = 0) q is (exp(-x) - 1 + x) / x^2 itself; the difference below would cancel there
    return power + power * t, mean, q if n == 0 else (_ONE_32 - mean) * inverse


def _decay64(x):
    """`decay` in float64."""
    x = _SMALLEST_64 if x < _SMALLEST_64 else x
    clipped = _LARGEST_64 if x > _LARGEST_64 else x
    shifted = _ROUND64 - clipped * _LOG2E
    n = shifted - _ROUND64
    power = np.int64((np.float64(shifted).view(np.int64) - _BITS64) << 52).view(np.float64)
    r = (-clipped - n * _LN2_HIGH_64) - n * _LN2_LOW_64
    r2 = r * r
    r4 = r2 * r2
    q = ((_R4 + r * _R5) + r2 * (_R6 + r * _R7)) + r4 * ((_R8 + r * _R9) + r2 * (_R10 + r * _R11))
    q = ((_R0 + r * _R1) + r2 * (_R2 + r * _R3)) + r4 * q
    t = r + r2 * q
    inverse = 1.0 / x
    mean = -((power - 1.0) + power * t) * inverse
    return power + power * t, mean, q if n == 0 else (1.0 - mean) * inverse


def decay(x):
    """For x >= 0: exp(-x), (1 - exp(-x)) / x and (exp(-x) - 1 + x) / x^2, without cancellation; NaN gives NaN."""
    return _decay32(x) if isinstance(x, np.float32) else _decay64(x)


@overload(decay, inline="always")
def _decay_overload(x):
    return _decay32 if x == types.float32 else _decay64


# ---- square root ----


def square_root(x):
    """sqrt(x) of a float, in its type; a vector instruction where it stands in a loop, unlike Numba's, which calls a library."""
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


if not config.DISABLE_JIT:
    square_root = _square_root
