"""Configuration: every mistake is named, all at once; what is written is read back the same; units are converted once."""

import dataclasses
import math

import pytest

import spinrnn
from spinrnn.config.run import from_tables
from spinrnn.config.toml import load_config, to_toml


def problems(tables):
    with pytest.raises(spinrnn.ConfigError) as caught:
        from_tables(tables)
    assert "\n" not in str(caught.value)
    return caught.value.problems


def test_defaults_are_the_documented_network():
    c = spinrnn.NetworkConfig()
    assert (c.layers, c.inputs, c.outputs, c.neuron, c.scheme, c.dtype) == (
        (32, 32, 32),
        1,
        10,
        "oscillator",
        "exponential",
        "float32",
    )
    assert (c.input_interval, c.relaxation_time, c.highpass_time) == (10e-9, 10e-9, 100e-9)
    assert (c.bias_ratio, c.nonlinear_damping, c.power_floor, c.readout_window) == (
        2.0,
        0.0,
        1e-6,
        0,
    )
    assert c.resolved_substeps == 4


@pytest.mark.parametrize(
    ("interval", "substeps"),
    [
        (10e-9, 4),
        (1e-9, 1),
        (50e-9, 20),
        (100e-9, 40),
        (10.1e-9, 5),
        (0.1e-9, 1),
        (35e-9, 14),
        (2.5e-9 * 3, 3),
        (0.7e-9 * 25, 7),
    ],
)
def test_substeps_follow_the_time_scales(interval, substeps):
    assert spinrnn.NetworkConfig(input_interval=interval).resolved_substeps == substeps
    assert (
        dataclasses.replace(spinrnn.NetworkConfig(), input_interval=interval).resolved_substeps
        == substeps
    )


def test_reduced_units():
    c = spinrnn.NetworkConfig(
        input_interval=20e-9,
        relaxation_time=5e-9,
        highpass_time=40e-9,
        substeps=8,
        bias_ratio=3.0,
        nonlinear_damping=1.0,
    )
    reduced = c.reduced()
    assert reduced.step == pytest.approx(0.5)
    assert reduced.blend == pytest.approx(1 - math.exp(-2.5 / 40))
    assert reduced.rest == 0.5
    assert dataclasses.replace(c, neuron="ctrnn").reduced() == pytest.approx(
        (0.5, 1 - math.exp(-0.5), 0)
    )
    assert dataclasses.replace(c, neuron="ctrnn", scheme="euler").reduced() == pytest.approx(
        (0.5, 0.5, 0)
    )


def test_all_mistakes_at_once_with_suggestions():
    found = problems(
        {
            "network": {
                "layres": [3],
                "layers": "big",
                "neuron": "oscilator",
                "bias_ratio": 0.5,
                "density_int": 0,
                "substeps": True,
            },
            "training": {},
            "train": {"epochs": 2.5, "batch": 0},
            "epochs": 3,
            "data": {"test_fraction": 1.5},
        }
    )
    text = "\n".join(found)
    for expected in (
        "network.layres: unknown key; did you mean layers?",
        'network.layers: must be a list of whole numbers, got "big"',
        'network.neuron: must be "oscillator" or "ctrnn" (did you mean "oscillator"?)',
        "network.bias_ratio: must be above 1",
        "network.density_int: must be in (0, 1], got 0",
        "network.substeps: must be a whole number, got true",
        "training: unknown table; did you mean train?",
        "train.epochs: must be a whole number, got 2.5",
        "train.batch: must be at least 1, got 0",
        "epochs: unknown key; it belongs into the table [train]",
        "data.test_fraction: must be between 0 and 1",
    ):
        assert expected in text, text
    assert len(found) == 11


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("layers", []),
        ("layers", [32, 0]),
        ("layers", 32),
        ("inputs", 0),
        ("outputs", 0),
        ("substeps", 0),
        ("input_interval", 0),
        ("relaxation_time", -1e-9),
        ("highpass_time", -1e-9),
        ("highpass_time", float("nan")),
        ("input_interval", float("inf")),
        ("bias_ratio", 1.0),
        ("nonlinear_damping", -0.1),
        ("power_floor", -1e-6),
        ("power_floor", 0.5),
        ("amplification", [1.0, 2.0]),
        ("amplification", "loud"),
        ("output_amplification", 0.0),
        ("readout_window", -1),
        ("density_int", 1.01),
        ("density_ext", 0.0),
        ("dtype", "float16"),
        ("scheme", 2),
        ("layers", [10**400]),
        ("layers", [10**9]),
        ("outputs", 10**30),
        ("substeps", 10**400),
        ("bias_ratio", 1e300),
        ("bias_ratio", 10**400),
        ("nonlinear_damping", 1e300),
        ("amplification", 1e300),
        ("output_amplification", 1e-300),
        ("input_interval", 1e308),
        ("input_interval", 1e-320),
        ("relaxation_time", 1e-320),
        ("highpass_time", 1e-320),
    ],
)
def test_impossible_values(key, value):
    with pytest.raises(spinrnn.ConfigError, match=key):
        spinrnn.NetworkConfig(**{key: value})


