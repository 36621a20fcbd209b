"""What may be wrong with a device, as directions in which its power would move."""

import numpy as np

from spinrnn.identify.oscillator import NAMES, UNITS
from spinrnn.identify.residuals import diagnose


def diagnosis_of(problem, values, start, p, by, predicted, residual):
    """`Diagnosis` of the residuals, with what may be wrong with a device as suspects."""
    data, gain, scale = problem.data, values["gain"], values["scale"]
    middle = np.repeat((p[:, 1:] + p[:, :-1]) / 2, problem.pieces, axis=1)
    largest = float(np.abs(problem.drive).max()) or 1.0
    h = float(np.median(problem.durations[problem.durations > 0])) * problem.pieces
    held = (
        problem.drive_between == "held"
    )  # until t + lag, the value from before; a linear drive has a slope instead
    change = np.diff(problem.given, axis=1, **({"prepend": problem.given[:, :1]} if held else {}))[
        :, : problem.samples - 1
    ]
    before = np.repeat(
        change / np.where(data.durations > 0, data.durations, np.inf), problem.pieces, axis=1
    )
    kicks = {
        "lag of the drive (delay or another pole)": (-gain * before * h, h, "s"),
        "saturation of the drive": (
            -gain * problem.drive * np.abs(problem.drive) / largest,
            1 / largest,
            "1/drive",
        ),
        "damping beyond Q p": (
            -values["gamma"] * middle**2 / (1 - np.minimum(middle, 0.999)),
            1.0,
            "1",
        ),
    }
    present = problem.present
    kicked = problem.run(values, start, np.stack([kick for kick, _, _ in kicks.values()], axis=2))[
        1
    ][present]
    suspects = {
        name: (scale * kicked[:, 5 + j], factor, unit)
        for j, (name, (_, factor, unit)) in enumerate(kicks.items())
    }
    with np.errstate(invalid="ignore"):
        slope = (
            np.diff(p, axis=1, prepend=p[:, :1])
            / np.where(data.durations > 0, data.durations, np.inf)[
                :, np.r_[0, : problem.samples - 1]
            ]
        )
    suspects["lag of the readout"] = (-scale * slope[present] * h, h, "s")
    # no saturation of the readout: 1 / p obeys a linear equation, so to first order it is another scale, which has its own line below
    suspects["offset of the readout"] = (np.full(problem.count, scale), scale, UNITS["scale"])
    by_names, by_start = problem.columns(values, p, by)
    for name, column in zip(NAMES, by_names.T, strict=True):
        if name in problem.known and problem.known[name][1] == 0:
            suspects[f"{name} is not {values[name]:g}"] = (column, 1.0, UNITS[name])
    weight = 1 / problem.sigma if data.noise is not None else np.ones(problem.count)
    jacobian = problem.matrix([by_names[:, NAMES.index(name)] for name in problem.free], by_start)
    e, resolution = residual.copy(), data.resolution * np.abs(predicted)
    e[present] *= weight
    resolution[present] *= weight
    weighted = {
        name: (direction * weight, factor, unit)
        for name, (direction, factor, unit) in suspects.items()
    }
    return diagnose(e, jacobian * weight[:, None], weighted, data.noise is not None, resolution)
