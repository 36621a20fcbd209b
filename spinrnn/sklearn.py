"""Networks as estimators of scikit-learn: `SpinClassifier` and `SpinRegressor`.

They take part in pipelines and in searches over parameters. The extra `sklearn` brings
scikit-learn, which this module alone imports.
"""

from __future__ import annotations

import dataclasses
import hashlib
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.special import softmax

from spinrnn.config.kinds import Kind, kind_of
from spinrnn.config.run import DataConfig, NetworkConfig, RunConfig, TrainConfig
from spinrnn.config.toml import with_settings
from spinrnn.config.unread import without_unread
from spinrnn.datasets.dataset import Dataset
from spinrnn.errors import ConfigError, DataError
from spinrnn.networks.recurrent import Network
from spinrnn.runs.run import train

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "spinrnn.sklearn needs scikit-learn 1.6 or newer; install it with "
        "pip install 'spinrnn[sklearn]'"
    ) from error

__all__ = ["SpinClassifier", "SpinRegressor"]

DEFAULT = RunConfig(
    NetworkConfig(layers=(64,), readout="both"),
    TrainConfig(epochs=100, batch=32, noise=0.0),
)
"""Where no configuration is given."""
LEAST = 2
"""Cases: one to learn from, one that chooses the penalty or the epoch."""
ELSEWHERE = {
    "data.scaling": "use the parameter scale",
    "data.validation_fraction": "use the parameter validation_fraction",
    "data.test": "score the test part with score(X, y)",
    "data.test_fraction": "score the test part with score(X, y)",
    "network.inputs": "X says it",
    "network.outputs": "y says it",
}
"""{key that would have no effect in settings: what to do}."""
_TABLES = {
    "layers": "network",
    "readout": "network",
    "epochs": "train",
    "batch": "train",
    "learning_rate": "train",
    "noise": "train",
}
"""{parameter that is a key of a configuration: its table}."""


