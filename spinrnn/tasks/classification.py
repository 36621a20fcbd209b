"""Classification: a class for each case, read at its end, or for every input point."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import log_softmax

from spinrnn.errors import DataError
from spinrnn.kernels.losses import Targets
from spinrnn.tasks.protocol import Evaluation, Score, Task


@dataclass(frozen=True)
class Classification(Task):
    """The answer is the class of the largest output; the loss is the cross-entropy.

    Attributes:
        class_weights: "balanced" lets each class count alike in training, however many
            cases it has: a case's loss counts N / (classes * N of its class), of N
            training cases (King & Zeng 2001, doi:10.1093/oxfordjournals.pan.a004868).
    """

    kind = "classification"
    scores = (
        Score("loss", "1", "mean cross-entropy", "low"),
        Score("accuracy", "1", "share of the cases answered rightly"),
        Score("balanced_accuracy", "1", "mean over the classes of the share answered rightly"),
    )
    chooses = "accuracy"
    class_weights: Literal["none", "balanced"] = "none"

    def prepared(self, data: Any) -> Any:
        """The data, whose labels must be there."""
        if data.labels is None:
            raise DataError("task.kind: a classification needs labels; these data have none")
        if len(data.labels) and not (np.asarray(data.labels) >= 0).any():
            raise DataError("labels: all are negative, which stands for no label")
        return data

    def sizes(self, data: Any) -> dict[str, Any]:
        labels, names = np.asarray(data.labels), data.classes
        classes = len(names) if names else int(labels.max(initial=0)) + 1
        reading = {"readout": "points"} if labels.ndim == 2 else {}
        return {"inputs": np.shape(data.inputs)[1], "outputs": classes, **reading}

    def wanted(self, data: Any, outputs: int) -> np.ndarray:
        """1 for the label's class and 0 for the others."""
        labels = np.asarray(data.labels)
        found = np.moveaxis((labels[..., None] == np.arange(outputs)).astype(np.float64), -1, 1)
        none = np.broadcast_to((labels < 0)[:, None], found.shape)
        return np.where(none, np.nan, found)

    def targets(self, net: Any, data: Any) -> Targets:
        """Labels (case, R)."""
        return net.targets(data, labels=data.labels)

    def class_weights_of(self, training: Any, outputs: int) -> np.ndarray | None:
        if self.class_weights == "none":
            return None
        labels = np.asarray(training.labels)
        if labels.ndim != 1:
            raise DataError(
                'task.class_weights: "balanced" needs one label for each case; these data have '
                "labels at every point"
            )
        counts = np.bincount(labels[labels >= 0], minlength=outputs)
        present = counts > 0
        return np.where(present, counts.sum() / (present.sum() * np.maximum(counts, 1)), 0.0)

    def per_case(self, outputs: np.ndarray, targets: Targets) -> dict[str, np.ndarray]:
        right, known = _right(outputs, targets.labels)
        return {"accuracy": right.sum(axis=1) / known.sum(axis=1)}

    def evaluation(self, outputs: np.ndarray, targets: Targets) -> Evaluation:
        labels, classes = targets.labels, outputs.shape[1]
        logits = outputs.reshape(*outputs.shape[:2], -1)[:, :, : labels.shape[1]]
        right, known = _right(outputs, labels)
        confusion = np.zeros((classes, classes), dtype=np.int64)
        np.add.at(confusion, (labels[known], logits.argmax(axis=1)[known]), 1)
        logs = np.moveaxis(log_softmax(logits, axis=1), 1, 2)
        picked = np.take_along_axis(logs, np.maximum(labels, 0)[:, :, None], axis=2)[:, :, 0]
        losses = -np.where(known, picked, 0.0).sum(axis=1) / known.sum(axis=1)
        accuracy = (right.sum(axis=1) / known.sum(axis=1)).mean()
        cases = confusion.sum(axis=1)
        there = cases > 0
        balanced = (np.diag(confusion)[there] / cases[there]).mean()
        scores = {"loss": float(losses.mean()), "accuracy": float(accuracy)}
        scores["balanced_accuracy"] = float(balanced)
        further = {
            "confusion": confusion,
            "largest_class_share": np.array(cases.max() / cases.sum()),
            "never_answered": np.flatnonzero(there & (confusion.sum(axis=0) == 0)),
        }
        tied = (logits == logits.max(axis=1, keepdims=True)).sum(axis=1)[known] > 1
        # counters and sums of signs may be equal
        if tied.any():
            further["tied"] = np.array(tied.mean())
        return Evaluation(scores, further)


def _right(outputs, labels):
    """Which points are answered rightly, and which have a label: (case, R) bool."""
    logits = outputs.reshape(*outputs.shape[:2], -1)[:, :, : labels.shape[1]]
    known = labels >= 0
    return known & (logits.argmax(axis=1) == labels), known
