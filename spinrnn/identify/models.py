"""What a fit knows of a device: its parameters, and the numbers of the kind's step that
follow from them.

A kind of neuron brings the quantities that it declares with `fit`, and two numbers each
for the drive and for the readout,

    I = drive_offset + drive_gain u ,   y = readout_offset + readout_gain s ,

u and y as they were measured, s one of the kind's states. Kinds with a parametrisation
of their own have a `Model` of their own, in a module of their name.
"""

import importlib
import importlib.util
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from spinrnn.config.quantity import quantities
from spinrnn.errors import ConfigError
from spinrnn.identify.sensitivity import Calibrated
from spinrnn.kernels.levels import check_authored
from spinrnn.networks.trainable import with_fields

CALIBRATION: tuple[str, ...] = ("drive_gain", "drive_offset", "readout_gain", "readout_offset")
_STEP = 1e-30
"""Of the complex step; differences take its place where code loses imaginary parts."""
FAINTEST = 1e-3
"""Highest power, below which it is more probably not normalised."""
_LARGEST = 600.0
"""Logarithms beyond are no float."""
_SMALLEST, _LEAST = 1e-300, -1 + 1e-16
"""Values of which there is a logarithm, and one of 1 and the value."""


class Parameter(NamedTuple):
    """A number of a device that may be fitted.

    Attributes:
        name, unit, meaning; key: short, for machines.
        coordinate: "log", "log1p" or "plain": what a fit changes in its place.
        low, high: smallest and largest value, excluded where open says so.
        open: (low is excluded, high is excluded).
    """

    name: str
    unit: str
    meaning: str
    key: str
    coordinate: str = "plain"
    low: float = -math.inf
    high: float = math.inf
    open: tuple[bool, bool] = (False, False)

    def of(self, value: float) -> float:
        """Coordinate of a value."""
        if self.coordinate == "plain":
            return float(value)
        # a search that runs away ends where the value is 0 or -1 to rounding
        if self.coordinate == "log":
            return math.log(max(value, _SMALLEST))
        return math.log1p(max(value, _LEAST))

    def value(self, x: float) -> float:
        """The value that has a coordinate."""
        # no fit comes to the end of a float's range, but a trial step may, and must
        # give a number
        if self.coordinate == "plain":
            return float(x)
        x = min(x, _LARGEST)
        # kinds divide by times and the like, which may be small and not 0
        return math.exp(max(x, -_LARGEST)) if self.coordinate == "log" else math.expm1(x)

    def slope(self, value: float) -> float:
        """Derivative of the value by the coordinate."""
        return {"plain": 1.0, "log": value, "log1p": 1 + value}[self.coordinate]

    def coordinates(self, low: float, high: float) -> tuple[float, float]:
        """Bounds of the coordinate for those of the value; none where the coordinate
        itself ends there."""
        least = {"plain": -math.inf, "log": 0.0, "log1p": -1.0}[self.coordinate]
        return (
            -math.inf if low <= least else self.of(low),
            math.inf if math.isinf(high) else self.of(high),
        )

    def problem(self, value: float) -> str | None:
        """What is wrong with a value, "must be ...", or None."""
        above = value > self.low if self.open[0] else value >= self.low
        below = value < self.high if self.open[1] else value <= self.high
        if above and below and math.isfinite(value):
            return None
        limits = [
            f"{word} {limit:g}"
            for word, limit in (
                ("above" if self.open[0] else "from", self.low),
                ("below" if self.open[1] else "to", self.high),
            )
            if math.isfinite(limit)
        ]
        return f"must be a number {' and '.join(limits)}".rstrip()


class Readout(NamedTuple):
    """y = zero + scale s; by the names of the two parameters."""

    scale: str
    zero: str


