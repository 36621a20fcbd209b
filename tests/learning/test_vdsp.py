"""VDSP in whole trainings: what is learned, what is counted, and that the bits hang on
nothing but the seed."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import here

import spinrnn
from spinrnn.config.run import from_tables
from spinrnn.learning.trainer import Trainer, evaluate
from spinrnn.learning.vdsp import _chosen
from spinrnn.machine import threads

SMALL = {"kind": "spiking", "layers": [10], "threshold": 12.0, "presentation": 0.15, "pause": 0.05}
MEASURED = {
    "kind": "measured",
    "potentiation": [0.3, 0.1, 0.05],
    "depression": [0.05, 0.2],
    "potentiation_scatter": 0.01,
    "depression_spread": 0.2,
}


def config_of(network=(), train=(), synapse=None, **tables):
    made = {
        "network": SMALL | dict(network),
        "estimator": {"kind": "vdsp"},
        "train": {
            "epochs": 2,
            "learning_rate": 0.05,
            "batch": 16,
            "schedule": "constant",
            "noise": 0.0,
            **dict(train),
        },
        **tables,
    }
    if synapse:
        made["synapse"] = synapse
    return from_tables(made)


def some(cases=160):
    return spinrnn.load_digits().take(np.arange(cases))


def trainer_of(config, cases=160):
    data = some(cases)
    return Trainer(config.fitted_to(data), data)


def trained(config, cases=160):
    trainer = trainer_of(config, cases)
    for _ in trainer.steps():
        pass
    return trainer


def same(one, other):
    """Whether two trainings have come to the same bits."""
    assert one.net.parameters.tobytes() == other.net.parameters.tobytes()
    for name, array in one.net.buffers.items():
        if not name.startswith("answers/"):
            assert array.tobytes() == other.net.buffers[name].tobytes(), name


# ---- what is learned ----


def digits(net=(), train=(), est=(), seed=0):
    """Accuracy on 400 digits of 50 neurons."""
    network = {"layers": [50], "threshold": 30.0, "output_time": 0.06, "growth": 0.005}
    network |= {"presentation": 0.35, "pause": 0.2, **dict(net)}
    usual = {"epochs": 3, "learning_rate": 0.05, "schedule": "cosine", "noise": 0.15}
    usual["seed"] = seed
    config = config_of(
        network,
        usual | dict(train),
        estimator={"kind": "vdsp", **dict(est)},
        data={"validation_fraction": 0.02, "test_fraction": 0.22},
    )
    trainer = trained(config, 1797)
    return evaluate(trainer.net, trainer.test).accuracy


def test_digits_are_learned_and_only_by_the_inputs_own_potentials():
    assert digits() > 0.8
    assert digits(est={"potentials": "shuffled"}) < 0.5
    assert digits(train={"learning_rate": 1e-300}) < 0.45


@pytest.mark.slow
def test_fifty_neurons_learn_the_digits():
    """Thresholds of the authors' rule; three seeds."""
    longer = {"epochs": 10, "learning_rate": 0.03}
    found = [digits(train=longer, seed=seed) for seed in range(3)]
    assert np.mean(found) >= 0.85
    shuffled = {"potentials": "shuffled"}
    found = [digits(train=longer, est=shuffled, seed=seed) for seed in range(3)]
    assert np.mean(found) <= 0.35
    none = longer | {"learning_rate": 1e-300}
    found = [digits(train=none, seed=seed) for seed in range(3)]
    assert np.mean(found) <= 0.40


# ---- the same bits ----


@pytest.mark.parametrize("synapse", [None, MEASURED], ids=["conductance", "measured"])
def test_the_bits_are_the_same_for_any_threads_and_batches(synapse):
    """At a constant rate and without noise of the inputs, which differ from batch to
    batch.
    """
    with threads.using(1):
        one = trained(config_of(synapse=synapse))
    for batch, count in ((1, 3), (7, 2), (1000, 2)):
        with threads.using(count):
            other = trained(config_of(train={"batch": batch}, synapse=synapse))
        same(one, other)
        with threads.using(count):
            outputs = other.net.forward(other.test.inputs)
        np.testing.assert_array_equal(outputs, one.net.forward(one.test.inputs))


