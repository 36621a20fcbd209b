"""The neurons of a network's layers: one kind for all of them, or one for each.

`NetworkConfig.neuron` and the table [neuron] are a single kind, or a list with one for
each layer, [[neuron]]. A list whose entries are all equal is the single one.
"""

import json
from collections.abc import Sequence
from typing import Any

from spinrnn.config import kinds, parts
from spinrnn.config.quantity import quantities
from spinrnn.config.spread import spreads_of
from spinrnn.config.tables import Problems, nearest, suggest

_TRAINING = {"train": "trained", "train_per": "trained_per"}
"""{key of a neuron's table: field of `NetworkConfig`}, which holds for the network."""


def entries(neuron: Any) -> dict[str, Any]:
    """{"neuron": kind} of a single one, {"neuron[0]": kind, ...} of a tuple."""
    return parts.entries("neuron", neuron)


def name_of(network: Any) -> str:
    """The kind of a network's neurons, of different ones as in "oscillator-ctrnn"."""
    return "-".join(one.kind for one in entries(network.neuron).values())


def title_of(network: Any) -> str:
    """What a network is called, as in "a network of spin-torque nano-oscillators"."""
    if isinstance(network.neuron, tuple):
        return f"a network of layers of different neurons, {name_of(network)}"
    return network.neuron.title


def trainable(*neurons: Any) -> list[str]:
    """Names of the quantities of these kinds that can be trained."""
    every = [item for one in neurons for item in quantities(one).items()]
    return list(dict.fromkeys(name for name, declared in every if declared.fit is not None))


def trained_of(network: Any, neuron: Any) -> tuple[str, ...]:
    """Those of `NetworkConfig.trained` that a layer of this neuron has."""
    known = trainable(neuron)
    return tuple(name for name in network.trained if name in known)


# ---- what is given ----


def made(given: Any) -> tuple[Any, list[str]]:
    """As `parts.one_or_each` of the neuron."""
    return parts.one_or_each("neuron", given)


