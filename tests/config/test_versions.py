"""Keys of 0.1: each is read as the one that it is now, and given back for what 0.1 could say."""

import dataclasses
import pickle
import warnings

import pytest
from conftest import here

import spinrnn
from spinrnn.config import versions
from spinrnn.config.run import RunConfig, from_tables, to_tables
from spinrnn.config.spread import Spread
from spinrnn.config.toml import from_toml, load_config, read_config, to_toml
from spinrnn.errors import OldKeyWarning
from spinrnn.neurons.ctrnn import CTRNN
from spinrnn.neurons.oscillator import Oscillator
from spinrnn.sweep.points import identity

VALUES = {
    "network.neuron": "ctrnn",
    "network.relaxation_time": 7e-9,
    "network.bias_ratio": 3.5,
    "network.nonlinear_damping": 0.4,
    "network.power_floor": 1e-4,
    "network.thermal_power": 2e-3,
    "network.spread_gamma": 0.1,
    "network.spread_nonlinear_damping": 0.2,
    "network.spread_bias": 0.3,
    "network.spread_gain": 0.4,
    "network.device_seed": 5,
    "train.beta1": 0.8,
    "train.beta2": 0.9,
    "train.epsilon": 1e-4,
    "train.weight_decay": 0.01,
}
"""Of each key of 0.1 that has moved, one that is not its default."""


def nested(key, value):
    table, _, name = key.partition(".")
    return {table: {name: value}}


def test_every_moved_key_is_tried():
    assert set(VALUES) == set(versions.OLD)


OF_NETWORKS = [old for old in VALUES if old.startswith("network.")]
OF_TRAINING = [old for old in VALUES if old.startswith("train.")]


@pytest.mark.parametrize("old", OF_TRAINING)
def test_an_old_key_of_training_is_the_new_one_and_back(old):
    """Also where it stands beside the table of now, and in Python."""
    (new, value), key = (versions.OLD[old], VALUES[old]), old.removeprefix("train.")
    config = from_tables(nested(old, value))
    assert config == from_tables(nested(new, value)) != spinrnn.RunConfig()
    assert to_tables(config)["writer"][key] == value
    assert key not in to_tables(config)["train"]
    assert versions.without_roles(to_tables(config))["train"][key] == value
    mixed = {"writer": {"kind": "adam"}, "train": {key: value, "epochs": 7}}
    assert from_tables(mixed).train == dataclasses.replace(config.train, epochs=7)
    train = spinrnn.TrainConfig(**{key: value})
    assert train == config.train == dataclasses.replace(spinrnn.TrainConfig(), **{key: value})
    with pytest.warns(DeprecationWarning, match=new.replace(".", r"\.")):
        assert getattr(train, key) == value
    with pytest.raises(spinrnn.ConfigError, match=rf"writer\.{key}: must be "):
        from_tables(nested(old, -1.0))


def test_a_writer_by_its_name_takes_old_keys_too():
    train = spinrnn.TrainConfig(writer="adam", beta1=0.5)
    assert train.writer == spinrnn.Adam(beta1=0.5)
    given = dataclasses.replace(train, writer={"kind": "adam", "beta1": 0.25, "beta2": 0.5})
    assert given.writer == spinrnn.Adam(0.25, 0.5)
    later = spinrnn.TrainConfig(writer={"kind": "adam", "beta1": 0.25, "beta2": 0.5}, beta1=0.75)
    assert later.writer == spinrnn.Adam(0.75, 0.5)


def test_tables_of_0_1_have_no_roles_but_the_neurons():
    tables = to_tables(spinrnn.RunConfig())
    found = versions.without_roles(tables)
    assert list(found) == ["network", "neuron", "spread", "train", "data"]
    assert set(found["train"]) == set(versions.TRAIN_ORDER)
    for role in ("synapse", "task", "estimator", "writer"):
        other = {**tables, role: {**tables[role], "kind": "other"}}
        assert versions.without_roles(other) is None


