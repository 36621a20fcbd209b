"""Compiled: the power of single oscillators under a given drive, and its derivatives.

The steps of eq. (1) of docs/MODEL.md are the exact ones of `kernels.stepping`, eq. (5),
but in seconds, as gamma is unknown here and every step may have a length of its own.
Derivatives go forward with the power: six numbers are known for each time, so the
Jacobian that a least-squares fit needs costs one pass, where an adjoint would cost one
for each sample.
"""

from spinrnn.kernels.arithmetic import decay
from spinrnn.kernels.compiling import kernel
from spinrnn.kernels.stepping import limits_of, strong_step

PARAMETERS = ("gamma", "Q", "bias", "gain", "start")
"""Order of the derivatives of `device_forward`; start is the first power."""


@kernel
def device_forward(
    durations, drive, pieces, kicks, gamma, damping, bias, gain, floor, start, power, by
):
    """Power with I = gamma bias + gain drive, and its derivatives, at the M + 1 times
    of each case.

    Args:
        durations: (case, M pieces) s, from 0; drive: (case, M pieces), held for that
            long.
        pieces: steps between two times.
        kicks: (case, M pieces, E) in 1/s; derivatives by e at e = 0 are asked for,
            where the drive is I + e kick.
        gamma: 1/s; damping: Q; bias; gain: 1/s for one unit of drive; floor: smallest
            power, 0 for none; start: (case,) first power.
        power: (case, M + 1), by: (case, M + 1, 5 + E) in the order of `PARAMETERS`;
            both are overwritten. All float64.
    """
    count, limits = len(PARAMETERS), limits_of(power)
    for case in range(power.shape[0]):
        p = start[case]
        power[case, 0] = p
        for j in range(by.shape[2]):
            by[case, 0, j] = 0.0
        by[case, 0, count - 1] = 1.0
        for k in range(drive.shape[1]):
            now = k // pieces + 1
            # the row of the step before: the last step between two times fills the row
            before = now - 1 if k % pieces == 0 else now
            u, h = drive[case, k], durations[case, k]
            current = gamma * bias + gain * u
            a, c, s = current - gamma, current + gamma * damping, gamma + gamma * damping
            x = abs(a) * h
            p, by_p, by_i, by_c = strong_step(p, a, c, s, h, x, decay(x), limits, 1.0)
            # as in `stepping`: no derivative passes where the floor holds the power
            if p <= floor:
                p = floor
                by_p = by_i = by_c = 0.0
            row, last = by[case, now], by[case, before]
            # a = I - gamma and c = I + gamma Q with I = gamma bias + gain u
            row[0] = by_p * last[0] + by_i * (bias - 1.0) + by_c * (1.0 + damping)
            row[1] = by_p * last[1] + by_c * gamma
            row[2] = by_p * last[2] + by_i * gamma
            row[3] = by_p * last[3] + by_i * u
            row[4] = by_p * last[4]
            for j in range(kicks.shape[2]):
                row[count + j] = by_p * last[count + j] + by_i * kicks[case, k, j]
            power[case, now] = p
