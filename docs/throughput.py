"""Throughput of sweeps: independent points on 2 workers against one after the other.

    python docs/throughput.py [points] [epochs]    # default 20 points of 20 epochs

The machine should be quiet. Prints the times and the overhead of a point beyond its
training. The exit status is 1 if 2 workers take more than 1.1 x half the serial time,
or a point more than 0.5 s beyond its training.
"""

import sys
import tempfile
import time
from pathlib import Path

import spinrnn
from spinrnn.sweep.folder import SweepFolder


def timed(sweep, out, **settings):
    """Seconds of a sweep, and the mean overhead of a point.

    The first point of each worker does not count, as it loads the kernels.
    """
    start = time.perf_counter()
    spinrnn.run_sweep(sweep, out, **settings)
    seconds = time.perf_counter() - start
    states = sorted(
        (state for *_, state in SweepFolder(out).results(sweep.points)),
        key=lambda state: state["finished"],
    )
    over = [state["seconds"] - state["summary"]["seconds_training"] for state in states]
    return seconds, sum(over[2:]) / len(over[2:])


def main():
    points, epochs = (int(a) for a in (sys.argv[1:] + ["20", "20"][len(sys.argv) - 1 :])[:2])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sweep.toml"
        path.write_text(
            f'[sweep]\nname = "throughput"\nseeds = {points}\n[train]\nepochs = {epochs}\n'
        )
        sweep = spinrnn.load_sweep(path)
        spinrnn.run_sweep(
            sweep, Path(folder) / "warm", executor="serial", shard=(0, points)
        )  # compiles
        serial, overhead = timed(sweep, Path(folder) / "serial", executor="serial")
        parallel, _ = timed(sweep, Path(folder) / "parallel", jobs=2)
    ratio = parallel / (serial / 2)
    print(
        f"{points} points: {serial:.1f} s one after the other, {parallel:.1f} s on 2 workers, "
        f"{ratio:.3f} x half; overhead of a point {overhead:.2f} s"
    )
    return 0 if ratio <= 1.1 and overhead <= 0.5 else 1


if __name__ == "__main__":
    sys.exit(main())
