"""Compiled: the power of single oscillators under a given drive, eq. (1) of docs/MODEL.md, and its derivatives by the parameters.

The steps are the exact ones of `steps`, eq. (5), but in seconds, as gamma is unknown here and every step may have a length of its own.
Derivatives go forward with the power: six numbers are known for each time, so the Jacobian that a least-squares fit needs costs one pass,
where an adjoint would cost one for each sample.
"""

from spinrnn.kernels.arithmetic import decay
from spinrnn.kernels.compiling import inlined, kernel

PARAMETERS = ("gamma", "Q", "bias", "gain", "start")
"""Order of the derivatives of `device_forward`; start is the power at the first time."""


@inlined
def exact_step(p, current, gamma, damping, h):
    """(p', dp'/dp, dp'/da, dp'/dc) of eq. (5) for a drive held for h; a = I - gamma and c = I + gamma Q, here in 1/s.

    With E = exp(-|a| h), psi = phi E for a >= 0 and phi else, likewise chi of dphi/da: p' = p / D, D = E + c p psi, for a >= 0, else
    p' = p E / D, D = 1 + c p psi. So dp'/dp = E / D^2, dp'/da = p' (h - c p chi / D) and dp'/dc = -p' p psi / D.
    """
    a, c = current - gamma, current + gamma * damping
    kept, lost, curved = decay(abs(a) * h)
    psi = h * lost
    chi = h * h * (curved if a >= 0 else lost - curved)
    inverse = 1.0 / ((kept if a >= 0 else 1.0) + c * p * psi)
    p_next = (p if a >= 0 else p * kept) * inverse
    return (
        p_next,
        kept * inverse * inverse,
        p_next * (h - c * p * chi * inverse),
        -p_next * p * psi * inverse,
    )


@kernel
def device_forward(
    durations, drive, pieces, kicks, gamma, damping, bias, gain, floor, start, power, by
):
    """Power with I = gamma bias + gain drive, and its derivatives, at the M + 1 times of each case.

    Args:
        durations: (case, M pieces) s, from 0; drive: (case, M pieces), held for that long.
        pieces: steps between two times.
        kicks: (case, M pieces, E) in 1/s; derivatives by e at e = 0 are asked for, where the drive is I + e kick.
        gamma: 1/s; damping: Q; bias; gain: 1/s for one unit of drive; floor: smallest power, 0 for none; start: (case,) first power.
        power: (case, M + 1), by: (case, M + 1, 5 + E) in the order of `PARAMETERS`; both are overwritten. All float64.
    """
    count = len(PARAMETERS)
    for case in range(power.shape[0]):
        p = start[case]
        power[case, 0] = p
        for j in range(by.shape[2]):
            by[case, 0, j] = 0.0
        by[case, 0, count - 1] = 1.0
        for k in range(drive.shape[1]):
            now = k // pieces + 1
            before = (
                now - 1 if k % pieces == 0 else now
            )  # the row of the step before: the last one of a pair of times fills the row
            u = drive[case, k]
            p, by_p, by_a, by_c = exact_step(
                p, gamma * bias + gain * u, gamma, damping, durations[case, k]
            )
            if p <= floor:  # as in `steps`: no derivative passes where the floor holds the power
                p = floor
                by_p = by_a = by_c = 0.0
            by_current = by_a + by_c
            row, last = by[case, now], by[case, before]
            row[0] = by_p * last[0] + by_a * (bias - 1.0) + by_c * (bias + damping)
            row[1] = by_p * last[1] + by_c * gamma
            row[2] = by_p * last[2] + by_current * gamma
            row[3] = by_p * last[3] + by_current * u
            row[4] = by_p * last[4]
            for j in range(kicks.shape[2]):
                row[count + j] = by_p * last[count + j] + by_current * kicks[case, k, j]
            power[case, now] = p
