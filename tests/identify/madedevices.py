"""Recordings of devices whose equations are known: eq. (1), with noise or without."""

import numpy as np

RATE, STEP = 1 / 12.5e-9, 1e-9


def power(drive, start=0.1, eta=0.0, seed=0, copies=None, bias=1.3, gain=0.8, q=1.0, parts=5):
    """(time,) or (time, copies) p of eq. (1) under gamma (bias + gain drive).

    eta: thermal noise; the solution for a held drive in `parts` steps of a sample, each
    followed by a kick of the amplitude.
    """
    rng, h = np.random.default_rng(seed), STEP / parts
    p, found = np.full(copies or 1, start), []
    for u in drive:
        found.append(p.copy())
        a = RATE * (bias - 1 + gain * u)
        c, grown = RATE * (bias + gain * u + q), np.exp(a * h)
        for _ in range(parts):
            p = a * p * grown / (a + c * p * (grown - 1))
            if eta:
                kick = np.sqrt(RATE * eta * h / 2) * rng.standard_normal((2, len(p)))
                p = np.minimum((np.sqrt(p) + kick[0]) ** 2 + kick[1] ** 2, 1)
    return np.array(found) if copies else np.array(found)[:, 0]


def drive(samples, seed=0, held=5):
    """(time,) random values between -1 and 1, each held for some samples."""
    rng = np.random.default_rng(seed)
    return np.repeat(rng.uniform(-1, 1, samples // held + 1), held)[:samples]


def recording(samples, seed=0, **keys):
    """(time, drive, power)."""
    u = drive(samples, seed)
    return STEP * np.arange(samples), u, power(u, seed=seed, **keys)
