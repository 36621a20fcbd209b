"""The command line of `spinrnn identify`.

Exit status: 0 the model describes the data, 1 it does not, as the text says (the fit is
written all the same), 2 bad input.
"""

import argparse
import json
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from spinrnn.cli.learn import add_learning, learned, monitor, only_with_learning
from spinrnn.cli.options import (
    add_columns,
    add_command,
    add_envelope,
    add_json,
    add_memory,
    add_use,
    columns,
    envelope,
    number,
)

SUMMARY = (
    "Fit a kind of neuron to what was measured of a device, of an oscillator gamma, Q, bias"
    " and gain, and say whether the model describes it."
)


def add_commands(commands: Any) -> None:
    """Adds the command; commands: what `add_subparsers` returned."""
    parser = add_command(commands, "identify", identify, SUMMARY)
    parser.add_argument(
        "file",
        nargs="*",
        metavar="FILE",
        help="file with time (s), drive and power, perhaps noise (NPZ, HDF5, CSV, MATLAB ...); or a"
        " trajectory; several files are recordings of one device",
    )
    _add_others(parser)
    add_columns(parser)
    add_envelope(parser)
    _add_model(parser)
    _add_unknowns(parser)
    _add_selection(parser)
    add_learning(parser)
    parser.add_argument(
        "--level",
        type=number,
        default=0.95,
        metavar="C",
        help="of the confidence intervals (default: 0.95)",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="folder of device.json, device.png and device.csv (default: FILE's name with"
        " -device); of --lines the folder of lines.json and so on; of --synapse a file, as in"
        " synapse.toml",
    )
    add_json(parser, "one JSON object, the content of device.json")
    add_memory(parser, "of the fit, as in 2G")


