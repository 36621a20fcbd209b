"""The model written once more, slowly and obviously, in NumPy: one loop over time, one over layers, no packing, no tricks.

Works for complex parameters too, so that the complex step gives gradients exact to rounding. Knows nothing of spinrnn's kernels.
"""

import numpy as np


def step_oscillator(config, p, drive):
    """p after one substep for a drive held over it, eq. (1), in units of gamma; the analytic form of eq. (5), without its care for overflow."""
    h = config.input_interval / config.relaxation_time / config.resolved_substeps
    q = config.nonlinear_damping
    if config.scheme == "euler":
        return p + h * (-(1 + q * p) * p + drive * p * (1 - p))
    a, c = drive - 1, drive + q
    x = a * h
    tiny = abs(x) < 1e-3
    safe = np.where(tiny, 1.0, a)
    phi = np.where(tiny, h * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5)))), (np.exp(safe * h) - 1) / safe)
    return p * np.exp(x) / (1 + c * p * phi)


def logits(config, views, u, lengths, record=None):
    """Logits (case, class) of u (case, channel, time). record, a list, receives (states, drives) of each substep."""
    steps = config.resolved_substeps
    h = config.input_interval / config.relaxation_time / steps
    ctrnn, second = config.neuron == "ctrnn", config.scheme == "exponential"
    kappa = 1 - np.exp(-h * config.relaxation_time / config.highpass_time)
    gains, xi0, q = config.amplifications, config.bias_ratio, config.nonlinear_damping
    outputs = []
    for case in range(len(u)):
        rest = 0.0 if ctrnn else (xi0 - 1) / (xi0 + q)
        p = [np.full(n, rest + 0 * views["b_out"][0]) for n in config.layers]
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
                recurrent.append(gains[i] * r)
            held = recurrent if before is None or not second else [1.5 * a - 0.5 * b for a, b in zip(recurrent, before, strict=True)]
            before = recurrent
            new_p, new_m, drives = [], [], []
            for i in range(len(p)):
                drive = (0 if ctrnn else xi0) + views["bias"][i] + held[i]
                if i == 0:
                    drive = drive + gains[0] * (views["w_ext"][0] @ u[case, :, k // steps])
                drives.append(drive)
                if ctrnn:
                    rate = 1 - np.exp(-h) if second else h
                    new_p.append(p[i] + rate * (np.tanh(drive) - p[i]))
                    new_m.append(m[i])
                else:
                    nxt = step_oscillator(config, p[i], drive)
                    nxt = np.where(np.real(nxt) < config.power_floor, config.power_floor, nxt) if config.power_floor > 0 else nxt
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
        outputs.append(config.output_amplification * (views["w_out"] @ seen + views["b_out"]))
    return np.array(outputs)


def loss(config, views, u, labels, lengths):
    """Mean softmax cross-entropy."""
    total = 0
    for o, label in zip(logits(config, views, u, lengths), labels, strict=True):
        top = o.real.max()
        total = total + np.log(np.exp(o - top).sum()) + top - o[label]
    return total / len(u)


def complex_step_gradient(config, layout, flat, mask, u, labels, lengths, step=1e-30):
    """Gradient of `loss` with respect to each entry of flat, by the complex step."""
    gradient = np.zeros(flat.size)
    for i in range(flat.size):
        if mask is not None and not mask[i]:
            continue
        shifted = flat.astype(complex) * (1 if mask is None else mask)
        shifted[i] += 1j * step
        gradient[i] = loss(config, layout.grouped(shifted), u, labels, lengths).imag / step
    return gradient