class _Spin(BaseEstimator):
    """What both estimators have in common."""

    n_features_in_: int
    network_: Network
    config_: RunConfig
    history_: list[dict[str, Any]]

    def __init__(
        self,
        config: RunConfig | None = None,
        *,
        layers: tuple[int, ...] | None = None,
        estimator: str | Kind | None = "reservoir",
        epochs: int | None = None,
        batch: int | None = None,
        learning_rate: float | None = None,
        noise: float | None = None,
        readout: str | None = None,
        settings: Mapping[str, Any] | None = None,
        scale: bool = True,
        validation_fraction: float = 0.1,
        random_state: Any = None,
    ) -> None:
        self.config = config
        self.layers = layers
        self.estimator = estimator
        self.epochs = epochs
        self.batch = batch
        self.learning_rate = learning_rate
        self.noise = noise
        self.readout = readout
        self.settings = settings
        self.scale = scale
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    # ---- fitting ----

    def _learn(
        self, run: RunConfig, x: np.ndarray, weights: Any, outputs: int, **learned: Any
    ) -> Any:
        """Trains on inputs (case, channel, time), sample weights or None, and labels or
        targets (case, output) of as many cases; itself.
        """
        x, counted, learned = _distinct(x, _weights_of(weights, x), learned)
        self._check(x, learned)
        self._inputs = Scale.of(x, counted, self.scale)
        data = {"inputs": self._inputs.forth(x), "weights": counted / counted.mean(), **learned}
        if "targets" in learned:
            self._targets = Scale.of(learned["targets"][:, :, None], counted, self.scale)
            data["targets"] = self._targets.forth(learned["targets"][:, :, None])[:, :, 0]
        timed = "time" in run.network.abilities
        numbers = x.shape[1] if timed else x.shape[1] * x.shape[2]
        sizes = {"inputs": numbers, "outputs": outputs, "follows": ()}
        share = max(self.validation_fraction, 1 / len(x))
        parts = DataConfig(validation_fraction=share, split_seed=run.data.split_seed)
        network = dataclasses.replace(run.network, **sizes)
        run = dataclasses.replace(run, network=network, data=parts)
        # the test part is the user's; a run wants one, and reads it at its end only
        whole = {name: np.concatenate([array, array[:1]]) for name, array in data.items()}
        with warnings.catch_warnings():
            # what a run says of its data is about files
            warnings.simplefilter("ignore", UserWarning)
            found = train(run, data=Dataset(**whole, test=np.arange(len(x) + 1) == len(x)))
        self.network_, self.config_, self.history_ = found.network, found.config, found.history
        return self

    def _check(self, x, learned):
        """Raises DataError for cases from which nothing can be learned."""
        if len(x) < LEAST:
            raise DataError(
                f"X: {len(x)} sample with a weight above 0 is too few, give {LEAST} at least"
            )
        share = self.validation_fraction
        if not isinstance(share, int | float) or not 0 < share < 1:
            raise ConfigError([f"validation_fraction: must be between 0 and 1, got {share!r}"])
        labels = learned.get("labels")
        if labels is None:
            return
        if len(np.unique(labels)) < 2:
            raise DataError("y: all samples with a weight above 0 have the same class; give two")
        if np.bincount(labels).max() < 2:
            raise DataError(
                "y: each class has one sample, so none is left to choose by; give two of a class"
            )

    def _run(self, task: str) -> RunConfig:
        """The configuration that the parameters say; ConfigError: all mistakes."""
        base = DEFAULT if self.config is None else self.config
        if not isinstance(base, RunConfig):
            got = type(base).__name__
            raise ConfigError([f"config: must be a RunConfig, as load_config returns; got {got}"])
        given = {
            f"{table}.{key}": getattr(self, key)
            for key, table in _TABLES.items()
            if getattr(self, key) is not None
        }
        if self.random_state is not None:
            given["train.seed"] = _seed(self.random_state)
        if self.settings is not None and not isinstance(self.settings, Mapping):
            text = 'must be a dictionary, as {"network.amplification": 2.0}'
            raise ConfigError([f"settings: {text}; got {self.settings!r}"])
        given |= self.settings or {}
        wrong = _elsewhere(given, task)
        if isinstance(self.estimator, Kind):
            tables = self.estimator.table()
            given |= {f"estimator.{key}": value for key, value in tables.items()}
        elif self.estimator is not None and not self._follows(base):
            given["estimator.kind"] = self.estimator
        base = dataclasses.replace(base, task=task)
        given = {key: value for key, value in given.items() if key not in wrong}
        try:
            run = with_settings(base, given)
        except ConfigError as error:
            raise ConfigError([*wrong.values(), *error.problems]) from None
        if wrong:
            raise ConfigError(wrong.values())
        if run.network.readout == "points":
            raise ConfigError(['readout: "points" answers at every point, scikit-learn asks once'])
        # those of "bptt" stay where another estimator is tried
        return without_unread(run)

    def _follows(self, base):
        """Whether the estimator is the usual one, and the network of a given
        configuration of another kind, which learns by its own.
        """
        usual = type(self)().estimator
        if self.config is None or self.estimator != usual:
            return False
        return not kind_of("estimator", usual).needs <= base.network.abilities

    # ---- answering ----

    def _cases(self, x: Any, reset: bool, **given: Any) -> Any:
        """X as (case, channel, time) float64, checked by scikit-learn; with y if it is
        given.
        """
        found = validate_data(
            self, x, reset=reset, dtype=np.float64, allow_nd=True, ensure_min_features=1, **given
        )
        x, y = found if "y" in given else (found, None)
        if x.ndim > 3:
            raise DataError(f"X: must be (case, time) or (case, channel, time), got {x.shape}")
        if not reset and x.ndim != self._axes:
            wanted = "(case, time)" if self._axes == 2 else "(case, channel, time)"
            raise DataError(f"X: must be {wanted} as in fit, got the shape {x.shape}")
        if x.ndim == 3 and not x.shape[2]:
            raise DataError(f"X: has no points in time, its shape is {x.shape}")
        if reset:
            self._axes = x.ndim
        x = x[:, None, :] if x.ndim == 2 else x
        return (x, y) if "y" in given else x

    def _outputs(self, x: Any) -> np.ndarray:
        """(case, output) float64 of the network."""
        check_is_fitted(self)
        x = self._inputs.forth(self._cases(x, False))
        return self.network_.forward(x).astype(np.float64)


class SpinClassifier(ClassifierMixin, _Spin):
    """A network of oscillators as a classifier of scikit-learn.

    X is (case, time) of one channel, or (case, channel, time); labels are of any kind.

    Args:
        config: `RunConfig` that holds where nothing else is said: of its parts the
            network and the training, not the data and not the task. None: 64
            oscillators, read at the end and over the whole time.
        layers: neurons in each layer, as (32, 32).
        estimator: "reservoir" learns the output weights alone, in a moment; "bptt" all
            of them, by backpropagation; an object, as BPTT(warm="reservoir"); None: as
            in config, and so where a config's network has no reservoir.
        epochs, batch, learning_rate, noise: as of `TrainConfig`, for "bptt".
        readout: "end", "mean" or "both".
        settings: {key: value} of further keys, as {"network.amplification": 2.0}; of
            [task] and [data] `task.class_weights` and `data.split_seed` alone.
        scale: whether each channel (of a regressor each target, too) is brought to
            mean 0 and deviation 1 by the training samples.
        validation_fraction: share of the samples that chooses the penalty or the epoch;
            one sample at least.
        random_state: seed of weights, split and order: a number, or a RandomState;
            None: as in config, 0 without one.
        Parameters that are None are as in config.

    Attributes:
        network_: `Network`, of scaled inputs; config_: `RunConfig` of its training;
            history_: records of the epochs.
        n_features_in_: points of X (case, time), channels of X (case, channel, time).
        classes_: (class,) the labels, sorted.
    """

    classes_: np.ndarray

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SpinClassifier:
        """Learns the labels y (case,) of X; sample_weight: (case,) from 0.

        Raises:
            ValueError: X or y do not fit, hold NaN, or y has one class only;
                ConfigError, which is a ValueError: parameters that are wrong.
        """
        run = self._run("classification")
        x, y = self._cases(X, True, y=y)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        return self._learn(run, x, sample_weight, len(self.classes_), labels=labels)

    def decision_function(self, X: Any) -> np.ndarray:
        """(case, class) outputs of the network; of two classes (case,) that of the
        second less that of the first.
        """
        outputs = self._outputs(X)
        return outputs[:, 1] - outputs[:, 0] if outputs.shape[1] == 2 else outputs

    def predict_proba(self, X: Any) -> np.ndarray:
        """(case, class) softmax of the outputs. A reservoir learns by squared errors,
        so its numbers order the classes and are no probabilities that were fitted.
        """
        return softmax(self._outputs(X), axis=1)

    def predict(self, X: Any) -> np.ndarray:
        """(case,) the label of the largest output."""
        outputs = self._outputs(X)
        return self.classes_[outputs.argmax(axis=1)]


