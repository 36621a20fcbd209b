"""The thermal memristor (arXiv:2209.00413, parameters ours): six behaviours of one
neuron, and what closed forms and eigenvalues say of them beforehand.

Each trial is a simulation of the neuron `memristor` as a network of one neuron whose
drive is its input, but those of vanadium dioxide (`nbox_vo2`) and the training of a
network of 32 of them.
"""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spinrnn.config.run import NetworkConfig
from spinrnn.datasets.loading import load_digits
from spinrnn.datasets.parts import divide
from spinrnn.learning.trainer import evaluate
from spinrnn.networks.recurrent import Network
from spinrnn.neurons.memristor import SET_A, Memristor, equilibrium
from spinrnn.neurons.memristor_vo2 import VO2
from spinrnn.paper.numbers import FigureNumbers
from spinrnn.systems import nbox_theory as theory
from spinrnn.systems import nbox_vo2 as vo2
from spinrnn.systems.learning import trained
from spinrnn.systems.trials import Trial

SETS: dict[str, Memristor] = {"A": Memristor(**SET_A), "B": Memristor()}
"""Sets of parameters by name."""
INTERVAL = 100e-9
"""For which an input is held, s."""
SPIKE = {"A": 430.0, "B": 500.0, "VO2": 340.0}
"""A spike is a crossing of this temperature from below, K."""
LATENCIES = (1.01, 1.05, 1.2, 1.5, 2.0)
"""V_in over the lower edge."""
REST, PULSE, LENGTH = 0.6, 2.2, 3e-6
"""V_in before, V_in of two pulses, and how long each is held: V, V, s."""
GAPS = (0.5e-6, 1e-6, 2e-6, 3e-6, 5e-6, 8e-6)
"""From the end of the first pulse to the second one, s."""
SIGMA = 1e4
"""Noise, K/s^(1/2)."""
NEAR = (0.985, 0.99, 0.995, 1.0, 1.01)
"""V_in over the lower edge where noise decides."""
WINDOW, LONG = 20e-6, 1e-3
"""In which a spike is waited for; length of a record of intervals, s."""
BELOW = (0.3, 0.5, 0.7, 0.9)
"""V_in over the lower edge, where nothing fires."""
WINDOW_A, WINDOW_B = np.linspace(0.98, 1.4, 22), np.linspace(0.98, 2.42, 37)
"""V_in over the lower edge at which frequencies are measured."""
OXIDE = (9.0, 10.0, 10.5, 12.0, 14.0, 15.5, 16.0, 18.0)
"""V_in of vanadium dioxide, V."""
OXIDE_TIME = 30e-6
EPOCHS, SEEDS = 30, 5


class Trace(NamedTuple):
    """Simulated V and T, (case, time), in V and K; seconds: between two times."""

    voltage: np.ndarray
    temperature: np.ndarray
    seconds: float


def simulated(neuron: Any, drives: Any, substeps: int | None = None, seed: int = 0) -> Trace:
    """One memristor of either kind, from its rest.

    Args:
        drives: (case, point) what is added to its `bias_voltage`, each held for
            `INTERVAL`; V. seed: of the noise.
    """
    drives = np.atleast_2d(np.asarray(drives, dtype=float))
    config = NetworkConfig(
        layers=(1,),
        outputs=2,
        neuron=neuron,
        input_interval=INTERVAL,
        substeps=substeps,
        dtype="float64",
    )
    net = Network(config, seed=0)
    net.parameters[:] = 0
    net.views()["w_ext"][0][:] = 1
    found = net.simulate(drives[:, None, :], noise_seed=seed)
    voltage, temperature = found.state[0][:, 0], found.states["temperature"][0][:, 0]
    return Trace(voltage, temperature, INTERVAL / config.resolved_substeps)


