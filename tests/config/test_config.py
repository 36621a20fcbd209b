"""Configuration: every mistake is named, all at once; what is written is read back the
same; units are converted once."""

import dataclasses
import math

import pytest

import spinrnn
from spinrnn.config import sources, versions
from spinrnn.config.run import automatic, from_tables, to_tables
from spinrnn.config.spread import Spread, spreads_of
from spinrnn.config.toml import from_toml, load_config, to_toml, with_settings
from spinrnn.neurons.oscillator import Oscillator


def problems(tables):
    with pytest.raises(spinrnn.ConfigError) as caught:
        from_tables(tables)
    assert "\n" not in str(caught.value)
    return caught.value.problems


DEFAULTS = {
    "network": {
        "layers": (32, 32, 32),
        "inputs": 1,
        "outputs": 10,
        "scheme": "exponential",
        "substeps": None,
        "input_interval": 10e-9,
        "highpass_time": None,
        "amplification": 1.0,
        "output_amplification": 10.0,
        "readout_window": 0,
        "density_int": 1.0,
        "density_ext": 1.0,
        "recurrent": "normal",
        "spectral_radius": None,
        "dtype": "float32",
        "readout": "end",
        "readout_features": "linear",
    },
    "neuron": {
        "kind": "oscillator",
        "relaxation_time": 10e-9,
        "bias_ratio": 2.0,
        "nonlinear_damping": 0.0,
        "power_floor": 1e-6,
        "thermal_power": 0.0,
    },
    "spread": {"gamma": 0.0, "bias": 0.0, "nonlinear_damping": 0.0, "gain": 0.0, "seed": 0},
    "synapse": {"kind": "ideal"},
    "task": {"kind": "classification", "class_weights": "none"},
    "estimator": {"kind": "bptt", "warm": "none"},
    "writer": {
        "kind": "adam",
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "weight_decay": 0.0,
    },
    "train": {
        "epochs": 300,
        "batch": 128,
        "learning_rate": 0.02,
        "schedule": "cosine",
        "clip": 1.0,
        "noise": 0.15,
        "seed": 0,
        "checkpoint_seconds": 10.0,
        "checkpoints": 2,
        "patience": 0,
        "average": 0.0,
        "gains": "drawn",
        "ensemble": 1,
    },
    "data": {
        "source": "digits",
        "validation_fraction": 0.1,
        "test_fraction": None,
        "split_seed": None,
        "length": None,
        "seed": None,
        "delays": None,
        "test": None,
        "missing": "refuse",
        "frontend": "none",
        "features": None,
        "columns": None,
        "units": None,
        "targets": None,
        "rows": "points",
        "scaling": "none",
    },
}
"""Those that the docstrings mark [paper] or [ours], written down once more."""


def test_defaults_are_those_of_the_documentation():
    assert to_tables(spinrnn.RunConfig()) == DEFAULTS
    assert spinrnn.NetworkConfig().resolved_substeps == 4


def test_what_follows_from_other_values():
    config = spinrnn.RunConfig(train=spinrnn.TrainConfig(seed=7))
    follows = {"substeps": 4, "highpass_time": 100e-9, "split_seed": 7, "test_fraction": 0.2}
    assert automatic(config) == follows
    assert config.resolved_split_seed == 7
    fixed = dataclasses.replace(config, data=spinrnn.DataConfig(split_seed=0))
    assert fixed.resolved_split_seed == 0
    assert spinrnn.NetworkConfig(amplification=2).amplifications == (2.0, 2.0, 2.0)
    assert spinrnn.NetworkConfig(amplification=[1, 2, 3]).amplifications == (1.0, 2.0, 3.0)


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
    twin = dataclasses.replace(c, neuron="ctrnn")
    assert twin.reduced() == pytest.approx((0.5, 0, 0))
    filtered = dataclasses.replace(twin, highpass_time=40e-9)
    assert filtered.reduced() == pytest.approx((0.5, 1 - math.exp(-2.5 / 40), 0))


