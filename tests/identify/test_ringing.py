"""Devices that ring: a search ends in the wrong period where it begins with the whole
recording.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
from conftest import forget_kinds
from scipy.linalg import expm

import spinrnn
from spinrnn.checks.neuron import check_neuron
from spinrnn.config import kinds
from spinrnn.config.quantity import quantity
from spinrnn.identify import fit as fit_
from spinrnn.identify import grids
from spinrnn.identify.models import model_of
from spinrnn.identify.problem import Problem, Solution
from spinrnn.neurons.protocol import Neuron, State
from spinrnn.recordings.measurement import measurement

TRUE = {"tau": 2.6e-9, "losses": 0.001}


@kinds.register
@dataclass(frozen=True)
class Ringing(Neuron):
    """tau x' = y, tau y' = I - x - 2 losses y, by the midpoint rule."""

    kind = "made_ringing"
    states = (State("x", "1", "place"), State("y", "1", "speed"))
    schemes = ("euler",)

    tau: float = quantity(2e-9, "s", "time of a radian", above=0, fit="log")
    losses: float = quantity(0.05, "1", "over critical ones", low=0, high=1, fit="plain")

    @property
    def time_unit(self):
        return self.tau

    def numbers(self, time_unit, factors):
        return {"rate": time_unit / self.tau, "losses": self.losses}

    @staticmethod
    def step(q, shared, h, s, current, one):
        (rate, z), (x, y), two = q, s, one + one
        k, zz = h * rate, two * z
        half = k * k / two
        g, f = y, current - x - zz * y
        f_z = -two * y
        after = x + k * g + half * f, y + k * f - half * (g + zz * f)
        jacobian = (
            (one - half, k - half * zz),
            (half * zz - k, one - k * zz + half * (zz * zz - one)),
        )
        by_numbers = (
            (h * (g + k * f), half * f_z),
            (h * (f - k * (g + zz * f)), k * f_z - half * (two * f + zz * f_z)),
        )
        return after, jacobian, (half, k - half * zz), by_numbers


OWN = forget_kinds()


@pytest.fixture(autouse=True)
def registered():
    kinds._registered["neuron"] = dict(OWN)


def recording(samples, h):
    """Exact, of which only x is measured; the drive changes four times."""
    rng = np.random.default_rng(3)
    drive = np.repeat(rng.normal(size=4), samples // 4)
    matrix = np.array([[0.0, 1.0], [-1.0, -2 * TRUE["losses"]]]) / TRUE["tau"]
    over, s, found = expm(matrix * h), np.array([1.0, 0.0]), []
    for u in drive:
        found.append(s[0])
        s = np.array([u, 0.0]) + over @ (s - [u, 0.0])
    power = np.array(found) + 0.01 * rng.normal(size=samples)
    return {"time": np.arange(samples) * h, "drive": drive, "power": power}


TOLD = {"neuron": Ringing, "fixed": {"losses": TRUE["losses"]}}


def test_the_kind_is_right():
    assert [row.text for row in check_neuron(Ringing()) if not row.ok] == []


def test_the_period_is_found_by_growing_beginnings(monkeypatch):
    """33 periods, from points of which none is right to one of them."""
    monkeypatch.setattr(grids, "POINTS", 35)
    sizes, solve = [], fit_.solve
    monkeypatch.setattr(fit_, "solve", lambda p, *x: sizes.append(p.samples) or solve(p, *x))
    data = recording(3000, 0.18e-9)
    fit = spinrnn.identify_device(data, **TOLD)
    assert fit.diagnosis.describes
    assert abs(fit.values["tau"] - TRUE["tau"]) < 3.5 * fit.errors["tau"] < 1e-5 * TRUE["tau"]
    assert sizes[:4] == [375, 750, 1500, 3000]
    # from the whole recording
    monkeypatch.setattr(fit_, "_begun", lambda problem: fit_._named(problem, problem))
    assert not spinrnn.identify_device(data, **TOLD).diagnosis.describes


def test_where_steps_stay_too_coarse_there_is_no_interval():
    """At 0.4 radians a sample the error of 64 midpoint steps is 13 of the noise's."""
    fit = spinrnn.identify_device(recording(800, 1e-9), **TOLD)
    assert abs(fit.values["tau"] / TRUE["tau"] - 1) < 1e-4
    assert np.isnan(fit.intervals["tau"]).all()
    assert fit.reasons["tau"].startswith("64 steps between two samples are too few")


def test_what_a_beginning_does_not_tell_goes_on_from_where_it_began():
    """The logarithm of a value without effect there, and one that ends at its bound."""
    data = measurement(*(recording(800, 1e-9)[name] for name in ("time", "drive", "power")))
    known = dict.fromkeys(("drive_gain", "drive_offset", "readout_gain"), (1.0, 0.0))
    problem = Problem(data, known, "held", model_of(Ringing))
    before = {"tau": 2e-9, "losses": 0.1, "readout_offset": 1.0}
    ends = {"tau": 2e-7 * 1.01, "losses": 0.0, "readout_offset": 0.5}
    found = Solution(ends, np.zeros((1, 2)), 1.0, held=("losses",))
    assert fit_._told(problem, before, found) == before | {"readout_offset": 0.5}
    near = dataclasses.replace(found, values=ends | {"tau": 1.9e-7}, held=())
    assert fit_._told(problem, before, near) == near.values
