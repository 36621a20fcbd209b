"""How a batch is cut up, by blocks, segments, threads and calls, must not show: the
same bits, whatever the plan; and memory as planned.
"""

import dataclasses
import itertools
import tracemalloc

import numpy as np
import pytest
import twin

import spinrnn
from spinrnn.kernels import blocks as kernels
from spinrnn.kernels import tiles, workspace
from spinrnn.kernels.workspace import Memory
from spinrnn.networks import planning
from spinrnn.networks import running as engine
from spinrnn.networks.packing import Packing
from spinrnn.networks.planning import plan

KINDS = list(itertools.product(("oscillator", "ctrnn"), ("exponential", "euler")))
DTYPES = ["float32", "float64"]
DENSITIES = [1, 0.2]
SOME = [kind if kind != ("ctrnn", "euler") else pytest.param(*kind, marks=pytest.mark.slow)
        for kind in KINDS]  # fmt: skip
"""For what takes long: each kind and each scheme is quick once."""


@pytest.fixture(autouse=True)
def settings():
    """Each test may set threads and memory."""
    spinrnn.set_threads(1)
    spinrnn.set_memory_limit(2**40)
    yield
    spinrnn.set_threads(None)
    spinrnn.set_memory_limit(None)


def network(density=1, layers=(6, 9, 5), seed=1, **changes):
    """Small, with gains and all parameters away from zero; sparse below 0.3."""
    config = spinrnn.NetworkConfig(
        layers=layers, inputs=2, outputs=3, density_int=density, density_ext=density, **changes
    )
    net = spinrnn.Network(config, seed=seed)
    net.parameters += 0.2 * np.random.default_rng(seed).normal(size=net.parameters.size)
    assert net._packing().sparse == (density < 0.3)
    return net


def batch(net, samples, points, shortest=1, seed=0):
    rng = np.random.default_rng(seed)
    u = rng.normal(size=(samples, net.config.inputs, points)).astype(net.config.dtype)
    lengths = rng.integers(shortest, points + 1, samples)
    lengths[rng.integers(samples)] = points
    return u, rng.integers(0, net.config.outputs, samples), lengths


def plan_of(net, samples, points, limit=None, backward=True):
    return plan(
        net.config, Packing(net.config, net.layout, net.mask), samples, points, backward, limit
    )


def bits(net, u, labels, lengths):
    """All that a training step returns, as bytes, on memory of its own."""
    logits, loss, gradient = net.replace().logits_loss_grad(u, labels, lengths)
    return logits.tobytes(), loss, gradient.tobytes()


def all_limits(net, samples, points):
    """{segments: a limit that leads to them}, for the threads in use."""
    packing = Packing(net.config, net.layout, net.mask)
    whole = plan(net.config, packing, samples, points, True, None).whole
    plans = [
        plan(net.config, packing, samples, points, True, int(limit))
        for limit in np.geomspace(whole, whole / 50, 400)
    ]
    limits = {p.segments: p.bytes for p in plans}
    assert {1, 2, 3} <= set(limits)
    assert max(limits) > 3
    return limits


# ---- segments ----


@pytest.mark.parametrize("density", DENSITIES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("neuron", "scheme"), SOME)
def test_segments_do_not_change_a_bit(neuron, scheme, dtype, density):
    """Three substeps for each point and chunks of 8 or 2: segments begin within
    intervals, cases end and windows lie across their borders.
    """
    net = network(density, neuron=neuron, scheme=scheme, dtype=dtype, substeps=3, readout_window=2)
    samples, points = 37, 23
    u, labels, lengths = batch(net, samples, points, shortest=2)
    expected = bits(net, u, labels, lengths)
    seen = set()
    for count, limit in all_limits(net, samples, points).items():
        p = plan_of(net, samples, points, limit)
        borders = np.arange(1, p.segments) * p.segment
        seen |= {
            (border % 3 != 0, ((lengths * 3 - 6 < border) & (border < lengths * 3)).any())
            for border in borders.tolist()
        }
        spinrnn.set_memory_limit(limit)
        assert bits(net, u, labels, lengths) == expected, count
    assert (True, True) in seen
    if neuron == "oscillator" or density == 1:
        assert points * 3 % p.chunk


