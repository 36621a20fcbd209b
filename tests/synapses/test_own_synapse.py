"""Synapses, estimators and writers of one's own: exact gradients, files, resume, events,
and what does not go together.
"""

import dataclasses
import json

import numpy as np
import pytest
from conftest import forget_kinds, here

import spinrnn
from spinrnn.checks.synapse import SHAPES, check_synapse
from spinrnn.config import kinds
from spinrnn.config.run import from_tables, to_tables
from spinrnn.learning.protocol import Change, Estimate
from spinrnn.learning.trainer import Trainer
from spinrnn.sweep.points import identity
from spinrnn.synapses.protocol import Events, Field, Synapse
from spinrnn.tasks.protocol import Evaluation


@spinrnn.register
@dataclasses.dataclass(frozen=True)
class Saturating(spinrnn.Synapse):
    """w = limit s tanh(x / limit), s of each device; writing scatters and costs 2 pJ."""

    kind = "saturating"
    fields = (Field("scale", "1", "of the device"), Field("writes", "1", "so far"))
    limit: float = spinrnn.quantity(2.0, about="of a weight", above=0)
    scatter: float = spinrnn.quantity(0.0, about="of a write", low=0)

    def make(self, trained, rng):
        scale = rng.uniform(0.8, 1.2, trained.shape)
        return {"scale": scale, "writes": np.zeros(trained.shape)}

    def read(self, trained, devices):
        return self.limit * devices["scale"] * np.tanh(trained / self.limit)

    def read_backward(self, trained, devices, g_weights):
        return g_weights * devices["scale"] / np.cosh(trained / self.limit) ** 2

    def program(self, trained, devices, request, rng):
        super().program(trained, devices, request, rng)
        trained += self.scatter * rng.standard_normal(trained.shape)
        devices["writes"] += 1
        return Events(trained.size, 2e-12 * trained.size, 0)


@spinrnn.register
@dataclasses.dataclass(frozen=True)
class Wrong(Saturating):
    """Its slope lacks the scale."""

    kind = "wrong"

    def read_backward(self, trained, devices, g_weights):
        return g_weights / np.cosh(trained / self.limit) ** 2


@spinrnn.register
@dataclasses.dataclass(frozen=True)
class Pulsed(spinrnn.Synapse):
    """Takes what no writer here gives; reads a sign, straight through."""

    kind = "pulsed"
    takes = ("pulses",)
    exact = False

    def read(self, trained, devices):
        return np.sign(trained)

    def read_backward(self, trained, devices, g_weights):
        return g_weights


@spinrnn.register
@dataclasses.dataclass(frozen=True)
class Sign(spinrnn.Writer):
    """Each number one step of the rate against the sign of its gradient."""

    kind = "sign"

    def memory(self, size, dtype):
        return {"seen": np.zeros(1)}

    def request(self, gradient, trained, memory, step, rate, weights):
        memory["seen"] += 1
        # masked weights and biases alike stand in it
        assert weights.shape == gradient.shape
        assert not weights[-1]
        assert weights[0]
        assert memory["seen"] == step
        return Change(-rate * np.sign(gradient))


@spinrnn.register
@dataclasses.dataclass(frozen=True)
class Halved(spinrnn.Estimator):
    """Half of the gradient."""

    kind = "halved"
    needs = frozenset({"adjoint"})

    def estimate(self, net, u, targets, lengths, seed):
        outputs, loss, gradient = net.logits_loss_grad(u, targets, lengths, seed)
        return Estimate(outputs, loss, gradient / 2)


@spinrnn.register
@dataclasses.dataclass(frozen=True)
class Magic(Halved):
    """Needs what there is not."""

    kind = "magic"
    needs = frozenset({"feedback", "adjoint"})


@spinrnn.register
@dataclasses.dataclass(frozen=True)
class Other(spinrnn.Classification):
    """Classification under another name."""

    kind = "other"


_REGISTERED = {role: dict(own) for role, own in kinds._registered.items()}
forget_kinds()


@pytest.fixture(autouse=True)
def own_kinds(monkeypatch):
    monkeypatch.setattr(kinds, "_registered", {r: dict(own) for r, own in _REGISTERED.items()})
    monkeypatch.setattr(kinds, "_files", {})


