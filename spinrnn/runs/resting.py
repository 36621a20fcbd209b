"""Whether a network that settles comes to rest within its steps, measured of some cases
with its first weights: no time constant of one neuron tells it, as coupled layers wait
for each other.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from spinrnn.config.symmetric import LARGEST_STEPS
from spinrnn.errors import ConfigError, DivergenceError
from spinrnn.kernels.tiles import lanes
from spinrnn.networks.symmetric import SymmetricNetwork
from spinrnn.runs.effort import PATIENCE, cuts_of
from spinrnn.runs.excitation import Drives

LEFT = 0.2
"""Of its way, by which a layer may move in as many steps again: it is at rest then."""
AGAIN = (0.1, 0.375, 1.0)
"""Shares of as many steps again after which is looked: not all of one period."""
LONG, SHORT = 4.5, 0.5
"""Seconds that a search for enough steps may take, as far as they can be counted, where
one asks for it and where one waits for a training."""
FEW = 1000
"""Steps that are looked at where nothing would follow from no rest within more."""
TIMES = 6
"""Time constants of a neuron that coupled ones take at least."""
EACH, OF_CUTS, OF_WEIGHTS = 10e-9, 250e-9, 0.1e-9
"""Seconds of a step of a neuron, of one of a kind that cuts steps, of a coupling."""
ALONE = 1e-3
"""Of the amplifications, where neurons are as good as alone."""
NOTHING = 1e3
"""Of the rounding of what is emitted: a shorter way is none."""


class Left(NamedTuple):
    """What is left of a relaxation after some steps.

    Attributes:
        share: of a layer's way, by which it moves in as many steps again, the largest
            of all layers; layer: which one.
    """

    share: float
    layer: int

    @property
    def settled(self) -> bool:
        return self.share < LEFT


def rest_warnings(
    net: SymmetricNetwork, data: Any, drives: Drives, seconds: float = LONG
) -> list[str]:
    """A sentence where the cases of a `Dataset` do not come to rest in the network's
    steps, with what lets them, looked for as long as `seconds`. A state that is not
    finite is left to the training; a network whose steps take too long is not run.

    drives: of the layers.
    """
    each = _seconds_of_step(net, drives)
    if 2 * net.config.steps * each > PATIENCE:
        return []
    try:
        walk = Walk(net, data.inputs[: lanes(net.config.dtype)])
        first = walk.left(net.config.steps)
        if not walk.way.any():
            return _unmoved(net.config)
        if first.settled:
            return []
        return _told(net, walk, first, _affordable(net.config, seconds / each))
    except DivergenceError:
        return []


class Walk:
    """A relaxation that goes on, and how far its layers are from their start.

    Args:
        net: the network; inputs: (case, channel, time), of which few are enough.
    Attributes:
        inputs: as given; start: as `to` gives it; way: (layer,) distance from there, of
            all neurons and cases together; 0 where it is rounding.
    """

    def __init__(self, net: SymmetricNetwork, inputs: np.ndarray) -> None:
        self.inputs, own = inputs, net.received(inputs)[:, :, 0]
        self._prepared, self._cases = net.prepared(), len(own)
        self._free = self._prepared.free(np.ascontiguousarray(own), 0)
        self._phase, self._steps = self._free.phase, 0
        c = net.config
        self._none = np.full((c.populations[-1], self._phase.emitted.shape[1]), np.nan, c.dtype)
        self._tops = np.cumsum(c.populations)[:-1]
        self._least = NOTHING * np.finfo(c.dtype).eps
        self.start = self._layers()
        self.way = np.zeros(len(c.populations))

    def to(self, steps: int) -> list[np.ndarray]:
        """[(neuron, case)] what each layer emits after so many steps, never fewer than
        before; of two quadratures as complex numbers.
        """
        more, free = steps - self._steps, self._free._replace(phase=self._phase)
        self._phase = self._prepared.nudged(free, self._none, 0.0, more, "drive")
        self._steps, now = steps, self._layers()
        sizes = np.array([np.linalg.norm(layer) for layer in now])
        ways = _distances(now, self.start)
        self.way = np.where(ways > self._least * sizes, ways, 0)
        return now

    def left(self, steps: int) -> Left:
        """What is left after so many steps; goes on to twice as many."""
        here = self.to(steps)
        after = [self.to(steps + math.ceil(share * steps)) for share in AGAIN]
        moved = np.max([_distances(there, here) for there in after], axis=0)
        shares = np.divide(moved, self.way, out=np.zeros_like(moved), where=self.way > 0)
        return Left(float(shares.max()), int(shares.argmax()))

    def enough(self, steps: int, most: int) -> tuple[bool, int]:
        """(whether it comes to rest, after how many steps or not even after so many),
        by doubling their number as long as it need not make more than `most`.
        """
        # with room, as what is slow is left to the end
        while not self.left(steps).share < LEFT / 2:
            if 4 * steps > most:
                return False, steps
            steps *= 2
        return True, steps

    def _layers(self):
        emitted = self._phase.emitted[:, : self._cases].astype(np.float64)
        neurons = len(emitted) // self._prepared.config.neuron.quadratures
        if neurons < len(emitted):
            emitted = emitted[:neurons] + 1j * emitted[neurons:]
        return np.split(emitted, self._tops)


def _distances(now, before):
    """(layer,) of two lists of what layers emit."""
    return np.array([np.linalg.norm(a - b) for a, b in zip(now, before, strict=True)])


# ---- what is said ----


def _unmoved(c):
    """A sentence where nothing moves though there was no time for it."""
    rest, whole = c.neuron.settling_time, c.steps * c.resolved_step
    if whole >= rest:
        return []
    about = f"network.step: {c.resolved_step:.3g} s is so short for {c.neuron.kind}, which comes"
    about += f" to rest in some {rest:.3g} s, that in {c.dtype} nothing moves in {c.steps} steps"
    return [f"{about}; set {c.neuron.time_unit:.3g}"]


def _told(net, walk, first, most):
    """A sentence of what is left, and what lets it come to rest."""
    c, kind = net.config, net.config.neuron.kind
    short = c.step is not None and c.step < c.neuron.time_unit
    about = f"network.{'step' if short else 'steps'}: {c.steps} steps of {c.resolved_step:.3g} s"
    about += f" do not bring {kind} to rest: as many again move layer {first.layer} by"
    about += f" {100 * first.share:.0f} % of its way"
    found, steps = walk.enough(2 * c.steps, most)
    ways = _ways(net, walk.inputs, steps) if found else []
    if ways:
        return [f"{about}; set {' or '.join(ways)}"]
    if c.neuron.quadratures == 2:
        # some that do not lock do no harm; where many do not, `Neuron.unheld` tells it
        return []
    least = math.ceil(TIMES * c.neuron.settling_time / c.resolved_step)
    if least > steps:
        own = f"it takes some {c.neuron.settling_time:.3g} s for that even alone"
        return [f"{about}, and {own}; set network.steps = {least} or more, or longer ones"]
    alone = net.replace(amplification=tuple(ALONE * a for a in c.amplifications))
    if Walk(alone, walk.inputs).enough(c.steps, 2 * steps)[0]:
        weak = "hardly coupled it comes to rest: lower network.amplification or"
        return [f"{about}, and {steps} are not enough; {weak} network.start_gain"]
    own = "nor are they where it is hardly coupled: its own numbers keep it moving, as its bias"
    return [f"{about}, and {steps} are not enough, {own}; see [neuron]"]


def _ways(net, inputs, steps):
    """What to set, each of which was tried: so many steps, or longer ones."""
    c, found = net.config, [f"network.steps = {steps}"] if steps <= LARGEST_STEPS else []
    text = f"{c.resolved_step * steps / c.steps:.2g}"
    if _cuts(c):
        # a long step takes as long as all of those into which it is cut
        return found
    try:
        longer = net.replace(step=float(text))
        if Walk(longer, inputs).left(c.steps).settled:
            found.append(f"network.step = {text}")
    except (ConfigError, DivergenceError):
        # it is longer than the neuron takes
        pass
    return found


def _cuts(c):
    """Whether the kind cuts a long step into many."""
    functions = c.neuron.functions(c.resolved_scheme)
    return functions.strength is not None and functions.rounded


def _seconds_of_step(net, drives):
    """About, of all cases that are looked at."""
    c, each = net.config, EACH
    if _cuts(c):
        each = OF_CUTS * max(1.0, *cuts_of(net, drives))
    return lanes(c.dtype) * (each * sum(c.populations) + 2 * OF_WEIGHTS * net.layout.size)


def _affordable(c, steps):
    """Steps that may be looked at, of which half may be enough, where time is for so
    many.
    """
    few = max(FEW, 4 * c.steps) if c.neuron.quadratures == 2 else math.inf
    return int(min(steps, few, 2 * LARGEST_STEPS))
