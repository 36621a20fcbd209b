"""What learning is made of: an estimator finds the gradient, a writer says how the
trained numbers are to change.
"""

from typing import Any, ClassVar, NamedTuple

import numpy as np

from spinrnn.config.kinds import Kind
from spinrnn.synapses.protocol import ASKED


class Estimate(NamedTuple):
    """What an estimator finds for a batch.

    Attributes:
        outputs: (case, K) of the network; loss: mean over the cases; gradient: (size,)
            of it with respect to the trained numbers. A writer may put its change in
            its place, so an estimator that needs it later keeps a copy.
    """

    outputs: np.ndarray
    loss: float
    gradient: np.ndarray


class Estimator(Kind):
    """Base of all kinds of estimators.

    Class attributes:
        kind: its name in configurations; needs: abilities that a network must have, as
            of `NetworkConfig.abilities`.
        at_once: whether it has `fit(net, task, training, validation)`, which learns all
            in one epoch, in place of `estimate`.
        ideal_synapses: whether it writes weights itself, which devices do not take.
        local: whether it has `present`, a rule that writes synapses while a batch is
            shown, in place of `estimate`; no writer is asked then.
        weighs: whether cases and classes of larger weights teach it more.
        hears_devices: whether it learns of what a device in the loop has measured.
        warm: "reservoir" begins with the readout that `Reservoir` finds. A kind may
            have it as a key.
    """

    role: ClassVar[str] = "estimator"
    needs: ClassVar[frozenset[str]] = frozenset()
    at_once: ClassVar[bool] = False
    ideal_synapses: ClassVar[bool] = False
    local: ClassVar[bool] = False
    weighs: ClassVar[bool] = True
    hears_devices: ClassVar[bool] = True
    warm: str = "none"

    def estimate(self, net: Any, u: np.ndarray, targets: Any, lengths: Any, seed: Any) -> Estimate:
        """The gradient of the mean loss over a batch.

        Args:
            net: `networks.recurrent.Prepared`; u: (case, channel, time), finite;
            targets: `kernels.losses.Targets` of the cases; lengths: (case,) or None;
            seed: of thermal noise.
        Raises:
            DivergenceError: a state, the loss or the gradient is not finite.
        """
        raise NotImplementedError

    def present(self, net: Any, batch: Any, rate: float, seed: tuple[int, ...]) -> Any:
        """Shows a batch to a network, whose synapses learn from it in place; only of
        kinds that are `local`.

        Args:
            net: the network itself; batch: (inputs (case, channel, time), `Targets`,
                lengths); rate: learning rate; seed: of all that is random.
        Returns:
            `learning.learner.Step`.
        """
        raise NotImplementedError

    def settle(self, net: Any, task: Any, training: Any) -> None:
        """What is to be done at an epoch's end before the network is judged, as giving
        neurons the classes that they answer to. By default nothing.

        training: `Dataset` of the training part.
        """

    @classmethod
    def class_problems(cls) -> list[str]:
        """What a class lacks as a kind, a sentence each."""
        if cls.at_once:
            lacks = "fit: is missing; a method (net, task, training, validation)"
            return [] if hasattr(cls, "fit") else [lacks]
        if cls.local:
            return _missing(cls, Estimator, {"present": "what a batch does to the synapses"})
        return _missing(cls, Estimator, {"estimate": "the gradient of a batch"})


class Change(NamedTuple):
    """What a writer asks of the trained numbers.

    Attributes:
        change: (size,), of weights what `Writer.gives` says, see `Request`, of all else
            what is to be added.
        keep: what weights are multiplied with before, less than 1 for a decay. Biases
            do not decay.
    """

    change: np.ndarray
    keep: float = 1.0


class Writer(Kind):
    """Base of all kinds of writers.

    Class attributes:
        kind: its name in configurations; gives: what it asks of synapses, one of
            `synapses.protocol.ASKED`.
    """

    role: ClassVar[str] = "writer"
    gives: ClassVar[str] = "amount"

    def memory(self, size: int, dtype: str) -> dict[str, np.ndarray]:
        """{name: array} that it keeps from step to step, part of checkpoints."""
        return {}

    def request(
        self,
        gradient: np.ndarray,
        trained: np.ndarray,
        memory: dict[str, np.ndarray],
        step: int,
        rate: float,
        weights: np.ndarray,
    ) -> Change:
        """What it asks for after a gradient.

        Args:
            gradient, trained: (size,), the gradient may become the change, as nobody
                reads it afterwards; memory: of `memory`, changed in place; step: number
                of the step, from 1; rate: its learning rate; weights: (size,) bool,
                True where synapses take what it gives, False for biases and all else
                that is given amounts.
        """
        raise NotImplementedError

    @classmethod
    def class_problems(cls) -> list[str]:
        """What a class lacks as a kind, a sentence each."""
        problems = _missing(cls, Writer, {"request": "what it asks for after a gradient"})
        if cls.gives not in ASKED:
            known = " or ".join(f'"{word}"' for word in ASKED)
            problems.append(f"gives: must be {known}, got {cls.gives!r}")
        return problems


def _missing(cls, base, wanted):
    return [
        f"{name}: is missing; a method, {what}"
        for name, what in wanted.items()
        if getattr(cls, name) is getattr(base, name)
    ]
