"""What networks have in common that take a case as one list of numbers: how inputs are
laid out, which keys are fixed by what was learned, and the check of memory.
"""

import dataclasses
from typing import Any, ClassVar

import numpy as np

from spinrnn.errors import ConfigError, DataError, MemoryLimitError
from spinrnn.machine.memory import format_size, get_memory_limit
from spinrnn.networks.base import BaseNetwork, Seed
from spinrnn.networks.inputs import checked_inputs, checked_lengths


class StaticNetwork(BaseNetwork):
    """Base of networks of a `config.static.StaticConfig`.

    Class attributes:
        called: what one is called in messages.
        shows: what it gives in place of trajectories, in messages.
        fixed: keys on which the number of parameters, or what they mean, depends;
            fixed_by: what these are called.
    """

    called: ClassVar[str]
    shows: ClassVar[str] = "forward gives its outputs"
    fixed: ClassVar[tuple[str, ...]]
    fixed_by: ClassVar[str] = "the trained parameters"
    mask: None = None
    devices: None = None

    def check_inputs(self, u, lengths=None) -> tuple[np.ndarray, np.ndarray]:
        """u as (case, inputs, 1), as of `BaseNetwork.check_inputs`."""
        return checked_inputs(self.config, *self._flat(u, lengths), dtype=self._input_dtype)

    def _flat(self, u, lengths):
        """u as (case, inputs, 1) and no lengths, where they fit."""
        shape, inputs = np.shape(u), int(self.config.inputs)
        if len(shape) != 3 or shape[1] * shape[2] != inputs:
            got = f"{shape[1]} * {shape[2]} numbers" if len(shape) == 3 else f"the shape {shape}"
            raise DataError(
                f"inputs: expected the shape (case, channel, time) with channel * time = "
                f"{inputs}, as network.inputs; got {got}"
            )
        lengths = checked_lengths(self.config, lengths, shape[0], shape[2])
        if (lengths != shape[2]).any():
            raise DataError(f"lengths: {self._takes(shape[2])}")
        return np.reshape(u, (shape[0], inputs, 1)), None

    def _takes(self, points):
        """Sentence on the cases that it takes, where these are of so many points."""
        return f"{self.called} takes whole cases of {points} points"

    def stream(self, cases: int = 1, noise_seed: Seed = 0) -> Any:
        """DataError: such a network takes no series."""
        raise DataError(f"{self.called} takes whole cases and no stream of points")

    def simulate(self, u, lengths=None, noise_seed: Seed = 0) -> Any:
        """DataError: such a network takes no series."""
        raise DataError(f"{self.called} has no trajectories; {self.shows}")

    simulate_to = simulate

    def _config_with(self, changes: dict[str, Any]) -> Any:
        """Its configuration with changes; ConfigError for those of `fixed`."""
        config = dataclasses.replace(self.config, **changes)
        changed = [key for key in self.fixed if getattr(config, key) != getattr(self.config, key)]
        if changed:
            raise ConfigError([f"{key}: fixed by {self.fixed_by}" for key in changed])
        return config

    def _copied_buffers(self):
        return {name: array.copy() for name, array in self.buffers.items()}


def require_room(cases: int, wanted: int, advice: str) -> None:
    """MemoryLimitError where so many bytes are above `spinrnn.get_memory_limit`."""
    limit = get_memory_limit()
    if limit is not None and wanted > limit:
        raise MemoryLimitError(
            f"{cases} cases at once take {format_size(wanted)}, the limit is "
            f"{format_size(limit)}; {advice}"
        )
