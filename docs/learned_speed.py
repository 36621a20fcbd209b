"""What a learned device costs as a neuron: ns for a neuron, a substep and a sample.

Run it as: python docs/learned_speed.py. One thread, float32, the best of several calls;
beside it the oscillator in the same network.
"""

import itertools
import time

import numpy as np

import spinrnn
from spinrnn.neurons.learned import Channel, LearnedDevice

NEURONS, SAMPLES, POINTS, SUBSTEPS = (16, 16), 128, 8, 2


def device(delays, hidden):
    """A learned device of weights that are small enough for it to stay near 0."""
    rng = np.random.default_rng(0)
    sizes = (2 * delays, hidden, hidden, delays)
    weights = tuple(
        (0.1 * rng.normal(size=(n, m)), 0.1 * rng.normal(size=n))
        for m, n in itertools.pairwise(sizes)
    )
    output, drive = Channel("y", "1", 0, 1, -1, 1), Channel("u", "1", 0, 1, -1, 1)
    return LearnedDevice(weights, output, (drive,), 1e-9, 0.025, delays)


def nanoseconds(neuron, repetitions):
    """(forward, forward and gradient), of a neuron, substep and sample."""
    config = spinrnn.NetworkConfig(
        layers=NEURONS, neuron=neuron, substeps=SUBSTEPS, input_interval=2e-9, highpass_time=0.0
    )
    net, rng = spinrnn.Network(config, seed=0), np.random.default_rng(0)
    u = rng.normal(size=(SAMPLES, 1, POINTS)).astype("f4")
    labels, found = np.arange(SAMPLES) % 10, []
    for call in (lambda: net.forward(u), lambda: net.loss_and_grad(u, labels)):
        call()
        times = []
        for _ in range(repetitions):
            start = time.thread_time()
            call()
            times.append(time.thread_time() - start)
        found.append(1e9 * min(times) / (sum(NEURONS) * SAMPLES * POINTS * SUBSTEPS))
    return found


def main():
    spinrnn.set_threads(1)
    print(f"{'neuron':<28}{'forward':>9}{'with gradient':>15}")
    rows = {"oscillator": (spinrnn.Oscillator(), 50)}
    for delays, hidden in ((1, 16), (1, 50), (2, 16), (2, 50), (2, 100)):
        name = f"learned, k = {delays}, H = {hidden}"
        rows[name] = spinrnn.Learned.of(device(delays, hidden)), 5
    for name, given in rows.items():
        forward, both = nanoseconds(*given)
        print(f"{name:<28}{forward:>9.1f}{both:>15.1f}")


if __name__ == "__main__":
    main()
