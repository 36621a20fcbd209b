"""One substep: the arithmetic of a neuron, and loops over all, forward and backward.

A forward step also writes the two numbers that its adjoint needs, dp'/dp and dp'/dI,
while the exponentials are at hand: the backward step is then the same few
multiplications for every model. Loops are plain arithmetic on flat arrays, which the
compiler turns into vector instructions. Reduced units; equation numbers of
docs/MODEL.md. Time levels as in `kernels.blocks`.
"""

from typing import NamedTuple

import numpy as np

from spinrnn.kernels.arithmetic import decay, ordered
from spinrnn.kernels.compiling import inlined, loop

OSCILLATOR_EULER, OSCILLATOR_EXPONENTIAL, CTRNN = 0, 1, 2
"""Values of `Constants.model`. The CTRNN's two schemes differ by constants only."""

STRONG = 8
"""Of |a| h: where it is larger, a neuron forgets all but exp(-8) within a substep."""


class Constants(NamedTuple):
    """What the steps need besides weights and states.

    Floats in the network's dtype, reduced units.
    """

    # OSCILLATOR_EULER, OSCILLATOR_EXPONENTIAL or CTRNN
    model: int
    # h, length of a substep
    step: float
    # kappa, relaxation factor of the filter's mean: m' = m + kappa (target - m); 0 for
    # the CTRNN
    blend: float
    # the same of the CTRNN's state
    approach: float
    # the filter sees p + ahead (p' - p): 1/2, or 0 for Euler
    ahead: float
    # Q
    nonlinear_damping: float
    # smallest power; -inf where p' may be anything
    floor: float
    # xi_0, the fixed bias; 0 for the CTRNN
    bias: float
    # z(k) = now y(k) + before y(k-1): 3/2 and -1/2, or 1 and 0 for Euler
    now: float
    before: float
    # S
    substeps: int
    # (window + 1,) weight of y at so many substeps before a sample's end: [1], or the
    # trapezoidal rule, so that it is an integral and not a mean of S values
    readout: np.ndarray
    # substeps whose gradients of the weights are summed together
    chunk: int


# ---- one neuron, one substep: eq. (1) with gamma replaced by g and gamma Q by gq ----


@inlined
def euler_step(p, current, g, gq, h, one):
    """(p', dp'/dp, dp'/dI) of p' = p + h (-(g + gq p) p + I p (1 - p)).

    Nothing keeps p' above zero.
    """
    lost = p * (h * (current + gq))
    growth = h * (current - g) - lost
    p_next = p + p * growth
    # infinity minus infinity is NaN, which no floor hides
    p_next += p_next - p_next
    return p_next, one + growth - lost, h * p * (one - p)


@inlined
def exponential_step(p, a, c, s, h, x, decayed, limits, one):
    """(p', dp'/dp, dp'/dI, dp'/dc) of eq. (5) for a drive I that is held for h.

    a = I - g, c = I + gq, s = g + gq = c - a; x = |a| h, decayed = decay(x): the call
    stands in the loops, as Numba warns of an inlined overload within an inlined piece.

    With E = exp(-|a| h), psi = phi E for a >= 0 and phi else, chi the same of dphi/da:
    p' = p / D, D = E + c p psi, for a >= 0, and p' = p E / D, D = 1 + c p psi, else.
    Hence

        dp'/dp = E / D^2 ,  dp'/dI = p' (h - p (psi + c chi) / D) ,
        dp'/dc = -p' p psi / D ,

    the last one for a fixed a. s, x and limits are for `strong_step`, which takes the
    same arguments.
    """
    kept, lost, curved = decayed
    psi = h * lost
    chi = h * h * (curved if a >= 0 else lost - curved)
    inverse = one / ((kept if a >= 0 else one) + c * p * psi)
    p_next = (p if a >= 0 else p * kept) * inverse
    by_i = p_next * (h - p * (psi + c * chi) * inverse)
    return p_next, kept * inverse * inverse, by_i, -p_next * p * psi * inverse


