"""Tables: values of any library become Python's own, wrong ones are told as they
are."""

import copy
import dataclasses
import enum
import fractions
import json
import pickle
import tomllib
import warnings

import numpy as np
import pytest

import spinrnn
from spinrnn.config.run import to_tables
from spinrnn.config.tables import suggest
from spinrnn.config.toml import from_toml, to_toml


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("layres", ["inputs", "layers"], "; did you mean layers?"),
        ("inputs", ["network.inputs", "train.seed"], "; did you mean network.inputs?"),
        ("seed", ["network.inputs", "train.seed"], "; did you mean train.seed?"),
        ("train.inputs", ["network.inputs", "zip"], "; did you mean network.inputs?"),
        ("zzz", ["inputs", "layers"], "; known are inputs, layers"),
        ("zzz", [f"key{k}" for k in range(31)], ""),
        (3, ["inputs"], "; known are inputs"),
        ("q", ["gamma", "Q"], "; did you mean Q?"),
        ("LAYRES", ["inputs", "layers"], "; did you mean layers?"),
        ("demag_Z", ["demag_y", "demag_z"], "; did you mean demag_z?"),
        ("r_0", ["R_0", "r_0_", "R_00"], "; did you mean R_0?"),
    ],
)
def test_an_unknown_name_gets_the_nearest_known_one(name, known, hint):
    assert suggest(name, known) == hint


# ---- NumPy's scalars as values ----

FLOATS = [np.float16, np.float32, np.float64, np.longdouble, np.int8, np.uint64, np.array]


