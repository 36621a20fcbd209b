"""Chains of resonators as synapses: a chain of spintronic resonators rectifies the
tones of its sources, and each resonator's frequency is trained; eq. (R1) and (R2) of
docs/rf.md.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.config.run import LARGEST_NUMBER
from spinrnn.kernels import resonators
from spinrnn.machine import threads
from spinrnn.synapses.protocol import Events, Field, Request, Synapse

PUBLISHED = "program of arXiv:2211.03659"
KAPPA = math.tan(math.pi / 4) / (8 * math.sqrt(2))
"""Of a junction whose magnetisations are at 45 degrees on average [field]."""
GIGAHERTZ = 1e9
"""Trained numbers are detunings in GHz."""
_PER_CALL = 2**20
"""Pairs of tone and resonator of one compiled call, about a millisecond."""

Spacing = Literal["linear", "geometric"]


@dataclass(frozen=True)
class Resonator(Synapse):
    """W = (kappa / I_th) sum_k s_k G_k, s_k = -1, +1, -1 ...: a chain of as many
    resonators in series as there are sources, wired head to tail, one chain for each
    target.

    Source i drives all chains with a tone f_i. A resonator rectifies it to G = 2 alpha
    f d / [(alpha f)^2 + d^2], d = f_i - f, which goes from -1 to 1. Its frequency f is
    a designed one and a trained detuning in GHz. `tone_spacing` and `resonator_spacing`
    say how tones, and the designed frequencies of a chain, go from the lowest to the
    highest: "linear" or "geometric".
    """

    kind: ClassVar[str] = "resonator"
    fields: ClassVar[tuple[Field, ...]] = (
        Field("tone", "1", "frequency of a source's tone over the designed one", 0.0),
        Field("resonance", "1", "frequency of a resonator over the wanted one", 0.0),
        Field("works", "1", "1, or 0 of a dead resonator, which rectifies nothing", 0.0, 1.0),
    )

    damping: float = quantity(
        0.01, about="alpha, half width of a line over its frequency", above=0, high=1,
        source=PUBLISHED,
    )  # fmt: skip
    lowest_frequency: float = quantity(
        20e6, "Hz", "of tones and resonators", above=0, high=1e15, source=PUBLISHED
    )
    highest_frequency: float = quantity(
        120e6, "Hz", "of tones and resonators", above=0, high=1e15, source=PUBLISHED
    )
    tone_spacing: Spacing = "linear"
    resonator_spacing: Spacing = "linear"
    threshold_current: float = quantity(
        10e-6, "A", "I_th of the neurons, a scale of voltages", above=0, high=1, source=PUBLISHED
    )
    kappa: float = quantity(
        KAPPA, about="of rectification, tan(pi/4) / (8 sqrt 2)", above=0, high=LARGEST_NUMBER,
        source=PUBLISHED,
    )  # fmt: skip
    unit_power: float = quantity(
        1.0, "W", "power of a source whose value is 1", above=0, high=LARGEST_NUMBER
    )
    start_deviation: float = quantity(
        1e6, "Hz", "of the first detunings, times sqrt(resonators of a chain)", low=0, high=1e15,
        source=PUBLISHED,
    )  # fmt: skip
    tone_tolerance: float = quantity(
        0.0, about="eps: tones are multiplied once by 1 + eps N(0, 1)", low=0, high=0.1,
        source=PUBLISHED,
    )  # fmt: skip
    resonance_tolerance: float = quantity(
        0.0, about="eps: resonances are multiplied once by 1 + eps N(0, 1)", low=0, high=0.1,
        source=PUBLISHED,
    )  # fmt: skip
    dead: float = quantity(0.0, about="share of resonators that rectify nothing", low=0, high=1)

    def problems(self) -> list[str]:
        found = super().problems()
        if self.highest_frequency < self.lowest_frequency:
            found.append(
                f"highest_frequency: must be at least lowest_frequency, {self.lowest_frequency:g}"
                f" Hz; got {self.highest_frequency:g}"
            )
        return found

    @property
    def trained_scale(self) -> float:
        """GHz: half the width of the narrowest line."""
        return self.damping * self.lowest_frequency / GIGAHERTZ

    def frequencies(self, spacing: str, count: int) -> np.ndarray:
        """(count,) designed frequencies in Hz; spacing: "linear" or "geometric"."""
        spaced = np.linspace if spacing == "linear" else np.geomspace
        return spaced(self.lowest_frequency, self.highest_frequency, count)

    def make(self, trained: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Fresh chains; detunings, in GHz, are drawn anew."""
        sources = trained.shape[1]
        deviation = self.start_deviation / GIGAHERTZ / math.sqrt(sources)
        trained[...] = deviation * rng.standard_normal(trained.shape)
        dead = np.zeros(trained.size, dtype=bool)
        dead[rng.permutation(trained.size)[: round(self.dead * trained.size)]] = True
        return {
            "tone": 1 + self.tone_tolerance * rng.standard_normal(sources),
            "resonance": 1 + self.resonance_tolerance * rng.standard_normal(trained.shape),
            "works": np.where(dead, 0.0, 1.0).reshape(trained.shape),
        }

    def nominal(self, devices: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: np.ones_like(array) for name, array in devices.items()}

    def read(self, trained: np.ndarray, devices: Mapping[str, np.ndarray]) -> np.ndarray:
        """The weights (targets, sources), V for one unit of a source's value."""
        out = np.empty_like(trained, order="C")
        self._chains(resonators.chains_forward, trained, devices, (), out)
        return out

    def read_backward(
        self, trained: np.ndarray, devices: Mapping[str, np.ndarray], g_weights: np.ndarray
    ) -> np.ndarray:
        """dLoss/ddetuning (targets, sources), for one GHz."""
        out = np.empty_like(trained, order="C")
        given = np.ascontiguousarray(g_weights, dtype=trained.dtype)
        self._chains(resonators.chains_backward, trained, devices, (given,), out)
        # f = (f0 + detuning) times the device's factor
        return out * devices["resonance"].astype(out.dtype)

    def program(
        self,
        trained: np.ndarray,
        devices: Mapping[str, np.ndarray],
        request: Request,
        rng: np.random.Generator,
    ) -> Events:
        """Tunes resonators exactly; each that is tuned is an event, at no energy."""
        super().program(trained, devices, request, rng)
        return Events(int(np.count_nonzero(request.change)))

    def _chains(self, kernel, trained, devices, given, out):
        """Calls a kernel for all chains, some at a time on each thread."""
        arrays = self._tables(trained, devices)
        chains, sources = trained.shape
        step = max(1, _PER_CALL // sources**2)

        def some(first):
            kernel(*arrays, *given, first, min(first + step, chains), out)

        threads.ordered_map(some, range(0, chains, step))

    def _tables(self, trained, devices):
        """(tones (I,), resonances (J, K), strengths (J, K), alpha), in GHz and in the
        precision of what is trained.
        """
        sources, dtype = trained.shape[1], trained.dtype
        tones = self.frequencies(self.tone_spacing, sources) * devices["tone"]
        designed = self.frequencies(self.resonator_spacing, sources) / GIGAHERTZ
        resonances = (designed + trained) * devices["resonance"]
        # head to tail: every second resonator rectifies the other way
        signs = np.where(np.arange(sources) % 2, 1.0, -1.0)
        strength = self.kappa * self.unit_power / self.threshold_current
        return (
            (tones / GIGAHERTZ).astype(dtype),
            resonances.astype(dtype),
            (strength * signs * devices["works"]).astype(dtype),
            dtype.type(self.damping),
        )
