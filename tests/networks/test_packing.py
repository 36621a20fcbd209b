"""Packing: the matrices of the kernels against the parameters they come from, and
gradients as its exact adjoint.
"""

import itertools

import numpy as np
import pytest
import twin

import spinrnn
from spinrnn.kernels import tiles
from spinrnn.networks import packing
from spinrnn.networks.packing import Packing

SHAPES = [
    {"layers": (7,), "inputs": 1, "outputs": 1},
    {"layers": (5, 19, 3), "inputs": 9, "outputs": 11},
    {"layers": (17, 13), "inputs": 2},
]
DENSITIES = [(1, 1), (0.1, 0.1), (0.1, 1), (1, 0.1), (0.6, 0.15), (0.2, 0.9), (0.7, 0.5)]
KINDS = list(itertools.product(SHAPES, DENSITIES))


def network(shape, densities=(1, 1), dtype="float64", seed=0, **changes):
    """A network with gains that differ in each layer, all parameters away from zero."""
    gains = tuple(1.5 + 0.5 * i for i in range(len(shape["layers"])))
    density_int, density_ext = densities
    config = spinrnn.NetworkConfig(
        **shape,
        density_int=density_int,
        density_ext=density_ext,
        dtype=dtype,
        amplification=gains,
        output_amplification=3.0,
        **changes,
    )
    net = spinrnn.Network(config, seed=seed)
    net.parameters += np.random.default_rng(seed + 1).normal(size=net.parameters.size)
    return net


def packed(net):
    return Packing(net.config, net.layout, net.mask)


def matrices(weights):
    """Each line of the table as a dense matrix, read from the stored form by its
    description alone.
    """
    made = []
    for sparse, _, targets, _, sources, start, pointer, _, _, height, cut in weights.table:
        matrix = np.zeros((targets, sources))
        if sparse:
            for row in range(targets):
                entries = slice(*weights.pointers[pointer + row : pointer + row + 2])
                columns = weights.columns[entries]
                assert (np.diff(columns) > 0).all()
                matrix[row, columns] = weights.values[entries]
        else:
            assert (height, cut) == tiles.tile_heights(targets)
            row = 0
            while row < targets:
                height -= row == cut
                tile = weights.values[start + row * sources : start + (row + height) * sources]
                matrix[row : row + height] = tile.reshape(sources, height).T
                row += height
        made.append(matrix)
    return made


def assembled(weights, first, count, targets, sources):
    """Sum of the matrices first .. first + count - 1 at their places in one of all
    targets and sources.
    """
    total, seen = np.zeros((targets, sources)), np.zeros((targets, sources), int)
    started = np.zeros(targets, bool)
    for matrix, line in list(zip(matrices(weights), weights.table, strict=True))[
        first : first + count
    ]:
        rows, columns = slice(line[1], line[1] + line[2]), slice(line[3], line[3] + line[4])
        total[rows, columns] += matrix
        seen[rows, columns] += 1
        assert (started[rows] == line[8]).all(), (
            "a matrix adds to rows if and only if an earlier one has begun them"
        )
        started[rows] = True
    assert seen.max() == 1, "two matrices overlap"
    assert started.all(), "rows that nothing is written to"
    return total


