"""All kinds of synapses with all writers on a small recurrent network: what fits trains,
is saved and goes on to the same bits; what does not fit is told before anything runs.
"""

import dataclasses
import itertools

import numpy as np
import pytest

import spinrnn
from spinrnn.config import kinds
from spinrnn.config.quantity import quantities
from spinrnn.config.run import from_tables
from spinrnn.learning.learner import GradientLearner
from spinrnn.learning.protocol import Estimate
from spinrnn.learning.trainer import Trainer
from spinrnn.networks import saved
from spinrnn.sweep.points import identity

WRITERS = tuple(kinds.BUILT_IN["writer"])
OWN = {
    "domain_wall": {"slips": 0.05, "margin": 0.1},
    "rram": {"refresh": 300},
    "measured": {
        "potentiation": [0.06, 0.01],
        "depression": [0.02, 0.05],
        "potentiation_scatter": 0.01,
        "depression_spread": 0.2,
    },
}
"""Keys with which all that a kind does is at work."""


def table_of(name):
    return {"kind": name, **OWN.get(name, {})}


def fits(synapse, writer):
    taken = kinds.kind_of("synapse", synapse).takes
    return kinds.kind_of("writer", writer).gives in taken


def can_be_recurrent(name):
    """Whether a kind may stand in a recurrent network."""
    try:
        spinrnn.NetworkConfig(synapse=table_of(name))
    except spinrnn.ConfigError:
        return False
    return True


SYNAPSES = tuple(name for name in kinds.BUILT_IN["synapse"] if can_be_recurrent(name))
PAIRS = tuple(itertools.product(SYNAPSES, WRITERS))
FITTING = tuple(pair for pair in PAIRS if fits(*pair))


def run_of(config, synapse, writer, epochs=1):
    network = dataclasses.replace(config.network, synapse=table_of(synapse))
    train = dataclasses.replace(config.train, writer={"kind": writer}, epochs=epochs)
    return spinrnn.RunConfig(network, train)


@pytest.mark.parametrize(("synapse", "writer"), PAIRS)
def test_what_fits_trains_and_what_does_not_is_told(tiny_config, tiny_data, synapse, writer):
    if not fits(synapse, writer):
        told = f"writer.kind: {writer} asks for .*, the synapse {synapse} takes .*; {synapse} goes "
        with pytest.raises(spinrnn.ConfigError, match=f"{told}with the writer [a-z]"):
            run_of(tiny_config, synapse, writer)
        return
    trainer = Trainer(run_of(tiny_config, synapse, writer), tiny_data)
    before = trainer.net.parameters.copy(), trainer.net.effective().copy()
    (record,) = (record for record in trainer.steps() if record)
    assert np.isfinite(record["train_loss"])
    assert (trainer.net.effective() != before[1]).any()
    # what does not exist is no device
    there = np.broadcast_to(trainer.net.mask, before[0].shape)
    np.testing.assert_array_equal(trainer.net.parameters[~there], before[0][~there])
    biases = ~trainer.net.layout.is_weight()
    assert (trainer.net.parameters[biases] != before[0][biases]).any()
    if synapse != "ideal":
        assert record["programming_count"] > 0


@pytest.mark.parametrize(
    ("synapse", "writer"),
    [
        (name, writer)
        for name in kinds.BUILT_IN["synapse"]
        for writer in WRITERS
        if fits(name, writer)
    ],
)
def test_what_fits_trains_without_time_too(synapse, writer):
    """Layers with an ideal readout behind, to which pulses and flips are amounts."""
    rng = np.random.default_rng(0)
    data = spinrnn.Dataset(rng.uniform(0, 1, (60, 1, 6)).astype("f"), np.arange(60) % 2)
    network = spinrnn.FeedforwardConfig(
        layers=(5,), synapse=[table_of(synapse), {"kind": "ideal"}], normalisation="batch"
    )
    train = spinrnn.TrainConfig(writer={"kind": writer}, epochs=1, batch=8, noise=0.0)
    if synapse == "ideal" and writer not in ("adam", "metaplastic"):
        return
    trainer = Trainer(spinrnn.RunConfig(network, train).fitted_to(data), data)
    before = trainer.net.parameters.copy(), trainer.net.effective().copy()
    (record,) = (record for record in trainer.steps() if record)
    assert np.isfinite(record["train_loss"])
    places = trainer.net.layout.places
    after = trainer.net.parameters, trainer.net.effective()
    for block in ("w_0", "w_1", "gain_0"):
        # latent numbers, or what becomes of them
        changed = [(a != b)[places(block)].any() for a, b in zip(after, before, strict=True)]
        assert any(changed), block
    # what the ideal layer was given are amounts, no whole pulses
    moved = (after[0] - before[0])[places("w_1")]
    assert np.abs(moved).max() < 1


