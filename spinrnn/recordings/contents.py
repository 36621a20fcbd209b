"""What a trajectory file holds: names, units and axes of datasets, and attributes.

docs/FILES.md has the same as a table for readers in other programs; `files.streaming`
lays the datasets out on the disk.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import spinrnn
from spinrnn.arrays import array_of
from spinrnn.config.neurons import title_of
from spinrnn.config.run import NetworkConfig, run_of
from spinrnn.config.spread import spreads_of
from spinrnn.config.tables import suggest
from spinrnn.config.toml import to_toml
from spinrnn.config.versions import attributes
from spinrnn.errors import ConfigError, DataError
from spinrnn.files.container import AXIS_ORDER
from spinrnn.files.streaming import Variable
from spinrnn.machine.environment import describe
from spinrnn.neurons.spread import checked_seed
from spinrnn.synapses.layout import axes_of

VERSION = 2
"""Of the names and meanings of what is in a file; newer ones are refused.

In 1 the configuration has the keys of 0.1.
"""
DEFAULT = ("p", "drive", "output")
"""Variables that are stored unless told otherwise; m is p - output."""


class Stored(NamedTuple):
    """How a variable of the neurons is stored: one dataset STEM_l for each layer l."""

    stem: str
    units: str
    meaning: str


def variables_of(config: NetworkConfig, layer: int = 0) -> dict[str, Stored]:
    """{variable: how it is stored} of a layer's neurons, in the order of a file.

    "p" is the state that is emitted, other states have their own names; "m" is there
    where the high-pass filter is.
    """
    neuron = config.neurons[layer]
    emitted, *others = neuron.states
    of = "of the neurons of layer {}"
    found = {"p": Stored(emitted.name, emitted.unit, f"{emitted.meaning} {of}")}
    found |= {s.name: Stored(s.name, s.unit, f"{s.meaning} {of}") for s in others}
    if config.filter_time:
        mean = f"mean {emitted.name} m {of}, as its high-pass filter holds it"
        found["m"] = Stored(f"mean_{emitted.name}", emitted.unit, mean)
    # the letter with which its meaning ends, as p of "normalised power p"
    letter = emitted.meaning.rpartition(" ")[2]
    symbol = letter if len(letter) == 1 else f"the {emitted.name}"
    less = " - m" if config.filter_time else ""
    found["output"] = Stored("output", emitted.unit, f"output y = {symbol}{less} {of}")
    drive = f"{neuron.drive.meaning} {of}, held from drive_time on"
    found["drive"] = Stored("drive", neuron.drive.unit, drive)
    return found


def known_variables(config: NetworkConfig) -> list[str]:
    """Names of the variables of all layers, in the order of a file."""
    layers = range(len(config.layers))
    return list(dict.fromkeys(name for layer in layers for name in variables_of(config, layer)))


def default_variables(config: NetworkConfig) -> list[str]:
    """`DEFAULT` and the further states of neurons that have several."""
    return [name for name in known_variables(config) if name != "m"]


def is_whole(value: Any) -> bool:
    """Whether it is a whole number; truth values are none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


# ---- what is asked for ----


@dataclass(frozen=True, eq=False)
class Contents:
    """What a file will hold. `contents_of` makes one of what users ask for.

    Attributes:
        net: `Network`.
        shape: (cases, channels, points) of the inputs.
        lengths: (case,) input points of each case.
        every: substeps from a stored time to the next.
        variables: in the order of a file; layers: numbers from 0, sorted.
        labels: (case,) or None; cases: (case,) numbers in their data set.
    """

    net: Any
    shape: tuple[int, int, int]
    lengths: np.ndarray
    every: int
    variables: list[str]
    layers: list[int]
    labels: np.ndarray | None
    cases: np.ndarray

    @property
    def levels(self) -> int:
        """Number of stored times, the start among them."""
        return self.shape[2] * self.net.config.resolved_substeps // self.every + 1

    @property
    def of_outputs(self) -> str:
        """dtype of the outputs; float64 keeps small parts of large ones."""
        scaling = self.net.scaling
        return "float64" if scaling is not None and scaling.of_outputs else "float32"

    def times(self, variable: str) -> int:
        """Number of stored times; a drive is held from each but the last."""
        return self.levels - (variable == "drive")

    def name(self, variable: str, layer: int) -> str:
        """Name of a dataset."""
        return f"{variables_of(self.net.config, layer)[variable].stem}_{layer}"

    def has(self, variable: str, layer: int) -> bool:
        """Whether a layer's neurons have a variable."""
        return variable in variables_of(self.net.config, layer)


