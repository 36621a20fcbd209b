"""The results of a sweep collected in one cube: named dimensions, coordinates, units, NaN where a result is missing; as HDF5 for xarray and others.

Every dataset has a dimension scale on each of its axes, which xarray (engines h5netcdf and netcdf4), ncdump and h5py all understand.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import spinrnn
from spinrnn.errors import ConfigError, StoreError
from spinrnn.files.atomic import read_bytes
from spinrnn.files.container import AXIS_ORDER, digest_of, write_file
from spinrnn.files.hdf5 import read_arrays
from spinrnn.sweep.axes import auxiliary, unit
from spinrnn.sweep.columns import EXTRA, HISTORY, SUMMARY
from spinrnn.sweep.file import Sweep
from spinrnn.sweep.folder import SweepFolder


@dataclass
class NamedArray:
    """An array with named dimensions.

    Attributes:
        dims: tuple of names; values: array with these axes; attributes: units, long_name and the like.
    """

    dims: tuple
    values: np.ndarray
    attributes: dict = field(default_factory=dict)

    @property
    def labels(self):
        """Values as written in the sweep file, for coordinates that are no numbers ("ctrnn", [32, 32]); else the values."""
        return (
            json.loads(self.attributes["labels"])
            if "labels" in self.attributes
            else self.values.tolist()
        )


@dataclass
class Cube:
    """Collected results.

    Attributes:
        coordinates: {name: `NamedArray`}; of each dimension the one of its name, (size,), and further ones of zipped axes.
        variables: {name: `NamedArray`} float64 with the sweep's dimensions, NaN where missing; the curves, "history_...", float32 with "epoch" behind.
        attributes: of the whole: name and digest of the sweep, the sweep as JSON, version of spinrnn.
        states: {status: number of points}, as `SweepFolder.results` names them; not part of the file.
    """

    coordinates: dict
    variables: dict
    attributes: dict
    states: dict = field(default_factory=dict)

    def __getitem__(self, name):
        """Values of a variable or coordinate."""
        return (self.variables.get(name) or self.coordinates[name]).values

    def sweep(self):
        """The `Sweep` whose results these are; StoreError if it cannot be read from the attributes."""
        try:
            return Sweep.from_json(json.loads(self.attributes["sweep"]), "sweep")
        except (
            ConfigError,
            KeyError,
            TypeError,
            ValueError,
            AttributeError,
            RecursionError,
        ) as error:
            raise StoreError(
                f"{self.attributes.get('title', 'cube')}: its description of the sweep is damaged or of another version of spinrnn: {error}"
            ) from None

    def save(self, path):
        """Writes the cube to an HDF5 file, atomically; StoreError if that is impossible."""
        everything = self.coordinates | self.variables
        extra = [name for name, variable in self.coordinates.items() if variable.dims != (name,)]

        def fill(file):
            for name, variable in everything.items():
                dataset = file.create_dataset(name, data=variable.values, track_times=False)
                dataset.attrs.update(variable.attributes)
                near = [
                    c
                    for c in extra
                    if name not in self.coordinates
                    and set(self.coordinates[c].dims) <= set(variable.dims)
                ]
                if near:
                    dataset.attrs["coordinates"] = " ".join(near)
            for name, variable in self.coordinates.items():
                if variable.dims == (name,):
                    file[name].make_scale(name)
            for name, variable in everything.items():
                for axis, dim in enumerate(variable.dims):
                    if name != dim:
                        file[name].dims[axis].attach_scale(file[dim])
            layout = {
                name: [name in self.coordinates, variable.dims, _plain(variable.attributes)]
                for name, variable in everything.items()
            }
            text = json.dumps(layout)
            file.attrs.update({**self.attributes, "layout": text, "sha256": self.seal(text)})

        write_file(path, fill)

    def seal(self, layout):
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


def load_cube(path):
    """Reads a `Cube` that `Cube.save` wrote; StoreError if it is no such file, or damaged."""
    attributes, arrays = read_arrays(read_bytes(path), path, 1)
    try:
        text, seal = attributes.pop("layout"), attributes.pop("sha256")
        layout = json.loads(text)
        cube = Cube({}, {}, attributes)
        for name, (is_coordinate, dims, own) in layout.items():
            variable = NamedArray(tuple(dims), arrays[name], own)
            if variable.values.ndim != len(dims):
                raise ValueError
            (cube.coordinates if is_coordinate else cube.variables)[name] = variable
        whole = isinstance(seal, str) and cube.seal(text) == seal
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise StoreError(f"{path}: not a cube that this version of spinrnn collected") from None
    if not whole:
        raise StoreError(
            f"{path}: damaged, its content does not match its checksum; collect the sweep again"
        )
    return cube


def collect_sweep(sweep, folder, history=True):
    """Collects the results that a sweep has so far.

    Args:
        sweep: `Sweep`; folder: where it was run; history: with the curves against the epoch.
    Returns:
        `Cube`.
    """
    dims, shape = tuple(axis.name for axis in sweep.axes), sweep.shape
    cube = Cube(_coordinates(sweep), {}, {"Conventions": "CF-1.8", "title": f"sweep {sweep.name}"})
    cube.attributes |= {
        "axis_order": AXIS_ORDER,
        "sweep": json.dumps(sweep.to_json()),
        "digest": sweep.digest,
        "spinrnn": spinrnn.__version__,
    }
    for name, (symbol, meaning) in (SUMMARY | EXTRA).items():
        if name != "cumulative_drive" or sweep.cumulative_drive:
            cube.variables[name] = NamedArray(
                dims, np.full(shape, np.nan), {"units": symbol, "long_name": meaning}
            )
    curves = {}
    for point, status, arrays, state in SweepFolder(folder).results(sweep.points):
        cube.states[status] = cube.states.get(status, 0) + 1
        if state is None:
            continue
        numbers = (state["summary"] or {}) | state["extra"] | {"seconds": state["seconds"]}
        numbers |= {"diverged": status == "diverged", "failed": status == "failed"}
        for name in cube.variables:
            if numbers.get(name) is not None:
                cube[name][point.position] = numbers[name]
        if history:
            curves[point.position] = {
                name: arrays[f"history/{name}"] for name in HISTORY if f"history/{name}" in arrays
            }
    epochs = max((len(curve) for found in curves.values() for curve in found.values()), default=0)
    if epochs:
        numbers = np.arange(1, epochs + 1, dtype=np.float64)
        cube.coordinates["epoch"] = NamedArray(
            ("epoch",), numbers, {"units": "1", "long_name": "epoch, from 1"}
        )
        for name in dict.fromkeys(name for found in curves.values() for name in found):
            symbol, meaning = HISTORY[name]
            values = np.full((*shape, epochs), np.nan, dtype=np.float32)
            for position, found in curves.items():
                if name in found:
                    values[position][: len(found[name])] = found[name]
            cube.variables[f"history_{name}"] = NamedArray(
                (*dims, "epoch"), values, {"units": symbol, "long_name": meaning}
            )
    return cube


def _coordinates(sweep):
    """{name: `NamedArray`} of all axes."""
    made = {}
    for axis in sweep.axes:
        keys = {key.partition(".")[2]: key for key in axis.values}
        own = keys.get(axis.name) or (next(iter(axis.values)) if len(keys) == 1 else None)
        if own is None or len({json.dumps(v) for v in axis.values[own]}) < len(axis):
            number = np.arange(len(axis), dtype=np.int32)
            made[axis.name] = NamedArray(
                (axis.name,),
                number,
                {"units": "1", "long_name": "number of the entry of a zipped axis"},
            )
        else:
            made[axis.name] = _coordinate(axis, own)
        for name, key in auxiliary(axis).items():
            made[name] = _coordinate(axis, key)
    return made


def _coordinate(axis, key):
    """Numbers as float64; anything else numbered, with its text in the attributes, as texts are what programs disagree about."""
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


def cube_path(folder):
    """Where the cube of a sweep lies unless told otherwise."""
    return Path(folder) / "cube.h5"
