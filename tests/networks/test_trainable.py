"""Quantities of a user's own kind that are trained: no gradient is left out without a
word, wherever the kind uses them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import owntwin
import pytest
from conftest import forget_kinds
from neurons.madekinds import Memristor

import spinrnn
from spinrnn.config import kinds
from spinrnn.config.kinds import register
from spinrnn.config.quantity import quantity
from spinrnn.neurons.protocol import Functions

kinds.use(Path(__file__).parents[2] / "docs" / "examples" / "leaky.py")
Leaky = kinds.kind_of("neuron", "leaky")


@register
@dataclass(frozen=True)
class Offset(Memristor):
    """Its drive and its start are in no number of the step."""

    kind = "made_offset"

    offset: float = quantity(0.4, "1", "constant drive", fit="plain")
    begin: float = quantity(0.2, "1", "at the start", low=0, high=1, fit="log1p")

    def bias(self, q):
        return self.offset

    def rest(self, q):
        return (self.begin,)


@register
@dataclass(frozen=True)
class Resting(Leaky):
    """The same of two states."""

    kind = "made_resting"

    offset: float = quantity(0.4, "V", "constant drive", fit="plain")
    begin: float = quantity(0.0, "V", "w at the start", fit="plain")

    def bias(self, q):
        return self.offset * 2

    def rest(self, q):
        return (self.begin * self.offset, self.begin)


KINDS = forget_kinds()


@pytest.fixture(autouse=True)
def _kinds(monkeypatch):
    # what these tests register and use is unknown to all others
    monkeypatch.setattr(kinds, "_registered", {"neuron": dict(KINDS)})
    for name in ("_sources", "_files"):
        monkeypatch.setattr(kinds, name, {})
    yield
    spinrnn.set_memory_limit(None)


def problem(neuron, trained, seed=1, **changes):
    """(network, inputs, labels, lengths), its trained quantities away from nominal."""
    known = {"layers": (3, 2), "inputs": 2, "outputs": 3, "dtype": "float64", "substeps": 2}
    config = spinrnn.NetworkConfig(**{**known, "neuron": neuron, "trained": trained, **changes})
    net, rng = spinrnn.Network(config, seed=seed), np.random.default_rng(seed)
    for name, (where, _) in net.layout.blocks.items():
        if not name.startswith("w_"):
            net.parameters[where] = 0.2 * rng.normal(size=where.stop - where.start)
    u = rng.normal(size=(4, 2, 4))
    return net, u, rng.integers(0, 3, 4), np.array([4, 2, 3, 4])


def assert_exact(net, u, labels, lengths):
    """Each trained quantity's gradient is that of the complex step on the twin."""
    places = [
        place
        for name, (where, _) in net.layout.blocks.items()
        if name.startswith("neuron_")
        for place in range(where.start, where.stop)
    ]
    directions = np.eye(net.layout.size)[places]
    expected = owntwin.slopes(net, u, labels, lengths, directions)
    found = net.loss_and_grad(u, labels, lengths)[1][places]
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-14)
    assert np.abs(expected).min() > 1e-9


@pytest.mark.parametrize("highpass", [0.0, 30e-9])
@pytest.mark.parametrize("per", ["layer", "neuron"])
@pytest.mark.parametrize("trained", [("offset",), ("begin",), ("begin", "offset", "tau")])
@pytest.mark.parametrize("kind", [Offset, Resting])
def test_what_is_in_no_number_has_its_gradient(kind, trained, per, highpass):
    net, *given = problem(kind(), trained, trained_per=per, highpass_time=highpass)
    assert_exact(net, *given)
    for name, (where, _) in net.layout.blocks.items():
        if name.startswith("neuron_"):
            net.parameters[where] += 0.1
    assert_exact(net, *given)


@pytest.mark.parametrize("kind", [Offset, Resting])
def test_it_has_the_same_bits_in_segments(kind):
    net, u, labels, lengths = problem(kind(), ("begin", "offset"))
    u, lengths = np.tile(u, (1, 1, 4)), lengths + 12
    _, gradient = net.loss_and_grad(u, labels, lengths)
    spinrnn.set_memory_limit(net.plan(4, 16).bytes - 1)
    assert net.plan(4, 16).segments > 1
    np.testing.assert_array_equal(net.loss_and_grad(u, labels, lengths)[1], gradient)


# ---- dependences that are not seen at the configured value ----


def kind_of(name, base=Offset, **methods):
    """An instance of a subclass with these methods."""
    own = {"kind": f"made_{name}", "__module__": __name__, "__qualname__": name, **methods}
    cls = dataclass(frozen=True)(type(name, (base,), own))
    kinds._registered["neuron"][cls.kind] = cls
    return cls()


def switched(self, time_unit, factors):
    rate = time_unit / (self.tau * factors["tau"])
    start = np.where(np.real(self.offset) > 0.9, self.offset - 0.6, 0.3)
    return {"rate": rate, "start": start}


def test_a_number_may_depend_on_a_part_of_the_range():
    neuron = kind_of("switched", numbers=switched, rest=Memristor.rest)
    net, *given = problem(neuron, ("offset",))
    for x in (0.1, 0.7):
        net.parameters[net.layout.places("neuron_offset_0")] = x
        net.parameters[net.layout.places("neuron_offset_1")] = x + 0.1
        assert_exact(net, *given)


