"""The model written once more, slowly and obviously, in NumPy: one loop over time, one
over layers, no packing, no tricks.

Works for complex parameters too, so that the complex step gives gradients exact to
rounding. Knows nothing of spinrnn's kernels.
"""

import functools
import itertools

import numpy as np


def own(config, quantity):
    """A quantity of the network's neuron, 0 where its kind has none."""
    return getattr(config.neuron, quantity, 0.0)


def step_oscillator(config, p, drive, g=1.0, q=None, share=1.0):
    """p after a share of a substep for a drive held over it, eq. (1), in units of
    gamma; the analytic form of eq. (5), without its care for overflow.

    g: factor of gamma, q: Q, one number or one for each neuron.
    """
    h = share * config.input_interval / config.time_unit / config.resolved_substeps
    q = own(config, "nonlinear_damping") if q is None else q
    if config.scheme == "euler":
        return p + h * (-g * (1 + q * p) * p + drive * p * (1 - p))
    a, c = drive - g, drive + g * q
    x = a * h
    tiny = abs(x) < 1e-3
    safe = np.where(tiny, 1.0, a)
    phi = np.where(
        tiny,
        h * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5)))),
        (np.exp(safe * h) - 1) / safe,
    )
    return p * np.exp(x) / (1 + c * p * phi)


def threefry(counter, key):
    """Threefry-2x32-20 as its authors describe it; pairs of whole numbers."""
    keys, x, y = (*key, key[0] ^ key[1] ^ 0x1BD11BDA), counter[0] + key[0], counter[1] + key[1]
    x, y = x % 2**32, y % 2**32
    for turn in range(20):
        bits = (13, 15, 26, 6, 17, 29, 16, 24)[turn % 8]
        x = (x + y) % 2**32
        y = ((y << bits) | (y >> (32 - bits))) % 2**32 ^ x
        if turn % 4 == 3:
            place = turn // 4 + 1
            x, y = (x + keys[place % 3]) % 2**32, (y + keys[(place + 1) % 3] + place) % 2**32
    return x, y


