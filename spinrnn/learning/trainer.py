"""Training as a generator: what a step is. Where its results go (files, figures, the screen) is the business of `run`.

All random numbers are functions of (seed, purpose, epoch, batch), so the position in the data is the whole random state.
"""

import time
from dataclasses import InitVar, dataclass, field

import numpy as np
from scipy.special import log_softmax

from spinrnn.datasets import dataset as datasets
from spinrnn.datasets import parts
from spinrnn.errors import DataError, DivergenceError
from spinrnn.learning.adam import Adam
from spinrnn.learning.schedule import clip_gradient, learning_rate
from spinrnn.networks.recurrent import Network
from spinrnn.neurons.spread import devices_of

_ORDER, _NOISE, _THERMAL = 1, 2, 3  # purposes of random numbers; 4 is that of `devices`


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


def evaluate(net, data, noise_seed=0):
    """`Score` of a network on a `Dataset`. noise_seed, DataError and DivergenceError as in `Network.forward`."""
    labels = net.check_labels(data.labels, len(data.inputs))
    logits = net.forward(data.inputs, data.lengths, noise_seed).astype(np.float64)
    answers = logits.argmax(axis=1)
    confusion = np.zeros((net.config.outputs,) * 2, dtype=np.int64)
    np.add.at(confusion, (labels, answers), 1)
    loss = -log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean()
    return Score(float((answers == labels).mean()), float(loss), confusion)


@dataclass
class _Sums:
    """What an epoch adds up over its batches; part of a checkpoint, as a run may be killed within an epoch."""

    cases: int = 0
    correct: int = 0
    loss: float = 0.0
    norm: float = 0.0
    largest_norm: float = 0.0
    seconds: float = 0.0


