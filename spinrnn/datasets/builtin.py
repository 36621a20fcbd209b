"""Standard series of the field that need no file: NARMA, Mackey-Glass, Lorenz, sine and
square, short-term memory, parity.

Each is one case, cut in time into its parts (`datasets.stretches`). The arithmetic is
that of Python's and NumPy's additions and multiplications alone, so that chaotic series
have the same bits on all machines.
"""

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from spinrnn.config.run import DataConfig
from spinrnn.datasets.dataset import Dataset

WARM_UP = 200
"""Points of NARMA before the first one that is kept."""
STRETCH, BOUND = 500, 1.0
"""Inputs of NARMA that are drawn at once, and the value that y does not exceed. Beyond
about 1.02, where y = 0.3 y + 0.5 y^2 + 1.5 / 16 + 0.1, it would grow without end."""

DELAY, GROWTH, DECAY, FIRST = 17, 0.2, 0.1, 1.2
"""Of Mackey and Glass: tau, beta, gamma, and about what the history starts from."""
STEPS = 10
"""Of the integration, for each unit of time."""
TRANSIENT = 1000
"""Points of a chaotic series before the first one that is kept."""

SAMPLING, LORENZ_STEPS = 0.02, 4
PERIOD = 8
"""Points of a sine or a square."""


class BuiltIn(NamedTuple):
    """A series that needs no file.

    Attributes:
        make: (length, rng, delays) -> `Dataset` of one case.
        asks: what is asked, a phrase; equation: of the series.
        cites: the paper whose parameters these are; doi: of it.
    """

    make: Callable[[int, np.random.Generator, int], Dataset]
    asks: str
    equation: str
    cites: str
    doi: str


def load_built_in(config: DataConfig) -> Dataset:
    """The series that a `DataConfig` names: the same bits for the same keys, and with
    fewer points a start of the longer one.
    """
    kept = config.built_in
    rng = np.random.default_rng(kept["seed"])
    return BUILT_INS[config.source].make(kept["length"], rng, kept.get("delays", 0))


# ---- NARMA ----


def narma10(length: int, rng: np.random.Generator, delays: int = 0) -> Dataset:
    """y(t+1) = 0.3 y(t) + 0.05 y(t) sum_{i=0..9} y(t-i) + 1.5 u(t-9) u(t) + 0.1, u
    uniform in [0, 0.5] (Atiya & Parlos 2000, doi:10.1109/72.846741). The target at the
    point of u(t) is y(t+1).

    For rare inputs y would exceed 1 and then all bounds: the 500 inputs in which that
    happens are drawn anew.
    """
    return _narma(length, rng, _narma10, 10)


def narma2(length: int, rng: np.random.Generator, delays: int = 0) -> Dataset:
    """y(t+1) = 0.4 y(t) + 0.4 y(t) y(t-1) + 0.6 u(t)^3 + 0.1, else as `narma10`."""
    return _narma(length, rng, _narma2, 2)


def _narma(length, rng, following, order):
    u, y = [0.0] * order, [0.0] * order
    while len(y) < order + WARM_UP + length:
        inputs = (0.5 * rng.random(STRETCH)).tolist()
        found = following([*u[-order:], *inputs], y[-order:])
        if max(found) <= BOUND:
            u += inputs
            y += found
    kept = slice(order + WARM_UP, order + WARM_UP + length)
    return Dataset(np.array(u[kept])[None, None], targets=np.array(y[kept])[None, None])


def _narma10(u, y):
    """[y(t+1)] of inputs, both with the ten values before."""
    y = list(y)
    for t in range(10, len(u)):
        total = 0.0
        # not sum(), which adds with compensation from Python 3.12 on
        for value in y[-10:]:
            total += value
        y.append(0.3 * y[-1] + 0.05 * y[-1] * total + 1.5 * u[t - 9] * u[t] + 0.1)
    return y[10:]


def _narma2(u, y):
    y = list(y)
    for now in u[2:]:
        y.append(0.4 * y[-1] + 0.4 * y[-1] * y[-2] + 0.6 * now * now * now + 0.1)
    return y[2:]


