"""What is in a trajectory file: names, units and axes of its datasets, its attributes, and the checks of what is asked for."""

import dataclasses
import json

import numpy as np

import spinrnn
from spinrnn.config.run import RunConfig
from spinrnn.config.tables import suggest
from spinrnn.config.toml import to_toml
from spinrnn.errors import ConfigError, DataError
from spinrnn.files.streaming import Variable
from spinrnn.machine.environment import describe
from spinrnn.neurons.spread import checked_seed

VERSION = 1
"""Of the names and meanings of what is in a file; newer ones are refused."""


DEFAULT = ("p", "drive", "output")
"""Variables that are stored unless told otherwise; m is p - output."""


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

    def times(self, variable):
        """Number of stored times; a drive is held from each but the last one."""
        return self.levels - (variable == "drive")

    def datasets(self):
        """`files.streaming.Variable`s, coordinates first."""
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
    """Whether it can be an attribute: `files.streaming.put_attributes`."""
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
