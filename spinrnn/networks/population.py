"""The neurons of a network as the kernels take them: numbers, states at rest, levels by
their address, and the way back to the gradients of trained quantities.
"""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from spinrnn.config.neurons import trained_of
from spinrnn.config.quantity import spread_names
from spinrnn.kernels.blocks import Neurons
from spinrnn.kernels.levels import authored, level_address
from spinrnn.kernels.stepping import Form
from spinrnn.networks.trainable import (
    STEP,
    check_others,
    dependences,
    trained_value,
    with_fields,
)
from spinrnn.synapses.layout import trained_block


class Group(NamedTuple):
    """Neighbouring neurons of one kind."""

    neuron: Any
    first: int
    rows: int


class Population:
    """The neurons of a network with their devices, for many calls.

    Args:
        config: `NetworkConfig`; layout: `Layout`; devices: `Devices` or None.
    Attributes:
        states: d, the most of all kinds; trained: n, numbers of a neuron whose gradient
            the kernels find; scratch: rows that a kind's own level asks for;
            difference: (N,) by how much each device's constant drive differs from the
            nominal one, or None.
    """

    def __init__(self, config, layout, devices=None):
        self.config, self._layout = config, layout
        self.groups = groups_of(config)
        self._factors = [_factors_of(group, devices) for group in self.groups]
        self.states = max(len(group.neuron.states) for group in self.groups)
        self._chosen = [self._choose(group) for group in self.groups]
        self.trained = max(len(chosen) for chosen in self._chosen)
        self.scratch = max(g.neuron.functions(config.scheme).scratch for g in self.groups)
        self._own = [self._values(i, {}) for i in range(len(self.groups))]
        self._nominal_bias = np.concatenate([self._bias_of(group) for group in self.groups])
        self.own_bias = np.concatenate([v.bias for v in self._own])
        self.difference = None if devices is None else self.own_bias - self._nominal_bias
        self._made = None
        if any(authored(group.neuron) for group in self.groups):
            # of an author's kind, whose mistakes are told before a run begins
            _ = self._levels

    @property
    def gradient_size(self):
        """Numbers that the kernels need for the gradients of numbers and of rest."""
        rows = sum(self.config.layers)
        return (self.trained + self.states) * rows if self.config.trained else 0

    def neurons(self, flat, g_start):
        """`blocks.Neurons` for flat parameters.

        Their gradients stand from g_start on in a block's vector.
        """
        if self._made is None or self.config.trained:
            values = self._own
            if self.config.trained:
                flat = flat.astype(np.float64)
                values = [
                    self._values(i, self._fields(group, flat))
                    for i, group in enumerate(self.groups)
                ]
            self._made = self._arrange(values, g_start)
        return self._made

    def put_gradient(self, packed, g_bias, g_start, flat, gradient):
        """Writes to a flat gradient what the trained quantities have of a packed one.

        g_bias: where dLoss/dI of each neuron, summed, stands in it.
        """
        if not self.config.trained:
            return
        rows, flat = sum(self.config.layers), flat.astype(np.float64)
        end = g_start + self.trained * rows
        g_numbers = packed[g_start:end].reshape(-1, rows)
        g_rest = packed[end : end + self.states * rows].reshape(-1, rows)
        for i, group in enumerate(self.groups):
            own = slice(group.first, group.first + group.rows)
            for name in trained_of(self.config, group.neuron):
                known = g_numbers[:, own], g_rest[:, own], packed[g_bias:][own]
                slope = self._slope(i, flat, name, *known)
                self._put_slope(group, name, slope, gradient)

    # ---- values of the neurons' numbers ----

    def _values(self, i, fields):
        """`_Values` of a group with other values of quantities, {name: (rows,)}."""
        group = self.groups[i]
        neuron = with_fields(group.neuron, fields)
        return _values_of(neuron, self.config.time_unit, self._factors[i], group.rows)

    def _bias_of(self, group):
        """(rows,) constant drive of nominal neurons."""
        q = group.neuron.nominal_numbers(self.config.time_unit)
        return np.broadcast_to(group.neuron.bias(q), group.rows)

    def _fields(self, group, flat, shifted=None):
        """{quantity: (rows,)} of a group's trained quantities; that of the name
        `shifted` with an imaginary part.
        """
        fields = {}
        for name in trained_of(self.config, group.neuron):
            x = self._coordinates(group, name, flat)
            x = x + 1j * STEP if name == shifted else x
            fields[name] = trained_value(group.neuron, name, x)
        return fields

    def _coordinates(self, group, name, flat):
        """(rows,) coordinates of a quantity in a group."""
        parts = []
        for layer, count in layers_of(self.config, group):
            block = flat[self._layout.places(trained_block(name, layer))]
            parts.append(np.broadcast_to(block, count))
        return np.concatenate(parts)

    def _put_slope(self, group, name, slope, gradient):
        """Writes (rows,) slopes of the loss to a quantity's part of the gradient."""
        at = 0
        for layer, count in layers_of(self.config, group):
            place = self._layout.places(trained_block(name, layer))
            own = slope[at : at + count]
            whole = place.stop - place.start == count
            gradient[place] = own if whole else own.sum()
            at += count

    def _slope(self, i, flat, name, g_numbers, g_rest, g_bias):
        """(rows,) dLoss/dx of a quantity's coordinates, by the complex step through
        numbers, rest and bias.
        """
        values = self._values(i, self._fields(self.groups[i], flat, name))
        others = np.delete(values.numbers, self._chosen[i], axis=0)
        check_others(self.groups[i].neuron, name, np.imag(others))
        slope = g_bias * (np.imag(values.bias) / STEP)
        for g, number in zip(g_numbers, (values.numbers[c] for c in self._chosen[i]), strict=False):
            slope = slope + g * (np.imag(number) / STEP)
        for g, rest in zip(g_rest, values.rest, strict=False):
            slope = slope + g * (np.imag(rest) / STEP)
        return slope

    def _choose(self, group):
        """Places of the numbers that depend on trained quantities."""
        names = trained_of(self.config, group.neuron)
        found = dependences(group.neuron, names, self.config.time_unit) if names else {}
        depending = {name for dependence in found.values() for name in dependence.numbers}
        numbers = group.neuron.nominal_numbers(self.config.time_unit)
        return tuple(i for i, name in enumerate(numbers) if name in depending)

    # ---- for the kernels ----

    @functools.cached_property
    def _levels(self):
        """(groups, 7) lines of `Neurons.table`, and the shared numbers; levels that are
        not in the cache are compiled here.
        """
        lines, shared, at, shared_at = [], [], 0, 0
        for i, group in enumerate(self.groups):
            neuron, own = group.neuron, np.asarray(group.neuron.shared(), dtype=self.config.dtype)
            count = len(self._own[i].numbers)
            chosen = self._chosen[i]
            form = Form(
                len(neuron.states), count, chosen, neuron.noisy, self.config.scheme == "euler"
            )
            functions = neuron.functions(self.config.scheme)
            address = level_address(functions, form, self.config.dtype, neuron.kind)
            alike = bool((np.ptp(self._own[i].numbers, axis=1) == 0).all())
            same = alike and not self.config.trained
            lines.append([address, group.first, group.rows, at, shared_at, len(own), same])
            at, shared_at = at + count * group.rows, shared_at + len(own)
            shared.append(own)
        return np.array(lines, dtype=np.int64), np.concatenate(shared)

    def _arrange(self, values, g_start):
        rows, dtype = sum(self.config.layers), self.config.dtype
        rest = np.zeros((self.states, rows), dtype=dtype)
        own = np.concatenate([v.bias for v in values])
        for group, v in zip(self.groups, values, strict=True):
            rest[: len(v.rest), group.first : group.first + group.rows] = v.rest
        table, shared_numbers = self._levels
        return Neurons(
            table=table,
            numbers=np.concatenate([v.numbers.ravel() for v in values]).astype(dtype),
            shared=shared_numbers,
            bias=(self._nominal_bias + (own - self.own_bias)).astype(dtype),
            rest=rest.ravel(),
            mean=rest[0].copy() if self.config.filter_time else np.zeros(rows, dtype=dtype),
            g_numbers=g_start,
            g_rest=g_start + self.trained * rows,
        )