def contents_of(
    net, shape, lengths, *, labels=None, every=1, variables=None, layers=None, cases=None
) -> Contents:
    """`Contents` of what is asked for, as `spinrnn.write_trajectory` describes it.

    Raises:
        ConfigError: every, variables, layers; DataError: no cases, labels or cases that
            do not fit.
    """
    if variables is None or tuple(variables) == DEFAULT:
        variables = default_variables(net.config)
    variables = [variables] if isinstance(variables, str) else list(variables)
    layers = range(len(net.config.layers)) if layers is None else layers
    layers = list(layers) if isinstance(layers, Iterable) else [layers]
    problems = _problems(net.config, shape[2], every, variables, layers)
    if problems:
        raise ConfigError(problems)
    if not shape[0]:
        raise DataError("inputs: no cases, there is nothing to simulate")
    return Contents(
        net,
        shape,
        lengths,
        int(every),
        [name for name in known_variables(net.config) if name in variables],
        sorted({int(layer) for layer in layers}),
        None if labels is None else _numbers("labels", labels, shape[0]),
        np.arange(shape[0]) if cases is None else _numbers("cases", cases, shape[0]),
    )


def _problems(config, points, every, variables, layers):
    """What of a request cannot be stored, in words."""
    problems, known = [], known_variables(config)
    substeps, last = points * config.resolved_substeps, len(config.layers) - 1
    if not is_whole(every) or not 1 <= every <= substeps:
        problems.append(
            f"every: must be a whole number from 1 to {substeps}, the substeps of the longest "
            f"case, got {every!r}"
        )
    for name in variables:
        if name not in known:
            reason = f"{title_of(config)} has no filter" if name == "m" else "unknown"
            problems.append(f"variables: {name}: {reason}{suggest(name, known)}")
    wrong = [layer for layer in layers if not is_whole(layer) or not 0 <= layer <= last]
    if wrong:
        problems.append(f"layers: must be whole numbers from 0 to {last}, got {wrong[0]!r}")
    if not problems and not (variables and layers):
        problems.append("variables, layers: give at least one of each")
    return problems


def _numbers(name, values, cases):
    """(case,) whole numbers that fit into int32, or DataError."""
    values = array_of(values, name)
    if values.shape != (cases,) or values.dtype.kind not in "iu":
        raise DataError(
            f"{name}: expected {cases} whole numbers, one for each case; got {values.dtype} "
            f"of shape {values.shape}"
        )
    if values.size and not -(2**31) <= int(values.min()) <= int(values.max()) < 2**31:
        raise DataError(f"{name}: must be below 2^31, got {values.max()}")
    return values


# ---- datasets ----


def datasets_of(contents: Contents) -> list[Variable]:
    """All datasets of a file, coordinates first."""
    return [
        *_coordinates(contents),
        *_weights(contents.net),
        *_devices(contents.net),
        *_scaling(contents.net),
        *_of_cases(contents),
        *_states(contents),
    ]


def _coordinates(contents):
    config = contents.net.config
    _, channels, points = contents.shape
    step = config.input_interval / config.resolved_substeps * contents.every
    time = np.arange(contents.levels) * step
    start = "time from the start"
    held = f"{start}, from which on a drive is held for a substep"
    read = f"{start}, from which on an input value is held"
    points_time = np.arange(points) * config.input_interval
    case = "number of the case in its data set"
    yield Variable("case", ("case",), "i4", "1", case, contents.cases)
    yield Variable("time", ("time",), "f8", "s", start, time)
    yield Variable("drive_time", ("drive_time",), "f8", "s", held, time[:-1])
    yield Variable("input_time", ("input_time",), "f8", "s", read, points_time)
    yield _count("channel", channels, "number of the input channel")
    yield _count("class", config.outputs, "number of the class")
    if "feature" in axes_of(config, "w_out"):
        squares = ", then the squares of these" if config.features > config.read else ""
        times = " twice" if config.read > config.layers[-1] else ""
        about = f"number of what the output weights act on: the last layer{times}{squares}"
        yield _count("feature", config.features, about)
    if config.trained and config.trained_per == "layer":
        yield _count("one", 1, "a layer has one value")
    for layer, n in enumerate(config.layers):
        sender = f"number of the sending neuron in layer {layer}, of recurrent weights"
        yield _count(f"neuron_{layer}", n, f"number of the neuron in layer {layer}")
        yield _count(f"source_{layer}", n, sender)


def _count(name, count, meaning):
    return Variable(name, (name,), "i4", "1", meaning, np.arange(count))


def _weights(net) -> Iterator[Variable]:
    """Parameters, and of a sparse network which of them exist."""
    real = np.dtype(net.config.dtype).str[1:]
    for name, view in net.layout.named(net.parameters).items():
        dims, meaning = axes_of(net.config, name), _meaning_of(name)
        yield Variable(name, dims, real, "1", meaning, view)
    if net.mask is None:
        return
    for name, view in net.layout.named(net.mask).items():
        dims, meaning = axes_of(net.config, name), f"1 where one exists: {_meaning_of(name)}"
        yield Variable(f"exists_{name}", dims, "u1", "1", meaning, view)


