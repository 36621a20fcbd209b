"""A device in the loop: the forward values come from a callable that the user gives -
an instrument, a table, another model - and the gradient from the network, its twin
(physics-aware training, arXiv:2104.13386).

Eq. (G1): dL/dw = (dL/do at the outputs that were measured) times (do/dw of the twin).
The estimators do this by themselves: they get the measured numbers within the targets.
"""

import hashlib
import inspect
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from spinrnn.errors import ConfigError, DeviceError
from spinrnn.kernels.losses import Targets
from spinrnn.learning.readings import NotFinite, WrongReading, checked_reading

LONGEST_WAIT = 60.0
"""s between two attempts."""
LONGEST_TEXT = 150
"""Letters of a foreign error's text in ours."""
_LOOK = 0.05
"""s between two looks at whether the run is to stop, while it waits."""


class Place(NamedTuple):
    """Where in a training a call is.

    Attributes:
        part: "training", "validation", "test", or "data" where there is no training.
        epoch: from 1; batch: from 1, 0 of a whole part; number: of the call, from 1.
    """

    part: str = "data"
    epoch: int = 0
    batch: int = 0
    number: int = 1

    def __str__(self) -> str:
        if self.part == "data":
            return f"call {self.number}"
        where = f"batch {self.batch}" if self.batch else f"the {self.part} part"
        where = where if self.part == "test" else f"epoch {self.epoch}, {where}"
        return f"call {self.number} ({where})"


@dataclass(frozen=True, eq=False)
class Call:
    """What a device is asked: these inputs, with the network as it is now.

    Attributes:
        inputs: (case, channel, time) as the network is given them, in the data's units;
            lengths: (case,) input points of each.
        cases: (case,) their numbers in the part of the data.
        parameters: (size,) the trained numbers; weights: {name of a block, as "w_ext_0"
            or "w_out": array} what the synapses make of them. Both cannot be written
            to.
        seed: of thermal noise, as in `Network.forward`.
        place: `Place`; attempt: from 1.
    """

    inputs: np.ndarray
    lengths: np.ndarray
    cases: np.ndarray
    parameters: np.ndarray
    weights: dict[str, np.ndarray]
    seed: Any
    place: Place
    attempt: int = 1
    _net: Any = field(default=None, repr=False)

    @property
    def part(self) -> str:
        """ "training", "validation", "test" or "data"."""
        return self.place.part

    @property
    def number(self) -> int:
        """Of the call in its training, from 1."""
        return self.place.number

    @property
    def network(self) -> Any:
        """A copy of the twin as it is now."""
        return self._net.replace()

    def twin(self) -> np.ndarray:
        """What the twin itself gives, as without a device: the outputs."""
        if self.part == "training":
            return self._net.trained_outputs(self.inputs, self.lengths, self.seed)
        return self._net.forward(self.inputs, self.lengths, self.seed)


class Stopped(Exception):
    """The run was to stop while it waited for a device."""


