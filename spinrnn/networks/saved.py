"""Networks in files: a network as arrays by name, and made again from the arrays of a
file.
"""

import numpy as np

from spinrnn.config import run as configs
from spinrnn.config import toml as toml_files
from spinrnn.errors import ConfigError, DataError, StoreError
from spinrnn.files.container import write_container
from spinrnn.networks.making import network_of
from spinrnn.networks.scaling import PREFIX, scaling_of
from spinrnn.neurons.spread import devices_of
from spinrnn.synapses.layout import Layout, axes_of


def save_network(net, path):
    """Writes a network to an HDF5 file, atomically, for `spinrnn.load`."""
    config = configs.run_of(net.config)
    arrays = arrays_of(net)
    named = {name: _axes_of(net.config, name) for name in arrays}
    # devices of a weight may be several, and what all have in common has no axes
    further = {name: ("cell", *own) for name, own in named.items()}
    axes = {
        name: own
        for known in (named, further)
        for name, own in known.items()
        if len(own) == np.ndim(arrays[name])
    }
    write_container(path, "network", toml_files.to_toml(config, ["network"]), arrays, axes)


def _axes_of(config, name):
    """Names of the axes of an array of `arrays_of`; factors of devices go through all
    layers.
    """
    prefix, _, block = name.partition("/")
    if prefix == "statistics" and block == "count":
        return ("one",)
    if prefix == "statistics" or block.startswith("factor_"):
        return axes_of(config, f"bias_{block.rpartition('_')[2]}")
    if name.startswith(PREFIX):
        return ("channel",) if block.startswith("input") else ("class",)
    return ("neuron",) if prefix == "devices" else axes_of(config, block.partition("/")[0])


def arrays_of(net):
    """{name: array} that a network's file holds.

    `parameters/BLOCK` for each block of `Layout`, and where there are any `mask/BLOCK`,
    1 for what exists, `devices/QUANTITY` with a factor for each neuron,
    `synapse/BLOCK/FIELD` of the synapses' devices, `scaling/...` with the means and
    deviations of `Scaling`, and without time `statistics/...` with the running means of
    batch normalisation and `devices/factor_l`.
    """
    arrays = {f"parameters/{name}": view for name, view in net.layout.named(net.parameters).items()}
    if net.mask is not None:
        masks = net.layout.named(net.mask)
        arrays |= {f"mask/{name}": view.astype(np.uint8) for name, view in masks.items()}
    if net.devices is not None:
        arrays |= net.devices.named()
    if net.scaling is not None:
        arrays |= net.scaling.named()
    return arrays | net.buffers | net.connections.named()


def config_in(path, text):
    """`RunConfig` of the configuration that a file holds as TOML; StoreError if it
    cannot be used.
    """
    try:
        return toml_files.from_toml(text)
    except ConfigError as error:
        raise StoreError(f"{path}: its configuration cannot be used: {error}") from None


def network_from(config, parameters, masks, devices, scaling=None):
    """`Network` of a `NetworkConfig` with given arrays.

    Args:
        parameters: {name: array} of the blocks of its `Layout`.
        masks: the same for the mask; None where all entries exist.
        devices: `Devices` or None; scaling: `Scaling` or None.
    """
    net = _empty_network(config)
    for flat, given in ((net.parameters, parameters), (net.mask, masks)):
        if flat is not None:
            for name, view in net.layout.named(flat).items():
                view[...] = given[name]
    net.scaling = scaling
    if "time" in config.abilities:
        net.devices = devices
    return net


