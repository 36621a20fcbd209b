"""Trajectories as what other libraries work with: `xarray.Dataset` and
`pandas.DataFrame`; and as the table that a notebook shows.

Neurons of all layers stand on one axis, with their layer and their number in it beside
them. A drive is held from its time to the next, so it is NaN at the last one.
"""

import importlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from spinrnn.config.neurons import title_of
from spinrnn.errors import DataError, MemoryLimitError
from spinrnn.machine.memory import format_size, get_memory_limit
from spinrnn.notebook import amount, card, plural, span
from spinrnn.recordings.contents import Stored, is_whole, known_variables, variables_of


class Exported:
    """What trajectories in memory and in files give to other libraries."""

    def to_xarray(self, layers: int | Sequence[int] | None = None, cases: Any = None) -> Any:
        """An `xarray.Dataset` with the dimensions case, neuron and time.

        Neurons of all layers are on one axis, with the coordinates layer and number
        (within it); all units are SI and in the attributes. A drive is held from its
        time to the next, so it is NaN at the last one.

        Args:
            layers: numbers from 0, None for all; cases: a slice or numbers, None for
                all.
        Raises:
            ImportError: xarray is not there (the extra xarray); DataError: no such
            layer or case, or layers of different neurons; MemoryLimitError.
        """
        return to_xarray(self, layers, cases)

    def to_table(self, layers: int | Sequence[int] | None = None, cases: Any = None) -> Any:
        """A `pandas.DataFrame` with a row for each case, neuron and time.

        Columns: case, layer, neuron (its number in the layer), time (s) and the
        variables; `attrs["units"]` has their units. Times after a case's end are left
        out. Arguments and errors as of `to_xarray`, the extra is pandas.
        """
        return to_table(self, layers, cases)


def to_xarray(trajectory: Any, layers: Any, cases: Any) -> Any:
    """As `Trajectory.to_xarray`."""
    xarray = _library("xarray")
    config, layers = _config(trajectory), _layers(trajectory, layers)
    chosen = _cases(trajectory, cases)
    variables = _variables(trajectory, config, layers)
    _check_memory(trajectory, config, layers, len(chosen), len(variables), 1)
    numbers = _numbers_of_cases(trajectory)[chosen]
    coordinates = {
        "case": ("case", numbers, {"units": "1", "long_name": "number of the case"}),
        "time": ("time", np.asarray(trajectory.time), {"units": "s", "long_name": "time"}),
        **_neurons(config, layers),
    }
    arrays = {
        stored.stem: (("case", "neuron", "time"), values, _attributes(stored))
        for stored, values in _arrays(trajectory, config, layers, chosen, variables)
    }
    arrays |= _of_cases(trajectory, config, chosen)
    return xarray.Dataset(arrays, coordinates, {"title": f"trajectory of {title_of(config)}"})


def to_table(trajectory: Any, layers: Any, cases: Any) -> Any:
    """As `Trajectory.to_table`."""
    pandas = _library("pandas")
    config, layers = _config(trajectory), _layers(trajectory, layers)
    chosen = _cases(trajectory, cases)
    variables = _variables(trajectory, config, layers)
    _check_memory(trajectory, config, layers, len(chosen), len(variables) + 4, 2)
    neurons = _neurons(config, layers)
    time = np.asarray(trajectory.time)
    shape = (len(chosen), len(neurons["layer"][1]), len(time))
    numbers = _numbers_of_cases(trajectory)[chosen]
    columns = {
        "case": np.broadcast_to(numbers[:, None, None], shape),
        "layer": np.broadcast_to(neurons["layer"][1][:, None], shape),
        "neuron": np.broadcast_to(neurons["number"][1][:, None], shape),
        "time": np.broadcast_to(time, shape),
    }
    units = {"case": "1", "layer": "1", "neuron": "1", "time": "s"}
    measured = np.zeros(shape, dtype=bool)
    for stored, values in _arrays(trajectory, config, layers, chosen, variables):
        columns[stored.stem], units[stored.stem] = values, stored.units
        measured |= ~np.isnan(values)
    table = pandas.DataFrame({name: values[measured] for name, values in columns.items()})
    table.attrs["units"] = units
    return table


def html_of(trajectory: Any, title: str, ranges: bool) -> str:
    """What a notebook shows; ranges: whether all values are looked at."""
    time, config = np.asarray(trajectory.time), _config_or_none(trajectory)
    last = float(time[-1]) if len(time) else 0.0
    rows: list[tuple[str, Any]] = [
        ("cases", len(trajectory.logits)),
        ("time", f"0 to {amount(last, 's')}, {plural(len(time), 'time')}"),
        ("outputs (case, output)", span(trajectory.logits)),
    ]
    for layer in range(len(trajectory.state or trajectory.drive or trajectory.output or ())):
        known = {} if config is None else variables_of(config, layer)
        for name, layers in _lists(trajectory).items():
            if layers is None or layers[layer] is None:
                continue
            array, stored = layers[layer], known.get(name, Stored(name, "1", ""))
            text = f"{array.shape}, {array.dtype}"
            text += f", {span(array, stored.units)}" if ranges else ""
            rows.append((f"layer {layer}, {stored.stem}", text))
    return card(title, rows)


# ---- arguments ----