class _Values(NamedTuple):
    """(Q, rows) numbers, (d, rows) states at rest, (rows,) constant drive."""

    numbers: np.ndarray
    rest: np.ndarray
    bias: np.ndarray


def _values_of(neuron, time_unit, factors, rows):
    q = neuron.numbers(time_unit, factors)
    numbers = [np.broadcast_to(value, rows) for value in q.values()]
    rest = [np.broadcast_to(value, rows) for value in neuron.rest(q)]
    return _Values(np.array(numbers), np.array(rest), np.broadcast_to(neuron.bias(q), rows))


def groups_of(config):
    """`Group`s of a network: neighbouring layers of the same neurons."""
    groups, top = [], 0
    for neuron, rows in zip(config.neurons, config.layers, strict=True):
        if groups and groups[-1].neuron == neuron:
            groups[-1] = groups[-1]._replace(rows=groups[-1].rows + rows)
        else:
            groups.append(Group(neuron, top, rows))
        top += rows
    return groups


def layers_of(config, group):
    """[(layer, neurons)] of a group."""
    tops = np.cumsum([0, *config.layers]).tolist()
    inside = range(group.first, group.first + group.rows)
    return [(i, n) for i, n in enumerate(config.layers) if tops[i] in inside]


def _factors_of(group, devices: Any) -> Mapping[str, Any]:
    """{spread's name: 1, or (rows,) of the group's devices}."""
    own = slice(group.first, group.first + group.rows)
    given = {} if devices is None else devices.factors
    names = spread_names(group.neuron)
    return {name: given[name][own] if name in given else 1.0 for name in names}