def network_of_arrays(path, config, arrays):
    """`Network` of a `NetworkConfig` and the arrays that `arrays_of` gave; StoreError
    names what does not fit.
    """
    shapes = {name: shape for name, (_, shape) in Layout(config).blocks.items()}
    sparse = is_sparse(config)
    wrong = _misfits(arrays, "parameters", "f", shapes)
    if sparse:
        wrong += _misfits(arrays, "mask", "bu", shapes)
    if wrong:
        name, shape = wrong[0]
        more = f" ({len(wrong)} are so)" if len(wrong) > 1 else ""
        raise StoreError(
            f"{path}: the dataset {name} is missing or not of the shape {shape}{more}; "
            "the file does not fit its configuration"
        )
    parameters = {name: arrays[f"parameters/{name}"] for name in shapes}
    masks = {name: arrays[f"mask/{name}"] for name in shapes} if sparse else None
    devices = devices_in(path, config, arrays)
    scaling = scaling_from(path, config, _without(PREFIX, arrays))
    net = network_from(config, parameters, masks, devices, scaling)
    return _with_synapses(path, net, arrays)


def _with_synapses(path, net, arrays):
    """The network with its synapses' devices and its buffers; StoreError if they do not
    fit.
    """
    for name, array in net.buffers.items():
        given = arrays.get(name)
        if given is None or given.shape != array.shape or given.dtype.kind != array.dtype.kind:
            raise StoreError(f"{path}: {name} is missing or not of the shape {array.shape}")
        array[...] = given
    try:
        net.connections.take(arrays)
    except DataError as error:
        raise StoreError(f"{path}: {error}; the file does not fit its configuration") from None
    if not net.connections.direct:
        _require_finite(path, arrays_of(net))
    return net


def _require_finite(path, arrays):
    """StoreError of numbers that are not finite, which a sign would hide."""
    wrong = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if wrong:
        raise StoreError(f"{path}: not finite: {', '.join(wrong)}; the network cannot be used")


def _misfits(arrays, prefix, kinds, shapes):
    """[(dataset, shape that it should have)] of those that are missing, or of another
    shape or kind.
    """
    wrong = []
    for name, shape in shapes.items():
        found = arrays.get(f"{prefix}/{name}")
        if found is None or found.shape != shape or found.dtype.kind not in kinds:
            wrong.append((f"{prefix}/{name}", shape))
    return wrong


def network_of_checkpoint(path, config, arrays):
    """`Network` of the best epoch so far, of a `NetworkConfig` and the flat arrays of a
    checkpoint.
    """
    size = Layout(config).size
    names = ["best_parameters", "mask"] if is_sparse(config) else ["best_parameters"]
    wrong = [name for name in names if name not in arrays or arrays[name].shape != (size,)]
    # before a network is made, as the configuration may claim any size
    if wrong:
        raise StoreError(f"{path}: lacks {' and '.join(wrong)} of {size} numbers")
    net = _empty_network(config)
    net.parameters[:] = arrays["best_parameters"]
    if net.mask is not None:
        net.mask[:] = arrays["mask"].astype(bool)
    if "time" in config.abilities:
        net.devices = devices_in(path, config, arrays)
    net.scaling = scaling_from(path, config, _without(PREFIX, arrays))
    best = _without("best_", arrays)
    return _with_synapses(path, net, best)


def devices_in(path, config, arrays):
    """`Devices` of the arrays of a file, or None; StoreError if they do not fit the
    configuration.
    """
    if "time" not in config.abilities:
        return None
    try:
        return devices_of(arrays, config)
    except DataError as error:
        raise StoreError(f"{path}: {error}; the file does not fit its configuration") from None


def scaling_from(path, config, arrays):
    """`Scaling` of arrays by the names of its fields, or None; StoreError if they do
    not fit.
    """
    try:
        return scaling_of(arrays, config)
    except DataError as error:
        raise StoreError(f"{path}: {error}; the file does not fit its configuration") from None


def _without(prefix, arrays):
    """Those whose names begin so, under what follows."""
    own = {name: array for name, array in arrays.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): array for name, array in own.items()}


def is_sparse(config):
    """Whether not all connections exist, so that a file holds a mask."""
    return "time" in config.abilities and (config.density_int < 1 or config.density_ext < 1)


def _empty_network(config):
    """A network whose parameters and mask wait to be filled."""
    net = network_of(config)
    net.parameters[:] = 0
    return net
