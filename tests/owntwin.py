"""A network of any kind of neuron in plain NumPy, one case, layer and substep after the
other; it knows nothing of the kernels. The neuron's own step is called as Python, so
complex parameters give gradients exact to rounding."""

import copy

import numpy as np

from spinrnn.config.quantity import quantities


def values_of(config, views, layer):
    """The layer's neuron with its trained quantities as arrays, and their numbers."""
    neuron = copy.copy(config.neurons[layer])
    for name in config.trained:
        x, fit = views[f"neuron_{name}"][layer], quantities(neuron)[name].fit
        if name not in quantities(neuron):
            continue
        nominal = getattr(neuron, name)
        value = {
            "log": lambda x, n: n * np.exp(x),
            "log1p": lambda x, n: (1 + n) * np.exp(x) - 1,
            "plain": lambda x, n: n + x,
        }[fit](x, nominal)
        declared = quantities(neuron)[name]
        for limit, beyond in ((declared.low, np.less), (declared.high, np.greater)):
            if limit is not None:
                value = np.where(beyond(np.real(value), limit), limit, value)
        object.__setattr__(neuron, name, value * np.ones(config.layers[layer]))
    return neuron


def numbers_of(config, neuron, devices, layer):
    """(names, [(n,) ...]) of a layer's neurons."""
    tops = np.cumsum([0, *config.layers])
    factors = {q.spread: 1.0 for q in quantities(neuron).values() if q.spread}
    if devices is not None:
        own = slice(tops[layer], tops[layer + 1])
        factors = {name: getattr(devices, name)[own] for name in factors}
    q = neuron.numbers(config.time_unit, factors)
    return {name: value * np.ones(config.layers[layer]) for name, value in q.items()}


def step_layer(config, neuron, q, states, drive):
    """States of a layer's neurons after a substep, by the author's own step."""
    step, h = neuron.functions(config.scheme).step, config.reduced().step
    shared, after = neuron.shared(), []
    for n in range(len(drive)):
        own = tuple(value[n] for value in q.values())
        after.append(step(own, shared, h, tuple(s[n] for s in states), drive[n], 1.0)[0])
    return [np.array(level) for level in zip(*after, strict=True)]


def logits(config, views, u, lengths, devices=None):
    """(case, class) for u (case, channel, time)."""
    second, count = config.scheme != "euler", len(config.layers)
    steps, filtered = config.resolved_substeps, config.filter_time is not None
    kappa = config.reduced().blend
    neurons = [values_of(config, views, i) for i in range(count)]
    numbers = [numbers_of(config, neurons[i], devices, i) for i in range(count)]
    gains = [np.ones(n) * a for n, a in zip(config.layers, config.amplifications, strict=True)]
    if devices is not None:
        tops = np.cumsum([0, *config.layers])
        gains = [g * devices.gain[tops[i] : tops[i + 1]] for i, g in enumerate(gains)]
    found = []
    for case in range(len(u)):
        s = [
            [np.ones(n) * level for level in neurons[i].rest(numbers[i])]
            for i, n in enumerate(config.layers)
        ]
        m = [levels[0] * filtered for levels in s]
        before, seen = None, []
        for k in range(lengths[case] * steps):
            y = [s[i][0] - m[i] for i in range(count)]
            seen.append(y[-1])
            coupled = [
                gains[i] * (views["w_int"][i] @ y[i] + (views["w_ext"][i] @ y[i - 1] if i else 0))
                for i in range(count)
            ]
            held = coupled
            if second and before is not None:
                held = [1.5 * a - 0.5 * b for a, b in zip(coupled, before, strict=True)]
            before, after = coupled, []
            for i in range(count):
                drive = neurons[i].bias(numbers[i]) + views["bias"][i] + held[i]
                if not i:
                    drive = drive + gains[0] * (views["w_ext"][0] @ u[case, :, k // steps])
                after.append(step_layer(config, neurons[i], numbers[i], s[i], drive))
            for i in range(count):
                target = (s[i][0] + after[i][0]) / 2 if second else s[i][0]
                m[i] = m[i] + kappa * (target - m[i])
            s = after
        seen.append(s[-1][0] - m[-1])
        w = config.readout_window * steps
        tail = np.array(seen[-(w + 1) :])
        last = tail[-1] if not w else (tail[0] / 2 + tail[1:-1].sum(0) + tail[-1] / 2) / w
        found.append(config.output_amplification * (views["w_out"] @ last + views["b_out"]))
    return np.array(found)


def loss(config, views, u, labels, lengths, devices=None):
    """Mean softmax cross-entropy."""
    total = 0
    for o, label in zip(logits(config, views, u, lengths, devices), labels, strict=True):
        top = o.real.max()
        total = total + np.log(np.exp(o - top).sum()) + top - o[label]
    return total / len(u)


def slopes(net, u, labels, lengths, directions):
    """Slopes of the loss along (many, size) directions, by the complex step."""
    mask = 1 if net.mask is None else net.mask
    found = []
    for direction in directions:
        flat = (net.parameters + 1e-30j * direction) * mask
        views = net.layout.grouped(flat)
        value = loss(net.config, views, u, labels, lengths, net.devices)
        found.append(value.imag / 1e-30)
    return np.array(found)
