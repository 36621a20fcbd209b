"""The check of a kind of synapse notices each promise that is broken, and says so."""

import dataclasses

import numpy as np
import pytest

import spinrnn
from spinrnn.checks.synapse import SHAPES, check_synapse
from spinrnn.synapses.protocol import Events, Field


@dataclasses.dataclass(frozen=True)
class Cubic(spinrnn.Synapse):
    """w = x + s x^3, s of each device."""

    kind = "made_cubic"
    fields = (Field("s", "1", "of the device"),)

    def make(self, trained, rng):
        return {"s": rng.uniform(0.5, 1, trained.shape)}

    def read(self, trained, devices):
        return trained + devices["s"] * trained**3

    def read_backward(self, trained, devices, g_weights):
        return g_weights * (1 + 3 * devices["s"] * trained**2)


def changed(**methods):
    """A cubic synapse with other methods or attributes."""
    return dataclasses.dataclass(frozen=True)(type("Changed", (Cubic,), methods))()


def broken(synapse):
    """[(promise, error, text)] of what is not kept of the first shape."""
    rows = [row for row in check_synapse(synapse) if "(5, 4)" in row.promise]
    return [(row.promise, row.error, row.text) for row in rows if not row.ok]


def test_what_is_right_is_found_right():
    """Differences of fourth order are exact for a cubic, but for rounding."""
    rows = list(check_synapse(Cubic()))
    assert [row.promise for row in rows] == [
        f"{promise} of {shape}"
        for shape in SHAPES
        for promise in ("arrays", "read_backward", "program")
    ]
    assert all(row.ok for row in rows)
    assert {row.synapse for row in rows} == {"made_cubic"}
    assert max(row.error for row in rows) < 1e-10


def off(by):
    """Its slope is off at one place, by a share of the largest slope or of 1."""

    def read_backward(self, trained, devices, g_weights):
        found = Cubic().read_backward(trained, devices, g_weights)
        found.flat[-1] += by * max(1, np.abs(found).max())
        return found

    return changed(read_backward=read_backward)


def test_the_bound_and_the_place_of_a_slope_that_is_off():
    assert all(row.ok for row in check_synapse(off(0.9e-8)))
    ((promise, error, _),) = broken(off(1.1e-8))
    assert promise == "read_backward of (5, 4)"
    assert error == pytest.approx(1.1e-8, rel=0.01)
    ((_, error, text),) = broken(off(1.0))
    assert error == pytest.approx(1, rel=1e-6)
    assert text.startswith("dLoss/dtrained[4, 3]: ")
    found, expected = text.partition(": ")[2].split(", differences say ")
    assert float(found) - float(expected) >= 0.99
    ((_, error, text),) = broken(off(np.nan))
    assert np.isnan(error)
    assert text.startswith("dLoss/dtrained[4, 3]: nan, differences say ")


def test_a_slope_of_another_shape():
    flat = changed(read_backward=lambda self, trained, devices, g: g.ravel())
    assert broken(flat) == [("read_backward of (5, 4)", np.inf, "has the shape (20,)")]


@pytest.mark.parametrize(
    ("methods", "text"),
    [
        ({"read": lambda self, trained, devices: trained.T}, "read"),
        ({"fields": (*Cubic.fields, Field("t", "K", "its own"))}, "t: not made"),
        ({"fields": ()}, "s: not among the fields"),
        (
            {"fields": (Field("t", "K", "its own"),), "read": lambda self, t, devices: t.sum()},
            "read, t: not made, s: not among the fields",
        ),
    ],
)
def test_arrays_that_are_not_as_promised(methods, text):
    wanted = "arrays of (5, 4)", text.count(",") + 1, f"not of the shape (5, 4): {text}"
    assert broken(changed(**methods)) == [wanted]


@pytest.mark.parametrize("bad", [lambda g: g * np.nan, np.ravel])
def test_a_stand_in_gives_finite_numbers_of_the_shape(bad):
    """Any of them that go the right way: this one's slope is wrong everywhere."""

    def read_backward(self, trained, devices, g_weights):
        return 7 * g_weights

    rows = list(check_synapse(changed(exact=False, read_backward=read_backward)))
    assert all(row.ok for row in rows)
    assert rows[1].promise == "read_backward of (5, 4), a stand-in"
    wrong = changed(exact=False, read_backward=lambda self, trained, devices, g: bad(g))
    assert broken(wrong) == [("read_backward of (5, 4), a stand-in", 1, "not finite numbers")]


