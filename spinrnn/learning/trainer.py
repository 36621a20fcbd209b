"""Training as a generator: what a step is. Files, pictures and the screen are not its
business.

All random numbers are functions of (seed, purpose, epoch, batch), so the position in
the data is the whole random state.
"""

import contextlib
import dataclasses
import time
from collections.abc import Iterator
from dataclasses import InitVar, dataclass, field
from typing import Any

import numpy as np

from spinrnn.config import kinds
from spinrnn.config.run import RunConfig
from spinrnn.config.unread import unread
from spinrnn.datasets import parts
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.known import Known
from spinrnn.errors import DataError, DivergenceError
from spinrnn.learning.average import add_to_average
from spinrnn.learning.divergence import reason
from spinrnn.learning.gains import choose_gains
from spinrnn.learning.learner import Step, learner_of
from spinrnn.learning.loop import Loop, Place, Placed, check_learned, placed
from spinrnn.learning.reservoir import Reservoir
from spinrnn.learning.schedule import learning_rate
from spinrnn.networks.making import network_of
from spinrnn.networks.scaling import Scaling, standard
from spinrnn.neurons.spread import devices_of
from spinrnn.synapses.protocol import Events, Synapse
from spinrnn.tasks.protocol import Evaluation

_ORDER, _NOISE, _THERMAL = 1, 2, 3
"""Purposes of random numbers; 4 is that of `neurons.spread`."""


def evaluate(
    net: Any, data: Dataset, noise_seed: Any = 0, task: Any = None, forward: Any = None
) -> Evaluation:
    """How well a network does on labelled sequences.

    Args:
        data: of a network of a run their channels, units and the rate of sounds are
            compared with those of its training and, where they differ, converted;
            labels are matched by the names of the classes.
        noise_seed: of the thermal noise, as in `Network.forward`.
        task: None for `Classification`, of data with targets for `Regression`.
        forward: a device that gives the outputs in place of the network, as of `train`;
            it is asked once, for all cases.
    Returns:
        The task's scores as attributes; of a classification accuracy (share of cases
        whose largest logit is the label's, 0 to 1), loss (mean cross-entropy) and
        confusion (class, class), the number of cases by label (row) and answer
        (column).
    Raises:
        DataError, DivergenceError: as `Network.forward`; DataError also for data that
        cannot be compared with those of the training; DeviceError: of `forward`.
    """
    data = data if net.knows is None else net.knows.labelled(net.knows.matched(data))
    return scored(net, data, noise_seed, task, forward)


def scored(
    net: Any, data: Dataset, noise_seed: Any = 0, task: Any = None, forward: Any = None
) -> Evaluation:
    """`evaluate` of data that are the training's own, and so need no comparison."""
    regression = task is None and data.targets is not None
    task = kinds.made_of("task", "regression" if regression else task)
    data = task.prepared(data) if data.targets is None else data
    targets = task.targets(net, data)
    if forward is None:
        outputs = net.forward(data.inputs, data.lengths, noise_seed).astype(np.float64)
    else:
        outputs = placed(forward).outputs(net, data, noise_seed).astype(np.float64)
    found = task.evaluation(outputs, targets)
    if net.scaling is not None and net.scaling.of_outputs and targets.values.size:
        # the loss that is minimised; other scores are of the targets as they are
        wanted, own = map(net.scaling.wanted, (targets.values, outputs))
        scaled = task.evaluation(own, targets._replace(values=wanted))
        found.scores["loss"] = scaled.scores["loss"]
    return found


def test_of(
    net: Any, data: Dataset, task: Any, finer: int, forward: Placed | None
) -> tuple[Evaluation, dict[str, Any]]:
    """(how well a network does on its test part, numbers for a summary): its scores,
    with a device in the loop (forward: `Placed`) also those of its twin, and of a
    network with time those with so many times finer substeps.
    """
    found = scored(net, data, task=task, forward=forward)
    substeps = net.config.resolved_substeps
    numbers: dict[str, Any] = {f"test_{name}": value for name, value in found.plain().items()}
    if forward is not None:
        twin = scored(net, data, task=task).plain()
        numbers |= {f"test_{name}_twin": value for name, value in twin.items()}
    if "time" not in net.config.abilities:
        return found, numbers
    fine = scored(net.replace(substeps=finer * substeps), data, task=task)
    numbers |= {f"test_{name}_fine": value for name, value in fine.plain().items()}
    return found, numbers | {"substeps": substeps, "substeps_fine": finer * substeps}


