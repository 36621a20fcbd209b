"""The vector instructions against the plain lines beside them, for all shapes, types
and register sizes.

Sums of small whole numbers are exact in any order, so those must agree to the bit;
other numbers to the rounding of a sum.
"""

import importlib.util
import math

import numba
import numpy as np
import pytest

from spinrnn.kernels import compiling, tiles

GUARD = 64
"""Numbers before and after a target that must stay as they are."""


def load(plain=False, **settings):
    """A copy of `tiles` of its own: with the plain lines under its names, or with other
    sizes of tile and register.
    """
    spec = importlib.util.spec_from_file_location("tiles_copy", tiles.__file__)
    module = importlib.util.module_from_spec(spec)
    kept, numba.config.DISABLE_JIT = numba.config.DISABLE_JIT, plain or numba.config.DISABLE_JIT
    try:
        spec.loader.exec_module(module)
    finally:
        numba.config.DISABLE_JIT = kept
    for name, value in settings.items():
        assert hasattr(module, name)
        setattr(module, name, value)
    return module


PLAIN = load(plain=True)
DTYPES = [np.float32, np.float64]
REGISTERS = [
    pytest.param(size, marks=() if size == tiles.REGISTER else pytest.mark.slow)
    for size in (16, 32, 64)
]
"""Bytes; those of other machines than this one are compiled for the test alone."""
TILES = [6, 12]


def compiled(operation, arguments):
    """A function that Python can call; an intrinsic has a place in compiled code only."""
    names = ", ".join(f"a{i}" for i in range(arguments))
    scope = {"operation": operation}
    exec(f"def call({names}):\n    return operation({names})", scope)
    return numba.njit(scope["call"])


def compare(call, plain, arguments, out, exact):
    """Calls both with copies of `arguments`, of which number `out` is written to; every
    number of it must agree, also outside of the target.

    Returns whether something was written.
    """
    results = []
    for function in (plain, call):
        own = [a.copy() if i == out else a for i, a in enumerate(arguments)]
        function(*own)
        results.append(own[out])
    if exact:
        np.testing.assert_array_equal(*results)
    else:
        np.testing.assert_allclose(*results, rtol=0, atol=100 * np.finfo(results[0].dtype).eps)
        untouched = results[0] == arguments[out]
        np.testing.assert_array_equal(results[1][untouched], arguments[out][untouched])
    return (results[0] != arguments[out]).any()


def numbers(rng, size, dtype, exact):
    return (rng.integers(-8, 9, size) if exact else rng.uniform(-1, 1, size)).astype(dtype)


@pytest.fixture(scope="module")
def calls():
    """calls(name, arguments, TILE=..): the compiled operation, with so many arguments,
    of a `tiles` with such settings; compiled once.
    """
    made, modules = {}, {}

    def get(name, arguments, **settings):
        key = (name, *settings.items())
        if key not in made:
            own = tuple(settings.items())
            modules.setdefault(own, load(**settings))
            made[key] = compiled(getattr(modules[own], name), arguments)
        return made[key]

    return get


def test_both_versions_are_under_test():
    for name in (
        "product_tile",
        "gradient_tile",
        "transpose_tile",
        "sparse_row",
        "lane_products",
        "view",
        "row_length",
    ):
        assert callable(getattr(PLAIN, name))
        assert hasattr(PLAIN, f"_{name}")
        if not numba.config.DISABLE_JIT:
            assert getattr(tiles, name) is getattr(tiles, f"_{name}")
            assert getattr(PLAIN, name) is not getattr(PLAIN, f"_{name}")


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("tile", TILES)
def test_product_tile(calls, tile, dtype, exact):
    rng, v, call = np.random.default_rng(0), tiles.lanes(dtype), calls("product_tile", 9, TILE=tile)
    for height in range(1, tile + 1):
        for depth in (0, 1, 2, 3, 17):
            a, b = (
                numbers(rng, 5 + depth * height, dtype, exact),
                numbers(rng, 3 + depth * v, dtype, exact),
            )
            for initial_at, out_at in (
                (-1, GUARD + 1),
                (GUARD, GUARD),
                (GUARD + 1 + height * v, GUARD + 1),
                (GUARD + v, GUARD),
                (0, GUARD),
                (0, 0),
            ):
                out = numbers(rng, 3 * GUARD + 2 * height * v, dtype, exact)
                written = compare(
                    call,
                    PLAIN.product_tile,
                    [height, a, 5, b, 3, depth, initial_at, out, out_at],
                    7,
                    exact,
                )
                assert written or (depth == 0 and initial_at == out_at)