def test_a_training_resumed_within_an_epoch_has_the_same_bits():
    whole = trained(config_of())
    first = trainer_of(config_of())
    steps = first.steps()
    for _ in range(11):
        next(steps)
    assert first.batch not in (0, first.batches)
    arrays, state = first.state()
    arrays = {name: array.copy() for name, array in arrays.items()}
    second = trainer_of(config_of())
    second.restore(arrays, state)
    for _ in second.steps():
        pass
    same(whole, second)
    assert [r["train_loss"] for r in whole.history] == [r["train_loss"] for r in second.history]


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_bits(tmp_path):
    text = (
        'network = {kind = "spiking", layers = [50]}\nestimator = {kind = "vdsp"}\n'
        "train = {epochs = 6, learning_rate = 0.02, batch = 20, checkpoint_seconds = 0.2}\n"
    )
    (tmp_path / "run.toml").write_text(text)
    command = [sys.executable, "-m", "spinrnn", "train", str(tmp_path / "run.toml"), "--out"]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)
    folder = tmp_path / "killed"
    process = subprocess.Popen([*command, str(folder)], stdout=subprocess.DEVNULL)
    begun = time.monotonic()
    while not list(folder.glob("*.h5")) and time.monotonic() < begun + 120:
        time.sleep(0.05)
    time.sleep(0.5)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run([*command, str(folder), "--resume"], check=True, capture_output=True)
    one, other = (spinrnn.load(tmp_path / name) for name in ("whole", "killed"))
    assert one.parameters.tobytes() == other.parameters.tobytes()


# ---- what is counted, and what belongs to a network ----


def test_events_are_the_synapses_that_spikes_have_moved():
    trainer = trained(config_of())
    events = trainer.net.buffers["state/events"]
    counted = sum(record["programming_count"] for record in trainer.history)
    assert events[1] == counted
    # the plain rule moves all synapses of an output that fires
    assert events[1] == events[0] * 64
    assert trainer.net.buffers["state/shown"] == 2 * len(trainer.training)


def test_neurons_have_the_classes_in_whose_cases_they_fire_most():
    trainer = trained(config_of())
    net, part = trainer.net, trainer.training
    counts = net.spikes(part.inputs)
    mean = np.array([counts[part.labels == k].mean(axis=0) for k in range(10)])
    expected = np.where(counts.any(axis=0), mean.argmax(axis=0), -1)
    np.testing.assert_array_equal(net.labels, expected)
    outputs = net.forward(part.inputs)
    for k in range(10):
        own = expected == k
        wanted = counts[:, own].mean(axis=1) if own.any() else 0
        np.testing.assert_allclose(outputs[:, k], wanted, rtol=1e-6)


def test_labelling_of_sorted_data_sees_every_class():
    """As in data sorted by class: no neuron could answer to a class that is not shown."""
    labels = np.repeat([0, 1, 2], 10)
    np.testing.assert_array_equal(_chosen(labels, 6), [0, 5, 10, 15, 20, 25])
    np.testing.assert_array_equal(_chosen(labels, 21), np.arange(21))
    np.testing.assert_array_equal(_chosen(labels, 0), np.arange(30))
    np.testing.assert_array_equal(_chosen(labels, 99), np.arange(30))


def test_labelling_takes_the_first_cases():
    few = config_of(estimator={"kind": "vdsp", "labelling": 20})
    trainer = trained(few)
    assert trainer.net.buffers["answers/cases"].sum() == 20
    labels = np.asarray(trainer.training.labels)[:20]
    np.testing.assert_array_equal(
        trainer.net.buffers["answers/cases"], np.bincount(labels, minlength=10)
    )


def test_a_step_shows_outputs_of_the_classes_before_it():
    trainer = trainer_of(config_of())
    next(trainer.steps())
    # nobody had a class yet, so all classes were alike
    assert trainer._sums.loss / trainer._sums.cases == pytest.approx(np.log(10))
    assert trainer.net.labels.max() >= 0


