"""Compiles what most tests need, into the cache: the whole kernel and the levels of the
built-in neurons, in the dtype given.

Started for each dtype before the workers of a parallel test run, which would all
compile the same at the same time.
"""

import gc
import sys

import numpy as np

import spinrnn


def compile_kernels(dtype):
    for neuron in (spinrnn.Oscillator(), spinrnn.CTRNN()):
        for scheme in ("exponential", "euler"):
            network = spinrnn.Network(
                spinrnn.NetworkConfig(
                    layers=(2,),
                    inputs=1,
                    outputs=2,
                    neuron=neuron,
                    scheme=scheme,
                    dtype=dtype,
                )
            )
            network.loss_and_grad(np.zeros((2, 1, 2)), np.array([0, 1]))


if __name__ == "__main__":
    # little of what the compiler makes is a circle, and the process is short
    gc.disable()
    compile_kernels(sys.argv[1])
