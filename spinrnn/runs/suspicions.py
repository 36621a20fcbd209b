"""What in a configuration may be meant otherwise, by what its network would do with the
training data: `spinrnn check` tells all of it, a training what makes it endless.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from spinrnn.config import neurons
from spinrnn.config.quantity import quantities
from spinrnn.runs.effort import cut_problems, interval_warnings, step_warnings
from spinrnn.runs.excitation import Drives, drives_of, excitations
from spinrnn.runs.futile import futile, unreached
from spinrnn.runs.resting import LONG, rest_warnings

STEPPING = frozenset({"time", "equilibrium"})
"""Abilities of networks whose neurons take steps."""
_SIMULATED = 32
"""Cases whose drives are looked at before and after a training."""


@dataclass
class Suspicions:
    """Sentences, by what they are about.

    Attributes:
        unusual: values far from what is usual; impossible: drives that no step takes;
            slow: drives that have a step cut into many; long: times that do not suit
            the neurons; short: input intervals within which they hardly move.
        weak: layers that their drive does not excite, or nothing holds; driven: those
            that it does.
        futile: numbers with which nothing is learned.
        drives: of the layers; none of a network without steps.
    """

    unusual: list[str] = field(default_factory=list)
    impossible: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    long: list[str] = field(default_factory=list)
    short: list[str] = field(default_factory=list)
    weak: list[str] = field(default_factory=list)
    futile: list[str] = field(default_factory=list)
    driven: list[str] = field(default_factory=list)
    drives: Drives = field(default_factory=list)

    @property
    def endless(self) -> list[str]:
        """What makes a training endless or futile, and why it may be so."""
        return [*self.unusual, *self.impossible, *self.slow, *self.long, *self.futile]

    @property
    def problems(self) -> list[str]:
        """Why a network cannot run: what cannot be is named by the value that makes it
        so.
        """
        return (self.unusual or self.impossible) if self.impossible else []

    @property
    def warnings(self) -> list[str]:
        """All that may be meant otherwise."""
        unusual = [] if self.impossible else self.unusual
        return [*unusual, *self.weak, *self.slow, *self.long, *self.short, *self.futile]


def suspicions(net: Any, data: Any, excited: bool = True, estimator: Any = None) -> Suspicions:
    """`Suspicions` of a network and its training part, a `Dataset`.

    excited: whether thresholds are looked for, which takes a moment; estimator: of the
    training, None for any.
    """
    config, found = net.config, Suspicions()
    if not config.abilities & STEPPING:
        return found
    found.unusual, found.drives = neurons.unusual(config.neuron), drives_of(net, data)
    found.impossible, found.slow = cut_problems(net, found.drives)
    if "time" not in config.abilities:
        # a time that follows from a wrong value is wrong, too
        found.long = [] if found.unusual else step_warnings(config)
        found.weak = config.neuron.unheld(config.spread.deviations)
        classes = data.labels is not None
        found.futile = futile(net, estimator, found.drives, classes)
        return found
    interval = [] if _misled(config) else interval_warnings(config)
    if config.input_interval > config.usual_interval:
        found.long = interval
    else:
        found.short = interval
    if excited:
        found.driven, found.weak = excitations(net, found.drives)
    return found


def measured(net: Any, data: Any, found: Suspicions, seconds: float = LONG) -> list[str]:
    """Further sentences about a network that settles, from relaxations of some cases;
    none where what was found speaks against running it.

    seconds: that they may take, as far as they can be counted.
    """
    settles = net.config.abilities & STEPPING == {"equilibrium"}
    if not settles or found.unusual or found.impossible or found.slow or found.long:
        return []
    classes = data.labels is not None and not found.futile
    moving = rest_warnings(net, data, found.drives, seconds)
    return moving or (unreached(net, data) if classes else [])


def warn_beyond(net: Any, data: Any) -> None:
    """Warns where a network drives devices beyond what they were seen under, by a
    simulation of some cases of a `Dataset`.
    """
    c = net.config
    if "time" in c.abilities and any(neuron.seen for neuron in c.neurons):
        some = data.take(range(min(len(data), _SIMULATED)))
        net.simulate(some.inputs, some.lengths)


def _misled(config):
    """Whether the interval that suits the neurons follows from a value that is far from
    what is usual, so that it says nothing.
    """
    for neuron in neurons.entries(config.neuron).values():
        known, wrong = quantities(neuron), [text.partition(":")[0] for text in neuron.unusual()]
        usual = {name: known[name].default for name in wrong if name in known}
        if dataclasses.replace(neuron, **usual).usual_interval != neuron.usual_interval:
            return True
    return False
