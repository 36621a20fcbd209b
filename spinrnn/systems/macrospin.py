"""Where the power equation describes a macrospin: closed forms, orbits, a fit of eq.
(1) to the simulated envelope, and the simulation itself, of two geometries.

Perpendicular: a film in a field along its normal, polariser against it. In-plane: the
same film in a field in its plane, polariser against it (Slavin & Tiberkevich, IEEE
Trans. Magn. 45, 1875 (2009)).
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from spinrnn.config.run import NetworkConfig
from spinrnn.identify.fit import identify_device
from spinrnn.networks.recurrent import Network
from spinrnn.neurons.autooscillation import orbits, oscillator_from, threshold_current
from spinrnn.neurons.macrospin import Macrospin
from spinrnn.paper.numbers import FigureNumbers
from spinrnn.recordings.envelope import envelope
from spinrnn.systems.trials import Trial

GEOMETRIES = {
    "perpendicular": Macrospin(
        polariser_x=0.0, polariser_z=-1.0, bias_current=0.0, start_angle=0.1
    ),
    "in-plane": Macrospin(
        field_x=0.05,
        field_z=0.0,
        polariser_x=-1.0,
        polariser_z=0.0,
        start_x=1.0,
        start_z=0.0,
        bias_current=0.0,
        start_angle=0.1,
    ),
}
RATIOS = (0.8, 0.95, 1.05, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 5.0)
"""Currents over the threshold."""
FITTED = (0.5, 1.2, 1.5, 2.0)
"""Those of the recordings to which eq. (1) is fitted."""
COLD = (0.0, 0.25, 0.5, 0.75)
"""Those of the thermal power below threshold."""
STEP = 2e-12
"""Of the simulations, s; at most half a radian of the fastest precession."""
LAST = 4e-9
"""At the end of a simulation, over which power and frequency are taken, s."""
TEMPERATURE = 300.0
RATE, BAND = 1e9, (2e9, 25e9)
"""Samples of a fitted envelope in a second, and its band in Hz, which holds the carrier
at all powers."""


def simulated(
    macrospin: Macrospin, currents: np.ndarray, duration: float, seed: int = 0
) -> np.ndarray:
    """(3, case, time) m in steps of `STEP` at currents that are held.

    Args:
        currents: (case,) A; duration: s; seed: of the thermal field.
    """
    config = NetworkConfig(
        layers=(1,),
        inputs=1,
        outputs=1,
        neuron=macrospin,
        input_interval=duration,
        substeps=round(duration / STEP),
        dtype="float64",
    )
    net = Network(config, seed=0)
    net.parameters[:] = 0
    net.parameters[net.layout.places("w_ext_0")] = 1
    u = np.asarray(currents, dtype=float)[:, None, None] / macrospin.current_unit
    found = net.simulate(u, noise_seed=seed)
    return np.array([s[:, 0] for s in (found.state[0], *(v[0] for v in found.states.values()))])


def power_of(macrospin: Macrospin, m: np.ndarray) -> np.ndarray:
    """(case, time) (1 - m m0) / 2, m0 the rest without a current."""
    q = macrospin.nominal_numbers(macrospin.time_unit)
    still = dataclasses.replace(macrospin, start_angle=0.0)
    rest = np.array(still.rest({**q, "bias": 0.0}), dtype=float)
    return (1 - np.tensordot(rest, m, axes=1)) / 2


# ---- trials ----


def trials(quick: bool, folders: dict[str, Path]) -> list[Trial]:
    """All trials, or with shorter simulations of fewer currents."""
    ratios = RATIOS[::4] if quick else RATIOS
    duration = 30e-9 if quick else 80e-9
    found = []
    for name in GEOMETRIES:
        key = {"geometry": name, "quick": quick}
        found += [
            Trial({"way": "theory", **key}, lambda n=name: _theory(n)),
            Trial({"way": "simulation", **key}, lambda n=name: _simulation(n, ratios, duration)),
        ]
    key = {"geometry": "perpendicular", "quick": quick}
    found.append(Trial({"way": "envelope", **key}, lambda: _envelope(10e-9 if quick else 30e-9)))
    cases = 20 if quick else 200
    found.append(Trial({"way": "thermal", **key}, lambda: _thermal(cases, duration / 2)))
    return found


def _theory(name):
    neuron = GEOMETRIES[name]
    own = dataclasses.asdict(oscillator_from(neuron))
    found = orbits(neuron, np.geomspace(0.005, 3, 60))
    there = np.isfinite(found.loss / found.gain)
    curves = {
        "power": found.power[there],
        "frequency": found.frequency[there] / (2 * np.pi),
        "current": (found.loss / found.gain)[there],
    }
    return {**own, "exact": threshold_current(neuron), "orbits": curves}


def _simulation(name, ratios, duration):
    """Power and frequency at the end, NaN as None where nothing turns any more."""
    neuron = GEOMETRIES[name]
    threshold = oscillator_from(neuron).threshold
    m = simulated(neuron, threshold * np.array(ratios), duration)
    last = round(LAST / STEP)
    # any component across the rest goes round with the oscillation
    across = m[1, :, -last:] - m[1, :, -last:].mean(axis=-1, keepdims=True)
    rising = (across[:, 1:] > 0) & (across[:, :-1] <= 0)
    frequencies = [_frequency(own, here) for own, here in zip(across, rising, strict=True)]
    power = power_of(neuron, m)[:, -last:].mean(axis=-1)
    turns = np.array(np.ptp(across, axis=-1) > 1e-6)
    kept = [f if moves else None for f, moves in zip(frequencies, turns, strict=True)]
    return {"ratio": list(ratios), "power": power, "frequency": kept}


def _frequency(values, rising):
    """Hz, between the first and the last upward crossing, each by interpolation."""
    at = np.flatnonzero(rising)
    if len(at) < 3:
        return None
    times = at + values[at] / (values[at] - values[at + 1])
    return float((len(at) - 1) / ((times[-1] - times[0]) * STEP))


def _envelope(duration):
    """A fit of eq. (1) to the power in the envelope of m_x."""
    neuron = dataclasses.replace(GEOMETRIES["perpendicular"], start_angle=0.2)
    own = oscillator_from(neuron)
    currents = own.threshold * np.array(FITTED)
    m = simulated(neuron, currents, duration)
    time = STEP * np.arange(m.shape[2])
    found = envelope(time, m[0], rate=RATE, band=BAND)
    # of a circle: the mean square of m_x is sin^2(theta) / 2 = 2 p (1 - p)
    power = (1 - np.sqrt(np.maximum(1 - 2 * found.power, 0))) / 2
    known = np.isfinite(power).all(axis=0)
    time, power = found.time[known], power[:, known]
    drive = np.repeat(currents[:, None], len(time), axis=1)
    fit = identify_device(time, drive, power)
    return {
        "time": time,
        "ratio": list(FITTED),
        "power": power,
        "predicted": fit.predicted,
        "gamma": fit.values["gamma"],
        "Q": fit.values["Q"],
        "threshold": fit.values["threshold"],
        "noise": fit.noise,
    }


def _thermal(cases, duration):
    """Mean power below threshold, without its first half, and that of the formula."""
    neuron = dataclasses.replace(
        GEOMETRIES["perpendicular"], start_angle=0.0, temperature=TEMPERATURE
    )
    own = oscillator_from(neuron)
    means = []
    for number, ratio in enumerate(COLD):
        currents = np.full(cases, ratio * own.threshold)
        power = power_of(neuron, simulated(neuron, currents, duration, number))
        means.append(float(power[:, power.shape[1] // 2 :].mean()))
    return {"ratio": list(COLD), "power": means, "eta": own.thermal_power}


# ---- numbers ----


def numbers(rows: list[dict[str, Any]]) -> FigureNumbers:
    """Tables of the powers and of the fit; findings of each geometry."""
    known = {(row["way"], row["geometry"]): row for row in rows}
    table, found = [], {}
    for name in GEOMETRIES:
        theory, own = known["theory", name], known["simulation", name]
        table += _compared(name, theory, own)
        key = name.replace("-", "_")
        meaning = f"{name}, of the formulas"
        for quantity, unit in (
            ("threshold", "A"),
            ("frequency", "Hz"),
            ("damping_rate", "1/s"),
            ("nonlinear_damping", "1"),
            ("frequency_shift", "rad/s"),
        ):
            found[f"{key}_{quantity}"] = (theory[quantity], unit, f"{quantity}, {meaning}")
    fit, theory = known["envelope", "perpendicular"], known["theory", "perpendicular"]
    for name, own in (
        ("threshold", "threshold"),
        ("gamma", "damping_rate"),
        ("Q", "nonlinear_damping"),
    ):
        ratio = fit[name] / theory[own]
        text = f"{name} of eq. (1) fitted to the envelope, over that of the formulas"
        found[f"fitted_{name.lower()}_ratio"] = (ratio, "1", text)
    thermal = known["thermal", "perpendicular"]
    for ratio, power in zip(thermal["ratio"], thermal["power"], strict=True):
        text = f"mean power at {ratio:g} of the threshold over eta / (1 - I / I_th)"
        value = power * (1 - ratio) / thermal["eta"]
        found[f"thermal_power_ratio_{round(100 * ratio)}"] = (value, "1", text)
    return FigureNumbers({"known": known}, {"": table}, found)


def _compared(name, theory, own):
    """Rows of a geometry: power by the three ways, NaN where there is none."""
    q, rows = theory["nonlinear_damping"], []
    current = np.array(theory["orbits"]["current"]) / theory["threshold"]
    for ratio, power, frequency in zip(own["ratio"], own["power"], own["frequency"], strict=True):
        rows.append(
            {
                "geometry": name,
                "current_over_threshold": ratio,
                "power": power,
                "frequency": "" if frequency is None else frequency,
                "power_equation": max(0.0, (ratio - 1) / (ratio + q)),
                "power_orbits": orbit_power(ratio, current, theory["orbits"]["power"]),
            }
        )
    return rows


def orbit_power(ratio: float, current: np.ndarray, power: Any) -> Any:
    """The power at which torque and damping balance; "" where orbits with less power
    need more current, as such a balance is not stable, 0 below them all.

    Args:
        ratio: current over threshold; current: (n,) of the orbits, over the threshold.
    """
    if not (np.diff(current) > 0).all() or ratio > current[-1]:
        return ""
    return float(np.interp(ratio, [1.0, *current], [0.0, *power]))
