"""The command line of `spinrnn identify --learn`: options, and what they ask for.

Exit status as of `spinrnn identify`.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from spinrnn.cli.options import columns, integer, number, whole
from spinrnn.progress import Bar

DEFAULTS = {
    "states": None,
    "hidden": 50,
    "iterations": 6000,
    "points": 20,
    "train": None,
    "held_out": None,
    "diffusion": "auto",
    "known": None,
    "known_drive": None,
    "seed": 0,
}
"""Of the options that go with --learn alone."""
WITH_BOTH = {"every": 1, "bound": 0.1}
"""Of those that go with --learned too."""


def add_learning(parser: argparse.ArgumentParser) -> None:
    """Adds --learn and what goes with it."""
    learn = parser.add_argument_group("learned devices")
    learn.add_argument(
        "--learn",
        action="store_true",
        help="learn a device that no equation describes: time, power (its output) and drive,"
        " perhaps drive2, ...; writes device.h5",
    )
    for flag, kind, name, text in (
        ("--states", whole, "K", "successive outputs that are the state (default: found)"),
        ("--hidden", whole, "H", "units of each hidden layer (default: 50)"),
        ("--iterations", whole, "N", "of the training (default: 6000)"),
        ("--points", whole, "N", "steps of a window (default: 20)"),
        ("--every", whole, "K", "keep every K-th sample (default: 1)"),
        ("--seed", integer, "SEED", "of weights and windows (default: 0)"),
        ("--bound", number, "X", "NRMSE up to which a device is described (default: 0.1)"),
        ("--train", str, "A:B", "samples to learn from (default: those before the held-out)"),
        ("--held-out", str, "A:B", "samples to hold out, or a share (default: 0.2)"),
        ("--known", str, "FILE", "configuration whose [neuron] is the known part"),
        ("--known-drive", str, "GAIN,OFFSET,SCALE", "its drive OFFSET + GAIN drive in SI, the"
         " power SCALE times its state (default: 1,0,1)"),
    ):  # fmt: skip
        learn.add_argument(
            flag, type=kind, metavar=name, default=(DEFAULTS | WITH_BOTH)[_key(flag)], help=text
        )
    learn.add_argument(
        "--learned",
        metavar="DEVICE.h5",
        help="run a device that was learned under FILE's drive, and say from when on the two part",
    )
    learn.add_argument(
        "--diffusion",
        choices=("auto", "constant", "none"),
        default="auto",
        help="what the device's noise may depend on (default: auto, state and drive)",
    )


def _key(flag):
    return flag.removeprefix("--").replace("-", "_")


def only_with_learning(options: argparse.Namespace) -> list[str]:
    """What is given of --learn's options without it, a sentence each."""
    known = {} if options.learn else DEFAULTS
    if not options.learn and options.learned is None:
        known = DEFAULTS | WITH_BOTH
    given = [name for name, value in known.items() if getattr(options, name) != value]
    return [f"--{name.replace('_', '-')}: goes with --learn" for name in given]


NOT_WITH = (
    "fix", "free", "each", "bounds", "free_scale", "noise", "power_floor", "cases", "envelope",
    "observe", "without_outliers", "thermal",
)  # fmt: skip
"""Options of a fit that --learn has no use for."""


def learned(options: argparse.Namespace) -> int:
    """Learns, writes the four files and prints what was found."""
    from spinrnn.errors import DataError
    from spinrnn.identify.learn import learn_device
    from spinrnn.identify.learnwording import lines_of, report_of, write_learned

    arguments = _arguments(options)
    records, (file,) = _records(options), options.file
    if arguments["known"] is not None:
        _tell_units(file, records, arguments["known"], arguments["gain"])
    try:
        with _Bars(not options.json) as bars:
            fit = learn_device(records, **arguments, progress=bars)
    except DataError as error:
        raise DataError(f"{file}: {error}") from None
    out = Path(options.out or f"{Path(file).name.split('.')[0]}-device")
    written = write_learned(fit, out, file)
    if options.json:
        print(json.dumps(report_of(fit, file)))
    else:
        print("\n".join(lines_of(fit, file)))
        print(f"written: {out}/{', '.join(written)}")
    return 0 if fit.describes else 1


def _records(options):
    """`Records` of a file, or of a neuron in a trajectory."""
    from spinrnn.errors import ConfigError
    from spinrnn.identify.learnrecords import records_of_file, records_of_trajectory

    if len(options.file) > 1:
        raise ConfigError(["give one FILE to --learn and --learned; it may hold several cases"])
    (file,) = options.file
    if not options.neuron:
        return records_of_file(file, columns(options), options.every)
    layer, comma, neuron = options.neuron[0].partition(",")
    if len(options.neuron) > 1 or not (comma and layer.isdecimal() and neuron.isdecimal()):
        form = "L,N, layer and neuron of a trajectory from 0, as in 0,3"
        raise ConfigError([f"--neuron: write {form}, got {' '.join(options.neuron)!r}"])
    return records_of_trajectory(file, int(layer), int(neuron), every=options.every)