def _copies(arrays):
    return {name: array.copy() for name, array in arrays.items()}


@dataclass
class _Sums:
    """What an epoch adds up over its batches.

    Part of a checkpoint, as a run may be killed within an epoch.
    """

    cases: int = 0
    loss: float = 0.0
    norm: float = 0.0
    largest_norm: float = 0.0
    seconds: float = 0.0
    # {score: its sum over the cases}
    scores: dict[str, float] = field(default_factory=dict)
    events: tuple[float, ...] = ()

    @classmethod
    def of(cls, state: dict[str, Any]) -> "_Sums":
        """Of a checkpoint's numbers, which in 0.1 were those of a classification."""
        known = dict(state)
        if "correct" in known:
            known["scores"] = {"accuracy": known.pop("correct")}
        return cls(**known)

    def add(self, step: Step, cases: int, scores: dict[str, np.ndarray]) -> None:
        """Adds what a step has seen, and its scores (case,)."""
        self.cases += cases
        self.loss += step.loss * cases
        self.norm += step.norm
        self.largest_norm = max(self.largest_norm, step.norm)
        for name, values in scores.items():
            self.scores[name] = self.scores.get(name, 0) + values.sum().item()
        both = Events(*self.events) + step.events
        # devices stand there still, so those of the steps do not add up
        self.events = both._replace(saturated=step.events.saturated)