def test_a_slip_of_units_is_told():
    with pytest.raises(spinrnn.ConfigError, match="times are in seconds"):
        spinrnn.NetworkConfig(input_interval=10)


def test_automatic_substeps_stay_automatic(tmp_path):
    """A configuration that was written down follows its time scales like the one it came from."""
    path = tmp_path / "config.toml"
    path.write_text(to_toml(spinrnn.RunConfig()))
    assert "# substeps = 4 (automatic)" in path.read_text()
    assert load_config(path) == spinrnn.RunConfig()
    assert load_config(path, ["network.input_interval=50e-9"]).network.resolved_substeps == 20


def test_an_automatic_test_part_stays_automatic(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(to_toml(spinrnn.RunConfig()))
    assert (
        "# test_fraction = 0.2 (automatic, unless the data bring their own test part)"
        in path.read_text()
    )
    assert load_config(path).data.test_fraction is None
    assert load_config(path, ["data.test_fraction=0.3"]).data.test_fraction == 0.3
    assert problems({"data": {"test_fraction": 0.5, "validation_fraction": 0.5}}) == [
        "data.validation_fraction: with test_fraction it leaves nothing to train on"
    ]


def test_parts_of_the_wrong_kind():
    with pytest.raises(spinrnn.ConfigError, match="train: must be a TrainConfig"):
        spinrnn.RunConfig(train={"epochs": 2})
    with pytest.raises(spinrnn.ConfigError, match="must be a RunConfig"):
        spinrnn.train(spinrnn.TrainConfig())
    with pytest.raises(spinrnn.DataError, match="must be a Dataset"):
        spinrnn.train(data=([], []))


def test_a_ctrnn_needs_no_bias():
    spinrnn.NetworkConfig(neuron="ctrnn", bias_ratio=0.5)


def test_toml_is_read_back_the_same(tmp_path):
    config = spinrnn.RunConfig(
        network=spinrnn.NetworkConfig(
            layers=[5, 4], amplification=[1, 2.5], power_floor=1e-8, substeps=3
        ),
        train=spinrnn.TrainConfig(learning_rate=3e-4, schedule="constant", seed=7),
        data=spinrnn.DataConfig(source=str(tmp_path / 'a "quoted" näme.npz')),
    )
    path = tmp_path / "config.toml"
    path.write_text(to_toml(config), encoding="utf-8")
    assert load_config(path) == config


def test_settings_overrule_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    path = tmp_path / "sub" / "a.toml"
    path.write_text('[train]\nepochs = 5\nseed = 3\n[data]\nsource = "x.npz"\n')
    config = load_config(
        path,
        [
            "train.epochs=7",
            "network.neuron=ctrnn",
            "network.layers=[8, 8]",
            'network.scheme="euler"',
        ],
    )
    assert (config.train.epochs, config.train.seed) == (7, 3)
    assert (config.network.neuron, config.network.layers, config.network.scheme) == (
        "ctrnn",
        (8, 8),
        "euler",
    )
    assert config.data.source == str(tmp_path / "sub" / "x.npz")
    assert load_config(path, ["data.source=y.npz"]).data.source == str(tmp_path / "y.npz")
    with pytest.raises(spinrnn.ConfigError) as caught:
        load_config(path, ["epochs=7", "train.epochs", "train.epochz=1", "train.seed=1\nbatch=3"])
    assert len(caught.value.problems) == 4


def test_unreadable_files(tmp_path):
    with pytest.raises(spinrnn.StoreError, match=r"missing\.toml"):
        load_config(tmp_path / "missing.toml")
    (tmp_path / "bad.toml").write_text("[network\nlayers = 3")
    with pytest.raises(spinrnn.ConfigError, match=r"bad\.toml: not valid TOML.*line 1"):
        load_config(tmp_path / "bad.toml")
    for name, text in (("digits", "[train]\nseed = " + "1" * 5001), ("deep", "a = " + "[" * 5000)):
        (tmp_path / f"{name}.toml").write_text(text)
        with pytest.raises(spinrnn.ConfigError, match="not valid TOML"):
            load_config(tmp_path / f"{name}.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(spinrnn.ConfigError, match="not valid TOML"):
        load_config(tmp_path / "binary.toml")