@pytest.fixture
def network():
    return spinrnn.NetworkConfig(
        layers=(5, 4), inputs=2, outputs=3, density_int=0.5, substeps=2, dtype="float64",
        neuron=spinrnn.Oscillator(nonlinear_damping=0.3), synapse=Saturating(),
        spread=spinrnn.Spread(gamma=0.1, gain=0.1),
    )  # fmt: skip


@pytest.fixture
def config(network):
    return spinrnn.RunConfig(network, spinrnn.TrainConfig(epochs=3, batch=16, weight_decay=0.1))


def scattered(config, scatter):
    network = dataclasses.replace(config.network, synapse=Saturating(scatter=scatter))
    return dataclasses.replace(config, network=network)


def test_its_weights_are_what_it_reads(network):
    """Those of an ideal network whose parameters are w = 2 s tanh(x / 2)."""
    net, rng = spinrnn.Network(network, seed=3), np.random.default_rng(0)
    ideal = spinrnn.Network(dataclasses.replace(network, synapse=None), seed=3)
    np.testing.assert_array_equal(net.parameters, ideal.parameters)
    for name, view in ideal.layout.named(ideal.parameters).items():
        if name.startswith("w_"):
            view[...] = 2 * net.connections.devices[name]["scale"] * np.tanh(view / 2)
    u = rng.normal(size=(3, 2, 4))
    np.testing.assert_array_equal(net.forward(u), ideal.forward(u))
    np.testing.assert_array_equal(net.simulate(u).state[-1], ideal.simulate(u).state[-1])
    stream = net.stream(cases=3)
    outputs = [stream(u[:, :, t]) for t in range(4)]
    np.testing.assert_array_equal(outputs[-1], ideal.forward(u))
    scale = net.connections.devices["w_int_0"]["scale"]
    assert 0.8 < scale.min() < 0.9 < 1.1 < scale.max() < 1.2


def test_its_gradient_is_exact(network):
    net, rng = spinrnn.Network(network, seed=3), np.random.default_rng(0)
    u, labels, lengths = rng.normal(size=(5, 2, 4)), np.arange(5) % 3, [4, 3, 4, 2, 1]
    gradient = net.loss_and_grad(u, labels, lengths)[1]
    expected, point = np.zeros_like(gradient), net.parameters.copy()
    for i in np.flatnonzero(net.mask):
        losses = []
        for k in (-2, -1, 1, 2):
            net.parameters[:] = point
            net.parameters[i] += 1e-3 * k
            losses.append(net.loss(u, labels, lengths))
        expected[i] = (losses[0] - 8 * losses[1] + 8 * losses[2] - losses[3]) / 12e-3
    assert np.abs(gradient - expected).max() < 1e-9 * np.abs(expected).max()
    assert not gradient[~net.mask].any()


def test_a_run_is_saved_and_goes_on_to_the_same_bits(config, tiny_data, tmp_path):
    """With writes that scatter; the network of the best epoch has the devices of then."""
    config, steps = scattered(config, 0.01), []
    whole = spinrnn.train(config, tmp_path / "whole", data=tiny_data)
    with pytest.raises(spinrnn.Interrupted):
        spinrnn.train(
            config, tmp_path / "cut", data=tiny_data,
            stop=lambda: steps.append(0) or len(steps) == 8,
        )  # fmt: skip
    other = spinrnn.train(config, tmp_path / "cut", resume=True, data=tiny_data)
    np.testing.assert_array_equal(whole.network.parameters, other.network.parameters)
    for key in ("train_loss", "validation_loss", "programming_count", "programming_energy"):
        assert [r[key] for r in whole.history] == [r[key] for r in other.history]
    # 6 batches an epoch; all weights, also those that do not exist, are written
    weights = 2 * 5 + 5 * 5 + 5 * 4 + 4 * 4 + 4 * 3
    assert whole.history[0]["programming_count"] == 6 * weights
    assert whole.history[0]["programming_energy"] == pytest.approx(6 * weights * 2e-12)
    loaded = spinrnn.load(tmp_path / "whole")
    assert loaded.config == config.network
    for net in (loaded, whole.network, other.network):
        writes = net.connections.devices["w_ext_0"]["writes"]
        assert (writes == 6 * whole.summary["best_epoch"]).all()
    np.testing.assert_array_equal(
        loaded.forward(tiny_data.inputs), whole.network.forward(tiny_data.inputs)
    )
    checkpoint = sorted((tmp_path / "cut" / "checkpoints").glob("*.h5"))[-1]
    np.testing.assert_array_equal(spinrnn.load(checkpoint).parameters, loaded.parameters)


