"""Metaplasticity: the quadratic task tells what a sign's turning costs, and tasks are
tested with what was kept for them.
"""

from functools import partial

import numpy as np
import pytest

import spinrnn
from spinrnn.systems import metaplasticity
from spinrnn.systems.learning import accuracy, in_turn, parts_of, permuted, trained


def test_latent_weights_tell_the_cost_of_turning_them_over():
    found = metaplasticity.quadratic(size=120, steps=600)
    assert found["spearman"] > 0.95
    assert found["signs"] > 85
    # L of b with one sign turned, less L, from its definition
    rng = np.random.default_rng(1)
    eigenvalues, rotation = rng.uniform(1, 2, 6), np.linalg.qr(rng.normal(size=(6, 6)))[0]
    hessian = rotation @ np.diag(eigenvalues) @ rotation.T
    target, b = rng.normal(size=6), np.sign(rng.normal(size=6))

    def loss(b):
        return 0.5 * (b - target) @ hessian @ (b - target)

    for i in range(6):
        turned = b.copy()
        turned[i] = -b[i]
        expected = loss(turned) - loss(b)
        assert metaplasticity.costs(b, hessian, target)[i] == pytest.approx(expected)


def small(number):
    """Two hundred digits in another order, fifty of them to test."""
    data = permuted(spinrnn.load_digits(), number)
    few = data.take(np.arange(250))
    return spinrnn.Dataset(few.inputs, few.labels, test=np.arange(250) >= 200)


def test_each_task_is_tested_with_the_normalisation_that_it_had():
    given = metaplasticity.tables([24], 0.0, 3, 0)
    tasks = [small(0), small(1)]
    found = in_turn(given, [lambda: tasks[0], lambda: tasks[1]], 0.05)
    assert [len(row) for row in found["after"]] == [1, 2]
    assert found["learned"] == [row[-1] for row in found["after"]]
    assert found["after"][0][0] > 40
    assert found["after"][1][1] > 40
    assert all(0 < turned < 60 for turned in found["signs"])
    # by hand: the second network with the first one's gains and shifts
    from spinrnn.systems.learning import _start

    first = trained(given, tasks[0], start=_start(given, tasks[0], 0.05)).net
    second = trained(given, tasks[1], start=first).net
    second.parameters[~second.layout.is_weight()] = first.parameters[~first.layout.is_weight()]
    test = parts_of(tasks[0])[1]
    assert found["after"][1][0] == accuracy(second, test)


def test_long_sequences_are_tested_now_and_then():
    given = metaplasticity.tables([8], 0.0, 1, 0)
    found = in_turn(given, [partial(small, number) for number in range(3)], 0.05, every=2)
    assert [len(row) for row in found["after"]] == [2, 3]
    assert len(found["learned"]) == 3
    row = {"what": "permuted", "m": 1.0, "seed": 0, "epochs": 1, **found}
    numbers = metaplasticity.numbers(
        [row, {"what": "quadratic", "spearman": 0.9, "signs": 95.0}]
    ).findings
    assert numbers["permuted_3_m_1_mean"][0] == pytest.approx(np.mean(found["after"][-1]))


def test_an_order_is_the_same_for_all_cases_and_can_be_undone():
    data = spinrnn.load_digits()
    other = permuted(data, 3)
    assert other.inputs.shape == data.inputs.shape
    assert not np.array_equal(other.inputs, data.inputs)
    np.testing.assert_array_equal(np.sort(other.inputs), np.sort(data.inputs))
    order = [
        np.flatnonzero((other.inputs[:, 0, i, None] == data.inputs[:, 0]).all(axis=0))
        for i in (20, 30)
    ]
    assert all(len(places) for places in order)
    assert permuted(data, 0) is data
