"""The command line of `spinrnn identify`.

Exit status: 0 the model describes the data, 1 it does not, as the text says (the fit is written all the same), 2 bad input.
"""

import json
import math
import warnings
from pathlib import Path


def add_commands(command, positive, size):
    """Adds the command; arguments as those of `cli_sweep.add_commands`."""
    sub = command(
        "identify",
        _identify,
        "Fit gamma, Q, bias and gain of a device to its measured power, and say whether the model describes it.",
    )
    sub.add_argument(
        "file",
        metavar="FILE",
        help=".npz, .h5 or .hdf5 with time (s), drive and power, perhaps noise; or a trajectory",
    )
    sub.add_argument(
        "--fix", action="append", default=[], metavar="NAME=VALUE",
        help="not fitted: gamma (1/s), Q, bias, gain (1/s per unit of drive) or scale; with an uncertainty as Q=0.7+-0.1; may be repeated "
        "(default: bias=0 and scale=1, as one of gamma, Q and bias must be known)",
    )  # fmt: skip
    sub.add_argument(
        "--free-scale", action="store_true", help="fit scale, the measured power of p = 1"
    )
    sub.add_argument(
        "--noise",
        type=_number,
        metavar="SD",
        help="standard deviation of the power's noise, where it is known (default: noise in FILE)",
    )
    sub.add_argument(
        "--linear",
        action="store_true",
        help="the drive goes linearly between its samples (default: it is held)",
    )
    sub.add_argument("--cases", metavar="A:B", help="only cases from A to B - 1")
    sub.add_argument(
        "--neuron",
        metavar="L,N",
        help="neuron N of layer L of a trajectory of spinrnn; N of your own (case, neuron, sample); from 0",
    )
    sub.add_argument(
        "--power-floor",
        type=_number,
        metavar="P",
        help="smallest p (default: that of a trajectory's network, else 0)",
    )
    sub.add_argument(
        "--level",
        type=_number,
        default=0.95,
        metavar="C",
        help="of the confidence intervals (default: 0.95)",
    )
    sub.add_argument(
        "--out",
        metavar="DIR",
        help="folder of device.json, device.png and device.csv (default: FILE's name with -device)",
    )
    sub.add_argument(
        "--json", action="store_true", help="print one JSON object, the content of device.json"
    )
    sub.add_argument(
        "--memory",
        type=size,
        metavar="SIZE",
        help="memory of the fit, as in 2G (default: SPINRNN_MEMORY, else half of what is available)",
    )


def _number(text):
    import argparse

    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number from 0, got {text!r}")
    return value


def _identify(options):
    import dataclasses

    import numpy as np

    from spinrnn.errors import ConfigError
    from spinrnn.identify.fit import identify_device
    from spinrnn.identify.report import write_report
    from spinrnn.identify.wording import lines_of

    problems = []
    fixed = _fixed(options.fix, problems)
    cases = _cases(options.cases, problems)
    neuron = _neuron(options.neuron, problems)
    if options.noise == 0:
        problems.append("--noise: must be above 0")
    if options.out == "":
        problems.append("--out: give the name of a folder")
    if problems:
        raise ConfigError(problems)
    data, floor = _read(options.file, neuron, cases)
    if options.noise is not None:
        data = dataclasses.replace(data, noise=np.full(data.power.shape, options.noise))
    floor = floor if options.power_floor is None else options.power_floor
    between = "linear" if options.linear else "held"
    fit = identify_device(
        data,
        fixed=fixed,
        free_scale=options.free_scale,
        drive_between=between,
        power_floor=floor,
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


# ---- arguments ----


def _fixed(texts, problems):
    """{name: (value, uncertainty)} of NAME=VALUE and NAME=VALUE+-UNCERTAINTY."""
    found = {}
    for text in texts:
        name, equals, numbers = (part.strip() for part in text.partition("="))
        try:
            value, _, uncertainty = numbers.replace("±", "+-").partition("+-")
            pair = float(value), float(uncertainty or 0)
        except ValueError:
            equals = ""
        if not equals:
            problems.append(
                f"--fix: write NAME=VALUE or NAME=VALUE+-UNCERTAINTY, as in Q=0.7+-0.1, got {text!r}"
            )
        elif name in found:
            problems.append(f"--fix: {name} is given twice")
        else:
            found[name] = pair
    return found


def _cases(text, problems):
    first, colon, last = ("" if text is None else text).partition(":")
    if text is not None and not (
        colon and all(part == "" or (part.isascii() and part.isdigit()) for part in (first, last))
    ):
        problems.append(f"--cases: write A:B, as in 0:10, got {text!r}")
        return None
    return slice(int(first) if first else None, int(last) if last else None)


def _neuron(text, problems):
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) > 2 or not all(part.isascii() and part.isdigit() for part in parts):
        problems.append(
            f"--neuron: write L,N, layer and neuron from 0, as in 0,3 (of your own file N), got {text!r}"
        )
        return None
    return tuple(map(int, parts))


def _read(path, neuron, cases):
    """(`Measurement`, floor of the power) of a user's file or of a neuron in a trajectory."""
    import spinrnn
    from spinrnn.errors import DataError
    from spinrnn.files.container import is_spinrnn_file
    from spinrnn.recordings.measurement import from_trajectory, load_measurement

    if neuron is None or not is_spinrnn_file(path):
        if neuron and len(neuron) > 1:
            raise DataError(
                f"{path}: is no trajectory of spinrnn, so it has no layers; write --neuron {neuron[1]}"
            )
        return load_measurement(path, *(neuron or ())).take(cases), 0.0
    with spinrnn.open_trajectory(path) as trajectory:
        if len(neuron) == 1:
            raise DataError(
                f"{path}: is a trajectory of spinrnn; write --neuron L,N with the layer, as in --neuron 0,{neuron[0]}"
            )
        config = trajectory.config
        if config.neuron != "oscillator":
            raise DataError(
                f"{path}: is of a network of {config.neuron}, and not of oscillators, which eq. (1) describes"
            )
        data, floor = from_trajectory(trajectory, *neuron, cases), config.power_floor
    step = config.input_interval / config.resolved_substeps
    if float(data.durations.max()) > 1.5 * step:
        warnings.warn(
            "not every substep is stored, the drive in between is not known; simulate without --every for this",
            stacklevel=2,
        )
    if config.thermal_power:
        warnings.warn(
            "simulated with thermal noise, which is taken for noise of the readout; intervals and tests do not hold",
            stacklevel=2,
        )
    if config.scheme == "euler":
        warnings.warn(
            "simulated with first-order steps, which are not quite eq. (1); what differs is seen in the residuals",
            stacklevel=2,
        )
    return data, floor
