"""Keys that the estimator of a run does not read: told in one line where they were given,
wherever that was.
"""

import dataclasses
import warnings

import numpy as np
import pytest
from conftest import here

import spinrnn
from spinrnn.config.toml import overruled, read_config, to_toml, with_settings
from spinrnn.config.unread import AT_ONCE, LOCAL, idle_keys, idle_sentences, unread, unread_keys
from spinrnn.learning.trainer import Trainer

COUNTS = """
[network]
kind = "bayesian"
[estimator]
kind = "counts"
[writer]
kind = "flips"
[train]
epochs = 7
batch = 16
learning_rate = 0.1
noise = 0.2
seed = 3
checkpoint_seconds = 0
[data]
source = "iris"
"""
SAID = (
    "train.epochs, train.batch, train.learning_rate, train.noise, writer: the estimator counts "
    "learns all at once and reads none of these"
)


def keys(network, **train):
    return unread_keys(network, spinrnn.TrainConfig(**train))


def test_what_was_given_and_is_not_read_is_told_in_one_line(tmp_path):
    path = tmp_path / "counts.toml"
    path.write_text(COUNTS)
    assert spinrnn.load_config(path).train.epochs == 7
    for command in (["check", path], ["train", path, "--out", tmp_path / "run"]):
        found = here(*command)
        assert found.returncode == 0
        assert SAID in found.stdout + found.stderr
    # the same command goes on, or finds the run complete
    assert here(*command, "--resume").returncode == 0


def test_an_estimator_of_a_setting_leaves_the_file_as_it_is(tmp_path):
    path = tmp_path / "usual.toml"
    path.write_text("[network]\nlayers = [3]\n[train]\nepochs = 7\n")
    found = here("check", path, "--set", "estimator.kind=reservoir")
    assert found.returncode == 0
    assert "train.epochs: the estimator reservoir learns all at once and does not read it" in (
        found.stdout + found.stderr
    )


def test_in_python_too():
    train = spinrnn.TrainConfig(epochs=7, estimator=spinrnn.Counts())
    with pytest.warns(UserWarning, match=r"train\.epochs: .* does not read it$"):
        spinrnn.train(
            spinrnn.RunConfig(spinrnn.BayesianConfig(), train), data=spinrnn.load_dataset("iris")
        )


def test_values_that_stand_there_by_themselves_are_none_that_were_given():
    machine, recurrent = spinrnn.BayesianConfig(), spinrnn.NetworkConfig()
    happens = {"epochs": 1, "noise": 0.0, "clip": 0.0}
    for estimator in (spinrnn.Counts(), spinrnn.Reservoir()):
        network = machine if estimator.kind == "counts" else recurrent
        assert keys(network, estimator=estimator) == []
        assert keys(network, estimator=estimator, **happens) == []
        assert keys(network, estimator=estimator, seed=1, checkpoint_seconds=0.0) == []
    series = spinrnn.recipe("series", estimator={"kind": "reservoir"})
    assert unread(series) == []
    # the writer that goes with such synapses is taken where none is named
    cells = spinrnn.SpikingConfig(synapse=spinrnn.Measured.example())
    assert keys(cells, estimator=spinrnn.VDSP(), writer="pulses") == []
    assert keys(cells, estimator=spinrnn.VDSP(), writer="flips") == ["writer"]


def test_a_rule_of_the_synapses_reads_all_but_the_norm_and_the_writer():
    given = {"epochs": 2, "batch": 4, "learning_rate": 0.1, "noise": 0.1, "patience": 3}
    spiking = spinrnn.SpikingConfig()
    assert keys(spiking, estimator=spinrnn.VDSP(), **given) == []
    assert keys(spiking, estimator=spinrnn.VDSP(), clip=0.0) == []
    vdsp = spinrnn.TrainConfig(estimator=spinrnn.VDSP(), clip=2.0)
    found = unread(spinrnn.RunConfig(spiking, vdsp))
    assert found == [
        "train.clip: the estimator vdsp is a rule of the synapses themselves and does not read it"
    ]
    for estimator in (spinrnn.BPTT(), spinrnn.Twin(), spinrnn.Equilibrium()):
        assert keys(recurrent := spinrnn.NetworkConfig(), estimator=estimator, **given) == []
        assert keys(recurrent, estimator=estimator, clip=2.0, writer="flips") == []


