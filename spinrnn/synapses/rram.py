"""Pairs of hafnium-oxide cells that are raised by weak RESET pulses."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.config.run import LARGEST_NUMBER
from spinrnn.kernels.cells import Cells, Noise, give_pulses, room_for, weights_of
from spinrnn.machine import threads
from spinrnn.synapses.laws import OFFSETS, SLOPES
from spinrnn.synapses.protocol import Events, Field, Request, StraightThrough
from spinrnn.synapses.sign import binary_size, signs

_WEAK = "the program of arXiv:2107.06064"
SPAN = 1 << 14
"""Pairs that a thread takes at a time."""


@dataclass(frozen=True)
class RRAM(StraightThrough):
    """W = largest sign(R_BL - R_BLb), of two cells of hafnium oxide whose resistances
    only grow, by weak RESET pulses (arXiv:2107.06064); section "Weak RESET" of
    docs/MODEL.md. A positive pulse goes to BL, a negative one to BLb.

    The trained number stays what it was drawn; its sign counts where two resistances
    are equal. The gradient passes straight through.

    Attributes:
        centred: whether the uniform numbers of the pink noise have the mean 0; as
            published they have 1/2, which adds the same to the ln R of all cells.
    """

    kind = "rram"
    takes = ("pulses",)
    read_with: ClassVar[Mapping[str, Mapping[str, Any]]] = {"memory": {"pink": ...}}
    fields = (
        *(Field(name, law.unit, f"{law.about}, of both cells") for name, law in SLOPES.items()),
        *(Field(name, law.unit, f"{law.about}, of both cells") for name, law in OFFSETS.items()),
        Field("start", "1", "ln(R_0 / Ohm) + c1"),
        Field("amplitude", "1", "of the telegraph noise in ln R", 0.0),
        Field("pulses", "1", "since the last SET", 0.0),
        Field("given", "1", "pulses ever", 0.0),
        Field("sets", "1", "SET pulses of a pair", 0.0),
        Field("high", "1", "1 where the telegraph noise is in its high state", None, 1.0),
        Field("pink", "1", "pink noise in ln R"),
        Field("log_resistance", "1", "ln(R / Ohm) at the last read"),
        Field("key", "1", "of the pink noise"),
    )

    slope_spread: float = quantity(
        1.0, about="m1, t* and m2 from cell to cell, 1 as published, 0 none", low=0, high=1
    )
    offset_spread: float = quantity(
        1.0, about="R_0 and c1 from cell to cell, 1 as published, 0 none", low=0, high=1
    )
    telegraph: float = quantity(
        0.5, about="largest amplitude of the telegraph noise in ln R", low=0, high=10, source=_WEAK
    )
    rise: float = quantity(
        0.0008, about="probability per pulse of going from low to high", low=0, high=0.5,
        source=_WEAK,
    )  # fmt: skip
    fall: float = quantity(
        0.002, about="probability per pulse of going from high to low", above=0, high=0.5,
        source=_WEAK,
    )  # fmt: skip
    pink: float = quantity(
        0.025, about="alpha, of the pink noise in ln R; 0 is none", low=0, high=10, source=_WEAK
    )
    memory: int = quantity(
        127, about="pulses that the pink noise remembers", low=1, high=10_000, source=_WEAK
    )
    centred: bool = False
    largest: float | None = quantity(
        None,
        about="the size of all weights; left out: 2 / sqrt(sources) of a block",
        above=0,
        high=LARGEST_NUMBER,
    )
    energy: float = quantity(
        1e-11, "J", "of a weak RESET pulse, an assumption", low=0, high=LARGEST_NUMBER
    )
    endurance: int = quantity(
        1_000_000, about="pulses that a cell takes in its life", low=1, high=1_000_000_000
    )
    refresh: int = quantity(
        0,
        about="pulses after which both cells of a pair are SET, and their difference is written "
        "again; 0 is never",
        low=0,
        high=1_000_000_000,
    )
    set_energy: float = quantity(
        1e-10, "J", "of a SET pulse, an assumption", low=0, high=LARGEST_NUMBER
    )

    def make(self, trained: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Fresh pairs, in float32: what was drawn is known no better."""
        shape = (2, *trained.shape)
        devices = {}
        for laws, spread in ((SLOPES, self.slope_spread), (OFFSETS, self.offset_spread)):
            for name, law in laws.items():
                drawn = law.draw(shape, rng)
                mean = law.mean
                devices[name] = (mean + spread * (drawn - mean)).astype(np.float32)
        devices["start"] = np.log(devices["resistance"]) + devices["offset"]
        devices["amplitude"] = (self.telegraph * rng.random(shape)).astype(np.float32)
        for name in ("pulses", "given"):
            devices[name] = np.zeros(shape, np.int32)
        devices["sets"] = np.zeros(trained.shape, np.int32)
        devices["high"] = np.zeros(shape, np.uint8)
        for name in ("pink", "log_resistance"):
            devices[name] = np.zeros(shape, np.float32)
        devices["key"] = rng.integers(1 << 32, size=2, dtype=np.int64)
        # those before the first pulse are remembered too
        self._give(devices, np.zeros(trained.shape, np.int32), rng, every=True)
        return devices

    def read(self, trained: np.ndarray, devices: Mapping[str, np.ndarray]) -> np.ndarray:
        first, second = devices["log_resistance"]
        positive = (first > second) | ((first == second) & (trained >= 0))
        return signs(positive, binary_size(self.largest, trained), trained.dtype)

    def program(
        self,
        trained: np.ndarray,
        devices: Mapping[str, np.ndarray],
        request: Request,
        rng: np.random.Generator,
    ) -> Events:
        """Gives the pulses, and reads all cells once. Each pulse is an event."""
        asked = np.rint(request.change).astype(np.int32)
        if request.exists is not None:
            asked *= request.exists
        sets = self._refresh(devices, asked)
        pulses, _, refused, saturated = map(int, self._give(devices, asked, rng))
        energy = pulses * self.energy + sets * self.set_energy
        return Events(pulses + sets, energy, refused, saturated)

    # ---- parts ----

    def _refresh(self, devices, asked):
        """SETs the cells of pairs with too many pulses, and asks for their difference
        again; returns the number of SET pulses.
        """
        pulses = devices["pulses"]
        full = pulses.max(axis=0) >= self.refresh if self.refresh else np.zeros(asked.shape, bool)
        if not full.any():
            return 0
        # no more than half, or the next step would find them full again
        most = self.refresh // 2
        difference = np.clip(pulses[0] - pulses[1], -most, most)
        asked[full] += difference[full]
        pulses[:, full] = 0
        devices["sets"][full] += 2
        return 2 * int(np.count_nonzero(full))

    def _give(self, devices, asked, rng, every=False):
        """Counts (4,) of `give_pulses`, for all pairs."""
        flat = {name: array.reshape(-1) for name, array in devices.items()}
        cells, asked = Cells(*(flat[name] for name in Cells._fields)), asked.reshape(-1)
        noise = self._noise(devices, rng)

        def give(first):
            counts = np.zeros(4, np.int64)
            last = min(first + SPAN, asked.size)
            give_pulses(cells, asked, noise, first, last, room_for(), every, counts)
            return counts

        return np.array(threads.ordered_map(give, range(0, asked.size, SPAN))).sum(axis=0)

    def _noise(self, devices, rng):
        step_key = rng.integers(1 << 32, size=2, dtype=np.uint32)
        weights = _weights(self.memory, self.pink) if self.pink else np.zeros((4, 0, 4), np.float32)
        centre = np.float32(0.5 - 0.5 / 65536 if self.centred else -0.5 / 65536)
        key = devices["key"].astype(np.uint32)
        return Noise(key, step_key, weights, centre, self.rise, self.fall, self.endurance)


def pink_weights(memory: int) -> np.ndarray:
    """(memory,) b_k = Gamma(k + 1/2) / (Gamma(1/2) k!), of the newest number, the one
    before it, ...: what makes 1/f noise of white noise (Kasdin 1995,
    doi:10.1109/5.381848).
    """
    k = np.arange(1, memory)
    return np.concatenate([[1.0], np.cumprod((k - 0.5) / k)])


@functools.cache
def _weights(memory, amplitude):
    return weights_of(amplitude * pink_weights(memory))