def test_outputs_are_given_conductances_in_the_scale_of_the_synapse():
    """What a spike of one input gives, of a plain, a bounded and a measured device."""
    from spinrnn.networks.spiking import timing_of

    bounded = spinrnn.Conductance(lowest=0.25)
    measured = spinrnn.Measured((0.1, 0.1), (0.1, 0.1), largest=0.25)
    for synapse, w, expected in (
        (spinrnn.Conductance(), 0.6, 0.6),
        (bounded, 0.6, 0.25 + 0.75 * 0.6),
        (measured, 0.05, 0.6),
    ):
        for filtered, share in ((0.0, 1.0), (2e-3, 1 - np.exp(-0.5))):
            config = spinrnn.SpikingConfig(inputs=3, synapse=synapse, synapse_time=filtered)
            timing = timing_of(config, synapse.answer(3))
            given = timing.base + timing.gain * w
            assert given == pytest.approx(share * expected, rel=1e-12)
    trained = np.array([[0.0, 0.6, 1.0]])
    read = bounded.read(trained, bounded.make(trained.copy(), np.random.default_rng(0)))
    np.testing.assert_allclose(read, [[0.25, 0.7, 1.0]])


def test_shuffled_potentials_are_others_in_each_case():
    net = spinrnn.SpikingNetwork(spinrnn.SpikingConfig(layers=(3,), inputs=64, outputs=10))
    case = np.repeat(net.cases(some().inputs[:1]), 2, axis=0)
    first, both = net.replace(), net.replace()
    for _ in range(2):
        first.show(case[:1], 0.1, shuffled=True)
    both.show(case, 0.1, shuffled=True)
    np.testing.assert_array_equal(first.parameters, both.parameters)
    # the second case has an order of its own
    one, two = net.replace(), net.replace()
    one.show(case[:1], 0.1, shuffled=True)
    two.show(case[:1], 0.1, shuffled=True)
    two.buffers["state/shown"][:] = 0
    one.show(case[:1], 0.1, shuffled=True)
    two.show(case[:1], 0.1, shuffled=True)
    assert (one.parameters != two.parameters).any()


def test_networks_go_to_files_and_come_back(tmp_path):
    net = trained(config_of(synapse=MEASURED)).net
    net.save(tmp_path / "net.h5")
    again = spinrnn.load(tmp_path / "net.h5")
    assert isinstance(again, spinrnn.SpikingNetwork)
    inputs = some().inputs
    np.testing.assert_array_equal(net.forward(inputs), again.forward(inputs))
    np.testing.assert_array_equal(net.labels, again.labels)
    copy = net.replace()
    copy.show(copy.cases(inputs), 0.1)
    assert (copy.parameters != net.parameters).any()
    np.testing.assert_array_equal(net.parameters, again.parameters)


def test_judging_changes_nothing():
    net = trained(config_of()).net
    before = {name: array.copy() for name, array in net.buffers.items()}
    parameters = net.parameters.copy()
    net.forward(some().inputs)
    np.testing.assert_array_equal(net.parameters, parameters)
    for name, array in before.items():
        np.testing.assert_array_equal(net.buffers[name], array)


# ---- what is refused ----


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({"network": {"layers": [10, 10]}}, "layers: must be one layer"),
        ({"network": {"presentation": 1e5}}, "presentation: must be at most 1e+06 time steps"),
        ({"network": {"reset": 1.0}}, "reset"),
        (
            {"train": {"learning_rate": 0.6}},
            "train.learning_rate: above 0.582 an event, at up to 1 V, could move",
        ),
        ({"synapse": [{"kind": "conductance"}]}, "a table [synapse] and no list [[synapse]]"),
        ({"train": {"average": 1.0}}, "train.average"),
        ({"synapse": {"kind": "sign"}}, "sign has no answer to the voltage of a spike"),
        ({"synapse": {"kind": "ideal"}}, "take measured or conductance"),
        ({"task": {"kind": "regression"}}, 'a network of the kind spiking takes "classification"'),
        (
            {"estimator": {"kind": "bptt"}},
            "estimator.kind: the estimator bptt learns recurrent, feed",
        ),
        ({"estimator": {"kind": "vdsp", "labelling": -1}}, "labelling"),
        ({"synapse": {"volts": -1.0}}, "volts"),
        ({"synapse": {"window": "TiO3"}}, "TiO3"),
    ],
)
def test_what_cannot_be_is_told(tables, told):
    with pytest.raises(spinrnn.ConfigError) as error:
        config_of(**tables)
    assert any(told in problem for problem in error.value.problems), error.value.problems


