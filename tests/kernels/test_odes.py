"""The compiled steps of a learned equation and their adjoint against plain lines of
NumPy, the complex step, and the order of the rules."""

import numpy as np
import pytest

from spinrnn.kernels import odes
from spinrnn.kernels.tiles import aligned, lanes
from spinrnn.neurons.oscillator import Oscillator, strong_exponential

V = lanes(np.float64)
RNG = np.random.default_rng(5)
NOTHING = odes.NOTHING


def network(x, flat, shapes):
    """f of (..., inputs), of real or complex weights."""
    at = 0
    for layer, (rows, depth) in enumerate(shapes):
        matrix = flat[at : at + rows * depth].reshape(rows, depth)
        x = x @ matrix[:, :-1].T + matrix[:, -1]
        x = np.tanh(x) if layer < len(shapes) - 1 else x
        at += rows * depth
    return x


def plain_step(z, flat, shapes, rule, h, drives, t, k):
    """z' of z (window, k) at the samples t (window,)."""
    slopes = []
    now = np.concatenate([drives[:, t + i].T for i in range(k)], axis=1)
    then = np.concatenate([drives[:, t + 1 + i].T for i in range(k)], axis=1)
    # the kernels have the k values of a drive side by side
    order = [i * len(drives) + d for d in range(len(drives)) for i in range(k)]
    now, then = now[:, order], then[:, order]
    for i in range(4):
        stage = z + h * sum((rule.a[i, j] * slopes[j] for j in range(i)), np.zeros_like(z))
        v = now + rule.c[i] * (then - now)
        slopes.append(network(np.concatenate([stage, v], axis=1), flat, shapes))
    return z + h * sum(rule.b[i] * slopes[i] for i in range(4))


def known_half(z, drives, t, blend, known):
    """Half a step of the oscillator of each state."""
    now = np.stack([drives[0, t + i] for i in range(z.shape[1])], axis=1)
    then = np.stack([drives[0, t + 1 + i] for i in range(z.shape[1])], axis=1)
    current = known.bias + known.gain * (now + blend * (then - now))
    g, gq = known.q[:2]
    p = known.unit * z + known.offset
    # the solution of dp/dt = -(g + gq p) p + I (1 - p) p for a held drive
    a, c, half = current - g, current + gq, known.step / 2
    grown = np.exp(a * half)
    p = a * p * grown / (a + c * p * (grown - 1))
    return (p - known.offset) / known.unit


def plain_loss(flat, shapes, rule, h, series, scale, steps, k, known=None):
    y, drives, starts = series
    z = np.stack([y[starts + i] for i in range(k)], axis=1).astype(flat.dtype)
    total = 0.0
    for n in range(steps):
        if known is not None:
            z = known_half(z, drives, starts + n, rule.halves[0], known)
        z = plain_step(z, flat, shapes, rule, h, drives, starts + n, k)
        if known is not None:
            z = known_half(z, drives, starts + n, rule.halves[1], known)
        wanted = np.stack([y[starts + n + 1 + i] for i in range(k)], axis=1)
        error = np.where(np.isnan(wanted), 0, z - wanted)
        total = total + (scale[:, None] * error**2).sum()
    return total


def problem(k, drives=1, hidden=(5, 13), panels=2, steps=4, seed=0):
    """(layout, weights, series, scale, h, steps) of random numbers."""
    rng = np.random.default_rng(seed)
    layout = odes.Layout((k * (1 + drives), *hidden, k), k)
    flat = 0.5 * rng.standard_normal(layout.size)
    y = rng.uniform(0.2, 0.6, 60)
    y[30] = np.nan
    # of some of which the missing sample is a target
    starts = np.r_[26:29, rng.permutation(np.r_[0:20, 35:50])][: panels * V]
    series = odes.Series(y, rng.standard_normal((drives, 60)), starts.astype(np.int64))
    return layout, flat, series, rng.uniform(0.5, 1, panels * V), 0.1, steps


def compiled_gradient(case, rule, base=None, known=NOTHING, cut=None):
    """(loss, gradient) of the kernel; cut: panels of a first call."""
    layout, flat, series, scale, h, steps = case
    panels = len(scale) // V
    memory, places = layout.memory(steps)
    gradient, losses = aligned((panels * layout.gradient, np.dtype(float))), np.zeros(panels)
    entry = odes.entry("window_gradient", base)
    for first, last in [(0, panels)] if cut is None else [(cut, panels), (0, cut)]:
        entry(
            layout.net(flat), rule, h, known, series, scale, steps, first, last, memory, places,
            gradient, losses,
        )  # fmt: skip
    return losses.sum(), gradient.reshape(panels, -1).sum(axis=0)[layout.places]


