"""Neurons that were learned from recordings: the kind `learned`, of a file that
`spinrnn identify FILE --learn` writes.

What the network's numbers are in the recording's units: the drive I is drive_scale
times I, in the unit of the recorded drive, and its constant part drive_bias; what is
emitted is y in the recorded unit, or the device's own number of it, about unity. All k
states are values of y, one sampling step apart, with the same scale. The drive is held
over a substep, so the device sees v = (u, ..., u).
"""

import functools
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from spinrnn.config.quantity import quantity
from spinrnn.errors import ConfigError, DataError, SpinrnnError
from spinrnn.kernels.rows import level_of_rows
from spinrnn.neurons.learned import Channel, LearnedDevice, applied, load_learned
from spinrnn.neurons.learnedstep import arranged, linearised, of_one_drive, rows_of, step
from spinrnn.neurons.learnedtext import device_of, text_of
from spinrnn.neurons.protocol import Functions, Neuron, State

STEPS = 4
"""Sampling steps in the network's unit of time where `time` is not given: a substep is
at most a quarter of it."""
_SETTLING = 1000
"""Sampling steps after which a device that is left alone has come to rest."""
_NEWTON = 5
_AT_REST, _STILL, _NEAR, _SINGULAR = 1e-12, 1e-9, 0.1, 1e-9


