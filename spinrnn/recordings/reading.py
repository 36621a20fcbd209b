"""Trajectory files: checked when opened, read as far as they are sliced."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.config.run import NetworkConfig
from spinrnn.config.spread import spreads_of
from spinrnn.config.toml import from_toml
from spinrnn.errors import ConfigError, DataError, StoreError
from spinrnn.files.lazy import Stored, StreamReader
from spinrnn.neurons.spread import Devices, devices_of
from spinrnn.recordings import exporting
from spinrnn.recordings.contents import VERSION, is_whole, variables_of
from spinrnn.synapses.layout import Layout


class TrajectoryFile(exporting.Exported):
    """A trajectory file, open for reading; a context manager, and an `AnyTrajectory`.

    Arrays of states are read as far as they are sliced, and checked as they are read.

    Attributes:
        config: `NetworkConfig`; network: `Network` with the weights that were
            simulated.
        attributes: {name: value} of the file.
        time: (M + 1,) float64, s, of the stored levels; every: substeps between them.
        state, mean, output: [(case, n_l, M + 1)] power p (CTRNN: s), mean power m,
            output y, dimensionless, at `time`.
        drive: [(case, n_l, M)] in 1/s (CTRNN: dimensionless), held from `time` on.
        states: {name: [(case, n_l, M + 1)]} of a neuron's states besides the first.
            Items of these lists are `files.lazy.Stored`, which are sliced like arrays;
            None for a layer that was not stored, and None for the whole list of a
            variable.
        logits: (case, class); inputs: (case, channel, point).
        cases: (case,) numbers in their data set.
        labels, lengths: (case,) int64 or None, as in `Dataset`.
        noise_seed: of thermal noise, a number or a list, as in `Network.forward`.
    Raises:
        StoreError: missing, unfinished, truncated, changed, foreign or too new; on
            opening, or when what does not match its checksum is read.
    """

    config: NetworkConfig
    attributes: dict
    time: np.ndarray
    every: int
    state: list[Stored | None] | None
    mean: list[Stored | None] | None
    output: list[Stored | None] | None
    drive: list[Stored | None] | None
    states: dict[str, list[Stored | None] | None]
    logits: np.ndarray
    cases: np.ndarray
    labels: np.ndarray | None
    lengths: np.ndarray | None
    noise_seed: int | list[int]
    network: Any

    def __init__(self, path: str | Path):
        self._reader, self._inputs = StreamReader(path), None
        try:
            self._open()
        except BaseException:
            self._reader.close()
            raise

    def _open(self):
        reader, datasets = self._reader, _Datasets(self._reader)
        self.attributes = reader.attributes
        _check_head(reader.path, self.attributes)
        self.config = _config(reader.path, self.attributes["config"])
        self.noise_seed = _noise_seed(reader.path, self.attributes)
        self.time = datasets.array("time", (None,), "f")
        cases, _, points = datasets.shape("inputs", 3)
        self.every = _every(reader.path, self.attributes, self.config, points, len(self.time))
        # `inputs` is read when it is first asked for
        self.network = _network(datasets, self.config)
        real = self.config.dtype if self.network.scaling is None else "float64"
        datasets.stored("inputs", (cases, self.config.inputs, points), real)
        shape = cases, self.config.outputs
        self.logits = np.asarray(datasets.stored("logits", shape, _kind(datasets, self.network)))
        self.cases = datasets.array("case", (cases,), "i")
        self.labels = datasets.numbers("labels", cases)
        self.lengths = datasets.numbers("lengths", cases)
        self.state, self.mean, self.output, self.drive = (
            self._by_layer(datasets, name) for name in ("p", "m", "output", "drive")
        )
        self.states = {name: self._by_layer(datasets, name) for name in self._further()}

    def _further(self):
        """Names of the stored states besides the one that is emitted."""
        own = {s.name for neuron in self.config.neurons for s in neuron.states[1:]}
        return [name for name in self.attributes["variables"].split(",") if name in own]

    def _by_layer(self, datasets, name):
        """Arrays of a variable for each layer, None for what was not stored."""
        named = self.attributes["variables"].split(",")
        of_layers = [variables_of(self.config, i) for i in range(len(self.config.layers))]
        if name not in named or not any(name in known for known in of_layers):
            return None
        layers = np.atleast_1d(self.attributes.get("stored_layers", [])).tolist()
        cases, levels = len(self.logits), len(self.time) - (name == "drive")
        return [
            datasets.stored(f"{known[name].stem}_{layer}", (cases, n, levels), "float32")
            if layer in layers and name in (known := of_layers[layer])
            else None
            for layer, n in enumerate(self.config.layers)
        ]

    def __enter__(self) -> "TrajectoryFile":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.logits)

    def __repr__(self) -> str:
        layers = ", ".join(str(n) for n in self.config.layers)
        return (
            f"<TrajectoryFile {self._reader.path}: {len(self)} cases, {len(self.time)} times, "
            f"layers of {layers} neurons>"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows; nothing more is read of the file."""
        return exporting.html_of(self, f"TrajectoryFile {self._reader.path}", ranges=False)

    @property
    def inputs(self) -> np.ndarray:
        if self._inputs is None:
            self._inputs = np.asarray(self._reader.stored["inputs"])
        return self._inputs

    def close(self) -> None:
        """Closes the file. Arrays that were read stay."""
        self._reader.close()

    def check(self) -> None:
        """Reads all of it; StoreError where a block does not match its checksum."""
        for stored in self._reader.stored.values():
            for _ in stored.blocks():
                pass


