"""The results of a sweep in one cube, as HDF5 for xarray and others.

Dimensions and coordinates are named, values have units, and NaN stands where a result
is missing. Every dataset has a dimension scale on each of its axes, which xarray
(engines h5netcdf and netcdf4), ncdump and h5py all understand.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import spinrnn
from spinrnn.errors import ConfigError, StoreError
from spinrnn.files.atomic import read_bytes
from spinrnn.files.container import AXIS_ORDER, digest_of, write_file
from spinrnn.files.hdf5 import read_arrays
from spinrnn.notebook import card, span
from spinrnn.sweep.axes import auxiliary, short, unit
from spinrnn.sweep.columns import EXTRA, history_columns, summary_columns
from spinrnn.sweep.file import Sweep
from spinrnn.sweep.folder import SweepFolder

MALFORMED = (KeyError, TypeError, ValueError, AttributeError, RecursionError)
"""What content raises that is not as it was written."""


@dataclass
class NamedArray:
    """An array with named dimensions.

    Attributes:
        dims: names of the axes.
        values: the array.
        attributes: units, long_name and the like.
    """

    dims: tuple[str, ...]
    values: np.ndarray
    attributes: dict = field(default_factory=dict)

    @property
    def labels(self) -> list:
        """The values; as written in the sweep file where these are no numbers."""
        labels = self.attributes.get("labels")
        return self.values.tolist() if labels is None else json.loads(labels)


@dataclass
class Cube:
    """Collected results.

    Attributes:
        coordinates: {name: `NamedArray`}; of each dimension the one of its name,
            (size,), and further ones of zipped axes.
        variables: {name: `NamedArray`} float64 with the sweep's dimensions, NaN where
            missing; the curves, "history_...", float32 with "epoch" behind.
        attributes: of the whole: name and digest of the sweep, the sweep as JSON,
            version of spinrnn.
        states: {status: number of points}, as `SweepFolder.results` names them; not
            part of the file.
    """

    coordinates: dict[str, NamedArray]
    variables: dict[str, NamedArray]
    attributes: dict
    states: dict[str, int] = field(default_factory=dict)

    def __repr__(self) -> str:
        sizes = [f"{k} {a.values.size}" for k, a in self.coordinates.items() if a.dims == (k,)]
        return f"<Cube of {' x '.join(sizes)}: {', '.join(self.variables)}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        named = {**self.coordinates, **self.variables}
        rows: list[tuple[str, Any]] = [("points", self.states or None)]
        for name, array in named.items():
            unit, dims = array.attributes.get("units", "1"), ", ".join(array.dims)
            rows.append((f"{name} ({dims})", span(array.values, unit)))
        return card(f"Cube of {self.attributes.get('title', 'a sweep')}", rows)

    def __getitem__(self, name: str) -> np.ndarray:
        """Values of a variable or coordinate."""
        return (self.variables.get(name) or self.coordinates[name]).values

    def sweep(self) -> Sweep:
        """The `Sweep` whose results these are; StoreError if that is not told."""
        try:
            return Sweep.from_json(json.loads(self.attributes["sweep"]), "sweep")
        except (ConfigError, *MALFORMED) as error:
            raise StoreError(
                f"{self.attributes.get('title', 'cube')}: its description of the sweep is damaged "
                f"or of another version of spinrnn: {error}"
            ) from None

    def save(self, path: str | Path) -> None:
        """Writes the cube to an HDF5 file; StoreError if that is impossible."""
        write_file(path, self._fill)

    def _fill(self, file):
        everything = self.coordinates | self.variables
        for name, array in everything.items():
            dataset = file.create_dataset(name, data=array.values, track_times=False)
            dataset.attrs.update(array.attributes)
            near = self._auxiliary(array) if name in self.variables else []
            if near:
                dataset.attrs["coordinates"] = " ".join(near)
        # all scales first, as a dataset can only be given one that is there
        for name, array in self.coordinates.items():
            if array.dims == (name,):
                file[name].make_scale(name)
        for name, array in everything.items():
            for axis, dim in enumerate(array.dims):
                if name != dim:
                    file[name].dims[axis].attach_scale(file[dim])
        layout = {
            name: [name in self.coordinates, array.dims, _plain(array.attributes)]
            for name, array in everything.items()
        }
        text = json.dumps(layout)
        file.attrs.update({**self.attributes, "layout": text, "sha256": self.seal(text)})

    def _auxiliary(self, array):
        """Names of coordinates on the array's dimensions besides these themselves."""
        return [
            name
            for name, coordinate in self.coordinates.items()
            if coordinate.dims != (name,) and set(coordinate.dims) <= set(array.dims)
        ]

    def seal(self, layout: str) -> str:
        """SHA-256 of the attributes, the layout as JSON and all values."""
        arrays = {
            name: variable.values for name, variable in (self.coordinates | self.variables).items()
        }
        return digest_of([sorted(self.attributes.items()), layout], arrays)


def _plain(attributes):
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in attributes.items()
    }


def load_cube(path: str | Path) -> Cube:
    """Reads a `Cube` that `Cube.save` wrote; StoreError if it is none, or damaged."""
    attributes, arrays = read_arrays(read_bytes(path), path, 1)
    try:
        text, seal = attributes.pop("layout"), attributes.pop("sha256")
        cube = Cube({}, {}, attributes)
        for name, (is_coordinate, dims, own) in json.loads(text).items():
            array = NamedArray(tuple(dims), arrays[name], own)
            if array.values.ndim != len(dims):
                raise ValueError
            (cube.coordinates if is_coordinate else cube.variables)[name] = array
        whole = isinstance(seal, str) and cube.seal(text) == seal
    except MALFORMED:
        raise StoreError(f"{path}: not a cube that this version of spinrnn collected") from None
    if not whole:
        raise StoreError(
            f"{path}: damaged, its content does not match its checksum; collect the sweep again"
        )
    return cube


