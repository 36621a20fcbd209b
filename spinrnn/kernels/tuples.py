"""Small tuples of numbers in compiled code: a neuron's states, its Jacobian.

Their lengths are part of their types, so nothing of a tuple is left in the machine
code: each number is a register, and a loop over neurons becomes vector instructions.
Nested tuples are matrices, row by row. Each operation stands here twice: as plain
lines, which run under NUMBA_DISABLE_JIT=1, and as LLVM instructions.
"""

from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

from spinrnn.kernels.tiles import part_of, view

_whole = ir.IntType(64)

# ---- the plain lines ----


def take(arrays, i):
    """Number i of each array, a tuple."""
    return tuple(array[i] for array in arrays)


def put(arrays, i, values):
    """Number i of each array = the values, a tuple or a matrix row by row.

    No array, or no value: nothing is done.
    """
    for array, value in zip(arrays, _flat(values), strict=False):
        array[i] = value


def joint(first, others):
    """A tuple of an item and those of a tuple."""
    return (first, *others)


def passing(passes, values, zero):
    """The rows of a vector or matrix, zeros where passes is 0."""
    return tuple(
        (value if passed else zero)
        if not isinstance(value, tuple)
        else tuple(v if passed else zero for v in value)
        for passed, value in zip(passes, values, strict=True)
    )


def product(a, b):
    """The matrix a times a matrix or a vector b, summed from the left."""
    if not isinstance(b[0], tuple):
        return tuple(_dot(row, b) for row in a)
    return tuple(tuple(_dot(row, column) for column in zip(*b, strict=True)) for row in a)


def plus(a, b):
    """a + b of two vectors or two matrices."""
    pairs = zip(a, b, strict=True)
    return tuple(plus(x, y) if isinstance(x, tuple) else x + y for x, y in pairs)


def _dot(row, column):
    total = row[0] * column[0]
    for x, y in list(zip(row, column, strict=True))[1:]:
        total = total + x * y
    return total


def _flat(values):
    for value in values:
        yield from _flat(value) if isinstance(value, tuple) else (value,)


def spans(rows, columns):
    """A function (array, start, row_step, step, length) -> views of `length` numbers,
    row after row: one every `step` in a row, rows being `row_step` apart.
    """
    places = [(i, j) for i in range(rows) for j in range(columns)]

    def plain(array, start, row_step, step, length):
        return tuple(view(array, start + i * row_step + j * step, length) for i, j in places)

    @intrinsic
    def compiled(typing, array, start, row_step, step, length):
        whole = types.intp
        signature = types.UniTuple(array, len(places))(array, whole, whole, whole, whole)

        def generate(context, builder, signature, arguments):
            memory, start, row_step, step, length = arguments
            tops = [builder.add(start, builder.mul(row_step, _whole(i))) for i in range(rows)]
            starts = [builder.add(tops[i], builder.mul(step, _whole(j))) for i, j in places]
            found = [part_of(context, builder, array, memory, at, length) for at in starts]
            return context.make_tuple(builder, signature.return_type, found)

        return signature, generate

    return plain if config.DISABLE_JIT else compiled


def columns(which):
    """A function (matrix) -> the matrix of these columns."""

    def plain(matrix):
        return tuple(tuple(row[i] for i in which) for row in matrix)

    @intrinsic
    def compiled(typing, matrix):
        rows = [types.Tuple([row[i] for i in which]) for row in matrix]
        signature = types.Tuple(rows)(matrix)

        def generate(context, builder, signature, arguments):
            given = _rows(builder, matrix, arguments[0])
            rows = [[row[i][1] for i in which] for row in given]
            return _made(context, builder, signature.return_type, rows)

        return signature, generate

    return plain if config.DISABLE_JIT else compiled


def beside(chosen):
    """A function (vector, matrix) -> the vector as a column, and the chosen columns of
    the matrix beside it.

    The vector may be a number, which stands for a column of it. Without chosen columns
    the matrix may be ().
    """

    def plain(vector, matrix):
        rows = vector if isinstance(vector, tuple) else (vector,) * len(matrix)
        return tuple((x, *(matrix[i][j] for j in chosen)) for i, x in enumerate(rows))

    @intrinsic
    def compiled(typing, vector, matrix):
        many = isinstance(vector, types.BaseTuple)
        first = list(vector) if many else [vector] * len(matrix)
        number = first[0]
        result = types.Tuple([types.Tuple([number] * (1 + len(chosen)))] * len(first))
        signature = result(vector, matrix)

        def generate(context, builder, signature, arguments):
            rows = []
            taken = _rows(builder, matrix, arguments[1]) if chosen else [()] * len(first)
            for i, row in enumerate(taken):
                own = builder.extract_value(arguments[0], i) if many else arguments[0]
                pairs = [(first[i], own), *((row[j]) for j in chosen)]
                rows.append([context.cast(builder, x, kind, number) for kind, x in pairs])
            return _made(context, builder, result, rows)

        return signature, generate

    return plain if config.DISABLE_JIT else compiled


# ---- the instructions ----

_EXACT = ("contract",)