def _add_others(parser: argparse.ArgumentParser) -> None:
    """Adds what may be identified in place of a device's power."""
    others = parser.add_mutually_exclusive_group()
    others.add_argument(
        "--synapse",
        metavar="FILE",
        help="a table of pulse responses: pulse, conductance (S), perhaps device, cycle and"
        " direction or sign; or two columns, first up then down. Gives a table [synapse]",
    )
    others.add_argument(
        "--lines",
        metavar="FILE",
        help="resonance lines: frequency (Hz), field and voltage; or pairs of columns whose"
        " names hold the frequency, as in 5.0_GHz",
    )
    parser.add_argument(
        "--frequencies", metavar="LOW:HIGH", help="of --lines, those that are taken, as 5e9:17e9 Hz"
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say what is known of the device and of its measurement."""
    parser.add_argument(
        "--fix",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="not fitted: gamma (1/s), Q, bias, gain (1/s per unit of drive), scale or"
        " readout_offset; with an uncertainty as Q=0.7+-0.1; may be repeated (default: bias=0,"
        " scale=1 and readout_offset=0, as one of gamma, Q and bias must be known). Of other"
        " kinds their quantities, drive_gain, drive_offset, readout_gain or readout_offset. Numbers"
        " count in SI units, of drive and power in those after conversion: A for a column in mA",
    )
    parser.add_argument(
        "--free-scale", action="store_true", help="fit scale, the measured power of p = 1"
    )
    parser.add_argument(
        "--noise",
        type=number,
        metavar="SD",
        help="standard deviation of the power's noise, where it is known, in the unit of the power"
        " after conversion: W for a column in nW (default: noise in FILE)",
    )
    parser.add_argument(
        "--linear",
        action="store_true",
        help="the drive goes linearly between its samples (default: it is held)",
    )
    parser.add_argument(
        "--power-floor",
        type=number,
        metavar="P",
        help="smallest p (default: that of a trajectory's network, else 0)",
    )


def _add_unknowns(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say what is fitted, for which recordings and where."""
    parser.add_argument(
        "--without-outliers",
        action="store_true",
        help="leave single samples far outside the noise out",
    )
    parser.add_argument(
        "--thermal",
        action="store_true",
        help="fit thermal noise of the device and noise of the readout, two more unknowns",
    )
    for option, what in (
        ("--free", "fit this, too: gain or offset of drive or readout; may be repeated"),
        ("--each", "every recording has its own; may be repeated"),
    ):
        parser.add_argument(option, action="append", default=[], metavar="NAME", help=what)
    parser.add_argument(
        "--bounds",
        action="append",
        default=[],
        metavar="NAME=LOW:HIGH",
        help="look for NAME between these, in the units of --fix; may be repeated",
    )


def _add_selection(parser: argparse.ArgumentParser) -> None:
    """Adds the options that choose among cases and neurons."""
    parser.add_argument("--cases", metavar="A:B", help="only cases from A to B - 1")
    parser.add_argument(
        "--neuron",
        action="append",
        default=[],
        metavar="L,N or KIND",
        help="neuron N of layer L of a trajectory of spinrnn; N of your own (case, neuron,"
        " sample); from 0. A name is the kind that is fitted (default: oscillator); may be given"
        " once for each",
    )
    parser.add_argument(
        "--observe", metavar="STATE", help="the kind's state that was measured (default: its first)"
    )
    add_use(parser)


def identify(options: argparse.Namespace) -> int:
    """Fits, writes the three files of the fit and prints what was found."""
    _check_source(options)
    if options.synapse is not None:
        return _identify_synapse(options)
    if options.lines is not None:
        return _identify_lines(options)
    if options.learn:
        return learned(options)
    if options.learned is not None:
        return monitor(options)
    return _identify_device(options)


_OF_DEVICE = (
    "fix", "free_scale", "free", "each", "bounds", "noise", "linear", "power_floor", "cases",
    "neuron", "observe", "without_outliers", "thermal",
)  # fmt: skip


def _check_source(options: argparse.Namespace) -> None:
    """ConfigError unless there is one thing to identify, and no option of another."""
    from spinrnn.errors import ConfigError

    other = "--synapse" if options.synapse is not None else "--lines"
    given = options.synapse is not None or options.lines is not None
    problems = []
    if not options.file and not given:
        problems.append("give a FILE with time, drive and power, --synapse FILE or --lines FILE")
    if options.file and given:
        problems.append(f"{options.file[0]}: goes without {other}; give one thing to identify")
    wrong = [name for name in _OF_DEVICE if given and getattr(options, name)]
    problems += [f"--{name.replace('_', '-')}: does not go with {other}" for name in wrong]
    problems += only_with_learning(options)
    if given and (options.learn or options.learned):
        problems.append(f"--learn, --learned: do not go with {other}")
    if options.frequencies is not None and options.lines is None:
        problems.append("--frequencies: goes with --lines")
    if given and options.out == "":
        problems.append("--out: give a name")
    if problems:
        raise ConfigError(problems)


def _identify_synapse(options: argparse.Namespace) -> int:
    """Pulse responses: prints what was found, writes FILE.toml, .json and .png."""
    from spinrnn.errors import ConfigError
    from spinrnn.identify.files import synapse_report, write_synapse
    from spinrnn.identify.responses import identify_synapse
    from spinrnn.identify.told import synapse_told

    out = Path(options.out or f"{Path(options.synapse).stem}-synapse.toml")
    if out.suffix != ".toml":
        raise ConfigError([f"--out: of --synapse is a file NAME.toml, got {out}"])
    fit = identify_synapse(options.synapse, columns=columns(options), level=options.level)
    written = write_synapse(fit, out, options.synapse)
    if options.json:
        print(json.dumps(synapse_report(fit, options.synapse)))
    else:
        print("\n".join(synapse_told(fit, options.synapse)))
        print(f"written: {', '.join(str(out.parent / name) for name in written)}")
    return 0 if fit.describes else 1


def _identify_lines(options: argparse.Namespace) -> int:
    """Resonance lines: prints what was found, writes a folder."""
    from spinrnn.identify.files import lines_report, write_lines
    from spinrnn.identify.lines import fit_lines
    from spinrnn.identify.told import lines_told

    lines = fit_lines(
        options.lines, _frequencies(options.frequencies), columns(options), level=options.level
    )
    out = Path(options.out or f"{Path(options.lines).stem}-lines")
    written = write_lines(lines, out, options.lines)
    if options.json:
        print(json.dumps(lines_report(lines, options.lines)))
    else:
        print("\n".join(lines_told(lines, options.lines)))
        print(f"written: {out}/{', '.join(written)}")
    return 0


def _frequencies(text: str | None) -> tuple[float, float]:
    """(lowest, highest) in Hz of LOW:HIGH; all where nothing is said."""
    from spinrnn.errors import ConfigError

    if text is None:
        return 0.0, float("inf")
    low, _, high = text.partition(":")
    try:
        pair = float(low), float(high)
    except ValueError:
        pair = 1.0, 0.0
    if not 0 <= pair[0] < pair[1]:
        form = "LOW:HIGH in Hz, as in 5e9:17e9"
        raise ConfigError([f"--frequencies: write {form}, got {text!r}"])
    return pair


def _identify_device(options: argparse.Namespace) -> int:
    """A device: eq. (1), or another kind."""
    from spinrnn.identify.arguments import check_units
    from spinrnn.identify.fit import identify_device
    from spinrnn.identify.report import write_report
    from spinrnn.identify.wording import lines_of

    asked = _arguments(options)
    parts, floor = [], 0.0
    for path, named in zip(options.file, _columns(options), strict=True):
        data, floor = _read(path, asked, named, envelope(options))
        data = data if len(options.file) == 1 else data.named(Path(path).name)
        parts.append(data if options.noise is None else _with_noise(data, options.noise))
    check_units(parts, options.file, _SAME_UNITS)
    fit = identify_device(
        parts if len(parts) > 1 else parts[0],
        neuron=asked.kind,
        observe=options.observe,
        fixed=asked.fixed,
        free=options.free,
        free_scale=options.free_scale,
        each=options.each,
        bounds=asked.bounds,
        drive_between="linear" if options.linear else "held",
        power_floor=floor if options.power_floor is None else options.power_floor,
        level=options.level,
        without_outliers=options.without_outliers,
        thermal=options.thermal,
    )
    files = options.file
    named = {"file": files[0]} if len(files) == 1 else {"files": files}
    report = {**named, "neuron": asked.place, **fit.report()}
    out = Path(options.out or f"{Path(files[0]).stem}-device")
    written = write_report(fit, out, report)
    if options.json:
        print(json.dumps(report))
    else:
        print("\n".join(lines_of(fit, ", ".join(files), asked.place is not None, len(files))))
        print(f"written: {out}/{', '.join(written)}")
    return 0 if fit.diagnosis.describes else 1


_SAME_UNITS = "say by --units what the files without a unit are in, as in --units {units}"


def _columns(options: argparse.Namespace) -> list[Any]:
    """`Columns` of each file."""
    from spinrnn.files.container import is_spinrnn_file
    from spinrnn.readers.columns import of_each
    from spinrnn.readers.formats import read_table

    said, files = columns(options), options.file
    if len(files) == 1 or said.empty or any(map(is_spinrnn_file, files)):
        return [said] * len(files)
    return of_each(said, [read_table(Path(path)) for path in files])


def _with_noise(data: Any, noise: float) -> Any:
    """The measurement with this standard deviation of each sample."""
    import dataclasses

    import numpy as np

    return dataclasses.replace(data, noise=np.full(data.power.shape, noise))


# ---- arguments ----


class _Asked(NamedTuple):
    """What the options say: {name: (value, uncertainty)}, {name: (low, high)}, cases,
    (layer, neuron) or (neuron,) or None, kind or None, whether thermal noise is
    fitted."""

    fixed: dict[str, tuple[float, float]]
    bounds: dict[str, tuple[float, float]]
    cases: slice
    place: tuple[int, ...] | None
    kind: str | None
    thermal: bool


def _arguments(options: argparse.Namespace) -> _Asked:
    """What the options say; ConfigError with all that is wrong with them."""
    from spinrnn.errors import ConfigError

    problems: list[str] = []
    fixed = _fixed(options.fix, problems)
    bounds = _bounds(options.bounds, problems)
    cases = _cases(options.cases, problems)
    place, kind = _neurons(options.neuron, problems)
    if options.noise == 0:
        problems.append("--noise: must be above 0")
    if options.out == "":
        problems.append("--out: give the name of a folder")
    if problems:
        raise ConfigError(problems)
    return _Asked(fixed, bounds, cases, place, kind, options.thermal)


def _bounds(texts: list[str], problems: list[str]) -> dict[str, tuple[float, float]]:
    """{name: (low, high)} of NAME=LOW:HIGH."""
    found = {}
    for text in texts:
        name, _, limits = (part.strip() for part in text.partition("="))
        low, _, high = limits.partition(":")
        try:
            found[name] = float(low), float(high)
        except ValueError:
            form = "NAME=LOW:HIGH, as in Q=0:2"
            problems.append(f"--bounds: write {form}, got {text!r}")
    return found


def _neurons(texts: list[str], problems: list[str]) -> tuple[tuple[int, ...] | None, str | None]:
    """(place, kind) of --neuron, which may stand for both."""
    kinds = [text for text in texts if text.isidentifier()]
    places = [text for text in texts if not text.isidentifier()]
    if len(kinds) > 1 or len(places) > 1:
        problems.append("--neuron: give one place, as in 0,3, and one kind")
    place = _neuron(places[0] if places else None, problems)
    return place, kinds[0] if kinds else None


def _fixed(texts: list[str], problems: list[str]) -> dict[str, tuple[float, float]]:
    """{name: (value, uncertainty)} of NAME=VALUE and NAME=VALUE+-UNCERTAINTY."""
    found = {}
    for text in texts:
        name, equals, numbers = (part.strip() for part in text.partition("="))
        pair = _value(numbers) if equals else None
        if pair is None:
            form = "NAME=VALUE or NAME=VALUE+-UNCERTAINTY, as in Q=0.7+-0.1"
            problems.append(f"--fix: write {form}, got {text!r}")
        elif name in found:
            problems.append(f"--fix: {name} is given twice")
        else:
            found[name] = pair
    return found


def _value(text: str) -> tuple[float, float] | None:
    """(value, uncertainty), the latter 0 where it is not said; None where these are no
    numbers.
    """
    value, _, uncertainty = text.replace("±", "+-").partition("+-")
    try:
        return float(value), float(uncertainty or 0)
    except ValueError:
        return None


def _cases(text: str | None, problems: list[str]) -> slice:
    """The slice that A:B means; all where nothing is said."""
    if text is None:
        return slice(None)
    first, colon, last = text.partition(":")
    if not colon or not all(part == "" or _is_whole(part) for part in (first, last)):
        problems.append(f"--cases: write A:B, as in 0:10, got {text!r}")
        return slice(None)
    return slice(int(first) if first else None, int(last) if last else None)


def _neuron(text: str | None, problems: list[str]) -> tuple[int, ...] | None:
    """(layer, neuron) or (neuron,); None where nothing is said."""
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) > 2 or not all(map(_is_whole, parts)):
        form = "L,N, layer and neuron from 0, as in 0,3 (of your own file N), or a kind's name"
        problems.append(f"--neuron: write {form}, got {text!r}")
        return None
    return tuple(map(int, parts))


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit()