def test_a_setting_on_a_recipe_stays_and_the_rest_falls_back():
    tables = {"estimator": {"kind": "reservoir"}, "train": {"epochs": 500, "batch": 16}}
    made = overruled({k: dict(t) for k, t in tables.items()}, ["train.seed=2"])
    assert made.train == spinrnn.TrainConfig(estimator=spinrnn.Reservoir(), seed=2)
    assert overruled(tables, ["train.epochs=50"]).train.epochs == 50


def test_a_value_of_a_recipe_is_silent_where_that_was_named_only(tmp_path):
    path = tmp_path / "own.toml"
    text = '[network]\nlayers = [3]\n[estimator]\nkind = "reservoir"\n'
    path.write_text(text + "[train]\nepochs = 100\nbatch = 8\n")
    told = "train.epochs, train.batch: the estimator reservoir learns all at once and reads none"
    for settings, expected in (([], [told]), (["recipe=series"], [])):
        config = spinrnn.load_config(path, settings)
        assert [one[: len(told)] for one in unread(config)] == expected
        # as it is where a folder is gone on with, whose file names no recipe
        (tmp_path / "config.toml").write_text(to_toml(config))
        assert unread(read_config(tmp_path / "config.toml")) == []
    named = spinrnn.load_config(path, ["recipe=series"])
    assert unread(with_settings(named, {"train.seed": 2})) == []
    assert named == dataclasses.replace(named, recipe="digits")
    own = with_settings(spinrnn.load_config(path), {"train.seed": 2})
    assert unread(own)[0].startswith(told)


MACHINE, FLAT = spinrnn.BayesianConfig, spinrnn.FeedforwardConfig
IDLE = [
    (
        MACHINE(mode="logarithmic", cycles=8, seeds="random", register_seed=3),
        'network.cycles, network.seeds, network.register_seed: read with network.mode = "stoch',
    ),
    (MACHINE(register_seed=3), 'network.register_seed: read with network.seeds = "random" only'),
    (MACHINE(log_step=0.2), 'network.log_step: read with network.mode = "logarithmic" only'),
    (
        FLAT(momentum=0.3, statistics="batch"),
        'network.statistics, network.momentum: read with network.normalisation = "batch" only',
    ),
    (
        FLAT(bias=False, bias_deviation=1.0),
        "network.bias_deviation: read with network.bias = true only",
    ),
    (
        spinrnn.SpikingConfig(growth=0.0, growth_time=3.0),
        "network.growth_time: read with network.growth only",
    ),
    (spinrnn.NetworkConfig(trained_per="neuron"), "neuron.train_per: read with neuron.train only"),
    (
        spinrnn.NetworkConfig(layers=(2,), synapse=("ideal", spinrnn.RRAM(pink=0.0, memory=5))),
        "synapse[1].memory: read with synapse[1].pink only",
    ),
]


@pytest.mark.parametrize(("network", "told"), IDLE)
def test_keys_that_one_mode_reads_are_told_in_another(network, told):
    (text,) = idle_sentences(idle_keys(network, spinrnn.TrainConfig()))
    assert text.startswith(told)


def test_keys_of_a_mode_are_not_told_in_it():
    for network in (
        MACHINE(cycles=8, seeds="random", register_seed=3),
        MACHINE(mode="logarithmic", log_step=0.2),
        FLAT(normalisation="batch", momentum=0.3, statistics="batch", bias_deviation=1.0),
        spinrnn.SpikingConfig(growth_time=3.0),
        spinrnn.NetworkConfig(trained=("bias_ratio",), trained_per="neuron"),
        spinrnn.NetworkConfig(synapse=spinrnn.RRAM(memory=5)),
    ):
        assert (
            idle_keys(network, spinrnn.TrainConfig(estimator=spinrnn.Counts("counts", 2.0))) == {}
        )
    gaussian = spinrnn.TrainConfig(estimator=spinrnn.Counts("gaussian", 2.0))
    (text,) = idle_sentences(idle_keys(MACHINE(), gaussian))
    assert text == 'estimator.smoothing: read with estimator.likelihood = "counts" only'


def test_keys_that_are_idle_change_nothing():
    usual = {"inputs": 64, "bins": 2}
    for told, same in (
        (MACHINE(**usual, mode="logarithmic", cycles=8, seeds="equal"), {"mode": "logarithmic"}),
        (MACHINE(**usual, register_seed=3, log_step=0.2), {}),
    ):
        own = spinrnn.Counts("gaussian", 2.0), spinrnn.Counts("gaussian")
        assert learned(told, estimator=own[0]) == learned(
            MACHINE(**usual, **same), estimator=own[1]
        )