@pytest.mark.parametrize(("shape", "densities"), KINDS)
def test_the_table_is_the_network(shape, densities):
    net = network(shape, densities)
    p = packed(net)
    w, c = p.pack(net.parameters), net.config
    views = net.layout.grouped(net.parameters * (1 if net.mask is None else net.mask))
    tops, n = np.cumsum([0, *c.layers]), sum(c.layers)
    expected = np.zeros((n, n))
    for i, gain in enumerate(c.amplifications):
        own = slice(tops[i], tops[i + 1])
        expected[own, own] = gain * views["w_int"][i]
        if i:
            expected[own, tops[i - 1] : tops[i]] = gain * views["w_ext"][i]
    close = {"rtol": 1e-15, "atol": 0}
    np.testing.assert_allclose(assembled(w, 0, w.forward, n, n), expected, **close)
    np.testing.assert_allclose(assembled(w, w.forward, w.backward, n, n), expected.T, **close)
    at = w.forward + w.backward
    assert len(w.table) == at + 3
    np.testing.assert_allclose(
        assembled(w, at, 1, c.layers[0], c.inputs), c.amplifications[0] * views["w_ext"][0], **close
    )
    np.testing.assert_allclose(
        assembled(w, at + 1, 1, c.outputs, c.layers[-1]), 3 * views["w_out"], **close
    )
    np.testing.assert_allclose(
        assembled(w, at + 2, 1, c.layers[-1], c.outputs), 3 * views["w_out"].T, **close
    )
    np.testing.assert_array_equal(w.values[w.bias : w.bias + n], np.concatenate(views["bias"]))
    np.testing.assert_allclose(w.values[w.b_out : w.b_out + c.outputs], 3 * views["b_out"], **close)
    assert w.b_out + c.outputs == len(w.values)
    assert (w.neurons, w.channels, w.last, w.classes) == (n, c.inputs, c.layers[-1], c.outputs)
    assert w.values.ctypes.data % tiles.LINE == 0


@pytest.mark.parametrize("densities", DENSITIES)
def test_each_block_is_stored_by_its_own_density(densities):
    shape = {"layers": (20, 30), "inputs": 8, "outputs": 4}
    net = network(shape, densities)
    p = packed(net)
    w = p.pack(net.parameters)
    sparse_int, sparse_ext = (d < packing.SPARSE_BELOW for d in densities)
    mixed = sparse_int or sparse_ext
    assert p.sparse == mixed
    # layer 0 has no layer below; of layer 1 ext and int are one matrix where both are of one kind
    expected = [
        sparse_int,
        *([sparse_int] if sparse_int == sparse_ext else [sparse_ext, sparse_int]),
    ]
    assert w.table[: w.forward, 0].tolist() == expected
    assert w.table[w.forward + w.backward, 0] == sparse_ext
    assert not w.table[-2:, 0].any()
    counts = {}  # where the dense kernel works, what is missing is multiplied too
    for name, (where, _) in net.layout.blocks.items():
        sparse = {"w_int": sparse_int, "w_ext": sparse_ext}.get(name[:5], False)
        counts[name] = net.mask[where].sum() if sparse else where.stop - where.start
    assert p.weights == sum(count for name, count in counts.items() if name.startswith("w"))