def _library(name: str) -> Any:
    """The library, or an error that says which extra brings it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        text = f"this needs {name}; install it with pip install 'spinrnn[{name}]'"
        raise ImportError(text) from error


def _config_or_none(trajectory):
    config = getattr(trajectory, "config", None)
    return getattr(trajectory.network, "config", None) if config is None else config


def _config(trajectory):
    config = _config_or_none(trajectory)
    if config is None:
        raise DataError("trajectory: its network is not known; it was not made by simulate")
    return config


def _layers(trajectory, given):
    """Numbers of the layers that are there, or of those that are asked for."""
    lists = [layers for layers in _lists(trajectory).values() if layers is not None]
    count = len(lists[0]) if lists else 0
    there = [k for k in range(count) if any(layers[k] is not None for layers in lists)]
    if given is None:
        return there
    wanted = list(given) if isinstance(given, Iterable) else [given]
    wrong = [layer for layer in wanted if not is_whole(layer) or layer not in there]
    if wrong or not wanted:
        raise DataError(f"layers: there are {', '.join(map(str, there))}; got {given!r}")
    return sorted({int(layer) for layer in wanted})


def _cases(trajectory, given):
    """Positions of the cases that a slice or numbers choose."""
    count = len(trajectory.logits)
    try:
        return np.atleast_1d(np.arange(count)[slice(None) if given is None else given])
    except (IndexError, TypeError, ValueError):
        text = f"a slice or numbers of the {plural(count, 'case')}, as slice(0, 10)"
        raise DataError(f"cases: must be {text}; got {given!r}") from None


def _check_memory(trajectory, config, layers, cases, columns, copies):
    """Raises MemoryLimitError before anything is allocated."""
    neurons = sum(config.layers[layer] for layer in layers)
    size = 8 * columns * copies * cases * neurons * len(trajectory.time)
    if size > get_memory_limit():
        raise MemoryLimitError(
            f"{format_size(size)} are more than the limit of {format_size(get_memory_limit())}; "
            "choose layers=, or cases=slice(0, 10)"
        )


# ---- what it holds ----


def _lists(trajectory):
    """{variable: a list with an item for each layer, or None}."""
    own = {"p": trajectory.state, **trajectory.states, "m": getattr(trajectory, "mean", None)}
    return {**own, "output": trajectory.output, "drive": trajectory.drive}


def _variables(trajectory, config, layers):
    """[(variable, `Stored`)] of what these layers have.

    Raises:
        DataError: layers differ in the unit or the name of a variable.
    """
    lists, found = _lists(trajectory), []
    for name in known_variables(config):
        arrays = lists.get(name)
        own = {
            variables_of(config, layer)[name]._replace(meaning="")
            for layer in layers
            if arrays is not None and arrays[layer] is not None
        }
        if len(own) > 1:
            kinds = ", ".join(sorted(f"{stored.stem} in {stored.units}" for stored in own))
            raise DataError(f"layers: of different neurons, {kinds}; choose one, as layers=0")
        found += [(name, variables_of(config, _first(arrays, layers))[name]) for _ in own]
    return found


def _first(arrays, layers):
    return next(layer for layer in layers if arrays[layer] is not None)


def _arrays(trajectory, config, layers, chosen, variables):
    """(`Stored`, (case, neuron, time)) of all layers, one variable after the other; NaN
    where a layer does not have it.
    """
    times = len(trajectory.time)
    for name, stored in variables:
        arrays, parts = _lists(trajectory)[name], []
        for layer in layers:
            own = arrays[layer]
            if own is None:
                parts.append(np.full((len(chosen), config.layers[layer], times), np.nan, "f4"))
                continue
            values = _taken(own, chosen)
            missing = times - values.shape[2]
            parts.append(np.pad(values, ((0, 0), (0, 0), (0, missing)), constant_values=np.nan))
        yield stored, np.concatenate(parts, axis=1)


def _taken(array, chosen):
    """The chosen cases; of a file without reading those around them."""
    if len(chosen) and (np.diff(chosen) == 1).all():
        return np.asarray(array[int(chosen[0]) : int(chosen[-1]) + 1])
    rows = [np.asarray(array[int(case) : int(case) + 1]) for case in chosen]
    return np.concatenate(rows) if rows else np.asarray(array[0:0])


def _numbers_of_cases(trajectory):
    """(case,) number of each case in its data set."""
    cases = getattr(trajectory, "cases", None)
    return np.arange(len(trajectory.logits)) if cases is None else np.asarray(cases)


def _neurons(config, layers):
    """{coordinate of the neurons: (dimension, values, attributes)}."""
    sizes = [config.layers[layer] for layer in layers]
    meanings = {"layer": "number of the layer", "number": "number of the neuron in its layer"}
    values = {
        "layer": np.repeat(layers, sizes),
        "number": np.concatenate([np.arange(n) for n in sizes]),
    }
    return {
        name: ("neuron", own, {"units": "1", "long_name": meanings[name]})
        for name, own in values.items()
    }


def _attributes(stored):
    text = stored.meaning.replace(" of the neurons of layer {}", "").replace(" of layer {}", "")
    return {"units": stored.units, "long_name": text}


def _of_cases(trajectory, config, chosen):
    """{name: (dimensions, values, attributes)} of what has no neurons."""
    meaning = {"units": "1", "long_name": "output o of the network"}
    found = {"logits": (("case", "class"), np.asarray(trajectory.logits)[chosen], meaning)}
    for name, text in (("labels", "class of the case"), ("lengths", "input points of the case")):
        values = getattr(trajectory, name, None)
        if values is not None:
            found[name] = ("case", np.asarray(values)[chosen], {"units": "1", "long_name": text})
    inputs = trajectory.inputs
    if inputs is not None:
        points = np.arange(inputs.shape[2]) * config.input_interval
        own = {"units": "s", "long_name": "time from which on an input is held"}
        found["inputs"] = (
            ("case", "channel", "input_time"),
            np.asarray(inputs)[chosen],
            {"units": "1", "long_name": "input u"},
        )
        found["input_time"] = ("input_time", points, own)
    return found