def test_the_command_names_them(tmp_path):
    (tmp_path / "own.toml").write_text(COUNTS.partition("[estimator]")[0] + "cycles = 8\n")
    found = here("check", tmp_path / "own.toml", "--set", "network.mode=logarithmic")
    assert 'network.cycles: read with network.mode = "stochastic" only' in found.stdout


SWEEP = """
[sweep]
name = "unread"
[[axes]]
key = "estimator.kind"
values = {kinds}
[network]
layers = [3]
[train]
epochs = 7
[data]
source = "cases.npz"
"""


def test_a_sweep_tells_what_no_point_reads(tmp_path):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(40, 1, 4))
    np.savez(tmp_path / "cases.npz", inputs=inputs, labels=np.arange(40) % 2)
    path = tmp_path / "sweep.toml"
    path.write_text(SWEEP.format(kinds=["reservoir", "bptt"]))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert len(spinrnn.load_sweep(path).points) == 2
    assert not any("not read" in str(one.message) for one in said)
    path.write_text(SWEEP.format(kinds=["reservoir"]))
    with pytest.warns(UserWarning, match=r"train\.epochs: not read by the estimator reservoir"):
        _ = spinrnn.load_sweep(path).points
    for modes, known in ((["logarithmic"], 1), (["logarithmic", "stochastic"], 0)):
        text = SWEEP.format(kinds=modes).replace("estimator.kind", "network.mode")
        path.write_text(text.replace("layers = [3]", 'kind = "bayesian"\ncycles = 8'))
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            _ = spinrnn.load_sweep(path).points
        assert sum("network.cycles: read with" in str(one.message) for one in said) == known
    # another key that one of the points has at its default
    text = SWEEP.format(kinds=["spaced", "equal"]).replace("estimator.kind", "network.seeds")
    own = 'kind = "bayesian"\nmode = "logarithmic"\ncycles = 8'
    path.write_text(text.replace("layers = [3]", own))
    with pytest.warns(UserWarning, match=r"network\.cycles: read with network\.mode"):
        _ = spinrnn.load_sweep(path).points


def test_a_run_of_before_goes_on(tmp_path):
    """A folder in whose configuration such keys stand is read, and trained to its end."""
    data = spinrnn.load_dataset("iris")
    config = spinrnn.RunConfig(spinrnn.BayesianConfig(), spinrnn.TrainConfig(estimator="counts"))
    spinrnn.train(config, tmp_path / "run", data=data, pictures=False)
    file = tmp_path / "run" / "config.toml"
    file.write_text(file.read_text().replace("epochs = 300", "epochs = 7"))
    assert spinrnn.load(tmp_path / "run").config.bins == 8
    old = dataclasses.replace(config, train=dataclasses.replace(config.train, epochs=7))
    found = spinrnn.train(old, tmp_path / "run", True, data, pictures=False)
    assert found.summary["epochs"] == 1


OTHER = {
    "epochs": 7,
    "batch": 5,
    "learning_rate": 0.3,
    "schedule": "constant",
    "clip": 1e-9,
    "noise": 3.0,
    "patience": 1,
    "average": 2.0,
    "writer": "metaplastic",
}
"""Another value of each key that some estimator does not read."""


def learned(network, **train):
    """(parameters, records without seconds) of a training on some digits."""
    config = spinrnn.RunConfig(network, spinrnn.TrainConfig(**train))
    data = spinrnn.load_digits().take(np.arange(60))
    trainer = Trainer(config.fitted_to(data), data)
    for _ in trainer.steps():
        pass
    records = [{k: v for k, v in one.items() if k != "seconds"} for one in trainer.history]
    return trainer.best_network().parameters.tobytes(), records


def test_keys_that_are_told_change_nothing():
    machine, few = spinrnn.BayesianConfig(bins=2), spinrnn.NetworkConfig(layers=(3,), substeps=1)
    for network, estimator in ((machine, spinrnn.Counts()), (few, spinrnn.Reservoir())):
        assert {*AT_ONCE, "writer"} == {*OTHER}
        assert learned(network, estimator=estimator, **OTHER) == learned(
            network, estimator=estimator
        )
    spiking = spinrnn.SpikingConfig(layers=(4,))
    rule = {"estimator": spinrnn.VDSP(), "epochs": 1, "batch": 16}
    own = {key: OTHER[key] for key in (*LOCAL, "writer")}
    usual = learned(spiking, **rule)
    assert learned(spiking, **rule, **own) == usual
    # all others are read
    for key in ("batch", "learning_rate", "schedule", "noise"):
        assert learned(spiking, **{**rule, key: OTHER[key]}) != usual, key