def test_positional_arguments_of_training_are_those_of_0_1():
    train = spinrnn.TrainConfig(9, 8, 0.1, "constant", 0.5, 0.6, 1e-3, 0.2, 0.7, 0.3, 4, 5.0, 6)
    assert (train.epochs, train.batch, train.learning_rate, train.schedule) == (
        (9, 8, 0.1, "constant")
    )
    assert train.writer == spinrnn.Adam(0.5, 0.6, 1e-3, 0.2)
    assert (train.clip, train.noise, train.seed) == (0.7, 0.3, 4)
    assert (train.checkpoint_seconds, train.checkpoints) == (5.0, 6)


@pytest.mark.parametrize("old", OF_NETWORKS)
def test_an_old_key_is_the_new_one_and_back(old):
    new, value = versions.OLD[old], VALUES[old]
    table, _, name = new.partition(".")
    config = from_tables(nested(old, value))
    filtered = {"highpass_time": 100e-9} if name == "relaxation_time" else {}
    expected = from_tables({**nested(new, value), "network": filtered})
    assert config == expected
    assert to_tables(config)[table][name] == value
    flat = versions.flat(config.network)
    assert flat[old.removeprefix("network.")] == value
    others = {key: default for key, default in versions.DEFAULTS.items() if f"network.{key}" != old}
    assert {key: flat[key] for key in others} == others
    assert identity(config, "data") == identity(expected, "data")


@pytest.mark.parametrize("old", OF_NETWORKS)
def test_an_old_key_in_python(old):
    key, value = old.removeprefix("network."), VALUES[old]
    config = spinrnn.NetworkConfig(**{key: value})
    assert config == from_tables(nested(old, value)).network
    assert dataclasses.replace(spinrnn.NetworkConfig(), **{key: value}) == config
    if key != "neuron":
        with pytest.warns(DeprecationWarning, match=versions.OLD[old].replace(".", r"\.")):
            assert getattr(config, key) == value


