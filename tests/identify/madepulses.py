"""Made-up pulse responses of devices, for tests: no measured data."""

import numpy as np

from spinrnn.identify.pulses import Pulses

LOW, HIGH = 2e-6, 22e-6


def up(x):
    return 0.08 * (1 - x) * np.exp(-0.8 * x)


def down(x):
    return 0.07 * x * np.exp(-0.5 * (1 - x))


def made(rng, devices=12, cycles=3, pulses=40, scatter=(0.006, 0.009), spread=(0.2, 0.15),
         read=0.003, start=0.2, bend=0.0):  # fmt: skip
    """`Pulses` of devices that go up and down; bend: how far devices differ in shape."""
    rows = []
    for device in range(devices):
        factor = np.maximum(0, 1 + np.array(spread) * rng.standard_normal(2))
        tilt, x = bend * rng.standard_normal(), start
        for cycle in range(cycles):
            for upwards in (True, False):
                for _ in range(pulses):
                    step = factor[0] * up(x) * np.exp(tilt * x) if upwards else -factor[1] * down(x)
                    x = np.clip(x + step + scatter[not upwards] * rng.standard_normal(), 0, 1)
                    seen = x + read * rng.standard_normal()
                    rows.append((LOW + (HIGH - LOW) * seen, upwards, device, cycle))
    conductance, upwards, device, cycle = map(np.array, zip(*rows, strict=True))
    names = tuple(f"D{n}" for n in range(devices))
    return Pulses(conductance, upwards, device, device * cycles + cycle, cycle, names)
