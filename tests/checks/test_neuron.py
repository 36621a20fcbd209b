"""The check of a kind: what is right passes, and each wrong entry of a derivative is
named."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from conftest import here

import spinrnn
from spinrnn.checks.neuron import check_neuron
from spinrnn.config import kinds
from spinrnn.config.quantity import quantity
from spinrnn.neurons.ctrnn import CTRNN
from spinrnn.neurons.memristor_vo2 import VO2
from spinrnn.neurons.memristor_vo2 import step as vo2_step
from spinrnn.neurons.oscillator import Oscillator
from spinrnn.neurons.protocol import Functions, Neuron, State

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "leaky.py"
WRONG = {
    "d voltage'/d voltage": ("(one - h * rate * (vm_v + wm_v),", "(one - h * rate * vm_v,"),
    "d voltage'/d recovery": ("-h * rate * (vm_w + wm_w))", "h * rate * (vm_w + wm_w))"),
    "d recovery'/d voltage": ("(h * slow * (a * vm_v - wm_v),", "(h * slow * a * vm_v,"),
    "d recovery'/d recovery": ("(a * vm_w - wm_w))", "(a * vm_w + wm_w))"),
    "d voltage'/d current": ("(h * rate * (one - vm_i),", "(h * rate * (one + vm_i),"),
    "d recovery'/d current": ("h * slow * a * vm_i)", "h * slow * vm_i)"),
    "d voltage'/d rate": ("- wm) - h * rate * vm_rate,", "- wm) + h * rate * vm_rate,"),
    "d voltage'/d slow": ("-h * rate * wm_slow,", "h * rate * wm_slow,"),
    "d voltage'/d a": ("-h * rate * wm_a)", "-rate * wm_a)"),
    "d recovery'/d rate": ("h * slow * a * vm_rate,", "h * slow * vm_rate,"),
    "d recovery'/d slow": ("- h * slow * wm_slow,", "- h * wm_slow,"),
    "d recovery'/d a": ("h * slow * (vm - wm_a),", "h * slow * vm,"),
}


def kind_of(text, tmp_path, name):
    """The example's kind under another name, from a changed text."""
    path = tmp_path / f"{name}.py"
    path.write_text(text.replace('kind = "leaky"', f'kind = "{name}"'))
    kinds.use(path)
    return kinds.kind_of("neuron", name)()


@pytest.mark.parametrize(
    "neuron",
    [
        # compiles for seconds
        pytest.param(Oscillator(nonlinear_damping=0.3, thermal_power=1e-3), marks=pytest.mark.slow),
        # the command below checks it too
        pytest.param(CTRNN(), marks=pytest.mark.slow),
        None,
    ],
)
def test_what_is_right_passes(neuron):
    if neuron is None:
        kinds.use(EXAMPLE)
        neuron = kinds.kind_of("neuron", "leaky")()
    found = list(check_neuron(neuron))
    assert [row.text for row in found if not row.ok] == []
    assert {row.scheme for row in found} == set(neuron.schemes)
    states, numbers = len(neuron.states), len(neuron.numbers(1.0, dict.fromkeys(FACTORS, 1.0)))
    entries = [row for row in found if row.promise.startswith("d ")]
    assert len(entries) == len(neuron.schemes) * states * (states + 1 + numbers)
    assert {"precision", "rest"} <= {row.promise for row in found}


FACTORS = ("tau", "gamma", "bias", "nonlinear_damping")


@pytest.mark.parametrize(
    "entries",
    [
        # every other one, so that each stands beside right ones
        pytest.param([*WRONG][::2], id="even"),
        pytest.param([*WRONG][1::2], id="odd"),
        *(pytest.param([entry], id=entry, marks=pytest.mark.slow) for entry in WRONG),
    ],
)
def test_wrong_entries_are_named_and_no_others(entries, tmp_path):
    text = EXAMPLE.read_text()
    for old, new in map(WRONG.get, entries):
        assert text.count(old) == 1
        text = text.replace(old, new)
    name = "made_" + "".join(c for c in "".join(entries) if c.isalpha())
    wrong = [row for row in check_neuron(kind_of(text, tmp_path, name)) if not row.ok]
    assert sorted(row.promise for row in wrong) == sorted(entries)
    for row in wrong:
        found = row.text.removeprefix(f"{row.promise}: ").split(", the complex step says ")
        assert abs(float(found[0]) - float(found[1])) > 1e-4


def test_a_wrong_rest_a_literal_and_a_low_order_are_told(tmp_path):
    text = EXAMPLE.read_text()
    rest = "    @staticmethod\n    def step"
    moved = text.replace(rest, f"    def rest(self, q):\n        return 0.5, 0.1\n\n{rest}")
    wide = text.replace("h * rate * (current - vm - wm)", "1.0 * h * rate * (current - vm - wm)")
    for name, changed, promise, words in (
        ("made_moved", moved, "rest", "voltage goes from 0.5 to 0."),
        ("made_wide", wide, "precision", "step widen float32 to float64"),
    ):
        wrong = [row for row in check_neuron(kind_of(changed, tmp_path, name)) if not row.ok]
        assert [row.promise for row in wrong] == [promise]
        assert words in wrong[0].text