@pytest.mark.parametrize(("synapse", "writer"), FITTING)
def test_a_run_that_is_resumed_gives_the_same_bits(tiny_config, tiny_data, synapse, writer):
    config = run_of(tiny_config, synapse, writer, epochs=2)
    whole, first = Trainer(config, tiny_data), Trainer(config, tiny_data)
    for _ in whole.steps():
        pass
    # in the middle of the second epoch
    for _ in itertools.islice(first.steps(), 9):
        pass
    second = Trainer(config, tiny_data)
    arrays, state = first.state()
    second.restore({name: array.copy() for name, array in arrays.items()}, state)
    for _ in second.steps():
        pass
    found, expected = second.state()[0], whole.state()[0]
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert array.tobytes() == found[name].tobytes(), name


@pytest.mark.parametrize("synapse", [name for name in SYNAPSES if name != "ideal"])
def test_files_hold_the_devices(tiny_config, tiny_data, synapse, tmp_path):
    """Those of a network, and those of a run that is cut and resumed."""
    writer = next(writer for writer in WRITERS if fits(synapse, writer))
    config, steps = run_of(tiny_config, synapse, writer, epochs=2), []
    with pytest.raises(spinrnn.Interrupted):
        spinrnn.train(
            config, tmp_path / "run", data=tiny_data, pictures=False,
            stop=lambda: steps.append(0) or len(steps) == 5,
        )  # fmt: skip
    cut = spinrnn.train(config, tmp_path / "run", resume=True, data=tiny_data, pictures=False)
    whole = spinrnn.train(config, data=tiny_data)
    np.testing.assert_array_equal(cut.network.effective(), whole.network.effective())
    whole.network.save(tmp_path / "net.h5")
    for path in (tmp_path / "run", tmp_path / "net.h5"):
        loaded = spinrnn.load(path)
        np.testing.assert_array_equal(loaded.effective(), whole.network.effective())
        assert loaded.config == config.network


@pytest.mark.parametrize(
    ("synapse", "writer", "field"),
    [("domain_wall", "adam", "position"), ("rram", "pulses", "given")],
)
def test_what_does_not_exist_is_not_programmed(tiny_config, tiny_data, synapse, writer, field):
    trainer = Trainer(run_of(tiny_config, synapse, writer), tiny_data)
    before = trainer.net.connections.copy().devices["w_int_0"][field]
    for _ in itertools.islice(trainer.steps(), 4):
        pass
    after = trainer.net.connections.devices["w_int_0"][field]
    there = trainer.net.layout.named(trainer.net.mask)["w_int_0"]
    moved = (after != before).reshape(-1, *there.shape).any(axis=0)
    assert moved[there].any()
    assert not moved[~there].any()


DEVICE_KEYS = [
    (role, name, key)
    for role in ("synapse", "writer")
    for name in kinds.BUILT_IN[role]
    for key in quantities(kinds.kind_of(role, name))
    # pulses refuse a decay
    if (role == "writer" or name in SYNAPSES) and (name, key) != ("pulses", "weight_decay")
]


@pytest.mark.parametrize(("role", "name", "key"), DEVICE_KEYS)
def test_every_key_of_devices_and_writers_is_in_the_identity(tiny_config, role, name, key):
    pair = next(pair for pair in FITTING if pair[role == "writer"] == name)
    base = run_of(tiny_config, *pair)
    own = base.network.synapse if role == "synapse" else base.train.writer
    value = getattr(own, key)
    # smaller ones are possible everywhere but for two states
    other = value + 1 if isinstance(value, int) else 0.75 * (value or 1e-9)
    changed = dataclasses.replace(own, **{key: other})
    if role == "synapse":
        network = dataclasses.replace(base.network, synapse=changed)
        config = dataclasses.replace(base, network=network)
    else:
        train = dataclasses.replace(base.train, writer=changed)
        config = dataclasses.replace(base, train=train)
    assert identity(config, "data") != identity(base, "data")


