"""Time and memory of `spinrnn analyse` and `identify` on recordings of 10^7 samples.

    python docs/analyse_speed.py [FOLDER] [MEASURE,...]    # here, all measures

Simulates one device for 10^7 samples and 100 devices for 10^5, with noise of the
readout, and analyses and identifies each in a process of its own with
SPINRNN_MEMORY=2G. Prints wall time, time of the processors and the largest memory. On a
busy machine only the second one counts.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

GAMMA, Q, STEP = 1e8, 0.6, 0.5e-9


def recording(path, devices, levels, hold):
    """Writes devices under random drives, held for so many samples each: eq. (5)."""
    rng = np.random.default_rng(0)
    drive = GAMMA * rng.uniform(0.5, 3.5, (devices, levels))
    power = np.full((devices, levels * hold + 1), 0.3)
    elapsed = STEP * np.arange(1, hold + 1)
    for k in range(levels):
        growth, crowding = drive[:, k, None] - GAMMA, drive[:, k, None] + Q * GAMMA
        decay = np.exp(-np.abs(growth) * elapsed)
        psi = (1 - decay) / np.abs(growth)
        first = power[:, k * hold, None]
        top, rest = np.where(growth > 0, 1, decay), np.where(growth > 0, decay, 1)
        part = first * top / (rest + crowding * first * psi)
        power[:, k * hold + 1 : (k + 1) * hold + 1] = np.maximum(part, 1e-6)
    power += 0.01 * rng.normal(size=power.shape)
    time_axis = STEP * np.arange(power.shape[1])
    np.savez(path, time=time_axis, power=power, drive=np.repeat(drive, hold, axis=1))


def timed(name, arguments):
    """Runs `spinrnn` with SPINRNN_MEMORY=2G, and prints what it took."""
    command = [sys.executable, "-m", "spinrnn", *map(str, arguments)]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = os.environ | {"SPINRNN_MEMORY": "2G"}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{name}: {wall:.1f} s, {used:.1f} s of processors, so far at most "
        f"{after.ru_maxrss / 1e6:.2f} GB",
        flush=True,
    )


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "."
    only = ["--only", sys.argv[2]] if len(sys.argv) > 2 else []
    with tempfile.TemporaryDirectory(dir=folder) as place:
        for devices, levels, hold in ((1, 1000, 10_000), (100, 50, 2_000)):
            path, out = Path(place) / "device.npz", Path(place) / "report"
            recording(path, devices, levels, hold)
            name = f"{devices} x {levels * hold}"
            analyse = ["analyse", path, *only, "--relaxation-time", "10e-9"]
            timed(f"analyse {name}", [*analyse, "--out", out])
            identify = ["identify", path, "--fix", "bias=0", "--power-floor", "1e-6"]
            timed(f"identify {name}", [*identify, "--out", out])


if __name__ == "__main__":
    main()
