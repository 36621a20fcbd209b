"""Products of small matrices, as vector instructions that keep their sums in registers.

BLAS does not do them well below some hundred neurons.

All arrays are flat and addressed by offsets; nothing is allocated. Their unit is a
*row*: one neuron's value for V = `lanes(dtype)` samples that lie together, 64 bytes, a
cache line. Four operations carry the whole network:

    product_tile      a few rows of  out = initial + A B
    gradient_tile     a few rows of  out += A B^T, summed over samples: the same product
    transpose_tile    once B is transposed, from V rows of samples to V rows of neurons
    sparse_row        one row of  out = initial + A B  with A in compressed rows
    lane_products     sums over samples of the products of one row with some others: the
                      gradients of weights of a sparse matrix

Each stands here twice: as LLVM instructions, and before that in plain lines that say
what it does and run instead under NUMBA_DISABLE_JIT=1.
"""

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

LINE = 64
"""Bytes of a row."""


def _register_bytes():
    features = llvmlite.binding.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


REGISTER = _register_bytes()
"""Bytes of a vector register."""
TILE = 12 if REGISTER == LINE else 6
"""Most rows of a product tile.

Their sums fill the registers, 12 of 16 with AVX2, 12 of 32 with AVX-512, 24 of 32 with
NEON.
"""
PANELS = 4
"""Most panels (groups of V samples) that `sparse_row` takes at once, for the same
reason.
"""


def group(dtype):
    """Most entries that `lane_products` takes at once: the numbers in a register."""
    return REGISTER // np.dtype(dtype).itemsize


def lanes(dtype):
    """V, the number of samples in a row: 16 in float32, 8 in float64."""
    return LINE // np.dtype(dtype).itemsize


def row_length(array):
    """`lanes` of an array's type; compiled, a constant, unlike array.itemsize."""
    return lanes(array.dtype)


def group_length(array):
    """`group` of an array's type, likewise."""
    return group(array.dtype)


def aligned(values):
    """A flat array at a multiple of LINE, so that no row is spread over two lines.

    values: what it holds, or (size, dtype) for zeros.
    """
    size, dtype = (values.size, values.dtype) if isinstance(values, np.ndarray) else values
    memory = np.zeros(size * dtype.itemsize + LINE, dtype=np.uint8)
    shift = -memory.ctypes.data % LINE
    made = memory[shift : shift + size * dtype.itemsize].view(dtype)
    if isinstance(values, np.ndarray):
        made[:] = values
    return made


