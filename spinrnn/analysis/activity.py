"""What each neuron does over all cases and times: which are dead, saturated or
still."""

from dataclasses import dataclass

import numpy as np

from spinrnn.analysis.answer import Answer, Settings, table_of_layers
from spinrnn.arrays import array_of
from spinrnn.recordings.recording import Recording

DEAD, SATURATED = 0.01, 0.9
"""Powers [ours]. With Q = 0 the slope of p* against xi is (1 - p*)^2: at 0.9 a
hundredth of what it is at threshold."""
SHARE = 0.99
"""Of the times, for which a neuron must be there."""
STILL = 1e-3
"""Standard deviation of the power, below which a neuron tells nothing [ours]."""


@dataclass(frozen=True, eq=False)
class Activity:
    """What each neuron does over all cases and times; arrays (neuron,).

    Attributes:
        mean, deviation: of the power or first state, in its unit; NaN for a neuron
            without values.
        below, above: shares of the times with a power, or magnitude of a signed state,
            below `DEAD` and above `SATURATED`, or what was given for them.
        dead, saturated: bool, there for at least `SHARE` of the times; still: bool, the
            deviation is below `STILL`.
        low, high: the two powers; signed: whether the states have a sign.
    """

    mean: np.ndarray
    deviation: np.ndarray
    below: np.ndarray
    above: np.ndarray
    dead: np.ndarray
    saturated: np.ndarray
    still: np.ndarray
    low: float
    high: float
    signed: bool = False


def neuron_activity(
    power: np.ndarray, low: float = DEAD, high: float = SATURATED, signed: bool = False
) -> Activity:
    """Dead and saturated neurons.

    Args:
        power: (case, neuron, time), NaN where there is none; of other neurons than
            oscillators their first state.
        low, high: powers below and above which a neuron counts.
        signed: whether it is a state that may be negative, as of a CTRNN: its magnitude
            is compared with `low` and `high` then.
    """
    power = np.asarray(array_of(power, "power", missing=True), dtype=np.float64)
    present = np.isfinite(power)
    count = present.sum(axis=(0, 2)).astype(float)
    count[count == 0] = np.nan
    mean = np.where(present, power, 0).sum(axis=(0, 2)) / count
    off = np.where(present, power - mean[:, None], 0)
    deviation = np.sqrt((off**2).sum(axis=(0, 2)) / count)
    size = np.abs(power) if signed else power
    below, above = ((hit & present).sum(axis=(0, 2)) / count for hit in (size < low, size > high))
    return Activity(
        mean=mean,
        deviation=deviation,
        below=below,
        above=above,
        dead=below >= SHARE,
        saturated=above >= SHARE,
        still=deviation < STILL,
        low=low,
        high=high,
        signed=signed,
    )


def _of_layer(recording, layer, start):
    span = recording.kind_of(layer).span
    signed = span is None or span[0] < 0
    return neuron_activity(recording.powers(layer, start), signed=signed)


def _bounds(recording, found):
    """Lines on what dead and saturated mean."""
    yield (
        f"dead: below {DEAD:g} for {100 * SHARE:g} % of the times; saturated: above "
        f"{SATURATED:g}; still: deviation below {STILL:g}"
    )
    if any(each.signed for each in found.values()):
        yield "of states with a sign the magnitude is compared with these bounds"
    unlimited = [f"{k}" for k in recording.layers if recording.kind_of(k).span is None]
    if unlimited:
        yield (
            f"neurons of layer {', '.join(unlimited)} have no known limits (`span`): these bounds "
            "are of the size of their first state, in its unit"
        )


def measure_activity(recording: Recording, settings: Settings) -> Answer:
    """Dead and saturated neurons."""
    found = {f"layer {k}": _of_layer(recording, k, settings.start) for k in recording.layers}
    lines = [
        f"{name}: {a.dead.sum()} dead, {a.saturated.sum()} saturated, {a.still.sum()} still, "
        f"of {len(a.mean)}"
        for name, a in found.items()
    ]
    lines += _bounds(recording, found)
    columns = [
        {
            "neuron": np.arange(len(a.mean)),
            "mean": a.mean,
            "deviation": a.deviation,
            "share_below": a.below,
            "share_above": a.above,
            "dead": a.dead.astype(int),
            "saturated": a.saturated.astype(int),
            "still": a.still.astype(int),
        }
        for a in found.values()
    ]
    layers = found.values()
    numbers = {
        "layers": (recording.layers, "1", "numbers of the layers, in the order of the lists"),
        "neurons": ([len(a.mean) for a in layers], "1", "number of neurons"),
        "dead": ([a.dead.sum() for a in layers], "1", f"neurons nearly always below {DEAD:g}"),
        "saturated": (
            [a.saturated.sum() for a in layers], "1", f"neurons nearly always above {SATURATED:g}",
        ),
        "still": (
            [a.still.sum() for a in layers], "1", f"neurons of a deviation below {STILL:g}",
        ),
    }  # fmt: skip
    return Answer(table_of_layers(recording.layers, columns), lines, numbers, (found,))