def _tell_units(file, records, neuron, gain):
    """Warns of a drive whose unit is not that of the known neuron, as nothing else
    shows that it is wrong by a factor."""
    import warnings

    wanted, advice = neuron.drive.unit, "--known-drive GAIN,OFFSET,SCALE"
    for name, unit in zip(records.names[1:], records.units[1:], strict=True):
        if unit == wanted or gain != 1:
            continue
        if unit == "1":
            text = f"{name} has no unit and is taken in {wanted}, that of the known {neuron.kind}"
            warnings.warn(f"{file}: {text}; if it is another say so by {advice}", stacklevel=2)
            continue
        text = f"{name} is in {unit}, the drive of the known {neuron.kind} in {wanted}"
        warnings.warn(f"{file}: {text}; {advice} leads from one to the other", stacklevel=2)


def monitor(options: argparse.Namespace) -> int:
    """Runs a learned device under a recording, writes two files and says what is so."""
    from spinrnn.errors import ConfigError, DataError
    from spinrnn.identify.learnmonitor import monitored, report_of, told, write_monitored
    from spinrnn.neurons.learned import load_learned

    problems = _not_with(options, "--learned")
    if problems:
        raise ConfigError(problems)
    device, records = load_learned(options.learned), _records(options)
    (file,) = options.file
    try:
        found = monitored(device, records, options.bound)
    except DataError as error:
        raise DataError(f"{file}: {error}") from None
    report = report_of(found, file, options.learned)
    out = Path(options.out or f"{Path(file).name.split('.')[0]}-monitor")
    written = write_monitored(found, out, report)
    if options.json:
        print(json.dumps(report))
    else:
        print("\n".join(told(found, file)))
        print(f"written: {out}/{', '.join(written)}")
    return 0 if found.describes else 1


def _not_with(options, mode):
    """Options that a learned device has no use for, a sentence each."""
    found = [
        f"--{name.replace('_', '-')}: does not go with {mode}"
        for name in NOT_WITH
        if getattr(options, name, None)
    ]
    if options.out == "":
        found.append("--out: give the name of a folder")
    return found


class _Bars:
    """A bar for each training, one after the other."""

    def __init__(self, shown: bool) -> None:
        self._shown, self._what, self._bar = shown, None, None

    def __enter__(self) -> "_Bars":
        return self

    def __exit__(self, *error: Any) -> None:
        self._close(*error)

    def _close(self, *error):
        if self._bar is not None:
            self._bar.__exit__(*(error or (None, None, None)))
            self._bar = None

    def __call__(self, what: str, iteration: int, iterations: int) -> None:
        if what != self._what:
            self._close()
            self._what = what
            self._bar = Bar(iterations, "iteration", shown=self._shown)
            self._bar.__enter__()
        assert self._bar is not None
        self._bar(iteration)


def _arguments(options: argparse.Namespace) -> dict[str, Any]:
    """Arguments of `learn_device`; ConfigError with all that is wrong with them."""
    from spinrnn.errors import ConfigError

    problems = _not_with(options, "--learn")
    if options.learned is not None:
        problems.append("--learned: is a device that was learned; give it without --learn")
    training = _range("--train", options.train, problems)
    held_out: Any = 0.2 if options.held_out is None else _share(options.held_out, problems)
    known = _numbers(options.known_drive, problems)
    if options.known_drive is not None and options.known is None:
        problems.append("--known-drive: goes with --known")
    if problems:
        raise ConfigError(problems)
    return {
        **{name: getattr(options, name) for name in ("states", "hidden", "iterations", "points")},
        **{name: getattr(options, name) for name in ("diffusion", "bound", "seed")},
        "training": training,
        "held_out": held_out,
        "drive_between": "linear" if options.linear else "held",
        "known": None if options.known is None else _neuron(options.known),
        **dict(zip(("gain", "offset", "scale"), known, strict=True)),
    }


def _range(option, text, problems):
    """(A, B) of A:B; None where nothing is said."""
    if text is None:
        return None
    first, _, last = text.partition(":")
    if not (first.isdecimal() and last.isdecimal()):
        problems.append(f"{option}: write A:B, as in 0:8000, got {text!r}")
        return None
    return int(first), int(last)


def _share(text, problems):
    """(A, B) of A:B, or a share."""
    if ":" in text:
        return _range("--held-out", text, problems)
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        problems.append(f"--held-out: write A:B or a share such as 0.2, got {text!r}")
    return share


def _numbers(text, problems):
    """(gain, offset, scale) of three numbers."""
    try:
        found = tuple(map(float, (text or "1,0,1").split(",")))
    except ValueError:
        found = ()
    if len(found) != 3:
        problems.append(f"--known-drive: write GAIN,OFFSET,SCALE, as in 4e7,0,1, got {text!r}")
        return 1.0, 0.0, 1.0
    return found


def _neuron(path):
    """The neuron of a configuration; ConfigError where layers differ."""
    from spinrnn.config.toml import load_config
    from spinrnn.errors import ConfigError

    neurons = load_config(path).network.neurons
    if len(set(map(repr, neurons))) > 1:
        raise ConfigError([f"--known: {path} has several kinds of neurons; give one of one kind"])
    return neurons[0]
