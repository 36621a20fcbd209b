"""What configurations of networks have in common that take a case as one list of
numbers, without points in time.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from spinrnn.config.tables import Unsaid, check, unsaid
from spinrnn.errors import ConfigError
from spinrnn.notebook import card

FOLLOWING = {"inputs": 1, "outputs": 10}
"""Keys that follow from the data where they are not given, and what they are without
data."""

Own = TypeVar("Own", bound="StaticConfig")


class StaticConfig:
    """Base of frozen dataclasses, whose table [network] names their kind.

    A case is a list of numbers; those of sequences are taken point by point, channel
    after channel.

    Class attributes:
        kind: its name in configurations; abilities: what an estimator may ask of such a
            network; parts: tables of a configuration file that are its own, besides
            [network]; read_with: as of `kinds.Kind`; tasks: kinds of tasks that it can
            be asked, () for any.
        readout, readout_window, resolved_substeps: as of `NetworkConfig`.
    Attributes:
        inputs: numbers of a case; outputs: classes, or values.
        follows: those of `FOLLOWING` that were not given.
    """

    kind: ClassVar[str]
    abilities: ClassVar[frozenset[str]]
    parts: ClassVar[tuple[str, ...]]
    read_with: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    tasks: ClassVar[tuple[str, ...]] = ()
    readout: ClassVar[str] = "end"
    readout_window: ClassVar[int] = 0
    resolved_substeps: ClassVar[int] = 1
    inputs: int
    outputs: int
    follows: Any

    def __post_init__(self) -> None:
        still = [key for key in FOLLOWING if isinstance(getattr(self, key), Unsaid)]
        problems = self._make_parts()
        try:
            check(self)
        except ConfigError as error:
            problems += error.problems
        self._settle()
        # these follow from the data
        object.__setattr__(self, "follows", tuple(still))
        for key in still:
            object.__setattr__(self, key, unsaid(FOLLOWING[key]))
        if problems:
            raise ConfigError(problems)

    def _make_parts(self) -> list[str]:
        """Makes the parts that are given as tables; what is impossible about them."""
        return []

    def _settle(self) -> None:
        """Brings what was checked into its one form."""

    def automatic(self) -> dict[str, Any]:
        """{key: value} that it takes where the key is None: none."""
        return {}

    def fitted(self: Own, sizes: Mapping[str, Any]) -> Own:
        """The network with what its keys follow of the data.

        sizes: {key: value}, as of `Task.sizes`.
        """
        own = {key: sizes[key] for key in self.follows if key in sizes}
        left = {key: int(getattr(self, key)) for key in self.follows if key not in own}
        return dataclasses.replace(self, **left, **own, follows=())  # type: ignore[type-var]

    def arranged(self, data: Any) -> Any:
        """A `Dataset` as such a network takes it: (case, inputs, 1).

        DataError: its cases differ in length.
        """
        return data.flat()

    def misfits(self, train: Any) -> list[str]:
        """What a `TrainConfig` asks for that such a network does not have, a sentence
        each.
        """
        return []

    def rows(self) -> list[tuple[str, Any]]:
        """What a notebook shows of the network: (name, value)."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return card(type(self).__name__, self.rows())
