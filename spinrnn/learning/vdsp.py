"""Voltage-dependent synaptic plasticity: when a neuron fires, its synapses learn from
the potentials of their inputs (Garg et al. 2022, arXiv:2203.11022).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from spinrnn.config.tables import Problems
from spinrnn.learning.learner import Step
from spinrnn.learning.protocol import Estimator
from spinrnn.networks.losses import losses_of
from spinrnn.synapses.protocol import Events

_END = 1e-6
"""A state so near to an end of its window counts as saturated."""


@dataclass(frozen=True)
class VDSP(Estimator):
    """The rule (S4) of docs/MODEL.md, which needs no labels: they only say, at the end
    of each epoch, which class each neuron answers to.

    Attributes:
        labelling: cases of the training part, by whose spikes neurons get their
            classes: the first ones, or where these lack a class, as in data sorted by
            class, evenly spaced ones; 0: all.
        potentials: "shuffled" lets each synapse see the potential of another input, in
            each case another one; a control, which must not learn.
    """

    kind = "vdsp"
    local = True
    weighs = False
    hears_devices = False
    needs = frozenset({"events"})

    labelling: int = 10000
    potentials: Literal["own", "shuffled"] = "own"

    def problems(self) -> list[str]:
        found = Problems(self)
        found.require(self.labelling >= 0, "labelling", "0 or more")
        return found

    def present(self, net: Any, batch: Any, rate: float, seed: tuple[int, ...]) -> Step:
        """Shows the cases of a batch in order. Outputs and loss are those of neurons
        with the classes that they had before the batch.
        """
        inputs, targets, lengths = batch
        counts, _, moved = net.show(
            net.cases(inputs, lengths), rate, seed[0], self.potentials == "shuffled"
        )
        outputs = net.answers(counts)
        loss = float(losses_of(outputs, targets)[0].mean())
        net.tally(counts, targets.labels[:, 0])
        return Step(outputs, loss, 0.0, _events(net, moved))

    def settle(self, net: Any, task: Any, training: Any) -> None:
        """Gives the neurons their classes, with learning off."""
        cases = training.take(_chosen(np.asarray(training.labels), self.labelling))
        labels = task.targets(net, cases).labels[:, 0]
        net.tally(net.counted(net.cases(cases.inputs, cases.lengths)), labels, fresh=True)


def _chosen(labels, wanted):
    """Numbers of so many cases: the first ones, evenly spaced ones where these lack a
    class; 0 for all.
    """
    every = np.arange(len(labels))
    if not wanted or wanted >= len(labels):
        return every
    if set(labels[:wanted].tolist()) >= set(labels.tolist()):
        return every[:wanted]
    return every[np.arange(wanted) * len(labels) // wanted]


def _events(net, moved):
    """`Events` of so many changes of synapses."""
    answer = net.config.synapse.answer(int(net.config.inputs))
    x = (net.parameters - answer.low) / answer.span
    saturated = np.count_nonzero((x <= _END) | (x >= 1 - _END))
    return Events(moved, moved * answer.energy, 0, int(saturated))
