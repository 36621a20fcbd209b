"""What is in a trajectory file, by h5py alone: names, axes, units, types and values."""

import json

import h5py
import numpy as np
import pytest

import spinrnn


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """(network, labels, lengths, {dataset: (axes, units, type, long_name, values)},
    attributes).
    """
    config = spinrnn.NetworkConfig(
        layers=(2, 3), inputs=2, outputs=2, density_int=0.5, spread_gamma=0.1
    )
    net, path = spinrnn.Network(config, seed=2), tmp_path_factory.mktemp("stored") / "t.h5"
    u, labels = np.random.default_rng(1).normal(size=(3, 2, 5)), np.array([1, 0, 1])
    lengths = np.array([5, 3, 4])
    net.simulate_to(
        path,
        u,
        lengths,
        labels=labels,
        every=2,
        cases=[7, 5, 6],
        noise_seed=[3, 4],
        variables=("p", "m", "drive", "output"),
        attributes={"device": "A"},
    )
    found = {}
    with h5py.File(path) as file:
        for name, dataset in file.items():
            axes = tuple(dim[0].name[1:] for dim in dataset.dims if len(dim))
            units, meaning = (dataset.attrs[key].decode() for key in ("units", "long_name"))
            kind = dataset.dtype.str[1:]
            found[name] = axes or (name,), units, kind, meaning, dataset[()]
        attributes = dict(file.attrs)
    return net, u, labels, lengths, found, attributes


def test_names_axes_units_and_types(stored):
    found = {name: entry[:3] for name, entry in stored[4].items()}
    layers = {}
    for layer in (0, 1):
        before, own = ("neuron_0" if layer else "channel"), f"neuron_{layer}"
        layers |= {
            own: ((own,), "1", "i4"),
            f"source_{layer}": ((f"source_{layer}",), "1", "i4"),
            f"w_ext_{layer}": ((own, before), "1", "f4"),
            f"w_int_{layer}": ((own, f"source_{layer}"), "1", "f4"),
            f"bias_{layer}": ((own,), "1", "f4"),
            f"power_{layer}": (("case", own, "time"), "1", "f4"),
            f"mean_power_{layer}": (("case", own, "time"), "1", "f4"),
            f"output_{layer}": (("case", own, "time"), "1", "f4"),
            f"drive_{layer}": (("case", own, "drive_time"), "1/s", "f4"),
        }
        for quantity in ("gamma", "nonlinear_damping", "bias", "gain"):
            layers[f"{quantity}_factor_{layer}"] = ((own,), "1", "f8")
    parameters = {
        name: entry
        for name, entry in layers.items()
        if name[:2] in ("w_", "bi") and "fac" not in name
    } | {"w_out": (("class", "neuron_1"), "1", "f4"), "b_out": (("class",), "1", "f4")}
    exists = {f"exists_{name}": (entry[0], "1", "u1") for name, entry in parameters.items()}
    assert found == layers | parameters | exists | {
        "case": (("case",), "1", "i4"),
        "time": (("time",), "s", "f8"),
        "drive_time": (("drive_time",), "s", "f8"),
        "input_time": (("input_time",), "s", "f8"),
        "channel": (("channel",), "1", "i4"),
        "class": (("class",), "1", "i4"),
        "labels": (("case",), "1", "i4"),
        "lengths": (("case",), "1", "i4"),
        "inputs": (("case", "channel", "input_time"), "1", "f4"),
        "logits": (("case", "class"), "1", "f4"),
    }


def test_values_of_what_is_not_simulated(stored):
    net, u, labels, lengths, found, _ = stored
    values, config = {name: entry[4] for name, entry in found.items()}, net.config
    step = config.input_interval / 2
    np.testing.assert_allclose(values["time"], np.arange(11) * step, rtol=1e-14)
    np.testing.assert_allclose(values["drive_time"], np.arange(10) * step, rtol=1e-14)
    np.testing.assert_allclose(values["input_time"], np.arange(5) * 2 * step, rtol=1e-14)
    np.testing.assert_array_equal(values["labels"], labels)
    np.testing.assert_array_equal(values["lengths"], lengths)
    np.testing.assert_array_equal(values["case"], [7, 5, 6])
    # what follows a case's end is no input: 0 in the file
    expected = np.where(np.arange(5) < lengths[:, None, None], u, 0).astype(np.float32)
    np.testing.assert_array_equal(values["inputs"], expected)
    np.testing.assert_array_equal(values["logits"], net.forward(u, lengths))
    views, mask = net.views(), net.layout.grouped(net.mask)
    for name, view in (("w_ext_1", views["w_ext"][1]), ("w_int_0", views["w_int"][0])):
        np.testing.assert_array_equal(values[name], view)
    np.testing.assert_array_equal(values["exists_w_int_1"], mask["w_int"][1])
    np.testing.assert_array_equal(values["gamma_factor_1"], net.devices.gamma[2:])
    np.testing.assert_array_equal(values["neuron_1"], [0, 1, 2])


def test_long_names_say_layer_and_place(stored):
    found = {name: entry[3] for name, entry in stored[4].items()}
    assert found["power_1"] == "normalised power p of the neurons of layer 1"
    assert found["drive_0"] == "drive I of the neurons of layer 0, held from drive_time on"
    assert found["w_ext_0"] == "weights from the inputs to layer 0"
    assert found["w_ext_1"] == "weights from the layer before to layer 1"
    assert found["exists_w_int_1"] == "1 where one exists: recurrent weights of layer 1"
    assert found["w_out"] == "weights of the readout"
    assert found["gamma_factor_1"] == "factor of the nominal gamma of the neurons of layer 1"


def test_attributes(stored):
    net, attributes = stored[0], stored[5]
    texts = {key: value.decode() for key, value in attributes.items() if isinstance(value, bytes)}
    numbers = {key: np.asarray(value).tolist() for key, value in attributes.items()}
    assert (texts["format"], texts["kind"], numbers["version"]) == ("spinrnn", "trajectory", 2)
    assert (texts["variables"], numbers["stored_layers"], numbers["every"]) == (
        "p,m,output,drive",
        [0, 1],
        2,
    )
    assert (json.loads(texts["noise_seed"]), texts["device"]) == ([3, 4], "A")
    assert (numbers["substeps"], numbers["layers"], numbers["complete"]) == (4, [2, 3], 1)
    assert net.config.substeps is None
    assert numbers["relaxation_time"] == net.config.relaxation_time
    assert numbers["spread_gamma"] == 0.1
    assert texts["title"] == "trajectory of a network of spin-torque nano-oscillators"