@functools.cache
def normals(seed, substep, case, neuron):
    """(n1, n2), standard normal, as Box and Muller make them of the upper 31 bits of
    the two words.
    """
    key = [int(word) for word in np.random.SeedSequence(seed).generate_state(2, np.uint32)]
    x, y = threefry((case, neuron), threefry((substep, 0), key))
    u, v = ((word // 2 + 0.5) / 2**31 for word in (x, y))
    return np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v), np.sqrt(-2 * np.log(u)) * np.sin(
        2 * np.pi * v
    )


def noisy_step(config, p, drive, g, q, noise):
    """One substep with thermal noise: half a step, a kick of the complex amplitude,
    half a step; Euler: a step, raised to 0, a kick. noise: (n1, n2).
    """
    h = config.input_interval / config.time_unit / config.resolved_substeps
    s = np.sqrt(g * own(config, "thermal_power") / 2 * h)
    share = 1.0 if config.scheme == "euler" else 0.5
    p = step_oscillator(config, p, drive, g, q, share)
    amplitude = np.sqrt(np.where(np.real(p) > 0, p, 0))
    p = (amplitude + s * noise[0]) ** 2 + (s * noise[1]) ** 2
    if config.scheme == "euler":
        return p
    return step_oscillator(config, np.where(np.real(p) > 1, 1, p), drive, g, q, share)


def logits(config, views, u, lengths, record=None, devices=None, noise_seed=0):
    """Logits (case, class) of u (case, channel, time). record, a list, receives
    (states, drives) of each substep. devices: factors of each neuron.
    """
    steps = config.resolved_substeps
    h = config.input_interval / config.time_unit / steps
    ctrnn, second = config.neuron.kind == "ctrnn", config.scheme == "exponential"
    kappa = 1 - np.exp(-h * config.time_unit / (config.filter_time or np.inf))
    gains, floor = config.amplifications, own(config, "power_floor")
    xi0, q = own(config, "bias_ratio"), own(config, "nonlinear_damping")
    tops = np.cumsum([0, *config.layers])
    factors = (
        np.ones((4, tops[-1]))
        if devices is None
        else [devices.gamma, devices.nonlinear_damping, devices.bias, devices.gain]
    )
    damping, own_q, own_bias, own_gain = (
        [f[a:b] for a, b in itertools.pairwise(tops)] for f in factors
    )
    outputs = []
    for case in range(len(u)):
        rest = 0.0 if ctrnn else (xi0 - 1) / (xi0 + q)
        p = [np.full(n, rest + 0 * views["b_out"][0]) for n in config.layers]
        if devices is not None:
            for i in range(len(p)):
                xi = xi0 * own_bias[i] / damping[i]
                p[i] = p[i] * 0 + np.maximum((xi - 1) / (xi + q * own_q[i]), floor)
        m = [x.copy() for x in p]
        before = None
        trace = []
        for k in range(lengths[case] * steps):
            y = [p[i] - m[i] for i in range(len(p))] if not ctrnn else p
            trace.append(y[-1])
            recurrent = []
            for i in range(len(p)):
                r = views["w_int"][i] @ y[i]
                if i:
                    r = r + views["w_ext"][i] @ y[i - 1]
                recurrent.append(gains[i] * own_gain[i] * r)
            held = (
                recurrent
                if before is None or not second
                else [1.5 * a - 0.5 * b for a, b in zip(recurrent, before, strict=True)]
            )
            before = recurrent
            new_p, new_m, drives = [], [], []
            for i in range(len(p)):
                drive = (0 if ctrnn else xi0 * own_bias[i]) + views["bias"][i] + held[i]
                if i == 0:
                    drive = drive + gains[0] * own_gain[0] * (
                        views["w_ext"][0] @ u[case, :, k // steps]
                    )
                drives.append(drive)
                if ctrnn:
                    rate = 1 - np.exp(-h) if second else h
                    new_p.append(p[i] + rate * (np.tanh(drive) - p[i]))
                    new_m.append(m[i])
                else:
                    if own(config, "thermal_power") > 0:
                        noise = np.transpose(
                            [normals(noise_seed, k, case, j) for j in range(tops[i], tops[i + 1])]
                        )
                        nxt = noisy_step(config, p[i], drive, damping[i], q * own_q[i], noise)
                    else:
                        nxt = step_oscillator(config, p[i], drive, damping[i], q * own_q[i])
                    nxt = (
                        np.where(
                            np.real(nxt) < floor,
                            floor,
                            nxt,
                        )
                        if floor > 0
                        else nxt
                    )
                    mean = (p[i] + nxt) / 2 if second else p[i]
                    new_p.append(nxt)
                    new_m.append(m[i] + kappa * (mean - m[i]))
            if record is not None:
                record.append((p, drives))
            p, m = new_p, new_m
        trace.append(p[-1] if ctrnn else p[-1] - m[-1])
        w = config.readout_window
        if w == 0:
            seen = trace[-1]
        else:
            tail = np.array(trace[-(w * steps + 1) :])
            seen = (tail[0] / 2 + tail[1:-1].sum(0) + tail[-1] / 2) / (w * steps)
        if config.readout_features == "quadratic":
            seen = np.concatenate([seen, seen**2])
        outputs.append(config.output_amplification * (views["w_out"] @ seen + views["b_out"]))
    return np.array(outputs)


def loss(config, views, u, labels, lengths, devices=None, noise_seed=0):
    """Mean softmax cross-entropy."""
    total = 0
    for o, label in zip(
        logits(config, views, u, lengths, None, devices, noise_seed), labels, strict=True
    ):
        top = o.real.max()
        total = total + np.log(np.exp(o - top).sum()) + top - o[label]
    return total / len(u)


def complex_step_gradient(
    config, layout, flat, mask, u, labels, lengths, step=1e-30, devices=None, noise_seed=0
):
    """Gradient of `loss` with respect to each entry of flat, by the complex step."""
    gradient = np.zeros(flat.size)
    for i in range(flat.size):
        if mask is not None and not mask[i]:
            continue
        shifted = flat.astype(complex) * (1 if mask is None else mask)
        shifted[i] += 1j * step
        gradient[i] = (
            loss(config, layout.grouped(shifted), u, labels, lengths, devices, noise_seed).imag
            / step
        )
    return gradient


def bayesian_counters(memory, bins, starts, cycles, prior=None):
    """Counters (case, class) of a Bayesian machine, cycle by cycle: (B2) to (B4) of
    docs/MODEL.md.

    memory: (class, observable, bin) bytes; bins: (case, observable); starts: states of
    the registers at first, that of the prior last.
    """
    counters = np.zeros((len(bins), len(memory)), dtype=np.int64)
    for case, own in enumerate(bins):
        registers = [int(start) for start in starts]
        for _ in range(cycles):
            for i, row in enumerate(memory):
                bytes_read = [int(row[j, o]) for j, o in enumerate(own)]
                pairs = list(zip(registers, bytes_read, strict=False))
                if prior is not None:
                    pairs.append((registers[-1], int(prior[i])))
                counters[case, i] += all(byte >> r.bit_length() - 1 & 1 for r, byte in pairs)
            registers = [
                (r << 1 & 255) | (r >> 7 ^ r >> 5 ^ r >> 4 ^ r >> 3) & 1 for r in registers
            ]
    return counters
