"""What configurations of networks have in common whose layers follow one another, each
with weights, a kind of synapse and an amplification of its own.
"""

from collections.abc import Mapping
from typing import Any

from spinrnn.config.parts import (
    LARGEST_NUMBER,
    check_synapses,
    for_each,
    one_or_each,
    set_parts,
    settled,
)
from spinrnn.config.static import StaticConfig
from spinrnn.config.tables import Problems


class LayeredConfig(StaticConfig):
    """Base of frozen dataclasses.

    Attributes:
        layers: neurons in each hidden layer; synapse: one kind, or one for each layer,
            that of the outputs last; amplification: likewise; output_amplification: of
            the outputs.
    """

    layers: tuple[int, ...]
    synapse: Any
    amplification: float | tuple[float, ...]
    output_amplification: float

    @property
    def synapses(self) -> tuple[Any, ...]:
        """The synapse of each layer, that of the outputs last."""
        return for_each(self.synapse, len(self.layers) + 1)

    @property
    def amplifications(self) -> tuple[float, ...]:
        """Of each layer, that of the outputs last."""
        return for_each(self.amplification, len(self.layers) + 1)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers of a case, neurons of each layer, outputs."""
        return (int(self.inputs), *self.layers, int(self.outputs))

    def _make_with_synapses(self, made: Mapping[str, Any]) -> list[str]:
        """Makes the parts, as of `set_parts`, and the synapses; what is impossible."""
        problems = set_parts(self, made)
        synapse, found = one_or_each("synapse", self.synapse)
        object.__setattr__(self, "synapse", synapse)
        return problems + found

    def _settle(self) -> None:
        object.__setattr__(self, "synapse", settled(self.synapse, len(self.layers) + 1))

    def _check_layers(self, found: Problems) -> None:
        """Adds what is impossible about synapses and amplifications."""
        check_synapses(self, found)
        most, count = LARGEST_NUMBER, len(self.layers) + 1
        if len(self.amplifications) != count:
            wanted = f"give one, or one for each of the {count} layers, that of the outputs last"
            found.add("amplification", f"{wanted}; got {len(self.amplifications)}")
        for key in ("amplification", "output_amplification"):
            values = getattr(self, key)
            values = values if isinstance(values, tuple) else (values,)
            fits = all(1 / most <= value <= most for value in values)
            found.require(fits, key, f"from {1 / most:g} to {most:g}")