@dataclass
class Trainer:
    """A training run in memory: network, learner and position in the data.

    Args:
        config: the run.
        data: is not kept: its parts are copies.
        loop: the device that gives the forward values, or None.
    Attributes:
        net: the network being trained; prepared: the same for the steps.
        learner: what makes a step.
        best_parameters: (size,) of the epoch with the best validation score, the
            latest of several; best_connections, best_buffers: those of then.
        best: the record of that epoch, None before the first has ended.
        drives: ((L,), (L,)) cumulative drives of the layers as drawn, and with chosen
            gains; None where these are as drawn.
        average: (size,) mean of the last weights, None where there is none.
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
    loop: Loop | None = None

    def __post_init__(self, data: Dataset) -> None:
        config, digest = self.config, data.digest()
        given = data
        whole = config.network.arranged(data)
        data = config.task.prepared(whole)
        self.net = network_of(config.network, seed=config.train.seed)
        if config.data.scaling != "none":
            # as inputs that will be scaled they are checked
            self.net.scaling = Scaling.neutral(config.network)
        self.net.check_inputs(data.inputs, data.lengths)
        config.task.targets(self.net, data)
        # the data are checked, so no batch is scanned again
        self.prepared = self.net.prepared()
        self.training, self.validation, self.test = parts.divide(whole, config)
        for name, part in zip(
            parts.NAMES, (self.training, self.validation, self.test), strict=True
        ):
            try:
                config.task.targets(self.net, part)
            except DataError as error:
                raise DataError(f"the {name} part: {error}") from None
        self._weigh()
        self._scale()
        chosen = config.train.gains == "drive"
        self.drives = choose_gains(self.net, self.training) if chosen else None
        batch = min(config.train.batch, len(self.training))
        self.plan = self.net.plan(batch, self.training.inputs.shape[2], self._goes_back)
        self.best_parameters = self.net.parameters.copy()
        self.best_connections = self.net.connections.copy()
        self.best_buffers = _copies(self.net.buffers)
        self.learner = learner_of(config.train, self.net)
        self.average = self.net.parameters.copy() if config.train.average else None
        self.batches = -(-len(self.training) // config.train.batch)
        self.data_digest = digest
        self.net.knows = dataclasses.replace(Known.of_data(given), channels=whole.channels)
        self._sums = _Sums()

    def _weigh(self) -> None:
        """Gives the cases that are learned from, or that choose a penalty, the weights
        of their classes.
        """
        classes = self.config.task.class_weights_of(self.training, self.net.config.outputs)
        if classes is not None:
            self.training = self.training.weighed(classes)
            self.validation = self.validation.weighed(classes)

    def _scale(self) -> None:
        """Gives the network the scaling of the training part, if it is to have one."""
        if self.config.data.scaling == "none":
            return
        part = self.training
        values = self.config.task.targets(self.net, part).values
        self.net.scaling = standard(part.inputs, part.lengths, values if values.size else None)

    def warm_up(self) -> float:
        """Compiles what the run needs, or loads it from the cache; returns seconds."""
        start = time.perf_counter()
        few = self.training.take(np.arange(1))
        with self._place():
            targets = self.config.task.targets(self.net, few)
            if self._goes_back:
                self.prepared.logits_loss_grad(few.inputs, targets, few.lengths)
            else:
                self.net.forward(few.inputs, few.lengths)
        return time.perf_counter() - start

    @property
    def _goes_back(self) -> bool:
        """Whether a step takes the exact gradient, of a network that has one."""
        able = "adjoint" in self.config.network.abilities
        return able and "equilibrium" not in self.config.train.estimator.needs

    @property
    def epochs(self) -> int:
        """That there will be."""
        return 1 if self.config.train.estimator.at_once else self.config.train.epochs

    @property
    def any_scale(self) -> bool:
        """Whether inputs may be of any order: the network scales them, or takes bins
        where the values are.
        """
        return self.net.scaling is not None or "counts" in self.net.config.abilities

    @property
    def unsuited(self) -> list[str]:
        """A sentence each on inputs and targets of which such a network learns
        nothing.
        """
        c, firing = self.net.config, "events" in self.net.config.abilities
        found = parts.scale_problems(self.training, self.any_scale, firing)
        if firing and c.gain > 0 and c.rest < 1:
            inputs = self.training.inputs
            scaling = self.net.scaling
            found += parts.silent_problems(inputs if scaling is None else scaling.read(inputs))
        return found

    @property
    def unheeded(self) -> list[str]:
        """A sentence each where the estimator takes no notice: of weights of cases that
        differ, and of keys that were given.
        """
        train, weights = self.config.train, self.training.weights
        kind, keys = train.estimator, unread(self.config)
        if kind.weighs or weights is None or np.ptp(weights) == 0:
            return keys
        return [f"the estimator {kind.kind} shows all cases alike, whatever their weights", *keys]

    @property
    def stopped(self) -> bool:
        """Whether the training has ended early: for `train.patience` epochs no score
        was better than all before.
        """
        task, patience = self.config.task, self.config.train.patience
        if not patience:
            return False
        best, since = None, 0
        for record in self.history:
            score = record[f"validation_{task.chooses}"]
            improved = best is None or (score != best and task.better(score, best))
            best, since = (score, 0) if improved else (best, since + 1)
        return since >= patience

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
        if self.config.train.estimator.at_once:
            if self.epoch == 0:
                yield self._fit()
            return
        if self.learner.steps == 0 and self.config.train.estimator.warm == "reservoir":
            with self._place():
                Reservoir().fit(self.net, self.config.task, self.training, self.validation)
        order = None
        while self.epoch < self.epochs and not self.stopped:
            start = time.perf_counter()
            order = self._order() if order is None else order
            # a device may have failed between the last step and the validation
            if self.batch < self.batches:
                self._step(order)
            record = (
                self._record(self._rate(self.batch - 1)) if self.batch == self.batches else None
            )
            self._sums.seconds += time.perf_counter() - start
            if record:
                record["seconds"] = round(self._sums.seconds, 4)
                self.history.append(record)
                self.epoch, self.batch, self._sums = self.epoch + 1, 0, _Sums()
                order = None
            yield record

    def _fit(self) -> dict[str, Any]:
        """Learns all at once; returns the record of the only epoch."""
        c, start = self.config, time.perf_counter()
        with self._place():
            c.train.estimator.fit(self.net, c.task, self.training, self.validation)
            found = scored(self.net, self.training, task=c.task).scores
        self.learner.steps = self.batch = self.batches = 1
        self._sums = _Sums(len(self.training), found["loss"] * len(self.training))
        record = self._record(0.0)
        record |= {f"train_{name}": value for name, value in found.items()}
        record["seconds"] = round(time.perf_counter() - start, 4)
        self.history.append(record)
        self.epoch, self.batch, self._sums = 1, 0, _Sums()
        return record

    def _order(self) -> np.ndarray:
        """The cases of the training part in this epoch's order."""
        rng = np.random.default_rng([self.config.train.seed, _ORDER, self.epoch])
        return rng.permutation(len(self.training))

    def _rate(self, batch: int) -> float:
        """The learning rate of a batch of this epoch."""
        c = self.config.train
        return learning_rate(c, self.epoch * self.batches + batch, c.epochs * self.batches)

    def _step(self, order: np.ndarray) -> None:
        """One batch."""
        c, task = self.config.train, self.config.task
        cases = order[self.batch * c.batch : (self.batch + 1) * c.batch]
        part = self.training.take(cases)
        thermal = (c.seed, _THERMAL, self.epoch, self.batch)
        targets, inputs = task.targets(self.net, part), self._noisy(part.inputs)
        if self.loop is not None:
            asked = (inputs, part.lengths, cases)
            targets = self.loop.measured(self.net, targets, asked, thermal, self.place("training"))
        with self._place():
            batch = inputs, targets, part.lengths
            step = self.learner.step(self.prepared, batch, self._rate(self.batch), thermal)
        if targets.measured.size:
            check_learned(step.outputs, targets, c.estimator.kind)
        if self.average is not None:
            span = c.average * self.batches
            add_to_average(self.average, self.net.parameters, self.learner.steps, span)
        self._sums.add(step, len(part), task.per_case(step.outputs, targets))
        self.batch += 1

    def place(self, part: str) -> Place:
        """Of the next call of a device: that of the next batch, or of a whole part."""
        each = self.batches + 1
        if part == "training":
            batch = self.batch + 1
            return Place(part, self.epoch + 1, batch, self.epoch * each + batch)
        if part == "validation":
            return Place(part, self.epoch + 1, 0, (self.epoch + 1) * each)
        return Place("test", 0, 0, self.epochs * each + 1)

    def _asked(self, part: str) -> Placed | None:
        """The device for all cases of a part; None where there is none."""
        return None if self.loop is None else Placed(self.loop, self.place(part))

    def tested(self, net: Any, finer: int) -> tuple[Evaluation, dict[str, Any]]:
        """`test_of` a network with the device of this training, if there is one."""
        return test_of(net, self.test, self.config.task, finer, self._asked("test"))

    def _noisy(self, inputs: np.ndarray) -> np.ndarray:
        """The inputs of a batch with this batch's Gaussian noise."""
        c = self.config.train
        if c.noise == 0:
            return inputs
        rng = np.random.default_rng([c.seed, _NOISE, self.epoch, self.batch])
        noise = c.noise * rng.standard_normal(inputs.shape, dtype=np.float32)
        scaling = self.net.scaling
        return inputs + (noise if scaling is None else noise * scaling.input_deviation[:, None])

    def _record(self, rate: float) -> dict[str, Any]:
        """The record of the epoch that ended, validation included; keeps the best."""
        task, sums = self.config.task, self._sums
        with self._place():
            self.config.train.estimator.settle(self.net, task, self.training)
        candidate = self._candidate()
        with self._place():
            asked = self._asked("validation")
            found = scored(candidate, self.validation, task=task, forward=asked)
        record = {
            "epoch": self.epoch + 1,
            "train_loss": sums.loss / sums.cases,
            **{f"train_{name}": total / sums.cases for name, total in sums.scores.items()},
            **{f"validation_{name}": value for name, value in found.plain().items()},
            "gradient_norm": sums.norm / self.batches,
            "gradient_norm_max": sums.largest_norm,
            "learning_rate": rate,
        }
        events = Events(*sums.events)
        # also where nothing was programmed, so that runs of devices have the same names
        if events.count or self._programs:
            record |= {f"programming_{name}": value for name, value in events._asdict().items()}
        # a small validation part has many ties; the later epoch has seen the smaller
        # rate
        chosen = f"validation_{task.chooses}"
        if self.best is None or task.better(record[chosen], self.best[chosen]):
            self.best = record
            self.best_parameters = candidate.parameters.copy()
            self.best_connections = self.net.connections.copy()
            self.best_buffers = _copies(self.net.buffers)
        return record

    @property
    def _programs(self) -> bool:
        """Whether a synapse counts what its programming costs."""
        synapses = self.config.network.synapses
        return any(type(one).program is not Synapse.program for one in synapses)

    def _candidate(self) -> Any:
        """The network that is validated: that of the mean of the last weights, or of
        the weights as they are.
        """
        if self.average is None or self.config.train.estimator.at_once:
            return self.net
        candidate = self.net.replace()
        candidate.parameters = self.average
        return candidate

    def best_network(self) -> Any:
        """The network of the best epoch so far."""
        net = self.net.replace()
        net.knows = self.net.knows
        net.parameters[:] = self.best_parameters
        net.connections = self.best_connections.copy()
        net.buffers = _copies(self.best_buffers)
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
            **self.learner.state(),
            **self._best_synapses(),
            **self._own_buffers(),
        }
        if self.net.mask is not None:
            arrays["mask"] = self.net.mask.astype(np.uint8)
        if self.net.devices is not None:
            arrays |= self.net.devices.named()
        if self.average is not None:
            arrays["average_parameters"] = self.average
        if self.net.scaling is not None:
            arrays |= self.net.scaling.named()
        return arrays, {
            "epoch": self.epoch,
            "batch": self.batch,
            "steps": self.learner.steps,
            "sums": vars(self._sums),
            "best_epoch": self.best and self.best["epoch"],
            "history": self.history,
            **self.names(),
        }

    def names(self) -> dict[str, Any]:
        """Names of the data's classes and channels, units and rate, as of
        `Known.record`.
        """
        return {} if self.net.knows is None else self.net.knows.record()

    def _own_buffers(self) -> dict[str, np.ndarray]:
        """{name: array} of the network's buffers, and of those in the best epoch."""
        best = {f"best_{name}": array for name, array in self.best_buffers.items()}
        return self.net.buffers | best

    def _best_synapses(self) -> dict[str, np.ndarray]:
        """{name: array} of the devices in the best epoch's synapses."""
        return {f"best_{name}": a for name, a in self.best_connections.named().items()}

    def restore(self, arrays: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        """Takes over what `state` returned.

        Raises:
            KeyError, TypeError, ValueError: it is anything else.
        """
        self._check_state(arrays, state)
        self.net.parameters[:] = arrays["parameters"]
        self.best_parameters[:] = arrays["best_parameters"]
        self.learner.restore(arrays, state["steps"])
        if self.average is not None:
            self.average[:] = arrays["average_parameters"]
        for name, array in (self._best_synapses() | self._own_buffers()).items():
            array[...] = arrays[name]
        if self.net.mask is not None:
            self.net.mask[:] = arrays["mask"].astype(bool)
        if "time" in self.config.network.abilities:
            self.net.devices = devices_of(arrays, self.config.network)
        self.prepared = self.net.prepared()
        self.epoch, self.batch = state["epoch"], state["batch"]
        self._sums, self.history = _Sums.of(state["sums"]), list(state["history"])
        best = [record for record in self.history if record["epoch"] == state["best_epoch"]]
        self.best = best[0] if best else None

    def _check_state(self, arrays: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        shape = self.net.parameters.shape
        wanted = {"parameters": shape, "best_parameters": shape}
        if self.net.mask is not None:
            wanted["mask"] = shape
        if self.average is not None:
            wanted["average_parameters"] = shape
        own = {**self.learner.state(), **self._best_synapses(), **self._own_buffers()}
        wanted |= {name: array.shape for name, array in own.items()}
        wrong = [name for name, shape in wanted.items() if arrays[name].shape != shape]
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
            begun = self.learner.steps > 0
            told = reason(self.net, self.config, self.training.inputs, begun)
            raise DivergenceError(
                f"diverged in {where}: {error}; {told}",
                case=error.case,
                layer=error.layer,
                neuron=error.neuron,
                step=error.step,
            ) from None
        except DataError as error:
            raise DataError(f"training data: {error}") from None
