"""Why a training diverges, and what to try: what is not finite before anything is
learned, and whose derivatives may be wrong.
"""

from typing import Any

import numpy as np

from spinrnn.config import kinds
from spinrnn.config.run import RunConfig
from spinrnn.kernels.levels import authored

LONG = 10
"""Input interval over what suits the neurons, above which it may be why it diverges."""
_RATE = "a smaller train.learning_rate or train.clip"


def reason(net: Any, config: RunConfig, inputs: np.ndarray, begun: bool) -> str:
    """What to say after where it diverged.

    Args:
        net: as it is; inputs: (case, channel, time) of the training; begun: whether a
            step was made, before which no learning rate matters.
    """
    if begun:
        return f"try {advice(config)}"
    found = not_finite(net)
    if found:
        return f"{found}, before anything is learned"
    known = "nothing is learned yet: parameters, the neurons' numbers and their states at the start"
    known += f" are finite, inputs are up to {_largest(inputs):.3g} and weights up to"
    known += f" {_largest(net.effective()):.3g}"
    return f"{known}; try {advice(config, None)}"


def advice(config: RunConfig, rate: str | None = _RATE) -> str:
    """What keeps a training from diverging; rate: what of the training does, None where
    nothing of it can.
    """
    network, last = config.network, rate or "smaller inputs or first weights"
    own = [kind.kind for kind in _neurons(network) if authored(kind)]
    ways = [kinds.gradcheck_of(name) for name in dict.fromkeys(own)]
    usual = getattr(network, "usual_interval", None)
    if getattr(network, "scheme", None) == "euler":
        ways += ['network.scheme = "exponential"', "more network.substeps"]
    elif usual is not None and network.input_interval > LONG * usual:
        ways += [f"network.input_interval = {usual:.1g}, which suits its neurons"]
    return f"{', '.join(ways)}{', or ' if ways else ''}{last}"


def not_finite(net: Any) -> str:
    """What is infinite or NaN of a network as it is, "" where all is finite."""
    for what, flat in (("parameters", net.parameters), ("weights", net.effective())):
        wrong = [n for n, x in net.layout.named(flat).items() if not np.isfinite(x).all()]
        if wrong:
            return f"the {what} {', '.join(wrong)} are not finite"
    unit = getattr(net.config, "time_unit", None)
    for neuron in _neurons(net.config):
        q = neuron.nominal_numbers(unit or neuron.time_unit)
        states = dict(zip((s.name for s in neuron.states), neuron.rest(q), strict=False))
        known = (("numbers", q), ("the drive of bias", {"bias": neuron.bias(q)}), ("rest", states))
        for what, values in known:
            wrong = [f"{n} = {x}" for n, x in values.items() if not np.isfinite(x).all()]
            if wrong:
                return f"{what} of the neuron {neuron.kind} gives {', '.join(wrong)}"
    return ""


def _neurons(network):
    """Kinds of neurons that take steps."""
    if "time" in network.abilities:
        return tuple(dict.fromkeys(network.neurons))
    return (network.neuron,) if "equilibrium" in network.abilities else ()


def _largest(values):
    return float(np.abs(values).max(initial=0.0))