# ---- chaos ----


def mackey_glass(length: int, rng: np.random.Generator, delays: int = 0) -> Dataset:
    """dx/dt = 0.2 x(t-tau) / (1 + x(t-tau)^10) - 0.1 x, tau = 17 (Mackey & Glass 1977,
    doi:10.1126/science.267326), a point each unit of time (Jaeger & Haas 2004,
    doi:10.1126/science.1091277). The history before the start is constant, between 1.1
    and 1.3.

    By the method of steps: where the delayed values are known the equation is linear,
    and the step of the classical Runge-Kutta method, h = 0.1, is x' = a x + forcing.
    Delayed values in the middle of a step are those of the cubic Hermite polynomial.
    """
    first = FIRST + 0.1 * (2 * rng.random() - 1)
    h = 1 / STEPS
    nodes = DELAY * STEPS
    history, slope = np.full(nodes + 1, first), np.zeros(nodes + 1)
    kept = []
    for _ in range(math.ceil((TRANSIENT + length) / DELAY)):
        history, slope = _next_delay(history, slope, h)
        kept.append(history[1:])
    series = np.concatenate(kept)[STEPS - 1 :: STEPS]
    return Dataset(series[None, None, TRANSIENT : TRANSIENT + length].copy())


def _next_delay(delayed, slope, h):
    """(x, dx/dt) at the nodes of the next tau, of those of the last one."""
    middle = (delayed[:-1] + delayed[1:]) / 2 + h / 8 * (slope[:-1] - slope[1:])
    at, between = _growth(delayed), _growth(middle)
    z = DECAY * h
    # 1 - z + z^2/2 - z^3/6 + z^4/24
    kept = 1 - z * (1 - z / 2 * (1 - z / 3 * (1 - z / 4)))
    # of k1, k2 + k3 and k4 of the method, with the forcing at start, middle and end
    by_start = 1 / 6 - z / 6 * (1 - z / 2 * (1 - z / 2))
    by_middle = 2 / 3 - z / 3 * (1 - z / 4)
    forcing = h * (by_start * at[:-1] + by_middle * between + at[1:] / 6)
    step = lambda x, f: kept * x + f
    x = itertools.accumulate(forcing.tolist(), step, initial=delayed[-1].item())
    found = np.array(list(x))
    return found, at - DECAY * found


def _growth(x):
    """beta x / (1 + x^10), by multiplications alone."""
    square = x * x
    fourth = square * square
    return GROWTH * x / (1 + fourth * fourth * square)


def lorenz(length: int, rng: np.random.Generator, delays: int = 0) -> Dataset:
    """dx/dt = 10 (y - x), dy/dt = x (28 - z) - y, dz/dt = x y - 8/3 z (Lorenz 1963,
    doi:10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2), sampled each 0.02 (Pathak et al.
    2017, doi:10.1063/1.5010300). The channels are x / 10, y / 10 and (z - 25) / 10.

    Four classical Runge-Kutta steps for each point.
    """
    x, y, z = (1 + rng.random(3)).tolist()
    points = []
    for _ in range(TRANSIENT + length):
        for _ in range(LORENZ_STEPS):
            x, y, z = _lorenz_step(x, y, z, SAMPLING / LORENZ_STEPS)
        points.append((x, y, z))
    series = np.array(points[TRANSIENT:]).T
    return Dataset(((series - [[0], [0], [25]]) / 10)[None])


def _lorenz_step(x, y, z, h):
    a, b, c = _lorenz_slope(x, y, z)
    d, e, f = _lorenz_slope(x + h / 2 * a, y + h / 2 * b, z + h / 2 * c)
    k, m, n = _lorenz_slope(x + h / 2 * d, y + h / 2 * e, z + h / 2 * f)
    p, q, r = _lorenz_slope(x + h * k, y + h * m, z + h * n)
    return (
        x + h / 6 * (a + 2 * d + 2 * k + p),
        y + h / 6 * (b + 2 * e + 2 * m + q),
        z + h / 6 * (c + 2 * f + 2 * n + r),
    )


