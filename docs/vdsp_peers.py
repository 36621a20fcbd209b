"""VDSP here and in Brian2, on the same network and the same images, in one run:

    python docs/vdsp_peers.py MNIST_FOLDER [IMAGES]

Brian2 (2.9, with its compiled Cython code) shows some images, spinrnn all of a part of
60,000; both times are per image, so the whole of Brian2 is extrapolated. The network:
784 inputs, 100 outputs, steps of 1 ms, 350 ms an image and 200 ms pause, thresholds
that grow, the winner silences the others. Brian2 is called in a process of its own,
with the Python that the variable BRIAN2_PYTHON names, else this one.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

NEURONS, STEP, SHOWN, PAUSE = 100, 1e-3, 0.35, 0.2
KEYS = {
    "threshold": 40.0,
    "gain": 6.0,
    "output_time": 0.1,
    "growth": 0.03,
    "growth_time": 2000.0,
    "refractory": 0.01,
    "inhibition": 0.02,
}
RATE = 0.005

BRIAN = '''
import sys
import time

import brian2 as b
import numpy as np

b.prefs.codegen.target = "cython"
b.defaultclock.dt = 1 * b.ms
images, weights = (np.load(path) for path in sys.argv[1:3])
count = len(images)
tau_in, tau_out, tau_theta = 30 * b.ms, 100 * b.ms, 2000 * b.second
rate = 0.005
# an image for 7 slots of 50 ms, then nothing for 4; one run, as each has to be prepared
slots = np.zeros((count, 11, 784))
slots[:, :7] = 0.5 + 6 * images[:, None]
shown = b.TimedArray(slots.reshape(-1, 784), dt=50 * b.ms)
inputs = b.NeuronGroup(
    784, "dv/dt = (shown(t, i) - v) / tau_in : 1", threshold="v > 1", reset="v = -1",
    method="euler",
)
outputs = b.NeuronGroup(
    100,
    """du/dt = int(t >= free) * (-u) / tau_out : 1
    dtheta/dt = -theta / tau_theta : 1
    free : second""",
    threshold="t >= free and u > 40 + theta",
    reset="theta += 0.03",
    method="euler",
)
synapses = b.Synapses(
    inputs, outputs, "w : 1",
    on_pre="u_post += w * int(t >= free_post)",
    on_post="""room = int(v_pre < 0) * (1 - w) - int(v_pre > 0) * w
    w = clip(w + rate * room * (exp(abs(v_pre)) - 1), 0, 1)""",
)
synapses.connect()
synapses.w = weights.ravel()
# the one that fires is reset and waits 10 ms, all others 20 ms
silence = b.Synapses(
    outputs, outputs,
    on_pre="u_post = int(i == j) * (-1.0)\\nfree_post = t + int(i == j) * 10*ms"
    " + int(i != j) * 20*ms",
)
silence.connect()
spikes = b.SpikeMonitor(outputs, record=False)
network = b.Network(inputs, outputs, synapses, silence, spikes)
network.run(550 * b.ms)
before, counted = time.perf_counter(), int(spikes.num_spikes)
network.run((count - 1) * 550 * b.ms)
count -= 1
seconds = time.perf_counter() - before
print(seconds / count, (int(spikes.num_spikes) - counted) / count)
'''
"""What Brian2 cannot say in a step - that of several neurons above threshold only the
one that is furthest fires - is left out: all of them fire."""


def pixels(folder, count):
    """(image, pixel) from 0 to 1 of the first images of the training part."""
    from spinrnn.systems.learning import images

    data = images(Path(folder), count)
    return np.asarray(data.inputs[:count, :, 0], dtype=np.float32)


def network(inputs):
    import spinrnn

    config = spinrnn.SpikingConfig(layers=(NEURONS,), inputs=inputs, outputs=10, **KEYS)
    return spinrnn.SpikingNetwork(config)


def start(inputs):
    """(input, output) states before any image."""
    return network(inputs).views()["w"][0].T.copy()


def here(cases):
    """Seconds and spikes for an image."""
    net = network(len(cases[0]))
    net.replace().show(cases[:5], RATE)
    before = time.perf_counter()
    counts, _, _ = net.show(cases, RATE)
    return (time.perf_counter() - before) / len(cases), counts.sum() / len(cases)


def brian(cases, weights):
    """Seconds and spikes for an image, of a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("images.npy", "weights.npy", "run.py")]
        np.save(paths[0], cases)
        np.save(paths[1], weights)
        paths[2].write_text(BRIAN)
        command = [os.environ.get("BRIAN2_PYTHON", sys.executable), str(paths[2])]
        command += map(str, paths[:2])
        found = subprocess.run(command, check=False, capture_output=True, text=True)
    if found.returncode:
        raise SystemExit(f"Brian2 failed: {found.stderr.strip()[-2000:]}")
    return tuple(float(number) for number in found.stdout.split())


def main():
    folder, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 50
    cases = pixels(folder, 60_000)
    theirs, their_spikes = brian(cases[:count], start(len(cases[0])))
    seconds, spikes = here(cases)
    print(
        f"spinrnn: {1e3 * seconds:.3f} ms an image, {spikes:.1f} spikes; "
        f"60,000 images in {60_000 * seconds:.1f} s"
    )
    print(
        f"Brian2:  {1e3 * theirs:.3f} ms an image, {their_spikes:.1f} spikes, "
        f"of {count}; 60,000 would take {60_000 * theirs:.0f} s"
    )
    print(f"ratio {theirs / seconds:.0f}")


if __name__ == "__main__":
    main()
