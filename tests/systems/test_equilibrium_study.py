"""The study of equilibrium propagation: its numbers follow from its trials, its gradients
from the networks that it names.
"""

import numpy as np
import pytest

import spinrnn
from spinrnn.config.run import from_tables
from spinrnn.systems import equilibrium
from spinrnn.systems.studies import STUDIES


def test_a_slope_is_that_of_the_power_law_below_a_tenth():
    errors = [beta**1.5 if beta <= 0.1 else 7.0 for beta in equilibrium.BETAS]
    assert equilibrium.slope(errors) == pytest.approx(1.5)


def test_gradients_are_compared_with_the_exact_ones():
    keys = {"steps": 200, "levels": [0.4, 0.8]}
    differ = dict.fromkeys(equilibrium.ALL_DIFFER, 0.1)
    net, u, labels = equilibrium.drawn(equilibrium.OSCILLATOR, 0, differ, layers=[8], **keys)
    assert set(net.buffers) == {f"devices/{name}" for name in equilibrium.ALL_DIFFER}
    exact = net.loss_and_grad(u, labels)[1]
    given = {"beta": 1e-2, "steps": 60, "nudge": "drive", "sign": "symmetric"}
    cosine, error = equilibrium.compared(net, u, labels, exact, **given)
    assert cosine > 0.99999
    assert error < 1e-3
    assert equilibrium.compared(net, u, labels, 0 * exact, **given) == (0.0, 1.0)


def test_labels_are_shuffled_where_a_condition_says_so():
    plain, other = (equilibrium._digits(name, 0) for name in ("binary", "binary, shuffled"))
    assert plain.labels is not None
    np.testing.assert_array_equal(np.bincount(plain.labels), np.bincount(other.labels))
    assert np.mean(plain.labels == other.labels) < 0.2


MNIST = [f"mnist {name}" for name in equilibrium.MNIST]


@pytest.mark.parametrize("name", [*equilibrium.CONDITIONS, *MNIST])
def test_conditions_are_runs_as_a_user_writes_them(name):
    known = equilibrium.MNIST if name.startswith("mnist") else equilibrium.CONDITIONS
    given = known[name.removeprefix("mnist ")]
    config = from_tables(equilibrium.tables(given, 3, 50, layers=[7], steps=9))
    assert config.network.kind == "symmetric"
    assert config.train.seed == 3
    if "binary" in name:
        assert {one.kind for one in config.network.synapses} == {"sign"}
        assert config.train.schedule == "constant"
    assert isinstance(config.network, spinrnn.SymmetricConfig)


def test_numbers_are_means_of_the_trials():
    betas = equilibrium.BETAS
    laws = {"plus": [2 * b for b in betas], "symmetric": [3 * b * b for b in betas]}
    rows = [{"what": "beta", "network": "interior", "seed": 0, **laws}]
    rows += [
        {"what": "digits", "condition": "binary", "seed": seed, "epochs": 2, "accuracy": 90 + seed,
         "last": 80, "flips": [0.2, 0.1]}
        for seed in (0, 2)
    ]  # fmt: skip
    rows += [{"what": "cosine", "coupling": 1.0, "spread": 0.05, "symmetric": [0.9] * len(betas)}]
    cosines = {f"symmetric, {nudge}": {"cosine": 0.7} for nudge in ("state", "drive")}
    rows += [{"what": "depth", "neuron": "rate", "depth": 2, "cosines": cosines}]
    found = equilibrium.numbers(rows).findings
    assert found["slope_plus"][0] == pytest.approx(1)
    assert found["slope_symmetric"][0] == pytest.approx(2)
    assert found["digits_binary"][0] == 91
    assert found["flips"][0] == pytest.approx(0.3)
    assert found["cosine_spread_5_percent"][0] == 0.9
    assert found["cosine_rate_2"][0] == 0.7
    assert STUDIES["equilibrium"].wants == ("mnist",)