def test_a_checkpoint_gives_the_devices_of_its_best_epoch(config, tiny_data, tmp_path):
    """Also where later epochs have written on: their number is in the devices."""
    config, steps = scattered(config, 0.5), []
    config = dataclasses.replace(config, train=dataclasses.replace(config.train, epochs=12))
    best = []
    with pytest.raises(spinrnn.Interrupted):
        spinrnn.train(
            config, tmp_path / "run", data=tiny_data, stop=lambda: len(steps) == 11,
            on_epoch=lambda trainer: (steps.append(0), best.append(trainer.best["epoch"])),
        )  # fmt: skip
    assert best[-1] < 11
    writes = spinrnn.load(tmp_path / "run").connections.devices["w_ext_0"]["writes"]
    assert (writes == 6 * best[-1]).all()


@pytest.mark.parametrize("change", [np.nan, np.inf])
def test_what_is_not_finite_changes_nothing(config, tiny_data, change):
    own = {"request": lambda self, g, *_: Change(change * np.ones_like(g))}
    ideal = dataclasses.replace(config.network, synapse=None)
    train = dataclasses.replace(config.train, writer=type("Bad", (Sign,), own)())
    trainer = Trainer(spinrnn.RunConfig(ideal, train), tiny_data)
    before = trainer.net.parameters.copy()
    with pytest.raises(spinrnn.DivergenceError, match="what the writer sign asks for is not"):
        list(trainer.steps())
    np.testing.assert_array_equal(trainer.net.parameters, before)


def test_what_does_not_exist_is_not_written(config, tiny_data):
    trainer = Trainer(scattered(config, 0.1), tiny_data)
    next(iter(trainer.steps()))
    assert not trainer.net.parameters[~trainer.net.mask].any()
    assert trainer.net.parameters[trainer.net.mask].all()


def test_fresh_devices_leave_what_does_not_exist_at_zero(network):
    """Also where a kind moves trained numbers into its limits."""

    @dataclasses.dataclass(frozen=True)
    class Raised(Saturating):
        kind = "raised"

        def make(self, trained, rng):
            trained[...] = np.maximum(trained, 0.25)
            return super().make(trained, rng)

    net = spinrnn.Network(dataclasses.replace(network, synapse=Raised()), seed=3)
    weights = net.layout.is_weight() & net.mask
    assert net.parameters[weights].min() == 0.25
    assert not net.parameters[~net.mask].any()


def test_what_differs_from_write_to_write_follows_the_seed_of_the_step(config):
    net = spinrnn.Network(scattered(config, 0.1).network, seed=3)
    change, found = np.zeros_like(net.parameters), []
    for seed in ((0, 3, 1, 2), (0, 3, 1, 2), (1, 3, 1, 2), (0, 3, 0, 2), (0, 3, 1, 0)):
        flat = net.parameters.copy()
        net.connections.copy().program(flat, change, 1.0, net.mask, seed)
        found.append(flat.tobytes())
    assert found[0] == found[1]
    assert len(set(found)) == 4


def test_the_best_network_has_the_devices_of_its_epoch(config, tiny_data, monkeypatch):
    """The second of three epochs with 6 batches each; nothing is shared with others."""
    accuracies = iter([0.5, 0.8, 0.7])
    monkeypatch.setattr(
        "spinrnn.learning.trainer.scored",
        lambda net, data, task, forward: Evaluation(
            {"accuracy": next(accuracies), "loss": 1.0}, {}
        ),
    )
    trainer = Trainer(config, tiny_data)
    for _ in trainer.steps():
        pass
    best = trainer.best_network()
    for net, writes in ((trainer.net, 18), (best, 12)):
        assert (net.connections.devices["w_out"]["writes"] == writes).all()
    other = Trainer(config, tiny_data)
    other.restore(*trainer.state())
    for net, writes in ((other.net, 18), (other.best_network(), 12)):
        assert (net.connections.devices["w_out"]["writes"] == writes).all()
    best.connections.devices["w_out"]["writes"][:] = 0
    assert (trainer.best_network().connections.devices["w_out"]["writes"] == 12).all()