def of_complex_step(case, rule, known=None):
    """(loss, gradient) of the plain lines by the complex step."""
    layout, flat, series, scale, h, steps = case
    arguments = layout.shapes, rule, h, series, scale, steps, layout.states, known
    loss = plain_loss(flat, *arguments)
    gradient = np.empty(layout.size)
    for i in range(layout.size):
        moved = flat.astype(complex)
        moved[i] += 1e-30j
        gradient[i] = plain_loss(moved, *arguments).imag / 1e-30
    return loss, gradient


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize(("name", "k", "drives"), [("3/8", 2, 1), ("3/8", 1, 2), ("rk4", 2, 1)])
def test_the_gradient_of_windows_is_that_of_the_complex_step(name, k, drives, held):
    case, rule = problem(k, drives, seed=k), odes.rule_of(name, held)
    loss, gradient = compiled_gradient(case, rule)
    wanted, slopes = of_complex_step(case, rule)
    assert loss == pytest.approx(wanted, rel=1e-13)
    np.testing.assert_allclose(gradient, slopes, rtol=0, atol=1e-12 * np.abs(slopes).max())


@pytest.mark.slow
def test_the_gradient_beside_a_known_equation():
    case, rule = problem(2), odes.rule_of("3/8", False)
    known = odes.Known(
        np.array([0.8, 0.5, 0.0, 0.0, 0.0]), np.zeros(0), 0.5, 0.1, 1.3, 0.2, case[4]
    )
    base = strong_exponential, None, 5
    loss, gradient = compiled_gradient(case, rule, base, known)
    wanted, slopes = of_complex_step(case, rule, known)
    assert loss == pytest.approx(wanted, rel=1e-12)
    np.testing.assert_allclose(gradient, slopes, rtol=0, atol=1e-11 * np.abs(slopes).max())
    assert len(Oscillator().nominal_numbers(1e-9)) == 5


def test_windows_do_not_depend_on_who_computes_them():
    case, rule = problem(2, panels=3), odes.rule_of("3/8", True)
    whole, cut = compiled_gradient(case, rule), compiled_gradient(case, rule, cut=1)
    assert whole[0] == cut[0]
    assert whole[1].tobytes() == cut[1].tobytes()


def test_what_was_not_recorded_does_not_count_but_nan_of_the_model_does():
    case = problem(1)
    flat = case[1].copy()
    assert np.isfinite(compiled_gradient(case, odes.rule_of("3/8", True))[0])
    flat[0] = np.nan
    broken = (case[0], flat, *case[2:])
    assert np.isnan(compiled_gradient(broken, odes.rule_of("3/8", True))[0])


def run(layout, flat, series, h, steps, rule, start, noise=None, normals=None):
    """(steps + 1, k, V) of a free run of one panel."""
    memory, places = layout.memory(1, noise and noise[0])
    out = np.zeros((steps + 1, layout.states, V))
    out[0] = start
    net = layout.net(flat)
    own = noise[0].net(noise[1]) if noise else net
    drawn = np.zeros(0) if normals is None else normals.ravel()
    odes.entry("free_run")(
        net, rule, h, NOTHING, series, own, np.sqrt(h), drawn, steps, 0, 1, memory, places,
        out.reshape(-1),
    )  # fmt: skip
    return out


@pytest.mark.parametrize("name", ["3/8", "rk4"])
def test_the_rules_are_of_fourth_order(name):
    layout, flat, *_ = problem(1, seed=3)
    start, found = RNG.uniform(-1, 1, (1, V)), []
    for steps in (16, 32, 64, 1024):
        drive = np.linspace(-1, 1, steps + 1)[None]
        series = odes.Series(np.zeros(1), drive, np.zeros(V, dtype=np.int64))
        rule = odes.rule_of(name, False)
        found.append(run(layout, flat, series, 2 / steps, steps, rule, start)[-1])
    errors = np.array([np.abs(end - found[-1]).max() for end in found[:-1]])
    orders = np.log2(errors[:-1] / errors[1:])
    np.testing.assert_allclose(orders, 4, atol=0.25)


def test_free_runs_are_the_steps_of_windows():
    layout, flat, series, _, h, steps = problem(2, panels=1)
    rule = odes.rule_of("3/8", False)
    start = np.stack([series.output[series.starts + i] for i in range(2)])
    z = run(layout, flat, series, h, steps, rule, start)
    expected = start.T
    for n in range(steps):
        expected = plain_step(
            expected, flat, layout.shapes, rule, h, series.drives, series.starts + n, 2
        )
        np.testing.assert_allclose(z[n + 1], expected.T, rtol=1e-13)


def test_noise_is_that_of_its_network():
    layout, flat, series, _, h, _ = problem(2, panels=1)
    own = odes.Layout((4, 3, 2), 2)
    weights = 0.3 * RNG.standard_normal(own.size)
    normals = RNG.standard_normal((2, 2, V))
    start = np.stack([series.output[series.starts + i] for i in range(2)])
    rule = odes.rule_of("3/8", True)
    z = run(layout, flat, series, h, 2, rule, start, (own, weights), normals)
    state = start.T
    for n in range(2):
        t = series.starts + n
        v = np.stack([series.drives[0, t], series.drives[0, t + 1]], axis=1)
        after = plain_step(state, flat, layout.shapes, rule, h, series.drives, t, 2)
        log = network(np.concatenate([state, v], axis=1), weights, own.shapes)
        state = after + np.exp(log) * np.sqrt(h) * normals[n].T
        np.testing.assert_allclose(z[n + 1], state.T, rtol=1e-12)