def test_segments_of_a_network_with_wide_blocks(monkeypatch):
    monkeypatch.setattr(planning, "LARGE_WEIGHTS", 0)
    net = network(substeps=3)
    u, labels, lengths = batch(net, 100, 23)
    assert plan_of(net, 100, 23).block == 2
    expected = bits(net, u, labels, lengths)
    for limit in all_limits(net, 100, 23).values():
        spinrnn.set_memory_limit(limit)
        assert bits(net, u, labels, lengths) == expected


def test_segments_when_all_cases_of_a_block_end_early():
    """The last segments do not exist for the first block."""
    net = network(substeps=2, dtype="float64")
    u, labels, lengths = batch(net, 24, 40)
    lengths[:8] = 3
    expected = bits(net, u, labels, lengths)
    for limit in all_limits(net, 24, 40).values():
        spinrnn.set_memory_limit(limit)
        assert bits(net, u, labels, lengths) == expected


@pytest.mark.parametrize("points", [16, 17, 25, 33])
def test_a_last_segment_of_a_single_substep(points):
    net = network(substeps=1, dtype="float64")
    u, labels, lengths = batch(net, 20, points)
    expected = bits(net, u, labels, lengths)
    for p in (
        plan_of(net, 20, points, 1),
        plan_of(net, 20, points, plan_of(net, 20, points).whole - 1),
    ):
        assert p.segments > 1
        spinrnn.set_memory_limit(p.bytes)
        assert bits(net, u, labels, lengths) == expected


def test_segments_run_the_forward_pass_less_than_twice(monkeypatch):
    """And the backward pass once: what a compiled call is asked for is what is planned."""
    net = network(substeps=2)
    u, labels, _ = batch(net, 16, 40)
    asked, right = [], kernels.run_blocks
    monkeypatch.setattr(
        kernels, "run_blocks", lambda *a: asked.append((a[8], a[9], a[10], a[11].kept)) or right(*a)
    )
    limit = all_limits(net, 16, 40)[3]
    spinrnn.set_memory_limit(limit)
    p = plan_of(net, 16, 40, limit)
    net.loss_and_grad(u, labels)
    net.forward(u)
    assert asked == [(p.block, p.segment, True, p.segment), (1, 80, False, 1)]
    assert p.segment * p.segments >= 80 > p.segment * (p.segments - 1)
    assert p.segment % p.chunk == 0


# ---- memory ----


def test_what_does_not_fit_is_said_before_it_is_taken():
    net = network(substeps=2)
    u, labels, _ = batch(net, 40, 9)
    least = plan_of(net, 40, 9, 1).bytes
    for limit, fits in ((least, True), (least - 1, False)):
        spinrnn.set_memory_limit(limit)
        for call in (lambda: net.loss_and_grad(u, labels), lambda: net.plan(40, 9)):
            if fits:
                call()
            else:
                with pytest.raises(
                    spinrnn.MemoryLimitError,
                    match=r"a batch of 40 cases with 18 substeps needs .* at least, "
                    r".* are allowed; .*--memory",
                ):
                    call()


