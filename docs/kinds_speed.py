"""Speed of neurons of other kinds: python docs/kinds_speed.py

One process, one thread, in turns; the least processor time of some rounds counts. The
ratios are of whole training steps (loss and gradient), 3 layers of 32 neurons, 64 cases
of 32 input points, 4 substeps, float32:

    the oscillator written again as a user's neuron, over the built-in
    two states (docs/examples/leaky.py), over the built-in
    spread, noise, a trained relaxation time, over ideal neurons

and, besides, microseconds for one input point of one case in `net.stream()`, and the
seconds that another kind costs when `run_blocks` is compiled.
"""

import sys
import time
from pathlib import Path

import numpy as np

import spinrnn
from spinrnn.config import kinds

ROUNDS = 25


class Again(spinrnn.Oscillator):
    """The built-in's functions under another name."""

    kind = "again"


def networks():
    """{name: network}; printed beside: seconds until the first gradient."""
    kinds.use(Path(__file__).parent / "examples" / "leaky.py")
    leaky = kinds.kind_of("neuron", "leaky")
    spread = spinrnn.Spread(gamma=0.1, bias=0.1, gain=0.1)
    configs = {
        "built-in": {},
        "written again": {"neuron": Again()},
        "two states": {"neuron": leaky()},
        "spread": {"spread": spread},
        "noise": {"neuron": spinrnn.Oscillator(thermal_power=1e-4)},
        "trained": {"trained": ("relaxation_time",), "trained_per": "neuron"},
    }
    return {
        name: spinrnn.Network(spinrnn.NetworkConfig(substeps=4, **own), seed=0)
        for name, own in configs.items()
    }


def processor_time(call, repeat=1):
    start = time.thread_time()
    for _ in range(repeat):
        call()
    return (time.thread_time() - start) / repeat


def main():
    spinrnn.set_threads(1)
    rng = np.random.default_rng(0)
    u, labels = rng.random((64, 1, 32)).astype("f4"), np.arange(64) % 10
    nets, times = networks(), {}
    for name, net in nets.items():
        start = time.perf_counter()
        net.loss_and_grad(u, labels)
        print(f"{name:<14} first gradient after {time.perf_counter() - start:.2f} s")
    for _ in range(ROUNDS):
        for name, net in nets.items():
            spent = processor_time(lambda net=net: net.loss_and_grad(u, labels))
            times.setdefault(name, []).append(spent)
    base = min(times["built-in"])
    for name, spent in times.items():
        print(f"{name:<14} {1e3 * min(spent):.2f} ms, {min(spent) / base:.3f} of the built-in")
    stream, point = nets["built-in"].stream(), np.ones(1, np.float32)
    least = min(processor_time(lambda: stream(point), 50) for _ in range(8 * ROUNDS))
    print(f"stream         {1e6 * least:.1f} us a point")
    return 0


if __name__ == "__main__":
    sys.exit(main())