def tile_heights(rows):
    """(height, cut) of the tiles as which dense matrices are stored.

    Rows are cut as evenly as can be: tiles have `height` rows up to row `cut`, then one
    fewer.
    """
    tiles = -(-rows // TILE)
    low, over = divmod(rows, tiles)
    return (low + 1, over * (low + 1)) if over else (low, rows)


# ---- the plain lines ----


def view(array, start, count):
    """array[start : start + count].

    With less to compile than a slice, which may be negative, have steps or end early.
    """
    return array[start : start + count]


def _rows(flat, start, count, step=None):
    """`count` rows from `start` on, `step` values apart, as a copy (count, V)."""
    v = lanes(flat.dtype)
    places = start + np.arange(count)[:, None] * (v if step is None else step) + np.arange(v)
    assert start >= 0
    return flat[places]


def product_tile(height, a, a_at, b, b_at, depth, initial_at, out, out_at):
    """`height` (<= TILE) rows of out = initial + sum over d < depth of a(d, r) b(d).

    One rounding for each term, in this order. a(d, r) is the number at a_at + d height
    + r; b(d) the row at b_at + d V. The initial rows stand in out too, at initial_at,
    which may be out_at; initial_at < 0 stands for zeros.
    """
    v = lanes(out.dtype)
    total = _rows(out, initial_at, height) if initial_at >= 0 else np.zeros((height, v), out.dtype)
    total += a[a_at : a_at + depth * height].reshape(depth, height).T @ _rows(b, b_at, depth)
    out[out_at : out_at + height * v] = total.ravel()


def gradient_tile(height, a, a_at, a_unit, b, b_at, units, out, out_at):
    """`height` (<= TILE) rows of out += sum over u < units, j < V of a(u, r)_j b(u, j).

    One rounding for each term, in this order. a(u, r) is the row at a_at + u a_unit + r
    V; b(u, j) the row at b_at + (u V + j) V.
    """
    v = lanes(out.dtype)
    for u in range(units):
        sums = _rows(a, a_at + u * a_unit, height) @ _rows(b, b_at + u * v * v, v)
        out[out_at : out_at + height * v] += sums.ravel()


def transpose_tile(source, source_at, out, out_at):
    """out (V, V) at out_at = transpose of the V rows at source_at."""
    v = lanes(out.dtype)
    out[out_at : out_at + v * v] = _rows(source, source_at, v).T.ravel()


def sparse_row(
    values, columns, first, last, b, b_at, b_panel, panels, initial_at, out, out_at, panel
):
    """A row of out = initial row + sum over entries of values[e] (row columns[e] of b).

    For each panel q < panels (<= PANELS); the entries are first <= e < last.

    Row j of b stands at b_at + q b_panel + j V, the initial and the new rows stand in
    out at initial_at and out_at + q panel; initial_at < 0 stands for zeros.
    """
    v = lanes(out.dtype)
    for q in range(panels):
        total = (
            _rows(out, initial_at + q * panel, 1)[0] if initial_at >= 0 else np.zeros(v, out.dtype)
        )
        for e in range(first, last):
            total += values[e] * _rows(b, b_at + q * b_panel + columns[e] * v, 1)[0]
        out[out_at + q * panel : out_at + q * panel + v] = total


def lane_products(count, a, a_at, a_unit, columns, first, b, b_at, b_unit, units, out, out_at):
    """out[out_at + e] += sum over u < units of the scalar product of two rows.

    For each e < count (<= `group`).

    They stand at a_at + u a_unit and at b_at + u b_unit + columns[first + e] V.
    """
    v = lanes(out.dtype)
    for e in range(count):
        rows = _rows(b, b_at + columns[first + e] * v, units, b_unit)
        out[out_at + e] += (_rows(a, a_at, units, a_unit) * rows).sum(dtype=out.dtype)


# ---- the instructions ----


_whole = ir.IntType(64)


class _Vectors:
    """Emits instructions on vectors of so many bytes of a flat array's type.

    `count` numbers of `size` bytes.
    """

    def __init__(self, context, builder, array_type, width):
        self.context, self.builder, self.size = context, builder, array_type.dtype.bitwidth // 8
        self.count = width // self.size
        self.type = ir.VectorType(context.get_value_type(array_type.dtype), self.count)

    def pointer(self, array_type, array, offset):
        """Address of array[offset]."""
        return self.at(
            self.context.make_array(array_type)(self.context, self.builder, array).data, offset
        )

    def at(self, pointer, *offsets):
        for offset in offsets:
            pointer = self.builder.gep(
                pointer, [_whole(offset) if isinstance(offset, int) else offset]
            )
        return pointer

    def load(self, pointer):
        return self.builder.load(
            self.builder.bitcast(pointer, self.type.as_pointer()), align=self.size
        )

    def store(self, value, pointer):
        self.builder.store(
            value, self.builder.bitcast(pointer, self.type.as_pointer()), align=self.size
        )

    def variable(self, value=None):
        """A vector that is written more than once, which stays in registers."""
        return cgutils.alloca_once_value(
            self.builder, ir.Constant(self.type, None) if value is None else value
        )

    def load_or_zero(self, pointers, there):
        """Variables with the vectors at `pointers` where `there` holds, else zero."""
        sums = [self.variable() for _ in pointers]
        with self.builder.if_then(there):
            for variable, pointer in zip(sums, pointers, strict=True):
                self.builder.store(self.load(pointer), variable)
        return sums

    def everywhere(self, pointer):
        """The number at `pointer` in all places."""
        first = self.builder.insert_element(
            ir.Constant(self.type, ir.Undefined), self.builder.load(pointer), ir.IntType(32)(0)
        )
        return self.shuffle(first, first, [0] * self.count)

    def shuffle(self, x, y, picks):
        """The picked places of x and y, those of y counted from the length of x on."""
        return self.builder.shuffle_vector(
            x, y, ir.Constant(ir.VectorType(ir.IntType(32), len(picks)), picks)
        )

    def multiply_add(self, a, b, variable):
        """variable += a b, with one rounding where the processor has an instruction.

        Where it has none, one rounding would be a call for each number.
        """
        function = ir.FunctionType(self.type, [self.type] * 3)
        function = cgutils.get_or_insert_function(
            self.builder.module, function, f"llvm.fmuladd.v{self.count}f{8 * self.size}"
        )
        self.builder.store(
            self.builder.call(function, [a, b, self.builder.load(variable)]), variable
        )

    def totals(self, vectors):
        """The sums of all places of `count` vectors, as one vector.

        Neighbours are added, first within 128 bits, then these blocks.
        """
        block = 16 // self.size
        for grain in (
            *[1] * (block.bit_length() - 1),
            *[block] * (self.count // block).bit_length(),
        ):
            if len(vectors) == 1:
                break
            around = block if grain == 1 else self.count
            pairs = zip(vectors[::2], vectors[1::2], strict=True)
            vectors = [
                self.builder.fadd(
                    self._every_other(*pair, grain, around, 0),
                    self._every_other(*pair, grain, around, 1),
                )
                for pair in pairs
            ]
        return vectors[0]

    def _every_other(self, x, y, grain, around, which):
        """Every other group of `grain` places of x and y, in each `around` places.

        which: the first (0) or second (1) of each two.
        """
        picks = []
        for start in range(0, self.count, around):
            for vector in (0, self.count):
                for group in range(start + which * grain, start + around, 2 * grain):
                    picks += range(vector + group, vector + group + grain)
        return self.shuffle(x, y, picks)

    def transposed(self, rows):
        """`count` vectors transposed.

        First blocks of 128 bits, by interleaving, which is one instruction each; then
        the blocks among each other.
        """
        length, block = self.count, 16 // self.size
        for _ in range(block.bit_length() - 1):
            mixed = []
            for start in range(0, length, block):
                for i in range(start, start + block // 2):
                    mixed += [
                        self._interleaved(rows[i], rows[i + block // 2], block, half)
                        for half in (0, 1)
                    ]
            rows = mixed
        while block < length:
            upper = [
                place if place & block == 0 else length + place - block for place in range(length)
            ]
            lower = [
                place + block if place & block == 0 else length + place for place in range(length)
            ]
            rows = [
                self.shuffle(rows[i & ~block], rows[i | block], lower if i & block else upper)
                for i in range(length)
            ]
            block *= 2
        return rows

    def _interleaved(self, x, y, block, half):
        """x_0 y_0 x_1 y_1 ... of the lower (0) or upper (1) half of each block."""
        picks = []
        for start in range(half * block // 2, self.count, block):
            for place in range(start, start + block // 2):
                picks += [place, self.count + place]
        return self.shuffle(x, y, picks)


def _for_each(builder, number, largest):
    """Yields counts from 1 to `largest`, the builder in code that runs if `number` is
    it.

    Only for a known count sums are registers.
    """
    end = builder.append_basic_block("end")
    choice = builder.switch(number, end)
    for count in range(1, largest + 1):
        block = builder.append_basic_block(f"count{count}")
        choice.add_case(_whole(count), block)
        builder.position_at_end(block)
        yield count
        builder.branch(end)
    builder.position_at_end(end)


@intrinsic
def _product_tile(typing, height, a, a_at, b, b_at, depth, initial_at, out, out_at):
    whole = types.intp
    signature = types.void(whole, a, whole, b, whole, whole, whole, out, whole)

    def generate(context, builder, signature, arguments):
        height, a, a_at, b, b_at, depth, initial_at, out, out_at = arguments
        kinds = signature.args
        v = _Vectors(context, builder, kinds[7], LINE)
        a, b = v.pointer(kinds[1], a, a_at), v.pointer(kinds[3], b, b_at)
        initial, out = v.pointer(kinds[7], out, initial_at), v.pointer(kinds[7], out, out_at)
        there = builder.icmp_signed(">=", initial_at, _whole(0))
        for rows in _for_each(builder, height, TILE):
            sums = v.load_or_zero([v.at(initial, r * v.count) for r in range(rows)], there)
            with cgutils.for_range(builder, depth) as step:
                numbers = v.at(a, builder.mul(step.index, _whole(rows)))
                row = v.load(v.at(b, builder.mul(step.index, _whole(v.count))))
                for r in range(rows):
                    v.multiply_add(v.everywhere(v.at(numbers, r)), row, sums[r])
            for r in range(rows):
                v.store(builder.load(sums[r]), v.at(out, r * v.count))
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def _gradient_tile(typing, height, a, a_at, a_unit, b, b_at, units, out, out_at):
    whole = types.intp
    signature = types.void(whole, a, whole, whole, b, whole, whole, out, whole)

    def generate(context, builder, signature, arguments):
        height, a, a_at, a_unit, b, b_at, units, out, out_at = arguments
        kinds = signature.args
        v = _Vectors(context, builder, kinds[7], LINE)
        a, b = v.pointer(kinds[1], a, a_at), v.pointer(kinds[4], b, b_at)
        out = v.pointer(kinds[7], out, out_at)
        for rows in _for_each(builder, height, TILE):
            sums = [v.variable(v.load(v.at(out, r * v.count))) for r in range(rows)]
            with cgutils.for_range(builder, units) as unit:
                numbers = v.at(a, builder.mul(unit.index, a_unit))
                block = v.at(b, builder.mul(unit.index, _whole(v.count * v.count)))
                with cgutils.for_range(builder, _whole(v.count)) as place:
                    row = v.load(v.at(block, builder.mul(place.index, _whole(v.count))))
                    for r in range(rows):
                        v.multiply_add(
                            v.everywhere(v.at(numbers, place.index, r * v.count)), row, sums[r]
                        )
            for r in range(rows):
                v.store(builder.load(sums[r]), v.at(out, r * v.count))
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def _transpose_tile(typing, source, source_at, out, out_at):
    signature = types.void(source, types.intp, out, types.intp)

    def generate(context, builder, signature, arguments):
        source, source_at, out, out_at = arguments
        kinds = signature.args
        v = _Vectors(context, builder, kinds[2], REGISTER)
        row = LINE // v.size
        source, out = v.pointer(kinds[0], source, source_at), v.pointer(kinds[2], out, out_at)
        for top in range(0, row, v.count):
            for left in range(0, row, v.count):
                vectors = v.transposed(
                    [v.load(v.at(source, (top + i) * row + left)) for i in range(v.count)]
                )
                for i, vector in enumerate(vectors):
                    v.store(vector, v.at(out, (left + i) * row + top))
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def _sparse_row(
    typing, values, columns, first, last, b, b_at, b_panel, panels, initial_at, out, out_at, panel
):
    whole = types.intp
    signature = types.void(
        values, columns, whole, whole, b, whole, whole, whole, whole, out, whole, whole
    )

    def generate(context, builder, signature, arguments):
        values, columns, first, last, b, b_at, b_panel, panels, initial_at, out, out_at, panel = (
            arguments
        )
        kinds = signature.args
        v = _Vectors(context, builder, kinds[9], LINE)
        b = v.pointer(kinds[4], b, b_at)
        initial, out = v.pointer(kinds[9], out, initial_at), v.pointer(kinds[9], out, out_at)
        values, columns = v.pointer(kinds[0], values, 0), v.pointer(kinds[1], columns, 0)
        there = builder.icmp_signed(">=", initial_at, _whole(0))
        for count in _for_each(builder, panels, PANELS):
            shifts = [builder.mul(panel, _whole(q)) for q in range(count)]
            sums = v.load_or_zero([v.at(initial, shift) for shift in shifts], there)
            with cgutils.for_range_slice(builder, first, last, _whole(1)) as (entry, _):
                column = builder.sext(builder.load(v.at(columns, entry)), _whole)
                row = v.at(b, builder.mul(column, _whole(v.count)))
                weight = v.everywhere(v.at(values, entry))
                for q in range(count):
                    v.multiply_add(
                        weight, v.load(v.at(row, builder.mul(b_panel, _whole(q)))), sums[q]
                    )
            for q in range(count):
                v.store(builder.load(sums[q]), v.at(out, shifts[q]))
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def _lane_products(
    typing, count, a, a_at, a_unit, columns, first, b, b_at, b_unit, units, out, out_at
):
    whole = types.intp
    signature = types.void(
        whole, a, whole, whole, columns, whole, b, whole, whole, whole, out, whole
    )

    def generate(context, builder, signature, arguments):
        count, a, a_at, a_unit, columns, first, b, b_at, b_unit, units, out, out_at = arguments
        kinds = signature.args
        v = _Vectors(context, builder, kinds[10], REGISTER)
        row = LINE // v.size
        a, b = v.pointer(kinds[1], a, a_at), v.pointer(kinds[6], b, b_at)
        out = v.pointer(kinds[10], out, out_at)
        columns = v.pointer(kinds[4], columns, first)
        for number in _for_each(builder, count, v.count):
            sums = [v.variable() for _ in range(number)]
            places = [builder.sext(builder.load(v.at(columns, e)), _whole) for e in range(number)]
            rows = [v.at(b, builder.mul(place, _whole(row))) for place in places]
            with cgutils.for_range(builder, units) as unit:
                own, shift = (
                    v.at(a, builder.mul(unit.index, a_unit)),
                    builder.mul(unit.index, b_unit),
                )
                for part in range(0, row, v.count):
                    left = v.load(v.at(own, part))
                    for e in range(number):
                        v.multiply_add(left, v.load(v.at(rows[e], shift, part)), sums[e])
            zero = ir.Constant(v.type, None)
            totals = v.totals([*map(builder.load, sums), *[zero] * (v.count - number)])
            if number == v.count:
                v.store(builder.fadd(v.load(out), totals), out)
            else:
                for e in range(number):
                    total = builder.extract_element(totals, ir.IntType(32)(e))
                    builder.store(builder.fadd(builder.load(v.at(out, e)), total), v.at(out, e))
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def _view(typing, array, start, count):
    signature = array(array, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        return part_of(context, builder, signature.return_type, *arguments)

    return signature, generate


def part_of(context, builder, kind, array, start, count):
    """The instructions of `view` for an array of this type."""
    make = context.make_array(kind)
    whole, part = make(context, builder, array), make(context, builder)
    populate_array(
        part,
        data=builder.gep(whole.data, [start]),
        shape=[count],
        strides=[whole.itemsize],
        itemsize=whole.itemsize,
        meminfo=whole.meminfo,
        parent=whole.parent,
    )
    return part._getvalue()


@intrinsic
def _row_length(typing, array):
    return types.intp(array), lambda context, builder, signature, _: _whole(
        8 * LINE // signature.args[0].dtype.bitwidth
    )


@intrinsic
def _group_length(typing, array):
    return types.intp(array), lambda context, builder, signature, _: _whole(
        8 * REGISTER // signature.args[0].dtype.bitwidth
    )


if not config.DISABLE_JIT:
    view, row_length, group_length = _view, _row_length, _group_length
    product_tile, gradient_tile, transpose_tile = _product_tile, _gradient_tile, _transpose_tile
    sparse_row, lane_products = _sparse_row, _lane_products