@pytest.mark.parametrize("density", DENSITIES)
@pytest.mark.parametrize("samples", [1, 40, 300])
def test_the_plan_fits_wherever_anything_fits(density, samples):
    """Against all segments there are."""
    for points, substeps in ((1, 1), (3, 2), (50, 3), (173, 1)):
        net = network(density, substeps=substeps)
        steps = points * substeps
        whole = plan_of(net, samples, points)
        assert (whole.segments, whole.segment, whole.bytes) == (1, steps, whole.whole)
        fixed = whole.bytes - _kept(net, whole, steps, 1)
        needs = {
            segment: fixed + _kept(net, whole, segment, -(-steps // segment))
            for segment in range(whole.chunk, steps, whole.chunk)
        }
        needs[steps] = whole.bytes
        least = min(needs.values())
        for limit in (
            *np.geomspace(least, whole.bytes, 9).astype(int).tolist(),
            least,
            least - 1,
            1,
            whole.bytes,
            whole.bytes - 1,
        ):
            p = plan_of(net, samples, points, limit)
            assert p.bytes == needs[p.segment]
            assert p.whole == whole.bytes
            assert p.segments == -(-steps // p.segment)
            assert (p.block, p.chunk, p.blocks) == (whole.block, whole.chunk, whole.blocks), (
                "these make the bits"
            )
            if limit >= least:
                assert p.bytes <= limit
                fewest = min(
                    -(-steps // segment) for segment, need in needs.items() if need <= limit
                )
                assert p.segments == fewest
            else:
                assert p.bytes == least  # as little as can be


def _kept(net, p, segment, segments):
    """Bytes of what is kept for each substep and for each segment: z, dp'/dp, dp'/dI;
    state, mean, z.
    """
    size = p.block * sum(net.config.layers) * tiles.LINE
    return p.threads * size * (3 * segment + (3 * segments if segments > 1 else 0))


def test_a_long_sequence_takes_a_fifth():
    """10,000 steps, 3 x 32, batch 128: what is promised, and how far it goes."""
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(32, 32, 32), substeps=4))
    whole = plan_of(net, 128, 2500)
    fifth = plan_of(net, 128, 2500, whole.bytes // 5)
    assert fifth.bytes <= whole.bytes / 5
    assert fifth.segments < 10
    assert plan_of(net, 128, 2500, 1).bytes < 0.03 * whole.bytes


def test_inference_keeps_no_history():
    net = network(substeps=2)
    short, long = (plan_of(net, 64, points, backward=False) for points in (2, 5000))
    assert short.bytes == long.bytes == plan_of(net, 64, 5000, 1, backward=False).bytes
    assert long.segments == 1
    assert plan_of(net, 64, 5000).bytes > 100 * long.bytes


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("density", DENSITIES)
def test_the_memory_planned_is_the_memory_taken(density, threads):
    net = network(density, layers=(24, 24), substeps=4)
    samples, points = 256, 60
    u, labels, lengths = batch(net, samples, points, shortest=points)
    spinrnn.set_threads(threads)
    net.loss_and_grad(u[:2, :, :2], labels[:2])  # compiles, starts threads
    for segments in (1, 2, 6):
        limits = np.geomspace(10**8, 10**4, 200).astype(int).tolist()
        p = next(
            p
            for p in (plan_of(net, samples, points, limit) for limit in limits)
            if p.segments >= segments
        )
        spinrnn.set_memory_limit(p.bytes)
        fresh = net.replace()
        packing = fresh._packing()
        tracemalloc.start()
        try:
            fresh.loss_and_grad(u, labels, lengths)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        # inputs by time, their copies and index, parameters, logits
        others = 6 * u.nbytes + 20 * net.parameters.nbytes + 40_000
        # on a busy machine one thread may have done the work of both
        taken = [fresh._runner._take(2**40).bytes for _ in range(p.threads)]
        held = [size for size in taken if size]
        gradients = p.blocks * packing.gradient_size * 4
        each = (p.bytes - gradients) / p.threads
        assert held
        assert all(each <= size < 1.02 * each + 10_000 for size in held)
        assert gradients + len(held) * each <= peak < p.bytes + others


def test_planned_numbers_are_the_parts_of_the_work_memory():
    """Each part has its place, within the memory and beside the others."""
    for density, backward in itertools.product(DENSITIES, (True, False)):
        net = network(density)
        p = plan_of(net, 100, 7, backward=backward)
        for history, kept in ((0, p.segment), (9, 1)):
            shape = p.shape(net._packing(), history, kept)
            work, sizes = Memory().work(shape, net.config.dtype), workspace.sizes(shape)
            spans = sorted((getattr(work, name), size) for name, size in sizes.items())
            assert spans[0][0] == 0
            for (start, size), (after, _) in itertools.pairwise([*spans, (work.memory.size, 0)]):
                assert start % (tiles.LINE // 4) == 0
                assert start + size <= after


@pytest.mark.parametrize("density", DENSITIES)
@pytest.mark.parametrize(("neuron", "scheme"), SOME)
def test_nothing_is_read_before_it_is_written(monkeypatch, neuron, scheme, density):
    """Memory full of NaN, also behind the inputs, changes no bit; nor does what an
    earlier, larger batch left there.
    """
    net = network(density, neuron=neuron, scheme=scheme, substeps=3, readout_window=1)
    u, labels, lengths = batch(net, 70, 23)
    states = [x.tobytes() for x in net.simulate(u, lengths).state]
    limits = list(all_limits(net, 70, 23).values())
    expected = bits(net, u, labels, lengths)
    right = engine.aligned

    def poisoned(values):
        made = right(values)
        if isinstance(values, tuple):
            made[:] = np.nan
        return made

    monkeypatch.setattr(engine, "aligned", poisoned)
    monkeypatch.setattr(workspace, "aligned", poisoned)
    for limit in limits:
        spinrnn.set_memory_limit(limit)
        assert bits(net, u, labels, lengths) == expected
    spinrnn.set_memory_limit(2**40)
    assert [x.tobytes() for x in net.simulate(u, lengths).state] == states
    net.loss_and_grad(
        np.concatenate([u, 3 * u]), np.concatenate([labels, labels])
    )  # leaves large numbers
    logits, loss, gradient = net.logits_loss_grad(u, labels, lengths)
    assert (logits.tobytes(), loss, gradient.tobytes()) == expected


# ---- blocks, threads, calls ----


@pytest.mark.parametrize("density", DENSITIES)
@pytest.mark.parametrize(
    ("wide", "dtype"),
    [
        (False, "float32"),
        (True, "float64"),
        pytest.param(False, "float64", marks=pytest.mark.slow),
        pytest.param(True, "float32", marks=pytest.mark.slow),
    ],
)
def test_threads_calls_and_segments_do_not_change_a_bit(monkeypatch, dtype, density, wide):
    if wide:
        monkeypatch.setattr(planning, "LARGE_WEIGHTS", 0)
    net = network(density, dtype=dtype, substeps=3)
    u, labels, lengths = batch(net, 300, 11)
    assert plan_of(net, 300, 11).block == (4 if density < 0.3 else 2 if wide else 1)
    expected, forward = bits(net, u, labels, lengths), net.forward(u, lengths).tobytes()
    for threads, call in ((1, engine.LONGEST_CALL), (3, engine.LONGEST_CALL), (7, 1)):
        spinrnn.set_threads(threads)
        monkeypatch.setattr(engine, "LONGEST_CALL", call)
        # the limit that leads to three segments
        for limit in (2**40, all_limits(net, 300, 11)[3]):
            spinrnn.set_memory_limit(limit)
            assert bits(net, u, labels, lengths) == expected
        assert net.forward(u, lengths).tobytes() == forward == expected[0]


def test_a_network_with_large_weights_has_wide_blocks():
    for n, wide in ((64, False), (512, True)):
        net = spinrnn.Network(spinrnn.NetworkConfig(layers=(n, n, n)))
        assert plan_of(net, 1000, 8).block == (2 if wide else 1)
    assert plan_of(net, 16, 8).block == 1


@pytest.mark.parametrize("density", DENSITIES)
def test_blocks_of_any_width(monkeypatch, density):
    """Also wider than what the tiles serve at once, and with a last block that is narrower."""
    net = network(density, dtype="float64")
    u, labels, lengths = batch(net, 83, 5)
    results = []
    for width in (1, 2, 3, 4, 5, 11):
        monkeypatch.setattr(
            planning,
            "block_and_chunk",
            lambda config, packing, panels, width=width: (width, max(1, 8 // width)),
        )
        assert plan_of(net, 83, 5).block == width
        results.append(net.logits_loss_grad(u, labels, lengths))
    for logits, loss, gradient in results[1:]:
        np.testing.assert_array_equal(logits, results[0][0])
        assert loss == results[0][1]
        np.testing.assert_allclose(
            gradient, results[0][2], rtol=0, atol=1e-14 * np.abs(gradient).max()
        )


@pytest.mark.parametrize("density", DENSITIES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("neuron", "scheme"), SOME)
def test_a_case_does_not_see_the_others(neuron, scheme, dtype, density):
    """Alone, first, last or in the middle, with any number of others: the same logits
    to the bit, and the gradient is the mean.
    """
    net = network(density, neuron=neuron, scheme=scheme, dtype=dtype, substeps=2, readout_window=1)
    u, labels, lengths = batch(net, 129, 5)
    alone = np.concatenate([net.forward(u[i : i + 1], lengths[i : i + 1]) for i in range(129)])
    gradients = np.array(
        [
            net.loss_and_grad(u[i : i + 1], labels[i : i + 1], lengths[i : i + 1])[1]
            for i in range(129)
        ],
        dtype=float,
    )
    scale = np.abs(gradients.mean(0)).max()
    for samples in (1, 7, 8, 9, 15, 16, 17, 127, 128, 129):
        for first in {0, 129 - samples}:
            own = slice(first, first + samples)
            logits, _, gradient = net.logits_loss_grad(u[own], labels[own], lengths[own])
            np.testing.assert_array_equal(logits, alone[own])
            np.testing.assert_array_equal(net.forward(u[own], lengths[own]), alone[own])
            np.testing.assert_array_equal(net.simulate(u[own], lengths[own]).logits, alone[own])
            mean = gradients[own].mean(0)
            np.testing.assert_allclose(
                gradient,
                mean,
                rtol=0,
                atol=100 * np.finfo(dtype).eps * max(scale, np.abs(mean).max()),
            )


def test_no_cases_at_all():
    for density in DENSITIES:
        net = network(density)
        u = np.zeros((0, 2, 5))
        assert net.forward(u).shape == (0, 3)
        assert net.simulate(u).logits.shape == (0, 3)
        p = plan_of(net, 0, 0)
        assert (p.panels, p.blocks) == (0, 0)


def test_compiled_calls_are_short_and_cover_all_blocks(monkeypatch):
    net = network()
    packing = net._packing()
    for samples, threads, longest in itertools.product((1, 100, 3000), (1, 2, 5), (1, 1e6, 1e12)):
        spinrnn.set_threads(threads)
        monkeypatch.setattr(engine, "LONGEST_CALL", longest)
        p = plan_of(net, samples, 50)
        groups = engine.call_groups(packing, p, True)
        assert [b for first, last in groups for b in range(first, last)] == list(range(p.blocks))
        each = 2 * 3 * packing.weights * 50 * net.config.resolved_substeps * p.block * 16
        assert max(last - first for first, last in groups) in range(
            1, max(1, int(longest / each)) + 1
        )
        if p.blocks >= 2 * threads:
            assert len(groups) >= threads


# ---- divergence ----


def first_bad(net, u, length):
    """(layer, neuron, substep) at which the twin's state first is not finite."""
    views, record = net.layout.grouped(net.parameters * (1 if net.mask is None else net.mask)), []
    with np.errstate(all="ignore"):
        twin.logits(net.config, views, u[None], [length], record)
    for k, (states, _) in enumerate(record):
        for layer, state in enumerate(states):
            if not np.isfinite(state).all():
                return layer, int(np.argmax(~np.isfinite(state))), k - 1
    raise AssertionError("the twin does not diverge")


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("density", DENSITIES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_divergence_is_located(dtype, density, threads):
    """Of several bad cases in several blocks the first; one whose bad input comes after
    its end is none.
    """
    spinrnn.set_threads(threads)
    net = network(
        density, scheme="euler", substeps=3, dtype=dtype, power_floor=0.0, readout_window=2
    )
    u, labels, lengths = batch(net, 150, 14, shortest=3)
    clean = net.logits_loss_grad(u, labels, lengths)[0]
    lengths[[3, 149]] = 3, 14
    u[3, :, 3:] = 1e30
    short = net.replace(readout_window=0)
    assert np.isfinite(net.forward(u, lengths)).all()
    np.testing.assert_array_equal(
        np.delete(net.forward(u, lengths), (3, 149), axis=0), np.delete(clean, (3, 149), axis=0)
    )
    for bad in ([149], [148, 149], [70, 133, 149], [17, 18, 31, 140], [0, 149]):
        wrong = u.copy()
        for i, case in enumerate(bad):
            lengths[case] = 14 - i
            wrong[case, :, 5 - i :] = 3e3
        record = first_bad(net, wrong[bad[0]].astype(float), 14)
        for limit, call in itertools.product(
            (2**40, plan_of(net, 150, 14, 1).bytes), (net.forward, net.loss_and_grad, net.simulate)
        ):
            spinrnn.set_memory_limit(limit if call != net.simulate else 2**40)
            with pytest.raises(spinrnn.DivergenceError, match=f"case {bad[0]}, layer") as caught:
                call(wrong, *([labels] if call == net.loss_and_grad else []), lengths)
            error = caught.value
            assert error.case == bad[0]
            assert f"input point {error.step // 3})" in str(error)
            if dtype == "float64":
                assert (error.layer, error.neuron, error.step) == record
            one, point = wrong[bad[0] : bad[0] + 1], error.step // 3
            assert np.isfinite(short.simulate(one[:, :, :point]).state[error.layer]).all()
            with pytest.raises(
                spinrnn.DivergenceError, match=f"neuron {error.neuron}, step {error.step} "
            ):
                short.simulate(one[:, :, : point + 1])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("density", DENSITIES)
@pytest.mark.parametrize(("neuron", "scheme"), KINDS)
def test_a_bad_parameter_of_any_block_raises(neuron, scheme, density, value):
    net = network(density, neuron=neuron, scheme=scheme)
    u, labels, lengths = batch(net, 20, 3)
    kept = net.parameters.copy()
    for block, (where, _) in net.layout.blocks.items():
        existing = (
            np.arange(where.start, where.stop)
            if net.mask is None
            else where.start + np.flatnonzero(net.mask[where])
        )
        for place in {int(existing[0]), int(existing[-1])}:
            net.parameters[:] = kept
            net.parameters[place] = value
            for call in (
                lambda: net.loss_and_grad(u, labels, lengths),
                lambda: net.forward(u[:1], lengths[:1]),
            ):
                with pytest.raises(spinrnn.DivergenceError) as caught:
                    call()
                assert caught.value.case in (0, None), block
                assert caught.value.step in (0, None), block


def test_a_network_goes_on_after_a_divergence():
    net = network(scheme="euler", substeps=1, power_floor=0.0)
    u, labels, lengths = batch(net, 40, 6)
    expected = bits(net, u, labels, lengths)
    wrong = u.copy()
    wrong[20] = 1e6
    with pytest.raises(spinrnn.DivergenceError):
        net.loss_and_grad(wrong, labels, lengths)
    logits, loss, gradient = net.logits_loss_grad(u, labels, lengths)
    assert (logits.tobytes(), loss, gradient.tobytes()) == expected


@pytest.mark.parametrize(("neuron", "scheme"), KINDS)
def test_constants_are_those_of_the_model(neuron, scheme):
    net = network(
        neuron=neuron,
        scheme=scheme,
        dtype="float64",
        highpass_time=70e-9,
        nonlinear_damping=0.3,
        bias_ratio=2.5,
        substeps=5,
    )
    c = engine.constants_of(dataclasses.replace(net.config, readout_window=2), 8)
    h = 1 / 5
    assert c.step == pytest.approx(h)
    assert (c.substeps, c.chunk) == (5, 8)
    np.testing.assert_allclose(c.readout, [0.05, *[0.1] * 9, 0.05])
    assert (c.now, c.before) == ((1, 0) if scheme == "euler" else (1.5, -0.5))
    if neuron == "ctrnn":
        assert c.blend == 0
    else:
        assert c.blend == pytest.approx(1 - np.exp(-h / 7))
        assert c.ahead == (0 if scheme == "euler" else 0.5)


@pytest.mark.parametrize("neuron", ["oscillator", "ctrnn"])
def test_the_neurons_are_those_of_the_model(neuron):
    net = network(neuron=neuron, dtype="float64", nonlinear_damping=0.3, bias_ratio=2.5)
    count = sum(net.config.layers)
    known = net._packing().neurons(net.parameters)
    assert (known.table[:, 1:] == [[0, count, 0, 0, 0, 1]]).all()
    numbers = known.numbers.reshape(-1, count)
    if neuron == "ctrnn":
        np.testing.assert_array_equal(numbers, 1)
        expected = (0, 0, 0)
    else:
        np.testing.assert_allclose(numbers[:, 0], [1, 0.3, 1e-6, 0, 2.5])
        expected = (2.5, 1.5 / 2.8, 1.5 / 2.8)
    for values, right in zip((known.bias, known.rest, known.mean), expected, strict=True):
        np.testing.assert_allclose(values, np.full(count, right))


def test_fewer_threads_where_only_they_fit():
    net = network(substeps=2)
    u, labels, lengths = batch(net, 64, 40)
    expected = bits(net, u, labels, lengths)
    spinrnn.set_threads(4)
    least = plan_of(net, 64, 40, 1)
    assert least.threads == 1
    assert plan_of(net, 64, 40, least.bytes - 1).bytes == least.bytes
    spinrnn.set_memory_limit(least.bytes)
    assert bits(net, u, labels, lengths) == expected
    assert plan_of(net, 64, 40, 3 * least.bytes).threads > 1
    few = plan_of(net, 64, 40, 1, backward=False)
    assert few.threads == 1 < plan_of(net, 64, 40, backward=False).threads


def test_memory_above_the_limit_is_let_go():
    net = network(substeps=2)
    u, labels, _ = batch(net, 16, 40)
    net.loss_and_grad(u, labels)
    least = plan_of(net, 16, 40, 1)
    spinrnn.set_memory_limit(least.bytes)
    net.loss_and_grad(u, labels)
    assert sum(net._runner._take(2**40).bytes for _ in range(3)) <= 1.05 * least.bytes + 10_000


def test_a_case_that_ended_large_does_not_poison_the_others():
    """Its power is finite at its end, the derivative of the step after it, which does
    not count, is not.
    """
    net = spinrnn.Network(
        spinrnn.NetworkConfig(
            layers=(1,),
            outputs=2,
            scheme="euler",
            substeps=1,
            power_floor=0.0,
            relaxation_time=40e-9,
        )
    )
    net.views()["w_ext"][0][:] = 1
    u = np.zeros((2, 1, 3))
    u[0] = 1e26
    wrong = int(net.forward(u, [1, 3])[0].argmin())
    loss, gradient = net.loss_and_grad(u, [wrong, 1], [1, 3])
    assert loss > 1e20
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 1e20


def test_another_configuration_is_noticed():
    net = network()
    u, _, lengths = batch(net, 3, 4)
    net.forward(u, lengths)
    net.config = dataclasses.replace(net.config, amplification=2.0)
    np.testing.assert_array_equal(net.forward(u, lengths), net.replace().forward(u, lengths))


def test_a_simulation_that_does_not_fit_is_refused():
    net = network(substeps=2)
    u, _, _ = batch(net, 40, 50)
    spinrnn.set_memory_limit(100_000)
    with pytest.raises(
        spinrnn.MemoryLimitError,
        match=r"a simulation of 40 cases with 100 substeps needs .* fewer cases at a time",
    ):
        net.simulate(u)
