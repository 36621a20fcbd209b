"""Do the intervals of `spinrnn identify` hold what they say? Twin experiments.

Run it as: python docs/identify_trials.py [CASE ...] [--trials 100] [--first 0] [--samples 600]

Each trial draws a device, a drive and noise, identifies the device, and counts which
true values are inside their 95 % intervals, and how often the right kind is refused;
then it fits a wrong kind to the same data and counts how often that is refused.
"""

import argparse
import warnings

import numpy as np

import spinrnn
from spinrnn.identify.models import model_of
from spinrnn.identify.problem import Problem
from spinrnn.recordings.measurement import measurement

SAMPLES, H = 600, 2.5e-9
"""Samples of a recording, where --samples does not say it, and the time between them."""
STEPS = {"memristor": 2e-7, "macrospin": 1e-11}
"""Between samples, in s, where it is another than H."""
NO_CALIBRATION = {
    "drive_gain": 1.0, "drive_offset": 0.0, "readout_gain": 1.0, "readout_offset": 0.0,
}  # fmt: skip


def drive_of(rng, each=8):
    return np.repeat(rng.normal(size=-(-SAMPLES // each)), each)[:SAMPLES]


def simulated(kind, values, start, drive, h=H, steps=8):
    """(sample,) the measured state of a kind without noise."""
    model = model_of(kind)
    time = np.arange(len(drive)) * h
    data = measurement(time, drive, np.ones(len(drive)))
    problem = Problem(data, {}, "held", model, steps=steps)
    return problem.predict(values, np.atleast_2d(start))[0]


def thermal(rng, drive, gamma, Q, bias, gain, eta, start, fine=40):
    """(sample,) power of an oscillator with thermal noise, by kicks of its amplitude."""
    p, found, dt = start, [start], H / fine
    size = np.sqrt(gamma * eta * dt / 2)
    for u in drive[:-1]:
        current = gamma * bias + gain * u
        a, c = current - gamma, current + gamma * Q
        kept, bent = np.exp(a * dt), np.expm1(a * dt) / a
        for x, y in size * rng.normal(size=(fine, 2)):
            p = p * kept / (1 + c * p * bent)
            p = min((np.sqrt(p) + x) ** 2 + y**2, 1.0)
        found.append(p)
    return np.array(found)


def oscillator(rng, low, high, eta=0.0, noise=0.01):
    """A case: (time, drive, power), true values, what the fit is told."""
    gamma = 10 ** rng.uniform(7.8, 8.2)
    true = {"gamma": gamma, "Q": rng.uniform(0, 2), "bias": rng.uniform(low, high)}
    true["gain"] = gamma * rng.uniform(0.2, 0.5) * rng.choice([-1, 1])
    drive = drive_of(rng)
    start = max(0.05, (true["bias"] - 1) / (true["bias"] + true["Q"]))
    if eta:
        power = thermal(rng, drive, **true, eta=eta, start=start)
        true |= {"thermal_power": eta, "readout_noise": noise}
    else:
        whole = true | {"scale": 1.0, "readout_offset": 0.0}
        power = simulated("oscillator", whole, start, drive)
    told = {"fixed": {"Q": true.pop("Q")}, "thermal": bool(eta)}
    return drive, power + noise * rng.normal(size=SAMPLES), true, told


def ctrnn(rng, noise=0.01):
    true = {"relaxation_time": 10 ** rng.uniform(-8.3, -7.7), "drive_gain": rng.uniform(0.5, 2)}
    true |= {"drive_offset": rng.uniform(-0.5, 0.5), "readout_offset": rng.uniform(-0.5, 0.5)}
    drive = drive_of(rng)
    power = simulated("ctrnn", true | {"readout_gain": 1.0}, 0.1, drive)
    free = [name for name in true if name != "relaxation_time"]
    told = {"neuron": "ctrnn", "free": free}
    power += true["readout_offset"] + noise * rng.normal(size=SAMPLES)
    return drive, power, true, told


def of_kind(rng, kind, drive, start, vary, h, steps, observe=None):
    """A device of a kind whose quantities `vary` differ from the defaults by up to so
    much, either way, and are fitted; all others are known. The noise of the readout is
    1 % of the range.
    """
    model = model_of(kind, observe)
    known = {
        name: getattr(model.neuron, name) for name in model.names if name not in NO_CALIBRATION
    }
    true = {name: known[name] * np.exp(rng.uniform(-x, x)) for name, x in vary.items()}
    data = measurement(np.arange(SAMPLES) * h, drive, np.ones(SAMPLES))
    problem = Problem(data, {}, "held", model, steps=steps)
    state = problem.predict(known | true | NO_CALIBRATION, np.atleast_2d(start))[0]
    power = state + 0.01 * np.ptp(state) * rng.normal(size=SAMPLES)
    fixed = {name: value for name, value in known.items() if name not in vary}
    return drive, power, true, {"neuron": kind, "observe": observe, "fixed": fixed}


def memristor(rng):
    """V(t) alone, below the onset of spikes; T is hidden."""
    drive = np.repeat(rng.uniform(0.3, 1.4, SAMPLES // 20), 20)
    vary = dict.fromkeys(("capacitance", "thermal_resistance", "prefactor"), 0.2)
    return of_kind(rng, "memristor", drive, [0.05, 300.0], vary, STEPS["memristor"], 64)


def macrospin(rng):
    """m_x alone, ringing about its rest under currents that change."""
    drive = np.repeat(rng.uniform(-2e-4, 2e-4, SAMPLES // 20), 20)
    start = np.array([0.3, 0.1, 0.9]) / np.sqrt(0.91)
    vary = dict.fromkeys(("damping", "field_z", "polarisation"), 0.1)
    return of_kind(rng, "macrospin", drive, start, vary, STEPS["macrospin"], 16, "mx")


CASES = {
    "oscillator, readout noise": lambda rng: oscillator(rng, 1.3, 2.5),
    "oscillator, near threshold": lambda rng: oscillator(rng, 0.95, 1.15),
    "oscillator, thermal noise": lambda rng: oscillator(rng, 1.5, 2.5, eta=2e-3),
    "oscillator, thermal noise, near": lambda rng: oscillator(rng, 0.95, 1.15, eta=2e-3),
    "CTRNN": ctrnn,
    "memristor": memristor,
    "macrospin": macrospin,
}
WRONG = {
    "CTRNN": {"neuron": "oscillator", "fixed": {"Q": 0.5}, "free": ["scale", "readout_offset"]},
}
USUAL_WRONG = {
    "neuron": "ctrnn", "free": ["drive_gain", "drive_offset", "readout_gain", "readout_offset"],
}  # fmt: skip


def refused(time, drive, power, told):
    """Whether a fit says that it does not describe the data, or refuses them."""
    try:
        fit = spinrnn.identify_device(time, drive, power, **told)
    except spinrnn.SpinrnnError:
        return True
    return not fit.diagnosis.describes


def trials(name, count, first=0):
    """Prints a row of the table of a case, of the trials from number `first` on."""
    inside, wrong, lost, other = {}, 0, 0, 0
    # a long run that is ended still says what it has seen
    every = max(1, count // 20)
    time = np.arange(SAMPLES) * STEPS.get(name, H)
    for trial in range(first, first + count):
        rng = np.random.default_rng([trial, *name.encode()])
        drive, power, true, told = CASES[name](rng)
        try:
            fit = spinrnn.identify_device(time, drive, power, **told)
        except spinrnn.SpinrnnError:
            lost += 1
            continue
        wrong += not fit.diagnosis.describes
        for key, value in true.items():
            low, high = fit.intervals[key]
            if np.isfinite(low):
                inside.setdefault(key, []).append(low <= value <= high)
        other += refused(time, drive, power, WRONG.get(name, USUAL_WRONG))
        if (trial + 1) % every == 0:
            tell(name, trial + 1 - first, inside, (lost, wrong, other))


def tell(name, count, inside, counts):
    """Prints what so many trials have shown."""
    told = ", ".join(f"{key} {sum(found)}/{len(found)}" for key, found in inside.items())
    lost, wrong, other = counts
    text = f"no fit {lost}; right kind refused {wrong}, wrong kind {other}"
    print(f"{name}, {count} trials: inside {told}; {text}", flush=True)


def main():
    global SAMPLES
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("cases", nargs="*", choices=[[], *CASES], metavar="CASE")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="number of the first trial")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="of each recording")
    options = parser.parse_args()
    SAMPLES = options.samples
    warnings.simplefilter("ignore")
    for name in options.cases or CASES:
        trials(name, options.trials, options.first)


if __name__ == "__main__":
    main()