class SpinRegressor(RegressorMixin, _Spin):
    """A network of oscillators as a regressor of scikit-learn.

    X is (case, time) of one channel, or (case, channel, time); y is (case,) or (case,
    output). Parameters and attributes as of `SpinClassifier`.
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        # made for series: of numbers without an order in time it keeps too little
        tags.regressor_tags.poor_score = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SpinRegressor:
        """Learns the targets y (case,) or (case, output) of X; sample_weight: (case,)
        from 0.

        Raises:
            ValueError: X or y do not fit, or hold NaN; ConfigError, which is a
                ValueError: parameters that are wrong.
        """
        run = self._run("regression")
        x, y = self._cases(X, True, y=y, y_numeric=True, multi_output=True)
        self._single = y.ndim == 1
        targets = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        return self._learn(run, x, sample_weight, targets.shape[1], targets=targets)

    def predict(self, X: Any) -> np.ndarray:
        """(case,) or (case, output), as y was."""
        outputs = self._outputs(X)
        found = self._targets.back(outputs[:, :, None])[:, :, 0]
        return found[:, 0] if self._single else found


def _weights_of(given, x):
    """(case,) float64 of sample weights, which may be None."""
    options = {"dtype": np.float64, "ensure_non_negative": True}
    return _check_sample_weight(given, x, **options)


def _distinct(x, counted, learned):
    """(X, weights, {name: what is learned}) with each sample once, those of no weight
    left out: a repeated one is one of the sum of its weights, so that it is not learned
    by one part and asked of the other. The order does not depend on the samples' own.
    """
    used = np.flatnonzero(counted > 0)
    places: dict[bytes, list[int]] = {}
    for case in used.tolist():
        own = [x[case], *(array[case] for array in learned.values())]
        # adding 0 makes -0 the same as 0
        content = b"".join((np.asarray(array) + 0).tobytes() for array in own)
        places.setdefault(hashlib.blake2b(content).digest(), []).append(case)
    cases = [places[key] for key in sorted(places)]
    first = np.array([alike[0] for alike in cases], dtype=int)
    total = np.array([counted[alike].sum() for alike in cases])
    return x[first], total, {name: array[first] for name, array in learned.items()}


class Scale(NamedTuple):
    """Mean and deviation of each channel, (channel, 1)."""

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, weights: np.ndarray, wanted: bool) -> Scale:
        """That of x (case, channel, time); 0 and 1 where it is not wanted, and a
        deviation of 1 where all numbers are the same.
        """
        zero = np.zeros((x.shape[1], 1))
        if not wanted:
            return cls(zero, zero + 1)
        shares = weights / weights.sum()
        mean = (shares @ x.mean(axis=2))[:, None]
        deviation = np.sqrt(shares @ ((x - mean) ** 2).mean(axis=2))[:, None]
        # rounding of a mean is no deviation
        return cls(mean, np.where(deviation <= 1e-12 * np.abs(mean), 1.0, deviation))

    def forth(self, x: np.ndarray) -> np.ndarray:
        """Scaled x (case, channel, time)."""
        return (x - self.mean) / self.deviation

    def back(self, x: np.ndarray) -> np.ndarray:
        """What was scaled, as it was."""
        return x * self.deviation + self.mean


def _elsewhere(settings, task):
    """{key: what is wrong} of settings that X, y or a parameter say."""
    wrong = {}
    for key in map(str, settings):
        table = key.partition(".")[0]
        if key in ELSEWHERE:
            wrong[key] = f"{key}: cannot be said in settings; {ELSEWHERE[key]}"
        elif table == "data" and key != "data.split_seed":
            wrong[key] = f"{key}: cannot be said in settings; the data are X and y"
        elif table == "task" and (key != "task.class_weights" or task != "classification"):
            wrong[key] = f"{key}: cannot be said in settings; the task is a {task} at a case's end"
    return wrong


def _seed(random_state):
    """A number from 0 of what scikit-learn takes."""
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
