"""First guesses of an oscillator's parameters, from which a fit begins.

Coarse, but near enough whatever the data are. Two kinds: the integral of eq. (1) from
the first time on is linear in gamma (bias - 1), gamma (Q + bias) and gain, and
integrating averages the noise; where the samples are too coarse for that, a grid of
damping rates between the time covered and the time between samples takes over.
"""

import math
from collections.abc import Mapping

import numpy as np

from spinrnn.identify.problem import Problem

STARTS = 2
"""Starts of each kind from which the fit is made; the best result counts."""
_SCALES = (1.05, 1.6, 3.0)
"""Guesses of scale, over the highest power."""
_WIDTHS = (1, 5, 25)
"""Samples over which the power is averaged before it is integrated."""
_FIRST_POWERS = (0.1, 1e-3, 1e-6)
"""Guesses of the first power of a case, beside the one that was measured."""

SAMPLES = 20_000
"""In all, of which guesses are made."""

Start = tuple[tuple[str, bool], dict[str, float], np.ndarray]
"""(kind: origin and whether the gain is positive, values by label, (case,) first
powers)."""


def starts(problem: Problem) -> list[Start]:
    """The best `STARTS` of each kind to begin a fit from, in turns of the kinds."""
    problem = problem.shortened(problem.of_each(SAMPLES))
    rated = sorted(_rated(problem), key=lambda entry: entry[0])
    counts, found = {}, []
    for _, start in rated:
        kind = start[0]
        counts[kind] = counts.get(kind, 0) + 1
        if counts[kind] <= STARTS:
            found.append((counts[kind], start))
    found.sort(key=lambda entry: entry[0])
    return [start for _, start in found]


def _rated(problem):
    """[(cost, `Start`)] of all candidates, each with the best first power of each
    case."""
    present = problem.present
    first = np.array([row[keep][0] for row, keep in zip(problem.data.power, present, strict=True)])
    rated = []
    for origin, values in _candidates(problem):
        cost, start = np.full(problem.cases, np.inf), np.empty(problem.cases)
        measured = np.clip((first - values["readout_offset"]) / values["scale"], 1e-6, 0.98)
        spread = problem.spread_out(values)
        for guess in (measured, *(np.full(problem.cases, p) for p in _FIRST_POWERS)):
            trial = problem.case_costs(spread, guess)
            better = trial < cost
            cost[better], start[better] = trial[better], guess[better]
        if np.isfinite(cost).all():
            rated.append((float(cost.sum()), ((origin, values["gain"] > 0), spread, start)))
    return rated


def _candidates(problem):
    """Yields (origin, values by name)."""
    known = {name: value for name, (value, _) in problem.known.items()}
    power = problem.data.power[problem.present]
    # the smallest power may be that of p = 0, where the readout's is unknown
    zero = known.get("readout_offset", float(np.quantile(power, 0.01)))
    known = {"readout_offset": zero} | known
    highest = float(np.quantile(power, 0.99)) - zero
    scales = [known["scale"]] if "scale" in known else [highest * f for f in _SCALES]
    for scale in scales:
        p = (_filled(problem.data) - zero) / scale
        for width in _WIDTHS:
            for values in _by_integrals(problem, _smooth(p, width), scale, known):
                yield "integrals", values
        for values in _by_grid(problem, scale, known):
            yield "grid", values


# ---- by integrals of eq. (1) ----


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
    if width == 1:
        return p
    width = min(width, p.shape[1])
    box = np.ones(width)
    weight = np.convolve(np.ones(p.shape[1]), box, "same")
    return np.array([np.convolve(row, box, "same") / weight for row in p])


def _by_integrals(problem, p, scale, known):
    """[values], at most one, by linear least squares on the integral of eq. (1); p
    (case, sample).

    p - p_first = growth int p - (growth + damping) int p^2 + gain int p (1 - p) drive.
    """
    h, drive = problem.data.durations, problem.given[:, : problem.samples - 1]
    if problem.drive_between == "linear":
        drive = (problem.given[:, 1:] + problem.given[:, :-1]) / 2

    def column(values):
        """Without its mean in each case, as the first power of the case is unknown."""
        return (values - _mean(values, problem.present))[problem.present]

    def integral(f, weight=1.0):
        steps = (f[:, 1:] + f[:, :-1]) / 2 * h * weight
        return np.cumsum(np.pad(steps, ((0, 0), (1, 0))), axis=1)

    columns = [column(integral(p)), column(-integral(p**2))]
    by_gain, target = column(integral(p * (1 - p), drive)), column(p)
    if "gain" in known:
        target = target - known["gain"] * by_gain
    else:
        columns.append(by_gain)
    matrix = np.column_stack(columns)
    lengths = np.linalg.norm(matrix, axis=0)
    lengths[lengths == 0] = 1.0
    growth, both, *gain = np.linalg.lstsq(matrix / lengths, target, rcond=1e-10)[0] / lengths
    return _split(growth, both - growth, gain[0] if gain else known["gain"], scale, known)


def _mean(values, present):
    """(case, 1) mean over the present samples."""
    return (np.where(present, values, 0).sum(axis=1) / present.sum(axis=1))[:, None]


def _split(growth, damping, gain, scale, known):
    """[values] with gamma (bias - 1) = growth and gamma (1 + Q) = damping, as far as
    what is known allows; [] if it does not."""
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
    q, bias = damping / gamma - 1, 1 + growth / gamma
    values = {"gamma": gamma, "Q": q, "bias": bias, "gain": gain, "scale": scale} | known
    return [values] if q > -1 + 1e-9 or "Q" in known else []


# ---- by a grid of damping rates ----


def _by_grid(problem: Problem, scale: float, known: Mapping[str, float]) -> list[dict]:
    """Damping rates and, for each, gains of both signs that give the mean power at the
    mean drive in the steady state."""
    h = problem.durations[problem.durations > 0]
    slowest, fastest = 0.3 / problem.durations.sum(axis=1).max(), 3 / np.median(h)
    rates = np.geomspace(slowest, max(fastest, slowest), 7)
    power = np.mean(problem.data.power[problem.present]) - known["readout_offset"]
    mean = float(np.clip(power / scale, 1e-3, 0.9))
    found = []
    for gamma in [known["gamma"]] if "gamma" in known else rates:
        for q in [known["Q"]] if "Q" in known else (0.2, 2.0):
            # the supercriticality whose steady state is the mean power
            ratio = (1 + q * mean) / (1 - mean)
            for swing in (0.5, -0.5):
                gain, bias = _working_point(problem, gamma, ratio, swing, known)
                values = {"gamma": float(gamma), "Q": q, "bias": bias, "gain": gain}
                found.append(values | {"scale": scale} | dict(known))
    return found


def _working_point(problem, gamma, ratio, swing, known):
    """(gain, bias) that give gamma ratio at the mean drive; swing: of the drive, over
    gamma, where the data do not say the gain."""
    level, deviation = float(np.mean(problem.drive)), float(np.std(problem.drive))
    if "gain" in known:
        gain = known["gain"]
    elif "bias" in known and abs(level) > 1e-3 * deviation:
        gain = gamma * (ratio - known["bias"]) / level
    else:
        gain = gamma * swing / (deviation or abs(level) or 1.0)
    return gain, known.get("bias", ratio - gain * level / gamma)
