"""Trajectory files: what is in them, under which names and units, how they are written block by block, and how they are opened.

`streamed` knows how such a file is laid out on the disk; docs/FILES.md has the table of its datasets and attributes for readers in other programs.
"""

import dataclasses
import functools
import json
import threading

import numpy as np

import spinrnn
from spinrnn.config.run import RunConfig
from spinrnn.config.tables import suggest
from spinrnn.config.toml import from_toml, to_toml
from spinrnn.errors import ConfigError, DataError, StoreError
from spinrnn.files.lazy import StreamReader
from spinrnn.files.streaming import StreamWriter, Variable
from spinrnn.machine.environment import describe
from spinrnn.neurons.spread import SPREADS, checked_seed, devices_of
from spinrnn.synapses.layout import Layout

VERSION = 1
"""Of the names and meanings of what is in a file; newer ones are refused."""
DEFAULT = ("p", "drive", "output")
"""Variables that are stored unless told otherwise; m is p - output."""
_CASES = 16
"""In a block of a trajectory that is in memory."""

# variable: (stem of its datasets, units, long_name) of an oscillator
_OSCILLATOR = {
    "p": ("power", "1", "normalised power p of the neurons of layer {}"),
    "m": (
        "mean_power",
        "1",
        "mean power m of the neurons of layer {}, as its high-pass filter holds it",
    ),
    "output": ("output", "1", "output y = p - m of the neurons of layer {}"),
    "drive": ("drive", "1/s", "drive I of the neurons of layer {}, held from drive_time on"),
}
_CTRNN = {
    "p": ("state", "1", "state s of the neurons of layer {}"),
    "output": ("output", "1", "output y = s of the neurons of layer {}"),
    "drive": ("drive", "1", "argument of tanh of the neurons of layer {}, held from drive_time on"),
}


def _known(config):
    return _OSCILLATOR if config.neuron == "oscillator" else _CTRNN


def write_trajectory(
    path,
    net,
    u,
    lengths=None,
    *,
    labels=None,
    every=1,
    variables=DEFAULT,
    layers=None,
    cases=None,
    attributes=None,
    on_start=None,
    on_block=None,
    noise_seed=0,
):
    """Simulates and writes a trajectory file, block by block of cases, so that it may be larger than memory. It is there when all of it is.

    Args:
        path: of the file; one that exists is replaced.
        net: `Network`; u: (case, channel, point) inputs; lengths: (case,) input points of each case, or None, as in `Network.forward`.
        labels: (case,) whole numbers, stored with it, or None.
        every: store every so many substeps.
        variables: some of "p" (power; CTRNN: state s), "m" (mean power), "drive", "output"; layers: numbers of layers from 0, None for all.
        cases: (case,) numbers that the cases have in their data set, None for 0, 1, ...
        attributes: {name: text or numbers} to be stored with it, under names that the file does not use itself.
        noise_seed: of thermal noise, as in `Network.forward`.
        on_start: called with the bytes that the file will take, once it has its place; an error of it is as one of on_block.
        on_block: called with the number of cases done, after each block; an error that it raises ends the simulation and removes the file.
    Raises:
        ConfigError: every, variables, layers, attributes; DataError: u, lengths, labels, noise_seed, the network's devices; MemoryLimitError: not even one block fits;
        DivergenceError: a state became infinite or NaN; StoreError: no room, no permission. After any of them nothing of the file is left.
    """
    u, lengths = net.check_inputs(u, lengths)
    plan = _Plan(net, u.shape, lengths, labels, every, variables, layers, cases)
    block, most = net.blocks(lengths)
    steps, done, lock = plan.steps, 0, threading.Lock()
    with StreamWriter(
        path, plan.datasets(), plan.attributes(noise_seed, attributes), block
    ) as file:
        if on_start is not None:
            on_start(file.size)

        def take(span, state, mean, drive, logits):
            nonlocal done
            ends, row = steps(lengths[span]), 0
            for layer, n in enumerate(net.config.layers):
                own = slice(row, row + n)
                row += n
                if layer not in plan.layers:
                    continue
                for name in plan.variables:
                    if name == "output":
                        values = state[::every, own] - mean[::every, own]
                    else:
                        values = {"p": state, "m": mean, "drive": drive[:-1]}[name][::every, own]
                    file.write(
                        plan.name(name, layer),
                        span.start,
                        plan.block(name, values.transpose(2, 1, 0), ends),
                    )
            file.write("inputs", span.start, u[span])
            file.write("logits", span.start, logits.astype(np.float32))
            if on_block is not None:
                with lock:
                    done += len(logits)
                    on_block(done)

        net.history(u, lengths, take, noise_seed, most)


