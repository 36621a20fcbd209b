"""How often the 95 % intervals of `spinrnn analyse` hold the truth.

    python docs/intervals.py [TRIALS] [MEASURE ...]    # here, 100 transfer relaxation

Simulates as many recordings of an ideal device for each condition (threshold and
relaxation rate 1e8 1/s, Q 0.6, twelve steps to random drives, a sample each 0.5 ns),
with white noise of the readout, and with thermal noise of the device. Prints of how
many the interval holds the truth, and how many have one. A few minutes for each
measure.
"""

import sys

import numpy as np

from spinrnn import analysis
from spinrnn.analysis.devices import device_of

GAMMA, Q, STEP, LEVELS = 1e8, 0.6, 0.5e-9, 12
RANGES = ((0.54, 3.6), (1.15, 3.6), (1.4, 3.6), (0.7, 1.4))
HOLDS = (25e-9, 200e-9)
NOISES = ((0.03, 0.0), (0.01, 1e-3))
"""(standard deviation of the readout, thermal power eta)."""


def recordings(trials, lowest, highest, hold, noise, eta, seed):
    """((trial, level) drives over the threshold, (trial, sample) powers): eq. (5), with
    thermal noise by half a step, a kick and half a step eight times a sample."""
    rng = np.random.default_rng(seed)
    levels = rng.uniform(lowest, highest, (trials, LEVELS))
    count, pieces = round(hold / STEP), 8 if eta else 1
    h, deviation = STEP / pieces, np.sqrt(GAMMA * eta * STEP / pieces / 2)
    p = np.full(trials, 0.3)
    powers = [p]
    for level in levels.T:
        a, c = GAMMA * (level - 1), GAMMA * (level + Q)
        growth, crowd = np.exp(a * h / 2), np.expm1(a * h / 2) / a * c
        for _ in range(count):
            for kick in deviation * rng.normal(size=(pieces, 2, trials)):
                p = p * growth / (1 + p * crowd)
                p = np.minimum((np.sqrt(p) + kick[0]) ** 2 + kick[1] ** 2, 1.0)
                p = p * growth / (1 + p * crowd)
            powers.append(p)
    powers = np.stack(powers, axis=1)
    return levels, powers + noise * rng.normal(size=powers.shape)


def transfer(levels, powers, hold):
    """{what: ((k,) low, (k,) high, (k,) truth)} of one recording."""
    count = round(hold / STEP)
    times = STEP * np.arange(count)
    parts = [
        (GAMMA * level, times, powers[k * count : (k + 1) * count])
        for k, level in enumerate(levels)
    ]
    d = device_of(parts)
    return {
        "threshold": ([d.threshold_low], [d.threshold_high], [GAMMA]),
        "Q": ([d.nonlinear_damping_low], [d.nonlinear_damping_high], [Q]),
        "rate": ([d.relaxation_rate_low], [d.relaxation_rate_high], [GAMMA]),
    }


def relaxation(levels, powers, hold):
    """The same for the rates after the steps."""
    drive = np.repeat(GAMMA * levels, round(hold / STEP))
    found = analysis.step_responses(STEP * np.arange(len(powers)), powers, drive)
    return {"rates": (found.rate_low, found.rate_high, np.abs(found.drive - GAMMA))}


MEASURES = {"transfer": transfer, "relaxation": relaxation}


def main():
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    for name in sys.argv[2:] or MEASURES:
        for number, (lowest, highest) in enumerate(RANGES):
            for hold in HOLDS:
                for noise, eta in NOISES:
                    levels, powers = recordings(trials, lowest, highest, hold, noise, eta, number)
                    held, given = {}, {}
                    for trial in range(trials):
                        found = MEASURES[name](levels[trial], powers[trial], hold)
                        for what, (low, high, truth) in found.items():
                            inside = (np.array(low) <= truth) & (truth <= np.array(high))
                            held[what] = held.get(what, 0) + int(inside.sum())
                            given[what] = given.get(what, 0) + int(np.isfinite(low).sum())
                    counts = ", ".join(f"{what} {held[what]} of {given[what]}" for what in held)
                    print(
                        f"{name}: drives {lowest} to {highest}, {1e9 * hold:.0f} ns, readout "
                        f"{noise}, eta {eta}: {counts}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
