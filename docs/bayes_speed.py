"""Decisions a second of a Bayesian machine: 4 x 4, 255 cycles, 8 bins.

python docs/bayes_speed.py [CASES]

Prints a line for each number of threads and mode; the best of ten calls, inputs are
checked and put into bins within the time.
"""

import sys
import time

import numpy as np

import spinrnn
from spinrnn.networks.bayesian import EDGES

CASES = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
rng = np.random.default_rng(0)
u = rng.normal(size=(CASES, 4, 1))

for mode in ("stochastic", "logarithmic"):
    net = spinrnn.BayesianNetwork(spinrnn.BayesianConfig(inputs=4, outputs=4, mode=mode))
    net.parameters = rng.integers(0, 256, net.layout.size)
    net.buffers[EDGES][...] = np.quantile(u[:1000, :, 0], np.arange(1, 8) / 8, axis=0).T
    for threads in (1, 2):
        spinrnn.set_threads(threads)
        seconds = []
        for _ in range(10):
            before = time.perf_counter()
            net.counters(u)
            seconds.append(time.perf_counter() - before)
        print(f"{mode}, {threads} threads: {CASES / min(seconds):.3g} decisions a second")