def _devices(net) -> Iterator[Variable]:
    """Factors of devices that differ."""
    factors = {} if net.devices is None else net.devices.by_layer(net.config)
    for quantity, layers in factors.items():
        for layer, own in enumerate(layers):
            if quantity not in spreads_of(net.config.neurons[layer]):
                continue
            name, dims = f"{quantity}_factor_{layer}", (f"neuron_{layer}",)
            meaning = f"factor of the nominal {quantity} of the neurons of layer {layer}"
            yield Variable(name, dims, "f8", "1", meaning, own)


def _scaling(net) -> Iterator[Variable]:
    """Means and deviations by which inputs and outputs are scaled."""
    for name, own in ({} if net.scaling is None else net.scaling.named()).items():
        side, _, what = name.rpartition("/")[2].partition("_")
        of, dims = ("inputs", "channel") if side == "input" else ("targets", "class")
        meaning = f"{what} of the {of}, by which the network scales"
        yield Variable(f"{side}_{what}", (dims,), "f8", "1", meaning, own)


def _of_cases(contents) -> Iterator[Variable]:
    """What belongs to cases: labels, lengths, inputs and outputs."""
    lengths, meaning = contents.lengths, "input points of the case, what follows is NaN"
    net = contents.net
    # what is scaled keeps the small differences of large numbers
    real = "f8" if net.scaling is not None else np.dtype(net.config.dtype).str[1:]
    if contents.labels is not None:
        yield Variable("labels", ("case",), "i4", "1", "class of the case", contents.labels)
    if (lengths < contents.shape[2]).any():
        yield Variable("lengths", ("case",), "i4", "1", meaning, lengths)
    yield Variable("inputs", ("case", "channel", "input_time"), real, "1", "input u")
    said = np.dtype(contents.of_outputs).str[1:]
    yield Variable("logits", ("case", "class"), said, "1", "output o of the network")


def _states(contents) -> Iterator[Variable]:
    """Variables of the neurons over time."""
    for name in contents.variables:
        for layer in contents.layers:
            if not contents.has(name, layer):
                continue
            _, units, meaning = variables_of(contents.net.config, layer)[name]
            dims = ("case", f"neuron_{layer}", "drive_time" if name == "drive" else "time")
            yield Variable(contents.name(name, layer), dims, "f4", units, meaning.format(layer))


def _meaning_of(name):
    """What a block of parameters is, in words."""
    stem, _, layer = name.rpartition("_")
    before = "the inputs" if layer == "0" else "the layer before"
    if stem.startswith("neuron_"):
        quantity = stem.removeprefix("neuron_")
        return f"coordinate in which {quantity} of layer {layer} is trained, 0: as configured"
    return {
        "w_ext": f"weights from {before} to layer {layer}",
        "w_int": f"recurrent weights of layer {layer}",
        "bias": f"biases of layer {layer}",
        "w": "weights of the readout",
        "b": "biases of the readout",
    }[stem]


# ---- attributes ----


def attributes_of(contents: Contents, noise_seed, further: Mapping | None) -> dict[str, Any]:
    """Attributes of the root: what made the file, and what the caller adds.

    Raises:
        ConfigError: a name that the file uses itself, or a value that cannot be stored;
        DataError: noise_seed.
    """
    own, further = _own_attributes(contents, noise_seed), dict(further or {})
    problems = [
        f"attributes: {name!r} is one of the file's own; choose another name"
        for name in (*own, "complete")
        if name in further
    ]
    problems += [
        f"attributes: {name!r} must have a name and be a text or numbers, got {value!r}"
        for name, value in further.items()
        if not _is_storable(name, value)
    ]
    if problems:
        raise ConfigError(problems)
    return {**own, **further}


def _own_attributes(contents, noise_seed):
    config = contents.net.config
    return {
        "Conventions": "CF-1.8",
        "axis_order": AXIS_ORDER,
        "title": f"trajectory of {title_of(config)}",
        "format": "spinrnn",
        "kind": "trajectory",
        "version": VERSION,
        "spinrnn": spinrnn.__version__,
        "environment": json.dumps(describe()),
        "config": to_toml(run_of(config), ["network"]),
        "every": contents.every,
        "variables": ",".join(contents.variables),
        "stored_layers": np.array(contents.layers),
        "noise_seed": json.dumps(checked_seed(noise_seed), default=int),
        # all keys of the network, automatic values resolved
        **attributes(config),
        "substeps": config.resolved_substeps,
    }


def _is_storable(name, value):
    """Whether `files.streaming.put_attributes` can store it under this name."""
    if not (isinstance(name, str) and name) or isinstance(value, bytes):
        return False
    if isinstance(value, str | int):
        return True
    try:
        return array_of(value, name).dtype.kind in "fiub"
    except DataError:
        return False