@dataclass(eq=False)
class Loop:
    """A callable as a device: asked, asked again, checked and logged.

    Attributes:
        forward: takes a `Call`, gives outputs or a `Reading`.
        retries: further attempts after one that came to an error, or gave numbers that
            are not finite; wait: s before the first of them, twice as long before each
            one more, `LONGEST_WAIT` at most.
        log: `files.calls.CallLog`, or None; stop: called while it waits.
        calls, failures, seconds: answers, attempts in vain, and the time of both, of
            this process.
    """

    forward: Callable[[Call], Any]
    retries: int = 3
    wait: float = 1.0
    log: Any = None
    stop: Callable[[], bool] | None = None
    calls: int = 0
    failures: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        problems = problems_of(self.forward, self.retries, self.wait)
        if problems:
            raise ConfigError(problems)

    def totals(self) -> dict[str, Any]:
        """Calls, failures and seconds, of all processes where there is a log."""
        if self.log is not None:
            return self.log.totals()
        return {"calls": self.calls, "failures": self.failures, "seconds": self.seconds}

    # ---- what a training asks ----

    def measured(
        self, net: Any, targets: Targets, data: tuple[Any, Any, Any], seed: Any, place: Place
    ) -> Targets:
        """The targets of a batch with what the device gave for it.

        Args:
            data: (inputs, lengths or None, (case,) numbers of the cases).
        Raises:
            DeviceError: there is no answer, or one that cannot be used.
        """
        found = self.ask(net, data, seed, place)
        points = int(_lengths(data[0], data[1]).max())
        arrays = [
            found[name] if name in found else getattr(targets, own)
            for name, own in (("outputs", "measured"), ("features", "features"))
        ]
        shaped = [a if not a.size or a.ndim == 3 else a[:, :, None] for a in arrays]
        measured, features = (np.ascontiguousarray(a[:, :, :points]) for a in shaped)
        return targets._replace(measured=measured, features=features)

    def outputs(self, net: Any, data: Any, seed: Any, place: Place) -> np.ndarray:
        """(case, K) or (case, K, time), NaN after a case's end, of a whole `Dataset`;
        of features those of the network's own readout.

        DeviceError: as `measured`.
        """
        inputs = np.asarray(data.inputs)
        found = self.ask(net, (inputs, data.lengths, np.arange(len(inputs))), seed, place)
        if "outputs" not in found:
            return net.read_out(inputs, data.lengths, seed, found["features"])
        outputs, lengths = found["outputs"], _lengths(inputs, data.lengths)
        if outputs.ndim == 3:
            after = np.arange(inputs.shape[2]) >= lengths[:, None, None]
            outputs = np.where(after, np.nan, outputs)
        return outputs

    # ---- asking ----

    def ask(
        self, net: Any, data: tuple[Any, Any, Any], seed: Any, place: Place
    ) -> dict[str, np.ndarray]:
        """{"outputs" and "features", those that there are: (case, ...) float64}; of a
        call that the log has, its answer of then.

        DeviceError: as `measured`, or the log has an answer to another question.
        """
        call = _call_of(net, data, seed, place)
        digests = _digests(call)
        known = self._known(place, digests)
        if known is not None:
            return known
        attempt = 0
        while True:
            attempt += 1
            found = self._attempt(replace(call, attempt=attempt), net.config, digests)
            if found is not None:
                return found
            self._pause(min(self.wait * 2 ** (attempt - 1), LONGEST_WAIT))

    def _known(self, place, digests):
        """The answer that the log has of this very question, None where it has none;
        DeviceError where it has one to another question: asking again would write over
        it, and after a new answer all later questions would be others too.
        """
        if self.log is None or (known := self.log.answer(place.number)) is None:
            return None
        if known[1] != digests:
            raise DeviceError(
                f"forward: {place}: {self.log.path} has an answer to other weights or inputs, as "
                "after a change of the machine, and nothing was asked; go on where it was "
                f"answered, or move {self.log.path.name} away to ask it and those after it anew"
            )
        return known[0]

    def _attempt(self, call, config, digests):
        """The answer, or None where it is to be asked again."""
        started, begun = time.time(), time.perf_counter()
        try:
            given = self.forward(call)
            found = checked_reading(given, config, call.inputs.shape[2], call.lengths)
        except Exception as error:
            seconds = time.perf_counter() - begun
            self._failed(call, error, (started, seconds), digests)
            return None
        seconds = time.perf_counter() - begun
        self.calls, self.seconds = self.calls + 1, self.seconds + seconds
        if self.log is not None:
            place = call.place.number, started, seconds
            self.log.answered(*place, found, call.cases, digests)
        return found

    def _failed(self, call, error, times, digests):
        """Notes an error; raises DeviceError where it was the last attempt, or will not
        pass by itself.
        """
        wrong = isinstance(error, WrongReading)
        text = str(error) if wrong else f"came to {said_of(error)}"
        self.failures, self.seconds = self.failures + 1, self.seconds + times[1]
        if self.log is not None:
            self.log.failed(call.place.number, *times, text, digests)
        passing = not wrong or isinstance(error, NotFinite)
        if passing and call.attempt <= self.retries:
            return
        often = f" in each of {call.attempt} attempts, the last" if call.attempt > 1 else ""
        raise DeviceError(f"forward: {call.place}{often}: {text}") from error

    def _pause(self, seconds):
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.stop is not None and self.stop():
                raise Stopped
            time.sleep(min(left, _LOOK))


