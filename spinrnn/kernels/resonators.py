"""Chains of resonators: the weight that a chain has for each tone, and its adjoint.

    W_ji = sum_k A_jk 2 alpha f_jk (f_i - f_jk) / [(alpha f_jk)^2 + (f_i - f_jk)^2]

for tone i, chain j, resonator k; A_jk holds sign, strength and whether it works. Each
chain is computed whole by one call, so no result depends on how chains are shared out.
Frequencies may have any common unit. Loops go over what lies side by side in memory and
add to arrays, not to a number: so they become vector instructions.
"""

from spinrnn.kernels.compiling import kernel, loop


@loop
def _add_line(tones, f, strength, alpha, out):
    """out (I,) += strength G(tones), of one resonator at f."""
    a = alpha * f
    square, factor = a * a, strength * (a + a)
    for i in range(tones.shape[0]):
        d = tones[i] - f
        out[i] += factor * d / (square + d * d)


@loop
def _add_slopes(tone, g, resonances, alpha, out):
    """out (K,) += g f_i (d^2 - a^2) / (a^2 + d^2)^2, of one tone at all resonators."""
    one = alpha / alpha
    factor = g * tone
    for k in range(resonances.shape[0]):
        a, d = alpha * resonances[k], tone - resonances[k]
        aa, dd = a * a, d * d
        inverse = one / (aa + dd)
        out[k] += factor * (dd - aa) * inverse * inverse


@kernel
def chains_forward(tones, resonances, strengths, alpha, first, last, out):
    """Weights out (J, I) of the chains from `first` to `last` - 1.

    tones: (I,) f_i; resonances: (J, K) f_jk; strengths: (J, K) A_jk; alpha: damping, of
    the arrays' type.
    """
    for j in range(first, last):
        out[j, :] = 0
        for k in range(resonances.shape[1]):
            _add_line(tones, resonances[j, k], strengths[j, k], alpha, out[j])


@kernel
def chains_backward(tones, resonances, strengths, alpha, g_out, first, last, out):
    """Adjoint of `chains_forward`: out (J, K) = dLoss/df_jk of g_out (J, I).

    With d = f_i - f_jk and a = alpha f_jk: dG/df_jk = 2 alpha f_i (d^2 - a^2) / (a^2 +
    d^2)^2.
    """
    two = alpha + alpha
    for j in range(first, last):
        out[j, :] = 0
        for i in range(tones.shape[0]):
            _add_slopes(tones[i], g_out[j, i], resonances[j], alpha, out[j])
        for k in range(resonances.shape[1]):
            out[j, k] *= two * strengths[j, k]