def _lorenz_slope(x, y, z):
    return 10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z


# ---- classes, memory ----


def sine_square(length: int, rng: np.random.Generator, delays: int = 0) -> Dataset:
    """Periods of sines (class 0) and squares (class 1) in random order, 8 points each
    (Torrejon et al. 2017, doi:10.1038/nature23011); a class at every point.
    """
    phase = np.arange(PERIOD)
    # the values of the sine are exact but for the root
    root = math.sqrt(0.5)
    sine = np.array([0, root, 1, root, 0, -root, -1, -root])
    square = np.where(phase < PERIOD // 2, 1.0, -1.0)
    periods = rng.integers(2, size=-(-length // PERIOD))
    inputs = np.array([sine, square])[periods].reshape(-1)[:length]
    labels = np.repeat(periods, PERIOD)[:length]
    return Dataset(inputs[None, None], labels[None], classes=("sine", "square"))


def memory(length: int, rng: np.random.Generator, delays: int = 40) -> Dataset:
    """u uniform in [-0.5, 0.5]; output k = 1, 2, ... should be u(t-k) (Jaeger 2001, GMD
    report 152, doi:10.24406/publica-fhg-291107).
    """
    u = rng.random(delays + length) - 0.5
    return Dataset(u[None, None, delays:], targets=_delayed(u, delays)[None])


def parity(length: int, rng: np.random.Generator, delays: int = 8) -> Dataset:
    """Bits s; output k = 1, 2, ... should be the parity of the last k + 1 of them,
    (s(t) + ... + s(t-k)) mod 2 (Furuta et al. 2018,
    doi:10.1103/PhysRevApplied.10.034063).
    """
    s = rng.integers(2, size=delays + length)
    sums = np.cumsum(np.vstack([s[None, delays:], _delayed(s, delays)]), axis=0)
    return Dataset(s[None, None, delays:].astype(float), targets=(sums[1:] % 2.0)[None])


def _delayed(u, delays):
    """(delays, time) u(t-1), u(t-2) ... from point `delays` on."""
    return np.array([u[delays - k : len(u) - k] for k in range(1, delays + 1)])


BUILT_INS = {
    "narma10": BuiltIn(
        narma10,
        "the tenth-order moving product of the inputs",
        "y(t+1) = 0.3 y(t) + 0.05 y(t) sum y(t-i) + 1.5 u(t-9) u(t) + 0.1",
        "Atiya & Parlos 2000",
        "10.1109/72.846741",
    ),
    "narma2": BuiltIn(
        narma2,
        "a second-order nonlinear system",
        "y(t+1) = 0.4 y(t) + 0.4 y(t) y(t-1) + 0.6 u(t)^3 + 0.1",
        "Atiya & Parlos 2000",
        "10.1109/72.846741",
    ),
    "mackey_glass": BuiltIn(
        mackey_glass,
        "the next point of a chaotic series",
        "dx/dt = 0.2 x(t-17) / (1 + x(t-17)^10) - 0.1 x",
        "Mackey & Glass 1977",
        "10.1126/science.267326",
    ),
    "sine_square": BuiltIn(
        sine_square,
        "whether a period is a sine or a square, at each of its 8 points",
        "",
        "Torrejon et al. 2017",
        "10.1038/nature23011",
    ),
    "memory": BuiltIn(
        memory,
        "the inputs of 1, 2, ... points ago",
        "y_k(t) = u(t-k)",
        "Jaeger 2001",
        "10.24406/publica-fhg-291107",
    ),
    "parity": BuiltIn(
        parity,
        "the parity of the last 2, 3, ... bits",
        "y_k(t) = (s(t) + ... + s(t-k)) mod 2",
        "Furuta et al. 2018",
        "10.1103/PhysRevApplied.10.034063",
    ),
    "lorenz": BuiltIn(
        lorenz,
        "the next point of a chaotic series of three channels",
        "dx/dt = 10 (y - x), dy/dt = x (28 - z) - y, dz/dt = x y - 8/3 z",
        "Lorenz 1963",
        "10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2",
    ),
}
"""{data.source: `BuiltIn`}."""