@pytest.mark.parametrize("kind", FLOATS)
def test_a_number_of_numpy_is_pythons_number(kind):
    """No warning, the same value, and plain numbers in TOML and JSON."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network = spinrnn.NetworkConfig(amplification=kind(2), substeps=np.array(3, np.int16))
        train = spinrnn.TrainConfig(learning_rate=kind(1), epochs=np.uint8(7), seed=np.int64(5))
        data = spinrnn.DataConfig(source=np.str_("a.npz"), test_fraction=np.float32(0.25))
    config = spinrnn.RunConfig(network, train, data)
    expected = spinrnn.RunConfig(
        spinrnn.NetworkConfig(amplification=2.0, substeps=3),
        spinrnn.TrainConfig(learning_rate=1.0, epochs=7, seed=5),
        spinrnn.DataConfig(source="a.npz", test_fraction=0.25),
    )
    assert config == expected
    assert from_toml(to_toml(config)) == config
    assert to_toml(config) == to_toml(expected)
    assert json.dumps(to_tables(config)) == json.dumps(to_tables(expected))
    for table in to_tables(config).values():
        for value in table.values():
            items = value if isinstance(value, tuple) else [value]
            assert {type(item) for item in items} <= {int, float, str, type(None)}


def test_lists_of_numpy():
    config = spinrnn.NetworkConfig(
        layers=np.array([5, 4], np.uint16),
        amplification=[np.float32(1.5), np.array(0.5)],
        neuron=np.str_("ctrnn"),
    )
    assert config == spinrnn.NetworkConfig(layers=(5, 4), amplification=(1.5, 0.5), neuron="ctrnn")
    assert {type(n) for n in config.layers} == {int}
    assert {type(a) for a in config.amplification} == {float}
    assert type(config.neuron.kind) is str


def test_what_is_no_number_is_told_as_pythons_would_be():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(spinrnn.ConfigError) as caught:
            spinrnn.NetworkConfig(
                inputs=np.bool_(True),
                outputs=np.float32(2.5),
                amplification=np.float32("inf"),
                output_amplification=np.longdouble("1e400"),
                bias_ratio=np.ma.masked,
                nonlinear_damping=np.complex64(1),
                layers=np.array(3),
                input_interval=np.array([1e-9]),
                relaxation_time=np.array([1e-9]),
                dtype=np.float32,
                thermal_power=np.datetime64("2020-01-01"),
            )
    starts = [
        "neuron.relaxation_time: must be a finite number, got array([1.e-09])",
        "neuron.bias_ratio: must be a finite number, got masked",
        "neuron.nonlinear_damping: must be a finite number, got (1+0j)",
        "neuron.thermal_power: must be a finite number, got datetime.date(2020, 1, 1)",
        "layers: must be a list of whole numbers, got 3",
        "inputs: must be a whole number, got true",
        "outputs: must be a whole number, got 2.5",
        "input_interval: must be a finite number, got array([1.e-09])",
        "amplification: must be a finite number or a list of numbers, got Infinity",
        "output_amplification: must be a finite number, got",
        'dtype: must be "float32" or "float64"',
    ]
    for problem, start in zip(caught.value.problems, starts, strict=True):
        assert problem.startswith(start)
    with pytest.raises(spinrnn.ConfigError, match=r"neuron\.kind: must be a neuron, as spinrnn"):
        spinrnn.NetworkConfig(neuron=np.array(["ctrnn", "ctrnn"]))


def test_a_masked_value_is_no_number():
    """What lies under a mask is no value that was given."""
    under = np.ma.array([1.5, 2.5], mask=[False, True])
    with pytest.raises(spinrnn.ConfigError, match=r"amplification: must be .*list of numbers"):
        spinrnn.NetworkConfig(layers=(3, 3), amplification=under)
    with pytest.raises(spinrnn.ConfigError, match="substeps: must be a whole number, got masked"):
        spinrnn.NetworkConfig(substeps=np.ma.array(3, mask=True))
    assert spinrnn.NetworkConfig(substeps=np.ma.array(3)).substeps == 3


def test_a_text_of_another_class_is_a_plain_one():
    class Names(enum.StrEnum):
        TWIN = "ctrnn"

    config = spinrnn.RunConfig(
        spinrnn.NetworkConfig(neuron=Names.TWIN), data=spinrnn.DataConfig(source=Names.TWIN)
    )
    assert type(config.network.neuron.kind) is type(config.data.source) is str
    assert (config.network.neuron.kind, config.data.source) == ("ctrnn", "ctrnn")


def test_other_numbers():
    config = spinrnn.NetworkConfig(amplification=fractions.Fraction(3, 2), layers=range(3, 5))
    assert (config.amplification, config.layers) == (1.5, (3, 4))
    assert dataclasses.replace(config, inputs=2**31).inputs == 2**31


def test_a_wrong_value_of_any_length_is_one_short_line():
    with pytest.raises(spinrnn.ConfigError) as caught:
        spinrnn.TrainConfig(epochs="x" * 10**6, batch=10**5000, seed=list(range(1000)))
    epochs, batch, seed = caught.value.problems
    assert epochs == f'epochs: must be a whole number, got "{"x" * 76}...'
    assert batch == "batch: must be a whole number, got a number of 16610 bits"
    assert seed.startswith("seed: must be a whole number, got [0, 1, 2")
    assert len(seed) < 130


def test_every_character_of_a_path_is_valid_toml():
    """DEL is a character of JSON but not of TOML."""
    config = spinrnn.RunConfig(data=spinrnn.DataConfig(source='a\x7f\t"b"\\\n\u00e4\U0001f600'))
    assert from_toml(to_toml(config)) == config
    assert list(tomllib.loads(to_toml(config, ["data"]))) == ["data"]


# ---- what was not given ----


@pytest.mark.parametrize(
    ("changes", "follows"),
    [
        ({"layers": (3,)}, ("inputs", "outputs", "readout")),
        ({"outputs": 10}, ("inputs", "readout")),
        ({"inputs": 1, "readout": "end"}, ("outputs",)),
        ({"outputs": 12}, ("inputs", "readout")),
        ({"follows": ()}, ()),
        ({"relaxation_time": 2e-8}, ("inputs", "outputs", "readout")),
    ],
)
def test_a_copy_knows_what_was_not_given(changes, follows):
    """Also where a change gives the value that stands there anyway."""
    whole = spinrnn.NetworkConfig()
    made = dataclasses.replace(whole, **changes)
    again = dataclasses.replace(made, layers=(5, 4))
    assert made.follows == again.follows == follows
    assert pickle.loads(pickle.dumps(made)).follows == copy.deepcopy(made).follows == follows
    assert (repr(whole.outputs), json.dumps(whole.readout)) == ("10", '"end"')
    assert {type(value) for value in to_tables(spinrnn.RunConfig(made))["network"].values()} <= {
        tuple, int, float, str, type(None),
    }  # fmt: skip
