"""Compares the bits that two revisions compute on this machine: python tests/bits.py REV [REV2]

Each revision makes the same twelve networks through the public interface and prints a SHA-256
of their logits, losses, gradients and trajectories, and of the parameters after three steps of
training. REV2 is by default the working tree as it is. The exit status is 0 where all is the
same, 1 where anything differs and 2 where a revision could not be run.

Compilation takes most of the time, for each revision about a minute from nothing.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUANTITIES = ("logits", "loss", "gradient", "trajectory", "trained")
WORKER = """
import hashlib, itertools, json
import numpy as np
import spinrnn

REAL = dict(spread_gamma=0.1, spread_nonlinear_damping=0.2, spread_bias=0.05, spread_gain=0.1)
SPARSE = dict(density_int=0.3, density_ext=0.6)
NOISE = dict(thermal_power=1e-3)
FURTHER = {  # the rest is dense, ideal and quiet
    "oscillator-euler-float32": dict(substeps=1),
    "oscillator-euler-float64": SPARSE | REAL,
    "oscillator-exponential-float32": SPARSE | dict(readout_window=2, substeps=5),
    "oscillator-exponential-float64": dict(layers=(17,), amplification=2.0),
    "ctrnn-euler-float32": SPARSE,
    "ctrnn-euler-float64": dict(substeps=2, readout_window=3),
    "ctrnn-exponential-float32": dict(layers=(6, 5, 7), amplification=(1.0, 2.0, 0.5)),
    "ctrnn-exponential-float64": dict(density_int=0.1, input_interval=27e-9),
    "spread-exponential-float32": REAL | dict(device_seed=4),
    "noise-exponential-float64": NOISE | SPARSE,
    "noise-euler-float32": NOISE | dict(layers=(33, 20), substeps=3),
    "all-exponential-float32": REAL | NOISE | SPARSE | dict(substeps=7, input_interval=15e-9),
}


def digest(*arrays):
    found = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array)
        found.update(f"{array.dtype.str} {array.shape}".encode() + array.tobytes())
    return found.hexdigest()


def config_of(name):
    neuron, scheme, dtype = name.split("-")
    neuron = neuron if neuron == "ctrnn" else "oscillator"
    known = dict(layers=(13, 9), inputs=2, outputs=3, nonlinear_damping=0.4)
    known |= dict(neuron=neuron, scheme=scheme, dtype=dtype)
    return spinrnn.NetworkConfig(**(known | FURTHER[name]))


def look(name):
    rng = np.random.default_rng(len(name))
    labels = np.arange(60) % 3
    u, lengths = rng.normal(size=(60, 2, 9)), rng.integers(4, 10, 60)
    config = config_of(name)
    net = spinrnn.Network(config, seed=2)
    loss, gradient = net.loss_and_grad(u, labels, lengths, noise_seed=5)
    run = net.simulate(u[:20], lengths[:20], noise_seed=[1, 2])
    train = spinrnn.TrainConfig(epochs=1, batch=14, seed=3)  # of 42 cases
    whole = spinrnn.RunConfig(network=config, train=train)
    trained = spinrnn.train(whole, data=spinrnn.Dataset(u, labels, lengths)).network
    return {
        "logits": digest(net.forward(u, lengths, noise_seed=5)),
        "loss": digest(np.float64(loss)),
        "gradient": digest(gradient),
        "trajectory": digest(run.time, *run.state, *run.output, *run.drive, run.logits),
        "trained": digest(trained.parameters),
    }


print(json.dumps({"file": spinrnn.__file__, "networks": {name: look(name) for name in FURTHER}}))
"""


def check_out(revision, folder):
    """Puts the files of a revision into a folder; the repository itself is left as it is."""
    command = ["git", "-C", str(ROOT), "archive", "--format=tar", revision]
    found = subprocess.run(command, capture_output=True)
    if found.returncode:
        leave(f"{revision}: {found.stderr.decode().strip()}")
    with tarfile.open(fileobj=io.BytesIO(found.stdout)) as archive:
        archive.extractall(folder, filter="data")


def start(folder):
    """The worker as a process that imports the package of this folder."""
    environment = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", WORKER]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, **pipes)


def answer(process, folder, revision):
    """{network: {quantity: digest}} of a worker."""
    output, complaint = process.communicate()
    if process.returncode:
        leave(f"{revision} could not be run:\n{complaint}")
    found = json.loads(output.splitlines()[-1])
    if not Path(found["file"]).resolve().is_relative_to(folder.resolve()):
        leave(f"{revision}: the package came from {found['file']}")
    return found["networks"]


def leave(text):
    print(f"bits: {text}", file=sys.stderr)
    raise SystemExit(2)


def table(first, second):
    """Prints what is the same; returns the number of differences."""
    differences = 0
    print(f"{'':32}" + "".join(f"{quantity:12}" for quantity in QUANTITIES))
    for network, digests in first.items():
        same = [digests[quantity] == second[network][quantity] for quantity in QUANTITIES]
        differences += same.count(False)
        print(f"{network:32}" + "".join(f"{'same' if s else 'DIFFERS':12}" for s in same))
    return differences


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("revision", metavar="REV", help="of git, as in HEAD or v0.1.0")
    parser.add_argument("other", metavar="REV2", nargs="?", help="default: the working tree")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        folders = [Path(first), Path(second) if options.other else ROOT]
        check_out(options.revision, folders[0])
        if options.other:
            check_out(options.other, folders[1])
        names = options.revision, options.other or "the working tree"
        workers = [start(folder) for folder in folders]
        try:
            found = [answer(*both) for both in zip(workers, folders, names, strict=True)]
        finally:
            for worker in workers:  # where the other one could not be run
                worker.kill()
                worker.wait()
    differences = table(*found)
    print(f"{names[0]} and {names[1]}: {differences or 'no'} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
