"""A step of equilibrium propagation beside PyTorch's: python docs/equilibrium_peers.py

Needs torch beside spinrnn, and takes a minute. One process, the same number of threads
for both (--threads), in turns; the median and the least time of some rounds. A step is
all of it: 64 images of 784 pixels are relaxed freely for 50 steps and with a nudge for
10, 784-1024-10, float32, the gradient is made of the two, and the weights are moved: real
ones by Adam, binary ones by the flips of arXiv:2103.08953, (9.3). PyTorch too computes
the drive of the inputs once, takes one product for a layer's gradient, and records no
graph. The gradients of both are compared first.

Each step has images of its own: of ten patterns with noise, or of MNIST (--mnist DIR).
spinrnn ends the relaxation of a panel of images where more steps would change nothing,
and leaves out images that a nudge does not move, which is part of the comparison. Both
have seen --before batches when it begins. --cpu counts the processor's time and not the
clock's, for a machine that has other work, with --threads 1.
"""

import argparse
import statistics
import time

import numpy as np
import torch

import spinrnn
from spinrnn.config.run import from_tables
from spinrnn.learning.learner import learner_of

CASES, PIXELS, HIDDEN, CLASSES, FREE, NUDGED, BETA = 64, 784, 1024, 10, 50, 10, 0.3
RATE, GAMMA, TAU, SMALL = 1e-3, 3e-4, 2e-5, (0.5 / 28, 0.5 / 32)


def batches(folder=None, count=900):
    """[(images (64, 784), labels (64,))]: of MNIST, or of patterns, of which a fifth of
    the pixels are on; of an image a third of these are others."""
    rng = np.random.default_rng(0)
    if folder is None:
        patterns = rng.uniform(size=(CLASSES, PIXELS)) < 0.2
        labels = rng.integers(0, CLASSES, count * CASES)
        other = rng.uniform(size=(len(labels), PIXELS)) < 1 / 3
        on = np.where(other, rng.uniform(size=other.shape) < 0.2, patterns[labels])
        images = on * rng.uniform(size=on.shape)
    else:
        data = spinrnn.load_dataset(folder)
        order = rng.permutation(len(data))[: count * CASES]
        images, labels = np.asarray(data.inputs)[order], data.labels[order]
    images = images.astype(np.float32).reshape(-1, CASES, PIXELS)
    return list(zip(images, labels.reshape(-1, CASES), strict=True))


class Ours:
    """A learner of spinrnn."""

    def __init__(self, binary):
        network = {"kind": "symmetric", "layers": [HIDDEN], "steps": FREE}
        network |= {"inputs": PIXELS, "outputs": CLASSES}
        tables = {
            "network": network,
            "estimator": {"kind": "equilibrium", "beta": BETA, "steps": NUDGED, "sign": "plus"},
            "train": {"learning_rate": RATE, "noise": 0.0, "clip": 0.0},
        }
        if binary:
            tables["synapse"] = [{"kind": "sign", "largest": size} for size in SMALL]
            tables["writer"] = {"kind": "flips", "gamma": GAMMA, "tau": TAU}
        config = from_tables(tables)
        self.net = spinrnn.network_of(config.network, seed=1)
        self.learner, self.prepared = learner_of(config.train, self.net), self.net.prepared()
        self.estimator = config.train.estimator

    def taken(self, images, labels):
        """What a step takes: inputs, targets, no lengths."""
        inputs = images[:, None]
        return inputs, self.prepared.batch_of(inputs, labels, None).targets, None

    def gradient(self, batch):
        return self.estimator.estimate(self.prepared, *batch, 0).gradient

    def step(self, batch):
        self.learner.step(self.prepared, batch, RATE, (0, 3, 0, 0))


