"""A kind of synapse against what it promises: `read_backward` is the derivative of
`read`, and the arrays keep their shapes.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from spinrnn.synapses.protocol import Events, Request, Synapse

BOUND = 1e-8
"""On the error of a slope, relative to the largest of its block and 1."""
STEP = 1e-4
"""Of the differences, of fourth order."""
SHAPES = ((5, 4), (1, 3), (6, 1))
"""(targets, sources) that are tried."""


@dataclasses.dataclass
class SynapseCheck:
    """Outcome of one promise.

    Attributes:
        synapse: what was checked; promise: as "read_backward of (5, 4)".
        error: largest deviation, relative; ok: whether it is within the bound.
        text: what was found, in words.
    """

    synapse: str
    promise: str
    error: float
    ok: bool
    text: str


def check_synapse(synapse: Synapse, seed: int = 0) -> Iterator[SynapseCheck]:
    """Checks a kind of synapse on small blocks.

    What says that its `read_backward` is a stand-in (`Synapse.exact`) is asked for
    finite numbers of the right shape, and that a large request against them makes the
    loss smaller, were that a sum of the weights.

    Args:
        synapse: an instance; seed: of the trained numbers and the devices.
    """
    rng = np.random.default_rng(seed)
    for shape in SHAPES:
        trained = rng.normal(size=shape) / np.sqrt(shape[1])
        devices = synapse.make(trained, rng)
        arrays = _shapes(synapse, trained, devices, shape)
        yield arrays
        if not arrays.ok:
            # nothing can be reckoned with them
            continue
        slopes = _slopes(synapse, trained, devices, shape, rng)
        yield slopes
        for asks in synapse.takes:
            yield _program(synapse, trained, devices, asks, rng)
            if not synapse.exact and slopes.ok:
                yield _follows(synapse, trained, devices, asks, rng)


def _outcome(synapse, promise, error, text):
    # the comparison is false for NaN
    return SynapseCheck(synapse.kind, promise, float(error), bool(error <= BOUND), text)


def _shapes(synapse, trained, devices, shape):
    wanted = {field.name for field in synapse.fields}
    found = np.shape(synapse.read(trained, devices))
    wrong = [] if found == shape else ["read"]
    wrong += [f"{name}: not made" for name in sorted(wanted - devices.keys())]
    wrong += [f"{name}: not among the fields" for name in sorted(devices.keys() - wanted)]
    text = f"not of the shape {shape}: {', '.join(wrong)}"
    return _outcome(synapse, f"arrays of {shape}", float(len(wrong)), text)


def _slopes(synapse, trained, devices, shape, rng):
    g_weights = rng.normal(size=shape)
    found = np.array(synapse.read_backward(trained, devices, g_weights.copy()))
    promise = f"read_backward of {shape}"
    if not synapse.exact:
        bad = found.shape != shape or not np.isfinite(found).all()
        return _outcome(synapse, f"{promise}, a stand-in", float(bad), "not finite numbers")
    expected = np.empty(shape)
    for place in np.ndindex(shape):
        expected[place] = _difference(synapse, trained, devices, g_weights, place)
    if found.shape != shape:
        return _outcome(synapse, promise, np.inf, f"has the shape {found.shape}")
    errors = np.abs(found - expected) / max(1.0, np.abs(expected).max())
    worst = np.unravel_index(np.argmax(np.nan_to_num(errors, nan=np.inf)), shape)
    told = f"{found[worst]:.4g}, differences say {expected[worst]:.4g}"
    return _outcome(
        synapse, promise, errors[worst], f"dLoss/dtrained{list(map(int, worst))}: {told}"
    )


def _difference(synapse: Any, trained, devices, g_weights, place):
    """Slope of sum(g_weights W) by one trained number, by central differences of fourth
    order.
    """
    step, values = STEP * max(1.0, abs(trained[place])) * synapse.trained_scale, []
    for k in (-2, -1, 1, 2):
        moved = trained.copy()
        moved[place] += k * step
        values.append(float((g_weights * synapse.read(moved, devices)).sum()))
    return (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)


def _follows(synapse, trained, devices, asks, rng):
    """A large request against the gradient of sum(g_weights W) makes it smaller."""
    own, other = {name: array.copy() for name, array in devices.items()}, trained.copy()
    g_weights = rng.normal(size=trained.shape)
    before = synapse.read(other, own).copy()
    g_trained = synapse.read_backward(other, own, g_weights.copy())
    large = -np.sign(g_trained)
    if asks == "flips":
        change = 1.0 * (np.sign(before) != large)
    else:
        change = large * (1000 if asks == "pulses" else 10 * np.abs(before).max())
    synapse.program(other, own, Request(change, asks=asks), rng)
    grown = float((g_weights * (synapse.read(other, own) - before)).sum())
    size = np.abs(g_weights * before).sum()
    more = "" if asks == "amount" else f" by {asks}"
    promise, text = f"descent of {trained.shape}{more}", f"the loss grew by {grown:.4g}"
    return _outcome(synapse, promise, max(grown / size, 0.0), text)


def _program(synapse, trained, devices, asks, rng):
    """Programming changes in place, to finite numbers."""
    own = {name: array.copy() for name, array in devices.items()}
    other, normal = trained.copy(), rng.normal(size=trained.shape)
    change = {"amount": 0.1 * normal, "flips": 1.0 * (normal > 0), "pulses": np.rint(3 * normal)}
    promise = f"program of {trained.shape}" + ("" if asks == "amount" else f", {asks}")
    keep = 0.9 if asks == "amount" else 1.0
    events = synapse.program(other, own, Request(change[asks], keep, asks), rng)
    if not isinstance(events, Events):
        return _outcome(synapse, promise, np.inf, f"gives {events!r}, no Events")
    bad = not np.isfinite(other).all()
    return _outcome(synapse, promise, float(bad), "leaves numbers that are not finite")
