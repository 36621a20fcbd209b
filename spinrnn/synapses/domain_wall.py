"""Domain walls: a few positions in a racetrack, each written with an error."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.config.run import LARGEST_NUMBER
from spinrnn.config.tables import Problems
from spinrnn.kernels.updates import want_levels
from spinrnn.machine.threads import each, parts_of
from spinrnn.synapses.protocol import Events, Field, Request, StraightThrough

_STRAINED = "arXiv:2010.10076, abstract"


@dataclass(frozen=True)
class DomainWall(StraightThrough):
    """A wall in one of n positions, moved by a current while a voltage chooses where it
    stops (arXiv:2111.07284). The equations are ours, section "Domain walls" of
    docs/MODEL.md.

    The trained number is the weight that is wanted; the wall goes to the level next to
    it when it is further from that level than the margin. Gradients are taken at the
    walls as they stand, and pass straight through.

    Attributes:
        accumulate: whether the wanted weight is kept beside the wall in high precision;
            without it the wall itself is all the memory there is.
    """

    kind = "domain_wall"
    takes = ("amount",)
    fields = (Field("position", "1", "of the wall, -1 to 1 between the outermost levels"),)

    states: int = quantity(5, about="positions of a wall", low=2, high=1000)
    noise: float = quantity(
        0.2, about="deviation of a position, in distances of levels", low=0, high=10
    )
    slips: float = quantity(
        0.0, about="probability that a wall ends at the level beside the wanted one", low=0, high=1
    )
    margin: float = quantity(
        0.5,
        about="distance from its level that a wall may have without being moved, in distances "
        "of levels",
        low=0,
        high=10,
    )
    accumulate: bool = True
    largest: float | None = quantity(
        None,
        about="the weight of the outermost levels; left out: sqrt(12 / sources) of a block",
        above=0,
        high=LARGEST_NUMBER,
    )
    energy: float = quantity(
        3e-15, "J", "of moving a wall, an assumption", low=0, high=LARGEST_NUMBER, source=_STRAINED
    )
    length: float = quantity(600e-9, "m", "that the wall has for its positions", above=0, high=1)
    spacing: float = quantity(
        100e-9, "m", "smallest distance of two positions that can be told apart", low=0, high=1
    )
    attempts: int = quantity(
        100, about="at most, of writing with verification", low=1, high=1_000_000
    )

    def problems(self) -> list[str]:
        found = Problems(self)
        found += super().problems()
        if self.states > self.most_states:
            needed = (self.states - 1) * self.spacing
            room = f"room for {self.most_states:g} at a distance of {self.spacing:g} m"
            sentence = (
                f"{self.states} positions of a wall need {needed:g} m; {self.length:g} m have"
            )
            found.add("states", f"{sentence} {room}")
        return found

    @property
    def most_states(self) -> float:
        """Positions for which the wire has room."""
        # a distance that goes into it without a rest does so in rounded numbers too
        return 1 + self.length / self.spacing * (1 + 1e-9) // 1 if self.spacing else math.inf

    @property
    def distance(self) -> float:
        """Of two levels, which are spread evenly from -1 to 1."""
        return 2 / (self.states - 1)

    def make(self, trained: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Walls at the levels next to the trained numbers, each moved there once."""
        self._settle(trained)
        devices = {"position": np.empty_like(trained)}
        every = np.arange(trained.size)
        self._move(devices["position"].reshape(-1), self._levels(trained).reshape(-1), every, rng)
        self._forget(trained, devices)
        return devices

    def read(self, trained: np.ndarray, devices: Mapping[str, np.ndarray]) -> np.ndarray:
        position = devices["position"]
        return position * position.dtype.type(self._size(trained))

    def program(
        self,
        trained: np.ndarray,
        devices: Mapping[str, np.ndarray],
        request: Request,
        rng: np.random.Generator,
    ) -> Events:
        """Adds to the wanted weights, and moves the walls too far from them."""
        position = devices["position"]
        levels, far = self._want(trained, position, request)
        if request.exists is not None:
            far &= request.exists
        places = np.flatnonzero(far)
        slipped = self._move(position.reshape(-1), levels.reshape(-1), places, rng)
        self._forget(trained, devices)
        return self._events(levels, places, slipped)

    def write(
        self,
        trained: np.ndarray,
        devices: Mapping[str, np.ndarray],
        exists: np.ndarray | None,
        rng: np.random.Generator,
    ) -> tuple[Events, np.ndarray]:
        """Writes with verification, as of a network that was trained elsewhere: moves
        each wall until it is within the margin of its level.

        exists: (targets, sources) bool, where there is a wall; None: everywhere.

        Returns:
            What it took, where a wall that is not within the margin after `attempts` is
            refused, and the attempts (targets, sources).
        """
        self._settle(trained)
        levels = self._levels(trained)
        position, wanted = devices["position"].reshape(-1), levels.reshape(-1)
        attempts, left = np.zeros(trained.size, np.int64), np.arange(trained.size)
        if exists is not None:
            left = np.flatnonzero(exists)
        for _ in range(self.attempts):
            self._move(position, wanted, left, rng)
            attempts[left] += 1
            error = np.abs(position[left] - self._places(wanted[left]))
            left = left[error > self.margin * self.distance]
            if not left.size:
                break
        self._forget(trained, devices)
        count = int(attempts.sum())
        ends = np.isin(wanted, (0, self.states - 1))
        events = Events(count, count * self.energy, left.size, int(attempts[ends].sum()))
        return events, attempts.reshape(trained.shape)

    # ---- parts ----

    def _size(self, trained):
        """The weight of the outermost level. Where it is not given, twice that up to
        which a uniform distribution has the variance of initial weights, 1 / sources,
        as trained weights are larger.
        """
        return math.sqrt(12 / trained.shape[1]) if self.largest is None else self.largest

    def _settle(self, trained):
        """Keeps wanted weights within the outermost levels, in place."""
        size = self._size(trained)
        np.clip(trained, -size, size, out=trained)

    def _levels(self, trained):
        """Number of the level next to each wanted weight."""
        scale = trained.dtype.type(1 / (self._size(trained) * self.distance))
        middle = trained.dtype.type((self.states - 1) / 2)
        return np.clip(np.rint(trained * scale + middle), 0, self.states - 1)

    def _want(self, trained, position, request):
        """Changes the wanted weights, in place; returns the number of the level next to
        each of them, and which walls are further from it than the margin.
        """
        numbers = (
            request.keep,
            self._size(trained),
            1 / (self._size(trained) * self.distance),
            (self.states - 1) / 2,
            self.states - 1,
            self.distance,
            self.margin * self.distance,
        )
        numbers = tuple(map(trained.dtype.type, numbers))
        levels, far = np.empty_like(trained), np.empty(trained.shape, bool)

        def work(rows):
            own = (array[rows] for array in (trained, request.change, position))
            want_levels(*own, numbers, levels[rows], far[rows])

        each(parts_of(*trained.shape), work)
        return levels, far

    def _places(self, levels):
        """Positions of levels, -1 to 1."""
        return levels * levels.dtype.type(self.distance) - levels.dtype.type(1)

    def _move(self, position, levels, places, rng):
        """Moves the walls at some places of flat arrays; returns how many slipped."""
        wanted, slipped = levels[places], 0
        if self.slips:
            wrong = rng.random(places.size) < self.slips
            beside = wanted + np.where(rng.random(places.size) < 0.5, -1, 1)
            # at the ends there is but one beside
            beside = np.where(beside < 0, 1, beside)
            beside = np.where(beside > self.states - 1, self.states - 2, beside)
            wanted = np.where(wrong, beside, wanted).astype(levels.dtype)
            slipped = int(np.count_nonzero(wrong))
        error = rng.standard_normal(places.size, dtype=position.dtype)
        error *= position.dtype.type(self.noise * self.distance)
        position[places] = self._places(wanted) + error
        return slipped

    def _forget(self, trained, devices):
        """Without an accumulator the wall is what remains of a wanted weight."""
        if not self.accumulate:
            trained[...] = self.read(trained, devices)

    def _events(self, levels, places, slipped):
        ends = np.count_nonzero((levels == 0) | (levels == self.states - 1))
        return Events(places.size, places.size * self.energy, slipped, int(ends))