@pytest.mark.parametrize("tile", TILES)
def test_tile_heights(tile):
    """As few tiles as can be, and none higher than TILE, for which there are no
    instructions: nothing would be written.
    """
    module = load(TILE=tile)
    for rows in range(1, 400):
        height, cut = module.tile_heights(rows)
        assert 1 <= height <= tile
        assert 0 < cut <= rows
        assert cut % height == 0
        assert cut == rows or (height > 1 and (rows - cut) % (height - 1) == 0)
        assert cut // height + (0 if cut == rows else (rows - cut) // (height - 1)) == math.ceil(
            rows / tile
        )


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("tile", TILES)
def test_gradient_tile(calls, tile, dtype, exact):
    rng, v, call = (
        np.random.default_rng(1),
        tiles.lanes(dtype),
        calls("gradient_tile", 9, TILE=tile),
    )
    for height in range(1, tile + 1):
        for units, gap in ((1, 0), (2, 5), (9, v)):
            unit = height * v + gap
            a, b = (
                numbers(rng, 7 + units * unit, dtype, exact),
                numbers(rng, 1 + units * v * v, dtype, exact),
            )
            out = numbers(rng, 2 * GUARD + height * v, dtype, exact)
            assert compare(
                call, PLAIN.gradient_tile, [height, a, 7, unit, b, 1, units, out, GUARD], 7, exact
            )
        before = out.copy()
        call(height, a, 7, unit, b, 1, 0, out, GUARD)
        np.testing.assert_array_equal(out, before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("register", REGISTERS)
def test_transpose_tile(calls, register, dtype):
    v, call = tiles.lanes(dtype), calls("transpose_tile", 4, REGISTER=register)
    for start, target in ((0, GUARD), (3, GUARD + 1)):
        source = np.arange(10 + v * v, dtype=dtype)
        source[-1] = np.nan
        out = np.full(2 * GUARD + v * v, -1, dtype=dtype)
        assert compare(call, PLAIN.transpose_tile, [source, start, out, target], 2, True)
        call(source, start, out, target)
        np.testing.assert_array_equal(
            out[target : target + v * v].reshape(v, v),
            source[start : start + v * v].reshape(v, v).T,
        )


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
def test_sparse_row(calls, dtype, exact):
    rng, v, call = np.random.default_rng(2), tiles.lanes(dtype), calls("sparse_row", 12)
    rows = 11
    for panels in range(1, tiles.PANELS + 1):
        for count in (0, 1, 2, 7):
            first, b_panel, panel = 4, rows * v + 3, 5 * v + 1
            values = numbers(rng, first + count + 2, dtype, exact)
            columns = rng.integers(0, rows, first + count + 2).astype(np.int32)
            columns[first : first + count] = np.sort(rng.permutation(rows)[:count])
            b = numbers(rng, 5 + panels * b_panel, dtype, exact)
            for initial_at, out_at in (
                (-1, GUARD),
                (GUARD, GUARD),
                (GUARD + v, GUARD + 3 * v),
                (0, GUARD),
                (0, 0),
            ):
                out = numbers(rng, 2 * GUARD + panels * panel, dtype, exact)
                arguments = [
                    values,
                    columns,
                    first,
                    first + count,
                    b,
                    5,
                    b_panel,
                    panels,
                    initial_at,
                    out,
                    out_at,
                    panel,
                ]
                assert compare(call, PLAIN.sparse_row, arguments, 9, exact) or (
                    count == 0 and initial_at == out_at
                )


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("register", REGISTERS)
def test_lane_products(calls, register, dtype, exact):
    rng, v, call = (
        np.random.default_rng(3),
        tiles.lanes(dtype),
        calls("lane_products", 12, REGISTER=register),
    )
    columns = rng.integers(0, 6, 40).astype(np.int32)
    for count in range(1, register // np.dtype(dtype).itemsize + 1):
        for units in (0, 1, 2, 13):
            a, b = (
                numbers(rng, 3 + units * (v + 5), dtype, exact),
                numbers(rng, 1 + 6 * v + units * 7 * v, dtype, exact),
            )
            out = numbers(rng, 2 * GUARD + count, dtype, exact)
            arguments = [count, a, 3, v + 5, columns, 4, b, 1, 7 * v, units, out, GUARD]
            assert compare(call, PLAIN.lane_products, arguments, 10, exact) or units == 0


@pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT),
    reason="one rounding is what the instructions promise, the plain lines cannot",
)
@pytest.mark.parametrize("tile", TILES)
def test_each_term_is_rounded_once_and_in_order(calls, tile):
    """So a sample's result depends neither on the height of its tile nor on its
    neighbours. float32 products are exact in float64.
    """
    rng, dtype, v, depth = np.random.default_rng(4), np.float32, 16, 40
    a, b = numbers(rng, depth, dtype, False), numbers(rng, depth * v, dtype, False)
    expected = np.zeros(v, np.float32)
    for d in range(depth):
        expected = (np.float64(a[d]) * b[d * v : (d + 1) * v].astype(np.float64) + expected).astype(
            np.float32
        )
    product, sparse = calls("product_tile", 9, TILE=tile), calls("sparse_row", 12)
    for height in range(1, tile + 1):
        out = np.zeros(height * v, dtype)
        product(height, np.repeat(a, height), 0, b, 0, depth, -1, out, 0)
        np.testing.assert_array_equal(
            out.reshape(height, v), np.broadcast_to(expected, (height, v))
        )
    for panels in range(1, tiles.PANELS + 1):
        out = np.zeros(panels * v, dtype)
        sparse(a, np.arange(depth, dtype=np.int32), 0, depth, b, 0, 0, panels, -1, out, 0, v)
        np.testing.assert_array_equal(
            out.reshape(panels, v), np.broadcast_to(expected, (panels, v))
        )


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_nan_stays_in_its_place(calls, dtype):
    """Samples share vectors and nothing else: what one of them does, even NaN, must not
    reach the others.
    """
    v = tiles.lanes(dtype)
    rng = np.random.default_rng(5)
    a, b = numbers(rng, 3 * 4, dtype, False), numbers(rng, 4 * v, dtype, False)
    clean, out = np.zeros(3 * v, dtype), np.zeros(3 * v, dtype)
    call = calls("product_tile", 9, TILE=6)
    call(3, a, 0, b, 0, 4, -1, clean, 0)
    b[v + 2] = np.nan
    call(3, a, 0, b, 0, 4, -1, out, 0)
    bad = np.arange(3 * v) % v == 2
    assert np.isnan(out[bad]).all()
    np.testing.assert_array_equal(out[~bad], clean[~bad])


def test_row_and_group_length_are_constants_in_compiled_code_too():
    @compiling.kernel
    def length(array):
        return tiles.row_length(array), tiles.group_length(array)

    for dtype in DTYPES:
        array, size = np.empty(1, dtype), np.dtype(dtype).itemsize
        assert (
            length(array)
            == (PLAIN.row_length(array), PLAIN.group_length(array))
            == (64 // size, tiles.REGISTER // size)
        )


def test_aligned():
    for size in (1, 15, 16, 1000, 100_001):
        for dtype in map(np.dtype, DTYPES):
            zeros = tiles.aligned((size, dtype))
            assert (zeros.shape, zeros.dtype, zeros.ctypes.data % tiles.LINE) == ((size,), dtype, 0)
            assert not zeros.any()
            values = np.arange(size, dtype=dtype)
            made = tiles.aligned(values)
            assert (made.dtype, made.ctypes.data % tiles.LINE, made.flags.c_contiguous) == (
                dtype,
                0,
                True,
            )
            assert not np.shares_memory(made, values)
            np.testing.assert_array_equal(made, values)