@inlined
def strong_step(p, a, c, s, h, x, decayed, limits, one):
    """`exponential_step`; for strong drives without differences of large numbers.

    With c = a + s for a >= 0 and s - |a| else, so the terms of order |a|
    cancel:

        a >= 0:  D = p + E (1 - p) + s p psi ,
                 dp'/dI = p' h (E (1 - p) + s h p lambda) / D ,
        a < 0:   D = (1 - p) + E p + s p psi ,
                 dp'/dI = p' h ((1 - p) + s h p mu) / D ,

    lambda = (1 - E - x E) / x^2 and mu = (E - 1 + x) / x^2. limits: of x, see
    `limits_of`. Where x is not larger than the first, the results are those of
    `exponential_step` to the bit, so that a sample does not depend on those beside it.
    """
    (strong, fading), (kept, lost, curved) = limits, decayed
    psi = h * lost
    chi = h * h * (curved if a >= 0 else lost - curved)
    # next to D^2 of a power near 1 even the smallest number would count
    kept = one - one if a < 0 and x > fading else kept
    left = one - p
    # a - a is NaN for an infinite drive, which must not go unnoticed
    far = (p if a >= 0 else left) + (kept * (left if a >= 0 else p) + p * (s * psi)) + (a - a)
    near = (kept if a >= 0 else one) + c * p * psi
    inverse = one / (far if x > strong else near)
    p_next = (p if a >= 0 else p * kept) * inverse
    near = h - p * (psi + c * chi) * inverse
    # lambda is not wanted where x may be 0
    bent = (lost - kept) / (x if x > strong else one)
    far = (kept if a >= 0 else one) * left + p * (s * h) * (bent if a >= 0 else curved)
    by_i = p_next * (h * far * inverse if x > strong else near)
    return p_next, kept * inverse * inverse, by_i, -p_next * p * psi * inverse


@inlined
def limits_of(array):
    """(STRONG, x beyond which `decay` gives no smaller exp(-x)) in an array's type."""
    return array.dtype.type(STRONG), array.dtype.type(87 if array.itemsize == 4 else 708)


@inlined
def filtered(c, p, m, p_next):
    """(m', z') of eq. (2): m' = m + kappa (p + ahead (p' - p) - m)."""
    m_next = m + c.blend * ((p + c.ahead * (p_next - p)) - m)
    return m_next, c.now * (p_next - m_next) + c.before * (p - m)


# ---- forward: drive is I; state and mean change in place; blended_next is z' ----


@loop
def oscillator_euler_forward(c, drive, state, mean, blended_next, by_state, by_drive):
    """`euler_step`, never below the floor.

    Its derivatives are zero where the floor holds it.
    """
    # numbers of the arrays' type, as float32 with a literal would become float64
    zero, one = state.dtype.type(0), state.dtype.type(1)
    for j in range(state.size):
        p, m = state[j], mean[j]
        p_next, by_p, by_i = euler_step(p, drive[j], one, c.nonlinear_damping, c.step, one)
        held = p_next <= c.floor
        p_next = c.floor if held else p_next
        state[j] = p_next
        # `filtered` with the numbers of the Euler scheme
        m_next = m + c.blend * (p - m)
        mean[j] = m_next
        blended_next[j] = p_next - m_next
        by_state[j] = zero if held else by_p
        by_drive[j] = zero if held else by_i