def test_what_was_not_found_is_told_where_it_acts(monkeypatch):
    """As a number that depends on a quantity in a tiny part of its range."""

    def narrow(self, time_unit, factors):
        found = switched(self, time_unit, factors)
        inside = abs(np.real(self.offset) - 0.6234) < 1e-9
        return found | {"start": np.where(inside, self.offset, 0.3)}

    net, u, labels, lengths = problem(kind_of("narrow", numbers=narrow), ("offset",))
    net.parameters[net.layout.places("neuron_offset_0")] = 0.6234 - 0.4
    with pytest.raises(spinrnn.ConfigError, match=r"neuron\.train: a number of made_narrow dep"):
        net.loss_and_grad(u, labels, lengths)


def test_a_value_of_0_is_trained_by_its_difference():
    assert_exact(*problem(Resting(), ("begin",)))
    net, *given = problem(Offset(begin=0.0), ("begin",))
    for x in (0.0, 0.3):
        net.parameters[net.layout.places("neuron_begin_0")] = x
        net.parameters[net.layout.places("neuron_begin_1")] = 0.2 + x
        assert_exact(net, *given)


def test_a_case_past_its_end_has_no_gradient_whatever_its_step_gives():
    """Without an input the drive is 0, and this step NaN."""

    def step(q, shared, h, s, current, one):
        size = current * current / abs(current)
        change = q[1] * size - s[0]
        by_drive = h * q[1] * (current / size)
        return (s[0] + h * change,), ((one - h,),), (by_drive,), ((one - one, h * size),)

    neuron = kind_of("broken", step=staticmethod(step), bias=Memristor.bias, rest=Memristor.rest)
    net, u, labels, _ = problem(neuron, ("start",), layers=(3,))
    views = net.views()
    for block in (views["w_int"], views["bias"]):
        block[0][:] = 0
    lengths = np.array([4, 2, 2, 2])
    found = net.loss_and_grad(u, labels, lengths)[1]
    alone = [net.loss_and_grad(u[i : i + 1, :, :n], labels[i : i + 1])[1] for i, n in
             enumerate(lengths)]  # fmt: skip
    np.testing.assert_allclose(found, np.mean(alone, axis=0), rtol=1e-12, atol=1e-15)


# ---- what would have a wrong gradient, or none ----


def shared(self):
    return np.array([self.offset])


def absolute(self, q):
    return np.abs(self.offset)


def partly(self, q):
    return self.offset * np.sign(self.offset) + self.begin


def branch(self, q):
    return self.offset if self.offset > 0.3 else 0.0


def enclosed(self, scheme):
    gain = self.offset

    def step(q, shared, h, s, current, one):
        return Memristor.step(q, shared, h, s, gain * current, one)

    return Functions(step=step)


def limit(q, s, one):
    held = s[0] > q[1]
    return (q[1] if held else s[0],), (not held,)


REFUSED = {
    "unused": ({"bias": lambda self, q: 0.0}, "offset of made_unused has no effect on numbers"),
    "shared": ({"shared": shared}, "offset of made_shared acts in `shared`, which has no grad"),
    "absolute": ({"bias": absolute}, "numbers, rest and bias of made_absolute lose the derivat"),
    "partly": ({"bias": partly}, "numbers, rest and bias of made_partly lose the derivative by"),
    "branch": ({"bias": branch}, "numbers, rest and bias of made_branch must take arrays and"),
    "enclosed": ({"functions": enclosed}, "offset of made_enclosed acts in `functions`, which"),
    "limited": (
        {"limit": staticmethod(limit), "numbers": switched},
        "limit of made_limited uses the number start, on which offset acts, and no gradient",
    ),
    "noisier": (
        {"noisy": property(lambda self: self.offset > 0.5)},
        "offset of made_noisier turns on noise that is off at its value",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_gradient_is_refused_in_a_line(name):
    methods, words = REFUSED[name]
    neuron = kind_of(name, **methods)
    with pytest.raises(spinrnn.ConfigError) as caught:
        problem(neuron, ("tau", "offset"))
    assert str(caught.value).startswith(f"neuron.train: {words}")
    assert len(caught.value.problems) == 1
    assert "\n" not in str(caught.value)
    # what is not trained may do all of it
    problem(neuron, ("begin",))
    net, _, _, _ = problem(neuron, ())
    assert net.replace(input_interval=5e-9).config.neuron == neuron


def test_all_that_is_refused_is_told_at_once():
    neuron = kind_of("twice", bias=absolute, shared=shared)
    with pytest.raises(spinrnn.ConfigError) as caught:
        problem(neuron, ("offset",))
    assert len(caught.value.problems) == 2


def test_a_network_is_not_given_a_neuron_whose_gradient_is_wrong():
    net, _, _, _ = problem(Offset(), ("offset",))
    with pytest.raises(spinrnn.ConfigError, match=r"neuron\.train: offset of made_later acts in"):
        net.replace(neuron=kind_of("later", shared=shared))
