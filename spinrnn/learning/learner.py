"""A step of learning: the gradient of a batch, and what becomes of it in the
synapses.
"""

from typing import Any, NamedTuple

import numpy as np

from spinrnn.config.run import TrainConfig
from spinrnn.errors import DivergenceError
from spinrnn.kernels.updates import finite
from spinrnn.learning.schedule import clip_gradient
from spinrnn.machine.threads import ordered_map, parts_of
from spinrnn.synapses.protocol import Events


class Step(NamedTuple):
    """What a step has seen.

    Attributes:
        outputs: (case, K); loss: mean over the cases, before the step.
        norm: of the gradient before clipping; events: what programming has cost.
    """

    outputs: np.ndarray
    loss: float
    norm: float
    events: Events


class GradientLearner:
    """Learning by a gradient: estimate it, ask the writer, program the synapses.

    Args:
        config: its estimator, writer and clip; net: whose parameters learn.
    Attributes:
        memory: {name: array} of the writer; steps: number of steps taken.
        events: what programming has cost since it was made.
    """

    memory: dict[str, np.ndarray]
    steps: int
    events: Events

    def __init__(self, config: TrainConfig, net: Any) -> None:
        self._config, self._net = config, net
        self._weights = net.connections.asked(config.writer.gives)
        memory = config.writer.memory(net.layout.size, net.config.dtype)
        # files have no arrays without axes
        self.memory = {name: np.atleast_1d(array) for name, array in memory.items()}
        self.steps, self.events = 0, Events()

    def step(
        self, prepared: Any, batch: tuple[Any, Any, Any], rate: float, seed: tuple[int, ...]
    ) -> Step:
        """One step, the network's parameters and devices are changed in place.

        Args:
            prepared: the network; batch: (inputs, targets, lengths); rate: learning
                rate; seed: of thermal noise and of programming.
        Raises:
            DivergenceError: as `Estimator.estimate`, or of what the writer asks for;
                the parameters are not changed then.
        """
        c, net = self._config, self._net
        estimate = c.estimator.estimate(prepared, *batch, seed)
        gradient = estimate.gradient
        # it is shortened, and becomes the change
        if not gradient.flags.writeable:
            gradient = gradient.copy()
        norm = clip_gradient(gradient, c.clip)
        # a number that is not finite makes the norm so
        if not np.isfinite(norm):
            _require_finite(gradient, f"the gradient of the estimator {c.estimator.kind}")
        self.steps += 1
        change, keep = c.writer.request(
            gradient, net.parameters, self.memory, self.steps, rate, self._weights
        )
        _require_finite(change, f"what the writer {c.writer.kind} asks for")
        events = net.connections.program(
            net.parameters, change, keep, net.mask, seed, c.writer.gives
        )
        self.events = (self.events + events)._replace(saturated=events.saturated)
        prepared.commit()
        return Step(estimate.outputs, estimate.loss, norm, events)

    def state(self) -> dict[str, np.ndarray]:
        """{name: array} of its memory and the synapses' devices, for checkpoints."""
        kind = self._config.writer.kind
        own = {f"{kind}_{name}": array for name, array in self.memory.items()}
        return own | self._net.connections.named()

    def restore(self, arrays: dict[str, np.ndarray], steps: int) -> None:
        """Takes over what `state` returned, after so many steps."""
        for name, array in self.state().items():
            array[...] = arrays[name]
        self.steps = steps


class EventLearner(GradientLearner):
    """Learning by a rule of its own: synapses are written while a batch is shown."""

    def step(
        self, prepared: Any, batch: tuple[Any, Any, Any], rate: float, seed: tuple[int, ...]
    ) -> Step:
        """As of `GradientLearner`; what the rule does is `Estimator.present`."""
        step = self._config.estimator.present(self._net, batch, rate, seed)
        _require_finite(self._net.parameters, f"what {self._config.estimator.kind} has learned")
        self.steps += 1
        self.events = (self.events + step.events)._replace(saturated=step.events.saturated)
        return step


def learner_of(config: TrainConfig, net: Any) -> GradientLearner:
    """The learner that an estimator asks for; arguments as of `GradientLearner`."""
    return (EventLearner if config.estimator.local else GradientLearner)(config, net)


def _require_finite(numbers, what):
    if not all(ordered_map(lambda part: finite(numbers[part]), parts_of(numbers.size))):
        raise DivergenceError(f"{what} is not finite")