def test_a_writer_and_an_estimator_of_ones_own(config, tiny_data):
    train = dataclasses.replace(config.train, writer=Sign(), schedule="constant", clip=0)
    ideal = dataclasses.replace(config.network, synapse=None)
    trainer = Trainer(spinrnn.RunConfig(ideal, train), tiny_data)
    before = trainer.net.parameters.copy()
    next(iter(trainer.steps()))
    moved = np.abs(trainer.net.parameters - before)[trainer.net.mask]
    np.testing.assert_allclose(moved, 0.02, rtol=1e-12)
    assert trainer.state()[0]["sign_seen"] == 1
    norms = []
    for estimator in (None, Halved()):
        train = dataclasses.replace(config.train, estimator=estimator)
        trainer = Trainer(spinrnn.RunConfig(ideal, train), tiny_data)
        next(iter(trainer.steps()))
        norms.append(trainer._sums.norm)
    assert norms[1] == pytest.approx(norms[0] / 2, rel=1e-12)


def test_a_change_of_synapse_is_no_change_of_a_trained_network(network):
    net = spinrnn.Network(network)
    scale = net.connections.devices["w_out"]["scale"]
    other = net.replace(substeps=4).connections.devices["w_out"]["scale"]
    np.testing.assert_array_equal(other, scale)
    assert other is not scale
    with pytest.raises(spinrnn.ConfigError, match="synapse: fixed by the trained parameters"):
        net.replace(synapse=None)


def test_tables(network):
    config = spinrnn.RunConfig(network, spinrnn.TrainConfig(writer=Sign(), estimator=Halved()))
    tables = to_tables(config)
    assert tables["synapse"] == {"kind": "saturating", "limit": 2.0, "scatter": 0.0}
    assert (tables["writer"], tables["estimator"]) == ({"kind": "sign"}, {"kind": "halved"})
    given = {
        name: {key: value for key, value in table.items() if value is not None}
        for name, table in tables.items()
    }
    assert from_tables(given) == config


def test_kinds_of_all_roles_are_in_the_identity_of_a_point(network):
    base = spinrnn.RunConfig(dataclasses.replace(network, synapse=None))
    tasks = [spinrnn.Regression(), spinrnn.Regression(washout=3), spinrnn.Regression(window=9)]
    tasks += [spinrnn.Forecasting(), spinrnn.Forecasting(horizon=2)]
    others = [
        spinrnn.RunConfig(network),
        spinrnn.RunConfig(dataclasses.replace(network, synapse=Saturating(limit=3.0))),
        dataclasses.replace(base, train=spinrnn.TrainConfig(writer=Sign())),
        dataclasses.replace(base, train=spinrnn.TrainConfig(estimator=Halved())),
        dataclasses.replace(base, task=Other()),
        *(dataclasses.replace(base, task=task) for task in tasks),
    ]
    assert len({identity(config, "data") for config in (base, *others)}) == 11


def test_all_kinds_of_a_run_take_part_in_it(network, tmp_path, tiny_data):
    """By them its folder knows of which files' kinds it is."""
    train = spinrnn.TrainConfig(writer=Sign(), estimator=Halved(), epochs=1)
    config = spinrnn.RunConfig(network, train, task=Other())
    neuron = network.neuron
    assert config.kinds == (neuron, neuron, Saturating(), Other(), Halved(), Sign())
    for kind in config.kinds[2:]:
        kinds._files[kind.role, kind.kind] = {"file": f"{kind.kind}.py", "sha256": "0"}
    spinrnn.train(config, tmp_path, data=tiny_data, pictures=False)
    recorded = json.loads((tmp_path / "kinds.json").read_text())
    assert {key: source["file"] for key, source in recorded.items()} == {
        "synapse.saturating": "saturating.py",
        "task.other": "other.py",
        "estimator.halved": "halved.py",
        "writer.sign": "sign.py",
    }