def fix_some(names: Sequence[str], count: int = 1) -> str:
    """What to do about parameters of which so many are too many."""
    last = names[-count:]
    fixed = ", ".join(f"'{name}': 0.5" for name in last)
    options = " ".join(f"--fix {name}=0.5" for name in last)
    how_many, whose = ("one", "its value") if count == 1 else (str(count), "their values")
    return f"Fix {how_many}, as in fixed={{{fixed}}} or {options} with {whose}, or vary the drive"


def told_together(drive: float, names: Sequence[str], known: int = 1) -> str:
    """That a constant drive tells no more than so many of some parameters."""
    return (
        f"the data do not tell {' and '.join(names)} apart: the drive is {drive:g} throughout. "
        f"{fix_some(names, len(names) - known)}"
    )


class Model:
    """A kind of neuron as a fit sees it.

    Attributes:
        neuron: instance, whose values stand for those of no parameter.
        parameters: {name: `Parameter`}; inner: names of those that act on the states;
            readout: those of the readout; drive_gain, drive_offset: those of
                the drive.
        functions: of the kind; states: d; place: of the measured state; whole: its
            name.
        number_names: the Q numbers of the step; shared: (n,) that all neurons have.
        equation: what it is, in a few words; given: the user gave its values.
        said: names that the user fixed; freed: and those fitted besides.
    """

    readout = Readout("readout_gain", "readout_offset")
    drive_gain, drive_offset = "drive_gain", "drive_offset"
    whole = "power"
    """What is measured, in words."""
    starts_own = False
    """Whether the module of the kind has guesses of its own."""
    noise_ends: float | None = None
    """Value of the measured state at which its thermal noise has no strength."""
    said: Sequence[str] = ()
    freed: Sequence[str] = ()
    normalised = False
    """Whether the measured state is a power between 0 and 1, of a fast device."""

    def __init__(self, neuron: Any, observe: str | None = None, given: bool = False):
        self.neuron, self.kind, self.given = neuron, neuron.kind, given
        self.functions = neuron.functions(neuron.schemes[0])
        self.states, self.equation = len(neuron.states), neuron.name
        self.place = self._place(observe)
        self.whole = neuron.states[self.place].name
        self.parameters = self._parameters()
        self.inner = tuple(name for name in self.parameters if name not in self.readout)
        self._measuring = {*CALIBRATION, *self.readout}
        self.number_names = tuple(neuron.nominal_numbers(1.0))
        self.shared = np.asarray(neuron.shared(), dtype=np.float64)
        chosen = tuple(range(len(self.number_names)))
        check_authored(neuron, self.functions.step, len(chosen), chosen=chosen)

    def _place(self, observe):
        names = [state.name for state in self.neuron.states]
        if observe is None:
            return 0
        if observe not in names:
            known = ", ".join(names)
            raise ConfigError([f"observe: {self.kind} has the states {known}, got {observe}"])
        return names.index(observe)

    # ---- parameters ----

    def asked(self, fixed: Mapping[str, Any] | None, free: Sequence[str]) -> None:
        """Notes what the user fixed and freed, for advice."""
        self.said, self.freed = tuple(fixed or ()), tuple(free)

    def _parameters(self):
        found = {}
        for name, declared in quantities(self.neuron).items():
            if declared.fit is None:
                continue
            low = declared.low if declared.above is None else declared.above
            high = declared.high if declared.below is None else declared.below
            found[name] = Parameter(
                name, declared.unit, declared.about or name, name, declared.fit,
                -math.inf if low is None else low, math.inf if high is None else high,
                (declared.above is not None, declared.below is not None),
            )  # fmt: skip
        taken = [name for name in CALIBRATION if name in found]
        if taken:
            text = f"{taken[0]}: is a quantity of {self.kind}, and names the calibration in a fit"
            raise ConfigError([text])
        return found | {parameter.name: parameter for parameter in self._calibration()}

    def _calibration(self):
        state, drive = self.neuron.states[self.place], self.neuron.drive
        of_state = "" if state.unit == "1" else f" per {state.unit}"
        return (
            Parameter(
                "drive_gain",
                f"{drive.unit} per unit of drive".removeprefix("1 "),
                f"{drive.meaning} for one unit of the measured drive",
                "drive_gain",
            ),
            Parameter(
                "drive_offset",
                drive.unit,
                f"{drive.meaning} where the measured drive is 0",
                "drive_offset",
            ),
            Parameter(
                "readout_gain",
                f"unit measured{of_state}",
                f"what is measured for one unit of {state.meaning}",
                "readout_gain",
            ),
            Parameter(
                "readout_offset",
                "unit measured",
                f"what is measured where {state.meaning} is 0",
                "readout_offset",
            ),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Of all parameters."""
        return tuple(self.parameters)

    def units(self) -> dict[str, str]:
        """{name: unit} of parameters and of what follows from them."""
        return {name: parameter.unit for name, parameter in self.parameters.items()}

    def keys(self) -> dict[str, tuple[str, str]]:
        """{name: (key, meaning)} of parameters and of what follows from them."""
        return {name: (p.key, p.meaning) for name, p in self.parameters.items()}

    def defaults(self, known: Mapping[str, Any], free: Sequence[str]) -> dict[str, float]:
        """{name: value} of what is known where the user says nothing."""
        usual = {"drive_gain": 1.0, "drive_offset": 0.0, "readout_gain": 1.0}
        usual["readout_offset"] = 0.0
        return {name: x for name, x in usual.items() if name not in known and name not in free}

    def remedy(self, name: str, known: tuple[float, float]) -> str:
        """What to do about a parameter that was given and has another value; known:
        (value, uncertainty)."""
        usual = self.defaults({}, ())
        if name in usual:
            instead = "" if known == (usual[name], 0.0) else f" in place of --fix {name}"
            return f"--free {name}{instead} fits it"
        return f"without --fix {name} it is fitted"

    def derived(
        self, values: Mapping[str, float]
    ) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        """Further numbers that follow, and their gradients by `names`: of no kind in
        general."""
        return {}, {}

    def data_problem(self, known: Mapping[str, Any], data: Any) -> str | None:
        """Why the data cannot be of this kind, or None."""
        return None

    def drive_problem(self, known: Mapping[str, Any], drive: float) -> str | None:
        """Why what is not known cannot be found under a drive that is the same
        throughout all recordings, or None.
        """
        if drive == 0 and self.drive_gain not in known:
            return (
                f"the data do not depend on {self.drive_gain}: the drive is 0 throughout. "
                f"{fix_some([self.drive_gain])}"
            )
        of_drive = (self.drive_offset, self.drive_gain)
        both = [name for name in self.names if name in of_drive and name not in known]
        return told_together(drive, both) if len(both) > 1 else None

    def apart_problem(
        self, known: Mapping[str, Any], values: Mapping[str, float], highest: float
    ) -> str | None:
        """What a kind knows of why parameters are not told apart, or None; highest: of
        what was measured."""
        return None

    def unnormalised(self, highest: float) -> str | None:
        """That a power is not normalised, in words; None where it may be, or where the
        user said how large it is."""
        usual = self.normalised and not {*self.said, *self.freed} & {self.readout.scale}
        if not usual or highest >= FAINTEST:
            return None
        return (
            f"the power is at most {highest:.2g}; is it normalised? --free-scale lets its scale be "
            "fitted"
        )

    # ---- numbers ----

    def calibrated(self, rows: Sequence[Mapping[str, float]]) -> Calibrated:
        """Numbers of cases that have these values each.

        Cases with the same values may be the same mapping, which is then done once.
        """
        done: dict[int, Any] = {}
        for values in rows:
            if id(values) not in done:
                done[id(values)] = self._one(values)
        vectors, slopes = (np.array([done[id(v)][i] for v in rows]) for i in (0, 1))
        return Calibrated(
            np.ascontiguousarray(vectors[:, :-2]),
            np.ascontiguousarray(slopes[:, :-2]),
            *(np.ascontiguousarray(x[:, i]) for i in (-2, -1) for x in (vectors, slopes)),
        )

    def _one(self, values):
        """((Q + 2,) numbers, level and gain, (Q + 2, K) their derivatives)."""
        found = np.real(self.vector(values)).astype(np.float64)
        by = np.column_stack([self._slope(values, name) for name in self.inner])
        return found, by

    def _slope(self, values, name):
        """Derivatives of `vector` by a parameter: by the complex step, or where the
        kind's code loses imaginary parts by differences of fourth order."""
        x = values[name]
        h = 1e-4 * (abs(x) or 1.0)
        rough = [np.real(self.vector({**values, name: x + s * h})) for s in (1, -1, 2, -2)]
        by = (8 * (rough[0] - rough[1]) - (rough[2] - rough[3])) / (12 * h)
        try:
            exact = np.imag(self.vector({**values, name: x + 1j * _STEP * (abs(x) or 1.0)}))
            exact = exact / (_STEP * (abs(x) or 1.0))
        except TypeError:
            return by
        near = np.abs(exact - by) <= 1e-6 * np.maximum(np.abs(exact), np.abs(by)) + 1e-9 * (
            np.abs(rough[0]) / (abs(x) or 1.0)
        )
        return np.where(near | ~np.isfinite(by), exact, by)

    def vector(self, values: Mapping[str, Any]) -> np.ndarray:
        """(Q + 2,) numbers of the step, level and gain of the drive, per second."""
        # of a fit with thermal noise its quantity is among the values, too
        own = {name: value for name, value in values.items() if name not in self._measuring}
        neuron = with_fields(self.neuron, own)
        q = neuron.nominal_numbers(1.0)
        unit = 1.0 if neuron.rate_driven() else neuron.drive_unit
        level = neuron.bias(q) + values["drive_offset"] / unit
        return np.array([*q.values(), level, values["drive_gain"] / unit])

    def rest(self, values: Mapping[str, float]) -> np.ndarray:
        """(d,) states before any input."""
        own = {name: values[name] for name in self.inner if name not in CALIBRATION}
        neuron = with_fields(self.neuron, own)
        return np.array([float(np.real(x)) for x in neuron.rest(neuron.nominal_numbers(1.0))])

    # ---- first states ----

    def start_of(self, x: np.ndarray) -> np.ndarray:
        """First states (case, d) of coordinates: themselves, in general."""
        return x

    def start_coordinates(self, start: np.ndarray) -> np.ndarray:
        return start

    def start_slope(self, start: np.ndarray) -> np.ndarray:
        """Derivative of each first state by its coordinate."""
        return np.ones_like(start)

    # ---- what may be wrong with the kind ----

    def further_suspects(
        self, rows: Sequence[Mapping[str, float]], middle: np.ndarray
    ) -> list[tuple[str, str, np.ndarray]]:
        """[(key, name, kicks of the drive (case, step))] of the kind's own suspects.

        middle: (case, step) the measured state in the middle of each step.
        """
        return []


def model_of(neuron: Any, observe: str | None = None, floor: float = 0.0) -> Model:
    """`Model` of a kind: its name, its class, its table or an instance.

    A kind whose parametrisation stands in a module here has that.

    Raises:
        ConfigError: there is no such kind, or it cannot be fitted.
    """
    from spinrnn.config import kinds

    given = isinstance(neuron, kinds.Kind)
    if isinstance(neuron, type) and issubclass(neuron, kinds.Kind):
        neuron = neuron.example()
    made = kinds.made_of("neuron", neuron)
    own = f"spinrnn.identify.{made.kind}"
    if made.kind in kinds.BUILT_IN["neuron"] and importlib.util.find_spec(own) is not None:
        make = getattr(importlib.import_module(own), "model", None)
        if make is not None:
            return make(made, observe, given, floor)
    if not any(declared.fit for declared in quantities(made).values()):
        raise ConfigError([f"neuron: {made.kind} has no quantity with fit=, so none can be fitted"])
    return Model(made, observe, given)