def test_all_mistakes_at_once_with_suggestions():
    found = problems(
        {
            "network": {
                "layres": [3],
                "layers": "big",
                "density_int": 0,
                "substeps": True,
                "relaxation_tme": 1e-9,
            },
            "neuron": {"bias_ratio": 0.5, "nonlinear_dampin": 1},
            "spread": {"gama": 0.1, "bias": 2},
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
        "network.relaxation_tme: unknown key; did you mean neuron.relaxation_time?",
        "neuron.bias_ratio: must be above 1",
        "neuron.nonlinear_dampin: unknown key; did you mean nonlinear_damping?",
        "spread.gama: unknown key; did you mean gamma?",
        "spread.bias: must be a relative standard deviation from 0 to 1",
        "network.density_int: must be in (0, 1], got 0",
        "network.substeps: must be a whole number, got true",
        "training: unknown table; did you mean train?",
        "train.epochs: must be a whole number, got 2.5",
        "train.batch: must be at least 1, got 0",
        "epochs: unknown key; it belongs into the table [train]",
        "data.test_fraction: must be between 0 and 1",
    ):
        assert expected in text, text
    assert len(found) == 14


def test_a_kind_with_a_mistake_stands_in_for_its_other_keys():
    """What is wrong about a CTRNN's spread is told although the CTRNN has a mistake."""
    neuron = {"kind": "ctrnn", "relaxation_time": -1}
    assert problems({"neuron": neuron, "spread": {"gamma": 0.1}}) == [
        "neuron.relaxation_time: must be above 0 s, got -1.0",
        "spread.gamma: a spread of the neuron oscillator, this one is ctrnn",
    ]


TINY, HUGE = 1e-9, 1e9
LIMITS = [
    (spinrnn.NetworkConfig, "layers", [[1]], [[], [32, 0], 32, [10**400], [10**9], "3"]),
    (spinrnn.NetworkConfig, "inputs", [1], [0, -1, 10**30]),
    (spinrnn.NetworkConfig, "outputs", [1], [0, 10**30]),
    (spinrnn.NetworkConfig, "substeps", [1, None], [0, 10**400, 2.0]),
    (spinrnn.NetworkConfig, "input_interval", [1.01e-13, 0.99e-3], [0, -1e-9, 0.99e-13, 1.01e-3]),
    (spinrnn.NetworkConfig, "highpass_time", [None, 0, 1.01e-13, 0.99e-3], [0.99e-13, 1.01e-3]),
    (Oscillator, "relaxation_time", [1e-320, 1e3], [0, -1e-9, float("nan")]),
    (spinrnn.NetworkConfig, "input_interval", [], [float("inf"), float("nan"), 1e308, 1e-320]),
    (spinrnn.NetworkConfig, "highpass_time", [], [-1e-9, float("nan"), 1e-320]),
    (Oscillator, "bias_ratio", [1.001, HUGE], [1.0, 0, 1.001 * HUGE, 10**400]),
    (Oscillator, "nonlinear_damping", [0, HUGE], [-0.1, 1.001 * HUGE]),
    (Oscillator, "power_floor", [0, 0.099], [-1e-6, 0.1]),
    (spinrnn.NetworkConfig, "amplification", [TINY, HUGE], [0.99 * TINY, 1.01 * HUGE, 0, -1]),
    (spinrnn.NetworkConfig, "amplification", [[1, 2, 3]], [[1.0, 2.0], [1, 1, 0], "loud"]),
    (spinrnn.NetworkConfig, "output_amplification", [TINY, HUGE], [0.99 * TINY, 1.01 * HUGE]),
    (spinrnn.NetworkConfig, "readout_window", [0], [-1]),
    (spinrnn.NetworkConfig, "density_int", [1, 1e-6], [1.01, 0, -0.1]),
    (spinrnn.NetworkConfig, "density_ext", [1, 1e-6], [1.01, 0, -0.1]),
    (spinrnn.NetworkConfig, "recurrent", ["normal", "antisymmetric"], ["orthogonal", 1]),
    (spinrnn.NetworkConfig, "spectral_radius", [None, 1e-9, HUGE], [0, -1, 1.01 * HUGE]),
    (spinrnn.NetworkConfig, "readout_features", ["linear", "quadratic"], ["cubic", 2, True]),
    (spinrnn.NetworkConfig, "dtype", ["float64"], ["float16"]),
    (spinrnn.NetworkConfig, "scheme", ["euler"], [2, "rk4"]),
    (
        spinrnn.NetworkConfig,
        "readout",
        ["mean", "both", "points", "power", "end_power"],
        ["all", 1],
    ),
    (Oscillator, "thermal_power", [0, 0.1], [-1e-9, 0.1001]),
    (Spread, "gamma", [0, 1], [-0.01, 1.01]),
    (Spread, "nonlinear_damping", [0, 1], [-0.01, 1.01]),
    (Spread, "bias", [0, 1], [-0.01, 1.01]),
    (Spread, "gain", [0, 1], [-0.01, 1.01]),
    (Spread, "seed", [0], [-1, 1.5]),
    (spinrnn.TrainConfig, "epochs", [1], [0]),
    (spinrnn.TrainConfig, "batch", [1], [0]),
    (spinrnn.TrainConfig, "checkpoints", [1], [0]),
    (spinrnn.TrainConfig, "learning_rate", [1e-30, HUGE], [0, -1, 1.01 * HUGE]),
    (spinrnn.TrainConfig, "schedule", ["constant"], ["linear"]),
    (spinrnn.Adam, "beta1", [0, 0.999], [-0.1, 1]),
    (spinrnn.Adam, "beta2", [0, 0.999], [-0.1, 1]),
    (spinrnn.Adam, "epsilon", [1e-30, 1], [0.9e-30, 1.01, 0]),
    (spinrnn.Adam, "weight_decay", [0, HUGE], [-1, 1.01 * HUGE]),
    (spinrnn.TrainConfig, "clip", [0, 1e300], [-1]),
    (spinrnn.TrainConfig, "noise", [0, HUGE], [-1, 1.01 * HUGE]),
    (spinrnn.TrainConfig, "seed", [0], [-1]),
    (spinrnn.TrainConfig, "ensemble", [1, 9], [0, -1, 1.5]),
    (spinrnn.TrainConfig, "gains", ["drawn", "drive"], ["", 1]),
    (spinrnn.TrainConfig, "patience", [0], [-1, 1.5]),
    (spinrnn.TrainConfig, "average", [0, 0.5, HUGE], [-1, 1.01 * HUGE]),
    (spinrnn.TrainConfig, "checkpoint_seconds", [0], [-1]),
    (spinrnn.DataConfig, "source", ["a"], ["", 3]),
    (spinrnn.DataConfig, "validation_fraction", [0.001, 0.999], [0, 1]),
    (spinrnn.DataConfig, "test_fraction", [None, 0.001, 0.899], [0, 1, 0.9]),
    (spinrnn.DataConfig, "split_seed", [None, 0], [-1]),
    (spinrnn.DataConfig, "scaling", ["none", "standard"], ["", "unit"]),
    (spinrnn.DataConfig, "length", [None, 100, 100_000_000], [0, 99, 100_000_001]),
    (spinrnn.DataConfig, "seed", [None, 0], [-1]),
    (spinrnn.DataConfig, "delays", [None, 1, 10_000], [0, 10_001]),
    (spinrnn.DataConfig, "test", [None, "b.npz"], ["", 3]),
    (spinrnn.DataConfig, "missing", ["refuse", "linear", "hold"], ["none"]),
    (spinrnn.DataConfig, "frontend", ["none", "mel", "statistics"], ["fft"]),
    (spinrnn.DataConfig, "features", [None], ["mean 1", 3]),
    (spinrnn.DataConfig, "columns", [None, "time=t,V=2"], ["", "time", "a=b,a=c", 3]),
    (spinrnn.DataConfig, "units", [None, "t=ns"], ["", "t", "a=s,a=s", 3]),
    (spinrnn.DataConfig, "targets", [None, "y", "y,3"], ["", "y,", "y,y", 3]),
    (spinrnn.DataConfig, "rows", ["points", "cases"], ["case", None]),
]


@pytest.mark.parametrize(("cls", "key", "possible", "impossible"), LIMITS)
def test_limits(cls, key, possible, impossible):
    """What is just possible, and what no longer is."""
    # the data that have all keys
    needed = {"source": "memory"} if key in sources.KEYS and cls is spinrnn.DataConfig else {}
    for value in possible:
        made = cls(**{key: value}, **needed)
        found = made.get(key) if cls is Spread and key != "seed" else getattr(made, key)
        assert found == (tuple(value) if isinstance(value, list) else value)
    for value in impossible:
        with pytest.raises(spinrnn.ConfigError) as caught:
            cls(**{key: value}, **needed)
        wanted = "validation_fraction" if (key, value) == ("test_fraction", 0.9) else key
        assert any(problem.startswith(f"{wanted}: ") for problem in caught.value.problems)


def test_every_key_has_its_limits_tried():
    tried, tables = {(cls, key) for cls, key, *_ in LIMITS}, (spinrnn.NetworkConfig,)
    tables += (spinrnn.TrainConfig, spinrnn.DataConfig, Oscillator, spinrnn.Adam)
    for cls in tables:
        known = {field.name for field in dataclasses.fields(cls)} - set(versions.ELSEWHERE)
        assert {key for found, key in tried if found is cls} == known
    spreads = {key for found, key in tried if found is Spread}
    assert spreads == {*spreads_of(Oscillator), "seed"}


def test_a_problem_says_what_is_wanted_and_what_was_given():
    with pytest.raises(spinrnn.ConfigError) as caught:
        spinrnn.NetworkConfig(
            layers=[3, 0],
            substeps=0,
            neuron={"bias_ratio": 0.5, "thermal_power": 0.2},
            amplification=[1.0, 0.0, 2.0],
            spread={"seed": -1},
            input_interval=10,
        )
    assert sorted(caught.value.problems) == [
        "amplification: give one number, or one for each of the 2 layers, got 3",
        "amplification: must be from 1e-09 to 1e+09, got 0.0",
        "input_interval: 10 s is out of all proportion to the neuron's time, 1e-08 s; times are "
        "in seconds, 10 ns are 1e-08; 1e-08 s suits it",
        "layers: each layer needs at least 1 neuron, got [3, 0]",
        "neuron.bias_ratio: must be above 1 and at most 1e+09, else the oscillator is below its "
        "threshold and silent, got 0.5",
        "neuron.thermal_power: must be from 0 to 0.1, in units of the normalised power, got 0.2",
        "spread.seed: must not be negative and below 2**63, got -1",
        "substeps: must be at least 1, got 0",
    ]


def test_a_network_too_large_is_asked_about():
    """32 inputs, 70,000 and 70,000 neurons, 10 classes: 70,000**2 * 3 and less."""
    with pytest.raises(spinrnn.ConfigError) as caught:
        spinrnn.NetworkConfig(layers=[70_000, 70_000], inputs=32)
    assert caught.value.problems == ["layers: 1.5e+10 weights are more than 1e+10; is that meant?"]
    spinrnn.NetworkConfig(layers=[50_000, 50_000], inputs=32)


@pytest.mark.parametrize("tau", [1e-320, 1e-300, 1.01e-3])
def test_a_slip_of_units_is_told_of_the_times_that_no_longer_fit(tau):
    """10 and 100 ns are a hundred thousandth of a relaxation time, and less, or far
    more."""
    with pytest.raises(spinrnn.ConfigError, match="times are in seconds") as caught:
        spinrnn.NetworkConfig(relaxation_time=tau)
    keys = [problem.partition(":")[0] for problem in caught.value.problems]
    assert keys == (["input_interval"] if tau > 1e-8 else ["input_interval", "highpass_time"])


def test_automatic_substeps_stay_automatic(tmp_path):
    """A configuration that was written down follows its time scales like the one it
    came from."""
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


def test_fractions_of_many_layers_are_read_back():
    """Each has a dot, and a line of keys with so many would be refused."""
    amplification = tuple(1 + (layer - 150) / 512 for layer in range(300))
    small = tuple(1.5e-7 if layer % 2 else 0.0 for layer in range(300))
    for values in (amplification, tuple(1e-3 + value for value in small)):
        config = spinrnn.NetworkConfig(layers=(1,) * 300, amplification=values)
        run = spinrnn.RunConfig(network=config)
        assert from_toml(to_toml(run)).network == config


def test_settings_overrule_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    path = tmp_path / "sub" / "a.toml"
    path.write_text('[train]\nepochs = 5\nseed = 3\n[data]\nsource = "x.npz"\n')
    config = load_config(
        path,
        [
            "train.epochs=7",
            "neuron.kind=ctrnn",
            "network.layers=[8, 8]",
            'network.scheme="euler"',
        ],
    )
    assert (config.train.epochs, config.train.seed) == (7, 3)
    assert (config.network.neuron.kind, config.network.layers, config.network.scheme) == (
        "ctrnn",
        (8, 8),
        "euler",
    )
    assert config.data.source == str(tmp_path / "sub" / "x.npz")
    assert load_config(path, ["data.source=y.npz"]).data.source == str(tmp_path / "y.npz")


@pytest.mark.parametrize(
    "text", ["epochs=7", "train.epochs", "a.b.c=1", "train.=1", ".seed=1", "=1"]
)
def test_a_setting_that_is_none_is_told(text):
    with pytest.raises(spinrnn.ConfigError) as caught:
        load_config(None, ["train.seed=1", text])
    example = "train.epochs=7" if text == "epochs=7" else "train.epochs=50"
    assert caught.value.problems == [f"--set {text}: write table.key=value, as in {example}"]


def test_all_wrong_settings_are_told_with_what_is_wrong_in_the_file(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("[train]\nbatch = 0\n")
    with pytest.raises(spinrnn.ConfigError) as caught:
        load_config(path, ["epochs=7", "train.epochz=1", "train.seed=1\nbatch=3"])
    assert str(caught.value).startswith(f"{path} with the settings: --set epochs=7: write")
    starts = (
        "--set epochs=7",
        "train.epochz: unknown key",
        "train.seed: must be a whole",
        "train.batch: must be at least 1",
    )
    assert len(caught.value.problems) == 4
    for start in starts:
        assert any(problem.startswith(start) for problem in caught.value.problems)


def test_a_file_of_windows_with_a_mark_at_its_start(tmp_path):
    path = tmp_path / "a.toml"
    path.write_bytes("\ufeff[train]\r\nseed = 3\r\n".encode())
    assert load_config(path).train.seed == 3


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


def test_settings_in_python_leave_what_follows_from_data():
    config = with_settings(spinrnn.RunConfig(), {"network.layers": [3], "train.epochs": 2})
    assert (config.network.layers, config.train.epochs) == ((3,), 2)
    assert config.network.follows == ("inputs", "outputs", "readout")
    given = with_settings(config, {"network.inputs": 4})
    assert given.network.follows == ("outputs", "readout")
    with pytest.raises(spinrnn.ConfigError, match=r"layers: write table\.key"):
        with_settings(config, {"layers": [3]})


@pytest.mark.parametrize("key", ["train.", ".epochs", ".", "train.epochs.x"])
def test_a_setting_in_python_that_is_none_is_told(key):
    with pytest.raises(spinrnn.ConfigError) as caught:
        with_settings(spinrnn.RunConfig(), {key: 2})
    assert caught.value.problems == [f"{key}: write table.key, as in train.epochs"]


@pytest.mark.parametrize(
    ("estimator", "told"),
    [
        ({"kind": "reservoir"}, "estimator.kind: reservoir needs ideal synapses, these are sign"),
        (
            {"kind": "bptt", "warm": "reservoir"},
            'estimator.warm: "reservoir" needs ideal synapses, these are sign',
        ),
    ],
)
def test_a_readout_in_closed_form_needs_ideal_synapses(estimator, told):
    tables = {"synapse": {"kind": "sign"}, "estimator": estimator}
    with pytest.raises(spinrnn.ConfigError) as error:
        from_tables(tables)
    assert [problem.partition(";")[0] for problem in error.value.problems] == [told]
    for ideal in ({**tables, "synapse": {"kind": "ideal"}}, {"synapse": {"kind": "sign"}}):
        from_tables(ideal)