def held(neuron: Any, drives: Any, seconds: float, **options: Any) -> Trace:
    """`simulated` of V_in that are held all the time, one for each case."""
    values = np.asarray(drives, dtype=float)[:, None]
    return simulated(neuron, np.repeat(values, round(seconds / INTERVAL), axis=1), **options)


def crossings(temperatures: np.ndarray, level: float, seconds: float) -> list[np.ndarray]:
    """Times at which each case crosses a level from below, s."""
    above = temperatures >= level
    return [seconds * (1 + np.flatnonzero(own[1:] & ~own[:-1])) for own in above]


def thinned(values: np.ndarray, most: int = 1500) -> list[float]:
    """Every so many of them, as lists for JSON, seven digits."""
    every = max(1, len(values) // most)
    return [float(f"{value:.7g}") for value in values[::every]]


# ---- trials ----


def trials(quick: bool, folders: dict[str, Path]) -> list[Trial]:
    """All trials, or with fewer runs of the noise, points and epochs."""
    runs = {
        "theory": _theory,
        "threshold": _threshold,
        "edges": lambda: _edges(quick),
        "tonic": _tonic,
        "frequencies": lambda: _frequencies(quick),
        "ringing": _ringing,
        "oxide": _oxide,
        "oxide_step": _oxide_step,
        "latency": _latency,
        "integration": _integration,
        "passive": _passive,
    }
    found = [Trial({"what": what, "quick": quick}, run) for what, run in runs.items()]
    for ratio in NEAR:
        key = {"what": "noise", "ratio": ratio, "quick": quick}
        found.append(Trial(key, lambda r=ratio: _noise(r, quick)))
    epochs, seeds = (3, 1) if quick else (EPOCHS, SEEDS)
    for seed in range(seeds):
        given = tables(seed, epochs)
        key = {"what": "network", "seed": seed, "epochs": epochs}
        found.append(Trial(key, lambda g=given: _network(g), given))
    return found


def _theory():
    """Characteristic and edges of both sets, and the closed threshold without R_s."""
    b = SETS["B"]
    hottest = 1.05 * theory.hold(b).temperature
    temperatures = np.geomspace(1.0001 * b.ambient, max(hottest, 950.0), 300)
    points = [theory.point_at(b, t) for t in temperatures]
    found = {
        "threshold": theory.threshold(b)._asdict(),
        "hold": theory.hold(b)._asdict(),
        "static": theory.drive_of(b, theory.threshold(b)),
        "closed": theory.closed_threshold(_bare())._asdict(),
        "voltage": [p.voltage for p in points],
        "current": [p.current for p in points],
    }
    for name, neuron in SETS.items():
        found[f"edges_{name}"] = theory.edges(neuron)
        found[f"eigenfrequencies_{name}"] = [
            _eigenfrequency(neuron, u) for u in theory.edges(neuron)
        ]
        rates = [theory.eigenvalues(neuron, p)[0].real for p in points]
        found[f"growth_{name}"] = [float(rate) for rate in rates]
    return found


def _bare():
    """Set B without R_s, for which the threshold has a closed form."""
    return dataclasses.replace(SETS["B"], series_resistance=0.0)


def _point(neuron, drive):
    """The equilibrium at a V_in."""
    v, t = equilibrium(neuron.nominal_numbers(neuron.time_unit), drive)
    return theory.Point(float(v), float(t), (drive - float(v)) / neuron.load_resistance)


def _eigenfrequency(neuron, drive):
    value = theory.eigenvalues(neuron, _point(neuron, drive))[0]
    return float(abs(value.imag) / (2 * np.pi))


def _threshold():
    """The largest voltage before it switches, while V_in rises slowly, without R_s."""
    neuron, start = dataclasses.replace(_bare(), bias_voltage=1.6), 1.6
    drives = np.linspace(0, 0.3, 3001)
    found = simulated(neuron, drives)
    limit = theory.closed_threshold(neuron).temperature + 30
    switched = int(np.argmax(found.temperature[0] > limit)) or len(found.voltage[0])
    reached = float(found.voltage[0, :switched].max())
    rise = (drives[-1] - drives[0]) / (len(drives) * INTERVAL)
    return {"voltage": reached, "rise": float(rise), "from": start}


def _edges(quick):
    """Where small deviations from equilibrium neither grow nor decay, simulated."""
    found = {}
    for name, neuron in SETS.items():
        own = []
        for edge in theory.edges(neuron):
            ratios = np.linspace(0.99, 1.01, 3 if quick else 5)
            rates = [_growth(neuron, edge * ratio) for ratio in ratios]
            slope, offset = np.polyfit(edge * ratios, rates, 1)
            own.append(float(-offset / slope))
        found[name] = own
    low = theory.edges(SETS["B"])[0]
    sides = held(SETS["B"], low * np.array([0.995, 1.005]), 60e-6)
    spikes = crossings(sides.temperature, SPIKE["B"], sides.seconds)
    return {**found, "spikes_beside": [len(times) for times in spikes]}


def _growth(neuron, drive):
    """Rate in 1/s at which a deviation of about 10 uV from equilibrium grows."""
    point = _point(neuron, drive)
    pulse = np.zeros(150)
    pulse[0] = 1e-4
    found = simulated(dataclasses.replace(neuron, bias_voltage=drive), pulse)
    deviation = np.abs(found.voltage[0] - point.voltage)
    inner = deviation[1:-1]
    peaks = 1 + np.flatnonzero((inner > deviation[:-2]) & (inner >= deviation[2:]))
    peaks = peaks[(peaks * found.seconds > 1e-6) & (deviation[peaks] < 1e-2)]
    return float(np.polyfit(peaks * found.seconds, np.log(deviation[peaks]), 1)[0])


def _tonic():
    found = held(SETS["B"], [2.5], 75e-6)
    times = crossings(found.temperature, SPIKE["B"], found.seconds)[0]
    intervals = np.diff(times)
    part = slice(0, round(15e-6 / found.seconds))
    return {
        "spikes": len(times),
        "frequency": float(1 / intervals.mean()),
        "variation": float(intervals.std() / intervals.mean()),
        "seconds": 15e-6,
        "temperature": thinned(found.temperature[0, part]),
        "voltage": thinned(found.voltage[0, part]),
    }


def _frequencies(quick):
    """Frequency of the last half of 60 us against V_in, where it goes on; of both."""
    found = {}
    for name, ratios in (("A", WINDOW_A), ("B", WINDOW_B)):
        drives = theory.edges(SETS[name])[0] * ratios[:: 4 if quick else 1]
        run = held(SETS[name], drives, 60e-6)
        late = run.temperature[:, run.temperature.shape[1] // 2 :]
        frequencies = []
        for own in late:
            times = crossings(own[None], float((own.max() + own.min()) / 2), run.seconds)[0]
            # what rings down is no oscillation
            goes_on = np.ptp(own[-len(own) // 4 :]) > 0.9 * np.ptp(own[: len(own) // 4])
            lasts = goes_on and np.ptp(own) > 5 and len(times) > 2
            frequencies.append(float(1 / np.diff(times).mean()) if lasts else None)
        found[name] = {"drive": drives, "frequency": frequencies}
    return found


def _ringing():
    """Set A just below its lower edge: a focus that is stable, and how fast it is."""
    neuron = SETS["A"]
    drive = 0.98 * theory.edges(neuron)[0]
    found = held(neuron, [drive], 30e-6)
    point = _point(neuron, drive)
    value = theory.eigenvalues(neuron, point)[0]
    return {
        "drive": float(drive),
        "spikes": len(crossings(found.temperature, SPIKE["A"], found.seconds)[0]),
        "decay": float(value.real),
        "eigenfrequency": float(abs(value.imag) / (2 * np.pi)),
        "measured": _growth(neuron, drive),
        "rest": point.temperature,
        "last": float(found.temperature[0, -1]),
        "seconds": 30e-6,
        "temperature": thinned(found.temperature[0]),
    }


def _oxide():
    """Vanadium dioxide: spikes against V_in, and on each branch of its loop how fast a
    small deviation from equilibrium grows.
    """
    drives = np.array(OXIDE)
    temperature = vo2.simulated(drives, OXIDE_TIME)[1]
    spikes = crossings(temperature, SPIKE["VO2"], vo2.STEP)
    regular = [times if len(times) > 4 else None for times in spikes]
    burst = OXIDE.index(16.0)
    return {
        "drive": OXIDE,
        "spikes": [len(times) for times in spikes],
        "frequency": [None if t is None else float(1 / np.diff(t).mean()) for t in regular],
        "window": vo2.window(),
        "heating": [vo2.growth(u, 1) for u in OXIDE],
        "cooling": [vo2.growth(u, -1) for u in OXIDE],
        "rest": vo2.rest(16.0, -1)[1],
        "last": float(temperature[burst, -1]),
        "seconds": OXIDE_TIME,
        "temperature": {f"{u:g}": thinned(temperature[OXIDE.index(u)]) for u in (12.0, 16.0, 18.0)},
    }


def _oxide_step():
    """Spikes of the neuron `vo2`, whose step is of second order, for three lengths."""
    found = {}
    for substeps in (10, 20, 40):
        run = held(VO2(), OXIDE, OXIDE_TIME, substeps=substeps)
        times = crossings(run.temperature, SPIKE["VO2"], run.seconds)
        found[f"{1e9 * run.seconds:g}"] = [len(own) for own in times]
    return {"drive": OXIDE, "spikes": found}


def _latency():
    drives = theory.edges(SETS["B"])[0] * np.array(LATENCIES)
    found = held(SETS["B"], drives, 20e-6)
    times = crossings(found.temperature, SPIKE["B"], found.seconds)
    return {
        "ratio": LATENCIES,
        "latency": [float(own[0]) for own in times],
        "charging": [_charging(SETS["B"], u) for u in drives],
    }


def _charging(neuron, drive):
    """Time in which R_L alone charges C to the threshold, s."""
    wanted = theory.threshold(neuron).voltage
    tau = neuron.load_resistance * neuron.capacitance
    return float(-tau * np.log(1 - wanted / drive))


def _integration():
    """Spikes after one pulse, and after two with each gap."""
    neuron = dataclasses.replace(SETS["B"], bias_voltage=REST)
    start, length, count = 10, round(LENGTH / INTERVAL), 300
    drives = np.zeros((1 + len(GAPS), count))
    drives[:, start : start + length] = PULSE - REST
    for case, gap in enumerate(GAPS, 1):
        second = start + length + round(gap / INTERVAL)
        drives[case, second : second + length] = PULSE - REST
    found = simulated(neuron, drives)
    spikes = crossings(found.temperature, SPIKE["B"], found.seconds)
    shown = {"one": 0, "1": 1 + GAPS.index(1e-6), "5": 1 + GAPS.index(5e-6)}
    part = slice(0, round(15e-6 / found.seconds))
    return {
        "gap": GAPS,
        "spikes": [len(times) for times in spikes],
        "seconds": 15e-6,
        "voltage": {name: thinned(found.voltage[case, part]) for name, case in shown.items()},
    }


def _passive():
    """Below the edge: V(t) against the charging of a capacitor by R_L beside the cold
    device, whose resistance is that of where it comes to rest.
    """
    neuron = SETS["B"]
    drives = theory.edges(neuron)[0] * np.array(BELOW)
    found = held(neuron, drives, 60e-6)
    times = found.seconds * np.arange(found.voltage.shape[1])
    laws = [_charged(neuron, drive, times) for drive in drives]
    errors = [np.abs(v - law).max() / law[-1] for v, law in zip(found.voltage, laws, strict=True)]
    return {
        "ratio": BELOW,
        "deviation": [float(error) for error in errors],
        "spikes": [len(x) for x in crossings(found.temperature, SPIKE["B"], found.seconds)],
        "seconds": 60e-6,
        "voltage": [thinned(v, 300) for v in found.voltage],
        "law": [thinned(law, 300) for law in laws],
    }


def _charged(neuron, drive, times):
    point = _point(neuron, float(drive))
    r, load = point.voltage / point.current, neuron.load_resistance
    tau = neuron.capacitance * r * load / (r + load)
    return point.voltage * (1 - np.exp(-times / tau))


def _noise(ratio, quick):
    """Probability of a spike within a window from rest; intervals of long records."""
    neuron = dataclasses.replace(SETS["B"], noise=SIGMA)
    drive = ratio * theory.edges(neuron)[0]
    short = held(neuron, np.full(40 if quick else 400, drive), WINDOW, substeps=20)
    fired = [len(x) > 0 for x in crossings(short.temperature, SPIKE["B"], short.seconds)]
    intervals = []
    for seed in range(1, 2 if quick else 11):
        found = held(neuron, np.full(5, drive), LONG, substeps=20, seed=seed)
        for times in crossings(found.temperature, SPIKE["B"], found.seconds):
            intervals += list(np.diff(times))
    spread = float(np.std(intervals) / np.mean(intervals)) if len(intervals) > 2 else None
    return {
        "probability": float(np.mean(fired)),
        "runs": len(fired),
        "intervals": len(intervals),
        "mean": float(np.mean(intervals)) if intervals else None,
        "variation": spread,
    }


# ---- a network of them ----


def tables(seed: int, epochs: int) -> dict[str, Any]:
    """Tables of a layer of 32 memristors of the set A on the digits, pixel by pixel:
    the bias just below the lower edge, the filter of twice R_L C.
    """
    return {
        "network": {
            "layers": [32],
            "input_interval": 200e-9,
            "highpass_time": 4e-6,
            "amplification": 3.0,
        },
        "neuron": {"kind": "memristor", "bias_voltage": 2.2, **SET_A},
        "train": {"epochs": epochs, "batch": 64, "learning_rate": 0.02, "seed": seed},
        "data": {"source": "digits"},
    }


def _network(given):
    data = load_digits()
    trainer = trained(given, data)
    test = divide(data, trainer.config)[2]
    run = trainer.net.simulate(test.inputs[:50])
    spikes = crossings(run.states["temperature"][0].reshape(50 * 32, -1), SPIKE["A"], 1.0)
    return {
        "accuracy": 100 * float(evaluate(trainer.net, test).scores["accuracy"]),
        "spikes": float(np.mean([len(times) for times in spikes])),
    }


# ---- numbers ----


def numbers(rows: list[dict[str, Any]]) -> FigureNumbers:
    """Behaviours, windows and thresholds, and what is claimed of them."""
    data: dict[str, Any] = {row["what"]: row for row in rows}
    data["noise"] = [row for row in rows if row["what"] == "noise"]
    data["network"] = [row for row in rows if row["what"] == "network"]
    kept = ("ratio", "probability", "runs", "intervals", "mean", "variation")
    tables = {
        "": _curve_rows(data),
        "-noise": [{name: row[name] for name in kept} for row in data["noise"]],
        "-network": [
            {name: row[name] for name in ("seed", "epochs", "accuracy", "spikes")}
            for row in data["network"]
        ],
    }
    found = _of_theory(data) | _of_behaviours(data)
    found |= _of_noise(data["noise"]) | _of_networks(data["network"])
    return FigureNumbers(data, tables, found)


def _curve_rows(data):
    """Frequencies against V_in, of all three."""
    found = [
        {"set": name, "drive": drive, "frequency": value}
        for name in SETS
        for drive, value in zip(*data["frequencies"][name].values(), strict=True)
    ]
    oxide = zip(data["oxide"]["drive"], data["oxide"]["frequency"], strict=True)
    found += [{"set": "VO2", "drive": drive, "frequency": value} for drive, value in oxide]
    return [
        row | {"frequency": "" if row["frequency"] is None else row["frequency"]} for row in found
    ]


def _of_theory(data):
    """Findings on thresholds and edges: said beforehand, and simulated."""
    known, found = data["theory"], data["edges"]
    closed = known["closed"]["voltage"]
    edges = {name: known[f"edges_{name}"] for name in SETS}
    errors = {
        name: max(100 * abs(a / b - 1) for a, b in zip(found[name], edges[name], strict=True))
        for name in SETS
    }
    rows = {
        "threshold": (known["threshold"]["voltage"], "V", "threshold voltage of both sets"),
        "threshold_temperature": (known["threshold"]["temperature"], "K", "its temperature"),
        "static_threshold": (known["static"], "V", "V_in that reaches it slowly"),
        "hold": (known["hold"]["voltage"], "V", "hold voltage of both sets"),
        "threshold_error": (
            100 * abs(data["threshold"]["voltage"] / closed - 1),
            "%",
            "simulated threshold against the closed form, R_s = 0",
        ),
        "oxide_window": (data["oxide"]["window"], "V", "window of vanadium dioxide, eigenvalues"),
        "spikes_beside": (
            found["spikes_beside"],
            "1",
            "spikes of set B at 0.995 and 1.005 of its lower edge in 60 us",
        ),
    }
    for name in SETS:
        rows[f"edges_{name.lower()}"] = edges[name], "V", f"edges of set {name}, eigenvalues"
        text = f"largest deviation of the simulated edges of set {name}"
        rows[f"edges_error_{name.lower()}"] = errors[name], "%", text
    return rows


def _of_behaviours(data):
    """Findings on those without noise."""
    tonic, ringing, oxide = data["tonic"], data["ringing"], data["oxide"]
    return {
        "tonic_spikes": (tonic["spikes"], "1", "tonic: spikes of set B at 2.5 V in 75 us"),
        "tonic_frequency": (tonic["frequency"], "Hz", "their frequency"),
        "burst_spikes": (
            dict(zip(map(str, oxide["drive"]), oxide["spikes"], strict=True)),
            "1",
            "phasic bursting: spikes of vanadium dioxide in 30 us at each V_in",
        ),
        "burst_spikes_second_order": (
            data["oxide_step"]["spikes"],
            "1",
            "the same of the neuron vo2, by the length of its step in ns",
        ),
        "ringing_spikes": (
            ringing["spikes"],
            "1",
            "ringing: crossings of 430 K by set A at 0.98 of its lower edge in 30 us",
        ),
        "ringing_growth": (
            [ringing["decay"], ringing["measured"]],
            "1/s",
            "its growth rate by eigenvalue, and measured",
        ),
        "latency": (data["latency"]["latency"], "s", "latency at 1.01 to 2 times the edge"),
        "integration_spikes": (
            data["integration"]["spikes"],
            "1",
            "temporal integration: spikes after one pulse, and two with 0.5 to 8 us between",
        ),
        "passive_deviation": (
            [100 * value for value in data["passive"]["deviation"]],
            "%",
            "largest deviation from the RC circuit at 0.3, 0.5, 0.7, 0.9 of the edge",
        ),
    }


def _of_noise(rows):
    return {
        "firing": (
            [row["probability"] for row in rows],
            "1",
            "stochastic: probability of a spike in 20 us at 0.985 to 1.01 of the edge",
        ),
        "variation": (
            [row["variation"] for row in rows],
            "1",
            "coefficient of variation of the intervals there",
        ),
    }


def _of_networks(rows):
    values = [row["accuracy"] for row in rows]
    return {
        "network_accuracy": (values, "%", "digits, 32 memristors, test part, each seed"),
        "network_accuracy_mean": (float(np.mean(values)), "%", "its mean"),
    }