# ---- data ----


def _read(path: str, asked: _Asked, named: Any, how: Any = None) -> tuple[Any, float]:
    """(`Measurement`, floor of the power) of a user's file or of a neuron in a
    trajectory; named: `Columns`, how: `Demodulation` or None.
    """
    from spinrnn.errors import DataError
    from spinrnn.files.container import is_spinrnn_file
    from spinrnn.recordings.measurement import load_measurement
    from spinrnn.recordings.samples import check_seconds

    place, cases = asked.place, asked.cases
    if place is not None and is_spinrnn_file(path):
        if not named.empty or how is not None:
            own = "names and units" if not named.empty else "powers"
            raise DataError(f"{path}: a trajectory of spinrnn has its own {own}")
        return _read_trajectory(path, asked, place)
    if place and len(place) > 1:
        advice = f"write --neuron {place[1]}"
        raise DataError(f"{path}: is no trajectory of spinrnn, so it has no layers; {advice}")
    found = load_measurement(path, *(place or (None,)), columns=named, how=how)
    if how is None:
        check_seconds(path, found.time, named)
    return found.take(cases), 0.0


def _read_trajectory(path: str, asked: _Asked, place: tuple[int, ...]) -> tuple[Any, float]:
    """(`Measurement`, floor of the power) of a neuron in a trajectory."""
    import spinrnn
    from spinrnn.config.kinds import default
    from spinrnn.errors import DataError
    from spinrnn.recordings.measurement import from_trajectory

    with spinrnn.open_trajectory(path) as trajectory:
        if len(place) == 1:
            advice = f"write --neuron L,N with the layer, as in --neuron 0,{place[0]}"
            raise DataError(f"{path}: is a trajectory of spinrnn; {advice}")
        config = trajectory.config
        own = dict(enumerate(config.neurons)).get(place[0])
        usual = default("neuron")
        if own is not None and asked.kind is None and not isinstance(own, type(usual)):
            whose = f"layer {place[0]}" if isinstance(config.neuron, tuple) else "a network"
            text = f"is of {whose} of {own.kind}, and not of {usual.kind}s"
            advice = f"add --neuron {own.kind}"
            raise DataError(f"{path}: {text}, which eq. (1) describes; {advice}")
        # a layer that is not there is told
        data = from_trajectory(trajectory, place[0], place[1], asked.cases)
    assert own is not None
    _warn(config, own, float(data.durations.max()), asked.thermal)
    return data, getattr(own, "power_floor", 0.0)


def _warn(config: Any, neuron: Any, longest: float, thermal: bool) -> None:
    """Warns of what makes a trajectory no exact solution of eq. (1).

    longest: s between two of its samples; thermal: that noise is fitted.
    """
    step = config.input_interval / config.resolved_substeps
    doubts = {
        "not every substep is stored, the drive in between is not known;"
        " simulate without --every for this": longest > 1.5 * step,
        "simulated with thermal noise, which is taken for noise of the readout;"
        " intervals and tests do not hold (--thermal fits it)": neuron.noisy and not thermal,
        "simulated with first-order steps, which are not quite eq. (1);"
        " what differs is seen in the residuals": config.scheme == "euler",
    }
    for text, holds in doubts.items():
        if holds:
            warnings.warn(text, stacklevel=2)