@pytest.mark.parametrize(("shape", "densities"), KINDS)
def test_gradients_come_back_by_the_adjoint(shape, densities):
    """<pack(x), y> = <x, unpack(y)>, y a gradient in the kernels' form, of which each
    number belongs to the entry of the table it is named after.
    """
    net = network(shape, densities)
    p, rng = packed(net), np.random.default_rng(3)
    w = p.pack(net.parameters)
    y = rng.normal(size=p.gradient_size)
    v, product = tiles.lanes(net.config.dtype), 0.0
    trained = [*range(w.forward), w.forward + w.backward, w.forward + w.backward + 1]
    made, used = matrices(w), np.zeros(p.gradient_size, int)
    for i in trained:
        sparse, _, targets, _, sources, _, pointer, at = w.table[i, :8]
        for row, column in itertools.product(range(targets), range(sources)):
            if sparse:
                first, last = w.pointers[pointer + row], w.pointers[pointer + row + 1]
                hit = np.flatnonzero(w.columns[first:last] == column)
                if not hit.size:
                    continue
                place = at + first - w.table[i, 5] + hit[0]
            else:
                place = at + (column // v * targets + row) * v + column % v
            used[place] += 1
            product += made[i][row, column] * y[place]
    for start, values_at, count in ((w.g_bias, w.bias, w.neurons), (w.g_b_out, w.b_out, w.classes)):
        used[start : start + count] += 1
        product += w.values[values_at : values_at + count] @ y[start : start + count]
    assert used.max() == 1, "two entries share a gradient"
    gradient = p.unpack_gradient(y, net.parameters)
    assert gradient @ net.parameters == pytest.approx(product, rel=1e-12)
    existing = np.ones(net.layout.size, bool) if net.mask is None else net.mask
    assert (gradient[~existing] == 0).all()
    assert (gradient[existing] != 0).all()
    # what no parameter reads may hold anything, NaN too
    y[used == 0] = np.nan
    np.testing.assert_array_equal(p.unpack_gradient(y, net.parameters), gradient)


@pytest.mark.parametrize("densities", DENSITIES)
def test_each_existing_parameter_is_packed_and_no_other(densities):
    net = network(SHAPES[1], densities)
    p = packed(net)
    base = p.pack(net.parameters).values.copy()
    for i in range(0, net.layout.size, 7):
        flat = net.parameters.copy()
        flat[i] = np.nan
        values = p.pack(flat).values
        changed = ~np.isclose(values, base, rtol=0, atol=0)
        block = next(
            name for name, (where, _) in net.layout.blocks.items() if where.start <= i < where.stop
        )
        # w_ext_0 acts forward only, biases have no transpose
        copies = 1 if block.startswith(("w_ext_0", "b")) else 2
        assert changed.sum() == (copies if net.mask is None or net.mask[i] else 0), block
        assert np.isnan(values[changed]).all()


def mixed_problem(net):
    rng = np.random.default_rng(5)
    return (
        rng.normal(size=(3, net.config.inputs, 4)),
        np.arange(3) % net.config.outputs,
        np.array([4, 2, 3]),
    )


@pytest.mark.parametrize("densities", [(0.1, 0.1), (0.7, 0.5), (0.1, 1)])
def test_missing_entries_may_hold_anything(densities):
    for what in (np.nan, np.inf, 1e30):
        net = network(SHAPES[1], densities)
        u, labels, lengths = mixed_problem(net)
        logits, (loss, gradient) = net.forward(u, lengths), net.loss_and_grad(u, labels, lengths)
        net.parameters[~net.mask] = what
        np.testing.assert_array_equal(net.forward(u, lengths), logits)
        again = net.loss_and_grad(u, labels, lengths)
        assert again[0] == loss
        np.testing.assert_array_equal(again[1], gradient)
        assert (gradient[~net.mask] == 0).all()


def test_a_mask_changed_in_place_is_noticed():
    """Also when a block becomes sparse or dense by it, or a mask comes or goes."""
    net = network(SHAPES[1], (0.7, 0.5))
    u, labels, lengths = mixed_problem(net)
    rng = np.random.default_rng(6)
    full = network(SHAPES[1]).parameters

    def check():
        seen = net.layout.grouped(net.parameters * (1 if net.mask is None else net.mask))
        np.testing.assert_allclose(
            net.forward(u, lengths),
            twin.logits(net.config, seen, u, lengths),
            rtol=1e-11,
            atol=1e-11,
        )
        gradient = net.loss_and_grad(u, labels, lengths)[1]
        assert net.mask is None or (gradient[~net.mask] == 0).all()
        return net._packing().sparse

    assert not check()
    first = net._packing()
    assert net._packing() is first
    net.mask[net.layout.blocks["w_int_1"][0]] &= rng.random(19 * 19) < 0.1
    assert check()
    net.mask[net.layout.blocks["w_int_1"][0]] = True
    net.parameters[:] = full
    assert not check()
    net.mask = None
    assert not check()
    net.mask = rng.random(net.layout.size) < 0.2  # by hand: also readout and biases
    assert check()
    net.mask[net.layout.blocks["w_out"][0]] = False
    net.mask[net.layout.blocks["w_int_0"][0]] = False
    assert check()


def test_parameters_are_not_changed_by_packing():
    for dtype in ("float32", "float64"):
        net = network(SHAPES[2], (0.1, 0.5), dtype)
        before = net.parameters.copy()
        w = packed(net).pack(net.parameters)
        assert w.values.dtype == np.dtype(dtype)
        assert not np.shares_memory(w.values, net.parameters)
        np.testing.assert_array_equal(net.parameters, before)