def save_trajectory(path, trajectory, labels=None):
    """Writes a `Trajectory` that is in memory; arguments and errors as of `write_trajectory`, DataError if it was not made by `Network.simulate`."""
    net, u, lengths = trajectory.network, trajectory.inputs, trajectory.lengths
    if net is None:
        raise DataError(
            "trajectory: has no network, only what Network.simulate returned can be saved"
        )
    plan = _Plan(net, u.shape, lengths, labels, 1, DEFAULT, None, None)
    with StreamWriter(
        path, plan.datasets(), plan.attributes(trajectory.noise_seed, None), _CASES
    ) as file:
        for start in range(0, len(u), _CASES):
            span = slice(start, start + _CASES)
            for layer in plan.layers:
                for name, arrays in (
                    ("p", trajectory.state),
                    ("output", trajectory.output),
                    ("drive", trajectory.drive),
                ):
                    file.write(
                        plan.name(name, layer), start, arrays[layer][span].astype(np.float32)
                    )
            file.write("inputs", start, u[span])
            file.write("logits", start, trajectory.logits[span].astype(np.float32))


class _Plan:
    """What a file will hold, checked: every mistake is told before anything is written.

    Attributes:
        net; every; variables: in the order of `_OSCILLATOR`; layers: sorted; levels: times that are stored.
    """

    def __init__(self, net, shape, lengths, labels, every, variables, layers, cases):
        config = net.config
        self.net, self._shape, self._lengths = net, shape, lengths
        self.problems, known = [], _known(config)
        substeps = shape[2] * config.resolved_substeps
        if not _whole(every) or not 1 <= every <= substeps:
            self.problems.append(
                f"every: must be a whole number from 1 to {substeps}, the substeps of the longest case, got {every!r}"
            )
            every = 1
        self.every, self.levels = int(every), substeps // int(every) + 1
        variables = [variables] if isinstance(variables, str) else list(variables)
        for name in variables:
            if name not in known:
                reason = "a CTRNN has no mean power" if name == "m" else "unknown"
                self.problems.append(f"variables: {name}: {reason}{suggest(name, known)}")
        layers = (
            range(len(config.layers))
            if layers is None
            else [layers]
            if _whole(layers)
            else list(layers)
        )
        wrong = [
            layer for layer in layers if not _whole(layer) or not 0 <= layer < len(config.layers)
        ]
        if wrong:
            self.problems.append(
                f"layers: must be whole numbers from 0 to {len(config.layers) - 1}, got {wrong[0]!r}"
            )
        self.variables = [name for name in known if name in variables]
        self.layers = sorted({int(layer) for layer in layers if layer not in wrong})
        if not self.problems and not (self.variables and self.layers):
            self.problems.append("variables, layers: give at least one of each")
        if self.problems:
            raise ConfigError(self.problems)
        if not shape[0]:
            raise DataError("inputs: no cases, there is nothing to simulate")
        self._labels = None if labels is None else _numbers("labels", labels, shape[0])
        self._cases = np.arange(shape[0]) if cases is None else _numbers("cases", cases, shape[0])

    def name(self, variable, layer):
        """Name of a dataset."""
        return f"{_known(self.net.config)[variable][0]}_{layer}"

    def steps(self, lengths):
        """Substeps of cases of so many input points."""
        return lengths * self.net.config.resolved_substeps

    def block(self, variable, values, ends):
        """float32 (case, neuron, stored time), in SI units, NaN after a case's own end, of (case, neuron, time up to the block's longest case)."""
        stored = self.levels - (variable == "drive")
        values = values[:, :, :stored]
        out = np.empty((*values.shape[:2], stored), np.float32)
        have = values.shape[2]
        if variable == "drive" and self.net.config.neuron == "oscillator":
            relaxation_time = values.dtype.type(self.net.config.relaxation_time)
            np.divide(values, relaxation_time, out=out[:, :, :have], casting="same_kind")
        else:
            out[:, :, :have] = values
        # a state is known up to the end itself, a drive is held from a time before it
        known = -(-ends // self.every) if variable == "drive" else ends // self.every + 1
        for case in np.flatnonzero(known < stored):
            out[case, :, known[case] :] = np.nan
        return out

    def datasets(self):
        """`streamed.Variable`s, coordinates first."""
        net, config = self.net, self.net.config
        _, channels, points = self._shape
        step = config.input_interval / config.resolved_substeps
        time = np.arange(self.levels) * (step * self.every)

        def numbers(name, count, meaning):
            return Variable(name, (name,), "i4", "1", meaning, np.arange(count))

        made = [
            Variable("case", ("case",), "i4", "1", "number of the case in its data set", self._cases),
            Variable("time", ("time",), "f8", "s", "time from the start", time),
            Variable("drive_time", ("drive_time",), "f8", "s", "time from the start, from which on a drive is held for a substep", time[:-1]),
            Variable("input_time", ("input_time",), "f8", "s", "time from the start, from which on an input value is held",
                     np.arange(points) * config.input_interval),
            numbers("channel", channels, "number of the input channel"),
            numbers("class", config.outputs, "number of the class"),
        ]  # fmt: skip
        for layer, n in enumerate(config.layers):
            made.append(numbers(f"neuron_{layer}", n, f"number of the neuron in layer {layer}"))
            made.append(
                numbers(
                    f"source_{layer}",
                    n,
                    f"number of the sending neuron in layer {layer}, of recurrent weights",
                )
            )
        real = np.dtype(config.dtype).str[1:]
        for prefix, flat, dtype in (("", net.parameters, real), ("exists_", net.mask, "u1")):
            for name, view in {} if flat is None else net.layout.named(flat).items():
                made.append(
                    Variable(
                        prefix + name,
                        _weight_dims(config, name),
                        dtype,
                        "1",
                        _weight_name(name, prefix),
                        view,
                    )
                )
        for quantity, factors in (
            {} if net.devices is None else net.devices.by_layer(config).items()
        ):
            for layer, own in enumerate(factors):
                meaning = f"factor of the nominal {quantity} of the neurons of layer {layer}"
                made.append(
                    Variable(
                        f"{quantity}_factor_{layer}", (f"neuron_{layer}",), "f8", "1", meaning, own
                    )
                )
        if self._labels is not None:
            made.append(Variable("labels", ("case",), "i4", "1", "class of the case", self._labels))
        if (self._lengths < points).any():
            made.append(
                Variable(
                    "lengths",
                    ("case",),
                    "i4",
                    "1",
                    "input points of the case, what follows is NaN",
                    self._lengths,
                )
            )
        made.append(Variable("inputs", ("case", "channel", "input_time"), real, "1", "input u"))
        made.append(Variable("logits", ("case", "class"), "f4", "1", "output o of the network"))
        for name in self.variables:
            _, units, meaning = _known(config)[name]
            for layer in self.layers:
                dims = ("case", f"neuron_{layer}", "drive_time" if name == "drive" else "time")
                made.append(
                    Variable(self.name(name, layer), dims, "f4", units, meaning.format(layer))
                )
        return made

    def attributes(self, noise_seed, further):
        """Attributes of the root: what made the file, the configuration with automatic values resolved, and what the caller adds."""
        config = self.net.config
        what = (
            "a network of spin-torque nano-oscillators"
            if config.neuron == "oscillator"
            else "a CTRNN"
        )
        resolved = dataclasses.asdict(config) | {"substeps": config.resolved_substeps}
        made = {
            "Conventions": "CF-1.8",
            "title": f"trajectory of {what}",
            "format": "spinrnn",
            "kind": "trajectory",
            "version": VERSION,
            "spinrnn": spinrnn.__version__,
            "environment": json.dumps(describe()),
            "config": to_toml(RunConfig(network=config), ["network"]),
            "every": self.every,
            "variables": ",".join(self.variables),
            "stored_layers": np.array(self.layers),
            "noise_seed": json.dumps(checked_seed(noise_seed), default=int),
            **resolved,
        }
        further = further or {}
        problems = [
            f"attributes: {name!r} is one of the file's own; choose another name"
            for name in (*made, "complete")
            if name in further
        ]
        problems += [
            f"attributes: {name!r} must have a name and be a text or numbers, got {value!r}"
            for name, value in further.items()
            if not _storable(name, value)
        ]
        if problems:
            raise ConfigError(problems)
        return made | further


def _weight_dims(config, name):
    stem, _, layer = name.rpartition("_")
    last = f"neuron_{len(config.layers) - 1}"
    if name in ("w_out", "b_out"):
        return ("class", last) if name == "w_out" else ("class",)
    before = f"neuron_{int(layer) - 1}" if int(layer) else "channel"
    return {
        "w_ext": (f"neuron_{layer}", before),
        "w_int": (f"neuron_{layer}", f"source_{layer}"),
        "bias": (f"neuron_{layer}",),
    }[stem]


def _weight_name(name, prefix):
    stem, _, layer = name.rpartition("_")
    meaning = {
        "w_ext": f"weights from {'the layer before' if layer != '0' else 'the inputs'} to layer {layer}",
        "w_int": f"recurrent weights of layer {layer}",
        "bias": f"biases of layer {layer}",
        "w": "weights of the readout",
        "b": "biases of the readout",
    }[stem]
    return f"1 where one exists: {meaning}" if prefix else meaning


def _storable(name, value):
    """Whether it can be an attribute: `streamed.put_attributes`."""
    if not (isinstance(name, str) and name):
        return False
    return isinstance(value, (str, int)) or (
        not isinstance(value, bytes) and np.asarray(value).dtype.kind in "fiub"
    )


def _whole(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _numbers(name, values, cases):
    """(case,) whole numbers that fit into int32, or DataError."""
    values = np.asarray(values)
    if values.shape != (cases,) or values.dtype.kind not in "iu":
        raise DataError(
            f"{name}: expected {cases} whole numbers, one for each case; got {values.dtype} of shape {values.shape}"
        )
    if values.size and not -(2**31) <= int(values.min()) <= int(values.max()) < 2**31:
        raise DataError(f"{name}: must be below 2^31, got {values.max()}")
    return values


class TrajectoryFile:
    """A trajectory file, open for reading; a context manager. Arrays of states are read as far as they are sliced, and checked as they are read.

    Attributes:
        config: `NetworkConfig`; network: `Network` with the weights that were simulated; attributes: {name: value} of the file.
        time: (M + 1,) float64, s, of the stored levels; every: substeps between them.
        state, mean, output: [(case, n_l, M + 1)] power p (CTRNN: s), mean power m, output y, dimensionless, at `time`.
        drive: [(case, n_l, M)] in 1/s (CTRNN: dimensionless), held from `time` on.
            Items are `streamed.Stored`, which are sliced like arrays; None for a layer that was not stored, and None for the whole list of a variable.
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
