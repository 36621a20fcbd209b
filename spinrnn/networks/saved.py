"""Networks in files: written, and made again from the arrays of a file."""

import numpy as np

from spinrnn.config.run import RunConfig
from spinrnn.config.toml import from_toml, to_toml
from spinrnn.errors import ConfigError, DataError, StoreError
from spinrnn.files.container import write_container
from spinrnn.networks.recurrent import Network
from spinrnn.neurons.spread import devices_of
from spinrnn.synapses.layout import Layout


def save_network(net, path):
    """Writes a network to an HDF5 file: one dataset for each block of parameters, and of the mask and the devices if there are any."""
    arrays = {f"parameters/{name}": view for name, view in net.layout.named(net.parameters).items()}
    if net.mask is not None:
        arrays |= {
            f"mask/{name}": view.astype(np.uint8)
            for name, view in net.layout.named(net.mask).items()
        }
    if net.devices is not None:
        arrays |= net.devices.named()
    write_container(path, "network", to_toml(RunConfig(network=net.config), ["network"]), arrays)


def network_from(config, blocks, masks, devices):
    """`Network` with these parameters, {name: array} of the blocks of its layout; masks: the same for the mask, None where all entries exist; devices: as its attribute."""
    net = _empty_network(config)
    for flat, stored in ((net.parameters, blocks), (net.mask, masks)):
        for name, view in {} if flat is None else net.layout.named(flat).items():
            view[...] = stored[name]
    net.devices = devices
    return net


def config_of(path, toml):
    try:
        return from_toml(toml)
    except ConfigError as error:
        raise StoreError(f"{path}: its configuration cannot be used: {error}") from None


def _empty_network(config):
    """A network whose parameters and mask wait to be filled."""
    net = Network(config)
    net.parameters[:] = 0
    return net


def devices_in(path, arrays, config):
    try:
        return devices_of(arrays, config)
    except DataError as error:
        raise StoreError(f"{path}: {error}; the file does not fit its configuration") from None


def _checkpoint_network(config, arrays, path):
    size = Layout(config.network).size
    names = ["best_parameters"]
    if config.network.density_int < 1 or config.network.density_ext < 1:
        names.append("mask")
    wrong = [name for name in names if name not in arrays or arrays[name].shape != (size,)]
    if wrong:  # before a network is made, as the configuration may claim any size
        raise StoreError(f"{path}: lacks {' and '.join(wrong)} of {size} numbers")
    net = _empty_network(config.network)
    net.parameters[:] = arrays["best_parameters"]
    if net.mask is not None:
        net.mask[:] = arrays["mask"].astype(bool)
    net.devices = devices_in(path, arrays, config.network)
    return net
