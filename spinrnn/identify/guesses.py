"""First guesses of a device's parameters, from which a fit of `identify` begins: coarse, but near enough whatever the data are."""

import math

import numpy as np

STARTS = 2
"""Starts of each kind from which the fit is made; the best result counts."""


def starts(problem):
    """[(kind, values, start)] to begin a fit from: of each kind, origin and sign of the gain, the best `STARTS`, in turns.

    The integral of eq. (1) from the first time on is linear in gamma (bias - 1), gamma (Q + bias) and gain, and integrating averages the noise; where the
    samples are too coarse for that, a grid of damping rates between the time covered and the time between samples takes over.
    """
    data, known = problem.data, {name: value for name, (value, _) in problem.known.items()}
    highest = float(np.quantile(problem.power, 0.99))
    scales = [known["scale"]] if "scale" in known else [highest * f for f in (1.05, 1.6, 3.0)]
    candidates = []
    for scale in scales:
        p = _filled(data) / scale
        for smooth in (1, 5, 25):
            integrals = _by_integrals(
                problem, _smooth(p, smooth) if smooth > 1 else p, scale, known
            )
            candidates += [("integrals", values) for values in integrals]
        candidates += [("grid", values) for values in _by_grid(problem, scale, known)]
    first = np.array([row[keep][0] for row, keep in zip(data.power, problem.present, strict=True)])
    rated = []
    for origin, values in candidates:
        best, start = np.full(problem.cases, np.inf), np.empty(problem.cases)
        for trial in (None, 0.1, 1e-3, 1e-6):
            guess = (
                np.clip(first / values["scale"], 1e-6, 0.98)
                if trial is None
                else np.full(problem.cases, trial)
            )
            cost = problem.cost(values, guess)
            better = cost < best
            best[better], start[better] = cost[better], guess[better]
        if np.isfinite(best).all():
            rated.append((float(best.sum()), (origin, values["gain"] > 0), values, start))
    rated.sort(key=lambda entry: entry[0])
    counts, found = {}, []
    for _, kind, values, start in rated:
        counts[kind] = counts.get(kind, 0) + 1
        if counts[kind] <= STARTS:
            found.append((counts[kind], kind, values, start))
    found.sort(key=lambda entry: entry[0])
    return [tuple(rest) for _, *rest in found]


def _filled(data):
    """(case, sample) power with the missing ones on a line between their neighbours."""
    filled = data.power.copy()
    for row, time in zip(filled, data.time, strict=True):
        used = ~np.isnan(time)
        there = used & ~np.isnan(row)
        row[used] = np.interp(time[used], time[there], row[there])
        row[~used] = row[there][-1]
    return filled


def _smooth(p, width):
    """Mean over so many samples, fewer at the ends."""
    width = min(width, p.shape[1])
    box = np.ones(width)
    weight = np.convolve(np.ones(p.shape[1]), box, "same")
    return np.array([np.convolve(row, box, "same") / weight for row in p])


def _by_integrals(problem, p, scale, known):
    data = problem.data
    h = data.durations
    drive = problem.given[:, : problem.samples - 1]
    if problem.drive_between == "linear":
        drive = (problem.given[:, 1:] + problem.given[:, :-1]) / 2

    def integral(f, weight=1.0):
        return np.cumsum(np.pad((f[:, 1:] + f[:, :-1]) / 2 * h * weight, ((0, 0), (1, 0))), axis=1)

    columns = [integral(p), -integral(p**2), integral(p * (1 - p), drive), p]
    columns = [
        (c - _mean(c, problem.present))[problem.present] for c in columns
    ]  # an unknown first power for each case
    target = columns.pop()
    if "gain" in known:
        target = target - known["gain"] * columns.pop()
    matrix = np.column_stack(columns)
    lengths = np.linalg.norm(matrix, axis=0)
    lengths[lengths == 0] = 1.0
    growth, saturation, *gain = np.linalg.lstsq(matrix / lengths, target, rcond=1e-10)[0] / lengths
    return _split(
        growth, saturation - growth, known["gain"] if "gain" in known else gain[0], scale, known
    )


def _mean(values, present):
    return (np.where(present, values, 0).sum(axis=1) / present.sum(axis=1))[:, None]


def _split(growth, damping, gain, scale, known):
    """[values] with gamma (bias - 1) = growth and gamma (1 + Q) = damping, as far as what is known allows; [] if it does not."""
    if not damping > 0:
        return []
    if "gamma" in known:
        gamma = known["gamma"]
    elif "Q" in known:
        gamma = damping / (1 + known["Q"])
    else:
        gamma = growth / (known["bias"] - 1) if known["bias"] != 1 else damping
    if not (0 < gamma < math.inf and math.isfinite(gain)):
        return []
    values = {
        "gamma": gamma,
        "Q": damping / gamma - 1,
        "bias": 1 + growth / gamma,
        "gain": gain,
        "scale": scale,
    }
    return [values | known] if values["Q"] > -1 + 1e-9 or "Q" in known else []


def _by_grid(problem, scale, known):
    """Damping rates and, for each, gains of both signs that give the mean power at the mean drive in the steady state."""
    h = problem.durations[problem.durations > 0]
    slowest, fastest = 0.3 / problem.durations.sum(axis=1).max(), 3 / np.median(h)
    mean = float(np.clip(np.mean(problem.power) / scale, 1e-3, 0.9))
    level, spread = float(np.mean(problem.drive)), float(np.std(problem.drive))
    found = []
    rates = (
        [known["gamma"]] if "gamma" in known else np.geomspace(slowest, max(fastest, slowest), 7)
    )
    for gamma in rates:
        for damping in [known["Q"]] if "Q" in known else (0.2, 2.0):
            ratio = (1 + damping * mean) / (
                1 - mean
            )  # the supercriticality whose steady state is the mean power
            for swing in (0.5, -0.5):
                if "gain" in known:
                    gain = known["gain"]
                elif "bias" in known and abs(level) > 1e-3 * spread:
                    gain = gamma * (ratio - known["bias"]) / level
                else:
                    gain = gamma * swing / (spread or abs(level) or 1.0)
                bias = known.get("bias", ratio - gain * level / gamma)
                found.append(
                    {
                        "gamma": float(gamma),
                        "Q": damping,
                        "bias": bias,
                        "gain": gain,
                        "scale": scale,
                    }
                )
    return found