def open_trajectory(path: str | Path) -> TrajectoryFile:
    """Opens a trajectory file. Memory is taken by what is read from it only.

    Raises:
        StoreError: as `TrajectoryFile` says.
    """
    return TrajectoryFile(path)


# ---- attributes ----


def _check_head(path, attributes):
    """Raises StoreError unless the attributes are those of a trajectory that we can
    read.
    """
    names = ("format", "kind", "config", "variables")
    texts = all(isinstance(attributes.get(name), str) for name in names)
    if not texts or (attributes["format"], attributes["kind"]) != ("spinrnn", "trajectory"):
        raise StoreError(f"{path}: not a trajectory file of spinrnn")
    version = attributes.get("version")
    if not is_whole(version):
        raise StoreError(f"{path}: damaged, its version is no whole number")
    if version > VERSION:
        raise StoreError(
            f"{path}: has the version {version}, this spinrnn reads up to {VERSION}; "
            "install a newer spinrnn"
        )


def _config(path, text):
    try:
        return from_toml(text).network
    except ConfigError as error:
        raise StoreError(f"{path}: its configuration cannot be used: {error}") from None


def _noise_seed(path, attributes):
    try:
        return json.loads(attributes["noise_seed"])
    except (KeyError, TypeError, ValueError, RecursionError):
        raise StoreError(f"{path}: its noise_seed is missing or no number") from None


def _every(path, attributes, config, points, levels):
    """Substeps from a stored time to the next; levels: number of stored times."""
    every, substeps = attributes.get("every", 0), points * config.resolved_substeps
    if not is_whole(every) or every < 1 or levels != substeps // every + 1:
        raise StoreError(f"{path}: its times do not fit its configuration")
    return every


# ---- datasets ----


class _Datasets:
    """Datasets of a file by name, each refused unless it is what it should be."""

    def __init__(self, reader):
        self._reader, self.path = reader, reader.path

    def __contains__(self, name):
        return name in self._reader.arrays

    def shape(self, name, ndim):
        """Shape of a streamed dataset with so many axes."""
        found = self._reader.stored.get(name)
        if found is None or found.ndim != ndim:
            raise StoreError(f"{self.path}: the dataset {name} is missing or has not {ndim} axes")
        return found.shape

    def stored(self, name, shape, dtype):
        """A streamed dataset, not read yet."""
        found = self._reader.stored.get(name)
        if found is None or found.shape != shape or found.dtype != np.dtype(dtype):
            raise StoreError(
                f"{self.path}: the dataset {name} is missing or not {dtype} of the shape {shape}"
            )
        return found

    def is_of(self, name, dtype):
        """Whether a streamed dataset is there, of that dtype."""
        found = self._reader.stored.get(name)
        return found is not None and found.dtype == np.dtype(dtype)

    def array(self, name, shape, kind):
        """An array that was not streamed; shape: (None,) for any length."""
        found = self._reader.arrays.get(name)
        if found is None or found.dtype.kind != kind or not _fits(found.shape, shape):
            raise StoreError(
                f"{self.path}: the dataset {name} is missing or does not fit the configuration"
            )
        return found

    def numbers(self, name, cases):
        """(case,) int64 whole numbers, or None where the file has none."""
        return self.array(name, (cases,), "i").astype(np.int64) if name in self else None


def _kind(datasets, network):
    """dtype of the outputs: of scaled ones float64, in older files float32."""
    wide = network.scaling is not None and network.scaling.of_outputs
    return "float64" if wide and not datasets.is_of("logits", "float32") else "float32"


def _fits(found, shape):
    """Whether a shape is the wanted one; (None,) for any length."""
    return len(found) == 1 if shape == (None,) else found == shape


def _network(datasets, config):
    """`Network` that was simulated."""
    # a network makes trajectories, so this module cannot import it at its head
    from spinrnn.networks.saved import network_from, scaling_from

    shapes = {name: shape for name, (_, shape) in Layout(config).blocks.items()}
    parameters = {name: datasets.array(name, shape, "f") for name, shape in shapes.items()}
    masks = None
    if config.density_int < 1 or config.density_ext < 1:
        masks = {
            name: datasets.array(f"exists_{name}", shape, "u").astype(bool)
            for name, shape in shapes.items()
        }
    names = [f"{side}_{what}" for side in ("input", "output") for what in ("mean", "deviation")]
    scaled = {n: datasets.array(n, (None,), "f") for n in names if n in datasets}
    scaling = scaling_from(datasets.path, config, scaled)
    return network_from(config, parameters, masks, _devices(datasets, config), scaling)


def _devices(datasets, config) -> Devices | None:
    """`Devices` that the network ran on, or None."""
    found = {}
    for name in spreads_of(*config.neurons):
        parts = {
            layer: f"{name}_factor_{layer}"
            for layer, neuron in enumerate(config.neurons)
            if name in spreads_of(neuron)
        }
        if any(part in datasets for part in parts.values()):
            factors = [
                datasets.array(parts[layer], (n,), "f") if layer in parts else np.ones(n)
                for layer, n in enumerate(config.layers)
            ]
            found[f"devices/{name}"] = np.concatenate(factors)
    try:
        return devices_of(found, config)
    except DataError as error:
        raise StoreError(
            f"{datasets.path}: {error}; the file does not fit its configuration"
        ) from None
