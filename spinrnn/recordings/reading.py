"""Trajectory files, open for reading: what has been checked when one is opened, and arrays that are read as they are sliced."""

import functools
import json

import numpy as np

from spinrnn.config.toml import from_toml
from spinrnn.errors import ConfigError, DataError, StoreError
from spinrnn.files.lazy import StreamReader
from spinrnn.neurons.spread import SPREADS, devices_of
from spinrnn.recordings.contents import VERSION, _known, _whole
from spinrnn.synapses.layout import Layout


class TrajectoryFile:
    """A trajectory file, open for reading; a context manager. Arrays of states are read as far as they are sliced, and checked as they are read.

    Attributes:
        config: `NetworkConfig`; network: `Network` with the weights that were simulated; attributes: {name: value} of the file.
        time: (M + 1,) float64, s, of the stored levels; every: substeps between them.
        state, mean, output: [(case, n_l, M + 1)] power p (CTRNN: s), mean power m, output y, dimensionless, at `time`.
        drive: [(case, n_l, M)] in 1/s (CTRNN: dimensionless), held from `time` on.
            Items are `files.lazy.Stored`, which are sliced like arrays; None for a layer that was not stored, and None for the whole list of a variable.
        logits: (case, class); inputs: (case, channel, point); cases: (case,) numbers in their data set.
        labels, lengths: (case,) int64 or None, as in `Dataset`; noise_seed: of thermal noise, a number or a list, as in `Network.forward`.
    Raises:
        StoreError: missing, unfinished, truncated, changed, foreign or too new; on opening, or when what does not match its checksum is read.
    """

    def __init__(self, path):
        self._reader = StreamReader(path)
        try:
            self._open(path)
        except BaseException:
            self._reader.close()
            raise

    def _open(self, path):
        a = self.attributes = self._reader.attributes
        texts = all(
            isinstance(a.get(name), str) for name in ("format", "kind", "config", "variables")
        )
        if not texts or a["format"] != "spinrnn" or a["kind"] != "trajectory":
            raise StoreError(f"{path}: not a trajectory file of spinrnn")
        if not _whole(a.get("version")):
            raise StoreError(f"{path}: damaged, its version is no whole number")
        if a["version"] > VERSION:
            raise StoreError(
                f"{path}: has the version {a.get('version')}, this spinrnn reads up to {VERSION}; install a newer spinrnn"
            )
        try:
            self.config = from_toml(a["config"]).network
        except ConfigError as error:
            raise StoreError(f"{path}: its configuration cannot be used: {error}") from None
        self.every, self.time = a.get("every"), self._array("time", (None,), "f")
        try:
            self.noise_seed = json.loads(a["noise_seed"])
        except (KeyError, TypeError, ValueError, RecursionError):
            raise StoreError(f"{path}: its noise_seed is missing or no number") from None
        known, shape = _known(self.config), self._shape("inputs", 3)
        cases, points = shape[0], shape[2]
        if (
            not _whole(self.every)
            or self.every < 1
            or len(self.time) != points * self.config.resolved_substeps // self.every + 1
        ):
            raise StoreError(f"{path}: its times do not fit its configuration")
        self._stored("inputs", (cases, self.config.inputs, points), self.config.dtype)
        self.logits = np.asarray(self._stored("logits", (cases, self.config.outputs), "float32"))
        self.cases = self._array("case", (cases,), "i")
        self.labels, self.lengths = (
            self._array(name, (cases,), "i").astype(np.int64)
            if name in self._reader.arrays
            else None
            for name in ("labels", "lengths")
        )
        named = a["variables"].split(",")
        layers = np.atleast_1d(a.get("stored_layers")).tolist()

        def by_layer(name):
            if name not in named or name not in known:
                return None
            stem, levels = known[name][0], len(self.time) - (name == "drive")
            sizes = enumerate(self.config.layers)
            return [
                self._stored(f"{stem}_{layer}", (cases, n, levels), "float32")
                if layer in layers
                else None
                for layer, n in sizes
            ]

        self.state, self.mean, self.output, self.drive = (
            by_layer(name) for name in ("p", "m", "output", "drive")
        )
        blocks = {
            name: self._array(name, block, "f")
            for name, (_, block) in Layout(self.config).blocks.items()
        }
        sparse = self.config.density_int < 1 or self.config.density_ext < 1
        masks = (
            {
                name: self._array(f"exists_{name}", b.shape, "u").astype(bool)
                for name, b in blocks.items()
            }
            if sparse
            else None
        )
        from spinrnn.networks.saved import network_from  # a network imports this module

        self.network = network_from(self.config, blocks, masks, self._devices(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __len__(self):
        return len(self.logits)

    def __repr__(self):
        layers = ", ".join(str(n) for n in self.config.layers)
        return f"<TrajectoryFile {self._reader.path}: {len(self)} cases, {len(self.time)} times, layers of {layers} neurons>"

    @functools.cached_property
    def inputs(self):
        return np.asarray(self._reader.stored["inputs"])

    def close(self):
        """Closes the file. Arrays that were read stay."""
        self._reader.close()

    def check(self):
        """Reads all of the file; StoreError where a block does not match its checksum."""
        for stored in self._reader.stored.values():
            for _ in stored.blocks():
                pass

    def _devices(self, path):
        """`Devices` that the network ran on, or None."""
        names = {
            name: [f"{name}_factor_{layer}" for layer in range(len(self.config.layers))]
            for name in SPREADS
        }
        found = {}
        for name, parts in names.items():
            if any(part in self._reader.arrays for part in parts):
                own = zip(parts, self.config.layers, strict=True)
                found[f"devices/{name}"] = np.concatenate(
                    [self._array(part, (n,), "f") for part, n in own]
                )
        try:
            return devices_of(found, self.config)
        except DataError as error:
            raise StoreError(f"{path}: {error}; the file does not fit its configuration") from None

    def _shape(self, name, ndim):
        found = self._reader.stored.get(name)
        if found is None or found.ndim != ndim:
            raise StoreError(
                f"{self._reader.path}: the dataset {name} is missing or has not {ndim} axes"
            )
        return found.shape

    def _stored(self, name, shape, dtype):
        found = self._reader.stored.get(name)
        if found is None or found.shape != shape or found.dtype != np.dtype(dtype):
            raise StoreError(
                f"{self._reader.path}: the dataset {name} is missing or not {dtype} of the shape {shape}"
            )
        return found

    def _array(self, name, shape, kind):
        found = self._reader.arrays.get(name)
        fits = (
            found is not None
            and found.dtype.kind == kind
            and (found.shape == shape or (shape == (None,) and found.ndim == 1))
        )
        if not fits:
            raise StoreError(
                f"{self._reader.path}: the dataset {name} is missing or does not fit the configuration"
            )
        return found


def open_trajectory(path):
    """Opens a trajectory file: a `TrajectoryFile`. Memory is taken by what is read from it only."""
    return TrajectoryFile(path)