def test_commands_that_cannot_serve_it_say_so_in_a_line(tmp_path):
    found = here("gradcheck", "--set", "network.kind=spiking")
    assert found.returncode == 2
    told = "network.kind: a network of the kind spiking has no gradient that could be compared"
    assert found.stderr.strip().endswith(told)
    spinrnn.train(config_of(), tmp_path / "run", data=some(), pictures=False)
    look = here("look", str(tmp_path / "run")).stdout
    assert "classification by vdsp\n" in look
    assert "spiking, layers 10" in look


def test_vdsp_needs_spikes():
    with pytest.raises(spinrnn.ConfigError, match=r'learns spiking networks only, .* to "spiking"'):
        from_tables({"estimator": {"kind": "vdsp"}})


def test_inputs_of_another_size_are_told():
    net = spinrnn.SpikingNetwork(spinrnn.SpikingConfig(inputs=4))
    with pytest.raises(spinrnn.DataError, match=r"channel \* time = 4"):
        net.forward(np.zeros((2, 3, 1)))
    for given in (np.zeros((2, 3)), np.zeros(4), np.full((2, 4), np.nan)):
        with pytest.raises(spinrnn.DataError, match=r"cases: must be .*\(case, 4\)"):
            net.show(given, 0.1)
    with pytest.raises(spinrnn.DataError, match="no trajectories"):
        net.simulate(np.zeros((2, 4, 1)))
    with pytest.raises(spinrnn.DataError, match="no gradient"):
        net.loss_and_grad(np.zeros((2, 4, 1)), np.zeros(2, dtype=int))


def test_thresholds_follow_from_the_inputs_unless_given():
    config = spinrnn.SpikingConfig(inputs=784)
    assert config.firing == pytest.approx(42.0)
    assert dataclasses.replace(config, threshold=3.0).firing == 3.0


# ---- what it does not take ----


def test_inputs_that_never_fire_are_told_as_the_network_reads_them():
    """Of digits that are scaled half are below 0."""
    assert trainer_of(config_of()).unsuited == []
    scaled = trainer_of(config_of(data={"scaling": "standard"})).unsuited
    assert len(scaled) == 1
    assert " % of the inputs are negative, and such inputs never fire; bring" in scaled[0]
    turned = config_of({"gain": -4.0}, data={"scaling": "standard"})
    assert trainer_of(turned).unsuited == []


def test_weights_of_classes_are_refused():
    with pytest.raises(spinrnn.ConfigError) as told:
        config_of(task={"class_weights": "balanced"})
    (problem,) = told.value.problems
    assert problem.startswith("task.class_weights: the estimator vdsp learns without labels")
    assert 'set it to "none"' in problem
    assert config_of(task={"class_weights": "none"}).task.class_weights == "none"
    balanced = from_tables({"task": {"class_weights": "balanced"}})
    assert balanced.task.class_weights == "balanced"


def test_weights_of_cases_are_told():
    data = some(40)
    weighed = dataclasses.replace(data, weights=np.r_[np.ones(39), 2.0])
    config = config_of(train={"epochs": 1})
    with pytest.warns(UserWarning, match="vdsp shows all cases alike, whatever their weights"):
        spinrnn.train(config, data=weighed)
    alike = dataclasses.replace(data, weights=np.full(40, 2.0))
    assert Trainer(config.fitted_to(alike), alike).unheeded == []
