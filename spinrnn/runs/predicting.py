"""What a trained network answers to new data: classes with probabilities, or outputs,
at the end of each case or at every point.
"""

import csv
import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from spinrnn.config import kinds
from spinrnn.config.run import DataConfig
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.known import Known
from spinrnn.datasets.loading import load_inputs
from spinrnn.datasets.ranges import far_value
from spinrnn.datasets.series import fitted
from spinrnn.errors import DataError, StoreError, listed
from spinrnn.files.atomic import write_atomic
from spinrnn.learning.loop import placed
from spinrnn.networks.base import BaseNetwork
from spinrnn.networks.ensemble import Ensemble
from spinrnn.notebook import plural
from spinrnn.readers.columns import NONE, Columns
from spinrnn.runs.loading import StoredRun, known_of, open_any
from spinrnn.runs.loops import note_of


@dataclass(frozen=True, eq=False)
class Prediction:
    """Answers to some cases.

    Attributes:
        outputs: (case, K) float64, or (case, K, time) of a network that is read at
            points, NaN after a case's end; of a classification the logits, of a
            regression in the targets' units.
        classes: names of the K classes; None where outputs are numbers.
        lengths: (case,) input points of each case.
        names: of the cases, their numbers from 0 where they have no others.
        targets: names of outputs that are numbers, None where they have none.
    """

    outputs: np.ndarray
    classes: tuple[str, ...] | None
    lengths: np.ndarray
    names: tuple[str, ...]
    targets: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.outputs)

    def __repr__(self) -> str:
        points = " at every point" if self.at_points else ""
        outputs = listed(self.targets) if self.targets else f"{self._count} outputs"
        what = f"classes {listed(self.classes)}" if self.classes else outputs
        cases = f"{len(self)} case{'s' if len(self) != 1 else ''}"
        return f"<Prediction of {cases}{points}, {what}>"

    @property
    def _count(self) -> int:
        return self.outputs.shape[1]

    @property
    def at_points(self) -> bool:
        """Whether there is an answer for every point."""
        return self.outputs.ndim == 3

    @property
    def probabilities(self) -> np.ndarray:
        """Of the classes, as `outputs`: their softmax.

        Raises:
            DataError: the outputs are no classes.
        """
        if self.classes is None:
            raise DataError(
                "probabilities: the outputs are numbers, no classes; of a network that classifies "
                "give task=spinrnn.Classification()"
            )
        return softmax(self.outputs, axis=1)

    @property
    def answers(self) -> np.ndarray:
        """(case,) or (case, time) names of the likeliest classes, "" after a case's
        end.

        Raises:
            DataError: as `probabilities`.
        """
        likely = np.nan_to_num(self.probabilities, nan=-1.0).argmax(axis=1)
        found = np.array(self.classes, dtype=np.str_)[likely]
        return np.where(np.isnan(self.outputs[:, 0]), "", found)

    def header(self) -> list[str]:
        """Names of the columns of `rows`."""
        place = ["case", "point"] if self.at_points else ["case"]
        return place + columns_of(self.classes, self._count, self.targets)

    def rows(self) -> Iterator[list[Any]]:
        """A list for each case, or each point of each case: its name, the number of the
        point from 0, the class with the probabilities of all, or the outputs.
        """
        values = self.outputs if self.classes is None else self.probabilities
        answers = None if self.classes is None else self.answers
        for case, name in enumerate(self.names):
            points = range(int(self.lengths[case])) if self.at_points else [None]
            for point in points:
                at = (case,) if point is None else (case, point)
                row: list[Any] = [name] if point is None else [name, point]
                row += [] if answers is None else [str(answers[at])]
                own = values[case] if point is None else values[case, :, point]
                yield row + own.tolist()

    def to_csv(self) -> str:
        """`header` and `rows` as a CSV file's text, numbers with nine digits."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.header())
        writer.writerows([as_text(value) for value in row] for row in self.rows())
        return text.getvalue()

    def save(self, path: str | Path) -> None:
        """Writes a CSV file, whole or not at all.

        Raises:
            StoreError: it cannot be written.
        """
        write_atomic(Path(path), self.to_csv())


def columns_of(
    classes: tuple[str, ...] | None, count: int, targets: tuple[str, ...] | None = None
) -> list[str]:
    """Names of the columns of an answer: the class and the probability of each, or so
    many outputs, by the names of their targets where there are some.
    """
    if classes is None:
        fits = targets is not None and len(targets) == count
        return list(targets) if fits else [f"output_{k}" for k in range(count)]
    return ["class", *(f"p_{name}" for name in classes)]


def as_text(value: Any, digits: int = 9) -> str:
    """A cell of a row."""
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def predict(
    net: BaseNetwork | Ensemble | str | Path,
    data: Dataset | np.ndarray | str | Path,
    task: Any = None,
    noise_seed: Any = 0,
    forward: Any = None,
) -> Prediction:
    """What a network answers to new data.

    Args:
        net: `Network` or `Ensemble`, or a path that holds one: the folder of a run, or
            a file.
        data: `Dataset`, inputs (case, channel, time), or what `load_dataset` reads,
            whose columns, units and missing values are read as the run reads its own.
            Labels are not needed.
        task: whether outputs are classes, as Classification(). None: the run's; of a
            network alone the outputs stay numbers.
        noise_seed: of the thermal noise, as in `Network.forward`.
        forward: a device that gives the outputs in place of the network, as of `train`;
            it is asked once, for all cases. A run that was trained with one answers by
            its twin without it.
    Raises:
        StoreError: a file cannot be read; DataError: the data have other channels,
            units or sampling rates than those of the training that cannot be converted,
            or are not finite; DivergenceError, MemoryLimitError: as
            `Network.forward`.
    """
    source = opened(net) if isinstance(net, (str, Path)) else Answering(net)
    note = note_of(source.run.folder, forward) if source.run is not None else None
    if note is not None:
        warnings.warn(note, stacklevel=2)
    if task is not None:
        kind = kinds.made_of("task", task)
        source = Answering(source.net, kind, source.run, source.data, source.known)
    where = str(data) if isinstance(data, (str, Path)) else "data"
    if isinstance(data, (str, Path)):
        data = source.load(str(data))
    elif not isinstance(data, Dataset):
        data = Dataset(data)
    return source.predict(data, noise_seed, forward, where)


class Answering:
    """A network with what is known of its outputs and inputs.

    Args:
        net: that answers; task: its kind, or None; run: `StoredRun`, or None; data: its
            `DataConfig`.
        known: of the data of its training; None: what the network itself knows.
    Attributes:
        classes: a name for each output, the classes' numbers where they have no names,
            "unused 3" of an output 3 beyond them; None of outputs that are numbers;
            targets: names of these, or None.
        known: `Known` of the data of its training, or None; channels: names of the
            input channels, or None.
    """

    def __init__(
        self,
        net: BaseNetwork | Ensemble,
        task: Any = None,
        run: StoredRun | None = None,
        data: DataConfig | None = None,
        known: Known | None = None,
    ) -> None:
        self.net, self.task, self.run, self.data = net, task, run, data
        self.known = known or getattr(net, "knows", None)
        self._own = self.known or Known()
        self.channels = self._own.channels
        self.classes: tuple[str, ...] | None = None
        self.targets = self._own.targets if task is None else task.named(self._own)
        if task is not None and task.labelled:
            self.classes = _of_outputs(self._own.classes, net.config.outputs)

    def predict(
        self, data: Dataset, noise_seed: Any = 0, forward: Any = None, where: str = "data"
    ) -> Prediction:
        """Answers to all cases of a data set; errors as of `predict`, where: what the
        data are called in notes and warnings.
        """
        data = self.net.config.arranged(self._counted(self._own.matched(data, where)))
        data = fitted(data, self.net.config.inputs, self.channels)
        if forward is None:
            outputs = self.net.forward(data.inputs, data.lengths, noise_seed)
        else:
            outputs = placed(forward).outputs(self.net, data, noise_seed)
        cases, points = len(data.inputs), np.shape(data.inputs)[2]
        lengths = np.full(cases, points) if data.lengths is None else np.asarray(data.lengths)
        names = data.names or tuple(map(str, range(cases)))
        return Prediction(outputs.astype(np.float64), self.classes, lengths, names, self.targets)

    def far(self, values: Sequence[float]) -> str | None:
        """A sentence where a number of a point (channel,) is far above those of the
        training, as one in another unit; None for none, or where nothing is known."""
        ranges = self._own.ranges
        if ranges is None or len(ranges) != len(values):
            return None
        return far_value(values, ranges, self.channels)

    @property
    def single(self) -> bool:
        """Whether the cases of the training have one point."""
        return self._own.points == 1

    def load(self, source: str, columns: Columns = NONE) -> Dataset:
        """Inputs of a source, as of `load_inputs`. For a network without points in time
        a row of a table is a case, where it has a column for each of its numbers.
        """
        config = self.net.config
        numbers = None if "time" in config.abilities else int(config.inputs)
        return load_inputs(source, self.data, columns, known=self.known, numbers=numbers)

    def _counted(self, data: Dataset) -> Dataset:
        """The data; DataError where a network without time reads other numbers of a
        case.
        """
        config, shape = self.net.config, np.shape(data.inputs)
        numbers = int(config.inputs)
        if "time" in config.abilities or len(shape) < 3 or shape[1] * shape[2] == numbers:
            return data
        own = "" if data.channels is None else f" ({listed(data.channels)})"
        own = f"{plural(shape[1], 'channel')}{own}"
        if shape[2] > 1:
            own += f" of {shape[2]} points, {shape[1] * shape[2]} numbers"
        wanted = "" if self.channels is None else f" ({listed(self.channels)})"
        raise DataError(f"a case has {own}, the network reads {numbers}{wanted}")

    def stream(self) -> "AnswerStream":
        """To answer one point after the other, of a single case.

        Raises:
            DataError: as `Network.stream`.
        """
        return AnswerStream(getattr(self.net, "networks", (self.net,)), self.classes)


def _of_outputs(known, count):
    """A name for each output, from the known names of classes or None."""
    if known is None or len(known) > count:
        return tuple(map(str, range(count)))
    names = list(known)
    for k in range(len(known), count):
        name = f"unused {k}"
        while name in known:
            name += "_"
        names.append(name)
    return tuple(names)


class AnswerStream:
    """Answers of networks, several of an ensemble, to one point after the other.

    Args:
        networks: `Network`s of one form; classes: as of `Answering`.
    """

    def __init__(self, networks: Sequence[Any], classes: tuple[str, ...] | None) -> None:
        self._streams, self._classes = [net.stream() for net in networks], classes

    @property
    def points(self) -> int:
        """Input points that were read so far."""
        return self._streams[0].points

    def reset(self) -> None:
        """Goes back to the start: a new case begins."""
        for stream in self._streams:
            stream.reset()

    def __call__(self, point: Sequence[float]) -> list[Any]:
        """The class with the probabilities of all after one more point, or the outputs;
        of several networks the means of these.

        Raises:
            DataError: the point does not fit; DivergenceError: a state became infinite.
        """
        outputs = np.array([stream(point) for stream in self._streams], dtype=np.float64)
        if self._classes is None:
            return outputs.mean(axis=0).tolist()
        shares = softmax(outputs, axis=1).mean(axis=0)
        return [self._classes[int(shares.argmax())], *shares.tolist()]


def opened(path: str | Path, settings: Any = ()) -> Answering:
    """`Answering` of any path that holds a network.

    Raises:
        StoreError: it cannot be read, or no epoch of the run has ended; ConfigError:
            settings that it cannot take.
    """
    net, config, run = open_any(path, settings, "predict")
    if run is not None and run.best_epoch is None:
        advice = f"go on with spinrnn train --out {run.folder} --resume"
        raise StoreError(f"{run.folder}: no epoch has been finished yet; {advice}")
    if config is None:
        return Answering(net)
    return Answering(net, config.task, run, config.data, known_of(path, run))
