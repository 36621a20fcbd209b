"""A plain echo state network in NumPy, as a baseline: leaky tanh units at discrete
times (Lukosevicius & Jaeger 2009, doi:10.1016/j.cosrev.2009.03.005).

x(t) = (1 - leak) x(t-1) + leak tanh(W_in u(t) + W x(t-1) + b), x = 0 at the start.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

NUMBERS = 1 << 22
"""Numbers of states in memory at once, if a case does not have more."""


@dataclass
class EchoState:
    """An echo state network without its readout.

    Attributes:
        neurons, inputs: units and channels.
        radius: spectral radius of W, of standard normal entries.
        scaling: W_in and b are uniform in [-scaling, scaling].
        leak: in (0, 1], 1 for units without memory of their own.
        seed: of all weights.
        w: (N, N), w_in: (N, inputs), b: (N,).
    """

    neurons: int
    inputs: int
    radius: float = 0.9
    scaling: float = 0.3
    leak: float = 1.0
    seed: int = 0
    w: np.ndarray = field(init=False, repr=False)
    w_in: np.ndarray = field(init=False, repr=False)
    b: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng([self.seed, 1])
        self.w = self.radius * _of_radius_1(self.neurons, self.seed)
        self.w_in = self.scaling * rng.uniform(-1, 1, (self.neurons, self.inputs))
        self.b = self.scaling * rng.uniform(-1, 1, self.neurons)

    def states(self, u: np.ndarray) -> np.ndarray:
        """States (case, N, time) of inputs (case, channel, time)."""
        drive = np.einsum("nc,bct->tbn", self.w_in, u) + self.b
        x, found = np.zeros(drive.shape[1:]), np.empty(drive.shape)
        for t, driven in enumerate(drive):
            x = (1 - self.leak) * x + self.leak * np.tanh(driven + x @ self.w.T)
            found[t] = x
        return found.transpose(1, 2, 0)

    def blocks(self, u: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """(cases, states) of some cases after the others."""
        at_once = max(1, NUMBERS // (self.neurons * u.shape[2]))
        for first in range(0, len(u), at_once):
            cases = slice(first, first + at_once)
            yield cases, self.states(u[cases])


@functools.lru_cache(maxsize=4)
def _of_radius_1(neurons, seed):
    """(N, N) of the spectral radius 1."""
    w = np.random.default_rng(seed).normal(size=(neurons, neurons))
    return w / np.abs(np.linalg.eigvals(w)).max()
