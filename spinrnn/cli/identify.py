"""The command line of `spinrnn identify`.

Exit status: 0 the model describes the data, 1 it does not, as the text says (the fit is
written all the same), 2 bad input.
"""

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

from spinrnn.cli.learn import add_learning, learned, only_with_learning
from spinrnn.cli.options import (
    add_columns,
    add_command,
    add_envelope,
    add_json,
    add_memory,
    columns,
    envelope,
    number,
)

SUMMARY = (
    "Fit gamma, Q, bias and gain of a device to its measured power,"
    " and say whether the model describes it."
)


def add_commands(commands: Any) -> None:
    """Adds the command; commands: what `add_subparsers` returned."""
    parser = add_command(commands, "identify", identify, SUMMARY)
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="file with time (s), drive and power, perhaps noise (NPZ, HDF5, CSV, MATLAB ...); or a"
        " trajectory",
    )
    _add_others(parser)
    add_columns(parser)
    add_envelope(parser)
    _add_model(parser)
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
        help="not fitted: gamma (1/s), Q, bias, gain (1/s per unit of drive) or scale; with an"
        " uncertainty as Q=0.7+-0.1; may be repeated (default: bias=0 and scale=1, as one of"
        " gamma, Q and bias must be known)",
    )
    parser.add_argument(
        "--free-scale", action="store_true", help="fit scale, the measured power of p = 1"
    )
    parser.add_argument(
        "--noise",
        type=number,
        metavar="SD",
        help="standard deviation of the power's noise, where it is known (default: noise in FILE)",
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


def _add_selection(parser: argparse.ArgumentParser) -> None:
    """Adds the options that choose among cases and neurons."""
    parser.add_argument("--cases", metavar="A:B", help="only cases from A to B - 1")
    parser.add_argument(
        "--neuron",
        metavar="L,N",
        help="neuron N of layer L of a trajectory of spinrnn; N of your own (case, neuron,"
        " sample); from 0",
    )


def identify(options: argparse.Namespace) -> int:
    """Fits, writes the three files of the fit and prints what was found."""
    _check_source(options)
    if options.synapse is not None:
        return _identify_synapse(options)
    if options.lines is not None:
        return _identify_lines(options)
    if options.learn:
        return learned(options)
    return _identify_device(options)


_OF_DEVICE = ("fix", "free_scale", "noise", "linear", "power_floor", "cases", "neuron")


def _check_source(options: argparse.Namespace) -> None:
    """ConfigError unless there is one thing to identify, and no option of another."""
    from spinrnn.errors import ConfigError

    other = "--synapse" if options.synapse is not None else "--lines"
    given = options.synapse is not None or options.lines is not None
    problems = []
    if options.file is None and not given:
        problems.append("give a FILE with time, drive and power, --synapse FILE or --lines FILE")
    if options.file is not None and given:
        problems.append(f"{options.file}: goes without {other}; give one thing to identify")
    wrong = [name for name in _OF_DEVICE if given and getattr(options, name)]
    problems += [f"--{name.replace('_', '-')}: does not go with {other}" for name in wrong]
    problems += only_with_learning(options)
    if given and options.learn:
        problems.append(f"--learn: does not go with {other}")
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
    """A device's power: eq. (1)."""
    from spinrnn.identify.fit import identify_device
    from spinrnn.identify.report import write_report
    from spinrnn.identify.wording import lines_of

    fixed, cases, neuron = _arguments(options)
    data, floor = _read(options.file, neuron, cases, columns(options), envelope(options))
    if options.noise is not None:
        data = _with_noise(data, options.noise)
    fit = identify_device(
        data,
        fixed=fixed,
        free_scale=options.free_scale,
        drive_between="linear" if options.linear else "held",
        power_floor=floor if options.power_floor is None else options.power_floor,
        level=options.level,
    )
    report = {"file": options.file, "neuron": neuron, **fit.report()}
    out = Path(options.out or f"{Path(options.file).stem}-device")
    written = write_report(fit, out, report)
    if options.json:
        print(json.dumps(report))
    else:
        print("\n".join(lines_of(fit, options.file, neuron is not None)))
        print(f"written: {out}/{', '.join(written)}")
    return 0 if fit.diagnosis.describes else 1


def _with_noise(data: Any, noise: float) -> Any:
    """The measurement with this standard deviation of each sample."""
    import dataclasses

    import numpy as np

    return dataclasses.replace(data, noise=np.full(data.power.shape, noise))


# ---- arguments ----


def _arguments(options: argparse.Namespace) -> tuple[dict, slice, tuple[int, ...] | None]:
    """(fixed, cases, neuron) of the options; ConfigError with all that is wrong with
    them.
    """
    from spinrnn.errors import ConfigError

    problems: list[str] = []
    fixed = _fixed(options.fix, problems)
    cases = _cases(options.cases, problems)
    neuron = _neuron(options.neuron, problems)
    if options.noise == 0:
        problems.append("--noise: must be above 0")
    if options.out == "":
        problems.append("--out: give the name of a folder")
    if problems:
        raise ConfigError(problems)
    return fixed, cases, neuron


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
        form = "L,N, layer and neuron from 0, as in 0,3 (of your own file N)"
        problems.append(f"--neuron: write {form}, got {text!r}")
        return None
    return tuple(map(int, parts))


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit()


# ---- data ----


def _read(
    path: str, neuron: tuple[int, ...] | None, cases: slice, named: Any, how: Any = None
) -> tuple[Any, float]:
    """(`Measurement`, floor of the power) of a user's file or of a neuron in a
    trajectory; named: `Columns`, how: `Demodulation` or None.
    """
    from spinrnn.errors import DataError
    from spinrnn.files.container import is_spinrnn_file
    from spinrnn.recordings.measurement import load_measurement

    if neuron is not None and is_spinrnn_file(path):
        if not named.empty or how is not None:
            own = "names and units" if not named.empty else "powers"
            raise DataError(f"{path}: a trajectory of spinrnn has its own {own}")
        return _read_trajectory(path, neuron, cases)
    if neuron and len(neuron) > 1:
        advice = f"write --neuron {neuron[1]}"
        raise DataError(f"{path}: is no trajectory of spinrnn, so it has no layers; {advice}")
    return load_measurement(path, *(neuron or (None,)), columns=named, how=how).take(cases), 0.0


def _read_trajectory(path: str, neuron: tuple[int, ...], cases: slice) -> tuple[Any, float]:
    """(`Measurement`, floor of the power) of a neuron in a trajectory."""
    import spinrnn
    from spinrnn.errors import DataError
    from spinrnn.neurons.oscillator import Oscillator
    from spinrnn.recordings.measurement import from_trajectory

    with spinrnn.open_trajectory(path) as trajectory:
        if len(neuron) == 1:
            advice = f"write --neuron L,N with the layer, as in --neuron 0,{neuron[0]}"
            raise DataError(f"{path}: is a trajectory of spinrnn; {advice}")
        config = trajectory.config
        own = dict(enumerate(config.neurons)).get(neuron[0])
        if own is not None and not isinstance(own, Oscillator):
            whose = f"layer {neuron[0]}" if isinstance(config.neuron, tuple) else "a network"
            text = f"is of {whose} of {own.kind}, and not of oscillators"
            raise DataError(f"{path}: {text}, which eq. (1) describes")
        # a layer that is not there is told
        data = from_trajectory(trajectory, neuron[0], neuron[1], cases)
    assert own is not None
    _warn(config, own, float(data.durations.max()))
    return data, own.power_floor


def _warn(config: Any, neuron: Any, longest: float) -> None:
    """Warns of what makes a trajectory no exact solution of eq. (1).

    longest: s between two of its samples.
    """
    step = config.input_interval / config.resolved_substeps
    doubts = {
        "not every substep is stored, the drive in between is not known;"
        " simulate without --every for this": longest > 1.5 * step,
        "simulated with thermal noise, which is taken for noise of the readout;"
        " intervals and tests do not hold": neuron.noisy,
        "simulated with first-order steps, which are not quite eq. (1);"
        " what differs is seen in the residuals": config.scheme == "euler",
    }
    for text, holds in doubts.items():
        if holds:
            warnings.warn(text, stacklevel=2)
