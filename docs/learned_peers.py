"""A training iteration of a learned device beside torchdiffeq: python docs/learned_peers.py

Needs torch and torchdiffeq beside spinrnn, and takes a minute. One process, the same
number of threads for both (--threads), in turns; the median and the least time of some
rounds. An iteration is all of it: 50 windows of 20 steps are drawn, integrated by the
3/8 rule (torchdiffeq's "rk4"), compared, and the weights moved by Adam; k = 2, two
hidden layers of 50 units, a drive that goes linearly between samples. The gradients of
both are compared first.
"""

import argparse
import statistics
import time

import numpy as np
import torch
import torchdiffeq

import spinrnn
from spinrnn.identify.learnrecords import Stretch, records_of
from spinrnn.identify.learntraining import Settings, Training, scaled
from spinrnn.neurons.learnedruns import weights_of

WINDOWS, POINTS, HIDDEN, STATES = 50, 20, 50, 2


def recording(samples=10_000):
    """A `Training` of a driven, damped oscillation."""
    rng = np.random.default_rng(0)
    u = np.repeat(rng.uniform(-1, 1, samples // 25 + 1), 25)[:samples]
    y, slope = np.zeros(samples), 0.0
    for n in range(samples - 1):
        slope += 0.1 * (u[n] - y[n] - 0.3 * slope)
        y[n + 1] = y[n] + 0.3 * slope
    records = records_of(1e-9 * np.arange(samples), {"drive": u}, y)
    part = (Stretch(0, samples),)
    settings = Settings(hidden=HIDDEN, windows=WINDOWS, points=POINTS, held=False)
    return Training(records, scaled(records, part), part, STATES, settings)


class Equation(torch.nn.Module):
    """dz/dt of [z, v], v linear between the samples of each window."""

    def __init__(self, training, dtype):
        super().__init__()
        layers = []
        for matrix, bias in weights_of(training.layout, training.flat):
            layer = torch.nn.Linear(*matrix.shape[::-1], dtype=dtype)
            layer.weight.data, layer.bias.data = (
                torch.tensor(a, dtype=dtype) for a in (matrix, bias)
            )
            layers += [layer, torch.nn.Tanh()]
        self.net = torch.nn.Sequential(*layers[:-1])
        self.step, self.drive = training.data.step, torch.empty(0)

    def forward(self, t, z):
        place = float(t.detach()) / self.step
        n = min(int(place + 1e-9), self.drive.shape[1] - 3)
        now, then = self.drive[:, n : n + 2], self.drive[:, n + 1 : n + 3]
        return self.net(torch.cat([z, now + (place - n) * (then - now)], dim=1))


class Torch:
    """Iterations of torchdiffeq."""

    def __init__(self, training, dtype, adjoint):
        self.training, self.dtype = training, dtype
        self.equation = Equation(training, dtype)
        self.optimiser = torch.optim.Adam(self.equation.parameters(), lr=1e-3)
        self.solve = torchdiffeq.odeint_adjoint if adjoint else torchdiffeq.odeint
        self.output = torch.tensor(training.data.output, dtype=dtype)
        self.drives = torch.tensor(training.data.drives[0], dtype=dtype)
        self.times = training.data.step * torch.arange(POINTS + 1, dtype=dtype)

    def loss(self, starts):
        ahead = torch.arange(POINTS + 3)
        starts = torch.tensor(starts)
        self.equation.drive = self.drives[starts[:, None] + ahead]
        y = self.output[starts[:, None] + ahead[: POINTS + 2]]
        wanted = torch.stack([y[:, :-1], y[:, 1:]], dim=2).transpose(0, 1)
        found = self.solve(self.equation, wanted[0], self.times, method="rk4")
        return ((found[1:] - wanted[1:]) ** 2).mean()

    def iteration(self, starts):
        self.optimiser.zero_grad()
        self.loss(starts).backward()
        self.optimiser.step()

    def gradient(self, starts):
        self.optimiser.zero_grad()
        self.loss(starts).backward()
        layers = [layer for layer in self.equation.net if isinstance(layer, torch.nn.Linear)]
        parts = [torch.cat([own.weight.grad, own.bias.grad[:, None]], dim=1) for own in layers]
        return torch.cat([part.ravel() for part in parts]).numpy()


class Ours:
    """Iterations of spinrnn."""

    def __init__(self, training):
        self.training, self.count = training, 0
        self.moments = {name: np.zeros_like(training.flat) for name in ("first", "second")}

    def iteration(self, starts):
        self.count += 1
        _, gradient = self.training.gradient(starts)
        self.training._move(gradient, self.moments, self.count)


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()
    spinrnn.set_threads(options.threads)
    torch.set_num_threads(options.threads)
    training = recording()
    rng = np.random.default_rng(1)
    starts = rng.integers(0, 9000, WINDOWS)
    _, own = training.gradient(starts)
    for adjoint in (False, True):
        other = Torch(training, torch.float64, adjoint).gradient(starts)
        off = np.abs(other - own).max() / np.abs(own).max()
        print(f"gradient of torchdiffeq {'adjoint' if adjoint else 'plain'}: off by {off:.1e}")
    peers = {"spinrnn float64": Ours(training)} | {
        f"torchdiffeq {how} {str(dtype).removeprefix('torch.')}": Torch(training, dtype, adjoint)
        for adjoint, how in ((False, "plain"), (True, "adjoint"))
        for dtype in (torch.float32, torch.float64)
    }
    times = {name: [] for name in peers}
    for n in range(options.rounds + 3):
        starts = rng.integers(0, 9000, WINDOWS)
        for name, peer in peers.items():
            begun = time.perf_counter()
            peer.iteration(starts)
            if n >= 3:
                times[name].append(time.perf_counter() - begun)
    first = statistics.median(times["spinrnn float64"])
    print(f"{options.threads} threads; ms an iteration: median, least; median over ours")
    for name, own in times.items():
        median = statistics.median(own)
        print(f"{name:28}{1e3 * median:8.2f}{1e3 * min(own):8.2f}{median / first:8.1f}")


if __name__ == "__main__":
    main()
