"""Is a memristor identified from its voltage alone? A twin experiment of docs/nbox.md.

Run it as: python docs/nbox_twin.py [--known permittivity series_resistance]

A device near the set B is simulated under twelve input voltages, its voltage is read
with 2 mV of noise, and every quantity that is not known is fitted from V(t) and V_in(t).
Prints true values, found ones and their 95 % intervals. It takes some minutes.
"""

import argparse
import warnings

import numpy as np

import spinrnn
from spinrnn.neurons.memristor import Memristor
from spinrnn.systems.nbox import INTERVAL, SETS, simulated

TRUE = {
    "capacitance": 1.05e-9, "thermal_capacitance": 1.1e-14, "thermal_resistance": 0.95e6,
    "prefactor": 95.0, "activation_energy": 0.212, "permittivity": 47.0,
    "series_resistance": 1.05e3,
}  # fmt: skip
NOISE, LEVELS, EACH = 2e-3, 12, 25
"""V; how many input voltages, and samples of each."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--known", nargs="*", default=[], choices=[[], *TRUE], metavar="NAME")
    known = parser.parse_args().known
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    drive = np.repeat(rng.uniform(1, 4, LEVELS), EACH)
    run = simulated(Memristor(**TRUE), drive[None])
    voltage = run.voltage[0, :: round(INTERVAL / run.seconds)][: drive.size + 1]
    recording = {
        "time": np.arange(voltage.size) * INTERVAL,
        "drive": np.append(drive, drive[-1]),
        "power": voltage + NOISE * rng.normal(size=voltage.size),
    }
    fixed = {"bias_voltage": 0.0, **{name: TRUE[name] for name in known}}
    fit = spinrnn.identify_device(recording, neuron=SETS["B"], noise=NOISE, fixed=fixed)
    for name in (name for name in TRUE if name not in known):
        low, high = fit.intervals[name]
        inside = "inside" if low <= TRUE[name] <= high else "outside"
        print(f"{name:20} {TRUE[name]:.4g}, found {fit.values[name]:.4g}, {inside} {low:.4g} to "
              f"{high:.4g}", flush=True)  # fmt: skip
    print("describes the data" if fit.diagnosis.describes else "does not describe the data")


if __name__ == "__main__":
    main()