@dataclass(frozen=True)
class Learned(Neuron):
    """A device that was learned from a recording, dz/dt = f([z, u]).

    Attributes:
        file: of `LearnedDevice.save`, as `spinrnn identify FILE --learn` writes it; it
            is read once, and from then on the device is `content`.
        driven: name of the recorded drive that is the neuron's, empty for the first
            one; others are held in the middle of what was seen of them.
        emits: "scaled", the device's own number of y, about unity, or "recorded", y in
            its unit.
        drive_scale: what a drive of 1 is, in the recorded unit; None: half of the range
            that was seen.
        drive_bias: the constant part of the drive, in the recorded unit; None: the
            middle of that range.
        time: the network's unit of time in s, of which a substep is at most a quarter;
            None: 4 sampling steps.
        highpass: time constant, in that unit, of the filter that removes the emitted
            mean, where the network does not say it; None: no filter.
        content: the device as a text, which every file of results carries.
    """

    kind: ClassVar[str] = "learned"
    states: ClassVar[tuple[State, ...]] = (State("output", "1", "learned output y"),)
    name: ClassVar[str] = "learned device"
    title: ClassVar[str] = "a network of learned devices"

    file: str = ""
    driven: str = ""
    emits: Literal["scaled", "recorded"] = "scaled"
    drive_scale: float | None = None
    drive_bias: float | None = None
    time: float | None = None
    highpass: float | None = None
    drive_gain: float = quantity(
        1.0, about="factor of the drive that acts", above=0, high=1e6, spread=True, fit="log"
    )
    drive_offset: float = quantity(
        0.0, about="added to the drive, in units of drive_scale", low=-1e6, high=1e6, fit="plain"
    )
    output_gain: float = quantity(
        1.0, about="factor of what is emitted", above=0, high=1e6, spread=True, fit="log"
    )
    speed: float = quantity(
        1.0, about="factor of the device's time", low=0.01, high=100, spread=True
    )
    noise: float = quantity(1.0, about="factor of the learned noise; 0 is none", low=0, high=1e6)
    content: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        problem = self._read()
        if problem:
            raise ConfigError([problem])
        super().__post_init__()

    def _read(self) -> str | None:
        """Fills `content`, states and drive; what is wrong with the file, or None."""
        if not (isinstance(self.file, str) and isinstance(self.content, str)):
            # told by the checks of the table
            return None
        device, name = None, None
        try:
            if self.content:
                device, name = device_of(self.content)
            if self.file and name != self.file:
                device = load_learned(Path(self.file).expanduser())
                object.__setattr__(self, "content", text_of(device, self.file))
        except DataError as error:
            return f"content: {error}"
        except SpinrnnError as error:
            return f"file: {error}"
        if device is not None:
            object.__setattr__(self, "states", _states(device, self.emits))
            drive = device.drives[self._driven(device)]
            object.__setattr__(self, "drive", State("drive", drive.unit, f"drive {drive.name}"))
        return None

    def problems(self) -> list[str]:
        found = super().problems()
        if not self.content:
            if not self.file:
                advice = "as `spinrnn identify FILE --learn` writes it"
                found.append(f"file: give the file of a learned device, {advice}")
            return found
        device = self.device
        names = [drive.name for drive in device.drives]
        if self.driven and self.driven not in names:
            known = " or ".join(names)
            found.append(f"driven: the device has the drive {known}, got {self.driven!r}")
        if device.base:
            kind = device.base["neuron"]["kind"]
            found.append(f"file: a learned rest beside the equation of {kind} is no neuron yet")
        for name in ("drive_scale", "time", "highpass"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                found.append(f"{name}: must be above 0, got {value}")
        return found

    @classmethod
    def of(
        cls, device: LearnedDevice, like: Neuron | None = None, file: str = "", **given: Any
    ) -> "Learned":
        """The neuron of a device in memory.

        Args:
            like: a neuron of which the device was learned, as an Oscillator: it can
                take that one's place in a network, as it emits y as recorded, and has
                its units of time and drive, its bias and its filter.
            file: a name for it; given: other fields.
        Raises:
            ConfigError: what is impossible about the fields.
        """
        if like is not None:
            bias = like.bias(like.nominal_numbers(like.time_unit)) * like.drive_unit
            units = {"drive_scale": like.drive_unit, "time": like.time_unit}
            own = {"emits": "recorded", "drive_bias": float(bias), "highpass": like.highpass}
            given = {**units, **own, **given}
        return cls(file=file, content=text_of(device, file), **given)

    @classmethod
    def example(cls) -> "Learned":
        """A small device with two delays and noise, learned from nothing."""
        return cls.of(_example())

    # ---- the device and its units ----

    @property
    def device(self) -> LearnedDevice:
        return device_of(self.content)[0]

    def _driven(self, device):
        """Number of the drive that is the neuron's."""
        names = [drive.name for drive in device.drives]
        return names.index(self.driven) if self.driven in names else 0

    @property
    def channel(self) -> Any:
        """`Channel` of the drive that is the neuron's."""
        return self.device.drives[self._driven(self.device)]

    @classmethod
    def rate_driven(cls) -> bool:
        """Never: a drive in 1/s too has the scale `drive_scale`."""
        return False

    @property
    def drive_unit(self) -> float:
        if self.drive_scale is not None:
            return self.drive_scale
        low, high = self.channel.low, self.channel.high
        return (high - low) / 2 if high > low else 1 / abs(self.channel.scale)

    @property
    def time_unit(self) -> float:
        return STEPS * self.device.sampling_step if self.time is None else self.time

    @property
    def usual_interval(self) -> float:
        known = self.device.provenance.get("input_interval")
        return self.time_unit if self.time is not None or not known else float(known) / self.speed

    @property
    def seen(self) -> tuple[float, float] | None:
        # of what acts, which is gain times drive
        low, high = (float(x) - self.drive_unit * self.drive_offset for x in self.channel[4:])
        return low / self.drive_gain, high / self.drive_gain

    @property
    def noisy(self) -> bool:
        return self.noise > 0 and self.device.diffusion is not None

    # ---- for the kernels ----

    def numbers(self, time_unit: float, factors: Mapping[str, Any]) -> dict[str, Any]:
        device, drive = self.device, self.channel
        unit = device.sampling_step / device.unit_step
        bias = (drive.low + drive.high) / 2 if self.drive_bias is None else self.drive_bias
        scale = drive.scale * self.drive_unit
        output = self.output_gain * factors["output_gain"]
        recorded = self.emits == "recorded"
        return {
            "rate": self.speed * factors["speed"] * (time_unit / unit),
            "gain": self.drive_gain * factors["drive_gain"] * scale,
            "shift": scale * self.drive_offset - drive.scale * drive.offset,
            "scale": output / device.output.scale if recorded else output,
            "zero": output * device.output.offset if recorded else 0.0 * output,
            "noise": self.noise,
            "bias": bias / self.drive_unit,
        }

    def bias(self, q: Mapping[str, Any]) -> Any:
        return q["bias"]

    def rest(self, q: Mapping[str, Any]) -> tuple[Any, ...]:
        u = q["gain"] * q["bias"] + q["shift"]
        z = at_rest(self.device, self._driven(self.device), u)
        return tuple(q["zero"] + q["scale"] * z[..., i] for i in range(z.shape[-1]))

    def rhs(self, q: Any, s: Any, current: Any) -> Any:
        """ds/dt by the network's unit of time; q as of `numbers`, in its order."""
        rate, gain, shift, scale, zero, *_ = q
        weights = of_one_drive(self.device, self.device.weights, self._driven(self.device))
        z = (np.array(s) - zero) / scale
        return tuple(scale * rate * applied(weights, np.append(z, gain * current + shift)))

    def shared(self) -> np.ndarray:
        return arranged(self.device, self._driven(self.device))

    def functions(self, scheme: str) -> Functions:
        scratch = rows_of(self.device, self._driven(self.device))
        return Functions(step=step, level=level_of_rows, scratch=scratch)


def _states(device, emits):
    """The k values of y as files name them."""
    unit = device.output.unit if emits == "recorded" else "1"
    what = device.output.name if emits == "recorded" else f"{device.output.name}, scaled,"
    ahead = ["", *(f" {i} sampling steps later" for i in range(1, device.delays))]
    names = ["output_state", *(f"output_state_{i}" for i in range(1, device.delays))]
    return tuple(
        State(name, unit, f"learned {what}{text}") for name, text in zip(names, ahead, strict=True)
    )


def at_rest(device: LearnedDevice, driven: int, u: Any) -> np.ndarray:
    """(..., k) z to which a device comes from z = 0 under a constant drive.

    A last step of Newton's goes through complex u, and so gives the derivative by them.
    Where the device does not come to rest, as one that oscillates, z = 0.

    Args:
        u: number or (...) array, scaled.
    """
    # most neurons of a network have the same
    different, place = np.unique(np.asarray(u), return_inverse=True)
    real = np.real(different).astype(float)
    z, rests = _settled(device, driven, real.tobytes())
    weights = of_one_drive(device, device.weights, driven)
    with np.errstate(all="ignore"):
        last = _correction(*linearised(weights, _inputs(z, different)))
    return np.where(rests, z - last, z)[place.reshape(np.shape(u))]


def _inputs(z, u):
    return np.concatenate([z, u[:, None]], axis=-1)


# a network's neurons are asked for their rest by all that looks at it
@functools.lru_cache(maxsize=256)
def _settled(device, driven, drives):
    """((n, k) z of `at_rest`, (n, 1) whether the device comes to rest there) for the
    bytes of (n,) drives.
    """
    u = np.frombuffer(drives)
    weights, h = of_one_drive(device, device.weights, driven), device.unit_step
    z = np.zeros((len(u), device.delays))
    with np.errstate(all="ignore"):
        for _ in range(_SETTLING):
            # Heun's rule is enough, as Newton's goes on
            slope = applied(weights, _inputs(z, u))
            z, before = z + h / 2 * (slope + applied(weights, _inputs(z + h * slope, u))), z
            if not np.abs(z - before).max() > _AT_REST:
                break
        settled = z
        for _ in range(_NEWTON):
            z = z - _correction(*linearised(weights, _inputs(z, u)))
        value, by = linearised(weights, _inputs(z, u))
        # not one that goes on and on, where nothing depends on z any more
        near = np.abs(z - settled).max(axis=-1) < _NEAR
        near &= (np.abs(value).max(axis=-1) < _STILL) & ~_singular(value, by)
    return np.where(near[:, None], z, 0), near[:, None]


def _correction(value, by):
    """(..., k) of Newton's rule; 0 where the Jacobian cannot be divided by."""
    k, bad = value.shape[-1], _singular(value, by)
    own = np.where(bad[..., None, None], np.eye(k), by[..., :k])
    value = np.where(bad[..., None], 0, value)
    return np.linalg.solve(own, value[..., None])[..., 0]


def _singular(value, by):
    """(...) whether the Jacobian by z is none that can be divided by."""
    own = by[..., : value.shape[-1]]
    bad = ~np.isfinite(np.abs(own).sum(axis=(-2, -1)) + np.abs(value).sum(axis=-1))
    return bad | (np.abs(np.linalg.det(np.where(bad[..., None, None], 0, own))) < _SINGULAR)


def _example() -> LearnedDevice:
    """A damped oscillation, roughly, of which the last layer is fitted."""
    rng = np.random.default_rng(3)

    def network(*sizes):
        return [
            (rng.normal(size=(n, m)) / math.sqrt(m), rng.normal(size=n) / 3)
            for m, n in itertools.pairwise(sizes)
        ]

    x = rng.uniform(-1, 1, (400, 4))
    hidden = network(4, 7, 5)
    features = x
    for matrix, bias in hidden:
        features = np.tanh(features @ matrix.T + bias)
    wanted = x @ np.array([[-1.0, -2.0], [2.0, -1.0], [1.0, 0.0], [0.5, 0.5]])
    found = np.linalg.lstsq(np.column_stack([features, np.ones(len(x))]), wanted, rcond=None)[0]
    return LearnedDevice(
        weights=(*hidden, (found[:-1].T, found[-1])),
        diffusion=tuple(network(4, 3, 2)),
        output=Channel("voltage", "V", 1e-3, 1e3, 0.0, 2e-3),
        drives=(Channel("current", "A", 2e-3, 5e2, 0.0, 4e-3),),
        sampling_step=1e-9,
        unit_step=0.1,
        provenance={"files": ["none, an example"]},
    )
