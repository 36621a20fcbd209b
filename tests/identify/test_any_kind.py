"""Identification of kinds in general: sensitivities, known values that come back,
several recordings, what the data cannot tell."""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import forget_kinds
from scipy.linalg import expm
from test_identify import stepped

import spinrnn
from spinrnn.cli.main import main
from spinrnn.config import kinds
from spinrnn.config.quantity import quantity
from spinrnn.identify import fit as fit_
from spinrnn.identify import grids, mirrors, models, slopes, wording
from spinrnn.identify import problem as problem_
from spinrnn.neurons.protocol import Neuron, State
from spinrnn.recordings.measurement import measurement

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "leaky.py"
kinds.use(EXAMPLE)
OWN = forget_kinds()
Resonator = OWN["leaky"]
H = 1e-9
TRUE = {"tau": 8e-9, "tau_w": 30e-9, "coupling": 1.5}


@pytest.fixture(autouse=True)
def registered():
    """The resonator, which is unknown to the tests of other modules."""
    kinds._registered["neuron"] = dict(OWN)


def levels(rng, samples, each=20):
    return np.repeat(rng.normal(size=-(-samples // each)), each)[:samples]


def resonance(durations, drive, start, tau, tau_w, coupling, **_):
    """(2, sample) exact states of the resonator under a held drive."""
    matrix = np.array([[-1 / tau, -1 / tau], [coupling / tau_w, -1 / tau_w]])
    s, found = np.array(start, dtype=float), [np.array(start, dtype=float)]
    for h, u in zip(durations, drive, strict=True):
        rest = -np.linalg.solve(matrix, [u / tau, 0.0])
        s = rest + expm(matrix * h) @ (s - rest)
        found.append(s)
    return np.transpose(found)


def recording(seed, samples=400, noise=0.01, h=H, place=0, gain=1.0, **changes):
    """A dictionary of time, drive and power of a resonator."""
    rng = np.random.default_rng(seed)
    time, drive = np.arange(samples) * h, levels(rng, samples)
    s = resonance(np.diff(time), gain * drive[:-1], (0.3, -0.1), **(TRUE | changes))[place]
    return {"time": time, "drive": drive, "power": s + noise * rng.normal(size=samples)}


def leaky(seed, samples=300, noise=0.01, tau=7e-9, h=H, gain=1.0):
    """A dictionary of a CTRNN's neuron, exact for a held drive."""
    rng = np.random.default_rng(seed)
    u, s = levels(rng, samples), np.empty(samples)
    s[0] = 0.1
    for k in range(samples - 1):
        s[k + 1] = s[k] - np.expm1(-h / tau) * (np.tanh(gain * u[k]) - s[k])
    return {
        "time": np.arange(samples) * h,
        "drive": u,
        "power": s + noise * rng.normal(size=samples),
    }


# ---- derivatives of somebody's own kind ----


@dataclass(frozen=True)
class Clipped(Neuron):
    """ds/dt = (|I| - s) / tau, clipped at 0.5 and from a rest at a kink, and a kick;
    false multiplies derivatives by rate, s and I, and the kick's by s.
    """

    kind = "made_clipped"
    states = (State("s", "1", "state"),)
    tau: float = quantity(8e-9, "s", "time constant", above=0, fit="log")
    eta: float = quantity(0.0, "1", "noise", low=0)
    false: Any = (1.0, 1.0, 1.0)
    time_unit = property(lambda self: self.tau)
    noisy = property(lambda self: self.eta > 0)

    def numbers(self, time_unit, factors):
        return {"rate": time_unit / self.tau, "eta": self.eta, "kept": 0.995}

    def shared(self):
        return np.array(self.false)

    @staticmethod
    def step(q, shared, h, s, current, one):
        zero, kept = one - one, math.exp(-h * q[0])
        after = abs(current) + (s[0] - abs(current)) * kept
        inside = one if after < one / (one + one) else zero
        sign = inside if current > zero else -inside
        by_rate = -inside * h * kept * (s[0] - abs(current))
        return (
            (min(after, one / (one + one)),),
            ((shared[1] * inside * kept,),),
            (shared[2] * sign * (one - kept),),
            ((shared[0] * by_rate, zero, zero),),
        )

    @staticmethod
    def kick(q, h, s, r2, cosine, one):
        """It has a root of the state and one of a number's distance to 1."""
        size = math.sqrt(q[1] * h * r2 * (one - q[2] * q[2])) * cosine
        return (s[0] + size * math.sqrt(s[0]),), ((one,),), ()


@dataclass(frozen=True)
class Heated(Neuron):
    """Euler's step of a temperature about 300 K, which diverges where tau is short, and
    a current of 10 uA with a steep threshold of the drive at 2.

    false: factors of derivatives; edge: of the temperature over the ambient one,
    beyond which that by the temperature is NaN.
    """

    kind = "made_heated"
    states = (State("temp", "K", "temperature"), State("current", "A", "current"))
    tau: float = quantity(8e-9, "s", "time constant", above=0, fit="log")
    slow: float = quantity(20e-9, "s", "of the current", above=0, fit="log")
    edge: float = 1e300
    false: Any = ()
    time_unit = property(lambda self: self.tau)

    def numbers(self, time_unit, factors):
        return {"rate": time_unit / self.tau, "slow": time_unit / self.slow, "ambient": 300.0}

    def shared(self):
        named = dict(self.false)
        names = ("current", "slow", "ambient", "temp", "drive")
        return np.array([*(named.get(name, 1.0) for name in names), self.edge])

    @staticmethod
    def step(q, shared, h, s, current, one):
        zero, rate, k, x = one - one, q[0], h * q[0], s[0] - q[2]
        f, bend = current - x - np.sin(3 * x), one + 3 * np.cos(3 * x)
        kept, on = np.exp(-h * q[1]), np.tanh(1e5 * (current - 2))
        goal, by_goal = 1e-5 * on, one - on * on
        # false only with a current, and only at no drive
        by_temp = one - k * bend * (shared[3] if s[1] > zero else one)
        by_temp = by_temp if abs(x) < shared[5] else math.nan
        by_drive = k * (one if current else shared[4])
        return (
            (s[0] + h * rate * f, goal + (s[1] - goal) * kept),
            ((by_temp, zero), (zero, shared[0] * kept)),
            (by_drive, (one - kept) * by_goal),
            (
                (h * f, zero, shared[2] * k * bend),
                (zero, -shared[1] * h * kept * (s[1] - goal), zero),
            ),
        )


@pytest.fixture
def plain(monkeypatch):
    """Nothing is compiled, and no search ends."""

    def run(model, q, state, drive, h):
        step, d = type(model.neuron).step, state.shape[1]
        state, slopes = state.copy(), np.empty((len(q), d, q.shape[1] + d + 1))
        with np.errstate(all="ignore"):
            for n, k in np.ndindex(drive.shape):
                row = tuple(q[n]), model.shared, h[n, k], tuple(state[n]), drive[n, k], 1.0
                state[n], by_s, by_drive, by_q = step(*row)
                slopes[n] = np.column_stack([by_q, by_s, by_drive])
        return state, slopes

    def guessed(problem):
        values = {"tau": 6e-9, "drive_gain": 0.9, "readout_gain": 1.0}
        return [("grid", values | {"drive_offset": 0.0, "readout_offset": 0.0}, np.zeros((1, 1)))]

    monkeypatch.setattr(slopes, "_run", run)
    monkeypatch.setattr(models, "check_authored", lambda *all, **more: None)
    monkeypatch.setattr(problem_, "response", lambda *all: None)
    monkeypatch.setattr(fit_, "starts", guessed)
    monkeypatch.setattr(fit_, "solve", lambda *all: None)


@pytest.mark.parametrize(
    ("false", "told"),
    [
        ((1, 1, 1), None),
        ((3, 1, 1), "d s'/d rate"),
        ((1, 0.9, 1), "d s'/d s"),
        ((1, 1, -1), "d s'/d drive"),
        ((np.nan, 1, 1), "d s'/d rate as nan"),
    ],
)
def test_a_wrong_derivative_of_an_own_kind_is_named_before_the_fit(plain, false, told):
    """Recorded are drives of 0, where |I| has a kink, and states at the clip."""
    data = {"time": np.arange(80) * H, "drive": np.repeat([0.0, 0.3, 2.0, -0.2], 20)}
    data["power"] = np.repeat([0.0, 0.3, 0.5, 0.2], 20)
    right = "did not converge" if told is None else re.escape(f"step of made_clipped gives {told}")
    with pytest.raises(spinrnn.SpinrnnError, match=right):
        spinrnn.identify_device(data, neuron=Clipped(false=false))


HEATED = ("temp", 1e300), ("current", 50.0)


@pytest.mark.parametrize(("observe", "edge"), HEATED)
@pytest.mark.parametrize("tau", [1e-10, 1e-17])
@pytest.mark.parametrize(
    ("false", "told"),
    [
        ({}, None),
        ({"ambient": 3.0}, None),
        ({"current": 1.3}, "d current'/d current"),
        ({"slow": 2.0}, "d current'/d slow"),
        ({"temp": 0.9}, "d temp'/d temp"),
        ({"drive": 2.0}, "d temp'/d drive"),
    ],
)
def test_a_wrong_derivative_is_named_beside_a_guess_that_diverges(
    plain, false, told, observe, edge, tau
):
    """To 1e80 or beyond all numbers; another guess comes to rest, where a derivative is
    below what differences resolve. No parameter moves the ambient temperature.
    """
    drive = np.repeat([0.0, 2.0, 3.0, 1.0, 0.0], [80, 8, 24, 24, 24])
    power = 300 + drive if observe == "temp" else 1e-5 * np.sign(drive - 2)
    data = measurement(np.arange(160) * H, drive, power)
    model = models.model_of(Heated(false=tuple(false.items()), edge=edge), observe)
    problem = problem_.Problem(data, {}, "held", model)
    values = dict(zip(models.CALIBRATION, (1.0, 0.0, 1.0, 0.0), strict=True)) | {"slow": 2e-8}
    start = np.array([[300.1, -1e-5]])
    guesses = [("own", values | {"tau": tau}, start), ("grid", values | {"tau": 1e-8}, start)]
    if told is None:
        slopes.check_slopes(problem, guesses)
        return
    with pytest.raises(spinrnn.ConfigError, match=f"step of made_heated gives {told} as"):
        slopes.check_slopes(problem, guesses)


@pytest.mark.parametrize(
    ("start", "false", "told"),
    [(0.0, (1, 0.9, 1), "d s'/d s"), (0.3, (1, 1, 3), "d s'/d drive")],
)
def test_a_wrong_derivative_is_named_without_a_drive(plain, start, false, told):
    """The drive has no size then, and at rest not even the state."""
    data = measurement(np.arange(40) * H, np.zeros(40), np.full(40, start))
    problem = problem_.Problem(data, {}, "held", models.model_of(Clipped(false=false)))
    values = {"tau": 8e-9, **dict(zip(models.CALIBRATION, (1.0, 0.0, 1.0, 0.0), strict=True))}
    with pytest.raises(spinrnn.ConfigError, match=f"made_clipped gives {told} as"):
        slopes.check_slopes(problem, [("own", values, np.array([[start]]))])


def kicked(start):
    """`check_kick` of recordings that begin so."""
    data = measurement(np.arange(40) * H, np.ones((len(start), 40)), np.full((len(start), 40), 0.3))
    problem = problem_.Problem(data, {}, "held", models.model_of(Clipped()))
    values = {"tau": 8e-9, **dict.fromkeys(models.CALIBRATION, 1.0)}
    solution = problem_.Solution(values, np.reshape(start, (-1, 1)), 0.0)
    slopes.check_kick(problem, solution, {"eta": 1e9})


def test_a_wrong_derivative_of_a_kick_is_named(plain):
    """Also where it has none in some steps; where it has none at all, that is said."""
    wanted = "kick of made_clipped gives d s'/d s as 1,"
    with pytest.raises(spinrnn.ConfigError, match=wanted):
        kicked([-5000.0, 0.3])
    with pytest.warns(UserWarning, match="kick of made_clipped fails .* not compared"):
        kicked([-5000.0])


# ---- sensitivities ----


@pytest.mark.parametrize(
    ("kind", "observe"), [("ctrnn", None), (Resonator, "voltage"), (Resonator, "recovery")]
)
def test_sensitivities_equal_differences_of_the_same_loop(kind, observe):
    """Of all parameters, first states and kicks; two cases with values of their own."""
    rng, model = np.random.default_rng(1), models.model_of(kind, observe)
    durations, drive = rng.uniform(0.3, 2, (2, 24)) * H, rng.normal(size=(2, 24))
    kicks, start = rng.normal(size=(2, 24, 1)), rng.normal(size=(2, model.states))
    values = {"drive_gain": 1.3, "drive_offset": -0.2, "readout_gain": 1.0, "readout_offset": 0.0}
    values |= TRUE if model.states == 2 else {"relaxation_time": 8e-9}

    def at(values, start=start, more=0.0):
        moved = (drive + more * kicks[:, :, 0]) if more else drive
        return stepped(model, durations, moved, 2, kicks, values, start)

    _, by = at(values)
    h = 1e-4
    fourth = lambda f: (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)
    for j, name in enumerate(model.inner):
        size = values[name]
        slope = fourth(lambda e: at(values | {name: size * (1 + e)})[0]) / size  # noqa: B023
        assert np.abs(by[:, :, j] - slope).max() < 1e-8 * np.abs(slope).max(), name
    for i in range(model.states):
        shift = np.eye(model.states)[i]
        slope = fourth(lambda e: at(values, start + e * shift)[0])  # noqa: B023
        assert np.abs(by[:, :, len(model.inner) + i] - slope).max() < 1e-8 * np.abs(slope).max()
    # a kick of the drive is one of I, which goes up by drive_gain times that of u
    slope = fourth(lambda e: at(values, more=e)[0]) / values["drive_gain"]
    assert np.abs(by[:, :, -1] - slope).max() < 1e-8 * np.abs(slope).max()


def test_numbers_have_exact_derivatives_also_where_code_loses_imaginary_parts():
    class Dropping(Resonator):
        def numbers(self, time_unit, factors):
            return super().numbers(time_unit, factors) | {"a": float(np.real(self.coupling)) ** 2}

    values = TRUE | {"drive_gain": 1.0, "drive_offset": 0.0}
    for kind, by_coupling in ((Resonator, 1.0), (Dropping, 2 * TRUE["coupling"])):
        model = models.Model(kind())
        by = model.calibrated([values | dict.fromkeys(model.readout, 0.0)]).by_q[0]
        assert by[0, 0] == pytest.approx(-1 / TRUE["tau"] ** 2, rel=1e-12)
        assert by[2, 2] == pytest.approx(by_coupling, rel=1e-9)
        assert by[0, 2] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("each", [(), ("tau",)])
def test_the_factor_is_that_of_the_whole_jacobian(monkeypatch, each):
    """In stretches of 16 samples, one case shorter than the others and a hole."""
    rng = np.random.default_rng(2)
    parts = [recording(s, n) for s, n in ((1, 60), (2, 60), (3, 40))]
    parts[0]["power"][rng.random(60) < 0.2] = np.nan
    data = fit_.joined([fit_._measured(part, None, None, None) for part in parts])
    model = models.model_of(Resonator)
    known = {"drive_gain": (1.0, 0.0), "drive_offset": (0.1, 0.0)}
    made = lambda: problem_.Problem(data, known, "linear", model, each)
    whole = made()
    values = TRUE | {"readout_gain": 1.2, "readout_offset": 0.1}
    x = whole.pack(
        whole.spread_out(values | {k: v for k, (v, _) in known.items()}), rng.normal(size=(3, 2))
    )
    rows = np.column_stack([whole.jacobian(x), whole.residual(x)])
    monkeypatch.setattr(problem_, "STRETCH", 16)
    parts_ = made()
    assert len(list(parts_.stretches())) == 12
    np.testing.assert_allclose(
        np.column_stack([parts_.jacobian(x), parts_.residual(x)]), rows, rtol=1e-10, atol=1e-10
    )
    factor = parts_.factor(x)
    np.testing.assert_allclose(factor.T @ factor, rows.T @ rows, rtol=1e-9, atol=1e-9)
    for j in range(len(x)):
        h = 1e-5 * max(abs(x[j]), 1.0)
        shift = h * np.eye(len(x))[j]
        up, down, far, low = (whole.residual(x + s * shift) for s in (1, -1, 2, -2))
        slope = (8 * (up - down) - (far - low)) / (12 * h)
        assert np.abs(rows[:, j] - slope).max() < 1e-8 * np.abs(slope).max(), j


# ---- known values come back ----


@pytest.mark.parametrize("place", [0, 1])
def test_two_states_of_which_one_is_measured(place):
    name = Resonator.states[place].name
    fit = spinrnn.identify_device(recording(5, place=place), neuron=Resonator, observe=name)
    assert fit.diagnosis.describes
    assert fit.free == ["tau", "tau_w", "coupling"]
    for name, true in TRUE.items():
        assert abs(fit.values[name] - true) < 3.5 * fit.errors[name]
        assert fit.errors[name] < 0.1 * true
    assert fit.start.shape == (1, 2)
    assert fit.start[0] == pytest.approx([0.3, -0.1], abs=0.1)


def test_steps_between_coarse_samples_follow_the_equation():
    """Samples 0.6 time constants apart: one midpoint step between them is too few."""
    data = recording(6, 300, 0.001, h=5e-9)
    fit = spinrnn.identify_device(data, neuron=Resonator)
    assert fit.diagnosis.describes
    assert all(abs(fit.values[k] - true) < 3.5 * fit.errors[k] for k, true in TRUE.items())


def test_an_exact_step_is_taken_once_between_two_samples(monkeypatch):
    """Also where the readout has an offset, which is no change of the prediction."""
    steps, made = [], problem_.Problem.remade
    monkeypatch.setattr(
        problem_.Problem, "remade", lambda own, n, data=None: steps.append(n) or made(own, n, data)
    )
    data = leaky(1)
    data["power"] += 0.3
    spinrnn.identify_device(data, neuron="ctrnn", free=["readout_offset"])
    assert max(steps) == 2


def test_known_values_lie_within_their_intervals():
    inside = []
    for seed in range(12):
        fit = spinrnn.identify_device(
            leaky([seed, 8]), neuron="ctrnn", free=["drive_gain", "readout_offset"]
        )
        true = {"relaxation_time": 7e-9, "drive_gain": 1.0, "readout_offset": 0.0}
        inside += [fit.intervals[k][0] <= x <= fit.intervals[k][1] for k, x in true.items()]
    assert np.mean(inside) > 0.8


def test_a_wrong_kind_is_told():
    data = leaky(3, samples=600)
    assert spinrnn.identify_device(data, neuron="ctrnn").diagnosis.describes
    wrong = recording(4, 600)
    fit = spinrnn.identify_device(wrong, neuron="ctrnn", free=["readout_gain"])
    assert not fit.diagnosis.describes


# ---- several recordings ----


def test_recordings_of_other_lengths_and_sampling_share_what_is_the_devices():
    """A gain for each recording; noise of each for itself."""
    parts = [
        leaky(1, 300, 0.002, gain=1.2),
        leaky(2, 120, 0.05, h=3e-9, gain=0.7),
        leaky(3, 200, 0.01, h=0.5e-9, gain=0.9),
    ]
    fit = spinrnn.identify_device(parts, neuron="ctrnn", each=["drive_gain"])
    assert fit.diagnosis.describes
    assert fit.free == ["relaxation_time", "drive_gain[0]", "drive_gain[1]", "drive_gain[2]"]
    assert abs(fit.values["relaxation_time"] - 7e-9) < 3.5 * fit.errors["relaxation_time"]
    for number, true in enumerate((1.2, 0.7, 0.9)):
        name = f"drive_gain[{number}]"
        assert abs(fit.values[name] - true) < 3.5 * fit.errors[name]
    # the noise of each counts: the first recording alone tells its gain as well
    alone = spinrnn.identify_device(parts[0], neuron="ctrnn", free=["drive_gain"])
    ratio = fit.errors["drive_gain[0]"] / alone.errors["drive_gain"]
    assert 0.7 < ratio < 1.1
    report = fit.report()["findings"]
    assert report["drive_gain_1"]["meaning"].endswith(", of recording 1")
    assert report["cases"]["value"] == 3


def test_an_oscillators_gain_of_each_recording_has_a_threshold_of_each():
    from test_identify import TRUE as oscillator
    from test_identify import device

    rng = np.random.default_rng(9)
    parts = [
        dict(zip(("time", "drive", "power"), device(rng, 300, gain=gain), strict=True))
        for gain in (0.4e8, 0.6e8)
    ]
    fit = spinrnn.identify_device(parts, fixed={"Q": 0.8}, each=["gain"])
    for number, gain in enumerate((0.4e8, 0.6e8)):
        true = {"gain": gain, "threshold": 1e8 * (1 - oscillator["bias"]) / gain}
        for name, value in true.items():
            error = fit.errors[f"{name}[{number}]"]
            assert 0 < error < 0.1 * abs(value)
            assert abs(fit.values[f"{name}[{number}]"] - value) < 3.5 * error


def test_a_long_recording_goes_in_stretches_after_its_beginning(monkeypatch):
    """With the same result; its table has every second sample."""
    from test_identify import device

    from spinrnn.identify import report

    data = device(np.random.default_rng(11), 700)
    usual = spinrnn.identify_device(*data, fixed={"Q": 0.8})
    monkeypatch.setattr(fit_, "SHORT", 200)
    monkeypatch.setattr(problem_, "STRETCH", 64)
    monkeypatch.setattr(report, "MOST_ROWS", 350)
    again = spinrnn.identify_device(*data, fixed={"Q": 0.8})
    for name in usual.values:
        assert again.values[name] == pytest.approx(usual.values[name], rel=1e-6)
        assert again.errors[name] == pytest.approx(usual.errors[name], rel=1e-5)
    np.testing.assert_allclose(again.predicted, usual.predicted, rtol=1e-6)
    pairs = zip(again.diagnosis.checks, usual.diagnosis.checks, strict=True)
    assert all(one.p == pytest.approx(other.p, rel=1e-3) for one, other in pairs)
    table = report.table_of(again).splitlines()
    assert len(table) == 1 + 350
    assert float(table[2].split(",")[1]) == pytest.approx(data[0][2])


# ---- what can be known ----


def test_bounds_hold_and_have_no_interval():
    data = leaky(4)
    fit = spinrnn.identify_device(data, neuron="ctrnn", bounds={"relaxation_time": (5e-9, 9e-9)})
    free = spinrnn.identify_device(data, neuron="ctrnn")
    assert fit.values["relaxation_time"] == pytest.approx(free.values["relaxation_time"], rel=1e-5)
    held = spinrnn.identify_device(
        data, neuron="ctrnn", free=["drive_gain"], bounds={"relaxation_time": (1e-9, 5e-9)}
    )
    assert held.values["relaxation_time"] == pytest.approx(5e-9, rel=1e-4)
    assert np.isnan(held.intervals["relaxation_time"]).all()
    assert "at its bound" in held.reasons["relaxation_time"]
    assert np.isfinite(held.intervals["drive_gain"]).all()


def test_a_bound_holds_what_is_next_to_it_and_would_go_on():
    """Neither a small value whose least cost is inside, nor what has hardly an effect
    and a least cost far away."""
    x, least = np.array([1e-9, 1e-9, 0.2, 1.0]), np.array([-1.0, 2e-9, -1e9, 3.0])
    found = SimpleNamespace(x=x, jac=2 * np.eye(4), grad=4 * (x - least))
    held = fit_._held(found, np.zeros(4), np.array([np.inf, 1.0, np.inf, 1.0]))
    assert held.tolist() == [True, False, False, True]


def test_signs_that_the_data_cannot_tell_are_named():
    """tanh is odd: of two solutions the one with a positive readout is taken, and one
    line names the other; a bound chooses."""
    known = {"neuron": "ctrnn", "free": ["drive_gain", "readout_gain", "readout_offset"]}
    fit = spinrnn.identify_device(leaky(7, gain=-1.0), **known)
    assert fit.values["drive_gain"] == pytest.approx(-1.0, rel=0.1)
    assert fit.values["readout_gain"] == pytest.approx(1.0, rel=0.1)
    assert fit.mirrors == [("drive_gain", "readout_gain")]
    line = (
        "The data fit as well with the signs of drive_gain and readout_gain turned; --bounds "
        "drive_gain=0:inf chooses."
    )
    assert line in list(wording.lines_of(fit, "odd.npz"))
    assert fit.report()["findings"]["mirrors"]["value"] == [["drive_gain", "readout_gain"]]
    other = spinrnn.identify_device(
        leaky(7, gain=-1.0), **known, bounds={"drive_gain": (0, np.inf)}
    )
    assert other.mirrors == []
    for name, sign in (("drive_gain", -1), ("readout_gain", -1), ("relaxation_time", 1)):
        assert other.values[name] == pytest.approx(sign * fit.values[name], rel=1e-4)
    # a drive of a level of its own that is known is turned for no one
    level = spinrnn.identify_device(leaky(7), **known, fixed={"drive_offset": 0.02})
    assert level.mirrors == []


def test_a_drive_that_counts_by_its_size_may_be_turned_alone():
    """Costs of an equation that is even in the drive."""
    model = models.model_of("ctrnn")
    at = SimpleNamespace(
        model=model, labels=list(model.names), name_of=str, known={"readout_gain": (1.0, 0.0)},
        bounds={}, count=9,
        case_costs=lambda values, start: np.array([values["drive_gain"] ** 2 + start.sum()]),
    )  # fmt: skip
    values = dict.fromkeys(model.names, 1.0) | {"drive_gain": -2.0, "drive_offset": 0.0}
    found = problem_.Solution(values, np.ones((1, 1)), 1.0)
    assert mirrors.mirrors_of(at, found) == [("drive_gain",)]
    turned = mirrors.usual_signs(at, found)
    assert (turned.values["drive_gain"], turned.start.sum()) == (2.0, 1.0)


def test_directions_that_the_data_cannot_tell_are_named(monkeypatch):
    """A linear device: gains of drive and readout in turn."""
    monkeypatch.setattr(grids, "STARTS", 1)
    with pytest.raises(spinrnn.DataError, match="drive_gain and readout_gain apart") as caught:
        spinrnn.identify_device(recording(5), neuron=Resonator, free=["drive_gain", "readout_gain"])
    assert "--fix readout_gain=" in str(caught.value)
    constant = recording(5, 200) | {"drive": np.full(200, 0.4)}
    with pytest.raises(spinrnn.DataError, match="drive_gain and drive_offset apart"):
        spinrnn.identify_device(constant, neuron=Resonator, free=["drive_gain", "drive_offset"])


def test_wrong_arguments_of_a_kind_are_told_at_once():
    with pytest.raises(spinrnn.ConfigError) as caught:
        spinrnn.identify_device(
            recording(5),
            neuron=Resonator,
            fixed={"tua": 1e-9, "tau_w": -1.0},
            free=["gain"],
            each=["drive_gian"],
            bounds={"coupling": (20.0, 30.0), "tau": (2.0, 1.0)},
        )
    for part in (
        "fixed: tua is none of tau, tau_w, coupling, drive_gain", "tau_w: must be a number above 0",
        "free: gain is none of", "each: drive_gian is none of", "did you mean drive_gain?",
        "bounds: coupling: 20 to 30 is outside", "bounds: tau takes (low, high)",
    ):  # fmt: skip
        assert part in str(caught.value)
    with pytest.raises(spinrnn.ConfigError, match="leaky has the states voltage, recov"):
        spinrnn.identify_device(recording(5), neuron=Resonator, observe="current")
    with pytest.raises(spinrnn.ConfigError, match="kind: must be"):
        spinrnn.identify_device(recording(5), neuron="nothing")


def test_guesses_look_between_the_bounds():
    data = fit_._measured(leaky(1), None, None, None)
    model = models.model_of("ctrnn")
    usual = model.defaults({}, ())
    known = {name: (value, 0.0) for name, value in usual.items()}
    problem = problem_.Problem(data, known, "held", model, bounds={"relaxation_time": (2e-9, 3e-9)})
    found = [values["relaxation_time"] for _, values in grids._points(problem)]
    assert len(found) == 1 + grids.POINTS
    assert min(found) >= 2e-9 * (1 - 1e-12)
    assert max(found) <= 3e-9 * (1 + 1e-12)


# ---- the command ----


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "spinrnn.identify.report.picture_or_none", lambda draw, name: (draw(), b"\x89PNG")[1]
    )
    for name, part in {"a": leaky(1), "b": leaky(2, 120, h=3e-9), "r": recording(5)}.items():
        np.savez(f"{name}.npz", **part)
    return tmp_path


def test_identify_takes_a_kind_and_several_files(here, capsys, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "spinrnn.identify.report.picture_or_none", lambda draw, name: drawn.append(draw())
    )
    assert main(["identify", "a.npz", "b.npz", "--neuron", "ctrnn", "--each", "drive_gain"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("a.npz, b.npz: 420 samples in 2 cases")
    assert "drive_gain[1]" in told
    labels = drawn[0].get_legend_handles_labels()[1]
    assert labels == ["a.npz, measured", "b.npz, measured", "model"]
    report = json.loads((here / "a-device/device.json").read_text())
    assert report["files"] == ["a.npz", "b.npz"]
    assert report["findings"]["kind"]["value"] == "ctrnn"
    assert report["findings"]["relaxation_time"]["unit"] == "s"
    assert main(["identify", "a.npz", "--neuron", "ctrnn", "--bounds", "relaxation_time=1e-9:1e-8",
                 "--fix", "drive_gain=1.0+-0.1", "--json"]) == 0  # fmt: skip
    found = json.loads(capsys.readouterr().out)["findings"]
    assert found["drive_gain"]["error"] == pytest.approx(0.1)


def test_identify_takes_a_kind_of_the_users_file(here, capsys):
    source = EXAMPLE.read_text()
    (here / "own.py").write_text(source.replace('"leaky"', '"own_resonator"'))
    call = ["identify", "r.npz", "--use", "own.py", "--neuron", "own_resonator"]
    assert main([*call, "--observe", "voltage", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["findings"]
    assert found["tau_w"]["low"] < TRUE["tau_w"] < found["tau_w"]["high"]
    assert len(found["start"]["value"][0]) == 2


def test_identify_refuses_wrong_options_of_a_kind_in_one_line(here, capsys):
    for options, part in (
        (["--neuron", "nothing"], "kind: must be"),
        (["--neuron", "ctrnn", "--neuron", "oscillator"], "--neuron: give one place"),
        (["--bounds", "gamma"], "--bounds: write NAME=LOW:HIGH"),
        (["--neuron", "ctrnn", "--observe", "power"], "observe: ctrnn has the states state"),
    ):
        status = main(["identify", "a.npz", *options])
        assert status == 2
        error = capsys.readouterr().err
        assert part in error
        assert error.count("\n") == 1
    assert not any(path.is_dir() for path in here.iterdir())


@pytest.mark.parametrize("coordinate", ["log", "log1p"])
def test_a_search_that_runs_away_still_has_coordinates(coordinate):
    own = models.Parameter("x", "1", "x", "x", coordinate)
    for x in (-1e4, -800.0, 800.0, 1e4):
        value = own.value(x)
        assert np.isfinite([value, own.of(value)]).all()
        assert coordinate == "log1p" or np.isfinite(1 / value)
    assert own.of(own.value(-3.0)) == pytest.approx(-3.0, rel=1e-12)


def test_numbers_without_an_error_have_five_digits():
    assert wording.rounded(1.2345678, np.nan) == "1.2346"
    assert wording.rounded(1.2345678, np.inf) == "1.2346"
    assert wording.rounded(1.2345678, 0.01) == "1.235"
    assert wording.rounded(1.2345678, 0.1) == "1.23"


def test_a_number_of_which_nothing_is_known_is_told_without_interval(tmp_path, capsys):
    """A CTRNN that stays where it began: any slow one would do."""
    rng = np.random.default_rng(3)
    drive = levels(rng, 300) * 1e-3
    power = 0.5 + 0.01 * rng.normal(size=300)
    np.savez(tmp_path / "r.npz", time=np.arange(300) * H, drive=drive, power=power)
    main(["identify", str(tmp_path / "r.npz"), "--neuron", "ctrnn", "--out", str(tmp_path)])
    assert "no interval: the data leave its power of ten open" in capsys.readouterr().out


def test_a_constant_drive_is_told_before_anything_is_fitted(monkeypatch):
    constant = recording(5, 200) | {"drive": np.full(200, 0.4)}
    monkeypatch.setattr(fit_, "_whole", lambda *_: pytest.fail("it is fitted"))
    for free, told in (
        (["drive_gain", "drive_offset"], "drive_gain and drive_offset apart: the drive is 0.4"),
        (["readout_gain"], None),
    ):
        error = spinrnn.DataError if told else pytest.fail.Exception
        with pytest.raises(error, match=told or "fitted"):
            spinrnn.identify_device(constant, neuron=Resonator, free=free)
    zero = constant | {"drive": np.zeros(200)}
    with pytest.raises(spinrnn.DataError, match="depend on drive_gain: the drive is 0 throughout"):
        spinrnn.identify_device(zero, neuron=Resonator, free=["drive_gain"])
    # a value that is held for no time counts for nothing, between samples it does
    last = constant | {"drive": np.append(np.full(199, 0.4), 7.0)}
    free = {"neuron": Resonator, "free": ["drive_gain", "drive_offset"]}
    with pytest.raises(spinrnn.DataError, match=r"apart: the drive is 0\.4 throughout"):
        spinrnn.identify_device(last, **free)
    with pytest.raises(pytest.fail.Exception, match="fitted"):
        spinrnn.identify_device(last, **free, drive_between="linear")


@pytest.mark.parametrize(
    ("fixed", "told"),
    [
        ({}, "gamma and Q and gain apart: the drive is 0.4 throughout. Fix one,"),
        ({"bias": (0.1, 0.1)}, "gamma and Q and gain apart: the drive is 0.4 throughout. Fix one,"),
        ({"bias": 0.0, "free_scale": True}, "gain and scale apart: .* throughout. Fix 2,"),
        ({"Q": 0.5}, "bias and gain apart: the drive is 0.4 throughout"),
        ({"gain": 1e8}, None),
        ({"Q": 0.5, "gain": 1e8}, None),
    ],
)
def test_two_numbers_of_an_oscillator_are_found_under_a_constant_drive(monkeypatch, fixed, told):
    monkeypatch.setattr(fit_, "_whole", lambda *_: pytest.fail("it is fitted"))
    time = 1e-9 * np.arange(60)
    power = 0.3 * -np.expm1(-time / 2e-8) + 0.01
    scale = {"free_scale": fixed.pop("free_scale", False)}
    with pytest.raises(
        spinrnn.DataError if told else pytest.fail.Exception, match=told or "fitted"
    ):
        spinrnn.identify_device(time, np.full(60, 0.4), power, fixed=fixed, **scale)
    several = [measurement(time, np.full(60, u), power) for u in (0.4, 0.5)]
    with pytest.raises(pytest.fail.Exception, match="fitted"):
        spinrnn.identify_device(several, fixed=fixed, **scale)


def test_recordings_with_values_of_their_own_tell_more_than_one_under_a_constant_drive(monkeypatch):
    """Two that begin elsewhere, with a gain each: all is found."""
    monkeypatch.setattr(fit_, "_whole", lambda *_: pytest.fail("it is fitted"))
    time = 1e-9 * np.arange(60)
    two = [measurement(time, np.full(60, 0.4), 0.3 + 0.01 * np.cos(k * time)) for k in (1, 2)]
    with pytest.raises(spinrnn.DataError, match="throughout"):
        spinrnn.identify_device(two)
    with pytest.raises(pytest.fail.Exception, match="fitted"):
        spinrnn.identify_device(two, each=["gain"])