def test_a_stand_in_goes_down_when_it_is_asked_to():
    """By each of what it takes; one of the wrong sign, or that is deaf, does not."""

    def turned(self, trained, devices, request, rng):
        size = np.abs(trained)
        if request.asks == "flips":
            trained[...] = np.where(request.change == 1, -trained, trained)
        else:
            trained[...] = np.where(request.change > 0, size, -size)
        return Events()

    def straight(self, trained, devices, g_weights):
        return g_weights

    def against(self, trained, devices, g_weights):
        return -g_weights

    own = {"exact": False, "program": turned, "takes": ("amount", "flips", "pulses")}
    rows = list(check_synapse(changed(read_backward=straight, **own)))
    assert all(row.ok for row in rows)
    promises = [row.promise for row in rows if row.promise.startswith("descent of (5, 4)")]
    assert promises == [f"descent of (5, 4){more}" for more in ("", " by flips", " by pulses")]
    wrong = broken(changed(read_backward=against, **own))
    assert [promise for promise, *_ in wrong] == promises
    # what grows is told, as a share of the sum of all weights' sizes
    assert all(0 < error <= 2 and text.startswith("the loss grew by ") for _, error, text in wrong)


def test_programming_that_is_not_as_promised():
    def blown(self, trained, devices, request, rng):
        trained[0, 0] = np.inf
        return Events()

    told = broken(changed(program=blown))
    assert told == [("program of (5, 4)", 1, "leaves numbers that are not finite")]
    for events in (None, (1, 2, 3)):
        silent = changed(program=lambda self, *arguments, events=events: events)
        told = broken(silent)
        assert told == [("program of (5, 4)", np.inf, f"gives {events}, no Events")]


def test_programming_is_asked_for_a_change_and_a_decay():
    asked = []

    def program(self, trained, devices, request, rng):
        asked.append(request)
        return Events()

    assert not broken(changed(program=program))
    assert [request.change.shape for request in asked] == list(SHAPES)
    assert all(request.keep < 1 and request.change.all() for request in asked)
    assert {request.asks for request in asked} == {"amount"}


def test_programming_is_asked_for_all_that_is_taken():
    asked = []

    def program(self, trained, devices, request, rng):
        asked.append(request)
        return Events()

    rows = list(check_synapse(changed(program=program, takes=("flips", "pulses"))))
    assert [row.promise for row in rows[2:4]] == [
        "program of (5, 4), flips",
        "program of (5, 4), pulses",
    ]
    assert [request.asks for request in asked] == ["flips", "pulses"] * 3
    flips, pulses = (np.concatenate([r.change.ravel() for r in asked[i::2]]) for i in (0, 1))
    assert set(flips) == {0, 1}
    assert len(set(pulses)) > 5
    assert set(np.sign(pulses)) == {-1, 0, 1}
    assert (pulses == np.rint(pulses)).all()
    assert {request.keep for request in asked} == {1}


def test_arrays_of_devices_may_have_any_shape():
    one = {"s": lambda: np.full(1, 0.7)}
    own = changed(make=lambda self, trained, rng: {"s": one["s"]()})
    assert all(row.ok for row in check_synapse(own))


@pytest.mark.parametrize("takes", ["pulses", (), ("volts",), ["amount"]])
def test_what_it_takes_is_a_tuple_of_known_words(takes):
    with pytest.raises(spinrnn.ConfigError, match='takes: must be a tuple of "amount" or "flips"'):
        spinrnn.register(type(changed(takes=takes)))


def test_a_writer_gives_one_of_known_words():
    wrong = {"kind": "a", "gives": "volts", "request": len}
    with pytest.raises(spinrnn.ConfigError, match=r"gives: must be .* got 'volts'"):
        spinrnn.register(dataclasses.dataclass(frozen=True)(type("A", (spinrnn.Writer,), wrong)))
