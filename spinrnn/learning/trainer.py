"""Training as a generator: what a step is. Files, pictures and the screen are not its
business.

All random numbers are functions of (seed, purpose, epoch, batch), so the position in
the data is the whole random state.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import InitVar, dataclass, field
from typing import Any

import numpy as np
from scipy.special import log_softmax

from spinrnn.config.run import RunConfig
from spinrnn.datasets import parts
from spinrnn.datasets.dataset import Dataset
from spinrnn.errors import DataError, DivergenceError
from spinrnn.learning.adam import Adam
from spinrnn.learning.schedule import clip_gradient, learning_rate
from spinrnn.networks.recurrent import Network
from spinrnn.neurons.spread import devices_of

_ORDER, _NOISE, _THERMAL = 1, 2, 3
"""Purposes of random numbers; 4 is that of `neurons.spread`."""


@dataclass
class Score:
    """Result of an evaluation.

    Attributes:
        accuracy: share of cases whose largest logit is the label's, 0 to 1.
        loss: mean cross-entropy.
        confusion: (class, class) number of cases by label (row) and answer (column).
    """

    accuracy: float
    loss: float
    confusion: np.ndarray


def evaluate(net: Network, data: Dataset, noise_seed: Any = 0) -> Score:
    """The `Score` of a network on labelled sequences.

    Args:
        noise_seed: of the thermal noise, as in `Network.forward`.
    Raises:
        DataError, DivergenceError: as `Network.forward`.
    """
    labels = net.check_labels(data.labels, len(data.inputs))
    logits = net.forward(data.inputs, data.lengths, noise_seed).astype(np.float64)
    answers = logits.argmax(axis=1)
    confusion = np.zeros((net.config.outputs,) * 2, dtype=np.int64)
    np.add.at(confusion, (labels, answers), 1)
    loss = -log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean()
    return Score(float((answers == labels).mean()), float(loss), confusion)


@dataclass
class _Sums:
    """What an epoch adds up over its batches.

    Part of a checkpoint, as a run may be killed within an epoch.
    """

    cases: int = 0
    correct: int = 0
    loss: float = 0.0
    norm: float = 0.0
    largest_norm: float = 0.0
    seconds: float = 0.0


@dataclass
class Trainer:
    """A training run in memory: network, optimiser and position in the data.

    Args:
        config: the run.
        data: is not kept: its parts are copies.
    Attributes:
        net: the network being trained; prepared: the same for the steps.
        best_parameters: (size,) of the epoch with the highest validation accuracy, the
            latest of several.
        best: the record of that epoch, None before the first has ended.
        history: a record for each finished epoch.
        epoch, batch: position, the number of finished epochs and of batches in this
            one.
        training, validation, test: the parts of the data.
        data_digest: by which the data are known again.
        plan: `Plan` of a batch, with the memory that it will take.
    Raises:
        DataError: the data do not fit the network; MemoryLimitError: a batch does not
            fit into the memory.
    """

    config: RunConfig
    data: InitVar[Dataset]
    epoch: int = 0
    batch: int = 0
    best: dict[str, Any] | None = None
    history: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self, data: Dataset) -> None:
        config = self.config
        self.net = Network(config.network, seed=config.train.seed)
        self.net.check_inputs(data.inputs, data.lengths)
        self.net.check_labels(data.labels, len(data.inputs))
        # the data are checked, so no batch is scanned again
        self.prepared = self.net.prepared()
        indices = parts.split(data, config.data, config.resolved_split_seed)
        self.training, self.validation, self.test = (data.take(part) for part in indices)
        batch = min(config.train.batch, len(self.training))
        self.plan = self.net.plan(batch, self.training.inputs.shape[2])
        self.best_parameters = self.net.parameters.copy()
        layout = self.net.layout
        self.adam = Adam(layout.size, config.network.dtype, config.train, layout.is_weight())
        self.batches = -(-len(self.training) // config.train.batch)
        self.data_digest = data.digest()
        self._sums = _Sums()

    def warm_up(self) -> float:
        """Compiles what the run needs, or loads it from the cache; returns seconds."""
        start = time.perf_counter()
        few = self.training.take(np.arange(1))
        with self._place():
            self.net.loss_and_grad(few.inputs, few.labels, few.lengths)
        return time.perf_counter() - start

    # ---- steps ----

    def steps(self) -> Iterator[dict[str, Any] | None]:
        """Trains from the current position to the end.

        Between two yields everything that `state` returns belongs together.

        Yields:
            After each batch: the epoch's record where an epoch ended, else None.
        Raises:
            DivergenceError: a state, loss or gradient is not finite; says where and
                what to try. The parameters are those before the step.
        """
        order = None
        while self.epoch < self.config.train.epochs:
            start = time.perf_counter()
            order = self._order() if order is None else order
            rate = self._step(order)
            record = self._record(rate) if self.batch == self.batches else None
            self._sums.seconds += time.perf_counter() - start
            if record:
                record["seconds"] = round(self._sums.seconds, 4)
                self.history.append(record)
                self.epoch, self.batch, self._sums = self.epoch + 1, 0, _Sums()
                order = None
            yield record

    def _order(self) -> np.ndarray:
        """The cases of the training part in this epoch's order."""
        rng = np.random.default_rng([self.config.train.seed, _ORDER, self.epoch])
        return rng.permutation(len(self.training))

    def _step(self, order: np.ndarray) -> float:
        """One batch: gradient, clipping, Adam. Returns the learning rate."""
        c = self.config.train
        part = self.training.take(order[self.batch * c.batch : (self.batch + 1) * c.batch])
        thermal = (c.seed, _THERMAL, self.epoch, self.batch)
        with self._place():
            logits, loss, gradient = self.prepared.logits_loss_grad(
                self._noisy(part.inputs), part.labels, part.lengths, thermal
            )
        norm = clip_gradient(gradient, c.clip)
        step = self.epoch * self.batches + self.batch
        rate = learning_rate(c, step, c.epochs * self.batches)
        self.adam.step(self.net.parameters, gradient, rate)
        sums = self._sums
        sums.cases += len(part)
        sums.correct += int((logits.argmax(axis=1) == part.labels).sum())
        sums.loss += loss * len(part)
        sums.norm += norm
        sums.largest_norm = max(sums.largest_norm, norm)
        self.batch += 1
        return rate

    def _noisy(self, inputs: np.ndarray) -> np.ndarray:
        """The inputs of a batch with this batch's Gaussian noise."""
        c = self.config.train
        if c.noise == 0:
            return inputs
        rng = np.random.default_rng([c.seed, _NOISE, self.epoch, self.batch])
        return inputs + c.noise * rng.standard_normal(inputs.shape, dtype=np.float32)

    def _record(self, rate: float) -> dict[str, Any]:
        """The record of the epoch that ended, validation included; keeps the best."""
        with self._place():
            score = evaluate(self.net, self.validation)
        sums = self._sums
        record = {
            "epoch": self.epoch + 1,
            "train_loss": sums.loss / sums.cases,
            "train_accuracy": sums.correct / sums.cases,
            "validation_loss": score.loss,
            "validation_accuracy": score.accuracy,
            "gradient_norm": sums.norm / self.batches,
            "gradient_norm_max": sums.largest_norm,
            "learning_rate": rate,
        }
        # a small validation part has many ties; the later epoch has seen the smaller
        # rate
        if self.best is None or score.accuracy >= self.best["validation_accuracy"]:
            self.best = record
            self.best_parameters = self.net.parameters.copy()
        return record

    def best_network(self) -> Network:
        """The network of the best epoch so far."""
        net = self.net.replace()
        net.parameters[:] = self.best_parameters
        return net

    def seconds(self) -> float:
        """Seconds spent in training steps and validation, over all resumptions."""
        return sum(record["seconds"] for record in self.history) + self._sums.seconds

    # ---- checkpoints ----

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """(arrays, what JSON can hold) with which a run goes on to the same bits.

        Its configuration and its data are not among them.
        """
        arrays = {
            "parameters": self.net.parameters,
            "best_parameters": self.best_parameters,
            "adam_first": self.adam.first,
            "adam_second": self.adam.second,
        }
        if self.net.mask is not None:
            arrays["mask"] = self.net.mask.astype(np.uint8)
        if self.net.devices is not None:
            arrays |= self.net.devices.named()
        return arrays, {
            "epoch": self.epoch,
            "batch": self.batch,
            "steps": self.adam.steps,
            "sums": vars(self._sums),
            "best_epoch": self.best and self.best["epoch"],
            "history": self.history,
        }

    def restore(self, arrays: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        """Takes over what `state` returned.

        Raises:
            KeyError, TypeError, ValueError: it is anything else.
        """
        self._check_state(arrays, state)
        self.net.parameters[:] = arrays["parameters"]
        self.best_parameters[:] = arrays["best_parameters"]
        self.adam.first[:], self.adam.second[:] = arrays["adam_first"], arrays["adam_second"]
        if self.net.mask is not None:
            self.net.mask[:] = arrays["mask"].astype(bool)
        self.net.devices = devices_of(arrays, self.config.network)
        self.prepared = self.net.prepared()
        self.epoch, self.batch, self.adam.steps = state["epoch"], state["batch"], state["steps"]
        self._sums, self.history = _Sums(**state["sums"]), list(state["history"])
        best = [record for record in self.history if record["epoch"] == state["best_epoch"]]
        self.best = best[0] if best else None

    def _check_state(self, arrays: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        shape = self.net.parameters.shape
        flat = ["parameters", "best_parameters", "adam_first", "adam_second"]
        if self.net.mask is not None:
            flat.append("mask")
        wrong = [name for name in flat if arrays[name].shape != shape]
        counts = ("epoch", "batch", "steps")
        wrong += [name for name in counts if type(state[name]) is not int or state[name] < 0]
        if wrong:
            raise ValueError(" and ".join(wrong))

    # ---- errors ----

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        """Context that adds to an error where in the training it was, what to try."""
        try:
            yield
        except DivergenceError as error:
            batch = self.batch + 1 if self.batch < self.batches else "validation"
            where = f"epoch {self.epoch + 1}, batch {batch}"
            raise DivergenceError(
                f"diverged in {where}: {error}; try {self._advice()}",
                case=error.case,
                layer=error.layer,
                neuron=error.neuron,
                step=error.step,
            ) from None
        except DataError as error:
            raise DataError(f"training data: {error}") from None

    def _advice(self) -> str:
        """What keeps a training from diverging."""
        advice = "a smaller train.learning_rate or train.clip"
        if self.config.network.scheme == "euler":
            return f'network.scheme = "exponential", more network.substeps, or {advice}'
        return advice
