"""What a measure of a recording answers, and what the measures have in common.

A measure is a function (recording, settings) -> `Answer`. What it needs and the
recording lacks it says by a DataError, whose text the report prints.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinrnn.errors import DataError
from spinrnn.recordings.recording import Recording

MOST = 10_000
"""Times of which a table or a picture of one value for each time consists; of more
evenly chosen ones."""


@dataclass(frozen=True)
class Settings:
    """What can be chosen.

    Attributes:
        start: s, what comes before it is left out of spectra, correlations, activity
            and dimension.
        tolerance: as in `find_plateaus`.
        neuron_power: W, assumed; None for that of the paper's neurons, which says
            nothing of another device. synapse_power: W, assumed; 0 counts it with the
            neurons.
    """

    start: float = 0.0
    tolerance: float = 1e-3
    neuron_power: float | None = None
    synapse_power: float = 0.0


@dataclass(frozen=True, eq=False)
class Answer:
    """What a measure found.

    Attributes:
        rows: of a table, {column with its unit: value}; lines: sentences for people.
        numbers: for machines, {key: (value, unit, meaning)}; where there is one number
            for each layer, a list in the order of the layers.
        shown: arguments of the function that draws the measure.
    """

    rows: list[dict[str, Any]]
    lines: list[str]
    numbers: dict[str, tuple[Any, str, str]]
    shown: tuple


def table(columns: Mapping[str, Sequence | np.ndarray]) -> list[dict[str, Any]]:
    """Rows of columns of equal length, in Python's own types."""
    values = [np.asarray(column).tolist() for column in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]


def table_of_layers(
    layers: Iterable[int], tables: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Rows of a table (columns) for each layer, one after the other, the layer in
    front."""
    return [
        {"layer": layer} | row
        for layer, columns in zip(layers, tables, strict=True)
        for row in table(columns)
    ]


def each_layer(
    recording: Recording, measure: Callable[[np.ndarray], Any], start: float = 0.0
) -> dict[str, Any]:
    """{"layer k": measure of its powers from `start` (s) on}."""
    return {f"layer {k}": measure(recording.powers(k, start)) for k in recording.layers}


def each_device(
    recording: Recording,
    measure: Callable,
    settings: Settings,
    further: Callable[[int], dict[str, Any]],
) -> tuple[Any, np.ndarray]:
    """A measure of single devices over all layers.

    Layers without plateaus of the drive are passed over if others have some.

    Args:
        measure: `steady_states` or `step_responses`.
        further: function of the layer that gives more arguments of the measure, or
            raises DataError if it cannot be measured.
    Returns:
        the measure's dataclass, (k,) layer of each of its entries.
    Raises:
        DataError: of the last layer, if no layer can be measured.
    """
    results, reason = {}, DataError("no layer was recorded")
    for layer in recording.layers:
        try:
            more = further(layer)
            results[layer] = measure(
                recording.time,
                recording.powers(layer),
                recording.drives(layer),
                recording.relaxation_times(layer),
                tolerance=settings.tolerance,
                **more,
            )
        except DataError as error:
            reason = error
    if not results:
        raise reason
    layers = np.repeat(list(results), [len(r.case) for r in results.values()])
    return _joined(list(results.values())), layers


def _joined(results):
    """One dataclass of several: arrays one after the other, counts added."""
    fields = {}
    for field in dataclasses.fields(results[0]):
        values = [getattr(r, field.name) for r in results]
        if isinstance(values[0], np.ndarray):
            fields[field.name] = np.concatenate(values)
        else:
            fields[field.name] = sum(values) if isinstance(values[0], int) else values[0]
    return type(results[0])(**fields)


def evenly(count: int, most: int) -> np.ndarray:
    """Numbers below count, evenly chosen if they are more than most."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int))


def labels_of(recording: Recording) -> np.ndarray:
    """(case,) labels of the cases that are taken; DataError if there are none."""
    labels = recording.taken_labels()
    if labels is None:
        raise DataError("it needs labels, which are not in the file")
    return labels


# ---- numbers in sentences ----


def rms(values: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(values))))


def median(values: np.ndarray) -> float:
    """Median of what is finite; NaN if nothing is."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else float("nan")


def largest(values: np.ndarray) -> float:
    """Largest of what is finite; NaN if nothing is."""
    return float(np.nanmax(values)) if np.isfinite(values).any() else float("nan")


def known(value: float, digits: int = 3) -> str:
    """A number as text, or "unknown" for NaN."""
    return f"{value:.{digits}g}" if np.isfinite(value) else "unknown"


def middle(values: np.ndarray, unit: str) -> str:
    """Median and range over the neurons of what is finite, as text."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return "unknown"
    if len(values) == 1:
        return f"{finite[0]:.4g} {unit}"
    left = len(values) - len(finite)
    missing = f", not of {left} of {len(values)} neurons" if left else ""
    extent = f"{finite.min():.3g} to {finite.max():.3g}"
    return f"{np.median(finite):.4g} {unit} (median; {extent}{missing})"
