"""Losses of logits and their slopes, with which the backward pass begins.

The loss of a sample is the mean over its targets, times its weight. Sizes as in
`kernels.blocks`: K outputs, R times of reading, P panels of V samples.
"""

from typing import NamedTuple

import numpy as np

from spinrnn.kernels.compiling import piece
from spinrnn.kernels.tiles import row_length


class Targets(NamedTuple):
    """What outputs should be, one of the first two or neither; and of a device in the
    loop what it gave: loss and slope are those of measured numbers.
    """

    # (samples, R) int64 classes, -1 where there is none; or (0, 0)
    labels: np.ndarray
    # (samples, K, R) float64, NaN where there is none; or (0, 0, 0)
    values: np.ndarray
    # (samples,) float64 weight of each sample's loss
    weights: np.ndarray
    # (samples, K, R) float64 outputs that a device has given, in place of the network's
    # own; or (0, 0, 0)
    measured: np.ndarray = np.empty((0, 0, 0))
    # (samples, F without squares, R) float64 what its readout has read, likewise
    features: np.ndarray = np.empty((0, 0, 0))


@piece
def cross_entropy(logits, labels, weights, scale, losses, memory, g_logits, panels):
    """losses (samples,) = mean of log(sum_i exp(o_i)) - o_label, in float64; logits
    (samples, K, R).

    Also g_logits (R, P, K, V) = scale (softmax(o)_i - [i = label]) / targets, at that
    place of memory.
    """
    v, classes = row_length(memory), logits.shape[1]
    for j in range(labels.shape[0]):
        count = 0
        for t in range(labels.shape[1]):
            count += labels[j, t] >= 0
        factor, total_loss = weights[j] / max(count, 1), 0.0
        for t in range(labels.shape[1]):
            label = labels[j, t]
            if label < 0:
                continue
            # exp of the largest logit could overflow
            top = logits[j, 0, t]
            for i in range(1, classes):
                top = logits[j, i, t] if logits[j, i, t] > top else top
            total = 0.0
            for i in range(classes):
                total += np.exp(np.float64(logits[j, i, t]) - np.float64(top))
            normaliser = np.log(total) + np.float64(top)
            total_loss += normaliser - np.float64(logits[j, label, t])
            for i in range(classes):
                share = np.exp(np.float64(logits[j, i, t]) - normaliser)
                slope = share - 1.0 if i == label else share
                place = g_logits + ((t * panels + j // v) * classes + i) * v + j % v
                memory[place] = scale * factor * slope
        losses[j] = factor * total_loss


@piece
def squared_error(outputs, values, weights, scale, losses, memory, g_outputs, panels):
    """losses (samples,) = mean of (o - value)^2 over what has a value, in float64;
    outputs and values (samples, K, R).

    Also g_outputs (R, P, K, V) = scale 2 (o - value) / targets, at that place of
    memory.
    """
    v, (count, rows, points) = row_length(memory), values.shape
    for j in range(count):
        known, total = 0, 0.0
        for i in range(rows):
            for t in range(points):
                # NaN is not equal to itself
                if values[j, i, t] == values[j, i, t]:
                    known += 1
                    total += (np.float64(outputs[j, i, t]) - values[j, i, t]) ** 2
        factor = weights[j] / max(known, 1)
        losses[j] = factor * total
        for i in range(rows):
            for t in range(points):
                if values[j, i, t] == values[j, i, t]:
                    slope = 2.0 * (np.float64(outputs[j, i, t]) - values[j, i, t])
                    place = g_outputs + ((t * panels + j // v) * rows + i) * v + j % v
                    memory[place] = scale * factor * slope