@pytest.fixture(autouse=True)
def _own_kinds(monkeypatch):
    for name in ("_registered", "_sources", "_files"):
        monkeypatch.setattr(kinds, name, {})


@dataclass(frozen=True)
class Decaying(Neuron):
    """dp/dt = -p + I, by Euler's rule in a scheme of second order."""

    kind = "made_decaying"
    states = (State("p", "1", "p"),)
    schemes = ("exponential", "euler")
    tau: float = quantity(1e-9, "s", "time constant", above=0)

    @property
    def time_unit(self):
        return self.tau

    def numbers(self, time_unit, factors):
        return {"rate": time_unit / self.tau}

    @staticmethod
    def step(q, shared, h, s, current, one):
        k = h * q[0]
        return (s[0] + k * (current - s[0]),), ((one - k,),), (k,), ()

    @staticmethod
    def rhs(q, s, current):
        return (q[0] * (current - s[0]),)


def test_the_order_is_that_of_dop853():
    found = {(row.scheme, row.promise): row for row in check_neuron(Decaying())}
    assert not found["exponential", "order"].ok
    assert found["euler", "order"].ok
    order = float(found["euler", "order"].text.split()[1])
    assert order == pytest.approx(1, abs=0.1)
    # derivatives by numbers are not asked for where the class gives none
    assert ("euler", "d p'/d rate") not in found


class Kicked(Oscillator):
    """An oscillator whose noise has a wrong slope."""

    kind = "made_kicked"
    schemes = ("euler",)

    def functions(self, scheme):
        right = super().functions(scheme)
        kick = right.kick

        def wrong(q, h, s, r2, cosine, one):
            after, slope, by_numbers = kick(q, h, s, r2, cosine, one)
            return after, ((slope[0][0] * slope[0][0],),), by_numbers

        return right._replace(kick=wrong)


def test_a_wrong_kick_is_named():
    wrong = [row.promise for row in check_neuron(Kicked(thermal_power=1e-3)) if not row.ok]
    assert wrong == ["kick: d power'/d power"]


def test_the_command(tmp_path):
    right = here("gradcheck", "--neuron", "ctrnn")
    assert right.returncode == 0
    assert right.stdout.splitlines()[-1].startswith("10 promises of ctrnn: all kept")
    wrong = here("gradcheck", "--neuron", "oscilator")
    assert wrong.returncode == 2
    assert "did you mean" in wrong.stderr


@pytest.mark.slow
@pytest.mark.parametrize("kind", kinds.names_of("neuron"))
def test_every_kind_keeps_its_promises(kind):
    """As `spinrnn gradcheck --neuron KIND` asks."""
    found = list(check_neuron(kinds.kind_of("neuron", kind).example()))
    assert [row.text for row in found if not row.ok] == []
    assert len(found) > 5


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("kind", "weak", "strong"),
    [("oscillator", 0.5, 1e3), ("macrospin", 0.3, 300.0), ("memristor", 2.0, 4.0)],
)
def test_a_case_does_not_depend_on_one_that_is_driven_more(kind, weak, strong, dtype):
    """For which the whole block takes the strong step, a memristor because of its h."""
    neuron = kinds.kind_of("neuron", kind).example()
    settings = {"input_interval": 0.4 * neuron.time_unit, "substeps": 2, "dtype": dtype}
    net = spinrnn.Network(
        spinrnn.NetworkConfig(layers=(3,), inputs=1, outputs=2, neuron=neuron, **settings), seed=1
    )
    inputs = weak * np.random.default_rng(0).normal(size=(40, 1, 30))
    driven = inputs.copy()
    driven[3] = strong
    alone, beside = net.forward(inputs), net.forward(driven)
    others = np.arange(40) != 3
    np.testing.assert_array_equal(alone[others], beside[others])
    assert (alone[3] != beside[3]).any()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["memristor", "vo2"])
def test_memristors_keep_their_promises_to_rounding(kind):
    """Where differences are as good; where the code is steep they count roughly."""
    found = list(check_neuron(kinds.kind_of("neuron", kind)()))
    assert [row.text for row in found if not row.ok] == []
    own = [row.error for row in found if row.promise.startswith("d ")]
    assert np.median(own) < 1e-12


@pytest.mark.slow
def test_coarse_differences_do_not_hide_a_wrong_entry():
    """Of a steep kind, whose differences are off by more than the bound in places."""
    failed = [row.promise for row in check_neuron(WrongVO2()) if not row.ok]
    assert failed == ["d voltage'/d drive"]


def wrong_step(q, shared, h, s, current, one):
    after, jacobian, b, by_numbers = vo2_step(q, shared, h, s, current, one)
    wrong = b[0] + one / (one + one + one + one)
    return after, jacobian, (wrong, b[1], b[2], b[3], b[4], b[5]), by_numbers


@dataclass(frozen=True)
class WrongVO2(VO2):
    def functions(self, scheme):
        return Functions(wrong_step)
