"""Classification: one of K classes for each case, read at its end."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import log_softmax

from spinrnn.tasks.protocol import Evaluation, Score, Task


@dataclass(frozen=True)
class Classification(Task):
    """The answer is the class of the largest output; the loss is the cross-entropy."""

    kind = "classification"
    scores = (
        Score("loss", "1", "mean cross-entropy", "low"),
        Score("accuracy", "1", "share of the cases answered rightly"),
    )
    chooses = "accuracy"

    def checked_targets(self, net: Any, data: Any) -> np.ndarray:
        """Labels (case,) int64."""
        return net.check_labels(data.labels, len(data.inputs))

    def per_case(self, outputs: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
        return {"accuracy": outputs.argmax(axis=1) == targets}

    def evaluation(self, outputs: np.ndarray, targets: np.ndarray) -> Evaluation:
        classes, answers = outputs.shape[1], outputs.argmax(axis=1)
        confusion = np.zeros((classes, classes), dtype=np.int64)
        np.add.at(confusion, (targets, answers), 1)
        loss = -log_softmax(outputs, axis=1)[np.arange(len(targets)), targets].mean()
        scores = {"loss": float(loss), "accuracy": float((answers == targets).mean())}
        return Evaluation(scores, {"confusion": confusion})
