"""What networks of all kinds have in common: flat parameters, synapses, scaling, and
the losses of batches.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from spinrnn.arrays import array_of
from spinrnn.datasets.known import Known
from spinrnn.errors import DataError, DivergenceError
from spinrnn.kernels.losses import Targets
from spinrnn.networks.inputs import checked_inputs, checked_labels
from spinrnn.networks.running import Batch
from spinrnn.networks.scaling import Scaling, check_scaling
from spinrnn.networks.targets import checked_targets
from spinrnn.neurons.spread import checked_seed
from spinrnn.synapses.connections import Connections
from spinrnn.synapses.layout import Layout

Seed: TypeAlias = int | Sequence[int]
"""Of thermal noise: a whole number from 0, or a list of them."""


class BaseNetwork:
    """Base of networks. A kind of network has `_run(batch, backward)`, which gives
    outputs (case, K, R), losses (case,) or None and the gradient (size,) or None of a
    `Batch`, and `prepared()`.

    Attributes:
        config, layout, connections: as of `Network`.
        knows: `Known`, what its training knew of its data, or None; it is of a run, not
            of a network's own file.
        buffers: {name: array} of what belongs to the network besides parameters,
            synapses and devices, and changes while it learns; it is kept with it.
    """

    config: Any
    mask: Any
    devices: Any
    layout: Layout
    connections: Connections
    buffers: dict[str, np.ndarray]
    _parameters: np.ndarray
    _scaling: Scaling | None = None
    knows: Known | None = None

    def _run(self, batch: Batch, backward: bool) -> tuple[Any, Any, Any]:
        raise NotImplementedError

    def replace(self, **changes: Any) -> Any:
        """A network with a copy of the parameters and another configuration."""
        raise NotImplementedError

    def forward(self, u, lengths=None, noise_seed: Seed = 0) -> np.ndarray:
        """Outputs of inputs u (case, channel, time)."""
        raise NotImplementedError

    def trained_outputs(self, u, lengths=None, noise_seed: Seed = 0) -> np.ndarray:
        """`forward` as a step of training has it."""
        return self.forward(u, lengths, noise_seed)

    def read_out(self, u, lengths, noise_seed: Seed, features: np.ndarray) -> np.ndarray:
        """`forward` with a device's features, (case, n) or (case, n, time), in the
        place of what the network's readout would read.
        """
        raise NotImplementedError

    def stream(self, cases: int = 1, noise_seed: Seed = 0) -> Any:
        """The network, to be run one input point after the other."""
        raise NotImplementedError

    def save(self, path: str | Path) -> None:
        """Writes configuration, parameters, synapses, buffers and scaling to an HDF5
        file, atomically. `spinrnn.load` reads it.
        """
        from spinrnn.networks.saved import save_network

        save_network(self, path)

    def prepared(self) -> Any:
        """The network as it is now, for many training steps on inputs that were
        checked.
        """
        raise NotImplementedError

    @property
    def parameters(self) -> np.ndarray:
        return self._parameters

    @parameters.setter
    def parameters(self, values: Any) -> None:
        values = np.array(array_of(values, "parameters"), dtype=self.config.dtype)
        if values.shape != (self.layout.size,):
            size = self.layout.size
            raise DataError(f"parameters: expected {size} numbers, got the shape {values.shape}")
        self._parameters = values

    @property
    def scaling(self) -> Scaling | None:
        return self._scaling

    @scaling.setter
    def scaling(self, scaling: Scaling | None) -> None:
        check_scaling(scaling, self.config)
        self._scaling = scaling

    def views(self) -> dict[str, Any]:
        """Writable views of `parameters` by kind of block, as of `Layout.grouped`."""
        return self.layout.grouped(self.parameters)

    def effective(self) -> np.ndarray:
        """(size,) `parameters` with the weights that the synapses make of them; with
        ideal synapses `parameters` itself.
        """
        return self.connections.read(self.parameters)

    def loss(
        self, u, labels=None, lengths=None, noise_seed: Seed = 0, targets=None, weights=None
    ) -> float:
        """Mean loss over the cases, without the backward pass.

        Arguments and errors as in `loss_and_grad`.
        """
        batch = self._batch(u, lengths, noise_seed, labels, targets, weights)
        losses = self._run(batch, False)[1]
        assert losses is not None
        return finite(losses.mean())

    def loss_and_grad(
        self, u, labels=None, lengths=None, noise_seed: Seed = 0, targets=None, weights=None
    ) -> tuple[float, np.ndarray]:
        """Mean loss over the cases and its gradient (size,): of labels the
        cross-entropy, of targets the squared error (with a scaling of outputs that of
        scaled targets); of a case the mean over its targets.

        The gradient is the exact adjoint of the discrete steps, for the noise that was
        drawn.

        Args:
            u, lengths, noise_seed: as in `forward`.
            labels, targets, weights: as in `networks.targets.checked_targets`, where
                targets are called values; labels (case,) are whole numbers in [0,
                outputs), targets (case, K) any numbers.
        Raises:
            DataError, DivergenceError, MemoryLimitError: as in `forward`; also for a
                loss or a gradient that is not finite.
        """
        return self.logits_loss_grad(u, labels, lengths, noise_seed, targets, weights)[1:]

    def logits_loss_grad(
        self, u, labels=None, lengths=None, noise_seed: Seed = 0, targets=None, weights=None
    ) -> tuple[np.ndarray, float, np.ndarray]:
        """`loss_and_grad` with the outputs, as of `forward`, in front."""
        return self.prepared().run(self._batch(u, lengths, noise_seed, labels, targets, weights))

    def _said(self, outputs):
        """Outputs (case, K, ...) in the targets' units."""
        return outputs if self.scaling is None else self.scaling.said(outputs)

    def _read(self, u, lengths, noise_seed):
        """A checked `Batch` without targets, scaled."""
        u, lengths = self.check_inputs(u, lengths)
        batch = Batch(u, lengths, None, checked_seed(noise_seed))
        return batch.scaled(self.scaling, self.config.dtype)

    def _batch(self, u, lengths, noise_seed, labels, values, weights):
        """A checked `Batch` with targets."""
        u, lengths = self.check_inputs(u, lengths)
        points = u.shape[2]
        targets = checked_targets(self.config, lengths, points, labels, values, weights)
        return Batch(u, lengths, targets, checked_seed(noise_seed)).scaled(
            self.scaling, self.config.dtype
        )

    def check_inputs(self, u, lengths=None) -> tuple[np.ndarray, np.ndarray]:
        """u in the network's dtype, with a scaling in float64 and not scaled yet, zero
        after a case's end, and lengths as (case,) int64.

        DataError: they do not fit the network, or u is not finite before a case's end.
        """
        return checked_inputs(self.config, u, lengths, dtype=self._input_dtype)

    def received(self, u, lengths=None) -> np.ndarray:
        """u (case, channel, time) as the network computes with it: scaled, in its
        dtype, zero after a case's end. Errors as of `check_inputs`.
        """
        return self._read(u, lengths, 0).u

    @property
    def _input_dtype(self):
        """Of inputs before they are scaled: large numbers keep their small
        differences.
        """
        return self.config.dtype if self.scaling is None else "float64"

    def targets(self, data: Any, labels: Any = None, values: Any = None) -> Targets:
        """`Targets` of a `Dataset`, as of `networks.targets.checked_targets`."""
        points = np.shape(data.inputs)[2]
        lengths = np.full(len(data.inputs), points) if data.lengths is None else data.lengths
        weights = data.weights
        return checked_targets(self.config, np.asarray(lengths), points, labels, values, weights)

    def check_labels(self, labels, samples: int) -> np.ndarray:
        """Labels as (case,) int64; DataError where they do not fit the network."""
        return checked_labels(self.config, labels, samples)


def finite(loss: float) -> float:
    """DivergenceError for a loss that is not finite."""
    loss = float(loss)
    if not math.isfinite(loss):
        raise DivergenceError("the loss is not finite though all logits are")
    return loss
