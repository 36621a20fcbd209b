"""Compiled: the power of single oscillators under a given drive, and its derivatives.

The steps of eq. (1) of docs/MODEL.md are those of `neurons.oscillator`, eq. (5), but in
seconds, as gamma is unknown here and every step may have a length of its own.
Derivatives go forward with the power: six numbers are known for each time, so the
Jacobian that a least-squares fit needs costs one pass, where an adjoint would cost one
for each sample.
"""

from spinrnn.kernels.authors import compiled, fingerprint
from spinrnn.kernels.compiling import kernel
from spinrnn.neurons.oscillator import strong_exponential

strong_step = compiled(strong_exponential)

PARAMETERS = ("gamma", "Q", "bias", "gain", "start")
"""Order of the derivatives of `device_forward`; start is the first power."""


def _device_forward(
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
    count, nothing = len(PARAMETERS), power[0, :0]
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
            q = (gamma, gamma * damping, floor, 0.0, 0.0)
            (p,), ((by_p,),), (by_i,), (by_q,) = strong_step(q, nothing, h, (p,), current, 1.0)
            by_g, by_gq = by_q[0], by_q[1]
            # as in a network: no derivative passes where the floor holds the power
            if p <= floor:
                p = floor
                by_p = by_i = by_g = by_gq = 0.0
            row, last = by[case, now], by[case, before]
            # g = gamma, gq = gamma Q and I = gamma bias + gain u
            row[0] = by_p * last[0] + by_i * bias + by_g + by_gq * damping
            row[1] = by_p * last[1] + by_gq * gamma
            row[2] = by_p * last[2] + by_i * gamma
            row[3] = by_p * last[3] + by_i * u
            row[4] = by_p * last[4]
            for j in range(kicks.shape[2]):
                row[count + j] = by_p * last[count + j] + by_i * kicks[case, k, j]
            power[case, now] = p


device_forward = kernel(_device_forward, further=(fingerprint(strong_exponential) or "").encode())