def _numbers(builder, kind, value):
    """(type, value) of each number of a tuple or a matrix, row by row."""
    for i, item in enumerate(kind):
        number = builder.extract_value(value, i)
        if isinstance(item, types.BaseTuple):
            yield from _numbers(builder, item, number)
        else:
            yield item, number


def _address(context, builder, kind, array, i):
    data = context.make_array(kind)(context, builder, array).data
    return builder.gep(data, [i])


@intrinsic
def _take(typing, arrays, i):
    signature = types.UniTuple(arrays.dtype.dtype, arrays.count)(arrays, types.intp)

    def generate(context, builder, signature, arguments):
        whole, i = arguments
        every = [builder.extract_value(whole, n) for n in range(arrays.count)]
        found = [
            builder.load(_address(context, builder, arrays.dtype, array, i)) for array in every
        ]
        return context.make_tuple(builder, signature.return_type, found)

    return signature, generate


@intrinsic
def _put(typing, arrays, i, values):
    signature = types.void(arrays, types.intp, values)

    def generate(context, builder, signature, arguments):
        whole, i, given = arguments
        numbers = _numbers(builder, values, given)
        for n, (kind, number) in zip(range(len(arrays)), numbers, strict=False):
            array = arrays[n]
            number = context.cast(builder, number, kind, array.dtype)
            place = _address(context, builder, array, builder.extract_value(whole, n), i)
            builder.store(number, place)
        return context.get_dummy_value()

    return signature, generate


def _matrix(kind, number):
    """Type of a vector or matrix of the same form with another type of number."""
    return types.Tuple(
        [_matrix(item, number) if isinstance(item, types.BaseTuple) else number for item in kind]
    )


def _rows(builder, kind, value):
    """[[(type, value), ...], ...] of a matrix; of a vector rows of one number."""
    found = []
    for i, item in enumerate(kind):
        row = builder.extract_value(value, i)
        nested = isinstance(item, types.BaseTuple)
        found.append(list(_numbers(builder, item, row)) if nested else [(item, row)])
    return found


def _made(context, builder, kind, rows):
    """The tuple of a type from rows of numbers."""
    items = [
        context.make_tuple(builder, item, row) if isinstance(item, types.BaseTuple) else row[0]
        for item, row in zip(kind, rows, strict=True)
    ]
    return context.make_tuple(builder, kind, items)


@intrinsic
def _joint(typing, first, others):
    signature = types.Tuple([first, *others])(first, others)

    def generate(context, builder, signature, arguments):
        items = [builder.extract_value(arguments[1], i) for i in range(len(others))]
        found = [arguments[0], *items]
        return context.make_tuple(builder, signature.return_type, found)

    return signature, generate


@intrinsic
def _passing(typing, passes, values, zero):
    result = _matrix(values, zero)
    signature = result(passes, values, zero)

    def generate(context, builder, signature, arguments):
        flags, given, nothing = arguments
        rows = []
        for i, row in enumerate(_rows(builder, values, given)):
            flag = context.cast(builder, builder.extract_value(flags, i), passes[i], types.boolean)
            flag = cgutils.as_bool_bit(builder, flag)
            rows.append(
                [builder.select(flag, context.cast(builder, x, k, zero), nothing) for k, x in row]
            )
        return _made(context, builder, result, rows)

    return signature, generate


@intrinsic
def _product(typing, a, b):
    number = next(iter(b[0])) if isinstance(b[0], types.BaseTuple) else b[0]
    width = len(b[0]) if isinstance(b[0], types.BaseTuple) else 0
    result = types.Tuple([types.Tuple([number] * width) if width else number] * len(a))
    signature = result(a, b)

    def generate(context, builder, signature, arguments):
        left, right = _rows(builder, a, arguments[0]), _rows(builder, b, arguments[1])
        rows = []
        for row in left:
            sums = []
            for column in zip(*right, strict=True):
                total = None
                for (kind, x), (other, y) in zip(row, column, strict=True):
                    x = context.cast(builder, x, kind, number)
                    y = context.cast(builder, y, other, number)
                    term = builder.fmul(x, y, flags=_EXACT)
                    total = term if total is None else builder.fadd(total, term, flags=_EXACT)
                sums.append(total)
            rows.append(sums)
        return _made(context, builder, result, rows)

    return signature, generate


@intrinsic
def _plus(typing, a, b):
    first = a[0]
    number = first[0] if isinstance(first, types.BaseTuple) else first
    result = _matrix(a, number)
    signature = result(a, b)

    def generate(context, builder, signature, arguments):
        rows = []
        for row, other in zip(
            _rows(builder, a, arguments[0]), _rows(builder, b, arguments[1]), strict=True
        ):
            pairs = [
                (context.cast(builder, x, k, number), context.cast(builder, y, m, number))
                for (k, x), (m, y) in zip(row, other, strict=True)
            ]
            rows.append([builder.fadd(x, y, flags=_EXACT) for x, y in pairs])
        return _made(context, builder, result, rows)

    return signature, generate


if not config.DISABLE_JIT:
    _product.plain_lines, _plus.plain_lines, _passing.plain_lines = product, plus, passing
    take, put, joint, passing = _take, _put, _joint, _passing
    product, plus = _product, _plus
