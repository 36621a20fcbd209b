"""A network of any kind of neuron in plain NumPy, one case, layer and substep after the
other; it knows nothing of the kernels. The neuron's own step is called as Python, so
complex parameters give gradients exact to rounding; built-in neurons have `twin`'s equations."""

import copy

import numpy as np
import twin

from spinrnn.config.quantity import quantities


def values_of(config, views, layer):
    """The layer's neuron with its trained quantities as arrays, and their numbers."""
    neuron = copy.copy(config.neurons[layer])
    for name in config.trained:
        if name not in quantities(neuron):
            continue
        x, fit = views[f"neuron_{name}"][layer], quantities(neuron)[name].fit
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


def step_built_in(config, q, states, drive, noise):
    """`step_layer` of an oscillator or a CTRNN, by their equations; noise: [(n1, n2)]."""
    h, (p,), euler = config.reduced().step, states, config.scheme == "euler"
    if "rate" in q:
        kappa = h * q["rate"] if euler else 1 - np.exp(-h * q["rate"])
        return [p + kappa * (np.tanh(drive) - p)]

    def step(p, h):
        a, c = drive - q["damping"], drive + q["saturation"]
        if euler:
            return p + h * (a * p - c * p * p)
        return p * np.exp(a * h) / (1 + c * p * np.expm1(a * h) / a)

    if (np.real(q["noise"]) > 0).any():
        n1, n2 = np.transpose(noise)
        s, p = np.sqrt(q["noise"] / 2 * h), step(p, h if euler else h / 2)
        amplitude = np.sqrt(np.where(np.real(p) > 0, p, 0))
        p = (amplitude + s * n1) ** 2 + (s * n2) ** 2
        p = p if euler else step(np.where(np.real(p) > 1, 1, p), h / 2)
    else:
        p = step(p, h)
    return [np.where(np.real(p) < q["floor"], q["floor"], p)]


def logits(config, views, u, lengths, devices=None, seed=0, advance=None):
    """(case, class) for u (case, channel, time).

    advance: (config, q, states, drive, (substep, case, first neuron)) -> states, where
    it is not the author's step.
    """
    second, count = config.scheme != "euler", len(config.layers)
    steps, filtered = config.resolved_substeps, config.filter_time is not None
    kappa = config.reduced().blend
    neurons = [values_of(config, views, i) for i in range(count)]
    numbers = [numbers_of(config, neurons[i], devices, i) for i in range(count)]
    gains = [np.ones(n) * a for n, a in zip(config.layers, config.amplifications, strict=True)]
    tops = np.cumsum([0, *config.layers])
    if devices is not None:
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
                if advance is not None:
                    where = k, case, sum(config.layers[:i])
                    after.append(advance(config, numbers[i], s[i], drive, where))
                elif neurons[i].kind in ("oscillator", "ctrnn"):
                    own = range(tops[i], tops[i + 1])
                    noise = [twin.normals(seed, k, case, n) for n in own if neurons[i].noisy]
                    after.append(step_built_in(config, numbers[i], s[i], drive, noise))
                else:
                    after.append(step_layer(config, neurons[i], numbers[i], s[i], drive))
            for i in range(count):
                target = (s[i][0] + after[i][0]) / 2 if second else s[i][0]
                m[i] = m[i] + kappa * (target - m[i])
            s = after
        seen.append(s[-1][0] - m[-1])
        w = config.readout_window * steps
        tail = np.array(seen[-(w + 1) :])
        last = tail[-1] if not w else (tail[0] / 2 + tail[1:-1].sum(0) + tail[-1] / 2) / w
        if config.readout_features == "quadratic":
            last = np.concatenate([last, last**2])
        found.append(config.output_amplification * (views["w_out"] @ last + views["b_out"]))
    return np.array(found)


def loss(config, views, u, labels, lengths, devices=None, seed=0, advance=None):
    """Mean softmax cross-entropy."""
    total, found = 0, logits(config, views, u, lengths, devices, seed, advance)
    for o, label in zip(found, labels, strict=True):
        top = o.real.max()
        total = total + np.log(np.exp(o - top).sum()) + top - o[label]
    return total / len(u)


def slopes(net, u, labels, lengths, directions, seed=0, advance=None):
    """Slopes of the loss along (many, size) directions, by the complex step."""
    mask = 1 if net.mask is None else net.mask
    found = []
    for direction in directions:
        flat = (net.parameters + 1e-30j * direction) * mask
        views = net.layout.grouped(flat)
        value = loss(net.config, views, u, labels, lengths, net.devices, seed, advance)
        found.append(value.imag / 1e-30)
    return np.array(found)
