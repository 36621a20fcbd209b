"""What is said of a training that diverges: what is not finite before it begins, whose
derivatives may be wrong, and no learning rate where none has acted yet.
"""

import numpy as np
import pytest

import spinrnn
from spinrnn.learning import divergence
from spinrnn.learning.divergence import advice, not_finite, reason
from spinrnn.learning.learner import _require_finite
from spinrnn.learning.trainer import Trainer
from spinrnn.machine.threads import PART
from spinrnn.networks.making import network_of

INPUTS = np.random.default_rng(0).normal(size=(12, 1, 5))
DATA = spinrnn.Dataset(INPUTS, np.arange(12) % 2)


def config_of(network):
    return spinrnn.RunConfig(network, spinrnn.TrainConfig(epochs=1)).fitted_to(DATA)


def recurrent(**others):
    return config_of(spinrnn.NetworkConfig(layers=(2,), outputs=2, dtype="float64", **others))


class Lost(spinrnn.CTRNN):
    """A kind of somebody else's, of which something is not finite."""

    kind = "made_lost"

    def numbers(self, time_unit, factors):
        found = super().numbers(time_unit, factors)
        return {name: np.inf for name in found}


class Off(spinrnn.CTRNN):
    kind = "made_off"

    def rest(self, q):
        return (np.nan,) * len(self.states)


@pytest.mark.parametrize("kind", ["recurrent", "symmetric", "feedforward"])
def test_parameters_that_are_not_finite_are_named(kind):
    table = {
        "recurrent": spinrnn.NetworkConfig,
        "symmetric": spinrnn.SymmetricConfig,
        "feedforward": spinrnn.FeedforwardConfig,
    }
    net = network_of(table[kind](layers=(2,), inputs=1, outputs=2), seed=0)
    assert not_finite(net) == ""
    block = list(net.layout.blocks)[1]
    net.layout.named(net.parameters)[block].flat[0] = np.inf
    assert not_finite(net) == f"the parameters {block} are not finite"


def test_neurons_that_are_not_finite_are_named():
    (name,) = spinrnn.CTRNN().nominal_numbers(1.0)
    for network in (spinrnn.NetworkConfig, spinrnn.SymmetricConfig):
        given = {"layers": (2,), "inputs": 1, "outputs": 2}
        net = network_of(network(**given), seed=0)
        for neuron, wanted in (
            (Lost(), f"numbers of the neuron made_lost gives {name} = inf"),
            (Off(), f"rest of the neuron made_off gives {Off.states[0].name} = nan"),
        ):
            object.__setattr__(net, "config", network(**given, neuron=neuron))
            assert not_finite(net) == wanted


def test_before_anything_is_learned_no_rate_is_advised():
    config = recurrent()
    net = network_of(config.network, seed=0)
    text = reason(net, config, np.array([[[3.0, -4.0]]]), False)
    assert text.startswith("nothing is learned yet: parameters, the neurons' numbers and their ")
    assert "inputs are up to 4 and weights up to " in text
    assert text.endswith("; try smaller inputs or first weights")
    assert reason(net, config, INPUTS, True) == "try a smaller train.learning_rate or train.clip"
    net.parameters[:] = np.nan
    text = reason(net, config, INPUTS, False)
    assert text.startswith("the parameters w_ext_0, ")
    assert text.endswith(" are not finite, before anything is learned")


def test_an_authors_kind_is_to_be_checked(monkeypatch):
    monkeypatch.setattr(divergence.kinds, "sources", lambda: {"mine.py": "0"})
    config = recurrent(neuron=Off())
    check = "spinrnn gradcheck --neuron made_off --use mine.py, which names what is wrong with its "
    assert advice(config) == f"{check}step, or a smaller train.learning_rate or train.clip"
    assert advice(recurrent()) == "a smaller train.learning_rate or train.clip"


def test_a_training_says_it():
    trainer = Trainer(recurrent(), DATA)
    trainer.net.parameters[:] = np.nan
    wanted = r"^diverged in epoch 1, batch 1: .*; the parameters w_ext_0, .* before anything is"
    with pytest.raises(spinrnn.DivergenceError, match=wanted):
        list(trainer.steps())


class Unseen(spinrnn.Sign):
    """A kind of somebody else's, which reads weights without a look at their numbers."""

    kind = "made_unseen"

    def read_into(self, trained, devices, out):
        super().read_into(trained, devices, out)


@pytest.mark.parametrize("wrong", [np.nan, -np.inf])
@pytest.mark.parametrize("last", [spinrnn.Ideal(), spinrnn.DomainWall(), Unseen()])
def test_numbers_that_weights_would_hide_are_told(wrong, last):
    config = spinrnn.FeedforwardConfig(
        layers=(3, 3), inputs=2, outputs=2, synapse=(spinrnn.Sign(), spinrnn.Sign(), last)
    )
    net = network_of(config, seed=0)
    before = net.effective()
    for block in net.layout.blocks:
        own = net.layout.named(net.parameters)[block]
        right, own.flat[-1] = own.flat[-1], wrong
        with pytest.raises(spinrnn.DivergenceError, match="a trained number of a synapse is not"):
            net.effective()
        own.flat[-1] = right
    np.testing.assert_array_equal(net.effective(), before)


def test_one_number_of_many_that_is_not_finite_is_seen():
    numbers = np.zeros(2 * PART + 1, np.float32)
    _require_finite(numbers, "all")
    for place in (0, PART, numbers.size - 1):
        numbers[place] = np.nan
        with pytest.raises(spinrnn.DivergenceError, match="all is not finite"):
            _require_finite(numbers, "all")
        numbers[place] = 0