def test_the_writer_that_is_not_named_follows_the_synapse():
    for synapse, writer in (("ideal", "adam"), ("sign", "adam"), ("rram", "pulses")):
        assert from_tables({"synapse": {"kind": synapse}}).train.writer.kind == writer
    told = "pulses asks for pulses, the synapse sign takes amount or flips; sign goes with the "
    with pytest.raises(spinrnn.ConfigError, match=f"{told}writer adam or metaplastic or flips"):
        from_tables({"synapse": {"kind": "sign"}, "writer": {"kind": "pulses"}})
    both = {"synapse": {"kind": "rram", "memry": 3}, "writer": {"kind": "adam"}}
    with pytest.raises(spinrnn.ConfigError, match=r"synapse\.memry: unknown key; did you mean mem"):
        from_tables(both)


@pytest.mark.parametrize(
    ("synapse", "name"),
    [
        ("sign", "parameters/w_0"),
        ("domain_wall", "parameters/w_0"),
        ("rram", "synapse/w_0/log_resistance"),
        ("rram", "synapse/w_0/slope"),
        ("measured", "synapse/w_0/depression_factor"),
    ],
)
def test_a_file_with_numbers_that_are_none_is_refused(synapse, name, tmp_path, monkeypatch):
    """Weights of two values, or levels, would hide them."""
    config = spinrnn.FeedforwardConfig(layers=(3,), inputs=2, synapse=table_of(synapse))
    net, made = spinrnn.network_of(config), saved.arrays_of
    arrays = {key: array.copy() for key, array in made(net).items()}
    arrays[name].flat[1] = np.nan
    with monkeypatch.context() as patch:
        patch.setattr(saved, "arrays_of", lambda net: arrays)
        net.save(tmp_path / "net.h5")
    with pytest.raises(spinrnn.StoreError, match=f"not finite: {name}; the network cannot be used"):
        spinrnn.load(tmp_path / "net.h5")


def test_synapses_that_do_not_take_what_a_writer_gives_get_amounts():
    """Of a network with a kind for each layer: as biases do."""
    config = spinrnn.FeedforwardConfig(layers=(4,), inputs=3, outputs=2, synapse=("sign", "ideal"))
    net = spinrnn.network_of(config)
    asked = net.layout.named(net.connections.asked("flips"))
    assert {name: flags.all() for name, flags in asked.items()} == {
        "w_0": True, "w_1": False, "bias_0": False, "bias_1": False,
    }  # fmt: skip
    u, labels = np.random.default_rng(0).normal(size=(8, 3, 1)), np.arange(8) % 2
    before, gradient = net.parameters.copy(), net.loss_and_grad(u, labels)[1]
    train = spinrnn.TrainConfig(writer="flips", clip=0)
    GradientLearner(train, net).step(net.prepared(), (u, labels, None), 0.1, (0,))
    there = ~net.connections.asked("flips")
    np.testing.assert_allclose(net.parameters[there], (before - 0.1 * gradient)[there], rtol=1e-5)


@pytest.mark.parametrize(("asks", "block"), [("amount", "w_"), ("flips", "bias")])
def test_a_sum_that_overflows_leaves_all_as_it_was(tiny_config, asks, block):
    net = spinrnn.network_of(
        dataclasses.replace(tiny_config.network, synapse=spinrnn.Sign()), seed=0
    )
    net.parameters[:] = np.finfo(net.parameters.dtype).max
    change, before = np.ones_like(net.parameters), net.parameters.copy()
    for name, own in net.layout.named(change).items():
        if name.startswith(block):
            own[...] = np.finfo(own.dtype).max
    with np.errstate(over="ignore"), pytest.raises(spinrnn.DivergenceError, match="not finite"):
        net.connections.program(net.parameters, change, 1.0, None, (0,), asks)
    np.testing.assert_array_equal(net.parameters, before)