def check_learned(outputs: np.ndarray, targets: Targets, kind: str) -> None:
    """ConfigError where the outputs of which an estimator has learned, (case, K) or
    (case, K, time), are not those that were measured.
    """
    own = np.reshape(outputs, (*outputs.shape[:2], -1))[:, :, : targets.measured.shape[2]]
    there = np.isfinite(own)
    if not np.allclose(own[there], targets.measured[there], rtol=1e-3, atol=1e-5):
        raise ConfigError(
            [
                f"estimator.kind: {kind} does not learn of what a device measures; it must hand "
                "the targets that it is given to net.logits_loss_grad, as bptt does"
            ]
        )


class Placed(NamedTuple):
    """A `Loop` with the `Place` of its next call, for `evaluate`."""

    loop: Loop
    place: Place = Place()

    def outputs(self, net: Any, data: Any, seed: Any) -> np.ndarray:
        """As of `Loop.outputs`."""
        return self.loop.outputs(net, data, seed, self.place)


def placed(forward: Any) -> Placed:
    """`Placed` of a user's callable, with the usual settings, or as it is."""
    return forward if isinstance(forward, Placed) else Placed(Loop(forward))


def problems_of(forward: Any, retries: Any, wait: Any) -> list[str]:
    """What is impossible about a callable and its settings, a sentence each."""
    found = []
    if isinstance(forward, type):
        found.append(f"forward: {forward.__name__} is a class; give an instance of it")
    elif not callable(forward):
        found.append(f"forward: must be callable, as f(call); got {type(forward).__name__}")
    elif not _takes_one(forward):
        found.append("forward: must take one argument, the call, as f(call)")
    if type(retries) is not int or retries < 0:
        found.append(f"forward_retries: must be a whole number from 0, got {retries!r}")
    number = isinstance(wait, (int, float)) and not isinstance(wait, bool)
    if not (number and 0 <= wait < float("inf")):
        found.append(f"forward_wait: must be seconds from 0, got {wait!r}")
    return found


def _takes_one(forward):
    try:
        inspect.signature(forward).bind(None)
    except TypeError:
        return False
    # of some that are compiled the arguments are not known
    except ValueError:
        return True
    return True


def said_of(error: BaseException) -> str:
    """An error of a user's code in a line, with the place where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    # the first frame is the one here
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if len(frames) > 1 else ""
    text = " ".join(str(error).split())
    text = text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 4]} ..."
    return f"{type(error).__name__}{': ' if text else ''}{text}{where}"


def _call_of(net, data, seed, place):
    if not hasattr(net, "layout"):
        raise ConfigError(["forward: goes with one network, not with an ensemble"])
    inputs, lengths, cases = data
    inputs = _sealed(np.asarray(inputs))
    parameters = _sealed(net.parameters.copy())
    weights = net.layout.named(_sealed(net.effective().copy()))
    lengths = _sealed(_lengths(inputs, lengths))
    return Call(inputs, lengths, np.asarray(cases), parameters, weights, seed, place, _net=net)


def _sealed(array):
    """A view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def _lengths(inputs, lengths):
    whole = np.full(len(inputs), np.shape(inputs)[2], dtype=np.int64)
    return whole if lengths is None else np.asarray(lengths, dtype=np.int64)


def _digests(call):
    """SHA-256 of what the device is set to, and of what it is given."""
    weights, inputs = hashlib.sha256(), hashlib.sha256()
    for name, array in call.weights.items():
        weights.update(name.encode() + np.ascontiguousarray(array).tobytes())
    inputs.update(np.ascontiguousarray(call.inputs).tobytes() + call.lengths.tobytes())
    return {"parameters_sha256": weights.hexdigest(), "inputs_sha256": inputs.hexdigest()}
