"""Speed and memory of writing a trajectory file, against a plain copy on the same disk.

    python docs/trajectory_speed.py [FOLDER] [cases] [repetitions]    # here, 10000, 3

The machine should be quiet. The paper's network of 3 x 32 neurons, 64 input points in
256 substeps; power, drive and output of all neurons: 3 GB, twice. Simulations and
copies take turns, each ends with an fsync. Prints the times, the ratio of the medians
and the largest memory of the simulating process. The exit status is 1 below 60 % of the
copy's speed or above 500 MB.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHILD = """
import resource, sys, time
import numpy as np
import spinrnn

net = spinrnn.Network(spinrnn.NetworkConfig(substeps=4))
u = np.random.default_rng(0).random((int(sys.argv[2]), 1, 64), dtype=np.float32)
net.simulate_to(sys.argv[1], u[:64])  # loads the kernels
start = time.perf_counter()
net.simulate_to(sys.argv[1], u)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def copied(source, target):
    """Seconds of a plain copy."""
    start = time.perf_counter()
    with open(source, "rb") as reader, open(target, "wb") as writer:
        while piece := reader.read(1 << 20):
            writer.write(piece)
        writer.flush()
        os.fsync(writer.fileno())
    return time.perf_counter() - start


def main():
    folder, cases, repetitions = (sys.argv[1:] + [".", "10000", "3"][len(sys.argv) - 1 :])[:3]
    writing, copying, peak = [], [], 0.0
    with tempfile.TemporaryDirectory(dir=folder) as place:
        traces, copy = Path(place) / "traces.h5", Path(place) / "copy"
        for _ in range(int(repetitions)):
            result = subprocess.run(
                [sys.executable, "-c", CHILD, traces, cases],
                capture_output=True,
                text=True,
                check=True,
            )
            seconds, memory = map(float, result.stdout.split())
            writing.append(seconds)
            peak = max(peak, memory)
            copying.append(copied(traces, copy))
            size = traces.stat().st_size
            copy.unlink()
    ratio = statistics.median(copying) / statistics.median(writing)
    simulated, copied_in = (", ".join(f"{s:.2f}" for s in t) for t in (writing, copying))
    print(
        f"{cases} cases, {size / 1e9:.2f} GB: simulated and written in {simulated} s, "
        f"copied in {copied_in} s; {100 * ratio:.0f} % of the copy's speed, {peak / 1e6:.0f} MB"
    )
    return 0 if ratio >= 0.6 and peak <= 500e6 else 1


if __name__ == "__main__":
    sys.exit(main())
