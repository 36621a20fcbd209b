"""The lines that `spinrnn look` prints."""

import math

from spinrnn.errors import listed
from spinrnn.look.contents import FAR, ArrayLook, CasesLook, Look
from spinrnn.notebook import missing, plural

MOST_LINES = 20
"""Arrays that are shown, and classes."""
MOST_CHANNELS = 8
USES = {
    "train": "training",
    "simulate": "simulation of its inputs",
    "analyse": "analysis of a device's recording",
    "identify": "fit of a device's parameters",
    "synapse": "fit of a synapse to its pulses (identify --synapse)",
}


def lines_of(look: Look) -> list[str]:
    """A look as lines for people."""
    lines = [look.source]
    if look.arrays:
        lines += ["", "arrays", *_table([_array(array) for array in look.arrays[:MOST_LINES]])]
        more = len(look.arrays) - MOST_LINES
        lines += [f"  and {more} more"] if more > 0 else []
    lines += [f"  {name} {why}" for name, why in list(look.left_out.items())[:MOST_LINES]]
    if look.attributes:
        shown = [f"{key} = {value}" for key, value in look.attributes.items()]
        lines += ["", "head", f"  {listed(shown)}"]
    if look.cases:
        lines += ["", "cases", *(f"  {line}" for line in _cases(look.cases))]
    if look.notes:
        lines += ["", "found out", *(f"  {note}" for note in look.notes)]
    lines += ["", "could be used for"]
    for use, why in look.uses.items():
        task = _task(look) if use == "train" and not why else ""
        lines.append(f"  {'yes' if not why else 'no '}  {USES[use]}{task}")
        if why:
            lines.append(f"       {_reason(why, look.source)}")
    return lines


def _task(look):
    """Which training it can be: what there are no labels for is a regression."""
    if look.cases is None:
        return ""
    return " (regression)" if look.cases.classes is None else " (classification)"


def _reason(why, source):
    return why.removeprefix(f"{source}: ")


def _table(rows):
    """Rows of cells as lines, in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    pairs = [zip(row, widths, strict=True) for row in rows]
    return ["  " + "  ".join(cell.ljust(n) for cell, n in row).rstrip() for row in pairs]


def _array(array: ArrayLook):
    """Cells of a line of an array."""
    shape = " x ".join(map(str, array.shape)) or "one"
    unit = array.unit if array.unit else ("1" if array.unit == "" else "")
    return [listed([array.name]), f"{shape} {array.dtype}", unit, "; ".join(_values(array))]


def _values(array):
    """What is said of the values of an array."""
    if array.different is not None:
        yield f"{array.different} different texts"
    if array.least is not None:
        if array.least == array.greatest:
            yield f"all {array.least:g}"
        else:
            yield (
                f"{array.least:g} to {array.greatest:g}, mean {array.mean:.3g}, deviation "
                f"{array.deviation:.3g}"
            )
    if array.missing:
        yield f"{array.missing} NaN"
    if array.infinite:
        yield f"{array.infinite} infinite"
    if array.step is not None:
        kind = f"in {'' if array.gaps else 'even ' if array.even else 'uneven '}steps"
        rate = f" ({1 / array.step:.4g} Hz)" if array.unit == "s" else ""
        yield f"increasing {kind} of {array.step:.4g}{rate}{_gaps(array)}"


def _gaps(array: ArrayLook):
    """What the steps of increasing numbers are besides the usual one."""
    if not array.gaps:
        return ""
    first = f"{'the first of ' if array.gaps > 1 else ''}{array.gap:.4g} after sample"
    return f" with {plural(array.gaps, 'gap')}, {first} {array.gap_after}"


def _cases(cases: CasesLook):
    """Lines about cases."""
    points = plural(cases.points, "point")
    if cases.shortest < cases.points:
        points = f"{cases.shortest} to {points}"
    own = f", {cases.test} of them for the test" if cases.test else ""
    channels = plural(cases.channels, "channel")
    yield f"{plural(cases.cases, 'case')}{own}, {channels}, {points}"
    if cases.classes is not None:
        shown = [f"{name} ({count})" for name, count in list(cases.classes.items())[:MOST_LINES]]
        largest = 100 * max(cases.classes.values(), default=0) / max(cases.cases, 1)
        more = " ..." if len(cases.classes) > MOST_LINES else ""
        count = f"{len(cases.classes)} class{'es' if len(cases.classes) != 1 else ''}"
        yield f"{count}: {', '.join(shown)}{more}; the largest has {largest:.1f} %"
        if len(cases.classes) < 2:
            yield "one class alone: there is nothing to learn"
    if cases.missing:
        yield f"{missing(cases.missing)} (NaN)"
    yield from _scales(cases)


def _scales(cases):
    """A line for each channel whose numbers are far from those of order 1."""
    for channel, (mean, deviation) in enumerate(
        zip(cases.channel_means, cases.channel_deviations, strict=True)
    ):
        what = f"channel {channel}: mean {mean:.3g}, deviation {deviation:.3g}"
        if channel >= MOST_CHANNELS:
            yield f"and {plural(cases.channels - MOST_CHANNELS, 'channel')} more"
            return
        if deviation == 0 or math.isnan(deviation):
            yield f"{what}; it never changes"
        elif abs(mean) > FAR * deviation or not 1 / FAR < deviation < FAR:
            yield f"{what}; far from order 1, scale the inputs before training"
        else:
            yield what
