"""How much neurons differ from each other: relative standard deviations by name."""

from collections.abc import Mapping
from typing import Any

from spinrnn.config.quantity import spread_names
from spinrnn.config.tables import plain
from spinrnn.errors import ConfigError

GAIN = "gain"
"""The spread that a network has for any kind of neuron: of the amplification."""


def spreads_of(*kinds: Any) -> tuple[str, ...]:
    """Names by which neurons of these kinds may differ, the network's gain at the
    end.
    """
    return (*dict.fromkeys(name for kind in kinds for name in spread_names(kind)), GAIN)


class Spread:
    """Relative standard deviations from neuron to neuron, and the seed of the devices.

    ``Spread(gamma=0.1, gain=0.05, seed=3)``. The names are those of a kind's quantities
    that have a spread, and gain, of the amplification A. 0 is none. It does not change.

    Attributes:
        deviations: {name: relative standard deviation}, those that are not 0.
        seed: of the differences; the same number is the same devices.

    Raises:
        ConfigError: all impossible values at once.
    """

    deviations: dict[str, float]
    seed: int

    def __init__(self, *, seed: int = 0, **deviations: float) -> None:
        problems, found = [], {}
        for name, given in deviations.items():
            value = plain(given)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not 0 <= value <= 1:
                wanted = "a relative standard deviation from 0 to 1, as in 0.1 for 10 %"
                problems.append(f"{name}: must be {wanted}, got {given}")
            elif value:
                found[name] = float(value)
        seed = plain(seed)
        if not isinstance(seed, int) or isinstance(seed, bool):
            problems.append(f"seed: must be a whole number, got {seed}")
        elif not 0 <= seed < 2**63:
            problems.append(f"seed: must not be negative and below 2**63, got {seed}")
        if problems:
            raise ConfigError(problems)
        vars(self)["deviations"] = dict(sorted(found.items()))
        vars(self)["seed"] = seed

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a Spread does not change; make another one")

    def get(self, name: str) -> float:
        """The relative standard deviation of this name."""
        return self.deviations.get(name, 0.0)

    def table(self) -> dict[str, Any]:
        """{key: value} as in a configuration file, without those that are 0."""
        return {**self.deviations, "seed": self.seed}

    def __bool__(self) -> bool:
        return bool(self.deviations)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spread) and self.table() == other.table()

    def __hash__(self) -> int:
        return hash(tuple(self.table().items()))

    def __repr__(self) -> str:
        return f"Spread({', '.join(f'{key}={value!r}' for key, value in self.table().items())})"


def spread_of(given: Any) -> Spread:
    """A `Spread` of what a user may give for one: itself, its table, or None for none.

    ConfigError: it is none of these, or the table has mistakes.
    """
    if isinstance(given, Spread):
        return given
    if given is not None and not isinstance(given, Mapping):
        raise ConfigError([f"seed: must be a spinrnn.Spread, got {given!r}"])
    return Spread(**{str(key): value for key, value in (given or {}).items()})


def known_spread(given: Any) -> Spread:
    """What stands in for a spread with mistakes: the same names."""
    names = given if isinstance(given, Mapping) else ()
    return Spread(**dict.fromkeys((str(name) for name in names if name != "seed"), 1.0))