def test_what_does_not_exist_is_put_back_whatever_a_kind_did(tiny_config, monkeypatch):
    net = spinrnn.network_of(
        dataclasses.replace(tiny_config.network, synapse=spinrnn.Sign()), seed=0
    )
    mask, before = np.arange(net.layout.size) % 3 > 0, net.parameters.copy()
    monkeypatch.setattr(spinrnn.Sign, "program", turn_over_all)
    net.connections.program(net.parameters, np.ones_like(before), 1.0, mask, (0,), "flips")
    np.testing.assert_array_equal(net.parameters[~mask], before[~mask])
    assert np.count_nonzero(net.parameters != before) > 10


def turn_over_all(kind, trained, devices, request, rng):
    """`Synapse.program` that does not ask what exists."""
    trained *= -1
    return spinrnn.Events(trained.size)


def test_what_was_never_programmed_is_counted_as_none(tiny_config, tiny_data):
    """A rate at which no sign changes; ideal synapses have nothing to count."""
    train = dataclasses.replace(tiny_config.train, epochs=1, learning_rate=1e-9)
    for synapse, wanted in (("sign", 0), ("ideal", None)):
        network = dataclasses.replace(tiny_config.network, synapse=synapse)
        config = dataclasses.replace(tiny_config, network=network, train=train)
        result = spinrnn.train(config, data=tiny_data)
        assert result.summary.get("programming_count") == wanted
        assert result.history[0].get("programming_energy") == wanted


LIMITED = [
    (name, field.name, value)
    for name in kinds.BUILT_IN["synapse"]
    for field in kinds.kind_of("synapse", name).fields
    for value in (
        [] if field.low is None else [field.low - 1], [] if field.high is None else [field.high + 1]
    )
    for value in value
]  # fmt: skip


@pytest.mark.parametrize(("synapse", "field", "value"), LIMITED)
def test_devices_that_cannot_be_are_refused_in_a_file(tmp_path, synapse, field, value):
    network = spinrnn.NetworkConfig(layers=(3,), inputs=2, outputs=2, synapse=table_of(synapse))
    net = spinrnn.Network(network)
    net.save(tmp_path / "network.h5")
    assert spinrnn.load(tmp_path / "network.h5").parameters.tobytes() == net.parameters.tobytes()
    array = net.connections.devices["w_ext_0"][field]
    array.reshape(-1)[-1] = value
    shown = array.reshape(-1)[-1]
    net.save(tmp_path / "network.h5")
    with pytest.raises(spinrnn.StoreError) as found:
        spinrnn.load(tmp_path / "network.h5")
    assert f"network.h5: synapse/w_ext_0/{field}: " in str(found.value)
    assert f"; got {shown:g}, 1 of {array.size} devices" in str(found.value)


def test_fields_with_limits():
    """So many that the test before cannot be empty."""
    assert len(LIMITED) == 13


@pytest.mark.parametrize("writer", ["adam", "flips"])
def test_a_gradient_that_may_not_be_written_into_is_left_as_it_is(writer, monkeypatch):
    config = spinrnn.FeedforwardConfig(layers=(4,), inputs=3, outputs=2, synapse=("sign", "ideal"))
    u, labels = np.random.default_rng(0).normal(size=(8, 3, 1)), np.arange(8) % 2
    train, found, given = spinrnn.TrainConfig(writer=writer, clip=0.1), [], []
    for frozen in (False, True):
        net = spinrnn.network_of(config, seed=0)
        if frozen:
            gradient = net.loss_and_grad(u, labels)[1]
            gradient.flags.writeable = False
            estimate = Estimate(np.zeros((8, 2)), 0.0, gradient)
            monkeypatch.setattr(type(train.estimator), "estimate", lambda *_, found=estimate: found)
            given.append(gradient.copy())
        GradientLearner(train, net).step(net.prepared(), (u, labels, None), 0.1, (0,))
        found.append(net.parameters.copy())
    np.testing.assert_array_equal(*found)
    np.testing.assert_array_equal(gradient, given[0])