def test_what_does_not_go_together_is_told_at_once():
    known = kinds.kinds_of("synapse").items()
    fitting = [name for name, cls in known if "amount" in cls.takes]
    assert {"ideal", "saturating"} < set(fitting)
    with pytest.raises(spinrnn.ConfigError) as caught:
        from_tables(
            {
                "synapse": {"kind": "pulsed"},
                "writer": {"kind": "adam"},
                "estimator": {"kind": "magic"},
            }
        )
    estimator, writer = caught.value.problems
    lacks = "the estimator magic needs feedback, which no kind of network has"
    assert estimator == f'estimator.kind: {lacks}; set estimator.kind to "bptt"'
    told, fits = writer.split("; ")
    assert told == "writer.kind: adam asks for amount, the synapse pulsed takes pulses"
    own, others = fits.split(", ")
    assert own == "pulsed goes with the writer pulses"
    assert others.startswith("adam with the synapse ideal or ")
    assert others.endswith(" or saturating or wrong")
    assert "pulsed" not in others


def test_all_mistakes_of_all_roles_are_told():
    tables = {
        "synapse": {"kind": "saturating", "limt": 1, "limit": -1},
        "writer": {"kind": "sing"},
        "task": {"kind": "classification", "beta1": 3},
        "train": {"epoch": 3},
    }
    with pytest.raises(spinrnn.ConfigError) as caught:
        from_tables(tables)
    told = " ".join(caught.value.problems)
    for part in (
        "synapse.limt: unknown key; did you mean limit?",
        "synapse.limit: must be above 0, got -1",
        'writer.kind: must be "adam" or ',
        '(did you mean "sign"?)',
        "task.beta1: unknown key",
        "train.epoch: unknown key; did you mean epochs?",
    ):
        assert part in told, told
    wanted = r"synapse\.kind: must be a synapse, as spinrnn\.I"
    with pytest.raises(spinrnn.ConfigError, match=wanted):
        spinrnn.NetworkConfig(synapse=Sign())
    with pytest.raises(spinrnn.ConfigError, match="read: is missing; a method, the weights"):
        spinrnn.register(dataclasses.dataclass(frozen=True)(type("A", (Synapse,), {"kind": "a"})))


def test_fields_that_are_none_are_told():
    wrong = {"kind": "a", "fields": ("gain",), "read": len, "read_backward": len}
    with pytest.raises(spinrnn.ConfigError, match=r"fields: must be a tuple of spinrnn\.Field, as"):
        spinrnn.register(dataclasses.dataclass(frozen=True)(type("A", (Synapse,), wrong)))


def test_the_check_of_a_synapse():
    rows = list(check_synapse(Saturating()))
    assert all(row.ok for row in rows)
    assert len(rows) == 9
    assert max(row.error for row in rows) < 1e-9
    broken = [row for row in check_synapse(Wrong()) if not row.ok]
    assert [row.promise for row in broken] == [f"read_backward of {shape}" for shape in SHAPES]
    assert "dLoss/dtrained[" in broken[0].text
    assert ", differences say " in broken[0].text
    stand_in = [row for row in check_synapse(Pulsed()) if "stand-in" in row.promise]
    assert [row.ok for row in stand_in] == [True] * 3


def test_the_command_that_checks_a_synapse():
    ideal = here("gradcheck", "--synapse", "ideal")
    assert ideal.returncode == 0
    assert ideal.stdout.splitlines()[-1] == "9 promises of ideal: all kept"
    wrong = here("gradcheck", "--synapse", "wrong", "--set", "synapse.limit=1.5")
    assert wrong.returncode == 1
    assert "3 BROKEN" in wrong.stdout
    assert here("gradcheck", "--synapse", "ideal", "--neuron", "ctrnn").returncode == 2


def test_a_file_that_lacks_devices_is_refused(network, tmp_path):
    net = spinrnn.Network(network)
    del net.connections.devices["w_out"]["scale"]
    net.save(tmp_path / "net.h5")
    with pytest.raises(spinrnn.StoreError, match=r"synapse/w_out/scale: is missing or not of the"):
        spinrnn.load(tmp_path / "net.h5")


def test_devices_differ_with_the_seed_of_a_network():
    config = spinrnn.FeedforwardConfig(layers=(6,), inputs=5, synapse="rram")
    first, again, other = (
        spinrnn.network_of(config, seed=seed).connections.named() for seed in (1, 1, 2)
    )
    for name in ("synapse/w_0/slope", "synapse/w_1/turn"):
        np.testing.assert_array_equal(first[name], again[name])
        assert (first[name] != other[name]).any()
