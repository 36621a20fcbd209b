"""What a task is for everything above it: which targets it has, and how outputs are
scored.
"""

import math
from typing import Any, ClassVar, NamedTuple

import numpy as np

from spinrnn.config.kinds import Kind
from spinrnn.kernels.losses import Targets


class Score(NamedTuple):
    """A number that says how well a task is done.

    Attributes:
        name: as in records, "accuracy"; unit: "1" for none; meaning: a phrase that may
            follow "the test cases'"; better: "high" or "low".
    """

    name: str
    unit: str
    meaning: str
    better: str = "high"


class Evaluation:
    """How well a network does on labelled sequences.

    Its scores are attributes: ``evaluate(net, data).accuracy``.

    Attributes:
        scores: {name: value}; further: {name: array} of what is no single number, as
            the confusion of classes; these are attributes too.
    """

    scores: dict[str, float]
    further: dict[str, np.ndarray]

    def __init__(self, scores: dict[str, float], further: dict[str, np.ndarray]) -> None:
        self.scores, self.further = scores, further

    def plain(self) -> dict[str, float | None]:
        """The scores as JSON can hold them: None where one is not defined."""
        finite = {name: math.isfinite(value) for name, value in self.scores.items()}
        return {name: self.scores[name] if known else None for name, known in finite.items()}

    def __getattr__(self, name: str) -> Any:
        known = {**vars(self).get("scores", {}), **vars(self).get("further", {})}
        if name not in known:
            raise AttributeError(f"there is no {name}; there are {', '.join(known)}")
        return known[name]

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value:.4g}" for name, value in self.scores.items())
        return f"Evaluation({values})"


class Task(Kind):
    """Base of all kinds of tasks.

    Class attributes:
        kind: its name in configurations; scores: what is reported, `loss` among them;
            chooses: name of the score that chooses the best epoch.
        labelled: whether it learns labels, so that files must have them.
        washout: points at a case's start without a target; window: points of a training
            case that is cut out of one series. A kind may have them as its quantities.
    """

    role: ClassVar[str] = "task"
    scores: ClassVar[tuple[Score, ...]]
    chooses: ClassVar[str]
    labelled: ClassVar[bool] = True
    washout: int = 0
    window: int = 200

    def prepared(self, data: Any) -> Any:
        """The `Dataset` with what this task learns of it.

        Raises:
            DataError: the data lack it.
        """
        return data

    def sizes(self, data: Any) -> dict[str, Any]:
        """{key of [network]: value} that prepared data ask for."""
        raise NotImplementedError

    def named(self, known: Any) -> tuple[str, ...] | None:
        """Names of outputs that are numbers, None where they have none.

        known: `datasets.known.Known` of the data of the training.
        """
        return known.targets

    def targets(self, net: Any, data: Any) -> Targets:
        """The targets of prepared data for a `Network`.

        Raises:
            DataError: they do not fit.
        """
        raise NotImplementedError

    def wanted(self, data: Any, outputs: int) -> np.ndarray:
        """What so many outputs should be as numbers, of prepared data: (case, K) or
        (case, K, time), NaN for nothing; for a readout in closed form.
        """
        raise NotImplementedError

    def class_weights_of(self, training: Any, outputs: int) -> np.ndarray | None:
        """(K,) what the loss of a training case counts, by its label; None: all the
        same.
        """
        return None

    def per_case(self, outputs: np.ndarray, targets: Targets) -> dict[str, np.ndarray]:
        """{name: (case,)} of the scores that are means over cases; without the loss.
        They are reported of the training part too.
        """
        return {}

    def evaluation(self, outputs: np.ndarray, targets: Targets) -> Evaluation:
        """How well float64 outputs, as of `Network.forward`, meet the targets."""
        raise NotImplementedError

    @classmethod
    def better(cls, new: float, old: float) -> bool:
        """Whether a value of the score that chooses is at least as good as another."""
        high = next(score for score in cls.scores if score.name == cls.chooses).better == "high"
        return new >= old if high else new <= old
