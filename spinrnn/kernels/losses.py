"""Losses of logits and their slopes, with which the backward pass begins."""

import numpy as np

from spinrnn.kernels.compiling import piece
from spinrnn.kernels.tiles import row_length


@piece
def cross_entropy(logits, labels, scale, losses, memory, g_logits):
    """losses (samples,) = log(sum_i exp(o_i)) - o_label, in float64; logits (samples,
    K).

    Also g_logits (P, K, V) = scale (softmax(o)_i - [i = label]), at that place of
    memory.
    """
    v, classes = row_length(memory), logits.shape[1]
    for j in range(labels.size):
        # exp of the largest logit could overflow
        top = logits[j, 0]
        for i in range(1, classes):
            top = logits[j, i] if logits[j, i] > top else top
        total = 0.0
        for i in range(classes):
            total += np.exp(np.float64(logits[j, i]) - np.float64(top))
        normaliser = np.log(total) + np.float64(top)
        losses[j] = normaliser - np.float64(logits[j, labels[j]])
        for i in range(classes):
            share = np.exp(np.float64(logits[j, i]) - normaliser)
            slope = share - 1.0 if i == labels[j] else share
            memory[g_logits + (j // v * classes + i) * v + j % v] = scale * slope