def test_reading_a_key_that_the_kind_does_not_have_gives_what_0_1_gave():
    config = spinrnn.NetworkConfig(neuron="ctrnn", spread_gamma=0.1, highpass_time=5e-8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert (config.bias_ratio, config.spread_gamma, config.device_seed) == (2.0, 0.1, 0)
    assert (config.neuron, config.spread, config.filter_time) == (CTRNN(), Spread(), None)
    assert versions.flat(config)["highpass_time"] == 5e-8
    with pytest.raises(AttributeError, match="no attribute 'bias_ratoi'"):
        _ = config.bias_ratoi


def test_the_filter_keeps_its_time_where_0_1_sets_the_neurons():
    """In 0.1 it was a number of seconds; now it follows the neuron unless it is given."""
    assert spinrnn.NetworkConfig(relaxation_time=20e-9).filter_time == 100e-9
    assert spinrnn.NetworkConfig(neuron=Oscillator(20e-9)).filter_time == 200e-9
    config = spinrnn.NetworkConfig(neuron=Oscillator(20e-9))
    assert dataclasses.replace(config, relaxation_time=5e-9).filter_time == 200e-9
    assert dataclasses.replace(config, bias_ratio=3.0).filter_time == 200e-9
    assert dataclasses.replace(config, neuron=Oscillator(5e-9)).filter_time == 50e-9
    assert spinrnn.NetworkConfig(neuron="oscillator") == spinrnn.NetworkConfig()
    assert spinrnn.NetworkConfig(highpass_time=0).filter_time is None
    assert spinrnn.NetworkConfig(neuron=CTRNN(), highpass_time=3e-8).filter_time == 3e-8


def test_from_one_neuron_to_the_other_and_back():
    config = spinrnn.NetworkConfig(
        neuron=Oscillator(20e-9, bias_ratio=3.0), spread=Spread(gamma=0.1, seed=4), substeps=3
    )
    twin = dataclasses.replace(config, neuron="ctrnn")
    assert (twin.neuron, twin.spread, twin.substeps) == (CTRNN(20e-9), Spread(), 3)
    assert dataclasses.replace(twin, neuron="oscillator") == config
    assert pickle.loads(pickle.dumps(twin)).earlier == twin.earlier


def test_old_keys_are_told_in_one_line_and_only_to_who_wrote_them(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("[network]\nbias_ratio = 3\nspread_gamma = 0.1\n")
    with pytest.warns(OldKeyWarning) as told:
        config = load_config(path, ["network.relaxation_time=2e-8"])
    (line,) = [str(warning.message) for warning in told]
    assert line.startswith(f"{path}: keys of 0.1, which are still read; now ")
    for old in ("bias_ratio", "spread_gamma", "relaxation_time"):
        assert f"network.{old} is {versions.OLD[f'network.{old}']}" in line
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_config(path).network.neuron.bias_ratio == 3
        path.write_text(to_toml(config))
        assert load_config(path) == config
        assert from_toml("[network]\nneuron = 'ctrnn'").network.neuron == CTRNN()


def test_the_command_line_tells_them_in_one_line(tiny_file, tmp_path):
    out = tmp_path / "run"
    told = here("train", tiny_file, "--out", out, "--set", "network.bias_ratio=3")
    lines = told.stderr.splitlines()
    assert lines == [
        "spinrnn: warning: keys of 0.1, which are still read; now network.bias_ratio is "
        "neuron.bias_ratio"
    ]
    assert "bias_ratio = 3.0" in (out / "config.toml").read_text()


def test_a_setting_takes_the_place_of_either_name(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("[neuron]\nbias_ratio = 3\n[spread]\ngamma = 0.1\n")
    with pytest.warns(OldKeyWarning):
        assert load_config(path, "network.bias_ratio=4").network.neuron.bias_ratio == 4
    path.write_text("[network]\nbias_ratio = 3\n")
    assert read_config(path, "neuron.bias_ratio=4").network.neuron.bias_ratio == 4
    with pytest.raises(spinrnn.ConfigError, match=r"network\.bias_ratio: the same as neuron\.bias"):
        from_tables({"network": {"bias_ratio": 3}, "neuron": {"bias_ratio": 3}})


def test_another_kind_takes_away_what_it_does_not_have(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(to_toml(RunConfig(spinrnn.NetworkConfig(neuron=Oscillator(2e-8)))))
    assert read_config(path, "neuron.kind=ctrnn").network.neuron == CTRNN(2e-8)
    with pytest.raises(spinrnn.ConfigError, match=r"a key of the neuron oscillator, this one"):
        read_config(path, ["neuron.kind=ctrnn", "neuron.bias_ratio=3"])


def test_what_0_1_could_not_say_has_no_table_of_then():
    new = [
        {"highpass_time": 0},
        {"neuron": CTRNN(), "highpass_time": 1e-7},
        {"neuron": CTRNN(), "spread": Spread(gain=0.1)},
        {"trained": ("bias_ratio",)},
    ]
    digests = set()
    for arguments in new:
        network = spinrnn.NetworkConfig(**arguments)
        assert versions.flat(network) is None
        config = RunConfig(network=network)
        digests.add(identity(config, "data"))
        assert from_toml(to_toml(config)) == config
    assert len(digests) == len(new)


def test_arguments_that_are_too_many_or_given_twice():
    with pytest.raises(TypeError, match="TrainConfig: too many arguments"):
        spinrnn.TrainConfig(*range(14))
    with pytest.raises(TypeError, match="TrainConfig: epochs is given twice"):
        spinrnn.TrainConfig(3, epochs=20)


def test_a_neuron_is_compared_with_its_name_as_in_0_1():
    neuron = spinrnn.NetworkConfig(neuron="ctrnn").neuron
    with pytest.warns(DeprecationWarning, match=r"as in \.neuron\.kind == 'ctrnn'"):
        assert neuron == "ctrnn"
    with pytest.warns(DeprecationWarning, match="a neuron is no text"):
        assert neuron != "oscillator"
    # else values count, and the class
    assert neuron == spinrnn.CTRNN()
    assert hash(neuron) == hash(spinrnn.CTRNN())
    assert neuron != spinrnn.CTRNN(relaxation_time=2e-9)
    assert neuron not in (spinrnn.Oscillator(), None, 3)
    assert spinrnn.Adam(beta1=0.5) != spinrnn.Adam()