def settled(neuron: Any, trained: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
    """(neuron, trained), a single kind for a tuple whose entries are all equal. Beside
    different ones the names have the order of the tables, which do not keep another.
    """
    if not isinstance(neuron, tuple):
        return neuron, trained
    if all(one == neuron[0] for one in neuron):
        return neuron[0], trained
    return neuron, tuple(name for name in trainable(*neuron) if name in trained)


# ---- checks ----


def unusual(neuron: Any) -> list[str]:
    """A sentence for each value of a neuron, or of each layer's, that is far from what
    is usual.
    """
    return [f"{place}.{text}" for place, one in entries(neuron).items() for text in one.unusual()]


def check_neurons(c: Any, found: Problems) -> None:
    """Adds what does not go together in a `NetworkConfig`: neurons of the layers, their
    number, scheme, filters, spreads and what is trained.
    """
    neurons = list({one.kind: one for one in entries(c.neuron).values()}.values())
    if isinstance(c.neuron, tuple) and len(c.neuron) != len(c.layers):
        wanted = f"give one kind, or one for each of the {len(c.layers)} layers"
        found.add("neuron", f"{wanted}, got {len(c.neuron)}")
    if not _check_emitted(neurons, found):
        return
    _check_scheme(c, neurons, found)
    if c.highpass_time is None and len({one.highpass for one in neurons}) > 1:
        own = ", ".join(f"of {one.kind} {_filter(one)}" for one in neurons)
        wanted = "must be given where neurons have different filters"
        found.add("highpass_time", f"{wanted} ({own}); it is one time in s for all layers, 0: none")
    here = " and ".join(one.kind for one in neurons)
    known = spreads_of(*neurons)
    for name in c.spread.deviations:
        if name not in known:
            owner = kinds.owner_of("neuron", name, spreads_of)
            this = "this one is" if len(neurons) == 1 else "these are"
            whose = f"a spread of the neuron {owner}, {this} {here}"
            unknown = f"unknown key{suggest(name, (*known, 'seed'))}"
            found.add(f"spread.{name}", whose if owner else unknown)
    names = trainable(*neurons)
    for name in c.trained:
        if name not in names:
            found.add("trained", f"{name} of {here} cannot be{suggest(name, names)}")
    if len(set(c.trained)) < len(c.trained):
        found.add("trained", f"a name stands there twice, got {list(c.trained)}")


def _check_emitted(neurons, found):
    """Whether each emits one number, which is all that couplings in time carry."""
    many = [one.kind for one in neurons if one.quadratures > 1]
    for kind in many:
        lacks = "emits two quadratures, which are coupled in networks that settle alone"
        found.add("neuron.kind", f'{kind} {lacks}; set network.kind = "symmetric"')
    return not many


def common_schemes(neurons: Sequence[Any]) -> list[str]:
    """Those that all of these kinds have, in the order of the first one."""
    return [name for name in neurons[0].schemes if all(name in one.schemes for one in neurons)]


def _check_scheme(c, neurons, found):
    common = common_schemes(neurons)
    if not common:
        here = " and ".join(one.kind for one in neurons)
        found.add("scheme", f"{here} have none in common, so they cannot be in one network")
    elif c.scheme not in common:
        wanted = " or ".join(json.dumps(name) for name in common)
        without = [one.kind for one in neurons if c.scheme not in one.schemes]
        if len(without) < len(neurons):
            wanted += f", as {' and '.join(without)} has no other"
        close = nearest(c.scheme, common)
        hint = f" (did you mean {json.dumps(close)}?)" if close else ""
        found.add("scheme", f"must be {wanted}{hint}, got {json.dumps(c.scheme)}")


def _filter(neuron):
    return "none" if neuron.highpass is None else f"{neuron.highpass:g} times its time"


# ---- tables ----


def from_table(table: Any) -> tuple[Any, dict[str, Any], list[str]]:
    """(`neuron`, {"trained": ..., "trained_per": ...} as far as it is given, problems)
    of what stands as [neuron] or [[neuron]].
    """
    rows = table if isinstance(table, list) else [table]
    neurons = [{key: row[key] for key in row if key not in _TRAINING} for row in rows]
    training = [{key: row[key] for key in _TRAINING if key in row} for row in rows]
    if not isinstance(table, list):
        return neurons[0], {_TRAINING[key]: value for key, value in training[0].items()}, []
    joint, problems = _joint(neurons, training)
    return neurons, {_TRAINING[key]: value for key, value in joint.items()}, problems


def _joint(neurons, training):
    """({"train": all names, "train_per": value} of the tables of layers, problems): a
    quantity is trained in all layers that have it.
    """
    lists = [own["train"] for own in training if "train" in own]
    wrong = [names for names in lists if not _are_names(names)]
    pers = [own["train_per"] for own in training if "train_per" in own]
    joint = {"train": wrong[0]} if wrong else {}
    joint |= {"train_per": pers[0]} if pers else {}
    if wrong or not lists:
        return joint, []
    names, problems = list(dict.fromkeys(name for own in lists for name in own)), []
    for i, (neuron, own) in enumerate(zip(neurons, training, strict=True)):
        known = trainable(kinds.stand_in("neuron", neuron))
        lacking = [n for n in names if n in known and n not in own.get("train", ())]
        if lacking:
            everywhere = "a quantity is trained in all layers that have it; write"
            problems.append(f"neuron[{i}].train: {everywhere} {', '.join(lacking)} here, too")
        if own.get("train_per", joint.get("train_per")) != joint.get("train_per"):
            problems.append(f"neuron[{i}].train_per: must be the same for all layers")
    return joint | {"train": names}, problems


def _are_names(names):
    return isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names)


def to_table(network: Any) -> Any:
    """What stands as [neuron], or a list of what stands as [[neuron]]."""
    rows = []
    for one in entries(network.neuron).values():
        names, row = trained_of(network, one), one.table()
        rows.append({**row, "train": names, "train_per": network.trained_per} if names else row)
    return rows if isinstance(network.neuron, tuple) else rows[0]