@dataclass
class Trainer:
    """A training run in memory: the network, the optimiser and the position in the data.

    Args:
        config: `RunConfig`; data: `Dataset`, which is not kept: its parts are copies.
    Attributes:
        net: the `Network` being trained; best_parameters: (size,) of the epoch with the highest validation accuracy, the latest of several.
        best: the record of that epoch, or None; history: a record (dict) for each finished epoch.
        training, validation, test: the parts of the data, `Dataset`s; data_digest: by which they are known again.
        plan: `engine.Plan` of a batch, with the memory it will take.
    Raises:
        DataError: the data do not fit the network; MemoryLimitError: a batch does not fit into the memory.
    """

    config: object
    data: InitVar[datasets.Dataset]
    epoch: int = 0
    batch: int = 0
    best: dict | None = None
    history: list = field(default_factory=list)

    def __post_init__(self, data):
        config = self.config
        self.net = Network(config.network, seed=config.train.seed)
        self.net.check_inputs(data.inputs, data.lengths)
        self.net.check_labels(data.labels, len(data.inputs))
        self.training, self.validation, self.test = (
            data.take(part) for part in parts.split(data, config.data, config.resolved_split_seed)
        )
        self.plan = self.net.plan(
            min(config.train.batch, len(self.training)), self.training.inputs.shape[2]
        )
        self.best_parameters = self.net.parameters.copy()
        self.adam = Adam(
            self.net.layout.size, config.network.dtype, config.train, self.net.layout.is_weight()
        )
        self.batches = -(-len(self.training) // config.train.batch)
        self.data_digest = data.digest()
        self._sums = _Sums()

    def warm_up(self):
        """Compiles what the run needs, or loads it from the cache. Returns the seconds this took."""
        start = time.perf_counter()
        few = self.training.take(np.arange(1))
        with self._place():
            self.net.loss_and_grad(few.inputs, few.labels, few.lengths)
        return time.perf_counter() - start

    def steps(self):
        """Trains from the current position to the end; yields after each batch: the epoch's record where one ended, else None.

        Between two yields everything that `state` returns belongs together.

        Raises:
            DivergenceError: a state, loss or gradient is not finite; says where and what to try. The parameters are those before the step.
        """
        c = self.config.train
        total = c.epochs * self.batches
        while self.epoch < c.epochs:
            order = np.random.default_rng([c.seed, _ORDER, self.epoch]).permutation(
                len(self.training)
            )
            while self.batch < self.batches:
                start = time.perf_counter()
                part = self.training.take(order[self.batch * c.batch : (self.batch + 1) * c.batch])
                inputs = part.inputs
                if c.noise > 0:
                    rng = np.random.default_rng([c.seed, _NOISE, self.epoch, self.batch])
                    inputs = inputs + c.noise * rng.standard_normal(inputs.shape, dtype=np.float32)
                rate = learning_rate(c, self.epoch * self.batches + self.batch, total)
                with self._place():
                    thermal = (c.seed, _THERMAL, self.epoch, self.batch)
                    logits, loss, gradient = self.net.logits_loss_grad(
                        inputs, part.labels, part.lengths, thermal
                    )
                norm = clip_gradient(gradient, c.clip)
                self.adam.step(self.net.parameters, gradient, rate)
                sums = self._sums
                sums.cases += len(part)
                sums.correct += int((logits.argmax(axis=1) == part.labels).sum())
                sums.loss += loss * len(part)
                sums.norm += norm
                sums.largest_norm = max(sums.largest_norm, norm)
                self.batch += 1
                record = self._end_epoch(rate) if self.batch == self.batches else None
                sums.seconds += time.perf_counter() - start
                if record:
                    record["seconds"] = round(sums.seconds, 4)
                    self.epoch, self.batch, self._sums = self.epoch + 1, 0, _Sums()
                    self.history.append(record)
                yield record
                if record:
                    break

    def _end_epoch(self, rate):
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
        # a small validation part has many ties; the later epoch has the smaller learning rate behind it
        if self.best is None or score.accuracy >= self.best["validation_accuracy"]:
            self.best = record
            self.best_parameters = self.net.parameters.copy()
        return record

    def best_network(self):
        """The network of the best epoch so far."""
        net = self.net.replace()
        net.parameters[:] = self.best_parameters
        return net

    def seconds(self):
        """Seconds spent in training steps and validation, over all resumptions."""
        return sum(record["seconds"] for record in self.history) + self._sums.seconds

    # ---- checkpoints ----

    def state(self):
        """(arrays by name, what JSON can hold): all that a run needs to go on to the same bits, besides its configuration and data."""
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
        position = {
            "epoch": self.epoch,
            "batch": self.batch,
            "steps": self.adam.steps,
            "sums": vars(self._sums),
        }
        return arrays, {
            **position,
            "best_epoch": self.best and self.best["epoch"],
            "history": self.history,
        }

    def restore(self, arrays, state):
        """Takes over what `state` returned; KeyError, TypeError or ValueError if it is anything else."""
        flat = ["parameters", "best_parameters", "adam_first", "adam_second"] + ["mask"] * (
            self.net.mask is not None
        )
        wrong = [name for name in flat if arrays[name].shape != self.net.parameters.shape]
        wrong += [
            name
            for name in ("epoch", "batch", "steps")
            if type(state[name]) is not int or state[name] < 0
        ]
        if wrong:
            raise ValueError(f"{' and '.join(wrong)}")
        self.net.parameters[:] = arrays["parameters"]
        self.best_parameters[:] = arrays["best_parameters"]
        self.adam.first[:], self.adam.second[:] = arrays["adam_first"], arrays["adam_second"]
        if self.net.mask is not None:
            self.net.mask[:] = arrays["mask"].astype(bool)
        self.net.devices = devices_of(arrays, self.config.network)
        self.epoch, self.batch, self.adam.steps = state["epoch"], state["batch"], state["steps"]
        self._sums, self.history = _Sums(**state["sums"]), list(state["history"])
        self.best = next(
            (record for record in self.history if record["epoch"] == state["best_epoch"]), None
        )

    def _place(self):
        return _Place(self)


class _Place:
    """Context that adds to a DivergenceError where in the training it happened and what to try."""

    def __init__(self, trainer):
        self._trainer = trainer

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, DivergenceError):
            t, network = self._trainer, self._trainer.config.network
            advice = "a smaller train.learning_rate or train.clip"
            if network.scheme == "euler":
                advice = 'network.scheme = "exponential", more network.substeps, or ' + advice
            where = (
                f"epoch {t.epoch + 1}, batch {t.batch + 1 if t.batch < t.batches else 'validation'}"
            )
            place = {
                "case": error.case,
                "layer": error.layer,
                "neuron": error.neuron,
                "step": error.step,
            }
            raise DivergenceError(f"diverged in {where}: {error}; try {advice}", **place) from None
        if isinstance(error, DataError):
            raise DataError(f"training data: {error}") from None