def oscillator_forward_with(step):
    """The loop over `exponential_step` or `strong_step`.

    No derivative where the floor holds p'.
    """

    @loop
    def forward(c, drive, state, mean, blended_next, by_state, by_drive):
        zero, one, limits = state.dtype.type(0), state.dtype.type(1), limits_of(state)
        s = one + c.nonlinear_damping
        for j in range(state.size):
            p, m = state[j], mean[j]
            a, k = drive[j] - one, drive[j] + c.nonlinear_damping
            x = abs(a) * c.step
            p_next, by_p, by_i, _ = step(p, a, k, s, c.step, x, decay(x), limits, one)
            held = p_next <= c.floor
            by_state[j] = zero if held else by_p
            by_drive[j] = zero if held else by_i
            p_next = c.floor if held else p_next
            state[j] = p_next
            mean[j], blended_next[j] = filtered(c, p, m, p_next)

    return forward


oscillator_exponential_forward = oscillator_forward_with(exponential_step)
oscillator_strong_forward = oscillator_forward_with(strong_step)


@loop
def largest(drive, h):
    """`ordered` number of the largest |I - 1| h of a level."""
    one = drive.dtype.type(1)
    top = ordered(drive.dtype.type(0))
    for j in range(drive.size):
        number = ordered(abs(drive[j] - one) * h)
        top = number if number > top else top
    return top


@loop
def ctrnn_forward(c, drive, state, mean, blended_next, by_state, by_drive):
    """s' = s + kappa (tanh(I) - s); kappa is h (Euler) or 1 - exp(-h), exact for a held
    drive.

    ds'/dI = kappa (1 - tanh(I)^2) = kappa 4 E / (1 + E)^2 with E = exp(-2 |I|).
    """
    one, two = state.dtype.type(1), state.dtype.type(2)
    for j in range(state.size):
        s, m, current = state[j], mean[j], drive[j]
        x = two * abs(current)
        kept, lost, _ = decay(x)
        inverse = one / (one + kept)
        target = lost * x * inverse
        s_next = s + c.approach * ((target if current >= 0 else -target) - s)
        state[j] = s_next
        mean[j], blended_next[j] = filtered(c, s, m, s_next)
        by_state[j] = one - c.approach
        by_drive[j] = c.approach * kept * (two * inverse) * (two * inverse)


@inlined
def neurons_forward(c, drive, state, mean, blended_next, by_state, by_drive):
    """One substep of neurons that do not differ.

    The arguments are flat and do not overlap.
    """
    if c.model == OSCILLATOR_EXPONENTIAL:
        if largest(drive, c.step) > ordered(state.dtype.type(STRONG)):
            oscillator_strong_forward(c, drive, state, mean, blended_next, by_state, by_drive)
        else:
            oscillator_exponential_forward(c, drive, state, mean, blended_next, by_state, by_drive)
    elif c.model == OSCILLATOR_EULER:
        oscillator_euler_forward(c, drive, state, mean, blended_next, by_state, by_drive)
    else:
        ctrnn_forward(c, drive, state, mean, blended_next, by_state, by_drive)


@loop
def neurons_backward(c, by_state, by_drive, g_blended, g_blended_after, g_state, g_mean, g_base):
    """Adjoint of a substep of any model, from dLoss/dp' and dLoss/dm' to dLoss/dp,
    dLoss/dm, dLoss/dI.

    g_state and g_mean: on entry dLoss/dp' and dLoss/dm' but for what comes through z.
    g_blended and g_blended_after: dLoss/dz at the times of p' and one later. by_drive
    becomes dLoss/dI, as nobody needs dp'/dI afterwards; g_base sums it over time.
    """
    one = g_state.dtype.type(1)
    # of dLoss/dm' that go to p' and to p
    share, rest = c.ahead * c.blend, (one - c.ahead) * c.blend
    for j in range(g_state.size):
        g_y = c.now * g_blended[j] + c.before * g_blended_after[j]
        g_m = g_mean[j] - g_y
        g_p_next = (g_state[j] + g_y) + share * g_m
        g_state[j] = g_p_next * by_state[j] + rest * g_m
        g_mean[j] = (one - c.blend) * g_m
        g_drive = by_drive[j] * g_p_next
        by_drive[j] = g_drive
        g_base[j] += g_drive
