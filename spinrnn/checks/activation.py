"""A kind of activation against what it promises: `slope` is the derivative of `value`,
both keep precision and shape, and nothing that is not finite is hidden.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from spinrnn.neurons.static import Activation

BOUND = 1e-8
"""On the error of a slope, relative to the largest one and `usual_value` over
`usual_drive`."""
STEP = 1e-4
"""Of the differences, of fourth order, in usual drives."""
CASES, NEURONS = 200, 5


@dataclasses.dataclass
class ActivationCheck:
    """Outcome of one promise.

    Attributes:
        activation: what was checked; promise: as "slope".
        error: largest deviation, relative; ok: whether it is within the bound.
        text: what was found, in words.
    """

    activation: str
    promise: str
    error: float
    ok: bool
    text: str


def check_activation(activation: Activation, seed: int = 0) -> Iterator[ActivationCheck]:
    """Checks a kind of activation at random drives, of twice the usual size.

    The slope is compared with differences wherever these have one value: not across a
    kink. One that is a stand-in (`Activation.exact`) is only asked for finite numbers.

    Args:
        activation: an instance; seed: of the drives and of the neurons' differences.
    """
    rng = np.random.default_rng(seed)
    z = 2 * activation.usual_drive * rng.standard_normal((CASES, NEURONS))
    factors = activation.factors(NEURONS, rng)
    known = () if factors is None else (factors,)
    yield _forms(activation, z, known)
    yield _slopes(activation, z, known)
    yield _visible(activation, z, known)


def _outcome(activation, promise, error, text):
    # the comparison is false for NaN
    return ActivationCheck(activation.kind, promise, float(error), bool(error <= BOUND), text)


def _forms(activation, z, known):
    """Shape and precision of both, in single and double precision."""
    wrong = []
    if known and np.shape(known[0]) != (NEURONS,):
        wrong.append(f"factors: of the shape {np.shape(known[0])}, wanted is ({NEURONS},)")
    for dtype in ("float32", "float64"):
        given = z.astype(dtype)
        for name in ("value", "slope"):
            found = np.asarray(getattr(activation, name)(given, *known))
            if found.shape != z.shape or found.dtype != given.dtype:
                wrong.append(f"{name} of {dtype} {z.shape} gives {found.dtype} {found.shape}")
    return _outcome(activation, "shapes and precision", float(len(wrong)), "; ".join(wrong))


def _slopes(activation, z, known):
    """The slope against differences."""
    found = np.asarray(activation.slope(z, *known))
    if not activation.exact:
        bad = int((~np.isfinite(found)).sum())
        return _outcome(activation, "slope, a stand-in", float(bad), f"{bad} are not finite")
    h = STEP * activation.usual_drive
    expected, finer = (_differences(activation, z, known, step) for step in (h, h / 2))
    usual = activation.usual_value / activation.usual_drive
    scale = max(usual, float(np.abs(expected).max()))
    # across a kink differences depend on their step
    smooth = np.abs(expected - finer) < BOUND * scale
    error = np.where(smooth, np.abs(found - expected) / scale, 0.0)
    place = np.unravel_index(int(np.argmax(error)), error.shape)
    text = f"at {z[place]:.3g}: {found[place]:.6g}, differences say {expected[place]:.6g}"
    if smooth.mean() < 0.5:
        return _outcome(activation, "slope", np.inf, "value is no function with a slope")
    return _outcome(activation, "slope", error[place], text)


def _differences(activation, z, known, h):
    """Central differences of fourth order."""

    def value(steps):
        return np.asarray(activation.value(z + steps * h, *known), dtype=np.float64)

    return (8 * (value(1) - value(-1)) - (value(2) - value(-2))) / (12 * h)


def _visible(activation, z, known):
    """A drive that is no number must not become one."""
    given = z.copy()
    given[0] = np.nan
    with np.errstate(all="ignore"):
        found = np.asarray(activation.value(given, *known))[0]
    hidden = int((~np.isnan(found)).sum())
    return _outcome(activation, "NaN stays NaN", float(hidden), "NaN becomes a number")