class Theirs:
    """The same with PyTorch, from the same weights."""

    def __init__(self, binary, net):
        views, self.binary = net.layout.named(net.effective()), binary
        self.w = [torch.from_numpy(views[f"w_{i}"].copy()) for i in range(2)]
        self.b = [torch.from_numpy(views[f"bias_{i}"].copy()) for i in range(2)]
        self.mean = [torch.zeros_like(w) for w in self.w]
        moved = self.b if binary else self.w + self.b
        self.adam = None if binary else torch.optim.Adam(moved, lr=RATE, foreach=True)

    def taken(self, images, labels):
        """What a step takes: inputs, targets."""
        wanted = torch.nn.functional.one_hot(torch.from_numpy(labels), CLASSES)
        return torch.from_numpy(images), wanted.float()

    def relaxed(self, drive, s, steps, beta, y):
        hidden, out = s
        w, b = self.w[1], self.b[1]
        for _ in range(steps):
            sums = torch.addmm(drive, out, w).clamp_(0, 1)
            new = torch.addmm(b, hidden, w.T).clamp_(0, 1)
            if beta:
                new = new.add_(y - out, alpha=beta).clamp_(0, 1)
            hidden, out = sums, new
        return hidden, out

    def gradients(self, batch):
        x, y = batch
        drive = torch.addmm(self.b[0], x, self.w[0].T)
        start = torch.zeros(CASES, HIDDEN), torch.zeros(CASES, CLASSES)
        free = self.relaxed(drive, start, FREE, 0.0, y)
        nudged = self.relaxed(drive, free, NUDGED, BETA, y)
        change = [(one - other) / (BETA * CASES) for one, other in zip(free, nudged, strict=True)]
        second = (free[1].T @ free[0] - nudged[1].T @ nudged[0]) / (BETA * CASES)
        return [change[0].T @ x, second], [own.sum(0) for own in change]

    def step(self, batch):
        weights, biases = self.gradients(batch)
        if not self.binary:
            for own, gradient in zip(self.w + self.b, weights + biases, strict=True):
                own.grad = gradient
            self.adam.step()
            return
        for w, b, mean, g, g_b in zip(self.w, self.b, self.mean, weights, biases, strict=True):
            mean.mul_(1 - GAMMA).sub_(g, alpha=GAMMA)
            w.copy_(torch.where(-torch.sign(w) * mean > TAU, -w, w))
            b.sub_(g_b, alpha=RATE)


def seconds(peer, given, clock):
    """For a step, of some batches."""
    taken = [peer.taken(*batch) for batch in given]
    start = clock()
    for batch in taken:
        peer.step(batch)
    return (clock() - start) / len(taken)


def compared(ours, theirs, batch):
    """Asserts that gradients are the same."""
    own = ours.net.layout.named(ours.gradient(ours.taken(*batch)))
    for i, other in enumerate(theirs.gradients(theirs.taken(*batch))[0]):
        scale = np.abs(own[f"w_{i}"]).max()
        assert np.abs(own[f"w_{i}"] - other.numpy()).max() < 1e-2 * scale


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--before", type=int, default=300, help="batches, of 900 in all")
    parser.add_argument("--mnist", metavar="DIR", help="a folder with its four files")
    parser.add_argument("--cpu", action="store_true")
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(options.threads)
    spinrnn.set_threads(options.threads)
    clock = time.process_time if options.cpu else time.perf_counter
    given = batches(options.mnist)
    for binary in (False, True):
        ours = Ours(binary)
        theirs = Theirs(binary, ours.net)
        compared(ours, theirs, given[0])
        times = {"spinrnn": [], "PyTorch": []}
        for peer in (ours, theirs):
            seconds(peer, given[: options.before], clock)
        for n in range(options.rounds):
            start = options.before + 3 * n
            own = [given[i % len(given)] for i in range(start, start + 3)]
            times["spinrnn"].append(seconds(ours, own, clock))
            times["PyTorch"].append(seconds(theirs, own, clock))
        name = "binary weights, flips" if binary else "real weights, Adam"
        medians = {peer: 1e3 * statistics.median(found) for peer, found in times.items()}
        least = {peer: 1e3 * min(found) for peer, found in times.items()}
        print(f"{name}, {options.threads} threads, ms for a step:")
        for peer in times:
            print(f"  {peer:8} {medians[peer]:6.2f}, at least {least[peer]:6.2f}")
        ratio, best = (found["PyTorch"] / found["spinrnn"] for found in (medians, least))
        print(f"  PyTorch / spinrnn {ratio:.2f}, of the least times {best:.2f}")


if __name__ == "__main__":
    main()