def collect_sweep(sweep: Sweep, folder: str | Path, history: bool = True) -> Cube:
    """Collects the results that a sweep has so far.

    Args:
        sweep: as `load_sweep` reads it.
        folder: where it was run.
        history: with the curves against the epoch.
    Raises:
        ConfigError, DataError: the sweep is impossible.
        StoreError: its data cannot be read.
    """
    cube = Cube(_coordinates(sweep), {}, _attributes(sweep))
    dims = tuple(axis.name for axis in sweep.axes)
    tasks = list({type(point.config.task): point.config.task for point in sweep.points}.values())
    networks = [point.config.network for point in sweep.points]
    devices = not all(one.direct for network in networks for one in network.synapses)
    for name, column in (summary_columns(tasks, devices) | EXTRA).items():
        if name != "cumulative_drive" or sweep.cumulative_drive:
            cube.variables[name] = _named(dims, np.full(sweep.shape, np.nan), column)
    curves, recorded = {}, history_columns(tasks)
    for point, status, arrays, state in SweepFolder(folder).results(sweep.points):
        cube.states[status] = cube.states.get(status, 0) + 1
        if state is None or arrays is None:
            continue
        numbers = _numbers(status, state)
        for name in cube.variables:
            if numbers.get(name) is not None:
                cube[name][point.position] = numbers[name]
        curves[point.position] = {
            name: arrays[f"history/{name}"] for name in recorded if f"history/{name}" in arrays
        }
    if history:
        _add_curves(cube, dims, sweep.shape, curves, recorded)
    return cube


def _attributes(sweep):
    return {
        "Conventions": "CF-1.8",
        "axis_order": AXIS_ORDER,
        "title": f"sweep {sweep.name}",
        "sweep": json.dumps(sweep.to_json()),
        "digest": sweep.digest,
        "spinrnn": spinrnn.__version__,
    }


def _named(dims, values, column):
    """A `NamedArray` with the (unit, meaning) of a column of the results."""
    unit_of_column, meaning = column
    return NamedArray(dims, values, {"units": unit_of_column, "long_name": meaning})


def _numbers(status, state):
    """{column: number or None} of a point that has a result."""
    return {
        **(state["summary"] or {}),
        **state["extra"],
        "seconds": state["seconds"],
        "diverged": status == "diverged",
        "failed": status == "failed",
    }


def _add_curves(cube, dims, shape, curves, recorded):
    """Adds the curves, {position: {name: (epoch,)}}; NaN after a curve's end.

    recorded: {name: (unit, meaning)} of columns that there may be.
    """
    epochs = max((len(curve) for found in curves.values() for curve in found.values()), default=0)
    if not epochs:
        return
    numbers = np.arange(1, epochs + 1, dtype=np.float64)
    cube.coordinates["epoch"] = _named(("epoch",), numbers, ("1", "epoch, from 1"))
    for name in dict.fromkeys(name for found in curves.values() for name in found):
        values = np.full((*shape, epochs), np.nan, dtype=np.float32)
        for position, found in curves.items():
            if name in found:
                values[position][: len(found[name])] = found[name]
        cube.variables[f"history_{name}"] = _named((*dims, "epoch"), values, recorded[name])


def _coordinates(sweep):
    """{name: `NamedArray`} of all axes."""
    made = {}
    for axis in sweep.axes:
        key = _key_of_dimension(axis)
        if key is None:
            number = np.arange(len(axis), dtype=np.int32)
            column = "1", "number of the entry of a zipped axis"
            made[axis.name] = _named((axis.name,), number, column)
        else:
            made[axis.name] = _coordinate(axis, key)
        for name, other in auxiliary(axis).items():
            made[name] = _coordinate(axis, other)
    return made


def _key_of_dimension(axis):
    """The key whose values are those of the dimension; None where entries are numbered.

    It is the only key, or that of the axis's name, if no value stands there twice.
    """
    named = {short(key): key for key in axis.values}
    key = next(iter(axis.values)) if len(named) == 1 else named.get(axis.name)
    if key is None or len({json.dumps(value) for value in axis.values[key]}) < len(axis):
        return None
    return key


def _coordinate(axis, key):
    """Numbers as float64; others are numbered, their texts in the attributes.

    Programs disagree about texts in HDF5.
    """
    values, attributes = axis.values[key], {"units": unit(key), "long_name": key}
    if all(isinstance(v, (int, float)) for v in values):
        return NamedArray((axis.name,), np.array(values, dtype=np.float64), attributes)
    texts = [v if isinstance(v, str) else json.dumps(v, separators=(",", ":")) for v in values]
    numbers = np.arange(len(values), dtype=np.int32)
    attributes |= {
        "flag_values": numbers,
        "flag_meanings": " ".join(t.replace(" ", "_") for t in texts),
        "labels": json.dumps(values),
    }
    return NamedArray((axis.name,), numbers, attributes)


def cube_path(folder: str | Path) -> Path:
    """Where the cube of a sweep lies unless told otherwise."""
    return Path(folder) / "cube.h5"
