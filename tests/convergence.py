"""Convergence of the coupled network to a reference integration of its differential
equations; run it to draw docs/convergence.png.

The reference is `scipy.integrate.solve_ivp` with DOP853, rtol 1e-11, restarted at each
input point, where the input jumps.
"""

import sys
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp

import spinrnn
from spinrnn.plotting import settings

KINDS = [
    ("oscillator", "exponential"),
    ("oscillator", "euler"),
    ("ctrnn", "exponential"),
    ("ctrnn", "euler"),
]
SUBSTEPS = (16, 32, 64, 128, 256)


def network(neuron, scheme):
    """Three layers of different sizes, Q > 0, parameters of order one."""
    config = spinrnn.NetworkConfig(
        layers=(4, 3, 2),
        inputs=2,
        outputs=2,
        neuron=neuron,
        scheme=scheme,
        nonlinear_damping=0.3,
        highpass_time=30e-9,
        dtype="float64",
    )
    net = spinrnn.Network(config, seed=3)
    net.parameters += 0.2 * np.random.default_rng(3).normal(size=net.parameters.size)
    return net


def reference(net, u):
    """Final states (neurons,) of the differential equations (1) to (3) for u (channel,
    time), in units of the relaxation time.
    """
    c, views = net.config, net.views()
    n, ctrnn = sum(c.layers), c.neuron.kind == "ctrnn"
    tops = np.cumsum((0, *c.layers))
    coupling = np.zeros((n, n))
    for layer in range(len(c.layers)):
        own = slice(tops[layer], tops[layer + 1])
        coupling[own, own] = views["w_int"][layer] * c.amplifications[layer]
        if layer:
            coupling[own, tops[layer - 1] : tops[layer]] = (
                views["w_ext"][layer] * c.amplifications[layer]
            )
    bias = np.concatenate(views["bias"])
    filter_rate = c.relaxation_time / (c.filter_time or np.inf)

    def slope(_, x, external):
        p, m = x[:n], x[n:]
        drive = bias + external + coupling @ (p if ctrnn else p - m)
        if ctrnn:
            return np.concatenate([np.tanh(drive) - p, 0 * m])
        drive += c.neuron.bias_ratio
        return np.concatenate(
            [-(1 + c.neuron.nonlinear_damping * p) * p + drive * p * (1 - p), filter_rate * (p - m)]
        )

    x = np.full(2 * n, c.reduced().rest)
    for point in u.T:
        external = np.zeros(n)
        external[: c.layers[0]] = c.amplifications[0] * (views["w_ext"][0] @ point)
        interval = c.input_interval / c.relaxation_time
        x = solve_ivp(
            slope, (0, interval), x, "DOP853", rtol=1e-11, atol=1e-13, args=(external,)
        ).y[:, -1]
    return x[:n]


def errors(neuron, scheme):
    """(substeps, largest distance of the final states from the reference)."""
    net = network(neuron, scheme)
    u = np.random.default_rng(4).uniform(-1, 1, (1, 2, 6))
    exact = reference(net, u[0])
    distances = []
    for substeps in SUBSTEPS:
        finer = net.replace(substeps=substeps)
        final = np.concatenate([state[0, :, -1] for state in finer.simulate(u).state])
        distances.append(np.abs(final - exact).max())
    return np.array(SUBSTEPS), np.array(distances)


def order(substeps, distances):
    """Order fitted to the three finest steps, where higher orders have died out."""
    return -np.polyfit(np.log(substeps[-3:]), np.log(distances[-3:]), 1)[0]


def main(path):
    from matplotlib.figure import Figure

    ax = Figure(figsize=(6, 4.2), layout="constrained").subplots()
    for (neuron, scheme), marker in zip(KINDS, "os^v", strict=True):
        substeps, distances = errors(neuron, scheme)
        fitted = order(substeps, distances)
        ax.loglog(
            1 / substeps,
            distances,
            "-" if scheme == "exponential" else "--",
            marker=marker,
            label=f"{neuron}, {scheme}: order {fitted:.2f}",
        )
        print(
            f"{neuron:<11}{scheme:<13}order {fitted:.3f}   "
            f"error with {substeps[-1]} substeps {distances[-1]:.1e}"
        )
    ax.set(xlabel="substep / relaxation time", ylabel="largest error of the final states")
    ax.xaxis.set_minor_formatter("")  # the labels would overlap
    ax.legend(frameon=False)
    ax.figure.savefig(path, dpi=120)


if __name__ == "__main__":
    page = Path(__file__).parent.parent / "docs" / "convergence.png"
    with settings():
        main(sys.argv[1] if len(sys.argv) > 1 else page)
