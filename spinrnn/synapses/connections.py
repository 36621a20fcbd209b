"""All synapses of a network: the blocks of weights of its flat vector, each read and
programmed as the kind of synapse says.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spinrnn.errors import DataError, DivergenceError
from spinrnn.synapses.layout import Layout, layer_of
from spinrnn.synapses.protocol import Events, Request

_MAKING, _PROGRAMMING = 5, 6
"""Purposes of random numbers; up to 4 are those of `learning.trainer` and
`neurons.spread`."""

_NOT_FINITE = "a trained number of a synapse is not finite"


class Connections:
    """The synapses of a network.

    Args:
        kinds: of the synapses of each layer, that of the outputs last; layout: where
            the blocks stand in the flat vector.
        trained: (size,) of which fresh devices are made; may be changed in place.
        mask: (size,) bool or None; what does not exist is not changed.
        seed: of the devices' differences.
    Attributes:
        kinds: {block: kind}; devices: {block: {field: array}}.
        direct: whether all weights are the trained numbers themselves.
    """

    kinds: dict[str, Any]
    devices: dict[str, dict[str, np.ndarray]]
    direct: bool

    def __init__(
        self, kinds: Sequence[Any], layout: Layout, trained: np.ndarray, mask: Any, seed: int
    ) -> None:
        self._layout, self.devices = layout, {}
        self._is_weight = layout.is_weight()
        weights = self._weights(trained)
        self.kinds = {name: kinds[layer_of(name, len(kinds) - 1)] for name, _ in weights}
        self.direct = all(kind.direct for kind in kinds)
        if self.direct:
            return
        rng, before = np.random.default_rng([seed, _MAKING]), trained.copy()
        for name, own in weights:
            self.devices[name] = self.kinds[name].make(own, rng)
        if mask is not None:
            trained[~mask] = before[~mask]

    def _weights(self, flat):
        """(name, view) of each block of weights."""
        named = self._layout.named(flat)
        return [(name, view) for name, view in named.items() if name.startswith("w_")]

    def copy(self) -> "Connections":
        other = Connections.__new__(Connections)
        vars(other).update(vars(self))
        other.devices = {
            block: {name: array.copy() for name, array in own.items()}
            for block, own in self.devices.items()
        }
        return other

    def read(self, flat: np.ndarray) -> np.ndarray:
        """(size,) with the weights in place of their trained numbers.

        DivergenceError: a trained number is not finite, which a weight of few values
        would hide.
        """
        if self.direct:
            return flat
        read, trained, finite = np.empty_like(flat), self._layout.named(flat), True
        for name, view in self._layout.named(read).items():
            kind, own = self.kinds.get(name), trained[name]
            if kind is None or kind.direct:
                view[...] = own
                finite &= bool(np.isfinite(own).all())
            else:
                told = kind.read_into(own, self.devices[name], view)
                finite &= bool(np.isfinite(own).all() if told is None else told)
        if not finite:
            raise DivergenceError(_NOT_FINITE)
        return read

    def read_backward(self, flat: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Adjoint of `read`: the gradient (size,) of the trained numbers; it may be the
        given one itself.
        """
        if self.direct:
            return gradient
        back, trained = gradient, self._layout.named(flat)
        for name, given in self._weights(gradient):
            kind = self.kinds[name]
            own = given
            if not kind.direct:
                own = kind.read_backward(trained[name], self.devices[name], given)
            # what passes straight through is there already
            if own is not given:
                back = gradient.copy() if back is gradient else back
                self._layout.named(back)[name][...] = own
        return back

    def read_nominal(self, flat: np.ndarray) -> np.ndarray:
        """As `read`, of devices that are all alike, as of `Synapse.nominal`."""
        return self._nominal().read(flat)

    def read_nominal_backward(self, flat: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Adjoint of `read_nominal`."""
        return self._nominal().read_backward(flat, gradient)

    def _nominal(self):
        if self.direct:
            return self
        other = Connections.__new__(Connections)
        vars(other).update(vars(self))
        other.devices = {
            block: self.kinds[block].nominal(own) for block, own in self.devices.items()
        }
        return other

    def asked(self, asks: str) -> np.ndarray:
        """(size,) bool, where a writer's change is what it asks for; elsewhere it is an
        amount: of biases, and of weights whose synapses do not take what it asks for.
        """
        flags = self._is_weight.copy()
        for name, kind in self.kinds.items():
            if asks not in kind.takes:
                flags[self._layout.places(name)] = False
        return flags

    def program(
        self,
        flat: np.ndarray,
        change: np.ndarray,
        keep: float,
        mask: np.ndarray | None,
        seed: tuple[int, ...],
        asks: str = "amount",
    ) -> Events:
        """Makes the change (size,) that a writer asks for, in place: of the weights by
        way of their devices, to all else it is added.

        Args:
            keep: what weights are multiplied with before.
            mask: (size,) bool or None; what does not exist is left alone.
            seed: of what differs from write to write.
            asks: what the change of a weight is, see `Request`.
        """
        if self.direct:
            # one operation on the whole vector, entry by entry the same
            if keep != 1:
                flat[self._is_weight] *= keep
            flat += change
            return Events()
        return self._program(flat, change, keep, mask, seed, asks)

    def _program(self, flat, change, keep, mask, seed, asks):
        rng = np.random.default_rng([*seed, _PROGRAMMING])
        asked, views, total = self._layout.named(change), self._layout.named(flat), Events()
        others = {name: own + asked[name] for name, own in views.items() if name not in self.kinds}
        if not all(np.isfinite(own).all() for own in others.values()):
            raise DivergenceError(_NOT_FINITE)
        exists = {} if mask is None else self._layout.named(mask)
        # numbers whose signs are turned over stay finite
        turned = asks == "flips" and all("flips" in kind.takes for kind in self.kinds.values())
        before = None if turned and mask is None else flat.copy()
        for name, kind in self.kinds.items():
            own = asks if asks in kind.takes else "amount"
            request = Request(asked[name], keep, own, exists.get(name))
            total += kind.program(views[name], self.devices[name], request, rng)
        for name, own in others.items():
            views[name][...] = own
        if before is None:
            return total
        if mask is not None:
            flat[~mask] = before[~mask]
        if not np.isfinite(flat).all():
            flat[:] = before
            raise DivergenceError(_NOT_FINITE)
        return total

    def write(
        self, flat: np.ndarray, mask: np.ndarray | None, rng: np.random.Generator
    ) -> tuple[Events, dict[str, np.ndarray]]:
        """Writes a flat vector into the devices with verification, for kinds that have
        `write(trained, devices, exists, rng)`; returns the cost and {block: attempts}.
        """
        total, attempts, before = Events(), {}, flat.copy()
        exists = {} if mask is None else self._layout.named(mask)
        for name, own in self._weights(flat):
            found, attempts[name] = self.kinds[name].write(
                own, self.devices[name], exists.get(name), rng
            )
            total += found
        if mask is not None:
            flat[~mask] = before[~mask]
        return total, attempts

    def named(self) -> dict[str, np.ndarray]:
        """{"synapse/BLOCK/FIELD": array} for files."""
        return {
            f"synapse/{block}/{name}": array
            for block, own in self.devices.items()
            for name, array in own.items()
        }

    def take(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes over the devices that `named` gave.

        DataError: one is missing or does not fit.
        """
        for name, array in self.named().items():
            given = arrays.get(name)
            if given is None or given.shape != array.shape or given.dtype.kind != array.dtype.kind:
                raise DataError(f"{name}: is missing or not of the shape {array.shape}")
        self._require_possible(arrays)
        for name, array in self.named().items():
            array[...] = arrays[name]

    def _require_possible(self, arrays: Mapping[str, np.ndarray]) -> None:
        """DataError where a device holds what it cannot."""
        for block, own in self.devices.items():
            fields = {field.name: field for field in self.kinds[block].fields}
            for name in own:
                field = fields.get(name)
                problem = field and field.problem(arrays[f"synapse/{block}/{name}"])
                if problem is not None:
                    raise DataError(f"synapse/{block}/{name}: {problem}")
